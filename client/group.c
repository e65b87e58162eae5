/* SPDX-License-Identifier: MIT */
/*
 * What a group_by asks for, and its rows.
 * From: op_group.c; the dialects, which say it and read its answers. Fails for names and values
 * that cannot be grouped or summed. Times are cut in UTC only: other zones are the server's to
 * know.
 */
#include "client/group.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/clock.h"

#define GROUPS_MAX 10000
#define DAY_MS 86400000

static const char *const step_names[] = {
	[GROUP_DAY] = "DAY",
	[GROUP_WEEK] = "WEEK",
	[GROUP_MONTH] = "MONTH",
	[GROUP_QUARTER] = "QUARTER",
	[GROUP_YEAR] = "YEAR",
};

const char *group_step_name(enum group_step step)
{
	return step_names[step];
}

bool group_cuts(const struct grouping *g, const struct group_field *f)
{
	return g->step != GROUP_WHOLE && f->field.type == FIELD_DATE;
}

static enum rc read_name(const struct schema *schema, const char *object, const json_t *name,
	struct group_field *ret_field, struct err *err)
{
	const char *text = json_string_value(name);
	if (text == NULL)
		return err_set(err, RC_INVALID, "group_by: a field is a name");
	if (strcmp(text, "count") == 0 || strcmp(text, "sum") == 0)
		return err_set(
			err, RC_INVALID, "group_by: \"%s\" is what the rows call theirs", text);
	ret_field->name = text;
	enum rc rc = field_find(schema, object, text, &ret_field->field, err);
	if (rc != RC_OK || ret_field->field.type != FIELD_PHONE) {
		if (rc == RC_OK && ret_field->field.type != FIELD_MONEY)
			field_single(&ret_field->field); /* company: companyId */
		return rc;
	}
	return err_set(err, RC_INVALID,
		"group_by: %s has parts: name one of them, such as "
		"phones.primaryPhoneNumber",
		text);
}

/* A name or a list of names. */
static enum rc read_names(const struct schema *schema, const char *object, json_t *names,
	struct group_field *ret_fields, size_t max, size_t *ret_n, struct err *err)
{
	json_t *list = json_is_array(names) ? json_incref(names) : json_pack("[O]", names);
	size_t n = json_array_size(list);
	enum rc rc = RC_OK;
	if (list == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for names");
	else if (n > max)
		rc = err_set(err, RC_INVALID, "group_by: at most %zu names", max);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = read_name(schema, object, json_array_get(list, i), &ret_fields[i], err);
		for (size_t k = 0; rc == RC_OK && k < i; k++)
			if (strcmp(ret_fields[i].name, ret_fields[k].name) == 0)
				rc = err_set(err, RC_INVALID, "group_by: %s is there twice",
					ret_fields[i].name);
	}
	if (rc == RC_OK)
		*ret_n = n;
	json_decref(list); /* the names stay, with the arguments */
	return rc;
}

static bool is_given(const json_t *v)
{
	return v != NULL && !json_is_null(v);
}

/* What is surely no number: servers answer 0 for it, or nothing. */
static enum rc check_sum(const struct group_field *f, struct err *err)
{
	enum field_type type = f->field.type;
	bool sums = type == FIELD_NUMBER || type == FIELD_MONEY || type == FIELD_OTHER;
	return sums ? RC_OK
		    : err_set(err, RC_INVALID, "group_by: %s is no number to be summed", f->name);
}

static bool is_zone(const char *text)
{
	size_t n = strlen(text);
	return n > 0 && n < 64 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-") ==
		       n;
}

static enum rc read_step(const json_t *args, struct grouping *g, struct err *err)
{
	const json_t *by = json_object_get(args, "by"), *zone = json_object_get(args, "zone");
	const char *text = json_string_value(by);
	g->zone = is_given(zone) ? json_string_value(zone) : "UTC";
	if (g->zone == NULL || !is_zone(g->zone))
		return err_set(err, RC_INVALID, "zone: a name such as \"Europe/Paris\"");
	if (!is_given(by))
		return is_given(zone) ? err_set(err, RC_INVALID, "zone: it needs by = \"day\"")
				      : RC_OK;
	for (size_t i = GROUP_DAY; text != NULL && i < ARRAY_N(step_names); i++)
		if (strcasecmp(step_names[i], text) == 0)
			g->step = (enum group_step)i;
	if (g->step == GROUP_WHOLE)
		return err_set(err, RC_INVALID,
			"by: one of \"day\", \"week\", \"month\", \"quarter\" and "
			"\"year\"");
	bool any = false;
	for (size_t i = 0; i < g->by_n; i++)
		any = any || g->by[i].field.type == FIELD_DATE;
	return any ? RC_OK
		   : err_set(err, RC_INVALID, "by: it cuts times, and none of the fields is one");
}

enum rc group_parse(const struct schema *schema, const char *object, const json_t *args,
	struct grouping *ret_grouping, struct err *err)
{
	struct grouping g = {.step = GROUP_WHOLE};
	json_t *field = json_object_get(args, "field"), *sum = json_object_get(args, "sum");
	if (!is_given(field) || (!json_is_string(field) && json_array_size(field) == 0))
		return err_set(err, RC_INVALID, "group_by: field is missing, a name or a list");
	enum rc rc = read_names(schema, object, field, g.by, GROUP_FIELDS_MAX, &g.by_n, err);
	bool none = !is_given(sum) || (json_is_object(sum) && json_object_size(sum) == 0);
	if (rc == RC_OK && !none)
		rc = read_names(schema, object, sum, g.sum, GROUP_SUMS_MAX, &g.sum_n, err);
	for (size_t i = 0; rc == RC_OK && i < g.sum_n; i++)
		rc = check_sum(&g.sum[i], err);
	if (rc == RC_OK)
		rc = read_step(args, &g, err);
	if (rc == RC_OK)
		*ret_grouping = g;
	return rc;
}

/* Servers write numbers as texts. */
static bool number_of(const json_t *v, double *ret_number)
{
	const char *text = json_string_value(v);
	char *end = NULL;
	if (json_is_number(v))
		*ret_number = json_number_value(v);
	else if (text != NULL && *text != '\0')
		*ret_number = strtod(text, &end);
	else
		return false;
	return (end == NULL || *end == '\0') && isfinite(*ret_number);
}

static json_t *number_new(double v)
{
	return v == trunc(v) && fabs(v) < 9007199254740992.0 ? json_integer((json_int_t)v)
							     : json_real(v);
}

/* A group's value as a rule sees it. GIVES; NULL: it makes no sense. */
static json_t *value_new(const struct group_field *f, json_t *v)
{
	double number;
	if (v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
		return json_null();
	if (f->field.type != FIELD_MONEY && f->field.type != FIELD_NUMBER)
		return json_is_object(v) ? NULL : json_incref(v);
	if (!number_of(v, &number))
		return NULL;
	return number_new(f->field.type == FIELD_MONEY ? number / 1e6 : number);
}

static json_t *sums_new(const struct grouping *g, const json_t *sums)
{
	json_t *out = json_object();
	for (size_t i = 0; i < g->sum_n; i++) {
		const json_t *v = json_array_get(sums, i);
		double number = 0;
		bool ok = v == NULL || json_is_null(v) || number_of(v, &number);
		if (g->sum[i].field.type == FIELD_MONEY)
			number /= 1e6;
		if (!ok || json_object_set_new(out, g->sum[i].name, number_new(number)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

enum rc group_row(const struct grouping *g, const json_t *values, const json_t *count,
	const json_t *sums, json_t **ret_row, struct err *err)
{
	double n = -1;
	json_t *row = json_object();
	bool ok = json_array_size(values) == g->by_n && number_of(count, &n) && n >= 0 &&
		  json_object_set_new(row, "count", number_new(n)) == 0;
	for (size_t i = 0; ok && i < g->by_n; i++)
		ok = json_object_set_new(row, g->by[i].name,
			     value_new(&g->by[i], json_array_get(values, i))) == 0;
	if (ok && g->sum_n > 0)
		ok = json_object_set_new(row, "sum", sums_new(g, sums)) == 0;
	if (!ok) {
		json_decref(row);
		return err_set(err, RC_UPSTREAM, "Twenty's groups cannot be understood");
	}
	*ret_row = row;
	return RC_OK;
}

/* ---- made here ---- */

void groups_done(struct groups *groups)
{
	json_decref(groups->found);
	groups->found = NULL;
}

/* The part of the record that is grouped or summed. */
static json_t *part_of(const json_t *record, const struct group_field *f)
{
	char path[FIELD_PATH_MAX + 16];
	snprintf(path, sizeof(path), "%s%s", f->field.path,
		f->field.type == FIELD_MONEY ? ".amountMicros" : "");
	return field_value(record, path);
}

/* The first moment of the day, week .. that a time is in, as its date. */
static json_t *cut(enum group_step step, const json_t *time)
{
	char text[CLOCK_TEXT_N], whole[CLOCK_TEXT_N + 12];
	const char *from = json_string_value(time);
	if (from == NULL)
		return NULL;
	snprintf(whole, sizeof(whole), "%.24s%s", from, strlen(from) == 10 ? "T00:00:00Z" : "");
	int64_t ms = clock_parse(whole);
	if (ms < 0)
		return NULL;
	if (step == GROUP_WEEK)
		ms -= (ms / DAY_MS + 3) % 7 * DAY_MS; /* 1970 began on a Thursday */
	clock_format(ms, text);
	int month = (text[5] - '0') * 10 + text[6] - '0';
	if (step == GROUP_QUARTER)
		month = (month - 1) / 3 * 3 + 1;
	if (step == GROUP_YEAR)
		month = 1;
	bool whole_day = step == GROUP_DAY || step == GROUP_WEEK;
	return json_sprintf("%.4s-%02d-%.2s", text, month, whole_day ? text + 8 : "01");
}

static enum rc values_of(
	const struct grouping *g, const json_t *record, json_t **ret_values, struct err *err)
{
	json_t *values = json_array();
	for (size_t i = 0; i < g->by_n; i++) {
		const struct group_field *f = &g->by[i];
		json_t *v = part_of(record, f), *one = json_null();
		bool empty = v == NULL || (json_is_string(v) && json_string_length(v) == 0);
		if (!empty && !json_is_object(v))
			one = group_cuts(g, f) ? cut(g->step, v) : json_incref(v);
		if (json_is_object(v) || one == NULL) {
			json_decref(one);
			json_decref(values);
			return err_set(
				err, RC_INVALID, "group_by: %s cannot be grouped by", f->name);
		}
		json_array_append_new(values, one);
	}
	*ret_values = values;
	return RC_OK;
}

static enum rc sum_up(
	const struct grouping *g, const json_t *record, json_t *group, struct err *err)
{
	json_t *sums = json_object_get(group, "sums");
	for (size_t i = 0; i < g->sum_n; i++) {
		json_t *v = part_of(record, &g->sum[i]);
		double sum = json_number_value(json_array_get(sums, i)) + json_number_value(v);
		if (v != NULL && !json_is_number(v))
			return err_set(err, RC_INVALID, "group_by: %s is no number to be summed",
				g->sum[i].name);
		if (!isfinite(sum))
			return err_set(err, RC_INVALID, "group_by: the sum of %s is too large",
				g->sum[i].name);
		if (json_array_set_new(sums, i, json_real(sum)) != 0)
			return err_set(err, RC_NOMEM, "no memory for groups");
	}
	return RC_OK;
}

static json_t *group_new(json_t *values, size_t sum_n)
{
	json_t *sums = json_array();
	for (size_t i = 0; i < sum_n; i++)
		json_array_append_new(sums, json_real(0));
	return json_pack("{s:O, s:i, s:o}", "values", values, "count", 0, "sums", sums);
}

enum rc groups_add(
	struct groups *groups, const struct grouping *g, const json_t *record, struct err *err)
{
	json_t *values = NULL;
	enum rc rc = values_of(g, record, &values, err);
	if (rc != RC_OK)
		return rc;
	if (groups->found == NULL)
		groups->found = json_object();
	char *key = json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS);
	json_t *group = key != NULL ? json_object_get(groups->found, key) : NULL;
	if (group == NULL && json_object_size(groups->found) >= GROUPS_MAX)
		rc = err_set(err, RC_UNSUPPORTED, "more than %d groups", GROUPS_MAX);
	if (group == NULL && rc == RC_OK) {
		group = group_new(values, g->sum_n);
		if (key == NULL || json_object_set_new(groups->found, key, group) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for groups");
	}
	if (rc == RC_OK)
		rc = sum_up(g, record, group, err);
	if (rc == RC_OK) {
		json_t *count = json_object_get(group, "count");
		json_integer_set(count, json_integer_value(count) + 1);
	}
	free(key);
	json_decref(values);
	return rc;
}

enum rc groups_rows(
	const struct groups *groups, const struct grouping *g, json_t **ret_rows, struct err *err)
{
	json_t *rows = json_array();
	enum rc rc = rows != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for groups");
	const char *key;
	json_t *group;
	json_object_foreach(groups->found, key, group)
	{
		json_t *row = NULL;
		rc = group_row(g, json_object_get(group, "values"), json_object_get(group, "count"),
			json_object_get(group, "sums"), &row, err);
		if (rc == RC_OK && json_array_append_new(rows, row) != 0)
			rc = err_set(err, RC_NOMEM, "no memory for groups");
		if (rc != RC_OK)
			break;
	}
	if (rc == RC_OK)
		*ret_rows = rows;
	else
		json_decref(rows);
	return rc;
}
