/* SPDX-License-Identifier: MIT */
/*
 * Echoes of our writes that another runner has routed.
 * From: queue_heard_each, asked for the records and objects that the client listens for. To:
 * client_heard, as route.c does it with what it routes itself. Fails as the store does.
 *
 * What was looked at lies behind a number that only grows, and was read before a write leaves: its
 * echo is routed later. Who leads looks on, so that nothing is missed when it loses the lead; what
 * it has heard itself by then, and what came shortly before a write, is told again, as webhooks are
 * that come twice or late.
 */
#include "runner/hearsay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/client.h"
#include "queue/heard.h"
#include "runner/event.h"
#include "runner/state.h"

#define ANSWER_MS 50 /* between two looks, while an answer is held back */
#define ECHO_MS 500  /* while echoes may come */
#define IDLE_MS 2000 /* while none are waited for */

/* --- what is listened for --------------------------------------------------------------------- */

struct names {
	const char **p; /* BORROWED texts */
	size_t n, cap;
};

struct wants {
	struct names records, objects;
	bool short_of; /* memory */
};

static void put(struct wants *wants, struct names *to, const char *name)
{
	if (to->n == to->cap) {
		size_t cap = to->cap != 0 ? to->cap * 2 : 64;
		const char **p = realloc(to->p, cap * sizeof(*p));
		if (p == NULL) {
			wants->short_of = true;
			return;
		}
		to->p = p;
		to->cap = cap;
	}
	to->p[to->n++] = name;
}

static void want(void *ctx, const char *object, const char *record)
{
	struct wants *wants = ctx;
	put(wants, record != NULL ? &wants->records : &wants->objects,
		record != NULL ? record : object);
}

static void wants_done(struct wants *wants)
{
	free(wants->records.p);
	free(wants->objects.p);
}

/* --- a look ----------------------------------------------------------------------------------- */

struct look {
	struct runner *r;
	struct event *events[QUEUE_HEARD_MAX]; /* references */
	size_t n, rows_n;
};

/* Whoever is told may write to the store: not now. */
static enum rc keep(void *ctx, const struct queue_heard *heard, struct err *err)
{
	struct look *look = ctx;
	struct event_input in = {
		.source = "twenty",
		.via = "hook",
		.form = EVENT_TWENTY,
		.headers = heard->headers,
		.body = heard->body,
		.received_ms = heard->received_ms,
	};
	struct err lack = {0};
	look->rows_n++;
	if (look->n == QUEUE_HEARD_MAX || route_form(look->r, heard->source) != EVENT_TWENTY)
		return RC_OK;
	snprintf(in.id.text, sizeof(in.id.text), "%s", heard->id);
	enum rc rc = event_parse(&in, &look->events[look->n], &lack);
	if (rc == RC_NOMEM)
		return err_set(err, rc, "no memory for an event");
	look->n += rc == RC_OK;
	return RC_OK;
}

static void tell(struct look *look)
{
	for (size_t i = 0; i < look->n; i++) {
		struct event *e = look->events[i];
		const struct client_event event = {e->object, e->record, e->fields};
		if (e->object[0] != '\0' && look->r->fatal == RC_OK)
			client_heard(look->r->client, &event);
		event_close(e);
		event_unref(e);
	}
}

/* True: there is more. */
static bool look(struct runner *r)
{
	struct look look = {.r = r};
	struct wants wants = {0};
	struct err err = {0};
	if (!r->lead.on && r->hearsay.known)
		client_listen(r->client, want, &wants);
	struct queue_wanted wanted = {
		.after_seq = r->hearsay.seq,
		.records = wants.records.p,
		.records_n = wants.records.n,
		.objects = wants.objects.p,
		.objects_n = wants.objects.n,
	};
	enum rc rc = wants.short_of ? err_set(&err, RC_NOMEM, "no memory to hear of webhooks")
				    : queue_heard_each(r->queue, &wanted, keep, &look,
					      &r->hearsay.seq, &err);
	wants_done(&wants);
	r->hearsay.known = rc == RC_OK;
	if (rc != RC_OK)
		runner_fatal(r, &err);
	tell(&look);
	return look.rows_n == QUEUE_HEARD_MAX;
}

/* --- when ------------------------------------------------------------------------------------- */

static int64_t rest_ms(struct runner *r)
{
	enum client_wait wait = r->lead.on ? CLIENT_WAIT_NONE : client_waits(r->client);
	switch (wait) {
	case CLIENT_WAIT_NONE:
		return IDLE_MS;
	case CLIENT_WAIT_ECHO:
		return ECHO_MS;
	case CLIENT_WAIT_ANSWER:
		break;
	}
	return ANSWER_MS;
}

/* The turn that it ends is what it is for. */
static int on_timer(sd_event_source *source, uint64_t at_us, void *ctx)
{
	(void)source, (void)at_us, (void)ctx;
	return 0;
}

static void arm(struct runner *r, int64_t at_ms)
{
	struct hearsay *h = &r->hearsay;
	struct err err = {0};
	int n = 0;
	if (h->timer == NULL)
		n = sd_event_add_time(r->loop, &h->timer, CLOCK_MONOTONIC, (uint64_t)at_ms * 1000,
			1000, on_timer, r);
	else
		n = sd_event_source_set_time(h->timer, (uint64_t)at_ms * 1000);
	if (n >= 0)
		n = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	if (n >= 0)
		return;
	err_set_errno(&err, RC_NOMEM, -n, "no timer to hear of webhooks");
	runner_fatal(r, &err);
}

void hearsay_step(struct runner *r)
{
	struct hearsay *h = &r->hearsay;
	if (!r->lead.shared || r->fatal != RC_OK || r->client == NULL)
		return;
	int64_t now_ms = clock_mono_ms(), at_ms = now_ms + rest_ms(r);
	if (h->known && now_ms < h->at_ms && h->at_ms <= at_ms)
		return;
	if (!h->known || now_ms >= h->at_ms) {
		bool more = look(r);
		at_ms = more ? now_ms : now_ms + rest_ms(r);
	}
	h->at_ms = at_ms;
	if (r->fatal == RC_OK)
		arm(r, at_ms);
}

void hearsay_stop(struct runner *r)
{
	r->hearsay.timer = sd_event_source_disable_unref(r->hearsay.timer);
}
