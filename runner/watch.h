/* SPDX-License-Identifier: MIT */
/* Workers that are silent, or die: who is to blame, and what becomes of the others. */
#ifndef MOONHOOK_RUNNER_WATCH_H
#define MOONHOOK_RUNNER_WATCH_H

#include "base/err.h"
#include "runner/pool.h"

struct runner;

/* Looks at every worker; call it every few milliseconds while some worker has something to do. */
void watch_step(struct runner *r);
/* The pool's worker is dead. */
void watch_gone(struct runner *r, struct worker *worker, const struct err *why);

#endif
