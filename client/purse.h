/* SPDX-License-Identifier: MIT */
/*
 * The one budget of several clients: what each may send, and when. A value that lives where all of
 * them reach it (a row of a database), as bytes; whoever wants something computes the next value
 * and puts it in the place of the one that it has read, or, where another was faster, begins again
 * with that one's. So no client leads, waits for a lock, or holds up others by dying: whatever the
 * value says is so, and the next one goes on from there.
 *
 * Inside is the mirror of the server's bucket (budget.h), by the clock of the store: a server
 * refills by whole intervals since the last request that it accepted, whosever it was, so all
 * requests have to stand on one grid of times. A slice is a few places on it, given to one client:
 * at once out of what a rest has left, and one interval after the other then. A place on the grid
 * is given just before its time, so that what is lost with its client is one only; of what a rest
 * has left, all that it had in hand.
 *
 * Beyond the bucket: in any minute no more go out than one minute's worth. Half of that may go at
 * once after a rest; the other half is spread over what is left of the minute.
 *
 * Who may have the next place: those with calls in the best lane; of them, whose turn it is: each
 * has had a number of places, and the one with the fewest comes first. Who does not come when it
 * was told to come is not waited for.
 *
 * What an answer teaches one client (429, a limit, what is left) is written here and holds for all.
 * Pure: time comes in, nothing is waited for. Cannot fail.
 */
#ifndef MOONHOOK_CLIENT_PURSE_H
#define MOONHOOK_CLIENT_PURSE_H

#include "base/slice.h"
#include "client/budget.h"

#define PURSE_BYTES_MAX 4096
#define PURSE_SHARERS 64
#define PURSE_PLACES 32
#define PURSE_SLOT_MS 500
#define PURSE_SLOTS 124
#define PURSE_MINUTE_MS (60000 + PURSE_SLOT_MS)
#define PURSE_LATE_MS 150 /* at most: a place may be used that long after its time */

struct purse_sharer {
	uint64_t id;
	int64_t n;      /* calls that wait; 0: none */
	int64_t lane;   /* of the most urgent */
	int64_t turn;   /* places that it has had, or would have had */
	int64_t due_ms; /* when it was told to come again */
};

struct purse {
	int64_t per_hour;     /* that the bucket was made for */
	struct budget budget; /* its times are the store's */
	int64_t place_ms;     /* the newest place */
	int64_t trial_ms;     /* the one request of a trial may be on the wire since; 0: none is */
	int64_t refused_ms;   /* the last refusal; 0: none */
	int64_t slot;         /* number of the newest slot with places in it */
	int64_t slots[PURSE_SLOTS]; /* places by time, slot i at i % PURSE_SLOTS */
	struct purse_sharer sharers[PURSE_SHARERS];
	size_t sharers_n;
};

struct purse_place {
	int64_t at_ms;
	int64_t last_ms; /* what the bucket was told as the time of this one */
	bool saved;      /* out of what a rest had left, not of the grid */
};

struct purse_refusal {
	int64_t at_ms;
	struct budget_notice notice;
	int64_t limit, window_ms; /* as its message says them; 0: it does not */
};

/* What a client has seen since it came last. */
struct purse_news {
	int64_t used_ms;                        /* its latest request; 0: none */
	struct purse_place spare[PURSE_PLACES]; /* places that it did not use */
	size_t spare_n;
	int64_t accepted, ended;     /* requests: accepted by the server; ended in whatever way */
	int64_t accepted_ms;         /* when the last accepted one was sent */
	struct budget_notice notice; /* of the last accepted one; -1: nothing */
	bool refused;
	struct purse_refusal refusal; /* the first one */
};

struct purse_wish {
	uint64_t id;
	int64_t now_ms;   /* by the clock of the store */
	int64_t n;        /* calls that wait and have no place */
	int64_t most;     /* places that are wanted at once */
	int64_t lane;     /* of the most urgent */
	int64_t trip_ms;  /* how long after its time the server may see a request */
	int64_t ahead_ms; /* how long before its time it has to know of a place */
	const struct purse_news *news;
};

struct purse_slice {
	struct purse_place places[PURSE_PLACES];
	size_t n;
	int64_t late_ms; /* each may be used that long after its time */
	int64_t due_ms;  /* come again then, or when something more urgent waits */
};

/* Of a store that has never had one: the bucket is full. per_hour > 0. */
void purse_init(struct purse *p, int64_t per_hour, int64_t now_ms);
/* Where what was there is lost: as if a burst had just gone out. */
void purse_init_unknown(struct purse *p, int64_t per_hour, int64_t now_ms);
/* Takes news in and gives what may go. Afterwards p is the value to put in the place of what it
 * was. */
void purse_serve(struct purse *p, const struct purse_wish *wish, struct purse_slice *ret_slice);
/* Requests that might go now, whoever sent them. */
double purse_tokens(const struct purse *p, int64_t now_ms);
/* Calls of others that wait, and how many others they are. */
int64_t purse_others(const struct purse *p, uint64_t id, int64_t now_ms, int64_t *ret_clients);
/* When the next one may go; now_ms: at once. */
int64_t purse_next_ms(const struct purse *p, int64_t now_ms);
/* Between two places, as they are given now while calls wait. */
int64_t purse_pace_ms(const struct purse *p, int64_t now_ms);

/* --- purse_bytes.c */
/* Answers how many bytes it takes. */
size_t purse_write(const struct purse *p, char out[static PURSE_BYTES_MAX]);
/* Bytes of another form, or damaged ones: purse_init_unknown; none at all: purse_init. What is of
 * another configuration is brought in line with per_hour. */
void purse_read(struct purse *p, struct slice bytes, int64_t per_hour, int64_t now_ms);

#endif
