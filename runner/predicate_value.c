/* SPDX-License-Identifier: MIT */
/*
 * has and is: what the record of an event says now.
 * From: predicate.c. Pure, but that a condition is read once for each object and schema and kept
 * with the predicate.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/schema.h"
#include "runner/match.h"
#include "runner/predicate_part.h"

/* --- has -------------------------------------------------------------------------------------- */

/* Of several parts one is enough: a name with a first name alone. */
static bool has_value(const json_t *value)
{
	const char *key;
	json_t *part;
	if (json_is_string(value))
		return json_string_length(value) > 0;
	if (json_is_array(value))
		return json_array_size(value) > 0;
	if (!json_is_object(value))
		return value != NULL && !json_is_null(value);
	union {
		const json_t *in;
		json_t *out;
	} whole = {value};
	json_object_foreach(whole.out, key, part) if (has_value(part)) return true;
	return false;
}

/* A field of several parts has a value where its main one has: emails.primaryEmail of emails. */
static bool has_field(const struct predicate_ask *ask, const char *path)
{
	char single[PREDICATE_PATH_N];
	const json_t *value = match_find(ask->record, path);
	if (json_is_object(value) && ask->object[0] != '\0' &&
		client_path_of(ask->schema, ask->object, path, single, sizeof(single)) &&
		match_find(ask->record, single) != NULL)
		value = match_find(ask->record, single);
	if (!has_value(value) && strchr(path, '.') == NULL) {
		snprintf(single, sizeof(single), "%.200sId", path); /* {company: null, companyId} */
		value = match_find(ask->record, single);
	}
	return has_value(value);
}

enum predicate_answer predicate_has(
	const struct predicate_ask *ask, const struct predicate *p, struct err *ret_lack)
{
	enum predicate_answer answer = PREDICATE_YES;
	char path[PREDICATE_PATH_N];
	for (size_t i = 0; i < json_array_size(p->data); i++) {
		const char *field = json_string_value(json_array_get(p->data, i));
		if (predicate_path(ask, field, path)) {
			if (!has_field(ask, path))
				return PREDICATE_NO;
		} else if (predicate_lacks(ask, field)) {
			answer = predicate_tell_lack(
				ask, "has", field, "that does not hold", ret_lack);
		} else {
			return PREDICATE_NO;
		}
	}
	return answer;
}

/* --- is --------------------------------------------------------------------------------------- */

/* The condition in the words of this object, read anew where the schema is another. */
static const struct where *condition(const struct predicate_ask *ask, struct predicate *p)
{
	if (p->read && p->schema_n == ask->schema_n && strcmp(p->object, ask->object) == 0)
		return p->where;
	where_free(p->where);
	p->where = NULL;
	snprintf(p->object, sizeof(p->object), "%s", ask->object);
	p->schema_n = ask->schema_n;
	p->read = true;
	const char *plural = client_plural_name(ask->schema, ask->object);
	if (where_parse(ask->schema, plural, p->data, &p->where, &p->why) != RC_OK)
		p->where = NULL;
	return p->where;
}

/* A field that nobody knows; NULL: there is none. */
static const char *find_lack(const struct predicate_ask *ask, const struct where *w)
{
	if (w->kind == WHERE_TEST)
		return predicate_lacks(ask, w->field.path) ? w->field.path : NULL;
	const char *lack = NULL;
	for (size_t i = 0; i < w->child_n && lack == NULL; i++)
		lack = find_lack(ask, w->child[i]);
	return lack;
}

/* Some field is not in the record: null where the object has it. */
static enum predicate_answer judge_absent(
	const struct predicate_ask *ask, const struct where *where, struct err *ret_lack)
{
	const char *lack = ask->object[0] != '\0' ? find_lack(ask, where) : NULL;
	if (lack != NULL)
		return predicate_tell_lack(ask, "is", lack, "that does not hold", ret_lack);
	enum match m = where_match(where, ask->record, MATCH_ABSENT);
	if (m != MATCH_UNSURE)
		return m == MATCH_YES ? PREDICATE_YES : PREDICATE_NO;
	err_set(ret_lack, RC_NOT_FOUND,
		"is: which of two texts comes first is for Twenty to say: that does not hold");
	return PREDICATE_UNSURE;
}

enum predicate_answer predicate_is(
	const struct predicate_ask *ask, struct predicate *p, struct err *ret_lack)
{
	const struct where *where = condition(ask, p);
	if (where == NULL) {
		err_set(ret_lack, RC_NOT_FOUND, "is: %s: that does not hold", p->why.msg);
		return PREDICATE_UNSURE;
	}
	switch (where_match(where, ask->record, MATCH_EXACT)) {
	case MATCH_YES:
		return PREDICATE_YES;
	case MATCH_NO:
		return PREDICATE_NO;
	case MATCH_UNSURE:
		break;
	}
	return judge_absent(ask, where, ret_lack);
}
