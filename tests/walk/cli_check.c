/* SPDX-License-Identifier: MIT */
/* `moonhook check` as its user sees it: lines, JSON, exit statuses, what it does without a Twenty.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/process.h"

#define SCHEMA "tests/data/twenty/rest/metadata-objects-all.body"
#define RULE(body)                                                                                 \
	"rule \"one\" {\n  on = \"opportunity.updated\",\n  run = function(event)\n    " body      \
	"\n  end,\n}\n"

static char dir[128];
static char *out, *err;

static void setup(void)
{
	char path[200];
	cr_assert(process_folder(dir));
	snprintf(path, sizeof(path), "%s/rules", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/lib", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void teardown(void)
{
	free(out);
	free(err);
	out = err = NULL;
	process_folder_remove(dir);
}

TestSuite(cli_check, .init = setup, .fini = teardown, .timeout = 120);

static void file(const char *name, const char *text)
{
	cr_assert(process_write(dir, name, text));
}

/* words: after `check`, NULL-terminated; "@x" is x in the folder. */
static int check(const char *const *words)
{
	struct process p = {.pid = 0};
	const char *argv[20] = {process_path("moonhook"), "check"};
	char paths[16][300];
	size_t n = 2;
	for (size_t i = 0; words[i] != NULL; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", dir, words[i] + 1);
		argv[n++] = words[i][0] == '@' ? paths[i] : words[i];
	}
	int status = process_run(&p, dir, "check", argv, NULL, 60000);
	free(out);
	free(err);
	out = process_read(p.out);
	err = process_read(p.err);
	return status;
}
#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

Test(cli_check, a_finding_has_file_line_column_and_what_was_meant_and_ends_with_1)
{
	file("rules/a.lua", RULE("log.info(event.record.closedDate)"));
	cr_expect_eq(
		CHECK("@rules/a.lua", "--schema", SCHEMA, "--config", "@none.lua"), 1, "%s", err);
	cr_expect(
		strstr(out, "/rules/a.lua:4:27: error: opportunity has no field 'closedDate'; did "
			    "you mean closeDate?\n") != NULL,
		"%s", out);
	cr_expect(strstr(err, "1 file: 1 error, 0 warnings") != NULL, "%s", err);
}

Test(cli_check, a_warning_ends_with_0)
{
	file("rules/a.lua", RULE("log.info(twenty.people:get(event.record.ownerId).email)"));
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 0, "%s", err);
	cr_expect(strstr(out, "a.lua:4:14: warning: get may have answered nil") != NULL, "%s", out);
}

Test(cli_check, json_has_the_parts_of_each_finding)
{
	json_error_t at;
	file("rules/a.lua", RULE("prnt(event.id)"));
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "-o", "json", "--config", "@none.lua"), 1);
	json_t *all = json_loads(out, 0, &at), *one = json_array_get(all, 0);
	cr_assert_eq(json_array_size(all), 1, "%s", out);
	cr_expect_eq(json_integer_value(json_object_get(one, "line")), 4);
	cr_expect_eq(json_integer_value(json_object_get(one, "column")), 5);
	cr_expect_str_eq(json_string_value(json_object_get(one, "severity")), "error");
	cr_expect_str_eq(json_string_value(json_object_get(one, "id")), "unknown-global");
	cr_expect_str_eq(
		json_string_value(json_object_get(one, "suggestion")), "write log.info(..)");
	json_decref(all);
}

Test(cli_check, the_head_is_read_by_a_worker_where_it_is_computed)
{
	file("rules/a.lua",
		"local wait = 20 .. \" seconds\"\nrule \"one\" { on = \"person.created\", "
		"settle = wait,\n  run = function() end }\n");
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 1, "%s", err);
	cr_expect(
		strstr(out,
			"a.lua:2:1: error: rule \"one\": settle: \"20 seconds\" is no duration") !=
			NULL,
		"%s", out);
}

Test(cli_check, modules_and_rules_beside_a_file_are_known_to_it)
{
	file("lib/names.lua", "return { title = function(s) return s end }\n");
	file("rules/b.lua", "rule \"later\" { on = \"timer\", run = function() end }\n");
	file("rules/a.lua", "local names = use \"names\"\n" RULE(
				    "after(\"1h\", \"later\") log.info(names.title(\"x\"))"));
	cr_expect_eq(
		CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 0, "%s%s", out, err);
	cr_expect_str_eq(out, "");
	file("rules/a.lua", "local names = use \"nams\"\n" RULE("after(\"1h\", \"latr\")"));
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 1);
	cr_expect(strstr(out, "a.lua:1:19: error: there is no module \"nams\"") != NULL, "%s", out);
	cr_expect(
		strstr(out,
			"a.lua:5:17: error: there is no rule \"latr\"; did you mean \"later\"?") !=
			NULL,
		"%s", out);
}

Test(cli_check, the_configured_folder_is_checked_and_its_sources_hosts_and_secrets_are_known)
{
	char conf[700];
	snprintf(conf, sizeof(conf),
		"rules = \"%s/rules\"\nhttp = { allow = { \"api.example.com\" } }\n"
		"secrets = { ENRICH_KEY = \"k\" }\n",
		dir);
	file("c.lua", conf);
	file("rules/a.lua", RULE("http.get(\"https://api.example.com/x\", { headers = { a = secret "
				 "\"ENRICH_KEY\" } })"));
	file("rules/b.lua",
		"rule \"two\" { on = \"hook:strip\", run = function()\n"
		"  http.get(\"https://other.example.com/\", { body = secret \"KEY\" })\n"
		"end }\n");
	cr_expect_eq(CHECK("--offline", "--config", "@c.lua"), 1, "%s", err);
	cr_expect(strstr(out, "a.lua") == NULL, "%s", out);
	cr_expect(strstr(out, "b.lua:1:19: error: the configuration has no source 'strip'") != NULL,
		"%s", out);
	cr_expect(strstr(out, "b.lua:2:12: error: the configuration does not allow calls to "
			      "'other.example.com'") != NULL,
		"%s", out);
	cr_expect(strstr(out, "error: the configuration has no secret 'KEY'") != NULL, "%s", out);
	cr_expect(strstr(err, "2 files: 3 errors") != NULL, "%s", err);
}

/* Allowed are https://a.example, http://127.0.0.1:8080, [::1]:9000 and all below c.example. */
static void expect_allowed(const char *url, const char *lacks)
{
	char rule[300], said[200];
	snprintf(rule, sizeof(rule), RULE("http.get(%s)"), url);
	snprintf(said, sizeof(said), "allow = { \"%s\" }", lacks);
	file("rules/a.lua", rule);
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@c.lua"), lacks[0] != '\0',
		"%s: %s", url, out);
	cr_expect(lacks[0] == '\0' || strstr(out, said) != NULL, "%s: %s", url, out);
}

Test(cli_check,
	a_host_is_allowed_with_its_scheme_and_port_and_what_is_missing_is_said_as_it_is_written)
{
	char conf[700];
	snprintf(conf, sizeof(conf),
		"rules = \"%s/rules\"\nhttp = { allow = { \"a.example\", "
		"\"http://127.0.0.1:8080\", \"[::1]:9000\", \"*.c.example\" } }\n",
		dir);
	file("c.lua", conf);
	expect_allowed("\"https://a.example/x\"", "");
	expect_allowed("\"https://A.Example:443/x\"", "");
	expect_allowed("\"http://a.example/x\"", "http://a.example");
	expect_allowed("\"https://a.example:8443\"", "a.example:8443");
	expect_allowed("\"http://127.0.0.1:8080/\" .. event.id", "");
	expect_allowed("\"http://127.0.0.1:80\" .. \"80/\"", "");
	expect_allowed("\"https://127.0.0.1:8080/\"", "127.0.0.1:8080");
	expect_allowed("\"http://127.0.0.1:8081/\"", "http://127.0.0.1:8081");
	expect_allowed("\"https://[::1]:9000/\"", "");
	expect_allowed("\"https://[::2]:9000/\"", "[::2]:9000");
	expect_allowed("\"https://b.c.example/\"", "");
	expect_allowed("\"https://c.example/\"", "c.example");
}

Test(cli_check, exit_statuses_tell_usage_configuration_and_a_twenty_that_is_not_there_apart)
{
	file("rules/a.lua", RULE("log.info(event.id)"));
	cr_expect_eq(CHECK("@nothing.lua", "--config", "@none.lua"), 2, "%s", err);
	cr_expect_eq(CHECK("@rules/a.lua", "--schema", "@nothing.json"), 2, "%s", err);
	cr_expect_eq(CHECK("@rules/a.lua", "--live", "--config", "@none.lua"), 2, "%s", err);
	file("bad.lua", "rulez = 1\n");
	cr_expect_eq(CHECK("@rules/a.lua", "--config", "@bad.lua"), 78, "%s", err);
	file("away.lua", "twenty = { url = \"http://127.0.0.1:9\", key = \"k\" }\n");
	cr_expect_eq(CHECK("@rules/a.lua", "--live", "--config", "@away.lua"), 6, "%s", err);
	cr_expect_eq(CHECK("@rules/a.lua", "--config", "@away.lua"), 0, "%s", err);
	cr_expect(strstr(err, "objects and fields of the workspace are not checked: ") != NULL,
		"%s", err);
}

Test(cli_check, what_is_no_rule_file_is_told_not_obeyed)
{
	file("rules/a.lua", "\033[2J = 1\n");
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 1);
	cr_expect(strchr(out, '\033') == NULL);
	file("rules/a.lua", "while true do end\n");
	cr_expect_eq(CHECK("@rules/a.lua", "--offline", "--config", "@none.lua"), 1, "%s", err);
	cr_expect(
		strstr(out, "a.lua:1:1: error: ") != NULL && strstr(out, "processor time") != NULL,
		"%s", out);
}
