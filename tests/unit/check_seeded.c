/* SPDX-License-Identifier: MIT */
/*
 * Mistakes of real life, one to a file: each is found, at its line and in words that help. And
 * rules that are right: nothing is found in them. The first line of a mistake says what is
 * expected:
 * "-- line 7, unknown-field: did you mean stage".
 */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/schema.h"
#include "runner/check/check.h"

#define SCHEMA "tests/data/twenty/rest/metadata-objects-all.body"

static const char *const modules[] = {"duplicates", "lookup", "names", NULL},
			 *const sources[] = {"stripe", NULL},
			 *const hosts[] = {"api.example.com", "hooks.slack.com", NULL},
			 *const secrets[] = {"SLACK_HOOK", "ENRICH_KEY", NULL};

static int is_lua(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);
	return n > 4 && strcmp(entry->d_name + n - 4, ".lua") == 0;
}

static void read_text(const char *path, struct buf *text)
{
	struct err err = {.msg = ""};
	buf_init(text, 1u << 20);
	cr_assert_eq(
		file_read(AT_FDCWD, path, FILE_LINKS_REFUSED, text, &err), RC_OK, "%s", err.msg);
}

static void check_one(const struct schema *schema, const char *path, const struct buf *text,
	struct check_findings *findings)
{
	enum check_role role =
		strstr(path, "_test.lua") != NULL ? CHECK_TEST_FILE : CHECK_RULE_FILE;
	const struct check_world world = {.schema = schema,
		.modules = modules,
		.sources = sources,
		.hosts = hosts,
		.secrets = secrets};
	struct err err = {.msg = ""};
	struct check *check = check_new(&world);
	cr_assert_not_null(check);
	cr_assert_eq(check_add(check, path, buf_slice(text), role, &err), RC_OK);
	cr_assert_eq(check_run(check, findings, &err), RC_OK, "%s", err.msg);
	check_free(check);
}

/* A row of the table: where it was expected and what was found there. */
static bool judge(const char *name, const struct buf *text, const struct check_findings *findings)
{
	int line = 0;
	char kind[60] = "", words[200] = "", said[700] = "nothing";
	bool found = false;
	cr_assert_eq(sscanf(text->p, "-- line %d, %59[^:]: %199[^\n]", &line, kind, words), 3, "%s",
		name);
	for (size_t i = 0; i < findings->n && !found; i++) {
		const struct check_finding *f = &findings->p[i];
		snprintf(said, sizeof(said), "%d: %s%s%s", f->line, f->text,
			f->suggestion != NULL ? "; " : "",
			f->suggestion != NULL ? f->suggestion : "");
		found = f->line == line && strcmp(check_kind_name(f->kind), kind) == 0 &&
			strstr(said, words) != NULL;
	}
	printf("%-30s %-5s line %-3d %s\n", name, found ? "found" : "LOST", line, said);
	cr_expect(
		!found || findings->n == 1, "%s: %zu findings for one mistake", name, findings->n);
	return found;
}

Test(check_seeded, at_least_nine_of_ten_seeded_mistakes_are_found_at_their_line_in_useful_words)
{
	struct dirent **names = NULL;
	struct cli_schema schema;
	struct err err = {.msg = ""};
	cr_assert_eq(cli_schema_read(SCHEMA, &schema, &err), RC_OK, "%s", err.msg);
	int n = scandir("tests/data/mistakes", &names, is_lua, alphasort), found = 0;
	for (int i = 0; i < n; i++) {
		char path[300];
		struct buf text;
		struct check_findings findings = {0};
		snprintf(path, sizeof(path), "tests/data/mistakes/%s", names[i]->d_name);
		read_text(path, &text);
		check_one(schema.schema, path, &text, &findings);
		found += judge(names[i]->d_name, &text, &findings);
		check_findings_done(&findings);
		buf_done(&text);
		free(names[i]);
	}
	free(names);
	cli_schema_done(&schema);
	printf("%d of %d seeded mistakes are found at their line\n", found, n);
	cr_assert_geq(n, 40);
	cr_assert_geq(found * 10, n * 9);
}

static int expect_nothing(const struct schema *schema, const char *folder)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_lua, alphasort);
	for (int i = 0; i < n; i++) {
		char path[600];
		struct buf text;
		struct check_findings findings = {0};
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		read_text(path, &text);
		check_one(schema, path, &text, &findings);
		cr_expect_eq(findings.n, 0, "%s:%d: %s", path,
			findings.n > 0 ? findings.p[0].line : 0,
			findings.n > 0 ? findings.p[0].text : "");
		buf_done(&text);
		check_findings_done(&findings);
		free(names[i]);
	}
	free(names);
	return n;
}

Test(check_seeded, nothing_is_found_in_the_shipped_rules_and_ten_others)
{
	struct cli_schema schema;
	struct err err = {.msg = ""};
	cr_assert_eq(cli_schema_read(SCHEMA, &schema, &err), RC_OK, "%s", err.msg);
	cr_assert_geq(expect_nothing(schema.schema, "scripts/rules"), 3);
	cr_assert_geq(expect_nothing(schema.schema, "tests/data/correct"), 10);
	cr_assert_geq(expect_nothing(NULL, "tests/data/correct"), 10);
	cli_schema_done(&schema);
}
