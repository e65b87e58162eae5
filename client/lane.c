/* SPDX-License-Identifier: MIT */
/*
 * The list of waiting calls, in order of their tickets.
 * From: engine.c. New calls go to the end at once; one that comes back from the wire is put in from
 * the front, where its place is near. Cannot fail.
 */
#include "client/lane.h"

void lane_put(struct lane *lane, struct call *call)
{
	struct call *before = NULL; /* the one that call goes behind */
	if (lane->tail == NULL || lane->tail->ticket < call->ticket)
		before = lane->tail;
	else
		for (struct call *c = lane->head; c != NULL && c->ticket < call->ticket;
			c = c->next)
			before = c;
	call->prev = before;
	call->next = before != NULL ? before->next : lane->head;
	if (call->prev != NULL)
		call->prev->next = call;
	else
		lane->head = call;
	if (call->next != NULL)
		call->next->prev = call;
	else
		lane->tail = call;
}

void lane_drop(struct lane *lane, struct call *call)
{
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		lane->head = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	else
		lane->tail = call->prev;
	call->prev = call->next = NULL;
}
