/* SPDX-License-Identifier: MIT */
/* The work of one receiver and of one runner of a crew, each a process. */
#ifndef MOONHOOK_TESTS_HARNESS_CREW_HAND_H
#define MOONHOOK_TESTS_HARNESS_CREW_HAND_H

#include <stdatomic.h>

#include "tests/harness/crew.h"

struct crew_share { /* in memory that all of them see */
	const struct crew_conf *conf;
	struct crew_model *model;
	size_t (*keys)[2];                /* of each event: record, second key */
	_Atomic size_t windows[CREW_MAX]; /* a receiver has sent so many of them */
	unsigned lives[CREW_MAX];         /* of each runner; set before its process is made, which
					     may be struck before it has run at all */
};

/* NULL: no memory. crew_share_free. */
struct crew_share *crew_share_new(const struct crew_conf *conf);
void crew_share_free(struct crew_share *share);

/* Sends what is this receiver's; 0: all of it. A successor begins its window again. */
int crew_receive(struct crew_share *share, size_t receiver);
/* Claims and ends runs, routes where it leads; ends when its life is over: what it had claimed it
 * still tries to finish then. */
int crew_work(struct crew_share *share, size_t runner);

#endif
