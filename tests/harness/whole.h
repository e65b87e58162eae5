/* SPDX-License-Identifier: MIT */
/* Is a store whole after what a test has done to it? */
#ifndef MOONHOOK_TESTS_HARNESS_WHOLE_H
#define MOONHOOK_TESTS_HARNESS_WHOLE_H

#include <stdbool.h>

/* As `moonhook store check` sees it; what is wrong is said on stderr. */
bool whole_store(const char *store);

#endif
