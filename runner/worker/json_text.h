/* SPDX-License-Identifier: MIT */
/*
 * JSON text without a tree: a cursor that reads value by value, checking as it goes, and the few
 * primitives that write. The worker reads straight into Lua tables with it, so that every byte of
 * the outcome counts against the run's own memory. RFC 8259, strict: no comments, no trailing
 * comma, UTF-8 only, at most JSON_TEXT_DEPTH levels.
 */
#ifndef MOONHOOK_RUNNER_WORKER_JSON_TEXT_H
#define MOONHOOK_RUNNER_WORKER_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/slice.h"

#define JSON_TEXT_DEPTH 128

struct json_text { /* a cursor; BORROWS the text */
	const char *p, *end;
};

enum json_text_kind {
	JSON_TEXT_OBJECT,
	JSON_TEXT_LIST,
	JSON_TEXT_STRING,
	JSON_TEXT_NUMBER,
	JSON_TEXT_TRUE,
	JSON_TEXT_FALSE,
	JSON_TEXT_NULL,
	JSON_TEXT_BAD, /* no value starts here */
};

struct json_text_number {
	bool is_int; /* written without fraction and exponent, and fits */
	int64_t i;   /* where is_int */
	double f;    /* where not */
};

/* What starts at the cursor, blanks skipped. */
enum json_text_kind json_text_peek(struct json_text *t);
/* Steps over one punctuation mark, blanks before it skipped; false where it is not there. */
bool json_text_mark(struct json_text *t, char mark);
/* Steps over true, false or null. */
bool json_text_word(struct json_text *t, const char *word) must_check;
/* Reads a string's raw inside; *ret_plain says that it has no escapes. */
bool json_text_string(struct json_text *t, struct slice *ret_raw, bool *ret_plain) must_check;
/* Writes a raw inside without its escapes; out has room for raw.n bytes. Answers how many were
 * written, SIZE_MAX for a broken escape. */
size_t json_text_unescape(struct slice raw, char *out);
bool json_text_number(struct json_text *t, struct json_text_number *ret_number) must_check;
/* Only blanks are left. */
bool json_text_end(struct json_text *t);

/* Is the text one value, by its grammar? */
bool json_text_whole(struct slice text);

/* Finds members of the object that text is: values[i] is the text of names[i], n 0 where it is
 * absent or null. False where text is no object. */
bool json_text_members(struct slice text, const char *const *names, struct slice *ret_values,
	size_t names_n) must_check;
/* The integer that text is, else fallback. */
int64_t json_text_int(struct slice text, int64_t fallback);
/* Appends the string that text is; RC_PARSE where it is none. */
enum rc json_text_copy(struct slice text, struct buf *out) must_check;

bool json_text_utf8(struct slice bytes);
/* Appends bytes as a JSON string; what is not UTF-8 becomes U+FFFD. RC_TOO_LARGE, RC_NOMEM. */
enum rc json_text_put(struct buf *out, struct slice bytes) must_check;
/* Appends a number; integral floats keep their point. False for NaN and infinities. */
bool json_text_format(double f, char *ret_text, size_t text_size) must_check;

#endif
