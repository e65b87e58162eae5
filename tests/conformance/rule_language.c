/* SPDX-License-Identifier: MIT */
/*
 * Every promise of the rule language has a test that names it: tests/data/rule_language.txt, a line
 * each, "what is promised | suite/test, suite/test". Prints the table. Fails where a line names no
 * test, or one that is not there.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define LINE_N 1024
#define LEAST 160 /* lines; fewer: somebody cut the table */

static struct buf sources; /* of all tests */

static void read_all(const char *pattern)
{
	glob_t found;
	struct err err;
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		cr_assert_eq(
			file_read(AT_FDCWD, found.gl_pathv[i], FILE_LINKS_FOLLOWED, &sources, &err),
			RC_OK, "%s", err.msg);
	globfree(&found);
}

/* Is there head, blanks, name and then a bracket or a comma? */
static bool has(const char *text, const char *head, const char *name)
{
	size_t n = strlen(head), m = strlen(name);
	for (const char *at = text; (at = strstr(at, head)) != NULL; at += n) {
		const char *rest = at + n + strspn(at + n, " \n\t");
		if (strncmp(rest, name, m) == 0 && (rest[m] == ')' || rest[m] == ','))
			return true;
	}
	return false;
}

/* Of a file whose tests are made by a macro for both dialects of Twenty. */
static bool is_in_both(const char *suite, const char *name)
{
	char path[LINE_N + 16];
	struct buf text;
	struct err err;
	buf_init(&text, 1u << 20);
	snprintf(path, sizeof(path), "tests/unit/%s.c", suite);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &text, &err);
	bool found = rc == RC_OK && text.n > 0 && has(text.p, "IN_BOTH(", name);
	buf_done(&text);
	return found;
}

static bool is_there(const char *name)
{
	char suite[LINE_N], head[LINE_N + 3];
	const char *slash = strchr(name, '/');
	if (slash == NULL)
		return false;
	snprintf(suite, sizeof(suite), "%.*s", (int)(slash - name), name);
	snprintf(head, sizeof(head), "(%s,", suite);
	if (has(sources.p, head, slash + 1))
		return true;
	if (strcmp(suite, "queue_sqlite") == 0 && has(sources.p, "QUEUE_CASE(", slash + 1))
		return true;
	return is_in_both(suite, slash + 1);
}

/* The names behind the bar, one after the other; answers how many. */
static size_t check_names(char *names, const char *what)
{
	size_t n = 0;
	char *rest = names, *name;
	while ((name = strsep(&rest, ", \n")) != NULL) {
		if (*name == '\0')
			continue;
		cr_expect(is_there(name), "%s: there is no test %s", what, name);
		n++;
	}
	return n;
}

Test(rule_language, every_promise_has_a_test_that_names_it)
{
	char line[LINE_N];
	size_t lines = 0;
	buf_init(&sources, 64u << 20);
	read_all("tests/unit/*.c");
	read_all("tests/conformance/*.c");
	read_all("tests/walk/*.c");
	read_all("tests/hostile/*.c");
	FILE *f = fopen("tests/data/rule_language.txt", "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *bar = strchr(line, '|');
		if (line[0] == '#' || line[0] == '\n')
			continue;
		cr_assert_not_null(bar, "no bar: %s", line);
		printf("%s", line);
		*bar = '\0';
		cr_expect_gt(check_names(bar + 1, line), 0u, "%s: no test", line);
		lines++;
	}
	fclose(f);
	buf_done(&sources);
	cr_expect_geq(lines, (size_t)LEAST, "%zu lines", lines);
}
