/* SPDX-License-Identifier: MIT */
/*
 * One request and its answer, waited for: for the command, which asks a few things and ends. Has an
 * event loop of its own; no budget, no repeats, no queue.
 */
#ifndef MOONHOOK_CLIENT_EXCHANGE_H
#define MOONHOOK_CLIENT_EXCHANGE_H

#include <jansson.h>

#include "client/transport.h"

struct exchange;

struct exchange_answer { /* exchange_answer_done */
	enum transport_end end;
	int status;   /* 0: none came */
	json_t *body; /* NULL: no JSON */
	char problem[160];
	bool late;
	int64_t sent_ms, came_ms; /* wall, by our clock */
	int64_t date_ms;          /* wall, by the server's, in whole seconds; 0: it did not say */
};

/* conf: see transport.h; BORROWED until this returns. RC_NOMEM, RC_IO. GIVES (exchange_close). */
enum rc exchange_open(const struct transport_conf *conf, struct exchange **ret_exchange,
	struct err *err) must_check;
void exchange_close(struct exchange *exchange);
/* Blocks until the answer is there or the deadline of the conf has passed. RC_OK whatever came of
 * it, so that ret_answer has to be looked at; RC_NOMEM, RC_IO: nothing was sent. */
enum rc exchange_run(struct exchange *exchange, const struct request *request,
	struct exchange_answer *ret_answer, struct err *err) must_check;
void exchange_answer_done(struct exchange_answer *answer);

#endif
