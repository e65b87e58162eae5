/* SPDX-License-Identifier: MIT */
/* Rules with `was`: what their old names have goes over to them. */
#ifndef MOONHOOK_RUNNER_RENAME_H
#define MOONHOOK_RUNNER_RENAME_H

#include "base/err.h"
#include "runner/ruleset.h"

struct runner;

/*
 * A set of rules is about to be live: renames in the store, in the open transaction, and among the
 * runs that are alive here. An old name that another rule of the set has stays with that one, which
 * is said. Fails as the store does; RC_NOMEM.
 */
enum rc rename_rules(struct runner *r, const struct ruleset *set, struct err *err) must_check;

#endif
