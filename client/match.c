/* SPDX-License-Identifier: MIT */
/*
 * Does a record meet a condition?
 * From: answers to lists, checked against what was asked, and filtered here where the server's
 * filter was wider. Cannot fail. Loose matching is for one question only: did the server look at
 * the filter at all?
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/fold.h"
#include "client/where.h"

static enum match negate(enum match m)
{
	return m == MATCH_UNSURE ? m : m == MATCH_YES ? MATCH_NO : MATCH_YES;
}

static enum match of(bool yes)
{
	return yes ? MATCH_YES : MATCH_NO;
}

/* "2024-01-01" and "2024-01-01T10:00:00.000Z" -> ms; -1 where it is neither. */
static int64_t time_of(const char *text)
{
	char whole[40];
	if (strlen(text) == 10) {
		snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
		return clock_parse(whole);
	}
	return clock_parse(text);
}

static bool equal_text(const struct where *w, const char *a, const char *b, enum match_mode mode)
{
	if (w->field.type == FIELD_EMAIL || w->field.type == FIELD_ID || mode == MATCH_LOOSE)
		return fold_equal(a, b);
	return strcmp(a, b) == 0;
}

static bool is_empty(const json_t *have)
{
	return have == NULL || (json_is_string(have) && json_string_length(have) == 0) ||
	       (json_is_array(have) && json_array_size(have) == 0);
}

static bool equal(
	const struct where *w, const json_t *have, const json_t *want, enum match_mode mode)
{
	bool nothing = json_is_null(want) || is_empty(want);
	if (nothing || is_empty(have))
		return nothing && is_empty(have);
	if (json_is_array(have)) {
		size_t i;
		json_t *each;
		json_array_foreach(have, i, each) if (equal(w, each, want, mode)) return true;
		return false;
	}
	if (json_is_number(have) && json_is_number(want))
		return json_number_value(have) == json_number_value(want);
	if (!json_is_string(have) || !json_is_string(want))
		return json_equal(have, want) != 0;
	const char *a = json_string_value(have), *b = json_string_value(want);
	if (equal_text(w, a, b, mode))
		return true;
	int64_t x = w->field.type == FIELD_DATE ? time_of(a) : -1;
	return x >= 0 && x == time_of(b);
}

static enum match ordered(const struct where *w, const json_t *have)
{
	if (have == NULL)
		return MATCH_NO;
	double a, b;
	if (json_is_number(have) && json_is_number(w->value)) {
		a = json_number_value(have);
		b = json_number_value(w->value);
	} else if (json_is_string(have) && json_is_string(w->value) &&
		   w->field.type != FIELD_TEXT) {
		int64_t x = time_of(json_string_value(have)),
			y = time_of(json_string_value(w->value));
		if (x < 0 || y < 0)
			return MATCH_UNSURE;
		a = (double)x;
		b = (double)y;
	} else
		return MATCH_UNSURE;
	return of(w->op == WHERE_GT    ? a > b
		  : w->op == WHERE_GTE ? a >= b
		  : w->op == WHERE_LT  ? a < b
				       : a <= b);
}

/* --- like --------------------------------------------------------------------------------------
 */

#define LIKE_WORDS (WHERE_TEXT_MAX / 64 + 1)

/* A pattern as sets of bits, one for each character: which may come next, and which may stay as it
 * is. All ways to read a text are followed at once, in the time of the text. */
struct like {
	size_t n;
	uint64_t fits[256][LIKE_WORDS]; /* by byte: the character at this place fits */
	uint64_t any[LIKE_WORDS];       /* behind %: whatever comes, it may stay here */
	uint64_t inside[LIKE_WORDS];    /* behind _: the rest of one character */
};

static void set_bit(uint64_t *set, size_t i)
{
	set[i / 64] |= UINT64_C(1) << i % 64;
}

static bool goes_on(int byte)
{
	return (byte & 0xC0) == 0x80;
}

/* % any text, _ any one character (not byte). */
static void like_read(struct like *l, const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '%') {
			set_bit(l->any, l->n);
			continue;
		}
		for (int c = 0; *pattern == '_' && c < 256; c++)
			if (!goes_on(c))
				set_bit(l->fits[c], l->n);
		if (*pattern == '_')
			set_bit(l->inside, l->n + 1);
		else
			set_bit(l->fits[(unsigned char)*pattern], l->n);
		l->n++;
	}
}

static bool like(const char *text, const char *pattern)
{
	struct like l = {.n = 0};
	uint64_t at[LIKE_WORDS] = {1};
	if (strlen(pattern) > WHERE_TEXT_MAX)
		return false;
	like_read(&l, pattern);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		uint64_t carry = 0;
		for (size_t i = 0; i < LIKE_WORDS; i++) {
			uint64_t next = at[i] & l.fits[c][i];
			at[i] &= goes_on(c) ? l.any[i] | l.inside[i] : l.any[i];
			at[i] |= next << 1 | carry;
			carry = next >> 63;
		}
	}
	return (at[l.n / 64] >> l.n % 64 & 1) != 0;
}

/* --- other texts -------------------------------------------------------------------------------
 */

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

/* Loosely, the server may know more of letters than we do. */
static bool textual(enum where_op op, const char *have, const char *want, enum match_mode mode)
{
	size_t n = strlen(have), m = strlen(want);
	if (op == WHERE_CONTAINS || mode == MATCH_LOOSE)
		return fold_find(have, want) ||
		       (mode == MATCH_LOOSE &&
			       (op == WHERE_LIKE || !is_ascii(have) || !is_ascii(want)));
	if (op == WHERE_LIKE)
		return like(have, want);
	if (m > n)
		return false;
	return memcmp(op == WHERE_STARTS ? have : have + n - m, want, m) == 0;
}

static enum match test_texts(const struct where *w, const json_t *have, enum match_mode mode)
{
	const char *want = json_string_value(w->value);
	if (json_is_array(have)) {
		size_t i;
		json_t *each;
		json_array_foreach(
			have, i, each) if (test_texts(w, each, mode) == MATCH_YES) return MATCH_YES;
		return MATCH_NO;
	}
	return of(json_is_string(have) && textual(w->op, json_string_value(have), want, mode));
}

static enum match test(const struct where *w, const json_t *record, enum match_mode mode)
{
	if (mode != MATCH_ABSENT && !field_known(record, w->field.path))
		return MATCH_UNSURE;
	const json_t *have = field_value(record, w->field.path);
	switch (w->op) {
	case WHERE_EQ:
	case WHERE_NEQ:
		return of(equal(w, have, w->value, mode));
	case WHERE_IN: {
		size_t i;
		json_t *each;
		json_array_foreach(
			w->value, i, each) if (equal(w, have, each, mode)) return MATCH_YES;
		return MATCH_NO;
	}
	case WHERE_GT:
	case WHERE_GTE:
	case WHERE_LT:
	case WHERE_LTE:
		return ordered(w, have);
	case WHERE_CONTAINS:
	case WHERE_STARTS:
	case WHERE_ENDS:
	case WHERE_LIKE:
		return test_texts(w, have, mode);
	case WHERE_EMPTY:
		return of(is_empty(have));
	case WHERE_OP_N:
		break;
	}
	return MATCH_UNSURE;
}

size_t where_member(const struct where *w, const json_t *record)
{
	const json_t *have = field_value(record, w->field.path);
	size_t i;
	json_t *each;
	json_array_foreach(w->value, i, each) if (equal(w, have, each, MATCH_EXACT)) break;
	return i;
}

enum match where_match(const struct where *w, const json_t *record, enum match_mode mode)
{
	if (w->kind == WHERE_TEST) {
		if (!w->negated)
			return test(w, record, mode);
		/* a loose yes is not a sure one, so its opposite is not either */
		enum match m = negate(test(w, record, mode == MATCH_LOOSE ? MATCH_EXACT : mode));
		if (m == MATCH_NO && mode == MATCH_LOOSE && w->op != WHERE_EQ && w->op != WHERE_IN)
			return MATCH_UNSURE;
		return m;
	}
	enum match all = w->kind == WHERE_ALL ? MATCH_YES : MATCH_NO;
	for (size_t i = 0; i < w->child_n; i++) {
		enum match m = where_match(w->child[i], record, mode);
		if (m == (w->kind == WHERE_ALL ? MATCH_NO : MATCH_YES))
			return m;
		if (m == MATCH_UNSURE)
			all = MATCH_UNSURE;
	}
	return all;
}
