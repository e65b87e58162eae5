/* SPDX-License-Identifier: MIT */
/*
 * The static check of rule files: finds mistakes before an event does, runs nothing. The front door
 * of this room. Files are added, then checked together, so that a rule knows the names of others.
 * Thread: any, one at a time. Never blocks. Texts are hostile: bounded in size, depth and time.
 */
#ifndef MOONHOOK_RUNNER_CHECK_CHECK_H
#define MOONHOOK_RUNNER_CHECK_CHECK_H

#include "base/err.h"
#include "runner/check/finding.h"

struct schema;

enum check_role { /* of a file */
	CHECK_RULE_FILE,
	CHECK_MODULE_FILE, /* of the lib folder, for `use` */
	CHECK_TEST_FILE,   /* *_test.lua */
};

/* What rules are held against; BORROWS until check_free. What is NULL is not known and not checked.
 * Lists are NULL-terminated. */
struct check_world {
	const struct schema *schema;
	const char *const *rules;   /* names of rules beside those of the files */
	const char *const *modules; /* likewise */
	const char *const *sources; /* names of sources of other schemes */
	const char *const *hosts;   /* http.allow */
	const char *const *secrets; /* their names */
};

struct check;

/* GIVES (check_free); NULL: no memory. */
struct check *check_new(const struct check_world *world);
/* One more file. file: the name in findings; it and text are BORROWED until check_free. RC_NOMEM.
 */
enum rc check_add(struct check *check, const char *file, struct slice text, enum check_role role,
	struct err *err) must_check;
/* The same of a file that is not asked about: others may name what is in it, nothing is told of it.
 */
enum rc check_add_context(struct check *check, const char *file, struct slice text,
	enum check_role role, struct err *err) must_check;
/* Checks all of them; puts what is found behind what is there, file by file, in the order of
 * places. RC_NOMEM: something may be missing. */
enum rc check_run(struct check *check, struct check_findings *findings, struct err *err) must_check;
/* Accepts NULL. */
void check_free(struct check *check);

#endif
