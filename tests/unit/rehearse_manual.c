/* SPDX-License-Identifier: MIT */
/* The manual of tests: its examples are files that pass, its words are those that are there. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/help.h"
#include "cli/verdict.h"
#include "runner/rehearse/rehearse.h"
#include "runner/worker/test_words.h"
#include "tests/harness/process.h"

#define INDENT "    "
#define PLACE INDENT "-- scripts/rules/"

/* The lines behind a PLACE, as long as they are indented or empty, until the next one. */
static const char *put_file(const char *at, struct buf *out)
{
	while (*at != '\0' && strncmp(at, PLACE, strlen(PLACE)) != 0) {
		size_t n = strcspn(at, "\n");
		bool inside = n == 0 || strncmp(at, INDENT, 4) == 0;
		if (!inside || strncmp(at, INDENT "$ ", 6) == 0)
			break;
		if (n > 4)
			cr_assert_eq(buf_put(out, at + 4, n - 4), RC_OK);
		cr_assert_eq(buf_put(out, "\n", 1), RC_OK);
		at += n + (at[n] == '\n');
	}
	return at;
}

/* Writes every example into dir; answers how many files they are. */
static int put_examples(const char *dir)
{
	int files = 0;
	const char *at = help_tests();
	while ((at = strstr(at, PLACE)) != NULL) {
		char name[64];
		struct buf text;
		buf_init(&text, 65536);
		at += strlen(PLACE);
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\n"), at);
		at = put_file(at + strcspn(at, "\n") + 1, &text);
		cr_assert(process_write(dir, name, text.p), "%s", name);
		buf_done(&text);
		files++;
	}
	return files;
}

Test(rehearse_manual, the_examples_of_the_manual_pass)
{
	char dir[128], *text = NULL;
	size_t n = 0;
	struct verdict verdict;
	struct rehearse_totals totals = {0};
	struct err err = {0};
	cr_assert(process_folder(dir));
	cr_assert_eq(put_examples(dir), 8);
	const char *const paths[] = {dir, NULL};
	const struct rehearse_listener listener = {&verdict, verdict_one};
	const struct rehearse_options options = {.exe = "/proc/self/exe", .paths = paths};
	FILE *out = open_memstream(&text, &n);
	log_start("test", LOG_JSON, LOG_NONE);
	verdict_open(&verdict, ARGS_TABLE, out);
	cr_assert_eq(rehearse_run(&options, &listener, &totals, &err), RC_OK, "%s", err.msg);
	verdict_close(&verdict, &totals);
	fclose(out);
	cr_expect_eq(totals.passed, 6u, "%s", text);
	cr_expect_eq(totals.failed + totals.broken, 0u);
	free(text);
	process_folder_remove(dir);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_named(const char *word)
{
	size_t n = strlen(word);
	const char *text = help_tests();
	for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
		if ((at == text || !in_word(at[-1])) && !in_word(at[n]))
			return true;
	return false;
}

Test(rehearse_manual, the_manual_names_every_word_of_tests)
{
	static const char *const of_lua[] = {"_G", "assert", "error", "getmetatable", "ipairs",
		"next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset", "select",
		"setmetatable", "tonumber", "tostring", "type", "xpcall", NULL};
	for (size_t i = 0; rehearsal_globals[i] != NULL; i++) {
		size_t k = 0;
		while (of_lua[k] != NULL && strcmp(of_lua[k], rehearsal_globals[i]) != 0)
			k++;
		if (of_lua[k] == NULL)
			cr_expect(is_named(rehearsal_globals[i]), "%s is not in cli/tests.txt",
				rehearsal_globals[i]);
	}
}
