/* SPDX-License-Identifier: MIT */
/*
 * Fields, conditions and data.
 * From: call.c, head.c, reading.c. To: client/names.h, which knows what a name means to an object.
 * What the workspace may know and the schema does not show (what is behind a relation, parts of raw
 * JSON) is never told as wrong.
 */
#include "runner/check/field.h"

#include <stdio.h>

#include "client/names.h"

#define NAME_BYTES 120
#define WORDS_MAX 300

enum standing { FIELD_THERE, FIELD_UNSURE, FIELD_NOT_THERE };

static bool copy_name(struct slice name, char *out)
{
	if (name.n == 0 || name.n >= NAME_BYTES || memchr(name.p, '\0', name.n) != NULL)
		return false;
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return true;
}

static const struct schema_field *top_of(
	const struct schema_object *object, const char *name, size_t *ret_n)
{
	char top[NAME_BYTES];
	*ret_n = strcspn(name, ".");
	snprintf(top, sizeof(top), "%.*s", (int)*ret_n, name);
	const struct schema_field *f = schema_field(object, top);
	return f != NULL ? f : schema_field_join(object, top);
}

static enum standing standing_of(
	const struct schema_object *object, const char *name, struct err *err)
{
	size_t top_n;
	struct field field;
	bool known = false;
	const struct schema_field *top = top_of(object, name, &top_n);
	if (top != NULL && name[top_n] == '.' &&
		schema_part_next((enum schema_type)top->type, NULL) == NULL)
		return FIELD_UNSURE;
	if (name_own(object, name, &field, &known, err) != RC_OK)
		return FIELD_NOT_THERE;
	return known ? FIELD_THERE : FIELD_NOT_THERE;
}

static const char *title(const struct check_type *type)
{
	return type->objects_n > 0 ? type->objects[0]->singular : "";
}

bool check_field(const struct check_pass *pass, const struct check_type *type, struct slice name,
	uint32_t at, uint32_t end)
{
	char text[NAME_BYTES], near[100];
	struct err err = {.msg = ""};
	if (type->objects_n == 0 || !copy_name(name, text))
		return true;
	for (size_t i = 0; i < type->objects_n; i++)
		if (standing_of(type->objects[i], text, &err) != FIELD_NOT_THERE)
			return true;
	struct check_finding *f;
	if (err.msg[0] != '\0')
		f = check_say_at(pass, CHECK_FIELD, at, end, "%s", err.msg);
	else
		f = check_say_at(pass, CHECK_FIELD, at, end, "%s%s has no field '%s'", title(type),
			type->objects_n > 1 ? " (and what else the rule is for)" : "", text);
	if (f != NULL && err.msg[0] == '\0' &&
		schema_suggest(
			pass->world->schema, type->objects[0]->singular, text, near, sizeof(near)))
		check_suggest(f, "%s?", near);
	return false;
}

bool check_field_node(
	const struct check_pass *pass, const struct check_type *type, const struct check_node *node)
{
	if (node == NULL || node->kind != NODE_STRING)
		return true;
	return check_field(pass, type, node->text, node->at, node->end);
}

static void field_with_sign(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *node, bool sign)
{
	struct slice name = node->text;
	if (node->kind != NODE_STRING)
		return;
	if (sign && name.n > 1 && name.p[0] == '-')
		name = (struct slice){name.p + 1, name.n - 1};
	(void)check_field(pass, type, name, node->at, node->end);
}

void check_field_list(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *list, bool sign)
{
	if (list->kind != NODE_TABLE) {
		field_with_sign(pass, type, list, sign);
		return;
	}
	for (const struct check_node *f = list->a; f != NULL; f = f->next)
		if (f->a == NULL)
			field_with_sign(pass, type, f->b, sign);
}

/* --- values ----------------------------------------------------------------------------------- */

static const struct schema_field *choice_of(const struct check_type *type, struct slice name)
{
	char text[NAME_BYTES];
	size_t top_n;
	if (type->objects_n != 1 || !copy_name(name, text))
		return NULL;
	const struct schema_field *f = top_of(type->objects[0], text, &top_n);
	return f != NULL && text[top_n] == '\0' && f->values_n > 0 ? f : NULL;
}

static void choice(
	const struct check_pass *pass, const struct schema_field *f, const struct check_node *value)
{
	const char *words[WORDS_MAX + 1];
	size_t n = 0;
	if (value->kind != NODE_STRING)
		return;
	for (size_t i = 0; i < f->values_n; i++) {
		if (slice_equal(slice_of(f->values[i]), value->text))
			return;
		if (n < WORDS_MAX)
			words[n++] = f->values[i];
	}
	words[n] = NULL;
	struct check_finding *found = check_say(pass, CHECK_CHOICE, value, "%s is never \"%.*s\"",
		f->name, CHECK_WORD(value->text));
	const char *near = check_nearest(value->text, words);
	char all[300] = "";
	size_t used = 0;
	for (size_t i = 0; i < n && used < sizeof(all); i++)
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "", words[i]);
	if (near != NULL)
		check_suggest(found, "did you mean \"%s\"?", near);
	else
		check_suggest(found, "there are %s", all);
}

void check_choice(const struct check_pass *pass, const struct check_type *type, struct slice field,
	const struct check_node *value)
{
	const struct schema_field *f = choice_of(type, field);
	if (f == NULL || value == NULL)
		return;
	if (value->kind != NODE_TABLE) {
		choice(pass, f, value);
		return;
	}
	for (const struct check_node *v = value->a; v != NULL; v = v->next)
		if (v->a == NULL)
			choice(pass, f, v->b);
}

/* --- conditions ------------------------------------------------------------------------------- */

static const char *const comparisons[] = {"eq", "neq", "gt", "gte", "lt", "lte", "in", "contains",
	"startsWith", "endsWith", "like", "empty", NULL};

static bool is_listed(const char *const *words, struct slice word)
{
	for (; *words != NULL; words++)
		if (slice_equal(slice_of(*words), word))
			return true;
	return false;
}

/* { gt = 5 } and lists; a whole field may also be given by its parts. */
static void check_comparison(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *key, const struct check_node *value)
{
	check_choice(pass, type, key->text, value);
	if (value->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = value->a; f != NULL; f = f->next) {
		if (f->a == NULL || f->a->kind != NODE_STRING)
			continue;
		if (is_listed(comparisons, f->a->text)) {
			if (check_is_string(f->a, "eq") || check_is_string(f->a, "neq") ||
				check_is_string(f->a, "in"))
				check_choice(pass, type, key->text, f->b);
			if (check_is_string(f->a, "empty") && f->b->kind != NODE_TRUE &&
				f->b->kind != NODE_FALSE && f->b->kind <= NODE_STRING &&
				f->b->kind >= NODE_NIL && f->b->kind != NODE_VARARG)
				check_say(pass, CHECK_VALUE, f->b, "empty is true or false");
			continue;
		}
		struct check_finding *found = check_say(pass, CHECK_OPTION, f->a,
			"there is no comparison '%.*s'", CHECK_WORD(f->a->text));
		check_suggest(found,
			"there are eq, neq, gt, gte, lt, lte, in, contains, startsWith, endsWith, "
			"like, empty");
		check_suggest_nearest(found, f->a->text, comparisons);
	}
}

static void check_group(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *key, const struct check_node *list)
{
	if (list->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = list->a; f != NULL; f = f->next) {
		if (f->a != NULL) {
			struct check_finding *found = check_say(pass, CHECK_VALUE, f->a,
				"'%.*s' is a list of conditions", CHECK_WORD(key->text));
			check_suggest(
				found, "write %.*s = { { .. }, { .. } }", CHECK_WORD(key->text));
			return;
		}
		check_where(pass, type, f->b);
	}
}

void check_where(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *where)
{
	static const char *const groups[] = {"all", "any", "none", NULL};
	if (where == NULL || where->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = where->a; f != NULL; f = f->next) {
		if (f->a == NULL || f->a->kind != NODE_STRING)
			continue;
		if (is_listed(groups, f->a->text))
			check_group(pass, type, f->a, f->b);
		else if (check_field(pass, type, f->a->text, f->a->at, f->a->end))
			check_comparison(pass, type, f->a, f->b);
	}
}

/* --- data ------------------------------------------------------------------------------------- */

/* about = { person = id } */
static void check_about(const struct check_pass *pass, const struct check_node *about)
{
	char text[NAME_BYTES], near[100];
	if (about->kind != NODE_TABLE || pass->world->schema == NULL)
		return;
	for (const struct check_node *f = about->a; f != NULL; f = f->next) {
		if (f->a == NULL || f->a->kind != NODE_STRING || !copy_name(f->a->text, text) ||
			schema_object(pass->world->schema, text) != NULL)
			continue;
		struct check_finding *found = check_say(
			pass, CHECK_OBJECT, f->a, "there is no object '%s' to be about", text);
		if (schema_suggest(pass->world->schema, text, NULL, near, sizeof(near)))
			check_suggest(found, "%s?", near);
	}
}

/* { firstName = ".." } of a field that has such parts. */
static void check_parts(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *key, const struct check_node *value)
{
	const char *words[32];
	char text[NAME_BYTES];
	size_t top_n, n = 0;
	if (type->objects_n != 1 || value->kind != NODE_TABLE || !copy_name(key->text, text))
		return;
	const struct schema_field *f = top_of(type->objects[0], text, &top_n);
	if (f == NULL || text[top_n] != '\0')
		return;
	for (const struct schema_part *p = schema_part_next((enum schema_type)f->type, NULL);
		p != NULL && n + 1 < ARRAY_N(words);
		p = schema_part_next((enum schema_type)f->type, p))
		words[n++] = p->name;
	words[n] = NULL;
	for (const struct check_node *m = value->a; n > 0 && m != NULL; m = m->next) {
		if (m->a == NULL || m->a->kind != NODE_STRING || is_listed(words, m->a->text))
			continue;
		struct check_finding *found = check_say(pass, CHECK_FIELD, m->a,
			"%s has no part '%.*s'", f->name, CHECK_WORD(m->a->text));
		check_suggest_nearest(found, m->a->text, words);
	}
}

void check_data(
	const struct check_pass *pass, const struct check_type *type, const struct check_node *data)
{
	if (data == NULL || data->kind != NODE_TABLE)
		return;
	for (const struct check_node *f = data->a; f != NULL; f = f->next) {
		if (f->a == NULL || f->a->kind != NODE_STRING)
			continue;
		if (check_is_string(f->a, "about")) {
			check_about(pass, f->b);
			continue;
		}
		if (!check_field(pass, type, f->a->text, f->a->at, f->a->end))
			continue;
		check_choice(pass, type, f->a->text, f->b);
		check_parts(pass, type, f->a, f->b);
	}
}
