/* SPDX-License-Identifier: MIT */
/*
 * Reading predicates: a worker's data -> a tree that can be decided.
 * From: ruleset.c, when a file is loaded. To: predicate.c. Every member is checked, for the worker
 * may be hostile; fails with a sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/predicate_part.h"

#define FUNCTIONS_MAX 10000 /* of one file */

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value) ||
	       json_is_null(value);
}

static bool values_fit(const json_t *values)
{
	size_t n = json_array_size(values);
	bool fit = values == NULL || (json_is_array(values) && n > 0 && n <= PREDICATE_VALUES_MAX);
	for (size_t i = 0; fit && i < n; i++)
		fit = is_scalar(json_array_get(values, i));
	return fit;
}

static bool name_fits(const char *field)
{
	size_t n = field != NULL ? strlen(field) : 0;
	return n > 0 && n <= PREDICATE_FIELD_BYTES_MAX;
}

static bool term_fits(const char *field, const json_t *term)
{
	const json_t *from = json_object_get(term, "from"), *to = json_object_get(term, "to");
	size_t known = (size_t)(from != NULL) + (to != NULL);
	return json_is_object(term) && name_fits(field) && json_object_size(term) == known &&
	       values_fit(from) && values_fit(to);
}

static enum rc unknown(struct err *err)
{
	return err_set(err, RC_INVALID, "`when` is no predicate that is known");
}

/* --- the kinds -------------------------------------------------------------------------------- */

struct reading {
	size_t nodes;
	int depth;
	struct err *err;
};

static enum rc read_node(struct reading *r, const json_t *json, struct predicate **ret);

static enum rc read_changed(struct reading *r, const json_t *data, struct predicate *p)
{
	const char *field;
	json_t *term;
	size_t n = json_object_size(data);
	bool fits = n > 0 && n <= PREDICATE_FIELDS_MAX;
	json_object_foreach(p->data, field, term) fits = fits && term_fits(field, term);
	return fits ? RC_OK : unknown(r->err);
}

static enum rc read_has(struct reading *r, const json_t *data, struct predicate *p)
{
	(void)p;
	size_t n = json_array_size(data);
	bool fits = n > 0 && n <= PREDICATE_FIELDS_MAX;
	for (size_t i = 0; fits && i < n; i++)
		fits = name_fits(json_string_value(json_array_get(data, i)));
	return fits ? RC_OK : unknown(r->err);
}

static size_t tests_of(const struct where *where)
{
	size_t n = where->kind == WHERE_TEST;
	for (size_t i = 0; i < where->child_n; i++)
		n += tests_of(where->child[i]);
	return n;
}

static enum rc too_many(struct reading *r)
{
	return err_set(r->err, RC_INVALID, "`when` has more than %d parts", PREDICATE_NODES);
}

/* Which objects it will be about is not known yet: here its names are paths. */
static enum rc read_is(struct reading *r, const json_t *data, struct predicate *p)
{
	(void)p;
	struct where *where = NULL;
	if (!json_is_object(data))
		return unknown(r->err);
	enum rc rc = where_parse(NULL, "", data, &where, r->err);
	if (rc == RC_OK && !where_tests(where))
		rc = err_set(r->err, RC_INVALID, "an empty condition");
	if (rc == RC_OK)
		r->nodes += tests_of(where) - 1; /* one was counted already */
	where_free(where);
	if (rc != RC_OK)
		return err_wrap(r->err, "is");
	return r->nodes > PREDICATE_NODES ? too_many(r) : RC_OK;
}

static enum rc read_group(struct reading *r, const json_t *data, struct predicate *p)
{
	size_t n = json_array_size(data);
	if (n == 0 || n > PREDICATE_NODES)
		return unknown(r->err);
	if (++r->depth > PREDICATE_DEPTH)
		return err_set(r->err, RC_INVALID, "`when` has more than %d groups in groups",
			PREDICATE_DEPTH);
	p->child = calloc(n, sizeof(struct predicate *));
	if (p->child == NULL)
		return err_set(r->err, RC_NOMEM, "no memory for a predicate");
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = read_node(r, json_array_get(data, i), &p->child[i]);
		p->child_n += rc == RC_OK;
	}
	r->depth--;
	return rc;
}

static enum rc read_ask(struct reading *r, const json_t *data, struct predicate *p)
{
	json_int_t n = json_is_integer(data) ? json_integer_value(data) : 0;
	if (n < 1 || n > FUNCTIONS_MAX)
		return unknown(r->err);
	p->function = (int)n;
	return RC_OK;
}

static const struct {
	const char *name;
	enum predicate_kind kind;
	enum rc (*read)(struct reading *r, const json_t *data, struct predicate *p);
} kinds[] = {
	{"changed", PREDICATE_CHANGED, read_changed},
	{"has", PREDICATE_HAS, read_has},
	{"is", PREDICATE_IS, read_is},
	{"all", PREDICATE_ALL, read_group},
	{"any", PREDICATE_ANY, read_group},
	{"none", PREDICATE_NONE, read_group},
	{"ask", PREDICATE_ASK, read_ask},
};

static enum rc read_node(struct reading *r, const json_t *json, struct predicate **ret)
{
	size_t i = 0;
	json_t *data = NULL;
	if (json_object_size(json) != 1)
		return unknown(r->err);
	while (i < ARRAY_N(kinds) && (data = json_object_get(json, kinds[i].name)) == NULL)
		i++;
	if (i == ARRAY_N(kinds))
		return unknown(r->err);
	if (++r->nodes > PREDICATE_NODES)
		return too_many(r);
	struct predicate *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(r->err, RC_NOMEM, "no memory for a predicate");
	p->kind = kinds[i].kind;
	p->data = json_incref(data);
	enum rc rc = kinds[i].read(r, data, p);
	if (rc != RC_OK) {
		predicate_free(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

enum rc predicate_new(const json_t *json, struct predicate **ret_predicate, struct err *err)
{
	struct reading r = {.err = err};
	return read_node(&r, json, ret_predicate);
}

void predicate_free(struct predicate *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->child_n; i++)
		predicate_free(p->child[i]);
	free(p->child);
	where_free(p->where);
	json_decref(p->data);
	free(p);
}
