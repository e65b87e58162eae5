/* SPDX-License-Identifier: MIT */
/*
 * The line of events that were born here.
 * From: whoever makes them. To: route.c, in the order in which they came. Fails when memory is
 * short.
 */
#include "runner/birth.h"

#include <stdlib.h>
#include <string.h>

enum rc birth_add(struct births *births, const struct birth_new *new, struct err *err)
{
	struct birth *b = calloc(1, sizeof(*b));
	if (b == NULL || (b->body = malloc(new->body.n + 1)) == NULL ||
		(b->headers = malloc(new->headers.n + 1)) == NULL ||
		(b->source = strdup(new->source != NULL ? new->source : "")) == NULL) {
		birth_free(b);
		return err_set(err, RC_NOMEM, "no memory for an event");
	}
	enum rc rc = id_new(new->received_ms, &b->id, err);
	if (rc != RC_OK) {
		birth_free(b);
		return rc;
	}
	if (new->body.n != 0)
		memcpy(b->body, new->body.p, new->body.n);
	if (new->headers.n != 0)
		memcpy(b->headers, new->headers.p, new->headers.n);
	b->headers_n = new->headers.n;
	b->body[new->body.n] = '\0';
	b->body_n = new->body.n;
	b->via = new->via;
	b->received_ms = new->received_ms;
	b->routed = new->routed;
	b->take = new->take;
	b->ctx = new->ctx;
	b->number = new->number;
	b->cause = new->cause;
	b->depth = new->depth;
	if (births->last != NULL)
		births->last->next = b;
	else
		births->first = b;
	births->last = b;
	births->n++;
	return RC_OK;
}

struct birth *birth_take(struct births *births)
{
	struct birth *b = births->first;
	if (b == NULL)
		return NULL;
	births->first = b->next;
	if (births->first == NULL)
		births->last = NULL;
	births->n--;
	b->next = NULL;
	return b;
}

void birth_free(struct birth *birth)
{
	if (birth == NULL)
		return;
	free(birth->source);
	free(birth->headers);
	free(birth->body);
	free(birth);
}

void births_clear(struct births *births)
{
	struct birth *b;
	while ((b = birth_take(births)) != NULL)
		birth_free(b);
}
