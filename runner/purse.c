/* SPDX-License-Identifier: MIT */
/*
 * Between the client and the shared budget.
 * From: the client's questions, and the loop when the store has answered. To: queue/purse.h, the
 * answers to the client. Fails by ending the process where the store refuses; where it is not
 * reached nothing is sent until it is.
 */
#include "runner/purse.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "client/client.h"
#include "client/purse.h"
#include "queue/purse.h"
#include "runner/state.h"

#define LOOK_US 250000 /* for what is lost, or silent */

static_assert(PURSE_BYTES_MAX <= QUEUE_PURSE_MAX, "each value has room");

/* ctx: the queue, which lives longer than the client. */
static void swap(void *ctx, int64_t version, struct slice state)
{
	queue_purse_swap(ctx, version, state);
}

static void tell(struct runner *r, const struct err *err)
{
	if (!r->purse.told)
		log_warn(NULL, "%s", err->msg);
	r->purse.told = true;
}

static void answer(struct runner *r, const struct queue_purse_answer *a)
{
	struct client_purse_answer answer = {a->swapped, a->version, a->state, a->now_ms};
	if (r->purse.told)
		log_info(NULL, "the API budget of all runners is reached again");
	r->purse.told = false;
	client_purse_came(r->client, &answer);
}

static void step(struct runner *r)
{
	struct queue_purse_answer a;
	struct err err = {0};
	bool any = false;
	if (r->fatal != RC_OK)
		return;
	enum rc rc = queue_purse_step(r->queue, &a, &any, &err);
	if (any)
		answer(r, &a);
	if (rc == RC_BUSY)
		tell(r, &err);
	else if (rc != RC_OK)
		runner_fatal(r, &err);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	(void)source, (void)fd, (void)events;
	step(ctx);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t now_us, void *ctx)
{
	(void)now_us;
	step(ctx);
	int n = sd_event_source_set_time_relative(source, LOOK_US);
	return n < 0 ? n : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

enum rc purse_open(struct runner *r, struct err *err)
{
	if (!r->lead.shared || r->client == NULL)
		return RC_OK;
	int fd = queue_purse_fd(r->queue);
	struct client_purse door = {r->queue, swap};
	if (fd < 0)
		return err_set(err, RC_NOMEM, "no memory for the API budget");
	int n = sd_event_add_io(r->loop, &r->purse.io, fd, EPOLLIN, on_answer, r);
	if (n >= 0)
		n = sd_event_add_time_relative(
			r->loop, &r->purse.timer, CLOCK_MONOTONIC, LOOK_US, 0, on_time, r);
	if (n < 0)
		return err_set_errno(err, RC_NOMEM, -n, "cannot watch the API budget");
	client_purse_share(r->client, &door);
	return RC_OK;
}

void purse_close(struct runner *r)
{
	r->purse.io = sd_event_source_disable_unref(r->purse.io);
	r->purse.timer = sd_event_source_disable_unref(r->purse.timer);
}
