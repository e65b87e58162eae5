/* SPDX-License-Identifier: MIT */
/*
 * Somebody in the middle of a connection to PostgreSQL on loopback, who passes everything on, or
 * does not: a network that is cut, a server that says nothing any more, a commit whose answer is
 * lost. A thread of its own; without TLS, for it reads what is said.
 */
#ifndef MOONHOOK_TESTS_HARNESS_MIDDLE_H
#define MOONHOOK_TESTS_HARNESS_MIDDLE_H

#include <stdbool.h>
#include <stddef.h>

struct middle;

enum middle_mode {
	MIDDLE_PASSES,   /* everything */
	MIDDLE_CUTS,     /* closes what is open, and what is opened */
	MIDDLE_STALLS,   /* takes everything, hands on nothing, closes nothing */
	MIDDLE_SWALLOWS, /* the next COMMIT reaches the server; its answer does not come back, and
			    the connection is cut. Then it passes */
	MIDDLE_LOSES, /* the next COMMIT does not reach the server, and the connection is cut. Then
			 it passes */
};

/* Listens on a free port and connects to `port` of 127.0.0.1. GIVES (middle_stop); NULL: it cannot.
 */
struct middle *middle_start(int port);
int middle_port(const struct middle *m);
void middle_set(struct middle *m, enum middle_mode mode);
/* Commits that were swallowed or lost so far. */
size_t middle_taken(struct middle *m);
/* Connections that were asked for so far. */
size_t middle_asked(struct middle *m);
void middle_stop(struct middle *m); /* accepts NULL */

#endif
