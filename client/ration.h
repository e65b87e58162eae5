/* SPDX-License-Identifier: MIT */
/*
 * What this client may send: all of a budget of its own (budget.h), or its part of one that several
 * clients share (purse.h). A part is places in time. They are asked for while calls wait, and
 * before those that are there have been used; without a place nothing goes, however long the store
 * of the purse is silent. What was not used goes back.
 */
#ifndef MOONHOOK_CLIENT_RATION_H
#define MOONHOOK_CLIENT_RATION_H

#include "client/budget.h"
#include "client/client.h"
#include "client/purse.h"

struct ration_clock { /* of the store: its time is ours and something between these */
	int64_t least_ms, most_ms;
	int64_t at_ms; /* mono: when they were found; 0: not yet */
};

struct ration {
	struct budget own; /* where nothing is shared; else what was configured */
	bool shared;
	struct client_purse door;
	int64_t per_hour;
	uint64_t id;
	bool asking;      /* an answer is awaited */
	bool known;       /* purse and version are */
	bool proposed;    /* the answer says whether `next` is what counts */
	int64_t asked_ms; /* mono */
	int64_t version;
	int64_t trip_us; /* on average, from sending to the answer */
	struct ration_clock clock;
	struct purse purse, next;
	int64_t seen_ms;          /* store: when purse was what counts */
	struct purse_slice slice; /* what next gives */
	struct purse_news news;   /* to be told */
	struct purse_news telling;
	struct purse_place places[2 * PURSE_PLACES]; /* in hand, by time */
	size_t places_n;
	int64_t late_ms, due_ms;   /* mono */
	int64_t wants, lane;       /* now */
	int64_t said_n, said_lane; /* what the purse knows of that */
	bool urgent;               /* to be told at once */
	bool sated;                /* all was given that was asked for */
	int64_t quiet_ms;          /* mono: nothing is wanted since; 0: something is */
	int64_t sent_ms;           /* store: when the request went whose end is being looked at */
};

/* per_hour 0: unlimited. */
void ration_init(struct ration *r, int64_t per_hour, int64_t now_ms);
/* From now on the budget is shared; id: of this client among all, by chance. Not where it is
 * unlimited: then each obeys the refusals that it gets itself. */
void ration_share(struct ration *r, const struct client_purse *door, uint64_t id);
/* The answer to what was asked. */
void ration_came(struct ration *r, const struct client_purse_answer *answer, int64_t now_ms);
/* n calls are ready to go, the most urgent in that lane: asks where it is time to. Answers when to
 * call again, at the latest (mono). After each look at what may go. */
int64_t ration_tend(struct ration *r, int64_t now_ms, int64_t n, int64_t lane);

/* As budget.h has them. */
int64_t ration_wait_ms(const struct ration *r, int64_t now_ms, int64_t in_flight);
void ration_take(struct ration *r, int64_t now_ms);
/* A request ended, in whatever way; before what came of it. */
void ration_ended(struct ration *r, int64_t now_ms, int64_t wire_us);
void ration_accepted(
	struct ration *r, int64_t now_ms, int64_t in_flight, const struct budget_notice *notice);
void ration_refused(struct ration *r, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms);
/* Requests that might go now, of all clients; -1: unlimited. */
double ration_tokens(const struct ration *r, int64_t now_ms);
/* Do more calls wait than may go? ready_n: ours. */
bool ration_short(const struct ration *r, int64_t now_ms, int64_t ready_n);
/* Requests a minute, of all clients; -1: unlimited. */
double ration_rate(const struct ration *r);
/* Between two requests of ours while calls wait. */
int64_t ration_turn_ms(const struct ration *r, int64_t now_ms);

#endif
