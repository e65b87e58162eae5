/* SPDX-License-Identifier: MIT */
/*
 * Asks all questions of `store check` about a store.
 * From: tests that leave a store that much has happened to. Next: queue/check.h.
 */
#include "tests/harness/whole.h"

#include <inttypes.h>
#include <stdio.h>

#include "queue/check.h"

static void say(void *ctx, const struct queue_damage *d)
{
	(void)ctx;
	fprintf(stderr, "%s: %" PRId64 " %s, as %s\n", d->kind, d->n, d->what, d->example);
}

bool whole_store(const char *store)
{
	struct queue_check_watch watch = {say, NULL, NULL};
	struct queue_check result;
	struct err err = {.msg = ""};
	enum rc rc = queue_check(&(struct queue_place){.store = store}, &watch, &result, &err);
	if (rc != RC_OK)
		fprintf(stderr, "%s cannot be checked: %s\n", store, err.msg);
	return rc == RC_OK && result.broken_n == 0 && result.events_n > 0;
}
