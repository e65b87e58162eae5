/* SPDX-License-Identifier: MIT */
/*
 * Records that rules have erased (twenty.<objects>:erase): destroyed at Twenty first, then every
 * copy of them here, as `moonhook erase` does it, as soon as no run of the record is open. What is
 * still to be done is in the store, so that no restart forgets it.
 */
#ifndef MOONHOOK_RUNNER_ERASURE_H
#define MOONHOOK_RUNNER_ERASURE_H

#include <stdbool.h>
#include <stdint.h>

struct runner;
struct order;

struct erasures {        /* zeroed: the store is to be asked */
	bool none;       /* there is nothing to do */
	bool ordered;    /* an order of ours is under way */
	int64_t next_ms; /* mono: not before */
};

/* The record is destroyed: its copies have to go, within the open transaction. False: the process
 * ends. */
bool erasure_want(struct runner *r, const char *record);
/* Begins the next one that is due. Cheap where there is none. */
void erasure_look(struct runner *r);
/* Another runner leads: it is for that one to do. */
void erasure_drop(struct runner *r);
/* What came of the order. */
void erasure_told(struct runner *r, const struct order *order);

#endif
