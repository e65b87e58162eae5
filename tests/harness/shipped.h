/* SPDX-License-Identifier: MIT */
/* The rules that come with the program, in the folder of a house, where a test may change them. */
#ifndef MOONHOOK_TESTS_HARNESS_SHIPPED_H
#define MOONHOOK_TESTS_HARNESS_SHIPPED_H

#include "tests/harness/house.h"

/* Copies rules and modules; before house_open, whose conf.rules is NULL. */
bool shipped_copy(struct house *h);
/* Puts `to` in the place of `from` in one of the copies, "rules/enrich_people.lua"; false where it
 * does not stand there. */
bool shipped_edit(struct house *h, const char *file, const char *from, const char *to);

#endif
