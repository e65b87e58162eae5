/* SPDX-License-Identifier: MIT */
#include "check_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

void check_all(struct slice text, const struct check_world *world, struct check_findings *findings)
{
	const struct check_world nothing = {.schema = NULL};
	struct err err = {.msg = ""};
	struct check *check = check_new(world != NULL ? world : &nothing);
	cr_assert_not_null(check);
	cr_assert_eq(check_add(check, "x.lua", text, CHECK_RULE_FILE, &err), RC_OK);
	cr_assert_eq(check_run(check, findings, &err), RC_OK, "%s", err.msg);
	check_free(check);
}

static void format(const struct check_finding *f, char *out, size_t n)
{
	snprintf(out, n, "%d:%d: %s: %s%s%s", f->line, f->column, check_kind_name(f->kind), f->text,
		f->suggestion != NULL ? "; " : "", f->suggestion != NULL ? f->suggestion : "");
}

static void expect(const struct check_world *world, struct slice text, const char *expected)
{
	struct check_findings findings = {0};
	char got[1000] = "nothing";
	check_all(text, world, &findings);
	if (findings.n > 0)
		format(&findings.p[0], got, sizeof(got));
	if (expected == NULL)
		cr_expect_eq(findings.n, 0, "found %s in:\n%.*s", got, (int)text.n, text.p);
	else
		cr_expect(findings.n == 1 && strncmp(got, expected, strlen(expected)) == 0,
			"expected  %s\nfound %zu: %s\nin:\n%.*s", expected, findings.n, got,
			(int)text.n, text.p);
	check_findings_done(&findings);
}

void check_expect(const char *text, const char *expected)
{
	expect(NULL, slice_of(text), expected);
}

void check_expect_bytes(struct slice text, const char *expected)
{
	expect(NULL, text, expected);
}

void check_expect_in(const struct check_world *world, const char *text, const char *expected)
{
	expect(world, slice_of(text), expected);
}
