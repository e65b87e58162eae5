/* SPDX-License-Identifier: MIT */
/*
 * Is a row of the inbox a delivery at all?
 * From: route.c, each row before it is parsed. Where many write to one store, one of them may be in
 * the hands of somebody else: what no receiver of ours would have written is kept in quarantine
 * under an id and a source of ours, said in the log, and stops nothing. Never fails the batch.
 */
#include "runner/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "runner/state.h"

#define DAY_MS INT64_C(86400000)
#define NAME_MAX_N 64 /* as receiver/source.h */
#define TELL_EVERY_MS 10000
#define SOURCE_UNKNOWN "?" /* no source can be called so */

static bool source_fits(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n <= NAME_MAX_N &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

/* Clocks differ, and spooled deliveries are old; but no receiver lives in another century. */
static bool time_fits(int64_t received_ms, int64_t now_ms)
{
	return received_ms > 0 && received_ms - DAY_MS <= now_ms;
}

/* Said at once, and then now and then for all of a time: whoever writes such rows must not fill a
 * disk with lines. */
static void say(struct runner *r, const struct queue_raw *raw, const char *why)
{
	struct route *route = &r->route;
	int64_t now_ms = clock_mono_ms();
	route->damaged_n++;
	if (route->damaged_told_ms != 0 && now_ms - route->damaged_told_ms < TELL_EVERY_MS)
		return;
	log_error(&(struct log_fields){.source = raw->source,
			  .event = raw->id.text,
			  .outcome = "quarantined",
			  .cause = rc_name(RC_INVALID)},
		"%" PRId64
		" of the rows that lie in the inbox are no deliveries as a receiver writes "
		"them (the last one: %s); they are kept in quarantine. Who else can write to the "
		"store? Change the passwords of its receivers",
		route->damaged_n, why);
	route->damaged_told_ms = now_ms;
	route->damaged_n = 0;
}

enum rc route_row_check(struct runner *r, struct route_item *item, struct err *err)
{
	struct queue_raw *raw = &item->raw;
	int64_t now_ms = clock_wall_ms();
	const char *why = raw->damage;
	enum rc rc = RC_OK;
	if (raw->source == NULL || !source_fits(raw->source)) {
		why = why != NULL ? why : "its source is no name of one";
		raw->source = SOURCE_UNKNOWN;
	}
	if (!id_valid(raw->id.text)) {
		why = why != NULL ? why : "its id is none";
		rc = id_new(now_ms, &raw->id, err);
	}
	/* By its time it would never be old enough to go, or at once. */
	if (!time_fits(raw->received_ms, now_ms)) {
		why = why != NULL ? why : "it has come at an impossible time";
		raw->received_ms = now_ms;
	}
	if (why == NULL)
		return rc;
	say(r, raw, why);
	snprintf(item->reason, sizeof(item->reason),
		"its row in the store is not as a receiver writes it: %s", why);
	return rc;
}
