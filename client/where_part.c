/* SPDX-License-Identifier: MIT */
/*
 * Conditions with a list that is too long for one request.
 * From: listing.c, which asks for one part after another. To: copies of the condition, each with a
 * piece of the list; which piece depends on the condition alone, so that a cursor can name it. A
 * list that the server would split over records with several values, or that is not required of
 * all records, stays whole: where_core.c then leaves it out, and listing.c filters.
 */
#include <stdlib.h>
#include <string.h>

#include "client/where.h"

#define PART_N 200         /* members of a list in one request */
#define PART_MAX_SENT 9500 /* bytes of them, escaped */

/* The list to be split: of a test that all records must meet, too long for one request. */
static const struct where *long_list(const struct where *w)
{
	if (w->kind == WHERE_TEST)
		return w->op == WHERE_IN && !w->negated && w->field.type != FIELD_LIST ? w : NULL;
	const struct where *found = NULL;
	for (size_t i = 0; i < w->child_n && w->kind == WHERE_ALL; i++) {
		const struct where *one = long_list(w->child[i]);
		if (one != NULL && (found == NULL || json_array_size(one->value) >
							     json_array_size(found->value)))
			found = one;
	}
	return found;
}

/* What a member takes: a place in a list, or a comparison of its own. */
static size_t member_sent(const struct where *w, const json_t *member)
{
	const char *text = json_string_value(member);
	size_t n = text != NULL ? strlen(text) : 0;
	bool plain = n > 0 && text[strcspn(text, "()[]\"'\\,\t\r\n ")] == '\0';
	return (plain ? 9 : strlen(w->field.path) + 40) + request_escaped_n(text, n);
}

/* How many members from the n-th on are asked for together. */
static size_t part_n(const struct where *w, size_t from)
{
	size_t n = 0, sent = 0;
	for (; n < PART_N && from + n < json_array_size(w->value); n++) {
		size_t one = member_sent(w, json_array_get(w->value, from + n));
		if (n > 0 && sent + one > PART_MAX_SENT)
			break;
		sent += one;
	}
	return n;
}

size_t where_parts(const struct where *where)
{
	const struct where *list = long_list(where);
	size_t parts = 0;
	for (size_t at = 0; list != NULL && at < json_array_size(list->value); parts++)
		at += part_n(list, at);
	return parts > 0 ? parts : 1;
}

size_t where_part_of(const struct where *where, const json_t *record)
{
	const struct where *list = long_list(where);
	size_t part = 0, n = list != NULL ? json_array_size(list->value) : 0;
	size_t member = n > 0 ? where_member(list, record) : 0;
	for (size_t at = 0; at < n; part++) {
		at += part_n(list, at);
		if (member < at)
			break;
	}
	return part;
}

static json_t *part_of(const struct where *list, size_t part)
{
	size_t at = 0, n = part_n(list, 0);
	for (; part > 0; part--) {
		at += n;
		n = part_n(list, at);
	}
	json_t *out = json_array();
	for (size_t i = 0; out != NULL && i < n; i++)
		if (json_array_append(out, json_array_get(list->value, at + i)) != 0) {
			json_decref(out);
			return NULL;
		}
	return out;
}

static struct where *copy_with(const struct where *w, const struct where *list, size_t part)
{
	struct where *copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return NULL;
	*copy = *w;
	copy->value = w == list ? part_of(list, part) : json_incref(w->value);
	copy->child = w->child_n > 0 ? calloc(w->child_n, sizeof(struct where *)) : NULL;
	copy->child_n = 0;
	bool ok = (w->child_n == 0 || copy->child != NULL) && (w != list || copy->value != NULL);
	for (size_t i = 0; ok && i < w->child_n; i++) {
		copy->child[i] = copy_with(w->child[i], list, part);
		ok = copy->child[i] != NULL;
		copy->child_n += ok;
	}
	if (ok)
		return copy;
	where_free(copy);
	return NULL;
}

struct where *where_part(const struct where *where, size_t part)
{
	return copy_with(where, long_list(where), part);
}
