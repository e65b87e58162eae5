/* SPDX-License-Identifier: MIT */
/*
 * A check: files -> trees -> passes -> findings.
 * From: cli/check.c, the runner on a reload. To: parser.c, scope.c, then one file for each pass. A
 * file that is no Lua has one finding and no pass; the others go on without it.
 */
#include "runner/check/check.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "runner/check/parser.h"
#include "runner/check/pass.h"

#define ARENA_MAX (512u << 20) /* a text of 1 MB needs up to 200 times as much */

struct check {
	struct check_world world;
	struct check_text *first, **end;
};

struct check *check_new(const struct check_world *world)
{
	struct check *check = calloc(1, sizeof(*check));
	if (check == NULL)
		return NULL;
	check->world = *world;
	check->end = &check->first;
	return check;
}

static enum rc add(struct check *check, const char *file, struct slice text, enum check_role role,
	bool context, struct err *err)
{
	struct check_text *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	t->role = role;
	t->context = context;
	t->source.file = file;
	t->source.text = text;
	check_arena_init(&t->arena, ARENA_MAX);
	*check->end = t;
	check->end = &t->next;
	return RC_OK;
}

enum rc check_add(struct check *check, const char *file, struct slice text, enum check_role role,
	struct err *err)
{
	return add(check, file, text, role, false, err);
}

enum rc check_add_context(struct check *check, const char *file, struct slice text,
	enum check_role role, struct err *err)
{
	return add(check, file, text, role, true, err);
}

void check_free(struct check *check)
{
	if (check == NULL)
		return;
	while (check->first != NULL) {
		struct check_text *gone = check->first;
		check->first = gone->next;
		check_arena_done(&gone->arena);
		check_findings_done(&gone->findings);
		free(gone);
	}
	free(check);
}

/* The worker takes no other bytes, whatever Lua would. */
static bool is_text(struct check_text *t)
{
	const struct slice text = t->source.text;
	for (size_t i = 0; i < text.n;) {
		size_t n = utf8_length(text.p + i, text.n - i);
		if (n > 0 && text.p[i] != '\0') {
			i += n;
			continue;
		}
		check_finding_put(&t->findings, &t->source, CHECK_SYNTAX, (uint32_t)i,
			(uint32_t)i + 1,
			n > 0 ? "a NUL byte has no place in a rule"
			      : "this byte is no UTF-8 text: save the file as UTF-8");
		return false;
	}
	return true;
}

/* RC_NOMEM; whatever is wrong with the text is a finding. */
static enum rc read_text(struct check_text *t)
{
	if (!check_source_init(&t->source, t->source.file, t->source.text, &t->arena)) {
		if (!t->arena.poor)
			check_finding_put_line(&t->findings, t->source.file, 0, CHECK_READ,
				"the file is larger than a rule file may be, 1 MB");
		return t->arena.poor ? RC_NOMEM : RC_OK;
	}
	if (!is_text(t))
		return RC_OK;
	check_parse(&t->source, &t->arena, &t->findings, &t->tree);
	if (t->tree.block != NULL && t->tree.deep)
		check_finding_put_line(&t->findings, t->source.file, 1, CHECK_LIMITED,
			"an expression of this file has so many parts that only its syntax is "
			"checked");
	else if (t->tree.block != NULL)
		t->good = check_scope_find(&t->tree, &t->arena, &t->findings, &t->scope);
	if (t->good)
		check_rules_find(&t->tree, &t->arena, &t->rules);
	return t->arena.poor ? RC_NOMEM : RC_OK;
}

static void look_through(struct check *check, struct check_text *t)
{
	const struct check_pass pass = {&check->world, t, check->first, &t->findings, &t->arena};
	check_globals(&pass);
	if (t->role ==
		CHECK_TEST_FILE) /* its tables are like those of rules, and mean other things */
		return;
	check_heads(&pass);
	check_calls(&pass);
	check_reading(&pass);
	check_flow(&pass);
}

enum rc check_run(struct check *check, struct check_findings *findings, struct err *err)
{
	enum rc rc = RC_OK;
	for (struct check_text *t = check->first; t != NULL && rc == RC_OK; t = t->next)
		rc = read_text(t);
	for (struct check_text *t = check->first; t != NULL && rc == RC_OK; t = t->next) {
		if (t->context)
			continue;
		if (t->good)
			look_through(check, t);
		check_findings_sort(&t->findings, 0);
		check_findings_take(findings, &t->findings);
		if (t->arena.poor)
			rc = RC_NOMEM;
	}
	if (rc != RC_OK || findings->poor)
		return err_set(err, RC_NOMEM, "no memory for the check");
	return RC_OK;
}
