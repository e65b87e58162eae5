/* SPDX-License-Identifier: MIT */
/* What the newest deliveries in the store tell: which webhooks reach us, and by whose clock. */
#ifndef MOONHOOK_CLI_ARRIVAL_H
#define MOONHOOK_CLI_ARRIVAL_H

#include "queue/queue.h"

#define ARRIVAL_WEBHOOKS 64
#define ARRIVAL_LOOKED 200 /* deliveries, the newest */
#define ARRIVAL_TIMED 20   /* of those: whose time counts */

struct arrivals {
	struct {
		char webhook[40]; /* its id, as the delivery says */
		int64_t last_ms;  /* wall */
	} seen[ARRIVAL_WEBHOOKS];
	size_t seen_n;
	int64_t newest_ms; /* wall; 0: none came */
	size_t timed_n; /* deliveries of the last day that say when they were sent, ARRIVAL_TIMED at
			   most */
	int64_t ahead_ms; /* of those: the sender's clock less ours, the way here ignored */
	size_t skewed_n;  /* in quarantine because of their time, of those looked at */
};

/* Looks at the newest deliveries of a source. */
enum rc arrivals_read(struct queue *queue, const char *source, int64_t now_wall_ms,
	struct arrivals *ret_arrivals, struct err *err) must_check;
/* When the newest delivery of a webhook came, wall ms; 0: none has. */
int64_t arrivals_last(const struct arrivals *arrivals, const char *webhook);

#endif
