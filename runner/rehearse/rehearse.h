/* SPDX-License-Identifier: MIT */
/*
 * Tests of rules: *_test.lua, offline, in virtual time.
 *
 *   find.c     names on the command line -> test files
 *   script.c   one file, its Lua in a worker of its own
 *   scene.c    one test: a whole runner on a store in memory; play.c lets time pass, observe.c
 *              reads what came of it, double.c, double_http.c and world.c
 *              answer its calls
 *   rehearse.c file by file, test by test; tells a listener
 *   coverage.c which lines of the rules have run
 *
 * Why a whole runner and not a model of one: matching, settling, batches, keys, timers, retries and
 * outcomes are what a test is there to try, and a second version of them would be the one that is
 * wrong. What a test's clock costs is nothing: it is set, never waited for.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_REHEARSE_H
#define MOONHOOK_RUNNER_REHEARSE_REHEARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

enum rehearse_result {
	REHEARSE_PASSED,
	REHEARSE_FAILED,
	REHEARSE_SKIPPED, /* the test says skip = "why" */
	REHEARSE_BROKEN,  /* the test file, or the rules that it is about, cannot be used */
};

struct rehearse_case {    /* BORROWS during the call back */
	const char *file; /* scripts/rules/a_test.lua */
	const char *name; /* "": the file as a whole */
	int line;         /* of `test` */
	enum rehearse_result result;
	const json_t *failures; /* [{line, text}, ..]; line 0: that of the test */
	const char *why;        /* of a skipped one; else "" */
	int64_t took_us;
};

struct rehearse_totals {
	size_t passed, failed, skipped, broken;
	int64_t took_us;
	json_t *coverage; /* [{file, lines, ran, missed: [line, ..]}, ..], or NULL: not asked for.
			     GIVES */
};

struct rehearse_listener { /* BORROWS */
	void *ctx;
	void (*one)(void *ctx, const struct rehearse_case *one);
};

struct rehearse_options {         /* BORROWS */
	const char *exe;          /* whose `room worker` is a worker; STATIC */
	const char *const *paths; /* of test files, rule files and folders, NULL-terminated */
	const char *filter;       /* part of the names of tests; NULL: all */
	bool fail_fast;           /* the first that does not pass is the last */
	bool coverage;            /* which lines of the rules run is noted */
};

/* Plays them all. RC_NOT_FOUND with a sentence: there is no test at all, or no such file. */
enum rc rehearse_run(const struct rehearse_options *options,
	const struct rehearse_listener *listener, struct rehearse_totals *ret_totals,
	struct err *err) must_check;

/* --- find.c ------------------------------------------------------------------------------------
 */

struct rehearse_files { /* zero is empty */
	char **paths;   /* sorted within a folder */
	size_t n;
};
/* Test files of paths: a folder stands for all *_test.lua in it, a rule file for its own test file.
 * GIVES (rehearse_files_done). RC_NOT_FOUND with a sentence. */
enum rc rehearse_find(
	const char *const *paths, struct rehearse_files *ret_files, struct err *err) must_check;
void rehearse_files_done(struct rehearse_files *files);

#endif
