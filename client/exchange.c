/* SPDX-License-Identifier: MIT */
/*
 * Sends one request and turns an event loop of its own until the answer is there.
 * From: workspace.c and door.c. To: transport.c, which keeps the deadline. Fails by saying what
 * came of it; decides nothing, repeats nothing.
 */
#include "client/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "client/answer.h"

#define TURN_US 1000000 /* the transport's own timers end a turn sooner */

struct exchange {
	sd_event *loop;
	struct transport *transport;
};

struct waited {
	struct exchange_answer answer;
	bool done;
};

static void on_idle(void *ctx)
{
	(void)ctx;
}

enum rc exchange_open(
	const struct transport_conf *conf, struct exchange **ret_exchange, struct err *err)
{
	struct exchange *x = calloc(1, sizeof(*x));
	if (x == NULL || sd_event_new(&x->loop) < 0) {
		free(x);
		return err_set(err, RC_NOMEM, "no memory for the client");
	}
	enum rc rc = transport_new(conf, x->loop, on_idle, NULL, &x->transport, err);
	if (rc != RC_OK) {
		exchange_close(x);
		return rc;
	}
	*ret_exchange = x;
	return RC_OK;
}

void exchange_close(struct exchange *x)
{
	if (x == NULL)
		return;
	transport_free(x->transport);
	sd_event_unref(x->loop);
	free(x);
}

static void answered(void *ctx, const struct transport_answer *a)
{
	struct waited *w = ctx;
	w->done = true;
	w->answer.end = a->end;
	w->answer.status = a->status;
	w->answer.late = a->late;
	w->answer.date_ms = a->date_ms;
	w->answer.came_ms = clock_wall_ms();
	w->answer.body = a->end == TRANSPORT_ANSWERED ? answer_parse(a->body) : NULL;
	snprintf(w->answer.problem, sizeof(w->answer.problem), "%s", a->problem);
}

enum rc exchange_run(struct exchange *x, const struct request *request,
	struct exchange_answer *ret_answer, struct err *err)
{
	struct waited w = {.answer = {.sent_ms = clock_wall_ms()}};
	enum rc rc = transport_send(x->transport, request, answered, &w, err);
	if (rc != RC_OK)
		return rc;
	transport_kick(x->transport);
	while (!w.done)
		if (sd_event_run(x->loop, TURN_US) < 0)
			break;
	if (!w.done) { /* its call back must not find this frame gone */
		transport_free(x->transport);
		x->transport = NULL;
		return err_set(err, RC_IO, "the client's event loop is broken");
	}
	*ret_answer = w.answer;
	return RC_OK;
}

void exchange_answer_done(struct exchange_answer *answer)
{
	json_decref(answer->body);
	answer->body = NULL;
}
