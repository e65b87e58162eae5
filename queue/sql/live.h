/* SPDX-License-Identifier: MIT */
/* The runs that this handle has claimed and not ended, by number, so that a write about one needs
 * no look into the file. */
#ifndef MOONHOOK_QUEUE_SQL_LIVE_H
#define MOONHOOK_QUEUE_SQL_LIVE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLD_KEYS_N 2

struct hold_keys { /* hashes of what a run holds; 0: nothing */
	int64_t key[HOLD_KEYS_N];
};

struct live_run {
	int64_t seq; /* of the run; 0: an empty place */
	int64_t epoch;
	int64_t event; /* seq */
	struct hold_keys keys;
	bool alone;  /* its event has no other run */
	int limit;   /* places_find of its rule */
	bool joined; /* it may stand for several events */
};

struct live {
	struct live_run *places; /* linear probing */
	size_t cap, n;           /* cap: a power of two, or 0 */
};

void live_done(struct live *live);
/* NULL: not there. BORROWS until the next put or delete. */
struct live_run *live_find(const struct live *live, int64_t seq);
/* Adds one that is not there. RC_NOMEM. */
enum rc live_put(struct live *live, const struct live_run *run, struct err *err) must_check;
/* Is a run other than `but` among them that holds the key? Looks at all: a few hundred. */
bool live_holds(const struct live *live, int64_t key, int64_t but);
void live_delete(struct live *live, int64_t seq);

#endif
