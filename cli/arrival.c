/* SPDX-License-Identifier: MIT */
/*
 * Reads the newest deliveries back.
 * From: doctor.c, webhook.c. To: the store, as a reader. A delivery names its webhook: that is the
 * proof that the webhook leads here, whatever its address looks like from this machine. What cannot
 * be read says nothing.
 */
#include "cli/arrival.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX 65536 /* larger ones are not parsed for this */
#define DAY_MS 86400000

struct reading {
	struct queue *queue;
	struct arrivals *arrivals;
	int64_t now_ms;
	int64_t ahead_ms[ARRIVAL_TIMED]; /* of the newest, in a ring */
	size_t timed_n;                  /* all that were timed */
};

/* The number behind "x-twenty-webhook-timestamp: ", ms since 1970; 0: none. */
static int64_t stamp_of(struct slice headers)
{
	static const char name[] = "x-twenty-webhook-timestamp:";
	char text[512];
	snprintf(text, sizeof(text), "%.*s", headers.n < 511 ? (int)headers.n : 511, headers.p);
	const char *at = strcasestr(text, name);
	if (at == NULL)
		return 0;
	at += sizeof(name) - 1;
	char *end;
	long long ms = strtoll(at, &end, 10);
	return ms > 0 && (*end == '\n' || *end == '\r' || *end == '\0') ? (int64_t)ms : 0;
}

static void note_webhook(struct arrivals *a, const char *id, int64_t received_ms)
{
	size_t i = 0;
	while (i < a->seen_n && strcmp(a->seen[i].webhook, id) != 0)
		i++;
	if (i == ARRIVAL_WEBHOOKS || strlen(id) >= sizeof(a->seen[i].webhook))
		return;
	if (i == a->seen_n) {
		snprintf(a->seen[i].webhook, sizeof(a->seen[i].webhook), "%s", id);
		a->seen[i].last_ms = 0;
		a->seen_n++;
	}
	if (received_ms > a->seen[i].last_ms)
		a->seen[i].last_ms = received_ms;
}

static enum rc look(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct reading *r = ctx;
	struct arrivals *a = r->arrivals;
	(void)err;
	json_t *body = row->body.n != 0 && row->body.n <= BODY_MAX
			       ? json_loadb(row->body.p, row->body.n, 0, NULL)
			       : NULL;
	const char *id = json_string_value(json_object_get(body, "webhookId"));
	if (id != NULL && row->state != QUEUE_QUARANTINED)
		note_webhook(a, id, row->received_ms);
	json_decref(body);
	int64_t stamp_ms = row->headers.n != 0 ? stamp_of(row->headers) : 0;
	if (stamp_ms == 0 || r->now_ms - row->received_ms > DAY_MS)
		return RC_OK;
	r->ahead_ms[r->timed_n++ % ARRIVAL_TIMED] = stamp_ms - row->received_ms;
	return RC_OK;
}

static enum rc each(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct reading *r = ctx;
	if (strcmp(row->via, "hook") != 0)
		return RC_OK;
	if (row->received_ms > r->arrivals->newest_ms)
		r->arrivals->newest_ms = row->received_ms;
	if (row->state == QUEUE_QUARANTINED && strstr(row->reason, "time window") != NULL)
		r->arrivals->skewed_n++;
	enum rc rc = queue_event_get(r->queue, row->id, look, r, err);
	return rc == RC_NOT_FOUND ? RC_OK : rc; /* pruned meanwhile */
}

enum rc arrivals_read(struct queue *queue, const char *source, int64_t now_wall_ms,
	struct arrivals *ret_arrivals, struct err *err)
{
	struct arrivals a = {.seen_n = 0};
	struct reading r = {.queue = queue, .arrivals = &a, .now_ms = now_wall_ms};
	struct queue_filter filter = {.source = source, .limit = ARRIVAL_LOOKED};
	enum rc rc = queue_event_each(queue, &filter, each, &r, err);
	if (rc != RC_OK)
		return rc;
	a.timed_n = r.timed_n < ARRIVAL_TIMED ? r.timed_n : ARRIVAL_TIMED;
	for (size_t i = 0; i < a.timed_n; i++) /* the way here only makes it smaller */
		if (i == 0 || r.ahead_ms[i] > a.ahead_ms)
			a.ahead_ms = r.ahead_ms[i];
	*ret_arrivals = a;
	return RC_OK;
}

int64_t arrivals_last(const struct arrivals *arrivals, const char *webhook)
{
	for (size_t i = 0; i < arrivals->seen_n; i++)
		if (strcmp(arrivals->seen[i].webhook, webhook) == 0)
			return arrivals->seen[i].last_ms;
	return 0;
}
