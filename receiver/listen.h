/* SPDX-License-Identifier: MIT */
/* The HTTP side of the receiver: POST /hooks/<source> on a socket that somebody else holds. */
#ifndef MOONHOOK_RECEIVER_LISTEN_H
#define MOONHOOK_RECEIVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "receiver/commit.h"
#include "receiver/source.h"

struct listen_conf {
	int fd;                          /* listening; BORROWED, stays usable for a successor */
	size_t body_max;                 /* bytes of one body */
	size_t bodies_max;               /* bytes of all bodies in memory */
	size_t connections, per_address; /* open at once */
	int64_t headers_ms, body_ms;
	struct source_set *sources; /* TAKES one hold, also when it fails */
};

struct listen;

/* Makes the server without starting it, so that the writer can be told listen_answer first. GIVES
 * (listen_stop). RC_NOMEM. */
enum rc listen_new(
	const struct listen_conf *conf, struct listen **ret_listen, struct err *err) must_check;
/* Accepts from here on and leaves deliveries with commit, which is BORROWED until listen_stop.
 * RC_IO. */
enum rc listen_start(struct listen *l, struct commit *commit, struct err *err) must_check;
/* For commit_conf.answer: the writer's thread. */
void listen_answer(struct commit_item *item);
/* Requests that begin from here on meet these sources. TAKES one hold. */
void listen_reload(struct listen *l, struct source_set *sources);
/* Closes what is past its deadline; call it some ten times a second. */
void listen_tick(struct listen *l);
/* Accepts no more connections; the socket stays open and collects them for the successor. Open ones
 * may send one request for a moment more, what is on its way has bound_ms. */
void listen_drain(struct listen *l, int64_t bound_ms);
/* Open connections. */
size_t listen_n(struct listen *l);
/* Ends the server. Every item must have been answered (commit_drain). Accepts NULL. */
void listen_stop(struct listen *l);

#endif
