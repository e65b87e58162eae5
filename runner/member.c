/* SPDX-License-Identifier: MIT */
/*
 * A walk over the outermost members of an object.
 * From: past.c, route_seen.c, predicate.c. The text is ours (dump.c) or was when it was stored, so
 * a wrong one is said to be bad and nothing more; no byte outside of it is read. Does not look into
 * values.
 */
#include "runner/member.h"

#include <string.h>

int member_order(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

/* p is behind a quote; answers the quote that ends it, NULL: none. */
static const char *string_end(const char *p, const char *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p < end ? p : NULL;
}

/* Behind the value at p; NULL: the text ends in it. */
static const char *value_end(const char *p, const char *end)
{
	size_t depth = 0;
	for (; p < end; p++) {
		switch (*p) {
		case '"':
			p = string_end(p + 1, end);
			if (p == NULL)
				return NULL;
			break;
		case '{':
		case '[':
			depth++;
			break;
		case ',':
			if (depth == 0)
				return p;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return p;
			depth--;
			break;
		default:
			break;
		}
	}
	return NULL;
}

void member_begin(struct member_walk *walk, struct slice object)
{
	*walk = (struct member_walk){
		.bad = object.n < 2 || object.p[0] != '{' || object.p[object.n - 1] != '}'};
	if (walk->bad)
		return;
	walk->p = object.p + 1;
	walk->end = object.p + object.n;
}

static bool bad(struct member_walk *walk)
{
	walk->bad = true;
	return false;
}

static bool read_name(struct member_walk *walk, struct slice *ret_name)
{
	const char *name = walk->p + 1;
	if (*walk->p != '"')
		return false;
	const char *quote = memchr(name, '"', (size_t)(walk->end - name));
	if (quote == NULL || quote[1] != ':' || memchr(name, '\\', (size_t)(quote - name)) != NULL)
		return false;
	*ret_name = (struct slice){name, (size_t)(quote - name)};
	walk->p = quote + 2;
	return walk->before.p == NULL || member_order(walk->before, *ret_name) < 0;
}

/* The text ends with a brace, so that the byte behind a comma is in it. */
bool member_next(struct member_walk *walk, struct member *ret_member)
{
	struct member m;
	if (walk->bad || walk->p == walk->end)
		return false;
	if (walk->p == walk->end - 1) {
		walk->p = walk->end;
		return walk->before.p == NULL ? false : bad(walk);
	}
	if (!read_name(walk, &m.name))
		return bad(walk);
	const char *end = value_end(walk->p, walk->end);
	if (end == NULL || end == walk->p || (*end != ',' && end != walk->end - 1))
		return bad(walk);
	m.value = (struct slice){walk->p, (size_t)(end - walk->p)};
	walk->p = end + 1;
	walk->before = m.name;
	*ret_member = m;
	return true;
}

struct slice member_find(struct slice object, const char *name)
{
	struct member_walk walk;
	struct member m;
	struct slice wanted = slice_of(name);
	member_begin(&walk, object);
	while (member_next(&walk, &m)) {
		if (slice_equal(m.name, wanted))
			return m.value;
	}
	return (struct slice){0};
}

enum rc member_put_without(struct buf *out, struct slice object, const char *name)
{
	struct member_walk walk;
	struct member m;
	struct slice unwanted = slice_of(name);
	const char *from = NULL, *to = NULL;
	member_begin(&walk, object);
	while (member_next(&walk, &m)) {
		if (slice_equal(m.name, unwanted)) {
			from = m.name.p - 1;
			to = m.value.p + m.value.n;
		}
	}
	if (walk.bad)
		return RC_PARSE;
	if (from == NULL)
		return buf_put(out, object.p, object.n);
	if (*to == ',')
		to++;
	else if (from[-1] == ',')
		from--;
	enum rc rc = buf_put(out, object.p, (size_t)(from - object.p));
	return rc == RC_OK ? buf_put(out, to, (size_t)(object.p + object.n - to)) : rc;
}
