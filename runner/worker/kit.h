/* SPDX-License-Identifier: MIT */
/*
 * What every state is furnished from: the functions of Lua's own libraries that rules may have,
 * found once, and the prelude, compiled once. A state is furnished from nothing: what is not named
 * in kit.c or in a binding is not there.
 */
#ifndef MOONHOOK_RUNNER_WORKER_KIT_H
#define MOONHOOK_RUNNER_WORKER_KIT_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"
#include "runner/worker/cover.h"
#include "runner/worker/letters.h"

/* X(library, function, bounded form or NULL): bounded ones live in lua_library.c. */
/* clang-format off */
#define KIT_STOCK(X) \
	X(_G, assert, NULL) X(_G, error, NULL) X(_G, getmetatable, NULL) X(_G, ipairs, NULL) \
	X(_G, rawequal, NULL) X(_G, rawget, NULL) X(_G, rawlen, NULL) X(_G, rawset, NULL) \
	X(_G, select, NULL) X(_G, setmetatable, library_setmetatable) X(_G, tonumber, NULL) \
	X(_G, tostring, library_tostring) X(_G, type, NULL) \
	X(string, byte, NULL) X(string, char, NULL) X(string, find, NULL) \
	X(string, format, library_format) X(string, gmatch, NULL) X(string, gsub, NULL) \
	X(string, len, NULL) X(string, lower, NULL) X(string, match, NULL) X(string, pack, NULL) \
	X(string, packsize, NULL) X(string, rep, library_rep) X(string, reverse, NULL) \
	X(string, sub, NULL) X(string, unpack, NULL) X(string, upper, NULL) \
	X(table, concat, library_concat) X(table, insert, library_insert) \
	X(table, move, library_move) X(table, pack, NULL) X(table, remove, library_remove) \
	X(table, sort, library_sort) X(table, unpack, NULL) \
	X(math, abs, NULL) X(math, acos, NULL) X(math, asin, NULL) X(math, atan, NULL) \
	X(math, ceil, NULL) X(math, cos, NULL) X(math, deg, NULL) X(math, exp, NULL) \
	X(math, floor, NULL) X(math, fmod, NULL) X(math, log, NULL) X(math, max, NULL) \
	X(math, min, NULL) X(math, modf, NULL) X(math, rad, NULL) X(math, sin, NULL) \
	X(math, sqrt, NULL) X(math, tan, NULL) X(math, tointeger, NULL) X(math, type, NULL) \
	X(math, ult, NULL) \
	X(utf8, char, NULL) X(utf8, codepoint, NULL) X(utf8, codes, NULL) X(utf8, len, NULL) \
	X(utf8, offset, NULL)
/* clang-format on */

enum kit_stock {
#define X(library, function, bounded) KIT_##library##_##function,
	KIT_STOCK(X)
#undef X
		KIT_STOCK_N,
};

/* String arithmetic ("10" + 1) lives in the metatable of strings. */
#define KIT_EVENTS_N 8

/* The prelude and what it loads when a rule needs it, so that a run holds no more than it uses. */
#define KIT_PIECES_N 6

struct kit {
	lua_CFunction stock[KIT_STOCK_N];
	lua_CFunction events[KIT_EVENTS_N];
	struct buf pieces[KIT_PIECES_N]; /* of the prelude; bytecode */
	struct buf scratch;              /* JSON on its way into a frame; one user at a time */
	struct letters letters;
	struct cover *cover;     /* owned; notes which lines run; NULL: nobody does */
	struct zone *utc, *zone; /* zone: another that was asked for last; NULL: none yet */
};

/* RC_NOMEM, RC_INVALID. kit is filled; kit_done frees what it holds. */
enum rc kit_open(struct kit *kit, struct err *err) must_check;
void kit_done(struct kit *kit);

/* Pushes the prelude (name "") or one of its pieces as a function. Raises. */
void kit_load_piece(lua_State *L, const char *name);
/* Puts the globals of a rule into L. Raises; call it protected. */
void kit_furnish(lua_State *L);
/* Appends the function at the top of L as bytecode; dropped lines also keep its frames out of
 * messages and tracebacks. RC_TOO_LARGE, RC_NOMEM. */
enum kit_lines { KIT_LINES_KEPT, KIT_LINES_DROPPED };
enum rc kit_dump(lua_State *L, enum kit_lines lines, struct buf *out) must_check;

#endif
