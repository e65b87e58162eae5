/* SPDX-License-Identifier: MIT */
/*
 * What the files lua_<subject>.c offer to kit.c. Each list goes into the global table of its name,
 * or into _G. All run protected, under the limits of the state they are called in.
 */
#ifndef MOONHOOK_RUNNER_WORKER_BINDING_H
#define MOONHOOK_RUNNER_WORKER_BINDING_H

#include <stdbool.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/slice.h"

/* STATIC, ended by {NULL, NULL}. */
extern const luaL_Reg base_functions[];      /* pcall xpcall next pairs */
extern const luaL_Reg outcome_functions[];   /* skip retry_after reject need */
extern const luaL_Reg rule_functions[];      /* rule */
extern const luaL_Reg predicate_functions[]; /* changed has is all any none */
extern const luaL_Reg value_functions[];     /* now random units money */
extern const luaL_Reg parallel_functions[];
extern const luaL_Reg use_functions[];
extern const luaL_Reg json_functions[];
extern const luaL_Reg log_functions[];
extern const luaL_Reg text_functions[];
extern const luaL_Reg time_functions[]; /* ago ahead day start */
extern const luaL_Reg http_functions[];
extern const luaL_Reg secret_functions[]; /* secret */
extern const luaL_Reg timer_functions[];  /* after cancel */

int library_setmetatable(lua_State *L);
int library_tostring(lua_State *L);
int library_format(lua_State *L);
int library_rep(lua_State *L);
int library_concat(lua_State *L);
int library_insert(lua_State *L);
int library_move(lua_State *L);
int library_remove(lua_State *L);
int library_sort(lua_State *L);

int order_next(lua_State *L);
int order_pairs(lua_State *L);

int text_similarity(lua_State *L);

/* math.random and random, the recorded one. */
int value_random(lua_State *L);

/* The JSON of the predicate at index; NULL: it is none. BORROWS while the value is there. */
const char *predicate_text(lua_State *L, int index);
/* Raises where the file's chunk has run. example: "has { .. }", its first word is the predicate's;
 * instead: what a function looks at. */
void predicate_begin(lua_State *L, const char *example, const char *instead);
/* An empty buffer for a predicate's JSON. BORROWS from the kit. */
struct buf *predicate_text_begin(lua_State *L);
/* Appends the value at index, or raises why it cannot be data. */
void predicate_put_value(lua_State *L, int index, struct buf *out);
/* Pushes the predicate of this text; answers 1. */
int predicate_push(lua_State *L, const struct buf *text);
/* The field's name at index; raises where it is none. */
const char *predicate_check_field(lua_State *L, int index, const char *kind);
int changed_call(lua_State *L);
/* Decides what is left of a predicate by asking its functions, in order, until it is settled; each
 * gets a copy of the event of its own. Raises what they raise. */
bool predicate_rest(lua_State *L, struct slice rest, struct slice event);

/* The time that a text says, a date alone in UTC. False: it says none. The stack has at most 4
 * values. */
bool time_read(lua_State *L, const char *function, const char *text, int64_t *ret_ms);

/* Makes `twenty` and sets it as a global. */
void twenty_furnish(lua_State *L);
/* The same with `kv`. */
void kv_furnish(lua_State *L);
/*
 * Suspends the run with a CALL whose arguments are the JSON text in args; `return
 * twenty_suspend(..)`. When the answer is there, then(L, .., ctx) goes on with the stack of this
 * call and gets the answer from twenty_push_answer, which raises where the call failed.
 */
int twenty_suspend(lua_State *L, const char *method, const char *object, struct slice args,
	lua_KContext ctx, lua_KFunction then);
void twenty_push_answer(lua_State *L);

/* In the parts of a secret, before and behind each name; a byte that JSON text never has. */
#define SECRET_MARK '\1'
/* Is the value at index a secret? Its parts: as JSON writes them between quotes; BORROWS while it
 * is there. */
bool secret_parts(lua_State *L, int index, struct slice *ret_parts);
bool secret_is(lua_State *L, int index);
/* Pushes "secret NAME". */
void secret_push_name(lua_State *L, struct slice parts);
/* __index of answers and of errors that have one: .json, from .body; nothing else. */
int http_find_json(lua_State *L);

/* The value of json.null. */
void json_push_null(lua_State *L);
bool json_is_null(lua_State *L, int index);
enum json_shape { JSON_PLAIN, JSON_RECORDS };
/* Pushes the value that the JSON text is; JSON_RECORDS gives objects with an id the short names.
 * Raises "<what>: this is not JSON". */
void json_decode(lua_State *L, struct slice text, enum json_shape shape, const char *what);
/* JSON_CALL: what the runner will not take is refused too: NUL in texts and keys, more levels and
 * marks than a frame may have. JSON_SECRETS: a secret is a text with SECRET_MARKs; otherwise it is
 * refused. */
enum json_use { JSON_ANY, JSON_CALL, JSON_SECRETS };
/* Appends the value at index as JSON, keys sorted. False with a sentence that names the path; then
 * out is as it was. May raise for want of memory. */
bool json_encode(lua_State *L, int index, enum json_use use, struct buf *out, char *ret_why,
	size_t why_size);
/* Sets the metatable of records on the table at the top. */
void record_mark(lua_State *L);

#endif
