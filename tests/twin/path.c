/* SPDX-License-Identifier: MIT */
/*
 * Resolves dotted paths.
 * From: filter.c, order.c, group.c. Fails by telling what is wrong; the caller writes the sentence.
 */
#include "tests/twin/path.h"

#include <stdio.h>
#include <string.h>

#include "tests/twin/store.h"
#include "tests/twin/value.h"

static enum path_fail path_sub(struct path *p, const char *rest)
{
	const struct sub *subs = value_subs(p->field->type);
	if (subs == NULL)
		return rest == NULL ? PATH_OK : PATH_UNKNOWN;
	if (rest == NULL)
		return PATH_NEEDS_SUB;
	const struct sub *s = value_sub(p->field->type, rest);
	if (s == NULL)
		return PATH_UNKNOWN;
	p->sub = s->name;
	return PATH_OK;
}

enum path_fail path_parse(
	struct path *p, const struct schema *s, const struct object *o, const char *text)
{
	*p = (struct path){0};
	char words[160];
	if (strlen(text) >= sizeof(words))
		return PATH_UNKNOWN;
	memcpy(words, text, strlen(text) + 1);
	memcpy(p->text, text, strlen(text) + 1);
	char *rest = strchr(words, '.');
	if (rest != NULL)
		*rest++ = '\0';
	p->field = schema_field(o, words);
	if (p->field == NULL) {
		p->field = schema_field_by_join(o, words);
		return p->field != NULL && rest == NULL ? PATH_OK : PATH_UNKNOWN;
	}
	if (!field_stored(p->field))
		return PATH_UNKNOWN;
	if (p->field->join == NULL)
		return path_sub(p, rest);
	if (rest == NULL)
		return PATH_NEEDS_SUB;
	const struct object *target = schema_find_singular(s, p->field->target);
	struct path inner;
	enum path_fail rc = target != NULL ? path_parse(&inner, s, target, rest) : PATH_UNKNOWN;
	if (rc != PATH_OK || inner.via != NULL)
		return rc != PATH_OK ? rc : PATH_UNKNOWN;
	p->via = p->field;
	p->table = target->table;
	p->field = inner.field;
	p->sub = inner.sub;
	return PATH_OK;
}

json_t *path_value(const struct path *p, const json_t *rec)
{
	if (p->via != NULL) {
		const char *id = json_string_value(json_object_get(rec, p->via->join));
		const struct row *row = id != NULL ? table_find(p->table, id) : NULL;
		if (row == NULL)
			return NULL;
		rec = row->rec;
	}
	json_t *value = json_object_get(rec, field_key(p->field));
	return p->sub != NULL ? json_object_get(value, p->sub) : value;
}
