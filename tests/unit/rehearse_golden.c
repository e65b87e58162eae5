/* SPDX-License-Identifier: MIT */
/*
 * Tests of rules, played: those that pass, and those that fail with what is said of each.
 * From: tests/data/rehearse. The rules run in real workers, which are this program again.
 */
#include "runner/rehearse/rehearse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/verdict.h"
#include "tests/harness/process.h"

struct played {
	char *text; /* owned */
	size_t n;
	struct rehearse_totals totals;
	enum rc rc;
	struct err err;
};

static struct played play(
	const char *const *paths, enum args_output form, const char *filter, bool fail_fast)
{
	struct played p = {0};
	struct verdict verdict;
	struct rehearse_listener listener = {&verdict, verdict_one};
	struct rehearse_options options = {
		.exe = "/proc/self/exe", .paths = paths, .filter = filter, .fail_fast = fail_fast};
	FILE *out = open_memstream(&p.text, &p.n);
	cr_assert_not_null(out);
	log_start("test", LOG_JSON, LOG_NONE);
	verdict_open(&verdict, form, out);
	p.rc = rehearse_run(&options, &listener, &p.totals, &p.err);
	verdict_close(&verdict, p.rc == RC_OK ? &p.totals : NULL);
	fclose(out);
	return p;
}

static struct played play_one(const char *path, enum args_output form)
{
	const char *const paths[] = {path, NULL};
	return play(paths, form, NULL, false);
}

/* The first line that differs is shown. */
static void expect_golden(const char *got, const char *file)
{
	char *wanted = process_read(file);
	cr_assert_not_null(wanted, "%s", file);
	const char *a = got, *b = wanted;
	for (int line = 1; *a != '\0' || *b != '\0'; line++) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
		cr_assert(n == m && memcmp(a, b, n) == 0, "%s:%d\n  expected %.*s\n  got      %.*s",
			file, line, (int)m, b, (int)n, a);
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
	}
	free(wanted);
}

Test(rehearse_golden, what_passes_passes_in_virtual_time)
{
	struct played p = play_one("tests/data/rehearse/passing", ARGS_TAP);
	cr_assert_eq(p.rc, RC_OK, "%s", p.err.msg);
	expect_golden(p.text, "tests/data/rehearse/passing.tap");
	cr_expect_eq(p.totals.failed + p.totals.broken, 0u);
	cr_expect_eq(p.totals.skipped, 1u);
	free(p.text);
}

Test(rehearse_golden, what_fails_is_said_with_its_line_and_its_difference, .timeout = 120)
{
	struct played p = play_one("tests/data/rehearse/failing", ARGS_TAP);
	cr_assert_eq(p.rc, RC_OK, "%s", p.err.msg);
	expect_golden(p.text, "tests/data/rehearse/failing.tap");
	cr_expect_eq(p.totals.passed, 1u);
	cr_expect_eq(p.totals.broken, 6u);
	free(p.text);
}

/* Every element is closed in its turn, every & begins a reference: well formed enough. */
static int check_xml(const char *text)
{
	char open[16][64];
	int depth = 0, elements = 0;
	for (const char *p = text; (p = strpbrk(p, "<&")) != NULL; p++) {
		if (*p == '&') {
			cr_assert(strncmp(p, "&amp;", 5) == 0 || strncmp(p, "&lt;", 4) == 0 ||
					  strncmp(p, "&gt;", 4) == 0 ||
					  strncmp(p, "&quot;", 6) == 0,
				"%.40s", p);
			continue;
		}
		const char *end = strchr(p, '>');
		cr_assert_not_null(end);
		if (p[1] == '?')
			continue;
		if (p[1] == '/') {
			cr_assert_gt(depth, 0);
			depth--;
			cr_assert(
				strncmp(p + 2, open[depth], strlen(open[depth])) == 0, "%.40s", p);
			continue;
		}
		elements++;
		if (end[-1] == '/')
			continue;
		cr_assert_lt(depth, 15);
		snprintf(open[depth++], 64, "%.*s", (int)strcspn(p + 1, " >"), p + 1);
	}
	cr_assert_eq(depth, 0);
	return elements;
}

Test(rehearse_golden, junit_is_well_formed_and_says_the_same)
{
	const char *const paths[] = {"tests/data/rehearse/other/xml.lua",
		"tests/data/rehearse/failing/syntax_test.lua",
		"tests/data/rehearse/passing/times_test.lua", NULL};
	struct played p = play(paths, ARGS_JUNIT, NULL, false);
	cr_assert_eq(p.rc, RC_OK, "%s", p.err.msg);
	cr_expect_gt(check_xml(p.text), 10);
	cr_expect_not_null(strstr(p.text, "two things &lt;&amp;&gt;"), "%s", p.text);
	cr_expect_not_null(strstr(p.text, "<error message=\"tests/data/rehearse/failing/"
					  "syntax_test.lua:2\">"));
	cr_expect_not_null(strstr(p.text, "<skipped message=\"not yet\"/>"));
	cr_expect_not_null(
		strstr(p.text, "note = &quot;a \\&quot;quoted\\&quot; one\\n"), "%s", p.text);
	free(p.text);
}

Test(rehearse_golden, json_has_a_row_for_each_test)
{
	struct played p = play_one("tests/data/rehearse/passing/words.lua", ARGS_JSON);
	json_t *rows = json_loads(p.text, 0, NULL);
	cr_assert_eq(json_array_size(rows), 4u, "%s", p.text);
	const json_t *row = json_array_get(rows, 0);
	cr_expect_str_eq(json_string_value(json_object_get(row, "result")), "passed");
	cr_expect_str_eq(json_string_value(json_object_get(row, "file")),
		"tests/data/rehearse/passing/words_test.lua");
	cr_expect_gt(json_integer_value(json_object_get(row, "line")), 10);
	json_decref(rows);
	free(p.text);
}

Test(rehearse_golden, people_get_a_line_for_each_test_and_a_sum)
{
	struct played p = play_one("tests/data/rehearse/failing/broken.lua", ARGS_TABLE);
	cr_expect_not_null(
		strstr(p.text, "  FAIL   of a rule that cannot be loaded\n"), "%s", p.text);
	cr_expect_not_null(strstr(p.text, "\n0 passed, 1 failed in "), "%s", p.text);
	free(p.text);
}

Test(rehearse_golden, a_filter_and_the_first_failure_leave_the_others_out)
{
	const char *const paths[] = {"tests/data/rehearse/failing/fails_test.lua", NULL};
	struct played p = play(paths, ARGS_TAP, "one ", true);
	cr_expect_eq(p.totals.failed, 1u, "%s", p.text);
	cr_expect_eq(p.totals.passed, 0u);
	cr_expect_not_null(strstr(p.text, "not ok 1 - "));
	cr_expect_not_null(strstr(p.text, "one write too many"));
	free(p.text);
	p = play(paths, ARGS_TAP, "one ", false);
	cr_expect_eq(p.totals.failed, 2u, "%s", p.text);
	free(p.text);
}

Test(rehearse_golden, names_of_nothing_are_refused_with_a_sentence)
{
	static const struct {
		const char *path, *says;
	} cases[] = {
		{"tests/data/rehearse", "there is no test: no *_test.lua in tests/data/rehearse"},
		{"nowhere", "nowhere is not there"},
		{"README.md", "README.md is no test file: those end with _test.lua"},
		{"tests/data/rehearse/passing/../passing.tap",
			"tests/data/rehearse/passing/../passing.tap is no test file: those end "
			"with "
			"_test.lua"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct played p = play_one(cases[i].path, ARGS_TAP);
		cr_expect_neq(p.rc, RC_OK);
		cr_expect_str_eq(p.err.msg, cases[i].says);
		cr_expect_str_empty(p.text);
		free(p.text);
	}
}

Test(rehearse_golden, the_shipped_rules_pass_their_tests)
{
	struct played p = play_one("scripts/rules", ARGS_TABLE);
	cr_assert_eq(p.rc, RC_OK, "%s", p.err.msg);
	cr_expect_eq(p.totals.failed + p.totals.broken, 0u, "%s", p.text);
	cr_expect_gt(p.totals.passed, 20u);
	free(p.text);
}

/* The first rule and the first test that people are shown, word for word. */
Test(rehearse_golden, the_examples_of_the_language_pass)
{
	struct played p = play_one("tests/data/rehearse/language", ARGS_TABLE);
	cr_assert_eq(p.rc, RC_OK, "%s", p.err.msg);
	cr_expect_eq(p.totals.failed + p.totals.broken, 0u, "%s", p.text);
	cr_expect_eq(p.totals.passed, 3u, "%s", p.text);
	free(p.text);
}
