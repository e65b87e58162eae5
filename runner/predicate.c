/* SPDX-License-Identifier: MIT */
/*
 * Deciding predicates.
 * From: ruleset.c, which checks them when a file is loaded, and route_match.c for every event.
 * Pure. What the record was is a text of which only the asked fields are parsed.
 */
#include "runner/predicate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "runner/match.h"
#include "runner/member.h"

#define FIELDS_MAX 64
#define FIELD_BYTES_MAX 120
#define VALUES_MAX 64
#define PATH_N 256
#define MICROS 1000000.0

/* --- checking --------------------------------------------------------------------------------- */

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value) ||
	       json_is_null(value);
}

static bool values_fit(const json_t *values)
{
	size_t n = json_array_size(values);
	bool fit = values == NULL || (json_is_array(values) && n > 0 && n <= VALUES_MAX);
	for (size_t i = 0; fit && i < n; i++)
		fit = is_scalar(json_array_get(values, i));
	return fit;
}

static bool term_fits(const char *field, const json_t *term)
{
	const json_t *from = json_object_get(term, "from"), *to = json_object_get(term, "to");
	size_t known = (size_t)(from != NULL) + (to != NULL);
	size_t n = strlen(field);
	return json_is_object(term) && n > 0 && n <= FIELD_BYTES_MAX &&
	       json_object_size(term) == known && values_fit(from) && values_fit(to);
}

enum rc predicate_check(const json_t *predicate, struct err *err)
{
	json_t *changed = json_object_get(predicate, "changed"), *term;
	const char *field;
	size_t n = json_object_size(changed);
	bool fits = json_object_size(predicate) == 1 && n > 0 && n <= FIELDS_MAX;
	if (fits)
		json_object_foreach(changed, field, term) fits = fits && term_fits(field, term);
	return fits ? RC_OK : err_set(err, RC_INVALID, "`when` is no predicate that is known");
}

/* --- where a field is ------------------------------------------------------------------------- */

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

static bool has_top(const struct predicate_ask *ask, const char *path)
{
	char top[PATH_N];
	struct slice name = top_of(path);
	snprintf(top, sizeof(top), "%.*s", (int)name.n, name.p);
	return json_object_get(ask->record, top) != NULL || member_find(ask->before, top).n > 0;
}

/* The path of a field that goes by this name; false: the record has none. */
static bool find_path(const struct predicate_ask *ask, const char *field, char path[static PATH_N])
{
	snprintf(path, PATH_N, "%s", field);
	if (has_top(ask, path))
		return true;
	if (client_path(ask->client, ask->object, field, path, PATH_N) && has_top(ask, path))
		return true;
	snprintf(path, PATH_N, "%sId", field); /* a relation, before the schema is known */
	if (strchr(field, '.') == NULL && has_top(ask, path))
		return true;
	snprintf(path, PATH_N, "%s", field);
	return is_named(ask->fields, top_of(field));
}

/* --- values ----------------------------------------------------------------------------------- */

/* What a record held at a path before; GIVES, NULL: nothing. */
static json_t *old_value(const struct predicate_ask *ask, const char *path)
{
	char top[PATH_N];
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
static void narrow(const struct predicate_ask *ask, char path[static PATH_N])
{
	char single[PATH_N];
	const json_t *value = match_find(ask->record, path);
	if (json_is_object(value) && !is_money(value) &&
		client_path(ask->client, ask->object, path, single, PATH_N))
		snprintf(path, PATH_N, "%s", single);
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

static bool term_holds(const struct predicate_ask *ask, const char *field, char path[static PATH_N],
	const json_t *term)
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

bool predicate_holds(const struct predicate_ask *ask, const char **ret_lack)
{
	json_t *changed = json_object_get(ask->predicate, "changed"), *term;
	const char *field;
	char path[PATH_N];
	bool holds = false;
	*ret_lack = NULL;
	json_object_foreach(changed, field, term)
	{
		if (!find_path(ask, field, path))
			*ret_lack = field;
		else if (!holds)
			holds = term_holds(ask, field, path, term);
	}
	return holds;
}
