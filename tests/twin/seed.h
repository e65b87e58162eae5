/* SPDX-License-Identifier: MIT */
/* Rows to begin with. */
#ifndef MOONHOOK_TESTS_TWIN_SEED_H
#define MOONHOOK_TESTS_TWIN_SEED_H

#include <stdint.h>

#include "base/err.h"
#include "tests/twin/world.h"

/* Puts the workspace's four members, whom every twin has. */
bool seed_members(struct world *w) must_check;
/* Puts n people, n / 4 companies and n / 8 opportunities; the same seed gives the same rows. One
 * person in twenty bears the name of another: a duplicate. */
bool seed_records(struct world *w, unsigned n, uint64_t seed) must_check;
/* Loads {"people":[{..}],..} in the composite form, unchecked. RC_PARSE, RC_IO with a sentence. */
enum rc seed_load(struct world *w, const char *path, struct err *err) must_check;

#endif
