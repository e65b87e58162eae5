/* SPDX-License-Identifier: MIT */
/* Help from the table of verbs. */
#ifndef MOONHOOK_CLI_HELP_H
#define MOONHOOK_CLI_HELP_H

#include <stdio.h>

#include "cli/verb.h"

/* All verbs, one line each. */
void help_overview(FILE *out);
/* One verb: synopsis, flags, three examples, exit codes. */
void help_verb(FILE *out, const struct verb *verb);
/* The manual of the rule language, as text: capitals at the start of a line are a heading, what is
 * indented stands as it is, else paragraphs. STATIC. */
const char *help_rules(void);
/* That of the tests of rules, likewise. STATIC. */
const char *help_tests(void);

#endif
