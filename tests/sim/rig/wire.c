/* SPDX-License-Identifier: MIT */
/*
 * Requests on a wire that is a list.
 * From: the client's engine, through the contract of client/transport.h. To: server.h, one call for
 * each request, at its time; back with what came of it. Keeps that contract: UNSENT, LOST and
 * EXCESS, an absolute deadline, no more than TRANSPORT_PARALLEL, `idle` after a batch of ends. A
 * request that its client has given up still reaches the server. Without memory it aborts: this is
 * a test.
 */
#include "tests/sim/rig/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "client/header.h"
#include "client/transport.h"
#include "tests/sim/rig/time.h"
#include "tests/sim/server/server.h"

#define FAR_US (INT64_C(1) << 60)

enum flight_state {
	FLIGHT_OUT,  /* on its way to the server */
	FLIGHT_BACK, /* its end is on its way to the client */
	FLIGHT_LEFT, /* the client has gone; the server will still see it */
};

struct flight {
	struct flight *next; /* of those on the wire, by due_us */
	enum flight_state state;
	int64_t due_us, deadline_us, arrives_us;
	bool delayed; /* a verdict was asked for and said: later */
	struct wire_request *request;
	transport_done_fn done;
	void *ctx;
	enum transport_end end;
	bool late;
	struct server_answer answer;
	const char *headers;
};

struct transport {
	sd_event_source *timer;
	struct flight *first;
	char *authorization;
	int64_t deadline_ms, in_flight;
	size_t body_max;
	void (*idle)(void *ctx);
	void *idle_ctx;
	bool (*may)(void *ctx); /* NULL: always */
	void *may_ctx;
	bool running;
};

/* One wire in a process: a transport is told nothing but an address. */
static const struct wire_conf *wire;
static struct wire_request **requests;
static size_t requests_n, requests_cap;

static void *must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

void wire_open(const struct wire_conf *conf)
{
	wire = conf;
}

void wire_close(void)
{
	for (size_t i = 0; i < requests_n; i++) {
		free(requests[i]->target);
		free(requests[i]->body);
		free(requests[i]);
	}
	free(requests);
	requests = NULL;
	requests_n = requests_cap = 0;
	wire = NULL;
}

size_t wire_request_n(void)
{
	return requests_n;
}

const struct wire_request *wire_request(size_t i)
{
	return i < requests_n ? requests[i] : NULL;
}

static struct wire_request *request_note(const struct request *r)
{
	if (requests_n == requests_cap) {
		requests_cap = requests_cap != 0 ? requests_cap * 2 : 256;
		requests = must(realloc(requests, requests_cap * sizeof(struct wire_request *)));
	}
	struct wire_request *note = must(calloc(1, sizeof(*note)));
	note->method = request_method_name(r->method);
	note->target = must(strndup(r->target.p, r->target.n));
	if (r->body != NULL) {
		note->body = must(malloc(r->body_n + 1));
		memcpy(note->body, r->body, r->body_n);
		note->body[r->body_n] = '\0';
		note->body_n = r->body_n;
	}
	note->sent_us = time_us();
	requests[requests_n++] = note;
	return note;
}

/* One way. */
static int64_t trip_us(void)
{
	return wire->latency_ms * 500 + (int64_t)time_dice((uint64_t)wire->jitter_ms * 1000 + 1);
}

static void arm(struct transport *t)
{
	if (t->running || t->first == NULL)
		return;
	sd_event_source_set_time(t->timer, (uint64_t)t->first->due_us);
	sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
}

static void put(struct transport *t, struct flight *f, enum flight_state state, int64_t due_us)
{
	f->state = state;
	f->due_us = due_us;
	struct flight **at = &t->first;
	while (*at != NULL && (*at)->due_us <= due_us)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	arm(t);
}

static void flight_free(struct flight *f)
{
	server_answer_done(&f->answer);
	free(f);
}

/* How it ends for the client, unless its deadline comes first. */
static void come_back(struct transport *t, struct flight *f, enum transport_end end, int64_t at_us)
{
	f->end = end;
	if (at_us >= f->deadline_us) {
		f->end = TRANSPORT_LOST;
		f->late = true;
		at_us = f->deadline_us;
	}
	put(t, f, FLIGHT_BACK, at_us);
}

static void serve(struct transport *t, struct flight *f)
{
	struct wire_request *r = f->request;
	struct server_request question = {.method = r->method,
		.target = r->target,
		.authorization = t->authorization,
		.body = {r->body, r->body_n}};
	if (!server_answer(wire->server, &question, &f->answer))
		abort();
	r->status = f->answer.status;
}

static void answer_for_it(struct flight *f, const struct wire_verdict *v)
{
	f->request->status = f->answer.status = v->status;
	f->answer.body = must(strdup(v->body != NULL ? v->body : ""));
	f->answer.body_n = strlen(f->answer.body);
	f->headers = v->headers;
}

/* Carries out the verdict; answers how it ends. */
static enum transport_end meet(struct transport *t, struct flight *f, const struct wire_verdict *v)
{
	switch (v->fate) {
	case WIRE_PASS:
		serve(t, f);
		return f->answer.body_n > t->body_max ? TRANSPORT_EXCESS : TRANSPORT_ANSWERED;
	case WIRE_UNSENT:
		return TRANSPORT_UNSENT;
	case WIRE_BREAK_AFTER:
	case WIRE_HANG_AFTER:
		serve(t, f);
		return TRANSPORT_LOST;
	case WIRE_BREAK_BEFORE:
	case WIRE_HANG_BEFORE:
		return TRANSPORT_LOST;
	case WIRE_ANSWER:
		answer_for_it(f, v);
		return TRANSPORT_ANSWERED;
	}
	return TRANSPORT_LOST;
}

static void arrive(struct transport *t, struct flight *f)
{
	bool left = f->state == FLIGHT_LEFT;
	struct wire_verdict v = {.fate = WIRE_PASS};
	f->request->arrived_us = time_us();
	if (wire->before != NULL)
		v = wire->before(wire->ctx, f->request);
	if (v.late_ms > 0 && !f->delayed) {
		f->delayed = true;
		f->arrives_us = time_us() + v.late_ms * 1000;
		bool waits = !left && f->deadline_us < f->arrives_us;
		put(t, f, f->state, waits ? f->deadline_us : f->arrives_us);
		return;
	}
	enum transport_end end = meet(t, f, &v);
	if (wire->after != NULL)
		wire->after(wire->ctx, f->request);
	if (left) {
		flight_free(f);
		return;
	}
	bool hangs = v.fate == WIRE_HANG_BEFORE || v.fate == WIRE_HANG_AFTER;
	come_back(t, f, end, hangs ? f->deadline_us : time_us() + trip_us() + v.slow_ms * 1000);
}

static void read_headers(const struct flight *f, struct budget_notice *notice)
{
	*notice = (struct budget_notice){-1, -1, -1, -1};
	for (const char *p = f->headers; p != NULL && *p != '\0';) {
		const char *end = strstr(p, "\r\n");
		size_t n = end != NULL ? (size_t)(end - p) + 2 : strlen(p);
		header_parse((struct slice){p, n}, clock_wall_ms(), notice);
		p += n;
	}
	for (size_t i = 0; i < sizeof(f->answer.headers) / sizeof(f->answer.headers[0]); i++)
		header_parse((struct slice){f->answer.headers[i], strlen(f->answer.headers[i])},
			clock_wall_ms(), notice);
}

static void tell(struct transport *t, struct flight *f)
{
	struct transport_answer a = {.end = f->end, .problem = "", .late = f->late};
	f->request->ended_us = time_us();
	a.wire_us = time_us() - f->request->sent_us;
	a.notice = (struct budget_notice){-1, -1, -1, -1};
	if (f->end == TRANSPORT_ANSWERED) {
		a.status = f->answer.status;
		a.body = (struct slice){f->answer.body, f->answer.body_n};
		read_headers(f, &a.notice);
	} else {
		a.problem = f->end == TRANSPORT_UNSENT   ? "it refuses connections"
			    : f->end == TRANSPORT_EXCESS ? "the answer was larger than allowed"
			    : f->late                    ? "no answer in time"
							 : "the connection broke";
	}
	t->in_flight--;
	f->done(f->ctx, &a);
}

/* What is due: arrivals and ends. Answers whether a request ended. */
static bool advance(struct transport *t, struct flight *f)
{
	bool ends =
		f->state == FLIGHT_BACK || (f->state == FLIGHT_OUT && f->due_us < f->arrives_us);
	if (!ends) {
		arrive(t, f);
		return false;
	}
	bool seen = f->state == FLIGHT_BACK;
	if (!seen) {
		f->end = TRANSPORT_LOST;
		f->late = true;
	}
	tell(t, f);
	if (seen)
		flight_free(f);
	else
		put(t, f, FLIGHT_LEFT, f->arrives_us);
	return true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct transport *t = ctx;
	bool ended = false;
	t->running = true;
	while (t->first != NULL && t->first->due_us <= time_us()) {
		struct flight *f = t->first;
		t->first = f->next;
		ended = advance(t, f) || ended;
	}
	t->running = false;
	if (ended)
		t->idle(t->idle_ctx);
	arm(t);
	return 0;
}

enum rc transport_send(struct transport *t, const struct request *request, transport_done_fn done,
	void *ctx, struct err *err)
{
	if (t->in_flight >= TRANSPORT_PARALLEL)
		return err_set(err, RC_BUSY, "too many requests are on their way");
	struct flight *f = must(calloc(1, sizeof(*f)));
	f->request = request_note(request);
	f->done = done;
	f->ctx = ctx;
	f->deadline_us = time_us() + t->deadline_ms * 1000;
	f->arrives_us = time_us() + trip_us();
	t->in_flight++;
	int64_t due_us = f->arrives_us < f->deadline_us ? f->arrives_us : f->deadline_us;
	/* Without permission it does not leave, and nothing comes back. */
	put(t, f, FLIGHT_OUT, t->may == NULL || t->may(t->may_ctx) ? due_us : FAR_US);
	return RC_OK;
}

void transport_permit(struct transport *t, bool (*may)(void *ctx), void *ctx)
{
	t->may = may;
	t->may_ctx = ctx;
}

void transport_kick(struct transport *t)
{
	(void)t; /* a request is on its way as soon as it is sent */
}

int64_t transport_in_flight(const struct transport *t)
{
	return t->in_flight;
}

int64_t transport_clock_ms(const struct transport *t)
{
	(void)t;
	return clock_wall_ms() + wire->ahead_ms;
}

enum rc transport_new(const struct transport_conf *conf, sd_event *loop, void (*idle)(void *ctx),
	void *idle_ctx, struct transport **ret_transport, struct err *err)
{
	if (wire == NULL)
		return err_set(err, RC_IO, "there is no wire");
	struct transport *t = must(calloc(1, sizeof(*t)));
	const char *key = conf->key != NULL ? conf->key : ""; /* other servers are told none */
	size_t n = strlen(key) + sizeof("Bearer ");
	t->authorization = must(malloc(n));
	snprintf(t->authorization, n, "Bearer %s", key);
	t->deadline_ms = conf->deadline_ms;
	t->body_max = conf->body_max;
	t->idle = idle;
	t->idle_ctx = idle_ctx;
	if (sd_event_add_time(loop, &t->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer, t) < 0)
		abort();
	*ret_transport = t;
	return RC_OK;
}

void transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	for (struct flight *f = t->first, *next; f != NULL; f = next) {
		next = f->next;
		flight_free(f);
	}
	sd_event_source_disable_unref(t->timer);
	free(t->authorization);
	free(t);
}
