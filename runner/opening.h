/* SPDX-License-Identifier: MIT */
/* How a runner's process comes by its store: at once, or when a database is there again. */
#ifndef MOONHOOK_RUNNER_OPENING_H
#define MOONHOOK_RUNNER_OPENING_H

#include "base/conf.h"
#include "base/err.h"
#include "queue/queue.h"

/* Opens the store for a runner. One in a database that does not answer is waited for, however long:
 * that is said once, to the log and the supervisor, and so is its end. Meanwhile *conf is replaced
 * by what a reload brings. GIVES (queue_close). RC_CLOSED: told to end meanwhile. RC_DENIED,
 * RC_INVALID, RC_UNSUPPORTED: a person has to do something. Blocks. */
enum rc opening_store(struct conf **conf, struct queue **ret_queue, struct err *err) must_check;

#endif
