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

/*
 * For whoever does not lead: the leader renames in the store, sooner or later than these rules are
 * live here. Runs that are alive here and have got another name there get it here, too. Asks the
 * store only about runs that have an old name. Fails as the store does; RC_NOMEM.
 */
enum rc rename_follow(struct runner *r, const struct ruleset *set, struct err *err) must_check;

#endif
