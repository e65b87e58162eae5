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

#define SAY_MAX 8800       /* bytes of a filter before escaping */
#define SAY_MAX_SENT 11000 /* bytes after it: what else is in a request has the rest */

struct saying {
	struct buf *out;
	size_t start; /* of the filter in out */
	size_t sent;  /* bytes so far, escaped */
	enum rc rc;   /* TOO_LARGE until somebody has taken back what did not fit */
};

struct mark { /* where to go back to */
	size_t n, sent;
};

static struct mark mark_of(const struct saying *s)
{
	return (struct mark){s->out->n, s->sent};
}

/* Takes back what was said since; that it did not fit is forgotten with it. */
static enum where_fit unsay(struct saying *s, struct mark mark)
{
	s->out->n = mark.n;
	s->sent = mark.sent;
	if (s->rc == RC_TOO_LARGE)
		s->rc = RC_OK;
	return WHERE_NOTHING;
}

static void say_n(struct saying *s, const char *text, size_t n)
{
	if (s->rc != RC_OK)
		return;
	s->sent += request_escaped_n(text, n);
	if (s->sent > SAY_MAX_SENT || s->out->n + n - s->start > SAY_MAX)
		s->rc = RC_TOO_LARGE;
	else
		s->rc = buf_put(s->out, text, n);
}

static void say(struct saying *s, const char *text)
{
	say_n(s, text, strlen(text));
}

/* A line separator is the end of everything for a server's patterns. */
static bool is_separator(const char *text)
{
	return memcmp(text, "\xE2\x80", 2) == 0 && ((unsigned char)text[2] & 0xFE) == 0xA8;
}

/* What may be read as grammar or break it, wherever it stands. */
static bool is_unsafe(const char *text)
{
	char c = *text;
	return strchr("()[]\"'\\", c) != NULL || (unsigned char)c < ' ' || c == 0x7F ||
	       ((unsigned char)c == 0xE2 && text[1] != '\0' && is_separator(text));
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
		if (is_unsafe(text + i))
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
		say_n(s, &c, 1);
	}
}

/* A text inside a pattern: what is grammar, or a wildcard that was meant as itself, becomes `_`. */
static void say_pattern(struct saying *s, const struct where *w, const char *text, bool literal)
{
	size_t n = strlen(text);
	bool folded = w->field.type == FIELD_EMAIL && w->op != WHERE_CONTAINS;
	bool hidden = false; /* the character under way was said as `_` */
	for (size_t i = 0; i < n && s->rc == RC_OK; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((byte & 0xC0) == 0x80) {
			if (!hidden)
				say_n(s, text + i, 1);
			continue;
		}
		bool edge = text[i] == ' ' && (i == 0 || i == n - 1);
		hidden = (folded && byte >= 0x80) || is_unsafe(text + i) || edge ||
			 (literal && is_wild(text[i]));
		say_n(s, hidden ? "_" : text + i, 1);
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

/* A list is split at every comma, quoted or not. */
static bool member_safe(const struct where *w, const json_t *v)
{
	const char *text = json_string_value(v);
	return value_safe(w, v) && (text == NULL || strchr(text, ',') == NULL);
}

static bool is_nothing(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

static bool is_text(const struct where *w)
{
	return w->field.type == FIELD_TEXT || w->field.type == FIELD_EMAIL ||
	       w->field.type == FIELD_DOMAIN;
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

/* Null and "": for texts both must be asked for; "" cannot be said, "no character" can. */
static enum where_fit say_nothing(struct saying *s, const struct where *w, bool negated)
{
	if (negated && is_text(w)) {
		say_head(s, w, "like");
		say(s, "\"_%\"");
		return WHERE_EXACT;
	}
	if (is_text(w)) {
		say(s, "or(");
		say_head(s, w, "is");
		say(s, "NULL,not(");
		say_head(s, w, "like");
		say(s, "\"_%\"))");
		return WHERE_EXACT;
	}
	say_head(s, w, "is");
	say(s, negated ? "NOT_NULL" : "NULL");
	return negated && (w->field.type == FIELD_OTHER || w->field.type == FIELD_LIST)
		       ? WHERE_WIDER
		       : WHERE_EXACT;
}

/* A text with grammar in it: only a pattern can be asked for, and only of a text field; of the
 * others, that they hold something. */
static enum where_fit say_equal_pattern(struct saying *s, const struct where *w, const json_t *v)
{
	if (w->negated)
		return WHERE_NOTHING;
	if (!is_text(w)) {
		say_head(s, w, "is");
		say(s, "NOT_NULL");
		return WHERE_WIDER;
	}
	say_head(s, w, w->field.type == FIELD_EMAIL ? "ilike" : "like");
	say(s, "\"");
	say_pattern(s, w, json_string_value(v), true);
	say(s, "\"");
	return WHERE_WIDER;
}

static enum where_fit say_equal(struct saying *s, const struct where *w, const json_t *v)
{
	if (is_nothing(v))
		return say_nothing(s, w, w->negated);
	if (!value_safe(w, v) || (w->field.type == FIELD_LIST && !member_safe(w, v)))
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

/* Those of a list's members that a list can hold; false where there are none. */
static bool say_members(struct saying *s, const struct where *w)
{
	size_t i, said = 0;
	json_t *each;
	json_array_foreach(w->value, i, each)
	{
		if (is_nothing(each) || !member_safe(w, each))
			continue;
		if (said++ == 0)
			say_head(s, w, w->field.type == FIELD_LIST ? "containsAny" : "in");
		say(s, said == 1 ? "[" : ",");
		say_value(s, w, each);
	}
	if (said > 0)
		say(s, "]");
	return said > 0;
}

/* None of them. The members that cannot be said are looked for here. */
static enum where_fit say_not_in(struct saying *s, const struct where *w, size_t odd_n)
{
	struct mark mark = mark_of(s);
	bool nothing = false; /* is among them: then null is not looked for */
	size_t i;
	json_t *each;
	json_array_foreach(w->value, i, each) nothing = nothing || is_nothing(each);
	json_array_foreach(w->value, i, each) odd_n -= is_nothing(each);
	if (w->field.type == FIELD_LIST)
		return WHERE_NOTHING;
	say(s, nothing ? "not(" : "or(not(");
	if (!say_members(s, w))
		return unsay(s, mark);
	say(s, ")");
	if (!nothing) {
		say(s, ",");
		say_head(s, w, "is");
		say(s, "NULL)");
	}
	return odd_n > 0 ? WHERE_WIDER : WHERE_EXACT;
}

static enum where_fit say_in(struct saying *s, const struct where *w)
{
	size_t n = json_array_size(w->value), odd_n = 0, i;
	json_t *each;
	json_array_foreach(w->value, i, each) odd_n += is_nothing(each) || !member_safe(w, each);
	if (w->negated)
		return say_not_in(s, w, odd_n);
	enum where_fit fit = w->field.type == FIELD_LIST ? WHERE_WIDER : WHERE_EXACT;
	if (odd_n == 0) {
		say_members(s, w);
		return fit;
	}
	bool many = odd_n > 1 || odd_n < n;
	say(s, many ? "or(" : "");
	bool first = !say_members(s, w);
	json_array_foreach(w->value, i, each)
	{
		if (!is_nothing(each) && member_safe(w, each))
			continue;
		say(s, first ? "" : ",");
		first = false;
		enum where_fit one = say_equal(s, w, each);
		fit = one > fit ? one : fit;
	}
	say(s, many ? ")" : "");
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

static enum where_fit say_empty(struct saying *s, const struct where *w)
{
	/* of what type nobody has told us: texts are kept as null by some servers, as "" by others
	 */
	if (!w->negated && (w->field.type == FIELD_OTHER || w->field.type == FIELD_LIST))
		return WHERE_NOTHING;
	return say_nothing(s, w, w->negated);
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

static enum where_fit say_node(struct saying *s, const struct where *w);

/* One member of a group, with the comma before it; taken back where it does not fit. */
static enum where_fit say_child(struct saying *s, const struct where *child, bool first)
{
	struct mark mark = mark_of(s);
	say(s, first ? "" : ",");
	enum where_fit fit = say_node(s, child);
	return fit == WHERE_NOTHING || s->rc == RC_TOO_LARGE ? unsay(s, mark) : fit;
}

static enum where_fit say_node(struct saying *s, const struct where *w)
{
	if (w->kind == WHERE_TEST)
		return say_test(s, w);
	bool all = w->kind == WHERE_ALL;
	enum where_fit fit = WHERE_EXACT;
	struct mark mark = mark_of(s);
	size_t said = 0;
	const char *open = all ? "and(" : "or(";
	say(s, open);
	for (size_t i = 0; i < w->child_n; i++) {
		enum where_fit one = say_child(s, w->child[i], said == 0);
		if (one == WHERE_NOTHING && !all)
			return unsay(s, mark);
		fit = one == WHERE_EXACT ? fit : WHERE_WIDER;
		said += one != WHERE_NOTHING;
	}
	if (said == 0) {
		(void)unsay(s, mark);
		return w->child_n == 0 && all ? WHERE_EXACT : WHERE_NOTHING;
	}
	if (said == 1 && s->rc == RC_OK) { /* one member needs no conjunction */
		size_t n = strlen(open);
		memmove(s->out->p + mark.n, s->out->p + mark.n + n, s->out->n - mark.n - n);
		s->out->n -= n;
		s->sent -= n + 2; /* of its three characters one is escaped */
		return fit;
	}
	say(s, ")");
	return fit;
}

enum rc where_format_core(const struct where *where, struct buf *out, enum where_fit *ret_fit)
{
	struct saying s = {.out = out, .start = out->n, .rc = RC_OK};
	struct mark mark = mark_of(&s);
	enum where_fit fit = say_node(&s, where);
	if (s.rc == RC_TOO_LARGE)
		fit = unsay(&s, mark);
	if (s.rc != RC_OK)
		return s.rc;
	if (out->p != NULL)
		out->p[out->n] = '\0';
	*ret_fit = fit;
	return RC_OK;
}
