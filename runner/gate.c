/* SPDX-License-Identifier: MIT */
/*
 * Group commit.
 * From: everything in this room that writes to the store; call.c holds its effects here. To:
 * queue_commit, once per turn of the loop at most: under load one fsync serves many runs. Fails as
 * the commit does; then nothing leaves. Does not decide what an effect is.
 */
#include "runner/gate.h"

#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/queue.h"

#define AGE_US 5000 /* writes that nobody waits for are made durable after this */
#define MANY 1000

void gate_init(struct gate *gate, struct queue *queue)
{
	*gate = (struct gate){.queue = queue, .shared = queue_shared(queue)};
	gate->end = &gate->held;
}

void gate_wrote(struct gate *gate)
{
	if (gate->writes++ == 0)
		gate->first_us = clock_mono_us();
}

void gate_hold(struct gate *gate, struct gate_item *item)
{
	item->next = NULL;
	*gate->end = item;
	gate->end = &item->next;
}

void gate_leave(struct gate *gate, struct gate_item *item)
{
	/* Opening one may end a run that holds others. */
	for (struct gate_item **at = &gate->opening; *at != NULL; at = &(*at)->next) {
		if (*at == item) {
			*at = item->next;
			return;
		}
	}
	for (struct gate_item **at = &gate->held; *at != NULL; at = &(*at)->next) {
		if (*at != item)
			continue;
		if (gate->end == &item->next)
			gate->end = at;
		*at = item->next;
		return;
	}
}

enum rc gate_force(struct gate *gate, struct err *err)
{
	enum rc rc = RC_OK;
	if (gate->writes != 0 || gate->shared)
		rc = queue_commit(gate->queue, err);
	gate->commits += gate->writes != 0;
	if (rc != RC_OK)
		return rc;
	gate->writes = 0;
	/* What is held from now on waits for the next commit. */
	gate->opening = gate->held;
	gate->held = NULL;
	gate->end = &gate->held;
	while (gate->opening != NULL) {
		struct gate_item *item = gate->opening;
		gate->opening = item->next;
		item->open(item->ctx);
	}
	return RC_OK;
}

uint64_t gate_wait_us(const struct gate *gate)
{
	if (gate->held != NULL)
		return 0;
	if (gate->writes == 0)
		return UINT64_MAX;
	int64_t left = gate->first_us + AGE_US - clock_mono_us();
	return left > 0 && gate->writes < MANY ? (uint64_t)left : 0;
}

enum rc gate_flush(struct gate *gate, struct err *err)
{
	/* What was begun, and came to nothing, must not keep others waiting. */
	bool begun = gate->shared && gate->writes == 0;
	return begun || gate_wait_us(gate) == 0 ? gate_force(gate, err) : RC_OK;
}
