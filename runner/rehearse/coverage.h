/* SPDX-License-Identifier: MIT */
/*
 * Which lines of rule files the tests have run. The worker of the rules notes them (cover.h) and is
 * asked between two tests; one that had to be killed takes what it knew with it.
 */
#ifndef MOONHOOK_RUNNER_REHEARSE_COVERAGE_H
#define MOONHOOK_RUNNER_REHEARSE_COVERAGE_H

#include <jansson.h>

#include "base/err.h"
#include "runner/solo.h"

struct coverage {          /* zero: off */
	struct solo *solo; /* owned; speaks with the worker in between */
	json_t *ran;       /* owned; {path: {line: true}} */
};

/* exe: STATIC. */
enum rc coverage_open(struct coverage *coverage, const char *exe, struct err *err) must_check;
void coverage_close(struct coverage *coverage); /* accepts a zeroed one */
/* Before a test: there is a worker on the shelf, and it notes lines. */
enum rc coverage_begin(
	struct coverage *coverage, struct spawn_shelf *shelf, struct err *err) must_check;
/* After it: takes what ran. dir: the folder of its rules; files: their names, which count even
 * where nothing of them ran. */
enum rc coverage_end(struct coverage *coverage, struct spawn_shelf *shelf, const char *dir,
	const char *const *files, struct err *err) must_check;
/* [{file, lines, ran, missed: [line, ..]}, ..] in order of the files' names. GIVES. */
enum rc coverage_sum(struct coverage *coverage, json_t **ret_rows, struct err *err) must_check;

#endif
