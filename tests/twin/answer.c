/* SPDX-License-Identifier: MIT */
/*
 * Forms answers: envelopes, errors, records with their relations.
 * From: everything that answers. Fails only when out of memory, with an empty 500.
 */
#include "tests/twin/call.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/print.h"

static const char type_of_json[] = "application/json; charset=utf-8";

void call_header(struct call *c, const char *name, const char *fmt, ...)
{
	if (c->extra_n == ARRAY_N(c->extra))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->extra_text[c->extra_n], sizeof(c->extra_text[0]), fmt, ap);
	va_end(ap);
	c->extra[c->extra_n][0] = name;
	c->extra[c->extra_n][1] = c->extra_text[c->extra_n];
	c->extra_n++;
}

void answer_json(struct call *c, int status, json_t *body)
{
	c->status = status;
	c->content_type = type_of_json;
	buf_clear(&c->out);
	if (body == NULL || print_json(&c->out, body) != RC_OK) {
		c->status = 500;
		buf_clear(&c->out);
	}
	json_decref(body);
}

void answer_text(struct call *c, int status, const char *content_type, const char *text)
{
	c->status = status;
	c->content_type = content_type;
	buf_clear(&c->out);
	if (buf_put_text(&c->out, text) != RC_OK)
		c->status = 500;
}

static const char *reason(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 429:
		return "Too Many Requests";
	default:
		return "Internal Server Error";
	}
}

void answer_fail(struct call *c, const struct fail *fail)
{
	json_t *body;
	if (c->world->dialect == DIALECT_DOCS) {
		body = json_pack("{s:i,s:s,s:s}", "statusCode", fail->status, "message", fail->msg,
			"error", reason(fail->status));
		if (fail->field[0] != '\0')
			json_object_set_new(body, "details",
				json_pack("{s:s,s:s}", "field", fail->field, "message", fail->msg));
	} else {
		body = json_pack("{s:i,s:s,s:[s]}", "statusCode", fail->status, "error",
			fail->error, "messages", fail->msg);
		if (fail->code != NULL)
			json_object_set_new(body, "code", json_string(fail->code));
	}
	answer_json(c, fail->status, body);
}

void answer_data(struct call *c, int status, const char *prefix, const char *name, json_t *value)
{
	char key[160];
	snprintf(key, sizeof(key), "%s%s", prefix, name);
	answer_json(c, status, json_pack("{s:{s:o}}", "data", key, value));
}

static json_t *related_many(
	const struct world *w, const struct object *o, const struct field *f, const char *id)
{
	(void)o;
	json_t *list = json_array();
	const struct object *target = schema_find_singular(&w->schema, f->target);
	const struct field *back =
		target != NULL && f->inverse != NULL ? schema_field(target, f->inverse) : NULL;
	size_t n = 0;
	struct row **rows = back != NULL ? table_rows(target->table, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		const char *other = json_string_value(json_object_get(rows[i]->rec, back->join));
		if (!rows[i]->deleted && other != NULL && strcmp(other, id) == 0)
			json_array_append(list, rows[i]->rec);
	}
	return list;
}

static json_t *related_one(const struct world *w, const struct field *f, const json_t *rec)
{
	const struct object *target = schema_find_singular(&w->schema, f->target);
	const char *id = json_string_value(json_object_get(rec, f->join));
	const struct row *row = target != NULL && id != NULL ? table_find(target->table, id) : NULL;
	return row != NULL && !row->deleted ? json_incref(row->rec) : json_null();
}

json_t *record_show(const struct world *w, const struct object *o, json_t *rec, int depth)
{
	if (depth == 0)
		return json_incref(rec);
	json_t *whole = json_copy(rec);
	const char *id = json_string_value(json_object_get(rec, "id"));
	for (size_t i = 0; whole != NULL && i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		if (f->target == NULL)
			continue;
		json_object_set_new(whole, f->name,
			f->join != NULL ? related_one(w, f, rec) : related_many(w, o, f, id));
	}
	return whole;
}

bool call_depth(const struct call *c, int *ret, struct fail *fail)
{
	const char *text = query_find(&c->query, "depth");
	*ret = 0;
	if (text == NULL || strcmp(text, "0") == 0)
		return true;
	if (strcmp(text, "1") != 0)
		return fail_bad(
			fail, "'depth=%s' parameter invalid. Allowed values are 0, 1", text);
	*ret = 1;
	return true;
}

bool call_limit(const struct call *c, size_t fallback, size_t max, size_t *ret, struct fail *fail)
{
	const char *text = query_find(&c->query, "limit");
	*ret = fallback;
	if (text == NULL || *text == '\0')
		return true;
	char *end;
	long long n = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0')
		return fail_bad(fail, "limit '%s' is invalid. Should be an integer", text);
	*ret = n > (long long)max ? max : (size_t)n;
	return true;
}
