/* SPDX-License-Identifier: MIT */
/*
 * What editors are told: all that a workspace has, all that a rule may call, in files that Lua can
 * read. lua-language-server itself is not asked.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/schema.h"
#include "cli/typing.h"
#include "receiver/receiver.h"
#include "runner/check/parser.h"
#include "tests/harness/process.h"

#define RECORDED "tests/data/twenty/rest/metadata-objects-all.body"

static struct cli_schema schema;
static struct buf text;

static void setup(void)
{
	struct err err = {.msg = ""};
	buf_init(&text, 32 << 20);
	cr_assert_eq(cli_schema_read(RECORDED, &schema, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(typing_workspace(schema.schema, NULL, &text), RC_OK);
}

static void done(void)
{
	buf_done(&text);
	cli_schema_done(&schema);
}

TestSuite(cli_types, .init = setup, .fini = done);

/* From this line of the text to the next class. GIVES (free). */
static char *class_text(const char *line)
{
	char whole[200];
	snprintf(whole, sizeof(whole), "%s\n", line);
	const char *at = strstr(text.p, whole);
	cr_assert(at != NULL, "there is no %s", line);
	const char *end = strstr(at + 1, "---@class");
	return strndup(at, end != NULL ? (size_t)(end - at) : strlen(at));
}

static void expect_field(const char *class, const char *name, bool required)
{
	char line[160];
	snprintf(line, sizeof(line), "\n---@field %s%s ", name, required ? "" : "?");
	cr_expect(strstr(class, line) != NULL, "%s in %.60s", line, class);
}

static void expect_values(const char *class, const struct schema_field *f)
{
	char line[128], value[300];
	snprintf(line, sizeof(line), "---@alias crm.%s.%s ", class, f->name);
	const char *at = strstr(text.p, line);
	cr_assert(at != NULL, "there is no %s", line);
	const char *end = strchr(at, '\n');
	for (size_t i = 0; i < f->values_n; i++) {
		snprintf(value, sizeof(value), "\"%s\"", f->values[i]);
		const char *found = strstr(at, value);
		cr_expect(found != NULL && found < end, "%s of %s", value, line);
	}
}

Test(cli_types, every_object_field_and_value_of_the_workspace_is_there)
{
	const struct schema_object *o;
	size_t fields_n = 0, values_n = 0;
	for (size_t i = 0; (o = schema_object_at(schema.schema, i)) != NULL; i++) {
		char class[72], line[160];
		snprintf(class, sizeof(class), "%c%s", o->singular[0] - 'a' + 'A', o->singular + 1);
		snprintf(line, sizeof(line), "---@field %s crm.%s.Objects\n", o->plural, class);
		cr_expect(strstr(text.p, line) != NULL, "%s", line);
		snprintf(line, sizeof(line), "|\"%s.created\"", o->singular);
		cr_expect(strstr(text.p, line) != NULL, "%s", line);
		snprintf(line, sizeof(line), "---@class (exact) crm.%s", class);
		char *record = class_text(line);
		snprintf(line, sizeof(line), "---@class (exact) crm.%s.Data", class);
		char *data = class_text(line);
		for (size_t k = 0; k < o->fields_n; k++) {
			const struct schema_field *f = &o->fields[k];
			if (!f->active || f->type == SCHEMA_TS_VECTOR)
				continue;
			expect_field(record, f->name, strcmp(f->name, "id") == 0);
			if (f->join != NULL)
				expect_field(record, f->join, false);
			if (f->join != NULL)
				expect_field(data, f->join, false);
			if (f->values_n != 0)
				expect_values(class, f);
			fields_n++;
			values_n += f->values_n;
		}
		free(record);
		free(data);
	}
	cr_expect_gt(fields_n, 500);
	cr_expect_gt(values_n, 50);
}

Test(cli_types, custom_fields_have_their_kinds)
{
	char *record = class_text("---@class (exact) crm.Opportunity");
	cr_expect(strstr(record, "---@field stage? crm.Opportunity.stage\n") != NULL);
	cr_expect(strstr(record, "---@field amount? moonhook.Currency\n") != NULL);
	cr_expect(strstr(record, "---@field company? crm.Company # with depth = 1\n") != NULL);
	free(record);
	record = class_text("---@class (exact) crm.Person");
	cr_expect(strstr(record, "---@field email? string\n") != NULL, "short names, too");
	free(record);
	record = class_text("---@class (exact) crm.Task.Data");
	cr_expect(strstr(record, "---@field about? ") != NULL);
	free(record);
	cr_expect(strstr(text.p, "---@alias crm.Opportunity.stage \"NEW\"|\"SCREENING\"|") != NULL);
}

Test(cli_types, a_value_that_could_end_its_line_is_left_out)
{
	static const char body[] =
		"{\"data\":{\"objects\":[{\"nameSingular\":\"pet\",\"namePlural\":\"pets\","
		"\"fields\":[{\"name\":\"kind\",\"type\":\"SELECT\",\"options\":["
		"{\"value\":\"A\\nos.exit()\"},{\"value\":\"B\\\"\"},{\"value\":\"C\\\\\"},"
		"{\"value\":\"DOG\"}]}]}]}}";
	struct schema *own = NULL;
	struct err err = {.msg = ""};
	json_t *json = json_loads(body, 0, NULL);
	cr_assert_eq(schema_read(json, &own, &err), RC_OK, "%s", err.msg);
	buf_clear(&text);
	cr_assert_eq(typing_workspace(own, NULL, &text), RC_OK);
	cr_expect(strstr(text.p, "---@alias crm.Pet.kind \"DOG\"\n") != NULL);
	cr_expect(strstr(text.p, "os.exit") == NULL);
	schema_free(own);
	json_decref(json);
}

static void expect_lua(struct slice chunk)
{
	struct check_arena arena;
	struct check_source source;
	struct check_findings findings = {.n = 0};
	struct check_tree tree = {.block = NULL};
	check_arena_init(&arena, 256u << 20);
	cr_assert(check_source_init(&source, "types.lua", chunk, &arena));
	source.begin = 0;
	check_parse(&source, &arena, &findings, &tree);
	cr_expect(tree.block != NULL && findings.n == 0, "%s",
		findings.n > 0 ? findings.p[0].text : "");
	check_findings_done(&findings);
	check_arena_done(&arena);
}

Test(cli_types, both_files_are_lua)
{
	expect_lua(buf_slice(&text));
	expect_lua(typing_language());
}

static bool is_luas_own(const char *name)
{
	static const char *const words[] = {"_G", "assert", "error", "getmetatable", "ipairs",
		"next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select",
		"setmetatable", "tonumber", "tostring", "type", "xpcall", "math", "string", "table",
		"utf8"};
	size_t n = strcspn(name, ".");
	for (size_t i = 0; i < ARRAY_N(words); i++)
		if (strlen(words[i]) == n && strncmp(words[i], name, n) == 0)
			return true;
	return false;
}

/* "json.decode" as a function, "kv.shared.get" as a field, "twenty" as a global. */
static bool is_described(const char *name)
{
	char line[128];
	const char *dot = strrchr(name, '.');
	const char *language = typing_language().p;
	snprintf(line, sizeof(line), "\nfunction %s(", name);
	if (strstr(language, line) != NULL)
		return true;
	snprintf(line, sizeof(line), "\n%s = ", name);
	if (strstr(language, line) != NULL || strstr(text.p, line) != NULL)
		return true;
	snprintf(line, sizeof(line), "\n---@field %s ", dot != NULL ? dot + 1 : name);
	return dot != NULL && strstr(language, line) != NULL;
}

Test(cli_types, everything_a_rule_may_call_is_described)
{
	char name[64], kind[16];
	size_t own = 0;
	FILE *golden = fopen("tests/hostile/globals.txt", "r");
	cr_assert_not_null(golden);
	while (fscanf(golden, "%63s %15[^\n]", name, kind) == 2) {
		if (name[0] == '<' || strncmp(name, "error.", 6) == 0 || is_luas_own(name))
			continue;
		cr_expect(is_described(name), "%s", name);
		own++;
	}
	fclose(golden);
	cr_expect_gt(own, 40);
}

/* The vocabulary of tests is what rehearsal.lua makes of it. */
Test(cli_types, everything_a_test_is_written_with_is_described)
{
	char *source = process_read("runner/worker/rehearsal.lua"), name[64];
	size_t n = 0;
	cr_assert_not_null(source);
	for (const char *p = source; (p = strstr(p, "words.")) != NULL; p += 6) {
		bool made = p[-1] == '\n' || strncmp(p - 9, "function ", 9) == 0;
		if (!made || sscanf(p, "words.%63[a-z_]", name) != 1)
			continue;
		bool of_rules = strcmp(name, "any") == 0 || strcmp(name, "http") == 0;
		cr_expect(of_rules || is_described(name), "%s", name);
		n++;
	}
	free(source);
	cr_expect_gt(n, 15);
}

Test(cli_types, every_option_of_a_head_is_described)
{
	static const char *const options[] = {"on", "every", "cron", "tz", "run", "when", "key",
		"echo", "settle", "max_settle", "batch", "concurrency", "timeout", "cpu", "retry",
		"fresh", "lane", "max_writes", "mode", "was"};
	for (size_t i = 0; i < ARRAY_N(options); i++) {
		char line[64];
		snprintf(line, sizeof(line), "\n---@field %s%s ", options[i],
			strcmp(options[i], "run") == 0 ? "" : "?");
		cr_expect(strstr(typing_language().p, line) != NULL, "%s", options[i]);
	}
}

Test(cli_types, sources_of_the_configuration_are_names_of_events)
{
	char dir[128], path[192];
	struct err err = {.msg = ""};
	struct conf *conf = NULL;
	cr_assert(process_folder(dir));
	cr_assert(process_write(dir, "m.lua", "source \"stripe\" { secrets = { \"a\" } }\n"));
	snprintf(path, sizeof(path), "%s/m.lua", dir);
	cr_assert_eq(conf_load(path, &receiver_conf_table, 1, NULL, 0, &conf, &err), RC_OK);
	buf_clear(&text);
	cr_assert_eq(typing_workspace(schema.schema, conf, &text), RC_OK);
	cr_expect(strstr(text.p, "|\"hook:stripe\"") != NULL);
	conf_free(conf);
	process_folder_remove(dir);
}

/* --- the verb --------------------------------------------------------------------------------- */

static int run_types(const char *dir, const char *flag)
{
	struct args args = {.verb = &verb_types,
		.config = "/nonexistent.lua",
		.operands = {dir},
		.operands_n = 1,
		.flags = {{"schema", RECORDED}, {flag, ""}},
		.flags_n = flag != NULL ? 2 : 1};
	return verb_types.run(&args);
}

static char *read_at(const char *dir, const char *name)
{
	char path[192];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return process_read(path);
}

Test(cli_types, three_files_are_written_again_and_again)
{
	char dir[128];
	cr_assert(process_folder(dir));
	cr_assert_eq(run_types(dir, NULL), CLI_OK);
	char *first = read_at(dir, "types/workspace.lua"), *settings = read_at(dir, ".luarc.json");
	cr_expect(strncmp(first, "-- generated by moonhook types ", 31) == 0);
	json_t *json = json_loads(settings, 0, NULL);
	cr_expect_str_eq(
		json_string_value(json_array_get(json_object_get(json, "workspace.library"), 0)),
		"types");
	json_decref(json);
	cr_expect_eq(run_types(dir, NULL), CLI_OK, "its own files may be written again");
	char *again = read_at(dir, "types/workspace.lua");
	cr_expect_str_eq(first, again, "the same workspace gives the same text");
	free(first);
	free(again);
	free(settings);
	process_folder_remove(dir);
}

Test(cli_types, a_file_that_was_edited_is_left_alone)
{
	char dir[128];
	static const char *const names[] = {
		".luarc.json", "types/workspace.lua", "types/moonhook.lua"};
	cr_assert(process_folder(dir));
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		cr_assert_eq(run_types(dir, "force"), CLI_OK);
		char *was = read_at(dir, names[i]);
		size_t n = strlen(was);
		was[n - 2] = '\t'; /* its first line still says who wrote it */
		cr_assert(process_write(dir, names[i], was));
		cr_expect_eq(run_types(dir, NULL), CLI_FAILED, "%s", names[i]);
		char *is = read_at(dir, names[i]);
		cr_expect_str_eq(is, was);
		free(was);
		free(is);
	}
	cr_assert(process_write(dir, "types/moonhook.lua", "-- mine\n"));
	cr_expect_eq(run_types(dir, NULL), CLI_FAILED);
	cr_expect_eq(run_types(dir, "force"), CLI_OK);
	cr_expect_eq(run_types("/nonexistent", NULL), CLI_USAGE);
	process_folder_remove(dir);
}
