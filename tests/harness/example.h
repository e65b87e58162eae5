/* SPDX-License-Identifier: MIT */
/* The examples of the manual of the rule language. */
#ifndef MOONHOOK_TESTS_HARNESS_EXAMPLE_H
#define MOONHOOK_TESTS_HARNESS_EXAMPLE_H

/* The next indented block of the text at *at in which a rule is declared, as a rule file; *at goes
 * behind it. NULL: there is no further one. GIVES (free). */
char *example_next(const char **at);

#endif
