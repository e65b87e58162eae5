/* SPDX-License-Identifier: MIT */
/*
 * changed: which fields of a record did, from what and to what.
 * From: predicate.c. Pure. What the record was is a text of which only the asked fields are parsed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "runner/match.h"
#include "runner/member.h"
#include "runner/predicate_part.h"

#define MICROS 1000000.0

static bool is_action(const struct predicate_ask *ask, const char *a, const char *b)
{
	return strcmp(ask->action, a) == 0 || strcmp(ask->action, b) == 0;
}

static struct slice top_of(const char *path)
{
	return (struct slice){path, strcspn(path, ".")};
}

static bool is_named(const json_t *fields, struct slice name)
{
	size_t n = json_array_size(fields);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(fields, i);
		struct slice text = {json_string_value(one), json_string_length(one)};
		if (text.p != NULL && slice_equal(text, name))
			return true;
	}
	return false;
}

/* --- values ----------------------------------------------------------------------------------- */

/* What a record held at a path before; GIVES, NULL: nothing. */
static json_t *old_value(const struct predicate_ask *ask, const char *path)
{
	char top[PREDICATE_PATH_N];
	struct slice name = top_of(path);
	snprintf(top, sizeof(top), "%.*s", (int)name.n, name.p);
	struct slice text = member_find(ask->before, top);
	json_t *whole = text.n > 0 ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
	if (path[name.n] == '\0' || whole == NULL)
		return whole;
	json_t *part = match_find(whole, path + name.n + 1);
	json_incref(part);
	json_decref(whole);
	return part;
}

static bool is_money(const json_t *value)
{
	return json_is_number(json_object_get(value, "amountMicros"));
}

/* Money is compared in units. */
static bool is_equal(const json_t *wanted, const json_t *value)
{
	if (json_is_null(wanted) || value == NULL || json_is_null(value))
		return json_is_null(wanted) && (value == NULL || json_is_null(value));
	if (json_is_number(wanted) && is_money(value)) {
		double micros = json_number_value(json_object_get(value, "amountMicros"));
		return fabs(json_number_value(wanted) * MICROS - micros) < 0.5;
	}
	if (json_is_integer(wanted) && json_is_integer(value))
		return json_integer_value(wanted) == json_integer_value(value);
	if (json_is_number(wanted) && json_is_number(value)) {
		double a = json_number_value(wanted), b = json_number_value(value);
		return !(a < b) && !(a > b);
	}
	return json_equal(wanted, value) != 0;
}

static bool is_one_of(const json_t *list, const json_t *value)
{
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n; i++) {
		if (is_equal(json_array_get(list, i), value))
			return true;
	}
	return false;
}

static bool is_now(const struct predicate_ask *ask, const char *path, const json_t *list)
{
	return is_one_of(list, match_find(ask->record, path));
}

static bool was(const struct predicate_ask *ask, const char *path, const json_t *list)
{
	json_t *value = old_value(ask, path);
	bool one = is_one_of(list, value);
	json_decref(value);
	return one;
}

/* A field of several parts has one that a plain value stands for: emails.primaryEmail of emails. */
static void narrow(const struct predicate_ask *ask, char path[static PREDICATE_PATH_N])
{
	char single[PREDICATE_PATH_N];
	const json_t *value = match_find(ask->record, path);
	if (json_is_object(value) && !is_money(value) &&
		client_path_of(ask->schema, ask->object, path, single, PREDICATE_PATH_N))
		snprintf(path, PREDICATE_PATH_N, "%s", single);
}

/* --- changed ---------------------------------------------------------------------------------- */

static bool is_hidden(const struct predicate_ask *ask, struct slice name)
{
	for (const char *at = ask->hidden; at != NULL; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (slice_equal((struct slice){at, strcspn(at, " ")}, name))
			return true;
	}
	return false;
}

static bool counts(const struct predicate_ask *ask, struct slice name)
{
	return is_named(ask->fields, name) && !is_hidden(ask, name);
}

static bool is_updated(const struct predicate_ask *ask, const char *field, const char *path)
{
	bool known = ask->before.n > 0;
	if (!known && ask->fields == NULL)
		return true;
	if (!counts(ask, top_of(path)) && !counts(ask, top_of(field)))
		return false;
	if (!known || strchr(path, '.') == NULL)
		return true;
	json_t *old = old_value(ask, path);
	const json_t *new = match_find(ask->record, path);
	bool same = (old == NULL || json_is_null(old)) && (new == NULL || json_is_null(new));
	same = same || (old != NULL && new != NULL &&json_equal(old, new) != 0);
	json_decref(old);
	return !same;
}

static bool term_holds(const struct predicate_ask *ask, const char *field,
	char path[static PREDICATE_PATH_N], const json_t *term)
{
	const json_t *from = json_object_get(term, "from"), *to = json_object_get(term, "to");
	bool begins = is_action(ask, "created", "restored");
	bool ends = is_action(ask, "deleted", "destroyed");
	if (from != NULL || to != NULL)
		narrow(ask, path);
	if (!begins && !ends && !is_updated(ask, field, path))
		return false;
	if (from != NULL && (begins || ask->before.n == 0 || !was(ask, path, from)))
		return false;
	return to == NULL || (!ends && is_now(ask, path, to));
}

enum predicate_answer predicate_changed(
	const struct predicate_ask *ask, const struct predicate *p, struct err *ret_lack)
{
	const char *field;
	char path[PREDICATE_PATH_N];
	enum predicate_answer answer = PREDICATE_NO;
	json_t *term;
	json_object_foreach(p->data, field, term)
	{
		bool found = predicate_path(ask, field, path);
		if (!found && is_named(ask->fields, top_of(field))) {
			snprintf(path, sizeof(path), "%s", field);
			found = true;
		}
		if (!found && predicate_lacks(ask, field)) {
			enum predicate_answer lack = predicate_tell_lack(
				ask, "changed", field, "it does not change", ret_lack);
			if (answer == PREDICATE_NO)
				answer = lack;
		} else if (found && answer != PREDICATE_YES && term_holds(ask, field, path, term)) {
			answer = PREDICATE_YES;
		}
	}
	return answer;
}
