/* SPDX-License-Identifier: MIT */
/* Sends webhooks: a thread of its own, 20 in parallel at most, one attempt, 5 s. */
#ifndef MOONHOOK_TESTS_TWIN_HOOK_H
#define MOONHOOK_TESTS_TWIN_HOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#define HOOK_BODY_MAX (64u << 20)

struct hooks;

struct hook_event {
	json_t *webhook;       /* the subscription; never changed in place */
	const char *object;    /* "person" */
	const char *object_id; /* NULL: a metadata event */
	const char *action;    /* "created" */
	json_t *data;          /* record, or what a metadata event carries */
	json_t *fields;        /* updatedFields, or NULL */
	bool docs;             /* {event, data, timestamp} instead of the core body */
};

struct hook_stats {
	uint64_t queued, sent, failed; /* failed: no 2xx */
};

/* Appends the body of a delivery as it goes out at now_ms (wall). */
enum rc hook_body(const struct hook_event *event, int64_t now_ms, struct buf *out) must_check;
/* Starts the thread. senders: deliveries under way at once, 0: as many as a real server's. NULL
 * when that fails. */
struct hooks *hooks_start(unsigned senders);
/* Stops it; what is still queued is lost, as on a real server that is killed. Accepts NULL. */
void hooks_stop(struct hooks *h);
/* Queues one delivery; never blocks. BORROWS event, takes references of its own. */
void hooks_send(struct hooks *h, const struct hook_event *event);
struct hook_stats hooks_stats(struct hooks *h);

#endif
