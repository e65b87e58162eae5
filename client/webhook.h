/* SPDX-License-Identifier: MIT */
/* The webhooks of a workspace, as Twenty tells them: hostile bytes made safe to look at. */
#ifndef MOONHOOK_CLIENT_WEBHOOK_H
#define MOONHOOK_CLIENT_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

#define WEBHOOKS_MAX 1000 /* of a workspace that are looked at */

struct webhook {                               /* BORROWS from its list */
	const char *id, *target, *description; /* description: "" where there is none */
	const char *secret;       /* "": it is sent unsigned; NULL: the server does not tell */
	const json_t *operations; /* array of texts */
	int64_t created_ms;       /* wall, by Twenty's clock; 0: not told */
};

struct webhooks { /* webhooks_done; zero: none */
	struct webhook *p;
	size_t n;
	json_t *rows; /* owned */
};

/* Reads the answer to GET /rest/webhooks. Rows that are none are passed over. RC_UPSTREAM: it is no
 * list; RC_NOMEM. */
enum rc webhooks_read(
	const json_t *body, struct webhooks *ret_webhooks, struct err *err) must_check;
void webhooks_done(struct webhooks *webhooks);
/* Are these the stars that some servers show in place of a secret? */
bool webhook_masked(const char *secret);

/* Is the operation (or "person.*", "*.created", "*.*") one that sends the event object.action? */
bool operation_sends(const char *operation, const char *object, const char *action);
/* Does it send everything that the pattern of a rule ("person.*", "*.deleted", "company.created")
 * can mean, by itself or with the other operations of the list? */
bool operations_send(const json_t *operations, const char *pattern);

#endif
