/* SPDX-License-Identifier: MIT */
/*
 * Lines that ran, and lines that could.
 * From: state.c (the hook), rehearsal.c (what is asked). Lines that could run are read from the
 * bytecode of Lua 5.4 (ldump.c), the one place that says where code is: a function's instructions
 * each have a line, as a step from the one before or, now and then, in full. Fails where the
 * bytecode is of another form than this reads.
 */
#include "runner/worker/cover.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/slice.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define BITS_N (COVER_LINES_MAX / 8)

static void set_bit(uint8_t *bits, int line)
{
	if (line > 0 && line < COVER_LINES_MAX)
		bits[line / 8] |= (uint8_t)(1u << line % 8);
}

static bool has_bit(const uint8_t *bits, int line)
{
	return (bits[line / 8] >> line % 8 & 1) != 0;
}

/* --- what ran ----------------------------------------------------------------------------------
 */

/* NULL: there are too many, or no memory. */
static struct cover_file *find_file(struct cover *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->files[i].name, name) == 0)
			return &c->files[i];
	if (c->n == COVER_FILES_MAX)
		return NULL;
	struct cover_file *f = &c->files[c->n];
	f->bits = calloc(1, BITS_N);
	if (f->bits == NULL)
		return NULL;
	snprintf(f->name, sizeof(f->name), "%s", name);
	c->n++;
	return f;
}

static void note_line(lua_State *L, lua_Debug *ar)
{
	struct cover *cover = state_of(L)->kit->cover;
	if (cover == NULL || ar->currentline <= 0 || lua_getinfo(L, "S", ar) == 0 ||
		ar->source[0] != '=')
		return;
	struct cover_file *f = find_file(cover, ar->source + 1);
	if (f != NULL)
		set_bit(f->bits, ar->currentline);
}

void cover_watch(lua_State *L)
{
	lua_sethook(L, note_line, LUA_MASKLINE, 0);
}

static enum rc put_bits(const uint8_t *bits, struct buf *out)
{
	enum rc rc = buf_put(out, "[", 1);
	bool some = false;
	for (int line = 1; line < COVER_LINES_MAX && rc == RC_OK; line++) {
		if (!has_bit(bits, line))
			continue;
		rc = buf_printf(out, "%s%d", some ? "," : "", line);
		some = true;
	}
	return rc == RC_OK ? buf_put(out, "]", 1) : rc;
}

enum rc cover_put(const struct cover *cover, struct buf *out)
{
	enum rc rc = buf_put(out, "{", 1);
	for (size_t i = 0; i < cover->n && rc == RC_OK; i++) {
		rc = i > 0 ? buf_put(out, ",", 1) : RC_OK;
		if (rc == RC_OK)
			rc = json_text_put(out, slice_of(cover->files[i].name));
		if (rc == RC_OK)
			rc = buf_put(out, ":", 1);
		if (rc == RC_OK)
			rc = put_bits(cover->files[i].bits, out);
	}
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

void cover_free(struct cover *cover)
{
	for (size_t i = 0; cover != NULL && i < cover->n; i++)
		free(cover->files[i].bits);
	free(cover);
}

/* --- what could ------------------------------------------------------------------------------- */

#define HEADER_N 31    /* bytes of a chunk in front of its first function, lua 5.4 */
#define ABSOLUTE -0x80 /* the line of this instruction is written out */
#define DEPTH_MAX 200

enum {
	TYPE_NIL = 0,
	TYPE_FALSE = 1,
	TYPE_TRUE = 17,
	TYPE_INTEGER = 3,
	TYPE_FLOAT = 19,
	TYPE_SHORT = 4,
	TYPE_LONG = 20
};

struct reader {
	const char *p, *end;
	uint8_t *bits;
	bool bad;
};

static const char *take(struct reader *r, size_t n)
{
	const char *at = r->p;
	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	return at;
}

static int take_byte(struct reader *r)
{
	const char *p = take(r, 1);
	return p != NULL ? (unsigned char)*p : 0;
}

/* Seven bits a byte, the highest first; the last one has its eighth bit set. */
static size_t take_size(struct reader *r)
{
	size_t n = 0;
	for (int i = 0; i < 10 && !r->bad; i++) {
		int b = take_byte(r);
		n = n << 7 | (size_t)(b & 0x7f);
		if ((b & 0x80) != 0)
			return n;
	}
	r->bad = true;
	return 0;
}

static void skip_string(struct reader *r)
{
	size_t n = take_size(r);
	if (n > 1)
		(void)take(r, n - 1);
}

static void skip_constants(struct reader *r)
{
	for (size_t n = take_size(r); n > 0 && !r->bad; n--) {
		switch (take_byte(r)) {
		case TYPE_NIL:
		case TYPE_FALSE:
		case TYPE_TRUE:
			break;
		case TYPE_INTEGER:
		case TYPE_FLOAT:
			(void)take(r, 8);
			break;
		case TYPE_SHORT:
		case TYPE_LONG:
			skip_string(r);
			break;
		default:
			r->bad = true;
		}
	}
}

/* Notes the lines of a function's instructions from the first-th on (no hook sees how the arguments
 * of a vararg function are put in order); skips what else is for debugging. */
static void read_lines(struct reader *r, size_t defined, size_t first)
{
	size_t steps_n = take_size(r);
	const signed char *steps = (const signed char *)take(r, steps_n);
	size_t absolute_n = take_size(r), line = defined;
	for (size_t i = 0, left = absolute_n; i < steps_n && !r->bad; i++) {
		if (steps[i] == ABSOLUTE && left > 0) {
			(void)take_size(r); /* which instruction: the next one that is so */
			line = take_size(r);
			left--;
		} else {
			line = (size_t)((int64_t)line + steps[i]);
		}
		if (i >= first && i + 1 < steps_n && line < COVER_LINES_MAX)
			set_bit(r->bits, (int)line);
	}
	for (size_t n = take_size(r); n > 0 && !r->bad; n--) { /* local variables */
		skip_string(r);
		(void)take_size(r);
		(void)take_size(r);
	}
	for (size_t n = take_size(r); n > 0 && !r->bad; n--) /* names of upvalues */
		skip_string(r);
}

static void read_function(struct reader *r, int depth)
{
	skip_string(r); /* source */
	size_t defined = take_size(r);
	(void)take_size(r);             /* last line */
	const char *flags = take(r, 3); /* parameters, vararg, stack */
	bool vararg = flags != NULL && flags[1] != 0;
	size_t code_n = take_size(r);
	(void)take(r, code_n < (1u << 28) ? code_n * 4 : SIZE_MAX);
	skip_constants(r);
	size_t upvalues_n = take_size(r);
	(void)take(r, upvalues_n < 256 ? upvalues_n * 3 : SIZE_MAX);
	for (size_t n = take_size(r); n > 0 && !r->bad; n--) {
		if (depth == 0)
			r->bad = true;
		else
			read_function(r, depth - 1);
	}
	read_lines(r, defined, vararg ? 1 : 0);
}

enum rc cover_put_lines(const struct buf *code, struct buf *out)
{
	static const char magic[] = LUA_SIGNATURE "\x54";
	struct reader r = {.p = code->p, .end = code->p + code->n, .bits = calloc(1, BITS_N)};
	if (r.bits == NULL)
		return RC_NOMEM;
	const char *head = take(&r, HEADER_N);
	(void)take_byte(&r); /* how many upvalues */
	if (head == NULL || memcmp(head, magic, sizeof(magic) - 1) != 0)
		r.bad = true;
	read_function(&r, DEPTH_MAX);
	enum rc rc = r.bad ? RC_PARSE : put_bits(r.bits, out);
	free(r.bits);
	return rc;
}
