/* SPDX-License-Identifier: MIT */
/*
 * Several clients with one budget: a simulation with more than one client, and the table in which
 * their purse is kept, with the way there and a clock of its own.
 */
#ifndef MOONHOOK_TESTS_SIM_CREW_H
#define MOONHOOK_TESTS_SIM_CREW_H

#include "tests/sim/rig/sim.h"

#define CREW_MAX 8

struct crew;

struct crew_seat {
	struct crew *crew;
	struct client *client; /* NULL: it has gone */
	sd_event_source *timer;
	bool asked, there; /* a question is on its way; it has been at the table */
	int64_t version;   /* in the question, then in the answer */
	int64_t now_ms;
	bool swapped;
	char *state;
	size_t state_n;
};

struct crew {
	struct sim sim; /* its client is the first */
	struct crew_seat seats[CREW_MAX];
	unsigned n;
	int64_t way_us;   /* to the table and back */
	int64_t ahead_ms; /* of the table's clock */
	bool silent;      /* it answers nobody, until crew_answer */
	int64_t version;
	char *state;
	size_t state_n;
	int swaps, misses; /* questions that changed it, and that came too late */
};

/* As sim_open, with n clients, on a table that has never been used. */
bool crew_open(struct crew *crew, const struct sim_conf *conf, unsigned n) must_check;
void crew_close(struct crew *crew);
/* As when its process is killed. */
void crew_kill(struct crew *crew, unsigned i);
/* The i-th client asks; as sim_submit. */
void crew_submit(
	struct crew *crew, unsigned i, struct sim_answer *answer, const struct client_call *call);
void crew_answer(struct crew *crew);
/* What the table has is lost. */
void crew_lose(struct crew *crew);

/* The most requests that the server has seen in any minute; from: leaves out those before. */
int crew_most_a_minute(size_t from);

#endif
