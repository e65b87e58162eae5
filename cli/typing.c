/* SPDX-License-Identifier: MIT */
/*
 * A schema -> annotations for lua-language-server.
 * From: editor.c. To: nobody; names are those that schema_read lets through, values that could end
 * a line or a literal are left out. Objects and fields come in the order of their names, so that a
 * file changes only where the workspace does. Fails when memory is short.
 */
#include "cli/typing.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "client/names.h"

static const char language[] = {
#include "cli/language.txt.inc"
	0};

struct slice typing_language(void)
{
	return slice_of(language);
}

const char *typing_settings(void)
{
	return "  \"runtime.version\": \"Lua 5.4\",\n"
	       "  \"runtime.builtin\": {\n"
	       "    \"io\": \"disable\", \"os\": \"disable\", \"debug\": \"disable\",\n"
	       "    \"package\": \"disable\", \"coroutine\": \"disable\"\n"
	       "  },\n"
	       "  \"workspace.library\": [\"types\"],\n"
	       "  \"workspace.checkThirdParty\": false\n"
	       "}\n";
}

/* --- types of fields -------------------------------------------------------------------------- */

/* "Person": what classes are called. */
static void class_of(const struct schema_object *o, char ret_name[static 72])
{
	snprintf(ret_name, 72, "%c%s", toupper((unsigned char)o->singular[0]), o->singular + 1);
}

/* What a value of this type is called; NULL: it has none of its own. */
static const char *shape_of(enum schema_type type)
{
	switch (type) {
	case SCHEMA_EMAILS:
		return "moonhook.Emails";
	case SCHEMA_PHONES:
		return "moonhook.Phones";
	case SCHEMA_LINKS:
		return "moonhook.Links";
	case SCHEMA_FULL_NAME:
		return "moonhook.FullName";
	case SCHEMA_ADDRESS:
		return "moonhook.Address";
	case SCHEMA_CURRENCY:
		return "moonhook.Currency";
	case SCHEMA_RICH_TEXT:
		return "moonhook.RichText";
	case SCHEMA_ACTOR:
		return "moonhook.By";
	case SCHEMA_UUID:
	case SCHEMA_TEXT:
	case SCHEMA_DATE:
	case SCHEMA_DATE_TIME:
		return "string";
	case SCHEMA_NUMBER:
	case SCHEMA_NUMERIC:
	case SCHEMA_POSITION:
		return "number";
	case SCHEMA_BOOLEAN:
		return "boolean";
	case SCHEMA_ARRAY:
		return "string[]";
	case SCHEMA_OTHER:
	case SCHEMA_SELECT:
	case SCHEMA_RATING:
	case SCHEMA_MULTI_SELECT:
	case SCHEMA_RELATION:
	case SCHEMA_MORPH_RELATION:
	case SCHEMA_RAW_JSON:
	case SCHEMA_FILES:
	case SCHEMA_TS_VECTOR:
	case SCHEMA_TYPE_N:
		break;
	}
	return "any";
}

/* The plain value that stands for a composite one when it is written. */
static const char *plain_of(enum schema_type type)
{
	switch ((int)type) {
	case SCHEMA_CURRENCY:
		return "|number";
	case SCHEMA_EMAILS:
	case SCHEMA_PHONES:
	case SCHEMA_LINKS:
	case SCHEMA_RICH_TEXT:
	case SCHEMA_ARRAY:
		return "|string";
	default:
		return "";
	}
}

static bool is_literal(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == '"' || *p == '\\' || *p == 127)
			return false;
	return value[0] != '\0';
}

/* Has it values that can be written here? */
static bool is_choice(const struct schema_field *f)
{
	bool any = false;
	bool kind = f->type == SCHEMA_SELECT || f->type == SCHEMA_RATING ||
		    f->type == SCHEMA_MULTI_SELECT;
	for (size_t i = 0; kind && i < f->values_n; i++)
		any = any || is_literal(f->values[i]);
	return any;
}

/* "crm.Opportunity.stage", or what the type says. */
static void type_of(const char *class, const struct schema_field *f, char ret_type[static 192])
{
	if (is_choice(f))
		snprintf(ret_type, 192, "crm.%s.%s%s", class, f->name,
			f->type == SCHEMA_MULTI_SELECT ? "[]" : "");
	else
		snprintf(ret_type, 192, "%s", shape_of((enum schema_type)f->type));
}

static bool is_shown(const struct schema_field *f)
{
	return f->active && f->type != SCHEMA_TS_VECTOR;
}

static bool is_relation(const struct schema_field *f)
{
	return f->type == SCHEMA_RELATION || f->type == SCHEMA_MORPH_RELATION;
}

/* --- one object ------------------------------------------------------------------------------- */

static enum rc put_choices(const char *class, const struct schema_object *o, struct buf *out)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < o->fields_n && rc == RC_OK; i++) {
		const struct schema_field *f = &o->fields[i];
		const char *before = " ";
		if (!is_shown(f) || !is_choice(f))
			continue;
		rc = buf_printf(out, "---@alias crm.%s.%s", class, f->name);
		for (size_t k = 0; k < f->values_n && rc == RC_OK; k++) {
			if (!is_literal(f->values[k]))
				continue;
			rc = buf_printf(out, "%s\"%s\"", before, f->values[k]);
			before = "|";
		}
		if (rc == RC_OK)
			rc = buf_put_text(out, "\n");
	}
	return rc;
}

/* The record behind a relation comes with depth = 1. Which object it is the schema does not say;
 * one of the relation's own name is a good guess. */
static enum rc put_related(
	const struct schema *schema, const struct schema_field *f, struct buf *out)
{
	char class[72];
	const struct schema_object *o = schema_object(schema, f->name);
	if (o == NULL)
		return buf_printf(out, "---@field %s? any # with depth = 1\n", f->name);
	class_of(o, class);
	bool many = strcmp(o->plural, f->name) == 0;
	return buf_printf(
		out, "---@field %s? crm.%s%s # with depth = 1\n", f->name, class, many ? "[]" : "");
}

/* The short names; value: what stands behind their type. */
static enum rc put_shorts(const struct schema_object *o, const char *value, struct buf *out)
{
	const char *names[NAME_SHORT_MAX];
	size_t n = name_shorts(o, names, NAME_SHORT_MAX);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bool number =
			strcmp(names[i], "latitude") == 0 || strcmp(names[i], "longitude") == 0;
		if (schema_field(o, names[i]) == NULL)
			rc = buf_printf(out, "---@field %s? %s%s\n", names[i],
				number ? "number" : "string", value);
	}
	return rc;
}

static enum rc put_record(const struct schema *schema, const char *class,
	const struct schema_object *o, struct buf *out)
{
	char type[192];
	enum rc rc =
		buf_printf(out, "--- A record as it is read.\n---@class (exact) crm.%s\n", class);
	for (size_t i = 0; i < o->fields_n && rc == RC_OK; i++) {
		const struct schema_field *f = &o->fields[i];
		if (!is_shown(f))
			continue;
		if (f->join != NULL)
			rc = buf_printf(out, "---@field %s? string\n", f->join);
		type_of(class, f, type);
		if (rc == RC_OK && is_relation(f))
			rc = put_related(schema, f, out);
		else if (rc == RC_OK)
			rc = buf_printf(out, "---@field %s%s %s\n", f->name,
				strcmp(f->name, "id") == 0 ? "" : "?", type);
	}
	return rc == RC_OK ? put_shorts(o, "", out) : rc;
}

/* The paths into a composite field: ["emails.primaryEmail"]. */
static enum rc put_paths(const struct schema_field *f, const char *value, struct buf *out)
{
	enum rc rc = RC_OK;
	const struct schema_part *p = NULL;
	while (rc == RC_OK && (p = schema_part_next((enum schema_type)f->type, p)) != NULL)
		rc = buf_printf(out, "---@field [\"%s.%s\"]? %s\n", f->name, p->name, value);
	return rc;
}

static enum rc put_data(const char *class, const struct schema_object *o, struct buf *out)
{
	char type[192];
	bool about = strcmp(o->plural, "tasks") == 0 || strcmp(o->plural, "notes") == 0;
	enum rc rc =
		buf_printf(out, "--- What is written.\n---@class (exact) crm.%s.Data\n", class);
	for (size_t i = 0; i < o->fields_n && rc == RC_OK; i++) {
		const struct schema_field *f = &o->fields[i];
		if (!is_shown(f) || (is_relation(f) && f->join == NULL))
			continue;
		type_of(class, f, type);
		if (f->join != NULL)
			rc = buf_printf(out,
				"---@field %s? string|moonhook.Null\n"
				"---@field %s? string|moonhook.Null\n",
				f->join, f->name);
		else
			rc = buf_printf(out, "---@field %s? %s%s|moonhook.Null\n", f->name, type,
				plain_of((enum schema_type)f->type));
		if (rc == RC_OK)
			rc = put_paths(f, "any", out);
	}
	if (rc == RC_OK)
		rc = put_shorts(o, "|moonhook.Null", out);
	if (rc == RC_OK && about)
		rc = buf_put_text(
			out, "---@field about? table<string, string> # { person = id }\n");
	return rc;
}

static enum rc put_where(const char *class, const struct schema_object *o, struct buf *out)
{
	char type[192];
	enum rc rc = buf_printf(out, "--- A condition.\n---@class (exact) crm.%s.Where\n", class);
	for (size_t i = 0; i < o->fields_n && rc == RC_OK; i++) {
		const struct schema_field *f = &o->fields[i];
		if (!is_shown(f) || (is_relation(f) && f->join == NULL))
			continue;
		type_of(class, f, type);
		if (f->join != NULL)
			rc = buf_printf(out,
				"---@field %s? string|string[]|moonhook.Null|moonhook.Cond\n",
				f->join);
		else
			rc = buf_printf(out,
				"---@field %s? %s%s|(%s)[]|moonhook.Null|moonhook.Cond\n", f->name,
				type, plain_of((enum schema_type)f->type), type);
		if (rc == RC_OK)
			rc = put_paths(f, "any", out);
	}
	if (rc == RC_OK)
		rc = put_shorts(o, "|string[]|moonhook.Null|moonhook.Cond", out);
	for (int i = 0; i < 3 && rc == RC_OK; i++) {
		static const char *const groups[] = {"all", "any", "none"};
		rc = buf_printf(out, "---@field %s? crm.%s.Where[]\n", groups[i], class);
	}
	return rc;
}

/* %1$s: Person, %2$s: person. */
#define METHODS                                                                                    \
	"---@class (exact) crm.%1$s.Query\n"                                                       \
	"---@field where? crm.%1$s.Where\n"                                                        \
	"---@field order? string|string[] # \"name\", \"-createdAt\"\n"                            \
	"---@field limit? integer\n"                                                               \
	"---@field after? string\n"                                                                \
	"---@field depth? 0|1\n"                                                                   \
	"---@field fields? string|string[]\n"                                                      \
	"---@field deleted? \"only\"|\"also\"\n"                                                   \
	"---@class (exact) crm.%1$s.Grouping\n"                                                    \
	"---@field field string|string[]\n"                                                        \
	"---@field sum? string|string[]\n"                                                         \
	"---@field where? crm.%1$s.Where\n"                                                        \
	"---@field by? \"day\"|\"week\"|\"month\"|\"quarter\"|\"year\"\n"                          \
	"---@field zone? string\n"                                                                 \
	"--- Of %2$s.created and its like.\n"                                                      \
	"---@class (exact) crm.%1$s.Event: moonhook.Event\n"                                       \
	"---@field record? crm.%1$s\n"                                                             \
	"---@field before? crm.%1$s\n"                                                             \
	"---@class (exact) crm.%1$s.Objects\n"                                                     \
	"---@field get fun(self: crm.%1$s.Objects, id: string, options?: { depth?: 0|1, "          \
	"fields?: "                                                                                \
	"string|string[] }): crm.%1$s?\n"                                                          \
	"---@field list fun(self: crm.%1$s.Objects, query?: crm.%1$s.Query): "                     \
	"crm.%1$s[], "                                                                             \
	"moonhook.Page\n"                                                                          \
	"---@field each fun(self: crm.%1$s.Objects, query?: crm.%1$s.Query): fun(): "              \
	"crm.%1$s?\n"                                                                              \
	"---@field count fun(self: crm.%1$s.Objects, query?: crm.%1$s.Query): integer\n"           \
	"---@field group_by fun(self: crm.%1$s.Objects, query: crm.%1$s.Grouping): "               \
	"moonhook.Group[]\n"                                                                       \
	"---@field create fun(self: crm.%1$s.Objects, data: crm.%1$s.Data): "                      \
	"crm.%1$s\n"                                                                               \
	"---@field create_many fun(self: crm.%1$s.Objects, list: crm.%1$s.Data[]): "               \
	"crm.%1$s[]\n"                                                                             \
	"---@field ensure fun(self: crm.%1$s.Objects, where: crm.%1$s.Where, data?: "              \
	"crm.%1$s.Data): "                                                                         \
	"crm.%1$s, boolean\n"                                                                      \
	"---@field update fun(self: crm.%1$s.Objects, id: string, data: crm.%1$s.Data, "           \
	"options?: { only_if: "                                                                    \
	"crm.%1$s.Where }): crm.%1$s\n"                                                            \
	"---@field update_many fun(self: crm.%1$s.Objects, list: crm.%1$s.Data[]): "               \
	"crm.%1$s[]\n"                                                                             \
	"---@field update_where fun(self: crm.%1$s.Objects, where: crm.%1$s.Where, "               \
	"data: crm.%1$s.Data, "                                                                    \
	"options: { max: integer }): crm.%1$s[]\n"                                                 \
	"---@field delete fun(self: crm.%1$s.Objects, id: string): crm.%1$s\n"                     \
	"---@field restore fun(self: crm.%1$s.Objects, id: string): crm.%1$s\n"                    \
	"---@field destroy fun(self: crm.%1$s.Objects, id: string): table\n"                       \
	"---@field erase fun(self: crm.%1$s.Objects, id: string): any\n"                           \
	"---@field duplicates fun(self: crm.%1$s.Objects, what: "                                  \
	"string|crm.%1$s.Data|any[]): crm.%1$s[]\n"                                                \
	"---@field merge fun(self: crm.%1$s.Objects, options: moonhook.MergeOptions): "            \
	"crm.%1$s\n\n"

static enum rc put_object(
	const struct schema *schema, const struct schema_object *o, struct buf *out)
{
	char class[72];
	class_of(o, class);
	enum rc rc = buf_printf(out, "-- %s\n\n", o->plural);
	if (rc == RC_OK)
		rc = put_choices(class, o, out);
	if (rc == RC_OK)
		rc = put_record(schema, class, o, out);
	if (rc == RC_OK)
		rc = put_data(class, o, out);
	if (rc == RC_OK)
		rc = put_where(class, o, out);
	return rc == RC_OK ? buf_printf(out, METHODS, class, o->singular) : rc;
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct schema_object *next_object(const struct schema *schema, size_t *at)
{
	const struct schema_object *o;
	while ((o = schema_object_at(schema, (*at)++)) != NULL)
		if (o->active)
			return o;
	return NULL;
}

static enum rc put_events(const struct schema *schema, const struct conf *conf, struct buf *out)
{
	static const char *const actions[] = {
		"created", "updated", "deleted", "restored", "destroyed", "*"};
	const struct schema_object *o;
	const char *name;
	enum rc rc = buf_put_text(out, "---@alias moonhook.EventName \"timer\"|\"*.*\"");
	for (size_t i = 0; i + 1 < ARRAY_N(actions) && rc == RC_OK; i++)
		rc = buf_printf(out, "|\"*.%s\"", actions[i]);
	for (size_t i = 0; conf != NULL && rc == RC_OK && (name = conf_name(conf, "source", i));
		i++)
		rc = buf_printf(out, "|\"hook:%s\"", name);
	for (size_t at = 0; rc == RC_OK && (o = next_object(schema, &at)) != NULL;)
		for (size_t i = 0; i < ARRAY_N(actions) && rc == RC_OK; i++)
			rc = buf_printf(out, "|\"%s.%s\"", o->singular, actions[i]);
	return rc == RC_OK ? buf_put_text(out, "\n\n") : rc;
}

static enum rc put_field_names(const struct schema *schema, struct buf *out)
{
	const struct schema_object *o;
	enum rc rc = buf_put_text(out, "---@alias moonhook.FieldName string");
	for (size_t at = 0; rc == RC_OK && (o = next_object(schema, &at)) != NULL;) {
		for (size_t i = 0; i < o->fields_n && rc == RC_OK; i++) {
			if (o->system || !is_shown(&o->fields[i]))
				continue;
			rc = buf_printf(out, "|\"%s\"", o->fields[i].name);
			if (rc == RC_OK && o->fields[i].join != NULL)
				rc = buf_printf(out, "|\"%s\"", o->fields[i].join);
		}
	}
	return rc == RC_OK ? buf_put_text(out, "\n\n") : rc;
}

static enum rc put_twenty(const struct schema *schema, struct buf *out)
{
	char class[72];
	const struct schema_object *o;
	enum rc rc = buf_put_text(out, "---@class (exact) moonhook.Twenty\n");
	for (size_t at = 0; rc == RC_OK && (o = next_object(schema, &at)) != NULL;) {
		class_of(o, class);
		rc = buf_printf(out, "---@field %s crm.%s.Objects\n", o->plural, class);
	}
	o = schema_object(schema, "workspaceMembers");
	if (rc == RC_OK)
		rc = buf_printf(out,
			"---@field graphql fun(query: string, variables?: table): any\n"
			"---@field member fun(email: string): %s?\n"
			"---@type moonhook.Twenty\ntwenty = nil\n",
			o != NULL ? "crm.WorkspaceMember" : "any");
	return rc;
}

enum rc typing_workspace(const struct schema *schema, const struct conf *conf, struct buf *out)
{
	const struct schema_object *o;
	enum rc rc = buf_put_text(out, "---@meta\n\n");
	for (size_t at = 0; rc == RC_OK && (o = next_object(schema, &at)) != NULL;)
		rc = put_object(schema, o, out);
	if (rc == RC_OK)
		rc = put_events(schema, conf, out);
	if (rc == RC_OK)
		rc = put_field_names(schema, out);
	return rc == RC_OK ? put_twenty(schema, out) : rc;
}
