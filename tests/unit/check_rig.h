/* SPDX-License-Identifier: MIT */
/* Checking a text and comparing what is found with what a test expects. */
#ifndef MOONHOOK_TESTS_UNIT_CHECK_RIG_H
#define MOONHOOK_TESTS_UNIT_CHECK_RIG_H

#include "base/slice.h"
#include "runner/check/check.h"

/* Checks a rule file against the world (NULL: nothing is known). */
void check_all(struct slice text, const struct check_world *world, struct check_findings *findings);
/* "line:column: id: sentence; suggestion" of the one finding begins like this; NULL: none is
 * found. */
void check_expect(const char *text, const char *expected);
void check_expect_bytes(struct slice text, const char *expected);
/* The same against a world. */
void check_expect_in(const struct check_world *world, const char *text, const char *expected);

#endif
