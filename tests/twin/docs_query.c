/* SPDX-License-Identifier: MIT */
/*
 * Reads the query parameters of the published documentation.
 * From: docs.c. To: filter.c (conditions), page.c. Fails with a sentence for unknown fields and
 * operators: unlike a real server, the documented one is taken at its word.
 */
#include "tests/twin/docs_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/docs_record.h"
#include "tests/twin/print.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define VALUES_MAX 256

/* Splits "filter[company][id][eq]" behind its first word. */
static size_t key_split(char *key, char *parts[static 4])
{
	size_t n = 0;
	for (char *at = strchr(key, '['); at != NULL && n < 4;) {
		char *end = strchr(at, ']');
		if (end == NULL)
			break;
		*end = '\0';
		parts[n++] = at + 1;
		at = end[1] == '[' ? end + 1 : NULL;
	}
	return n;
}

static bool fail_unknown(struct fail *fail, const char *what, const char *name)
{
	snprintf(fail->field, sizeof(fail->field), "%.60s", name);
	return fail_bad(fail, "Unknown %s \"%.100s\"", what, name);
}

/* The dotted path of a flat name. */
static bool flat_path(const struct object *o, const char *flat, char *path, size_t path_n,
	const struct field **ret_field, struct fail *fail)
{
	struct docs_name n = docs_name_find(o, flat);
	if (n.field == NULL)
		return fail_unknown(fail, "field", flat);
	*ret_field = n.field;
	snprintf(path, path_n, "%s%s%s", field_key(n.field), n.sub != NULL ? "." : "",
		n.sub != NULL ? n.sub : "");
	return true;
}

/* company + id: the join column; company + name: the path through it. */
static bool names_path(struct call *c, const struct object *o, char *const *names, size_t n,
	char *path, size_t path_n, const struct field **ret_field, struct fail *fail)
{
	if (n == 1)
		return flat_path(o, names[0], path, path_n, ret_field, fail);
	struct docs_name relation = docs_name_find(o, names[0]);
	if (relation.field == NULL || relation.field->join == NULL)
		return fail_unknown(fail, "relation", names[0]);
	*ret_field = relation.field;
	if (strcmp(names[1], "id") == 0) {
		snprintf(path, path_n, "%s", relation.field->join);
		return true;
	}
	const struct object *target =
		schema_find_singular(&c->world->schema, relation.field->target);
	char inner[120];
	if (!flat_path(target, names[1], inner, sizeof(inner), ret_field, fail))
		return false;
	snprintf(path, path_n, "%s.%s", relation.field->name, inner);
	return true;
}

/* Amounts are stored in millionths, phones without their calling code. */
static void value_convert(const struct field *f, char *value, size_t value_n)
{
	if (f->type == FT_CURRENCY) {
		char text[32];
		print_number(strtod(value, NULL) * 1e6, text);
		snprintf(value, value_n, "%s", text);
	}
	if (f->type == FT_PHONES && value[0] == '+') {
		static const char *const codes[] = {
			"+33", "+49", "+44", "+34", "+39", "+31", "+32", "+41", "+43", "+1"};
		for (size_t i = 0; i < ARRAY_N(codes); i++) {
			size_t n = strlen(codes[i]);
			if (strncmp(value, codes[i], n) == 0) {
				memmove(value, value + n, strlen(value + n) + 1);
				return;
			}
		}
	}
}

static struct filter *negate(struct filter *f)
{
	struct filter *not = filter_group(OP_NOT);
	if (f == NULL || not == NULL || !filter_add(not, f)) {
		filter_free(not );
		return NULL;
	}
	return not ;
}

static struct filter *list_leaf(struct call *c, const struct object *o, const struct field *f,
	const char *path, const char *value, struct fail *fail)
{
	const char *values[VALUES_MAX];
	char *copy = strdup(value);
	size_t n = 0;
	for (char *save = NULL, *at = copy != NULL ? strtok_r(copy, ",", &save) : NULL;
		at != NULL && n < VALUES_MAX; at = strtok_r(NULL, ",", &save)) {
		value_convert(f, at, strlen(at) + 1);
		values[n++] = at;
	}
	struct filter *leaf = filter_leaf(&c->world->schema, o, path, OP_IN, values, n, fail);
	free(copy);
	return leaf;
}

/* One condition in the documentation's words. */
static struct filter *condition(struct call *c, const struct object *o, const struct field *f,
	const char *path, const char *op, const char *given, struct fail *fail)
{
	static const struct {
		const char *word;
		enum filter_op op;
	} words[] = {{"eq", OP_EQ}, {"is", OP_EQ}, {"neq", OP_NEQ}, {"ne", OP_NEQ},
		{"isNot", OP_NEQ}, {"gt", OP_GT}, {"gte", OP_GTE}, {"lt", OP_LT}, {"lte", OP_LTE},
		{"startsWith", OP_STARTS_WITH}, {"endsWith", OP_ENDS_WITH}, {"like", OP_LIKE},
		{"ilike", OP_ILIKE}, {"contains", OP_ILIKE}};
	if (strcmp(op, "in") == 0)
		return list_leaf(c, o, f, path, given, fail);
	size_t i = 0;
	while (i < ARRAY_N(words) && strcmp(words[i].word, op) != 0)
		i++;
	if (i == ARRAY_N(words)) {
		fail_unknown(fail, "filter operator", op);
		return NULL;
	}
	char text[2048];
	const char *value = text;
	bool contains = strcmp(op, "contains") == 0;
	snprintf(text, sizeof(text), contains ? "%%%s%%" : "%s", given);
	bool null = strcmp(given, "null") == 0;
	if (null && (words[i].op == OP_EQ || words[i].op == OP_NEQ)) {
		const char *is = words[i].op == OP_EQ ? "NULL" : "NOT_NULL";
		return filter_leaf(&c->world->schema, o, path, OP_IS, &is, 1, fail);
	}
	value_convert(f, text, sizeof(text));
	struct filter *leaf = filter_leaf(&c->world->schema, o, path,
		words[i].op == OP_NEQ ? OP_EQ : words[i].op, &value, 1, fail);
	return words[i].op == OP_NEQ && leaf != NULL ? negate(leaf) : leaf;
}

static bool read_filter(struct call *c, const struct object *o, const char *key, const char *value,
	struct page_query *q, struct fail *fail)
{
	char copy[200], path[160], *parts[4] = {NULL};
	const struct field *field = NULL;
	snprintf(copy, sizeof(copy), "%s", key);
	size_t n = key_split(copy, parts);
	if (n < 2 || n > 3)
		return fail_unknown(fail, "filter", key);
	if (!names_path(c, o, parts, n - 1, path, sizeof(path), &field, fail))
		return false;
	struct filter *leaf = condition(c, o, field, path, parts[n - 1], value, fail);
	if (leaf == NULL)
		return false;
	if (q->filter == NULL)
		q->filter = filter_group(OP_AND);
	if (q->filter == NULL || !filter_add(q->filter, leaf))
		return fail_nomem(fail);
	return true;
}

static bool read_order(struct call *c, const struct object *o, const char *key, const char *value,
	struct page_query *q, struct fail *fail)
{
	char copy[200], path[160], *parts[4] = {NULL};
	const struct field *field = NULL;
	snprintf(copy, sizeof(copy), "%s", key);
	bool descending = strcasecmp(value, "DESC") == 0;
	if (key_split(copy, parts) != 1 || (!descending && strcasecmp(value, "ASC") != 0))
		return fail_unknown(fail, "order", key);
	return flat_path(o, parts[0], path, sizeof(path), &field, fail) &&
	       order_add(q, &c->world->schema, path, descending, true, fail);
}

bool docs_page_query(
	struct call *c, const struct object *o, struct page_query *ret, struct fail *fail)
{
	*ret = (struct page_query){.object = o};
	const char *after = query_find(&c->query, "after");
	if (!call_limit(c, LIMIT_DEFAULT, LIMIT_MAX, &ret->limit, fail))
		return false;
	if (after != NULL && !cursor_parse(after, &ret->after, fail))
		return false;
	for (size_t i = 0; i < c->query.n; i++) {
		const char *key = c->query.pairs[i].key, *value = c->query.pairs[i].value;
		if (strncmp(key, "filter[", 7) == 0 && !read_filter(c, o, key, value, ret, fail))
			return false;
		if (strncmp(key, "orderBy[", 8) == 0 && !read_order(c, o, key, value, ret, fail))
			return false;
	}
	return true;
}

bool docs_fields(struct call *c, const struct object *o, json_t **ret, struct fail *fail)
{
	const char *text = query_find(&c->query, "fields");
	*ret = NULL;
	if (text == NULL || *text == '\0')
		return true;
	json_t *list = json_array();
	while (*text != '\0') {
		char name[100];
		size_t n = strcspn(text, ",");
		snprintf(name, sizeof(name), "%.*s", (int)(n < 99 ? n : 99), text);
		if (docs_name_find(o, name).field == NULL) {
			json_decref(list);
			return fail_unknown(fail, "field", name);
		}
		json_array_append_new(list, json_string(name));
		text += n + (text[n] == ',');
	}
	*ret = list;
	return true;
}
