/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: any JSON as what a workspace says of itself, then every name in it looked up:
 * nothing is read behind the end, what is listed is found, nothing leaks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct schema *schema, const struct schema_object *o, const char *name)
{
	char text[64];
	struct field field;
	if (field_find(schema, o->plural, name, &field, NULL) == RC_OK)
		field_single(&field);
	(void)schema_suggest(schema, o->singular, name, text, sizeof(text));
}

static void walk(const struct schema *schema)
{
	static const char *const names[] = {"email", "phone", "domain", "city", "body", "a.b"};
	const struct schema_object *o;
	for (size_t i = 0; (o = schema_object_at(schema, i)) != NULL; i++) {
		if (o->active && schema_object(schema, o->plural) != o)
			abort();
		for (size_t k = 0; k < o->fields_n; k++) {
			const struct schema_field *f = &o->fields[k];
			if (f->active && schema_field(o, f->name) != f)
				abort();
			ask(schema, o, f->name);
			if (f->values_n > 0 && strlen(f->values[f->values_n - 1]) > 255)
				abort();
		}
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			ask(schema, o, names[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body = json_loadb((const char *)data, size, 0, NULL);
	struct schema *schema = NULL;
	if (schema_read(body, &schema, NULL) == RC_OK)
		walk(schema);
	schema_free(schema);
	json_decref(body);
	return 0;
}
