/* SPDX-License-Identifier: MIT */
/*
 * /graphql, as far as the twin speaks it: queries of records with filter, first, after, orderBy and
 * nested selections. Errors come with status 200, as on a real server.
 * From: app.c. To: page.c. Does not do mutations, fragments, directives or variables' types.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/core.h"

#define DEPTH_MAX 16
#define FIRST_DEFAULT 60
#define FIRST_MAX 200
#define VALUES_MAX 64

/* One field of a selection. */
struct selection {
	char name[64], alias[64];
	json_t *args; /* owned */
	struct selection *kids;
	size_t kid_n;
	int line, column;
};

struct reader {
	const char *at, *line_start;
	int line, depth;
	const json_t *variables;
	bool broken;
};

static void selection_done(struct selection *s)
{
	for (size_t i = 0; i < s->kid_n; i++)
		selection_done(&s->kids[i]);
	free(s->kids);
	json_decref(s->args);
}

static char peek(struct reader *r)
{
	for (;; r->at++) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (*r->at == '\n') {
			r->line++;
			r->line_start = r->at + 1;
		} else if (*r->at == '\0' || strchr(" \t\r,", *r->at) == NULL) {
			return *r->at;
		}
	}
}

static bool eat(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool read_name(struct reader *r, char name[static 64])
{
	peek(r);
	size_t n = 0;
	while (isalnum((unsigned char)r->at[n]) || r->at[n] == '_')
		n++;
	if (n == 0 || n >= 64)
		return false;
	memcpy(name, r->at, n);
	name[n] = '\0';
	r->at += n;
	return true;
}

static json_t *read_value(struct reader *r);

static json_t *read_pairs(struct reader *r, char end)
{
	json_t *object = json_object();
	char name[64];
	while (!eat(r, end)) {
		if (!read_name(r, name) || !eat(r, ':')) {
			r->broken = true;
			break;
		}
		json_object_set_new(object, name, read_value(r));
		if (r->broken)
			break;
	}
	return object;
}

static json_t *read_string(struct reader *r)
{
	size_t n = 1;
	while (r->at[n] != '"' && r->at[n] != '\0')
		n += r->at[n] == '\\' && r->at[n + 1] != '\0' ? 2 : 1;
	if (r->at[n] == '\0') {
		r->broken = true;
		return json_null();
	}
	json_t *text = json_loadb(r->at, n + 1, JSON_DECODE_ANY, NULL);
	r->at += n + 1;
	return text != NULL ? text : json_null();
}

static json_t *read_value(struct reader *r)
{
	char name[64], *end;
	char c = peek(r);
	if (++r->depth > DEPTH_MAX)
		r->broken = true;
	json_t *value = json_null();
	if (r->broken) {
		r->depth--;
		return value;
	}
	if (c == '"') {
		value = read_string(r);
	} else if (eat(r, '{')) {
		value = read_pairs(r, '}');
	} else if (eat(r, '[')) {
		value = json_array();
		while (!r->broken && !eat(r, ']') && peek(r) != '\0')
			json_array_append_new(value, read_value(r));
	} else if (eat(r, '$')) {
		if (read_name(r, name) && json_object_get(r->variables, name) != NULL)
			value = json_incref(json_object_get(r->variables, name));
	} else if (c == '-' || isdigit((unsigned char)c)) {
		double d = strtod(r->at, &end);
		value = d == (double)(json_int_t)d ? json_integer((json_int_t)d) : json_real(d);
		r->at = end;
	} else if (read_name(r, name)) {
		if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
			value = json_boolean(name[0] == 't');
		else if (strcmp(name, "null") != 0)
			value = json_string(name);
	} else {
		r->broken = true;
	}
	r->depth--;
	return value;
}

static void read_selections(struct reader *r, struct selection *parent);

static void read_selection(struct reader *r, struct selection *s)
{
	peek(r);
	s->line = r->line;
	s->column = (int)(r->at - r->line_start) + 1;
	r->broken |= !read_name(r, s->name);
	memcpy(s->alias, s->name, sizeof(s->alias));
	if (!r->broken && eat(r, ':'))
		r->broken |= !read_name(r, s->name);
	if (!r->broken && eat(r, '('))
		s->args = read_pairs(r, ')');
	if (!r->broken && eat(r, '{'))
		read_selections(r, s);
}

static void read_selections(struct reader *r, struct selection *parent)
{
	if (++r->depth > DEPTH_MAX)
		r->broken = true;
	while (!r->broken && !eat(r, '}')) {
		struct selection *kids = realloc(parent->kids, (parent->kid_n + 1) * sizeof(*kids));
		if (kids == NULL || peek(r) == '\0') {
			r->broken = true;
			parent->kids = kids != NULL ? kids : parent->kids;
			break;
		}
		parent->kids = kids;
		struct selection *kid = &kids[parent->kid_n++];
		*kid = (struct selection){0};
		read_selection(r, kid);
	}
	r->depth--;
}

static json_t *error_new(const char *message, const struct selection *s)
{
	if (s == NULL)
		return json_pack("{s:s}", "message", message);
	return json_pack("{s:s,s:[{s:i,s:i}]}", "message", message, "locations", "line", s->line,
		"column", s->column);
}

static struct filter *read_filter(struct call *c, const struct object *o, const json_t *in,
	const char *path, struct fail *fail);

/* One condition; value is a scalar or a list. */
static struct filter *read_leaf(struct call *c, const struct object *o, const char *path,
	enum filter_op op, const json_t *value, struct fail *fail)
{
	char texts[VALUES_MAX][128];
	const char *list[VALUES_MAX];
	size_t n = json_is_array(value) ? json_array_size(value) : 1;
	if (n > VALUES_MAX)
		n = VALUES_MAX;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_is_array(value) ? json_array_get(value, i) : value;
		if (json_is_string(v))
			snprintf(texts[i], sizeof(texts[i]), "%s", json_string_value(v));
		else
			fail_inspect(v, texts[i], sizeof(texts[i]));
		list[i] = texts[i];
	}
	return filter_leaf(&c->world->schema, o, path, op, list, n, fail);
}

/* and: [..], or: [..], not: {..} */
static struct filter *read_group(
	struct call *c, const struct object *o, enum filter_op op, json_t *value, struct fail *fail)
{
	struct filter *group = filter_group(op);
	json_t *list = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
	size_t i;
	json_t *e;
	json_array_foreach(list, i, e)
	{
		struct filter *kid = group != NULL ? read_filter(c, o, e, "", fail) : NULL;
		if (kid == NULL || !filter_add(group, kid)) {
			filter_free(group);
			group = NULL;
		}
	}
	json_decref(list);
	return group;
}

/* {emails:{primaryEmail:{eq:"x"}}} as a tree. path is what came before. */
static struct filter *read_filter(struct call *c, const struct object *o, const json_t *in,
	const char *path, struct fail *fail)
{
	struct filter *all = filter_group(OP_AND);
	json_t *object = (json_t *)(uintptr_t)in;
	for (void *it = json_object_iter(object); it != NULL && all != NULL;
		it = json_object_iter_next(object, it)) {
		const char *key = json_object_iter_key(it);
		json_t *value = json_object_iter_value(it);
		char longer[160];
		struct filter *kid = NULL;
		enum filter_op op = filter_op_find(key);
		snprintf(longer, sizeof(longer), "%s%s%s", path, *path != '\0' ? "." : "", key);
		if (op != OP_N && *path != '\0')
			kid = read_leaf(c, o, path, op, value, fail);
		else if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0)
			kid = read_group(c, o, key[0] == 'a' ? OP_AND : OP_OR, value, fail);
		else if (strcmp(key, "not") == 0)
			kid = read_group(c, o, OP_NOT, value, fail);
		else
			kid = read_filter(c, o, value, longer, fail);
		if (kid == NULL || !filter_add(all, kid)) {
			filter_free(all);
			all = NULL;
		}
	}
	return all;
}

static json_t *project(const struct world *w, const struct object *o, const json_t *value,
	const struct selection *s);

static json_t *project_relation(const struct world *w, const struct object *o,
	const struct field *f, const json_t *rec, const struct selection *s)
{
	const struct object *target = schema_find_singular(&w->schema, f->target);
	json_t *whole = record_show(w, o, (json_t *)(uintptr_t)rec, 1), *shown = NULL;
	const json_t *value = json_object_get(whole, f->name);
	if (!json_is_array(value)) {
		shown = json_is_null(value) ? json_null() : project(w, target, value, s);
	} else {
		json_t *edges = json_array();
		size_t i;
		json_t *e;
		json_array_foreach((json_t *)(uintptr_t)value, i, e)
			json_array_append_new(edges, json_pack("{s:O}", "node", e));
		json_t *connection = json_pack("{s:o}", "edges", edges);
		shown = project(w, target, connection, s);
		json_decref(connection);
	}
	json_decref(whole);
	return shown;
}

/* What the selection asks of a value. o: the object that records inside it are of. */
static json_t *project(const struct world *w, const struct object *o, const json_t *value,
	const struct selection *s)
{
	if (json_is_array(value)) {
		json_t *list = json_array();
		size_t i;
		json_t *e;
		json_array_foreach((json_t *)(uintptr_t)value, i, e)
			json_array_append_new(list, project(w, o, e, s));
		return list;
	}
	if (!json_is_object(value) || s->kid_n == 0)
		return json_incref((json_t *)(uintptr_t)value);
	json_t *out = json_object();
	for (size_t i = 0; i < s->kid_n; i++) {
		const struct selection *kid = &s->kids[i];
		const struct field *f = schema_field(o, kid->name);
		const json_t *part = json_object_get(value, kid->name);
		if (part != NULL)
			json_object_set_new(out, kid->alias, project(w, o, part, kid));
		else if (f != NULL && f->target != NULL)
			json_object_set_new(out, kid->alias, project_relation(w, o, f, value, kid));
		else
			json_object_set_new(out, kid->alias, json_null());
	}
	return out;
}

static bool resolve_list(struct call *c, struct object *o, const struct selection *s, json_t **ret,
	struct fail *fail)
{
	struct page_query q = {.object = o, .limit = FIRST_DEFAULT};
	struct page page = {0};
	const json_t *first = json_object_get(s->args, "first");
	const json_t *filter = json_object_get(s->args, "filter");
	const char *after = json_string_value(json_object_get(s->args, "after"));
	if (json_is_integer(first))
		q.limit = (size_t)json_integer_value(first);
	q.limit = q.limit < FIRST_MAX ? q.limit : FIRST_MAX;
	bool ok = after == NULL || cursor_parse(after, &q.after, fail);
	if (ok && filter != NULL) {
		q.filter = read_filter(c, o, filter, "", fail);
		ok = q.filter != NULL;
	}
	ok = ok && page_select(&q, &page, fail);
	if (ok) {
		json_t *edges = json_array();
		for (size_t i = 0; i < page.n; i++) {
			char *cursor = cursor_format(&q, page.rows[i]->rec);
			json_array_append_new(edges, json_pack("{s:O,s:s?}", "node",
							     page.rows[i]->rec, "cursor", cursor));
			free(cursor);
		}
		json_t *whole = json_pack("{s:o,s:{s:b,s:b,s:s?,s:s?},s:I}", "edges", edges,
			"pageInfo", "hasNextPage", page.has_next, "hasPreviousPage",
			page.has_previous, "startCursor", page.start, "endCursor", page.end,
			"totalCount", (json_int_t)page.total);
		*ret = project(c->world, o, whole, s);
		json_decref(whole);
	}
	page_done(&page);
	page_query_done(&q);
	return ok;
}

static bool resolve_one(struct call *c, struct object *o, const struct selection *s, json_t **ret,
	struct fail *fail)
{
	struct filter *filter = read_filter(c, o, json_object_get(s->args, "filter"), "", fail);
	if (filter == NULL)
		return false;
	size_t n = 0;
	struct row **rows = page_all(o, filter, false, 1, &n);
	filter_free(filter);
	bool ok = n == 1 || fail_not_found(fail);
	if (ok)
		*ret = project(c->world, o, rows[0]->rec, s);
	free(rows);
	return ok;
}

static void resolve(struct call *c, const struct selection *s, json_t *data, json_t *errors)
{
	struct fail fail = {0};
	json_t *value = NULL;
	struct object *many = schema_find_plural(&c->world->schema, s->name);
	struct object *one = schema_find_singular(&c->world->schema, s->name);
	if (!budget_charge(c, &fail)) {
		json_array_append_new(errors,
			json_pack("{s:s,s:{s:s,s:s,s:s}}", "message", fail.msg, "extensions",
				"subCode", "LIMIT_REACHED", "userFriendlyMessage",
				"Rate limit reached. Please try again later.", "code",
				"BAD_USER_INPUT"));
	} else if (!(many != NULL ? resolve_list(c, many, s, &value, &fail)
				  : resolve_one(c, one, s, &value, &fail))) {
		json_array_append_new(errors,
			json_pack("{s:s,s:{s:s}}", "message", fail.msg, "extensions", "code",
				fail.status == 404 ? "NOT_FOUND" : "BAD_USER_INPUT"));
	}
	json_object_set_new(data, s->alias, value != NULL ? value : json_null());
}

/* Every root field has to exist before anything runs. */
static bool check_roots(struct call *c, const struct selection *root, json_t *errors)
{
	for (size_t i = 0; i < root->kid_n; i++) {
		const struct selection *s = &root->kids[i];
		char message[128];
		if (schema_find_plural(&c->world->schema, s->name) != NULL ||
			schema_find_singular(&c->world->schema, s->name) != NULL)
			continue;
		snprintf(message, sizeof(message), "Cannot query field \"%s\" on type \"Query\".",
			s->name);
		json_array_append_new(errors, error_new(message, s));
	}
	return json_array_size(errors) == 0;
}

static bool read_document(struct reader *r, struct selection *root)
{
	char word[64];
	if (peek(r) != '{') {
		if (!read_name(r, word) || strcmp(word, "query") != 0)
			return false;
		r->at += strcspn(r->at, "{");
	}
	if (!eat(r, '{'))
		return false;
	read_selections(r, root);
	return !r->broken;
}

void graphql_answer(struct call *c)
{
	const char *text = json_string_value(json_object_get(c->input, "query"));
	struct reader r = {.at = text != NULL ? text : "",
		.line = 1,
		.variables = json_object_get(c->input, "variables")};
	r.line_start = r.at;
	struct selection root = {0};
	json_t *errors = json_array(), *data = NULL;
	if (!read_document(&r, &root)) {
		json_array_append_new(
			errors, error_new("Syntax Error: only queries are understood here.", NULL));
	} else if (check_roots(c, &root, errors)) {
		data = json_object();
		for (size_t i = 0; i < root.kid_n; i++)
			resolve(c, &root.kids[i], data, errors);
	}
	json_t *body = json_object();
	if (data != NULL)
		json_object_set_new(body, "data", data);
	if (json_array_size(errors) != 0)
		json_object_set(body, "errors", errors);
	json_decref(errors);
	selection_done(&root);
	answer_json(c, 200, body);
}
