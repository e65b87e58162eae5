/* SPDX-License-Identifier: MIT */
/*
 * The filter tree: conditions, evaluation, and the short cut through the indexes.
 * From: filter_parse.c and docs_query.c build it; page.c evaluates it.
 * Fails with a sentence where a value does not fit its field. Text compares as PostgreSQL's C
 * collation does; an empty text is NULL, because a real server stores it so.
 */
#include "tests/twin/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/clock.h"
#include "tests/twin/filter_node.h"
#include "tests/twin/value.h"

enum truth { NO = 0, YES = 1, UNKNOWN = 2 };

static const char *const op_names[] = {
#define X(code, name) name,
	FILTER_OPS(X)
#undef X
};

enum filter_op filter_op_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_N(op_names); i++) {
		if (strcmp(op_names[i], name) == 0)
			return (enum filter_op)i;
	}
	return OP_N;
}

void filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->kid_n; i++)
		filter_free(f->kids[i]);
	free(f->kids);
	for (size_t i = 0; i < f->value_n; i++)
		free(f->values[i]);
	free(f->values);
	free(f);
}

struct filter *filter_group(enum filter_op op)
{
	struct filter *f = calloc(1, sizeof(*f));
	if (f != NULL)
		f->op = op;
	return f;
}

bool filter_add(struct filter *group, struct filter *kid)
{
	struct filter **kids = realloc(group->kids, (group->kid_n + 1) * sizeof(*kids));
	if (kids == NULL) {
		filter_free(kid);
		return false;
	}
	group->kids = kids;
	kids[group->kid_n++] = kid;
	return true;
}

/* What kind of comparison the value of a path asks for. */
static enum field_type path_kind(const struct path *p)
{
	if (p->via == NULL && p->field->join != NULL)
		return FT_UUID;
	if (p->sub == NULL)
		return p->field->type;
	const struct sub *s = value_sub(p->field->type, p->sub);
	if (s->kind == SUB_NUMBER)
		return FT_NUMBER;
	return s->kind == SUB_EMAILS || s->kind == SUB_LIST ? FT_ARRAY : FT_TEXT;
}

/* Dates are compared as texts of one form. */
static bool date_value(struct filter *f, size_t i, struct fail *fail)
{
	char whole[48];
	const char *text = f->values[i];
	if (strlen(text) == 10)
		snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
	else
		snprintf(whole, sizeof(whole), "%.46s", text);
	int64_t ms = clock_parse(whole);
	if (ms < 0)
		return fail_bad(
			fail, "Invalid date value '%s' for field \"%s\"", text, f->path.text);
	char iso[CLOCK_TEXT_N];
	clock_format(ms, iso);
	if (f->path.field->type == FT_DATE)
		iso[10] = '\0';
	char *copy = strdup(iso);
	if (copy == NULL)
		return fail_nomem(fail);
	free(f->values[i]);
	f->values[i] = copy;
	return true;
}

static bool value_check(struct filter *f, size_t i, struct fail *fail)
{
	const char *text = f->values[i];
	char *end;
	switch (f->kind) {
	case FT_UUID:
		if (!ident_valid(text))
			return fail_bad(fail, "Invalid UUID value '%s' for field \"%s\"", text,
				f->path.text);
		return true;
	case FT_DATE:
	case FT_DATE_TIME:
		return date_value(f, i, fail);
	case FT_NUMBER:
	case FT_POSITION:
		f->number = strtod(text, &end);
		if (end == text)
			return fail_bad(fail, "Invalid number value '%s' for field \"%s\"", text,
				f->path.text);
		return true;
	case FT_SELECT:
		if (!schema_option_known(f->path.field, text))
			return fail_bad(
				fail, "Invalid value \"%s\" for field \"%s\"", text, f->path.text);
		return true;
	default:
		return true;
	}
}

static bool leaf_check(struct filter *f, struct fail *fail)
{
	bool text_op = f->op == OP_LIKE || f->op == OP_ILIKE || f->op == OP_STARTS_WITH ||
		       f->op == OP_ENDS_WITH;
	if (f->op == OP_IS) {
		if (strcmp(f->values[0], "NULL") == 0 || strcmp(f->values[0], "NOT_NULL") == 0)
			return true;
		return fail_bad(fail, "Invalid value '%s' for 'is' filter on field \"%s\"",
			f->values[0], f->path.text);
	}
	for (size_t i = 0; !text_op && i < f->value_n; i++) {
		if (!value_check(f, i, fail))
			return false;
	}
	return true;
}

struct filter *filter_leaf(const struct schema *s, const struct object *o, const char *path,
	enum filter_op op, const char *const *values, size_t n, struct fail *fail)
{
	struct filter *f = filter_group(op);
	if (f == NULL) {
		fail_nomem(fail);
		return NULL;
	}
	enum path_fail rc = path_parse(&f->path, s, o, path);
	if (rc != PATH_OK) {
		snprintf(fail->field, sizeof(fail->field), "%s", path);
		if (rc == PATH_UNKNOWN)
			fail_bad(fail, "Object %s doesn't have any \"%s\" field.", o->singular,
				path);
		else
			fail_bad(fail, "Sub field filter is required for field \"%s\"", path);
		filter_free(f);
		return NULL;
	}
	f->kind = path_kind(&f->path);
	f->values = calloc(n + 1, sizeof(*f->values));
	for (; f->values != NULL && f->value_n < n; f->value_n++) {
		f->values[f->value_n] = strdup(values[f->value_n]);
		if (f->values[f->value_n] == NULL)
			break;
	}
	if (f->values == NULL || f->value_n < n) {
		fail_nomem(fail);
		filter_free(f);
		return NULL;
	}
	if (leaf_check(f, fail))
		return f;
	filter_free(f);
	return NULL;
}

/* The character at *p; moves *p behind it. What is no UTF-8 counts byte by byte. */
static uint32_t next_char(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	int n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC2 ? 2 : 1;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xFFu >> (n + 1));
	for (int i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80) {
			n = 1;
			c = s[0];
			break;
		}
		c = c << 6 | (s[i] & 0x3F);
	}
	*p += n;
	return c;
}

static bool same_char(uint32_t a, uint32_t b, bool ignore_case)
{
	return a == b || (ignore_case && towlower((wint_t)a) == towlower((wint_t)b));
}

/* SQL's LIKE: % is any text, _ any character; a backslash makes the next one itself. */
static bool like(const char *pattern, const char *text, bool ignore_case)
{
	const char *star = NULL, *resume = NULL;
	while (*text != '\0') {
		const char *p = pattern, *t = text;
		if (*p == '%') {
			star = ++pattern;
			resume = text;
			continue;
		}
		bool any = *p == '_';
		p += *p == '\\' && p[1] != '\0';
		uint32_t have = next_char(&t);
		if (*p != '\0' && (any || same_char(next_char(&p), have, ignore_case))) {
			pattern = any ? pattern + 1 : p;
			text = t;
		} else if (star != NULL) {
			(void)next_char(&resume);
			pattern = star;
			text = resume;
		} else {
			return false;
		}
	}
	while (*pattern == '%')
		pattern++;
	return *pattern == '\0';
}

static enum truth compare_result(enum filter_op op, int c)
{
	switch (op) {
	case OP_EQ:
		return c == 0 ? YES : NO;
	case OP_NEQ:
		return c != 0 ? YES : NO;
	case OP_GT:
		return c > 0 ? YES : NO;
	case OP_GTE:
		return c >= 0 ? YES : NO;
	case OP_LT:
		return c < 0 ? YES : NO;
	case OP_LTE:
		return c <= 0 ? YES : NO;
	default:
		return UNKNOWN;
	}
}

static enum truth text_matches(const struct filter *f, const char *text)
{
	const char *v = f->values[0];
	size_t n = strlen(text), v_n = strlen(v);
	switch (f->op) {
	case OP_IN:
		for (size_t i = 0; i < f->value_n; i++) {
			if (strcmp(f->values[i], text) == 0)
				return YES;
		}
		return NO;
	case OP_STARTS_WITH:
		return strncmp(text, v, v_n) == 0 ? YES : NO;
	case OP_ENDS_WITH:
		return n >= v_n && strcmp(text + n - v_n, v) == 0 ? YES : NO;
	case OP_LIKE:
	case OP_ILIKE:
		return like(v, text, f->op == OP_ILIKE) ? YES : NO;
	default:
		return compare_result(f->op, strcmp(text, v));
	}
}

static enum truth list_matches(const struct filter *f, const json_t *list)
{
	size_t i;
	json_t *e;
	json_array_foreach((json_t *)(uintptr_t)list, i, e)
	{
		const char *text = json_string_value(e);
		for (size_t k = 0; text != NULL && k < f->value_n; k++) {
			bool same = f->op == OP_ILIKE || f->op == OP_LIKE
					    ? like(f->values[k], text, f->op == OP_ILIKE)
					    : strcmp(text, f->values[k]) == 0;
			if (same)
				return YES;
		}
	}
	return NO;
}

static enum truth number_matches(const struct filter *f, double number)
{
	if (f->op != OP_IN)
		return compare_result(f->op, (number > f->number) - (number < f->number));
	for (size_t i = 0; i < f->value_n; i++) {
		if (strtod(f->values[i], NULL) == number)
			return YES;
	}
	return NO;
}

static enum truth bool_matches(const struct filter *f, bool have)
{
	for (size_t i = 0; i < f->value_n; i++) {
		bool want = strcasecmp(f->values[i], "true") == 0;
		if (f->op != OP_IN)
			return compare_result(f->op, have - want);
		if (want == have)
			return YES;
	}
	return NO;
}

static enum truth leaf_matches(const struct filter *f, const json_t *rec)
{
	const json_t *value = path_value(&f->path, rec);
	bool nothing = value_is_empty(value);
	if (f->op == OP_IS)
		return nothing == (strcmp(f->values[0], "NULL") == 0) ? YES : NO;
	if (nothing && f->op == OP_EQ && f->values[0][0] == '\0')
		return YES;
	if (nothing && !json_is_array(value))
		return UNKNOWN;
	if (json_is_array(value))
		return list_matches(f, value);
	if (json_is_number(value))
		return number_matches(f, json_number_value(value));
	if (json_is_boolean(value))
		return bool_matches(f, json_is_true(value));
	return json_is_string(value) ? text_matches(f, json_string_value(value)) : UNKNOWN;
}

static enum truth filter_eval(const struct filter *f, const json_t *rec)
{
	if (f->op == OP_NOT) {
		enum truth t = filter_eval(f->kids[0], rec);
		return t == UNKNOWN ? UNKNOWN : (t == YES ? NO : YES);
	}
	if (f->op != OP_AND && f->op != OP_OR)
		return leaf_matches(f, rec);
	enum truth decided = f->op == OP_AND ? NO : YES, rest = f->op == OP_AND ? YES : NO;
	for (size_t i = 0; i < f->kid_n; i++) {
		enum truth t = filter_eval(f->kids[i], rec);
		if (t == decided)
			return decided;
		if (t == UNKNOWN)
			rest = UNKNOWN;
	}
	return rest;
}

bool filter_matches(const struct filter *f, const json_t *rec)
{
	return f == NULL || filter_eval(f, rec) == YES;
}

bool filter_mentions(const struct filter *f, const char *field)
{
	if (f == NULL)
		return false;
	if (f->kid_n == 0)
		return f->path.field != NULL && f->path.via == NULL &&
		       strcmp(f->path.field->name, field) == 0;
	for (size_t i = 0; i < f->kid_n; i++) {
		if (filter_mentions(f->kids[i], field))
			return true;
	}
	return false;
}

/* The unique field that a leaf pins, by its index in the object; -1 for the id, -2 for none. */
static int leaf_index(const struct filter *f, const struct object *o)
{
	if ((f->op != OP_EQ && f->op != OP_IN) || f->path.via != NULL)
		return -2;
	if (strcmp(f->path.text, "id") == 0)
		return -1;
	size_t field = (size_t)(f->path.field - o->fields);
	const char *sub = f->path.sub;
	bool key = sub == NULL || strcmp(sub, "primaryEmail") == 0 ||
		   strcmp(sub, "primaryLinkUrl") == 0;
	return key && table_is_unique(o->table, field) ? (int)field : -2;
}

bool filter_candidates(
	const struct filter *f, const struct object *o, struct row **ret, size_t max, size_t *ret_n)
{
	if (f == NULL || f->op == OP_OR || f->op == OP_NOT)
		return false;
	if (f->op == OP_AND) {
		for (size_t i = 0; i < f->kid_n; i++) {
			if (filter_candidates(f->kids[i], o, ret, max, ret_n))
				return true;
		}
		return false;
	}
	int field = leaf_index(f, o);
	if (field == -2 || f->value_n > max || (f->value_n == 1 && f->values[0][0] == '\0'))
		return false;
	size_t n = 0;
	for (size_t i = 0; i < f->value_n; i++) {
		struct row *row =
			field == -1 ? table_find(o->table, f->values[i])
				    : table_find_unique(o->table, (size_t)field, f->values[i]);
		bool seen = false;
		for (size_t k = 0; k < n; k++)
			seen = seen || ret[k] == row;
		if (row != NULL && !seen)
			ret[n++] = row;
	}
	*ret_n = n;
	return true;
}
