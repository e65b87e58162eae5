/* SPDX-License-Identifier: MIT */
/* Which lines of rules ran: held against what the files themselves say of their lines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/verdict.h"
#include "runner/rehearse/rehearse.h"
#include "tests/harness/process.h"

static void ignore(void *ctx, const struct rehearse_case *one)
{
	(void)ctx;
	cr_assert(one->result == REHEARSE_PASSED, "%s", one->name);
}

/* The rows of coverage of one path. GIVES. */
static json_t *cover(const char *path)
{
	const char *const paths[] = {path, NULL};
	const struct rehearse_options options = {
		.exe = "/proc/self/exe", .paths = paths, .coverage = true};
	const struct rehearse_listener listener = {NULL, ignore};
	struct rehearse_totals totals = {0};
	struct err err = {0};
	log_start("test", LOG_JSON, LOG_NONE);
	cr_assert_eq(rehearse_run(&options, &listener, &totals, &err), RC_OK, "%s", err.msg);
	cr_assert_not_null(totals.coverage);
	return totals.coverage;
}

static bool is_missed(const json_t *row, int line)
{
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(row, "missed"), i, each)
	{
		if (json_integer_value(each) == line)
			return true;
	}
	return false;
}

Test(rehearse_cover, the_lines_that_did_not_run_are_those_that_say_so)
{
	json_t *rows = cover("tests/data/rehearse/other/cover.lua");
	cr_assert_eq(json_array_size(rows), 1u);
	const json_t *row = json_array_get(rows, 0);
	char *text = process_read("tests/data/rehearse/other/cover.lua");
	int n = 0, missed = 0;
	cr_assert_not_null(text);
	for (char *line = text, *end; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		n++;
		bool says = memmem(line, (size_t)(end - line), "-- missed", 9) != NULL;
		missed += says;
		cr_expect_eq(is_missed(row, n), says, "line %d: %.*s", n, (int)(end - line), line);
	}
	cr_expect_eq(json_array_size(json_object_get(row, "missed")), (size_t)missed);
	cr_expect_eq(json_integer_value(json_object_get(row, "ran")),
		json_integer_value(json_object_get(row, "lines")) - missed);
	free(text);
	json_decref(rows);
}

/* Behind 128 instructions, and over gaps of more than 127 lines, the bytecode tells lines in
 * another way. */
Test(rehearse_cover, long_functions_and_far_lines_are_told_apart)
{
	char dir[128], path[256];
	struct buf rule;
	buf_init(&rule, 1 << 20);
	cr_assert(process_folder(dir));
	cr_assert_eq(buf_put_text(&rule, "rule 'long' { on = 'hook:long', run = function(event)\n"
					 "local x = 0\n"),
		RC_OK);
	for (int i = 0; i < 500; i++)
		cr_assert_eq(buf_printf(&rule, "x = x + %d\n", i), RC_OK);
	for (int i = 0; i < 300; i++)
		cr_assert_eq(buf_put_text(&rule, "\n"), RC_OK);
	cr_assert_eq(buf_put_text(&rule, "if x < 0 then\nx = 1\nend\nlog.info(x)\nend }\n"), RC_OK);
	cr_assert(process_write(dir, "long.lua", rule.p));
	cr_assert(process_write(dir, "long_test.lua",
		"test 'a' { event = event('hook:long', {}), expect = { logs = '124750' } }"));
	snprintf(path, sizeof(path), "%s/long.lua", dir);
	json_t *rows = cover(path);
	const json_t *row = json_array_get(rows, 0);
	/* the rule, local x, 500 sums, the condition, its body, the log line, the rule's end */
	cr_expect_eq(json_integer_value(json_object_get(row, "lines")), 506);
	cr_expect_eq(json_array_size(json_object_get(row, "missed")), 1u);
	cr_expect(is_missed(row, 2 + 500 + 300 + 2));
	json_decref(rows);
	buf_done(&rule);
	process_folder_remove(dir);
}

Test(rehearse_cover, people_get_a_percentage_and_ranges_of_lines)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	json_t *rows = json_pack("[{s:s, s:i, s:i, s:[i,i,i,i]}, {s:s, s:i, s:i, s:[]}]", "file",
		"a.lua", "lines", 16, "ran", 12, "missed", 3, 7, 8, 9, "file", "b.lua", "lines", 2,
		"ran", 2, "missed");
	verdict_cover(out, rows);
	fclose(out);
	cr_expect_str_eq(text, "\n 75.0 %  a.lua (12 of 16 lines), not run: 3, 7-9\n"
			       "100.0 %  b.lua (2 of 2 lines)\n");
	json_decref(rows);
	free(text);
}
