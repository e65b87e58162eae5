/* SPDX-License-Identifier: MIT */
/*
 * Looks for one member of the outermost object: counts brackets outside of strings, nothing more.
 * From: scheme_stripe.c, with a body whose signature is right. Memory: none; time: one pass over at
 * most OUTER_SCAN_MAX bytes. It does not check that the text is JSON: the runner parses it later.
 */
#include "receiver/outer.h"

#include <stdbool.h>

struct scan {
	const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* At a quote: the text up to the next one. False: it does not end. ret_plain: it has no escapes. */
static bool take_string(struct scan *s, struct slice *ret_text, bool *ret_plain)
{
	const char *from = ++s->p;
	*ret_plain = true;
	for (bool escaped = false; s->p < s->end; s->p++) {
		if (!escaped && *s->p == '"') {
			*ret_text = (struct slice){from, (size_t)(s->p++ - from)};
			return true;
		}
		escaped = !escaped && *s->p == '\\';
		*ret_plain = *ret_plain && !escaped;
	}
	return false;
}

/* A whole value of a member, up to the comma or bracket behind it. */
static bool skip_value(struct scan *s)
{
	size_t depth = 0;
	struct slice text;
	bool plain;
	while (s->p < s->end) {
		char c = *s->p;
		if (depth == 0 && (c == ',' || c == '}'))
			return true;
		if (c == '"') {
			if (!take_string(s, &text, &plain))
				return false;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth-- == 0)
			return false;
		s->p++;
	}
	return false;
}

/* At a member: its name and the colon. */
static bool take_name(struct scan *s, struct slice *ret_name, bool *ret_plain)
{
	skip_blanks(s);
	if (s->p == s->end || *s->p != '"' || !take_string(s, ret_name, ret_plain))
		return false;
	skip_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return false;
	s->p++;
	skip_blanks(s);
	return s->p < s->end;
}

struct slice outer_text(struct slice json, const char *name)
{
	static const struct slice none = {NULL, 0};
	struct scan s = {
		json.p, json.p + (json.n < OUTER_SCAN_MAX ? json.n : (size_t)OUTER_SCAN_MAX)};
	struct slice found, text;
	bool plain;
	skip_blanks(&s);
	if (s.p == s.end || *s.p++ != '{')
		return none;
	while (take_name(&s, &found, &plain)) {
		bool wanted = plain && slice_equal(found, slice_of(name));
		if (wanted && *s.p == '"')
			return take_string(&s, &text, &plain) && plain && text.n <= OUTER_VALUE_MAX
				       ? text
				       : none;
		if (wanted || !skip_value(&s) || *s.p++ != ',')
			return none;
	}
	return none;
}
