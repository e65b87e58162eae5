/* SPDX-License-Identifier: MIT */
/*
 * The inbox of a store that many share: the runners look after it. A receiver, which everybody can
 * reach, needs no right to read or remove what others have brought.
 */
#ifndef MOONHOOK_RUNNER_INBOX_H
#define MOONHOOK_RUNNER_INBOX_H

#include <stdbool.h>

struct queue;
struct runner;

struct inbox { /* {NULL} until it is needed */
	struct queue *queue;
	bool told; /* that it cannot be looked after */
};

/* Of a shared store, by who leads: removes deliveries that are past their time, and empties those
 * that were erased; commits what is open before. ret: there may be more. Another store: nothing. */
bool inbox_prune(struct runner *r);
/* Empties those that were erased; by any runner. Likewise. */
bool inbox_scrub(struct runner *r);
void inbox_close(struct inbox *inbox);

#endif
