/* SPDX-License-Identifier: MIT */
/* scripts/README.md leaves nothing out; that its examples are true, tests/walk/reference.c tries.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/process.h"

static char *page;

static void setup(void)
{
	page = process_read("scripts/README.md");
	cr_assert_not_null(page);
}

static void done(void)
{
	free(page);
}

TestSuite(reference_page, .init = setup, .fini = done);

/* Is it called in a block of Lua, or does it stand there as it is? */
static bool has_example(const char *name)
{
	const char *from = page;
	size_t n = strlen(name);
	while ((from = strstr(from, "\n```lua\n")) != NULL) {
		const char *to = strstr(from + 8, "\n```\n");
		for (const char *p = from; (p = strstr(p, name)) != NULL && p < to; p += n)
			if (strchr(" ({\",)=[\n", p[n]) != NULL &&
				strchr(" (\n\t{#,", p[-1]) != NULL)
				return true;
		from = to;
	}
	return false;
}

static bool is_luas_own(const char *name)
{
	static const char words[] =
		" _G assert error getmetatable ipairs next pairs pcall rawequal "
		"rawget rawlen rawset select setmetatable tonumber tostring "
		"type xpcall math string table utf8 ";
	char word[80];
	snprintf(word, sizeof(word), " %.*s ", (int)strcspn(name, "."), name);
	return strstr(words, word) != NULL;
}

Test(reference_page, every_function_of_the_language_has_an_example)
{
	char name[64], kind[16];
	size_t n = 0;
	FILE *golden = fopen("tests/hostile/globals.txt", "r");
	cr_assert_not_null(golden);
	while (fscanf(golden, "%63s %15[^\n]", name, kind) == 2) {
		if (name[0] == '<' || strcmp(kind, "table") == 0 || is_luas_own(name) ||
			strncmp(name, "error.", 6) == 0)
			continue;
		cr_expect(has_example(name), "%s", name);
		n++;
	}
	fclose(golden);
	cr_expect_gt(n, 40);
}

/* How many methods the file has. */
static size_t expect_methods(const char *path)
{
	char *prelude = process_read(path), name[64], call[72];
	size_t n = 0;
	cr_assert_not_null(prelude);
	for (const char *p = prelude; (p = strstr(p, "\nfunction methods:")) != NULL; p++) {
		if (sscanf(p, "\nfunction methods:%63[a-z_]", name) != 1)
			continue;
		snprintf(call, sizeof(call), ":%s", name);
		const char *at = strstr(page, call);
		while (at != NULL && strchr(" ({", at[strlen(call)]) == NULL)
			at = strstr(at + 1, call);
		cr_expect(at != NULL, "%s", call);
		n++;
	}
	free(prelude);
	return n;
}

Test(reference_page, every_method_of_the_crm_has_an_example)
{
	glob_t files;
	size_t n = 0;
	cr_assert_eq(glob("runner/worker/prelude*.lua", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		n += expect_methods(files.gl_pathv[i]);
	globfree(&files);
	cr_expect_geq(n, 16);
}

Test(reference_page, every_option_of_a_head_has_its_line)
{
	static const char *const options[] = {"on", "every", "cron", "tz", "run", "when", "key",
		"echo", "settle", "max_settle", "batch", "concurrency", "timeout", "cpu", "retry",
		"fresh", "lane", "max_writes", "mode", "was"};
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		char word[32];
		snprintf(word, sizeof(word), "`%s`", options[i]);
		cr_expect(strstr(page, word) != NULL, "%s", options[i]);
	}
}
