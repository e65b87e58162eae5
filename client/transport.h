/* SPDX-License-Identifier: MIT */
/*
 * HTTP over libcurl's multi_socket interface, driven by the owner's sd-event loop: one server and
 * one key, or any server and none; no redirects, no proxies, no cookies; certificates are verified;
 * HTTP/2 where it is offered; an absolute deadline and a size limit (after decoding) for each
 * answer; addresses out of a request's reach are not connected to. One thread, never blocks. Knows
 * nothing of Twenty.
 */
#ifndef MOONHOOK_CLIENT_TRANSPORT_H
#define MOONHOOK_CLIENT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "client/budget.h"
#include "client/request.h"

struct sd_event;
struct transport;

#define TRANSPORT_BODY_MAX (32U << 20) /* bytes of an answer, decoded */
#define TRANSPORT_HEADERS_MAX 65536    /* bytes of all its header lines */
#define TRANSPORT_HEADER_N 256
#define TRANSPORT_PARALLEL 256 /* requests on the wire */

struct transport_conf {             /* BORROWS until transport_new returns */
	const char *url;            /* "https://crm.acme.io", no slash at the end; "": the target
				       of each request is a whole address, and no header lines are
				       sent but its own and our name */
	const char *key;            /* NULL: nobody is told one */
	const char *const *headers; /* further lines, NULL-terminated; NULL: none */
	const char *ca;      /* file of certificates to trust; NULL: what the machine trusts */
	int64_t deadline_ms; /* from the start of a request to the last byte of its answer */
	size_t body_max;
};

enum transport_end {
	TRANSPORT_ANSWERED,
	TRANSPORT_UNSENT, /* the server never saw it: no connection, no name, no trust */
	TRANSPORT_LOST,   /* it went out and no whole answer came: nobody knows */
	TRANSPORT_EXCESS, /* the answer was larger than allowed */
};

struct transport_answer { /* BORROWS during the call back */
	enum transport_end end;
	int status; /* 0: none */
	struct slice body;
	struct slice head;   /* its header lines; only where a target is a whole address */
	const char *problem; /* what went wrong, in words; STATIC */
	bool barred;         /* UNSENT because its address is out of the request's reach */
	bool late;           /* LOST because the deadline passed */
	struct budget_notice notice;
	int64_t date_ms; /* wall, by the server's clock, in whole seconds; 0: it did not say */
	int64_t wire_us;
};
typedef void (*transport_done_fn)(void *ctx, const struct transport_answer *answer);

/* GIVES (transport_free); loop is BORROWED. idle(ctx) is called after each batch of ended requests.
 * RC_NOMEM, RC_IO. */
enum rc transport_new(const struct transport_conf *conf, struct sd_event *loop,
	void (*idle)(void *ctx), void *idle_ctx, struct transport **ret_transport,
	struct err *err) must_check;
/* Drops what is on the wire; its call backs are not called. */
void transport_free(struct transport *transport);
/* Asked right before anything is sent on a connection, each time: false, and nothing is. For who
 * may send only as long as nobody else has taken over; its owner ends, then. NULL: nobody is asked.
 */
void transport_permit(struct transport *transport, bool (*may)(void *ctx), void *ctx);
/* request is BORROWED until done is called, never from within this call. RC_BUSY past
 * TRANSPORT_PARALLEL, RC_NOMEM, RC_IO. */
enum rc transport_send(struct transport *transport, const struct request *request,
	transport_done_fn done, void *ctx, struct err *err) must_check;
/* Gets what was added going; once after a batch of sends. */
void transport_kick(struct transport *transport);
int64_t transport_in_flight(const struct transport *transport);
/* What the server's clock shows, by the Date of its last answer: never later than it does, earlier
 * by a second and the way of that answer at most. Wall ms; -1: no answer had one. */
int64_t transport_clock_ms(const struct transport *transport);

#endif
