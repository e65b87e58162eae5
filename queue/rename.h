/* SPDX-License-Identifier: MIT */
/*
 * Rules that have got another name. Part of queue.h. Written by the runner within its transaction.
 */
#ifndef MOONHOOK_QUEUE_RENAME_H
#define MOONHOOK_QUEUE_RENAME_H

#include <stdbool.h>

#include "base/err.h"

struct queue;
struct queue_run;

/*
 * The rule that was called `from` is `to` from now on: its runs, ended ones too, its pause, its
 * issues, what it wrote and how much (spend.h), kept (kv.h) and armed (timer.h). A run remembers
 * the name that it was born under (queue_run.born), for its source knows its rule by that alone,
 * and its effects are recognised by it; a dead one that gets its rule as it is now
 * (queue_run_renew) does not. Where both names have something of one key, that of `to` counts; how
 * much was written is added up.
 *
 * Once: until a rule is renamed from `to` to `from`, a second time does nothing, *ret_moved false.
 * Takes as long as looking at every run that is kept. RC_INVALID (no name, or the same).
 */
enum rc queue_rename(struct queue *q, const char *from, const char *to, bool *ret_moved,
	struct err *err) must_check;

/* The same of a claimed run that the runner holds. RC_NOMEM: it is as it was. */
enum rc queue_run_rename(struct queue_run *run, const char *to) must_check;

#endif
