/* SPDX-License-Identifier: MIT */
/*
 * Deliveries that flow into a daemon while its database has trouble, and what has become of them
 * afterwards: each acknowledged in time, there once, in order, carried out once.
 */
#ifndef MOONHOOK_TESTS_WALK_FLOW_H
#define MOONHOOK_TESTS_WALK_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/harness/daemon.h"
#include "tests/harness/sender.h"

struct flow {                        /* done with flow_done */
	const struct daemon *daemon; /* BORROWS */
	const char *server;          /* address of the one that has to have all of it. BORROWS */
	const char *schema;          /* BORROWS */
	size_t n, answered, first;   /* so far, in all; of the part that is sent now */
	size_t *later; /* of each: whatever has this number or more was sent after its answer */
	struct sender_result result;
};

struct flow_count {
	size_t events, runs; /* one of each for each delivery */
	size_t lost, twice;
	size_t inversions; /* that stand behind what was sent after their answer */
};

/* Writes the one rule that each delivery starts a run of. */
void flow_rule(const struct daemon *d);
/* Sends n more at this rate, to the end; expects that each is acknowledged before a sender gives
 * up. */
void flow_send(struct flow *f, size_t n, double rate);
/* Waits until everything is carried out; false where that does not come. */
bool flow_rests(struct flow *f);
void flow_count(struct flow *f, struct flow_count *ret_count);
/* All of it rests, and is there once and in order. */
void flow_expect(struct flow *f);
void flow_done(struct flow *f);

void flow_pause_ms(int ms);

#endif
