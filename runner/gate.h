/* SPDX-License-Identifier: MIT */
/*
 * The commit gate: what is written to the store gathers, and no effect leaves before its intent is
 * durable.
 */
#ifndef MOONHOOK_RUNNER_GATE_H
#define MOONHOOK_RUNNER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct gate_item { /* lies in the object that waits */
	struct gate_item *next;
	void (*open)(void *ctx); /* its intent is durable */
	void *ctx;
};

struct gate {
	struct queue *queue;
	bool shared;      /* others wait while a transaction is open */
	size_t writes;    /* since the last commit */
	int64_t first_us; /* mono: the oldest of them */
	struct gate_item *held, **end;
	struct gate_item *opening; /* durable, being opened one by one */
	uint64_t commits;
};

void gate_init(struct gate *gate, struct queue *queue);
/* Something was written. */
void gate_wrote(struct gate *gate);
/* item->open is called behind the next commit. BORROWS the item until then. */
void gate_hold(struct gate *gate, struct gate_item *item);
/* Takes an item back; nothing where it is not held. */
void gate_leave(struct gate *gate, struct gate_item *item);
/* Commits where an effect waits, or the writes are old or many enough; then opens what was held.
 * RC_IO and others of queue_commit: nothing was opened, the process has to end. */
enum rc gate_flush(struct gate *gate, struct err *err) must_check;
/* Commits whatever there is. */
enum rc gate_force(struct gate *gate, struct err *err) must_check;
/* Microseconds until gate_flush has something to do; UINT64_MAX: nothing was written. */
uint64_t gate_wait_us(const struct gate *gate);

#endif
