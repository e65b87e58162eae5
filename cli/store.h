/* SPDX-License-Identifier: MIT */
/* The store as the reading verbs see it. */
#ifndef MOONHOOK_CLI_STORE_H
#define MOONHOOK_CLI_STORE_H

#include "cli/args.h"
#include "queue/queue.h"

/* Reads the configuration and opens the store for reading. What fails is said on stderr. GIVES
 * (queue_close). */
enum cli_exit store_open(const struct args *args, struct queue **ret_queue) must_check;
/* The store that a word names: "-": that of the configuration, which *conf then
 * is and what it BORROWS from (conf_free, NULL where it was not read). */
struct queue_place;
enum cli_exit store_place(const struct args *args, const char *word, struct conf **conf,
	struct queue_place *ret_place) must_check;
/* Says why a question to the store failed; answers the exit status. */
int store_fail(const struct err *err);

#endif
