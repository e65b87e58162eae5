/* SPDX-License-Identifier: MIT */
/*
 * Every open connection of an HTTP server, with a deadline that no trickle of bytes moves.
 * libmicrohttpd's own timeouts are for inactivity, so a byte a second would hold a connection for
 * ever.
 *
 * phases, who moves them and when:
 *
 *   FRESH --request line--> HEAD --headers read--> BODY --body read--> COMMIT --durable--> ANSWER
 *     |                      ^ ^______________________\________________________________/  |
 *     +-- headers_ms         +---- request line ---- IDLE <--- answer sent ---------------+
 */
#ifndef MOONHOOK_BASE_CONNECTION_H
#define MOONHOOK_BASE_CONNECTION_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct sockaddr;

enum phase {
	PHASE_FRESH,  /* accepted, no request line yet: headers_ms from here to the end of the
			 headers */
	PHASE_IDLE,   /* kept alive between two requests: idle_ms */
	PHASE_HEAD,   /* request line read, headers to come: of a FRESH one the deadline stays */
	PHASE_BODY,   /* body_ms */
	PHASE_COMMIT, /* waits for the store: none, the writer always answers */
	PHASE_ANSWER, /* the answer is on its way: body_ms */
	PHASE_N,
};

struct connection {                     /* embedded in what belongs to the connection */
	struct connection *prev, *next; /* guarded by the lock of connections */
	bool late;                      /* same; it was cut off, the rest is libmicrohttpd's work */
	int fd;                         /* BORROWED from libmicrohttpd until connection_remove */
	struct in6_addr address;        /* /64 of IPv6, all of IPv4 */
	_Atomic(enum phase) phase;      /* set by connection_move only */
	_Atomic int64_t since_ms, deadline_ms; /* mono */
};

struct connections;

enum connection_cut { CONNECTION_CROWDED, CONNECTION_SLOW_HEADERS, CONNECTION_SLOW_BODY };

struct connections_conf {
	size_t max; /* open at once */
	size_t per_address;
	int64_t headers_ms, idle_ms, body_ms;
	/* n were cut off; called without a lock, from connection_add and connections_tick. NULL:
	 * nobody wants to know. STATIC. */
	void (*tell)(enum connection_cut why, size_t n);
};

/* NULL: no memory. GIVES (connections_free). */
struct connections *connections_new(const struct connections_conf *conf);
/* The list must be empty. */
void connections_free(struct connections *cs);
/*
 * Enters an accepted connection. Where there are too many, in all or of its address, the one that
 * has been longest at sending its request, or at not taking its answer, is cut off: whoever is slow
 * makes room for whoever is not, so that a flood of slow ones shuts nobody out. Server's thread, as
 * all with `connection`.
 */
void connection_add(
	struct connections *cs, struct connection *c, int fd, const struct sockaddr *address);
void connection_remove(struct connections *cs, struct connection *c);
/* The only setter of phase. */
void connection_move(struct connections *cs, struct connection *c, enum phase to);

/* Cuts off what is past its deadline. Any thread, regularly. */
void connections_tick(struct connections *cs);
/* From now on connections without a request may send one for grace_ms more and are then closed;
 * what is on its way has until bound_ms. Any thread. */
void connections_drain(struct connections *cs, int64_t grace_ms, int64_t bound_ms);
bool connections_draining(const struct connections *cs);
/* Connections that are open. Any thread. */
size_t connections_n(struct connections *cs);

#endif
