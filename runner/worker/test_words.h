/* SPDX-License-Identifier: MIT */
/* What a test file can say, for whoever checks one without Lua at hand. */
#ifndef MOONHOOK_RUNNER_WORKER_TEST_WORDS_H
#define MOONHOOK_RUNNER_WORKER_TEST_WORDS_H

/*
 * The globals of a test file: these and nothing else, sorted; a test holds the list against what a
 * state really has. Members of string, table, math, utf8, json and text are those of rules, without
 * math.random. STATIC, NULL-terminated.
 */
extern const char *const rehearsal_globals[];

#endif
