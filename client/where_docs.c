/* SPDX-License-Identifier: MIT */
/*
 * A condition as the published documentation can say it: filter[field][op]=value, all of which must
 * hold. Operators on that page: contains, isNot=null, gt, gte, lte, eq.
 * From: dialect_docs.c. To: query parameters, each wider than or equal to its test; groups and
 * everything else stay with us. The answer is always filtered here as well.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/where.h"

static enum rc param(struct request *r, const char *field, const char *op, const char *value)
{
	char name[2 * FIELD_PATH_MAX];
	snprintf(name, sizeof(name), "filter[%s][%s]", field, op);
	return request_param(r, name, value);
}

/* The documentation's name of a test's field; false where there is none. */
static bool name_of(const struct where *w, char ret_name[static FIELD_PATH_MAX])
{
	const struct field *f = &w->field;
	const char *dot = strchr(f->path, '.');
	size_t n = strlen(f->path);
	if (f->docs != NULL)
		snprintf(ret_name, FIELD_PATH_MAX, "%s", f->docs);
	else if (dot == NULL && n > 2 && strcmp(f->path + n - 2, "Id") == 0)
		snprintf(ret_name, FIELD_PATH_MAX, "%.*s][id", (int)n - 2, f->path);
	else if (dot == NULL)
		snprintf(ret_name, FIELD_PATH_MAX, "%s", f->path);
	else
		return false;
	return true;
}

/* slack: of amounts with fractions, how many millionths more or less are asked for. They are
 * counted in millionths here and written in units, and nobody knows how the server rounds. */
static bool text_of(const struct where *w, const json_t *v, double slack, char *text, size_t n)
{
	int put = -1;
	double number = json_number_value(v);
	if (json_is_string(v))
		put = snprintf(text, n, "%s", json_string_value(v));
	else if (json_is_number(v) && w->field.type == FIELD_MONEY)
		put = snprintf(
			text, n, "%.17g", (number + (fmod(number, 1e6) == 0 ? 0 : slack)) / 1e6);
	else if (json_is_number(v))
		put = snprintf(text, n, "%.17g", number);
	return put > 0 && (size_t)put < n;
}

/* Part of the text that everything which passes holds: an upper bound that contains can say. */
static enum rc put_contains(struct request *r, const char *name, const json_t *v)
{
	const char *text = json_string_value(v);
	return text != NULL && strpbrk(text, "%_\\") == NULL && *text != '\0'
		       ? param(r, name, "contains", text)
		       : RC_OK;
}

static enum rc put_equal(struct request *r, const struct where *w, const char *name)
{
	char text[512];
	if (w->field.type == FIELD_EMAIL) /* kept in lower case, maybe written otherwise */
		return put_contains(r, name, w->value);
	if (w->field.type == FIELD_LIST || w->field.type == FIELD_DATE ||
		!text_of(w, w->value, 0, text, sizeof(text)))
		return RC_OK;
	if (w->field.type == FIELD_MONEY && fmod(json_number_value(w->value), 1e6) != 0) {
		enum rc rc = text_of(w, w->value, -0.5, text, sizeof(text))
				     ? param(r, name, "gte", text)
				     : RC_OK;
		return rc == RC_OK && text_of(w, w->value, 0.5, text, sizeof(text))
			       ? param(r, name, "lte", text)
			       : rc;
	}
	/* that word is the server's for nothing */
	return strcmp(text, "null") != 0 ? param(r, name, "eq", text) : RC_OK;
}

static enum rc put_order(struct request *r, const struct where *w, const char *name)
{
	char text[64];
	bool below = w->op == WHERE_LT || w->op == WHERE_LTE;
	if (!text_of(w, w->value, below ? 0.5 : -0.5, text, sizeof(text)))
		return RC_OK;
	/* "lt" is not on that page; lte is and lets one value more through */
	const char *op = below ? "lte" : w->op == WHERE_GT ? "gt" : "gte";
	return param(r, name, op, text);
}

static enum rc put_test(struct request *r, const struct where *w)
{
	char name[FIELD_PATH_MAX];
	if (!name_of(w, name))
		return RC_OK;
	if (w->negated)
		return w->op == WHERE_EMPTY || (w->op == WHERE_EQ && json_is_null(w->value))
			       ? param(r, name, "isNot", "null")
			       : RC_OK;
	switch (w->op) {
	case WHERE_EQ:
	case WHERE_NEQ:
		return put_equal(r, w, name);
	case WHERE_GT:
	case WHERE_GTE:
	case WHERE_LT:
	case WHERE_LTE:
		return put_order(r, w, name);
	case WHERE_CONTAINS:
	case WHERE_STARTS:
	case WHERE_ENDS:
		return put_contains(r, name, w->value);
	case WHERE_IN:
		return w->field.type == FIELD_DOMAIN && json_array_size(w->value) == 6
			       ? put_contains(r, name, json_array_get(w->value, 0))
			       : RC_OK;
	case WHERE_LIKE:
	case WHERE_EMPTY:
	case WHERE_OP_N:
		break;
	}
	return RC_OK;
}

enum rc where_format_docs(const struct where *where, struct request *request)
{
	if (where->kind == WHERE_TEST)
		return put_test(request, where);
	enum rc rc = RC_OK;
	if (where->kind == WHERE_ALL || where->child_n == 1)
		for (size_t i = 0; i < where->child_n && rc == RC_OK; i++)
			rc = where_format_docs(where->child[i], request);
	return rc;
}
