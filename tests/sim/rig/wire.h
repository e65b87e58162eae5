/* SPDX-License-Identifier: MIT */
/*
 * The way between client and twin: stands in for client/transport.c. A request takes half the
 * latency to the server, is answered there at once, and the answer takes the other half. On its
 * way a test may look at it, change the server beneath it, or make it go wrong.
 */
#ifndef MOONHOOK_TESTS_SIM_WIRE_H
#define MOONHOOK_TESTS_SIM_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct server;

struct wire_request { /* kept to the end of the simulation */
	const char *method;
	char *target;
	char *body; /* NULL: none */
	size_t body_n;
	int64_t sent_us, arrived_us, ended_us; /* mono; 0: not yet */
	int status;                            /* that the server gave; 0: none */
};

enum wire_fate {
	WIRE_PASS,
	WIRE_UNSENT,       /* no connection */
	WIRE_BREAK_BEFORE, /* the connection breaks, the server never saw it */
	WIRE_BREAK_AFTER,  /* the server did it, the answer is lost */
	WIRE_HANG_BEFORE,  /* it is swallowed: no answer, no effect */
	WIRE_HANG_AFTER,   /* the server did it and never answers */
	WIRE_ANSWER,       /* somebody else answers, with what the verdict holds */
};

struct wire_verdict { /* zeroed: it passes */
	enum wire_fate fate;
	int64_t late_ms;     /* the server sees it that much later; asked again then */
	int64_t slow_ms;     /* its answer takes that much longer */
	int status;          /* of WIRE_ANSWER */
	const char *headers; /* "Retry-After: 1\r\n.."; NULL: none. STATIC */
	const char *body;    /* NULL: none. STATIC */
};

struct wire_conf { /* BORROWS until wire_close */
	struct server *server;
	int64_t latency_ms; /* there and back */
	int64_t jitter_ms;  /* each way takes up to that much longer */
	int64_t ahead_ms;   /* the clock that answers tell shows that much more than records do */
	/* As the server is about to see it / has answered it, before the client knows. NULL: none.
	 */
	struct wire_verdict (*before)(void *ctx, const struct wire_request *request);
	void (*after)(void *ctx, const struct wire_request *request);
	void *ctx;
};

/* What the transports that are made from now on are connected to. */
void wire_open(const struct wire_conf *conf);
/* Forgets the log; no transport is left. */
void wire_close(void);
/* Every request in the order in which they were sent. */
size_t wire_request_n(void);
const struct wire_request *wire_request(size_t i);

#endif
