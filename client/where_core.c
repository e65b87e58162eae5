/* SPDX-License-Identifier: MIT */
/*
 * A condition in the filter grammar of real servers: field.sub[op]:value, and() or() not().
 * From: dialect_core.c. To: the `filter` parameter.
 *
 * The grammar has no escapes. A character that could be read as grammar never goes out: it becomes
 * the one-character wildcard of like, which is wider, and the answer is filtered here. A test that
 * cannot be said at all is left out of an and(), and takes its whole or() with it. Nothing is ever
 * said as something else. A filter with parentheses has exactly one conjunction around it, because
 * servers only add the implicit and() where there is none at all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "client/where.h"

#define IN_MAX 200 /* members of a list in one request */

struct saying {
	struct buf *out;
	enum rc rc;
};

static void say(struct saying *s, const char *text)
{
	if (s->rc == RC_OK)
		s->rc = buf_put_text(s->out, text);
}

static bool is_unsafe(char c)
{
	return strchr("()[]\"'\\,", c) != NULL || (unsigned char)c < ' ' || c == 0x7F;
}

static bool is_wild(char c)
{
	return c == '%' || c == '_';
}

/* Whether a text can stand in quotes as it is. A blank at its edge might be trimmed. */
static bool is_safe(const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		if (is_unsafe(text[i]))
			return false;
	return n > 0 && text[0] != ' ' && text[n - 1] != ' ';
}

static bool has_wild(const char *text)
{
	return strpbrk(text, "%_") != NULL;
}

static void say_folded(struct saying *s, const char *text, bool lower)
{
	for (; *text != '\0' && s->rc == RC_OK; text++) {
		char c = lower && *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
		s->rc = buf_put(s->out, &c, 1);
	}
}

/* A text inside a pattern: what is grammar, or a wildcard that was meant as itself, becomes `_`. */
static void say_pattern(struct saying *s, const struct where *w, const char *text, bool literal)
{
	size_t n = strlen(text);
	bool folded = w->field.type == FIELD_EMAIL && w->op != WHERE_CONTAINS;
	for (size_t i = 0; i < n && s->rc == RC_OK; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (folded && (byte & 0xC0) == 0x80)
			continue; /* its first byte stood for the whole character */
		if (folded && byte >= 0x80) {
			say(s, "_");
			continue;
		}
		bool edge = text[i] == ' ' && (i == 0 || i == n - 1);
		char c =
			is_unsafe(text[i]) || edge || (literal && is_wild(text[i])) ? '_' : text[i];
		s->rc = buf_put(s->out, &c, 1);
	}
}

static void say_head(struct saying *s, const struct where *w, const char *op)
{
	say(s, w->field.path);
	say(s, "[");
	say(s, op);
	say(s, "]:");
}

static bool is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

/* E-mail addresses are kept in lower case, which is certain for ASCII only. */
static bool value_safe(const struct where *w, const json_t *v)
{
	const char *text = json_string_value(v);
	return text == NULL || (is_safe(text) && (w->field.type != FIELD_EMAIL || is_ascii(text)));
}

static void say_value(struct saying *s, const struct where *w, const json_t *v)
{
	char text[40];
	if (json_is_string(v)) {
		say(s, "\"");
		say_folded(s, json_string_value(v), w->field.type == FIELD_EMAIL);
		say(s, "\"");
	} else if (json_is_integer(v)) {
		snprintf(text, sizeof(text), "%" PRId64, (int64_t)json_integer_value(v));
		say(s, text);
	} else if (json_is_real(v)) {
		snprintf(text, sizeof(text), "%.17g", json_real_value(v));
		say(s, text);
	} else
		say(s, json_is_true(v) ? "true" : "false");
}

/* x is not y also holds where x is null, which no comparison of the server finds. */
static enum where_fit say_with_null(
	struct saying *s, const struct where *w, const char *op, const json_t *v, bool inverted)
{
	say(s, inverted ? "or(not(" : "or(");
	say_head(s, w, op);
	say_value(s, w, v);
	say(s, inverted ? ")," : ",");
	say_head(s, w, "is");
	say(s, "NULL)");
	return WHERE_EXACT;
}

/* A text with grammar in it: only a pattern can be asked for, and only of a text field. */
static enum where_fit say_equal_pattern(struct saying *s, const struct where *w, const json_t *v)
{
	if (w->negated || !json_is_string(v) || json_string_length(v) == 0 ||
		(w->field.type != FIELD_TEXT && w->field.type != FIELD_EMAIL &&
			w->field.type != FIELD_DOMAIN))
		return WHERE_NOTHING;
	say_head(s, w, w->field.type == FIELD_EMAIL ? "ilike" : "like");
	say(s, "\"");
	say_pattern(s, w, json_string_value(v), true);
	say(s, "\"");
	return WHERE_WIDER;
}

static enum where_fit say_equal(struct saying *s, const struct where *w, const json_t *v)
{
	if (json_is_null(v)) {
		say_head(s, w, "is");
		say(s, w->negated ? "NOT_NULL" : "NULL");
		return WHERE_EXACT;
	}
	if (!value_safe(w, v))
		return say_equal_pattern(s, w, v);
	if (w->field.type == FIELD_LIST) {
		if (w->negated)
			return WHERE_NOTHING;
		say_head(s, w, "containsAny");
		say(s, "[");
		say_value(s, w, v);
		say(s, "]");
		return WHERE_WIDER;
	}
	if (w->negated)
		return say_with_null(s, w, "neq", v, false);
	say_head(s, w, "eq");
	say_value(s, w, v);
	return WHERE_EXACT;
}

static void say_list(struct saying *s, const struct where *w)
{
	size_t i;
	json_t *each;
	say_head(s, w, w->field.type == FIELD_LIST ? "containsAny" : "in");
	json_array_foreach(w->value, i, each)
	{
		say(s, i == 0 ? "[" : ",");
		say_value(s, w, each);
	}
	say(s, "]");
}

static enum where_fit say_in(struct saying *s, const struct where *w)
{
	size_t n = json_array_size(w->value), i;
	json_t *each;
	bool plain = n <= IN_MAX;
	json_array_foreach(w->value, i, each) plain =
		plain && value_safe(w, each) && !json_is_null(each);
	if (w->negated && (!plain || w->field.type == FIELD_LIST))
		return WHERE_NOTHING;
	if (plain) {
		if (w->negated)
			say(s, "or(not(");
		say_list(s, w);
		if (w->negated) {
			say(s, "),");
			say_head(s, w, "is");
			say(s, "NULL)");
		}
		return w->field.type == FIELD_LIST ? WHERE_WIDER : WHERE_EXACT;
	}
	if (n > IN_MAX) {
		s->rc = s->rc == RC_OK ? RC_TOO_LARGE : s->rc;
		return WHERE_NOTHING;
	}
	enum where_fit fit = WHERE_EXACT;
	size_t start = s->out->n;
	say(s, "or(");
	json_array_foreach(w->value, i, each)
	{
		if (i > 0)
			say(s, ",");
		enum where_fit one = say_equal(s, w, each);
		fit = one > fit ? one : fit;
		if (one == WHERE_NOTHING) {
			s->out->n = start;
			return WHERE_NOTHING;
		}
	}
	say(s, ")");
	return fit;
}

static enum where_fit say_order(struct saying *s, const struct where *w)
{
	static const char *const ops[][2] = {[WHERE_GT] = {"gt", "lte"},
		[WHERE_GTE] = {"gte", "lt"},
		[WHERE_LT] = {"lt", "gte"},
		[WHERE_LTE] = {"lte", "gt"}};
	if (!value_safe(w, w->value))
		return WHERE_NOTHING;
	if (w->negated)
		return say_with_null(s, w, ops[w->op][1], w->value, false);
	say_head(s, w, ops[w->op][0]);
	say_value(s, w, w->value);
	return WHERE_EXACT;
}

static enum where_fit say_text(struct saying *s, const struct where *w)
{
	const char *text = json_string_value(w->value);
	bool exact = is_safe(text) && (w->op == WHERE_LIKE || !has_wild(text));
	if (w->negated && !exact)
		return WHERE_NOTHING;
	if (w->negated)
		say(s, "or(not(");
	bool contains = w->op == WHERE_CONTAINS;
	const char *op = contains                        ? "ilike"
			 : w->op == WHERE_LIKE || !exact ? "like"
			 : w->op == WHERE_STARTS         ? "startsWith"
							 : "endsWith";
	bool open = contains || (!exact && w->op == WHERE_ENDS);
	bool close = contains || (!exact && w->op == WHERE_STARTS);
	say_head(s, w, op);
	say(s, open ? "\"%" : "\"");
	if (exact)
		say(s, text);
	else
		say_pattern(s, w, text, w->op != WHERE_LIKE);
	say(s, close ? "%\"" : "\"");
	if (w->negated) {
		say(s, "),");
		say_head(s, w, "is");
		say(s, "NULL)");
	}
	return exact ? WHERE_EXACT : WHERE_WIDER;
}

/* Null and "": for texts both must be asked for; "" cannot be said, "no character" can. */
static enum where_fit say_empty(struct saying *s, const struct where *w)
{
	bool text = w->field.type == FIELD_TEXT || w->field.type == FIELD_EMAIL ||
		    w->field.type == FIELD_DOMAIN;
	bool never_text = w->field.type == FIELD_ID || w->field.type == FIELD_DATE ||
			  w->field.type == FIELD_NUMBER || w->field.type == FIELD_CHOICE ||
			  w->field.type == FIELD_BOOLEAN;
	if (w->negated || never_text) {
		say_head(s, w, "is");
		say(s, w->negated ? "NOT_NULL" : "NULL");
		return never_text ? WHERE_EXACT : WHERE_WIDER;
	}
	if (!text)
		return WHERE_NOTHING;
	say(s, "or(");
	say_head(s, w, "is");
	say(s, "NULL,not(");
	say_head(s, w, "like");
	say(s, "\"_%\"))");
	return WHERE_EXACT;
}

static enum where_fit say_test(struct saying *s, const struct where *w)
{
	switch (w->op) {
	case WHERE_EQ:
	case WHERE_NEQ:
		return say_equal(s, w, w->value);
	case WHERE_IN:
		return say_in(s, w);
	case WHERE_GT:
	case WHERE_GTE:
	case WHERE_LT:
	case WHERE_LTE:
		return say_order(s, w);
	case WHERE_CONTAINS:
	case WHERE_STARTS:
	case WHERE_ENDS:
	case WHERE_LIKE:
		return say_text(s, w);
	case WHERE_EMPTY:
		return say_empty(s, w);
	case WHERE_OP_N:
		break;
	}
	return WHERE_NOTHING;
}

static enum where_fit say_node(struct saying *s, const struct where *w)
{
	if (w->kind == WHERE_TEST)
		return say_test(s, w);
	bool all = w->kind == WHERE_ALL;
	enum where_fit fit = WHERE_EXACT;
	size_t start = s->out->n, said = 0;
	say(s, all ? "and(" : "or(");
	size_t open_n = all ? 4 : 3;
	for (size_t i = 0; i < w->child_n; i++) {
		size_t before = s->out->n;
		if (said > 0)
			say(s, ",");
		enum where_fit one = say_node(s, w->child[i]);
		if (one != WHERE_EXACT)
			fit = WHERE_WIDER;
		if (one == WHERE_NOTHING) {
			s->out->n = all ? before : start;
			if (!all)
				return WHERE_NOTHING;
			continue;
		}
		said++;
	}
	if (said == 0) {
		s->out->n = start;
		return w->child_n == 0 && all ? WHERE_EXACT : WHERE_NOTHING;
	}
	if (said == 1 && s->rc == RC_OK) { /* one member needs no conjunction */
		memmove(s->out->p + start, s->out->p + start + open_n, s->out->n - start - open_n);
		s->out->n -= open_n;
		return fit;
	}
	say(s, ")");
	return fit;
}

enum rc where_format_core(const struct where *where, struct buf *out, enum where_fit *ret_fit)
{
	struct saying s = {.out = out, .rc = RC_OK};
	enum where_fit fit = say_node(&s, where);
	if (s.rc != RC_OK)
		return s.rc;
	if (out->p != NULL)
		out->p[out->n] = '\0';
	*ret_fit = fit;
	return RC_OK;
}
