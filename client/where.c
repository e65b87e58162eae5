/* SPDX-License-Identifier: MIT */
/*
 * Reading a condition.
 * From: the arguments of a call. To: where_core.c and where_docs.c, which say it, and match.c,
 * which checks it. Fails with a sentence that names the field. Text that could change the meaning
 * of a query is no matter here: what can be said safely is decided where it is said.
 */
#include "client/where.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/phone.h"

static const char *const op_names[] = {
#define X(code, text) [code] = text,
	WHERE_OPS(X)
#undef X
		NULL,
};

struct reading {
	const struct schema *schema;
	const char *object;
	int nodes;
	struct err *err;
};

static enum rc read_group(struct reading *r, const json_t *list, enum where_kind kind, bool negated,
	int depth, struct where **ret);
static enum rc read_object(
	struct reading *r, const json_t *json, bool negated, int depth, struct where **ret);
static enum rc read_members(struct reading *r, const json_t *json, const char *field, bool negated,
	int depth, struct where **ret);

static struct where *node_new(struct reading *r, enum where_kind kind)
{
	if (++r->nodes > WHERE_NODES)
		return NULL;
	struct where *w = calloc(1, sizeof(*w));
	if (w != NULL)
		w->kind = kind;
	return w;
}

void where_free(struct where *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->child_n; i++)
		where_free(w->child[i]);
	free(w->child);
	json_decref(w->value);
	free(w);
}

bool where_tests(const struct where *w)
{
	if (w->kind == WHERE_TEST)
		return true;
	for (size_t i = 0; i < w->child_n; i++)
		if (where_tests(w->child[i]))
			return true;
	return false;
}

bool where_names(const struct where *w, const char *path)
{
	if (w->kind == WHERE_TEST)
		return strcmp(w->field.path, path) == 0;
	for (size_t i = 0; i < w->child_n; i++)
		if (where_names(w->child[i], path))
			return true;
	return false;
}

/* TAKES child, also on failure. */
static enum rc node_add(struct reading *r, struct where *parent, struct where *child)
{
	struct where **grown =
		realloc(parent->child, (parent->child_n + 1) * sizeof(struct where *));
	if (grown == NULL) {
		where_free(child);
		return err_set(r->err, RC_NOMEM, "no memory for a condition");
	}
	parent->child = grown;
	parent->child[parent->child_n++] = child;
	return RC_OK;
}

/* Gives a group out that was read whole; TAKES it otherwise. */
static enum rc group_end(enum rc rc, struct where *group, struct where **ret)
{
	if (rc == RC_OK)
		*ret = group;
	else
		where_free(group);
	return rc;
}

static enum rc too_many(struct reading *r)
{
	return err_set(r->err, RC_INVALID, "the condition is too large");
}

/* TAKES value. */
static enum rc test_new(struct reading *r, const struct field *field, enum where_op op,
	json_t *value, bool negated, struct where **ret)
{
	struct where *w = value != NULL ? node_new(r, WHERE_TEST) : NULL;
	if (w == NULL) {
		json_decref(value);
		return too_many(r);
	}
	w->field = *field;
	w->op = op;
	w->value = value;
	w->negated = negated;
	*ret = w;
	return RC_OK;
}

static bool is_plain(const json_t *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_boolean(v) || json_is_null(v);
}

/* A link of which only the host counts: every way to write it, with a slash behind it as well,
 * which older servers keep. */
static json_t *links_of(const char *host)
{
	static const char *const fronts[] = {
		"", "https://", "http://", "https://www.", "http://www.", "www."};
	json_t *links = json_array();
	for (size_t i = 0; i < ARRAY_N(fronts); i++) {
		json_array_append_new(links, json_sprintf("%s%s", fronts[i], host));
		json_array_append_new(links, json_sprintf("%s%s/", fronts[i], host));
	}
	return links;
}

static enum rc read_domain(struct reading *r, const struct field *field, const json_t *values,
	bool negated, struct where **ret)
{
	json_t *all = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(values, i, each)
	{
		char host[FIELD_PATH_MAX];
		json_t *links = json_is_string(each) && field_domain(json_string_value(each), host,
								sizeof(host))
					? links_of(host)
					: json_pack("[O]", each);
		json_array_extend(all, links);
		json_decref(links);
	}
	return test_new(r, field, WHERE_IN, all, negated, ret);
}

/* A whole number in E.164: its two parts. Negated, one of them differs. */
static enum rc read_phone(struct reading *r, const struct field *field, enum where_op op,
	const json_t *value, bool negated, struct where **ret);

static enum rc read_phones(struct reading *r, const struct field *field, const json_t *values,
	bool negated, struct where **ret)
{
	struct where *group = node_new(r, negated ? WHERE_ALL : WHERE_ANY);
	enum rc rc = group != NULL ? RC_OK : too_many(r);
	size_t i;
	json_t *each;
	json_array_foreach(values, i, each)
	{
		struct where *one = NULL;
		if (rc == RC_OK)
			rc = read_phone(r, field, WHERE_EQ, each, negated, &one);
		if (rc == RC_OK)
			rc = node_add(r, group, one);
	}
	return group_end(rc, group, ret);
}

static enum rc read_phone(struct reading *r, const struct field *field, enum where_op op,
	const json_t *value, bool negated, struct where **ret)
{
	struct field number = *field, code = *field;
	snprintf(number.path, sizeof(number.path), "%.80s.primaryPhoneNumber", field->path);
	snprintf(code.path, sizeof(code.path), "%.80s.primaryPhoneCallingCode", field->path);
	number.type = code.type = FIELD_TEXT;
	code.docs = NULL;
	if (op == WHERE_IN)
		return read_phones(r, field, value, negated, ret);
	struct phone phone;
	if (op != WHERE_EQ || !json_is_string(value) ||
		!phone_parse(json_string_value(value), &phone)) {
		json_t *copy = json_deep_copy(value);
		return test_new(r, &number, op, copy, negated, ret);
	}
	struct where *both = node_new(r, negated ? WHERE_ANY : WHERE_ALL);
	if (both == NULL)
		return too_many(r);
	struct where *test = NULL;
	number.docs = NULL;
	enum rc rc = test_new(r, &number, WHERE_EQ, json_string(phone.number), negated, &test);
	if (rc == RC_OK)
		rc = node_add(r, both, test);
	if (rc == RC_OK)
		rc = test_new(r, &code, WHERE_EQ, json_string(phone.calling), negated, &test);
	if (rc == RC_OK)
		rc = node_add(r, both, test);
	return group_end(rc, both, ret);
}

static json_t *micros_of(const json_t *units)
{
	double micros = json_number_value(units) * 1e6;
	return isfinite(micros) && fabs(micros) < 9e15 ? json_integer((json_int_t)llround(micros))
						       : NULL;
}

/* Plain amounts are currency units; the field that holds them counts micros. */
static enum rc read_money(struct reading *r, const char *name, struct field *field,
	enum where_op op, const json_t *value, bool negated, struct where **ret)
{
	size_t n = strlen(field->path);
	snprintf(field->path + n, sizeof(field->path) - n, ".amountMicros");
	if (op == WHERE_EMPTY || json_is_null(value)) {
		json_t *same = json_deep_copy(value);
		return test_new(r, field, op, same, negated, ret);
	}
	json_t *out = op == WHERE_IN ? json_array() : NULL;
	size_t i;
	json_t *each;
	json_array_foreach(
		value, i, each) if (json_array_append_new(out,
					    json_is_number(each) ? micros_of(each) : NULL) != 0)
	{
		json_decref(out);
		return err_set(r->err, RC_INVALID,
			"%s: amounts are numbers, in units of the currency", name);
	}
	if (op != WHERE_IN && json_is_number(value))
		out = micros_of(value);
	if (out == NULL)
		return err_set(r->err, RC_INVALID,
			"%s: an amount is a number, in units of the currency", name);
	return test_new(r, field, op, out, negated, ret);
}

static bool value_fits(enum where_op op, const json_t *v)
{
	switch (op) {
	case WHERE_EQ:
	case WHERE_NEQ:
		return is_plain(v);
	case WHERE_GT:
	case WHERE_GTE:
	case WHERE_LT:
	case WHERE_LTE:
		return json_is_string(v) || json_is_number(v);
	case WHERE_CONTAINS:
	case WHERE_STARTS:
	case WHERE_ENDS:
	case WHERE_LIKE:
		return json_is_string(v) && json_string_length(v) > 0;
	case WHERE_EMPTY:
		return json_is_boolean(v);
	case WHERE_IN:
		break;
	case WHERE_OP_N:
		return false;
	}
	size_t i;
	json_t *each;
	bool ok = json_is_array(v) && json_array_size(v) > 0;
	json_array_foreach(v, i, each) ok = ok && is_plain(each);
	return ok;
}

/* What is looked for in long texts, for each event and record anew. */
static bool length_fits(enum where_op op, const json_t *v)
{
	bool looks =
		op == WHERE_CONTAINS || op == WHERE_STARTS || op == WHERE_ENDS || op == WHERE_LIKE;
	return !looks || json_string_length(v) <= WHERE_TEXT_MAX;
}

/* Of no object of the workspace, a name is a path through what the sender wrote. */
static enum rc find_path(const char *name, struct field *ret_field, struct err *err)
{
	struct field field = {.type = FIELD_OTHER};
	size_t n = strlen(name);
	if (n == 0 || n >= sizeof(field.path) || name[0] == '.' || name[n - 1] == '.' ||
		strstr(name, "..") != NULL)
		return err_set(
			err, RC_INVALID, "\"%.40s\" is no path such as data.object.status", name);
	memcpy(field.path, name, n + 1);
	*ret_field = field;
	return RC_OK;
}

static enum rc read_test(struct reading *r, const char *name, enum where_op op, const json_t *value,
	bool negated, struct where **ret)
{
	struct field field;
	enum rc rc = r->object[0] != '\0' ? field_find(r->schema, r->object, name, &field, r->err)
					  : find_path(name, &field, r->err);
	if (rc != RC_OK)
		return rc;
	if (!value_fits(op, value))
		return err_set(
			r->err, RC_INVALID, "%s: that is no value for %s", name, op_names[op]);
	if (!length_fits(op, value))
		return err_set(r->err, RC_INVALID, "%s: %s has more than %d bytes", name,
			op_names[op], WHERE_TEXT_MAX);
	if (op == WHERE_NEQ) {
		op = WHERE_EQ;
		negated = !negated;
	}
	if (op == WHERE_EMPTY && json_is_false(value)) {
		value = json_true();
		negated = !negated;
	}
	if (field.type == FIELD_MONEY)
		return read_money(r, name, &field, op, value, negated, ret);
	if (field.type == FIELD_PHONE)
		return read_phone(r, &field, op, value, negated, ret);
	field_single(&field);
	if (field.type == FIELD_DOMAIN && op == WHERE_IN)
		return read_domain(r, &field, value, negated, ret);
	if (field.type == FIELD_DOMAIN && op == WHERE_EQ && json_is_string(value)) {
		json_t *one = json_pack("[O]", value);
		rc = read_domain(r, &field, one, negated, ret);
		json_decref(one);
		return rc;
	}
	return test_new(r, &field, op, json_deep_copy(value), negated, ret);
}

static enum where_op op_find(const char *name)
{
	for (int i = 0; i < WHERE_OP_N; i++)
		if (strcmp(op_names[i], name) == 0)
			return (enum where_op)i;
	return WHERE_OP_N;
}

static enum rc no_operator(struct reading *r, const char *field, const char *name)
{
	const char *near = conf_nearest(name, op_names);
	if (strcmp(name, "amountMicros") == 0 || strcmp(name, "currencyCode") == 0)
		return err_set(r->err, RC_INVALID,
			"%s: in a condition an amount is a number, in units of the currency",
			field);
	if (near != NULL)
		return err_set(r->err, RC_INVALID,
			"%s: there is no comparison \"%.40s\", did you mean \"%s\"?", field, name,
			near);
	return err_set(r->err, RC_INVALID,
		"%s: there is no comparison \"%.40s\"; there are eq neq gt gte lt lte in contains "
		"startsWith endsWith like empty",
		field, name);
}

static enum rc read_operator(struct reading *r, const char *field, const char *name,
	const json_t *value, bool negated, struct where **ret)
{
	enum where_op op = op_find(name);
	if (op == WHERE_OP_N)
		return no_operator(r, field, name);
	return read_test(r, field, op, value, negated, ret);
}

/* One field with its value, its list or its table of operators. */
static enum rc read_field(
	struct reading *r, const char *name, const json_t *value, bool negated, struct where **ret)
{
	if (is_plain(value))
		return read_test(r, name, WHERE_EQ, value, negated, ret);
	if (json_is_array(value))
		return json_array_size(value) == 0
			       ? err_set(r->err, RC_INVALID, "%s: an empty list matches nothing",
					 name)
		       : json_array_size(value) == 1 && is_plain(json_array_get(value, 0))
			       ? read_test(
					 r, name, WHERE_EQ, json_array_get(value, 0), negated, ret)
			       : read_test(r, name, WHERE_IN, value, negated, ret);
	if (json_object_size(value) == 0)
		return err_set(r->err, RC_INVALID, "%s: an empty condition", name);
	return read_members(r, value, name, negated, 0, ret);
}

static enum rc read_entry(struct reading *r, const char *key, const json_t *value, bool negated,
	int depth, struct where **ret)
{
	if (strcmp(key, "all") == 0)
		return read_group(r, value, WHERE_ALL, negated, depth, ret);
	if (strcmp(key, "any") == 0)
		return read_group(r, value, WHERE_ANY, negated, depth, ret);
	if (strcmp(key, "none") == 0)
		return read_group(r, value, WHERE_ANY, !negated, depth, ret);
	return read_field(r, key, value, negated, ret);
}

static enum rc read_group(struct reading *r, const json_t *list, enum where_kind kind, bool negated,
	int depth, struct where **ret)
{
	if (json_is_object(list) &&
		json_object_size(list) > 0) { /* all { stage = .. }: one member */
		json_t *one = json_pack("[O]", list);
		enum rc rc = read_group(r, one, kind, negated, depth, ret);
		json_decref(one);
		return rc;
	}
	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(
			r->err, RC_INVALID, "a group of conditions is a list of at least one");
	if (depth >= WHERE_DEPTH)
		return too_many(r);
	if (negated)
		kind = kind == WHERE_ALL ? WHERE_ANY : WHERE_ALL;
	struct where *group = node_new(r, kind);
	if (group == NULL)
		return too_many(r);
	enum rc rc = RC_OK;
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each)
	{
		struct where *child = NULL;
		rc = read_object(r, each, negated, depth + 1, &child);
		if (rc == RC_OK && !where_tests(child)) {
			where_free(child);
			rc = err_set(r->err, RC_INVALID, "a group holds an empty condition");
		} else if (rc == RC_OK)
			rc = node_add(r, group, child);
		if (rc != RC_OK)
			break;
	}
	return group_end(rc, group, ret);
}

/* All members must hold: tests of one field, or, where field is NULL, entries of a condition. */
static enum rc read_members(struct reading *r, const json_t *json, const char *field, bool negated,
	int depth, struct where **ret)
{
	struct where *group = node_new(r, negated ? WHERE_ANY : WHERE_ALL);
	if (group == NULL)
		return too_many(r);
	enum rc rc = RC_OK;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		struct where *child = NULL;
		rc = field != NULL ? read_operator(r, field, key, value, negated, &child)
				   : read_entry(r, key, value, negated, depth, &child);
		if (rc == RC_OK)
			rc = node_add(r, group, child);
		if (rc != RC_OK)
			break;
	}
	return group_end(rc, group, ret);
}

static enum rc read_object(
	struct reading *r, const json_t *json, bool negated, int depth, struct where **ret)
{
	bool none = json == NULL || (json_is_array(json) && json_array_size(json) == 0);
	if (!none && !json_is_object(json))
		return err_set(r->err, RC_INVALID, "a condition is a table of fields");
	return read_members(r, json, NULL, negated, depth, ret);
}

enum rc where_parse(const struct schema *schema, const char *object, const json_t *json,
	struct where **ret_where, struct err *err)
{
	struct reading r = {.schema = schema, .object = object, .err = err};
	return read_object(&r, json_is_null(json) ? NULL : json, false, 0, ret_where);
}
