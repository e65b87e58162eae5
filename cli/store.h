/* SPDX-License-Identifier: MIT */
/* The store as the reading verbs see it. */
#ifndef MOONHOOK_CLI_STORE_H
#define MOONHOOK_CLI_STORE_H

#include "cli/args.h"
#include "queue/queue.h"

/* Reads the configuration and opens the store for reading. What fails is said on stderr. GIVES
 * (queue_close). */
enum cli_exit store_open(const struct args *args, struct queue **ret_queue) must_check;
/* Says why a question to the store failed; answers the exit status. */
int store_fail(const struct err *err);

#endif
