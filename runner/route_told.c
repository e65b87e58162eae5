/* SPDX-License-Identifier: MIT */
/*
 * Events of a batch that are known already, because gap fill and webhooks tell of the same changes:
 * a webhook that comes when its change was found by asking, and a change that was found while its
 * webhook was on its way. They are stored as duplicates, and make no runs.
 * From: route.c, parsed events. To: route_match.c, which passes over them; the store, which notes
 * what was told of by asking in the step that writes the event; the counters that are the alarm.
 */
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/copy.h"
#include "queue/gap.h"
#include "runner/gap.h"
#include "runner/gap_judge.h"
#include "runner/state.h"

#define AHEAD_MS 60000 /* clocks differ */

static bool is_end(const struct event *e)
{
	return strcmp(e->action, "destroyed") == 0;
}

/* A record ends once, whoever tells of it; nothing is said of one that was never seen. */
static enum rc is_gone(struct runner *r, const struct event *e, bool *ret_known, struct err *err)
{
	struct queue_copy copy;
	enum rc rc = queue_copy_find(r->queue, e->object, e->record_id, &copy, err);
	*ret_known = rc == RC_OK && copy.state == QUEUE_COPY_GONE;
	return rc == RC_NOT_FOUND || rc == RC_PARSE ? RC_OK : rc;
}

/* A time that has not come yet, by Twenty's own clock, says nothing of what comes before it. */
static bool is_within(int64_t updated_ms, int64_t until_ms, int64_t clock_ms)
{
	return updated_ms != 0 &&
	       (updated_ms == until_ms ||
		       (updated_ms < until_ms && until_ms <= clock_ms + AHEAD_MS));
}

/* Webhooks: is that what was told of by asking? */
static enum rc is_late(struct runner *r, const struct event *e, bool *ret_known, struct err *err)
{
	int64_t until_ms = 0;
	enum rc rc = queue_told_find(r->queue, e->object, e->record_id, &until_ms, err);
	if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc;
	if (is_end(e))
		return is_gone(r, e, ret_known, err);
	*ret_known = is_within(e->updated_ms, until_ms, gap_clock_ms(r));
	return RC_OK;
}

/* What was asked for: has its webhook come meanwhile? */
static enum rc is_overtaken(
	struct runner *r, const struct event *e, bool *ret_known, struct err *err)
{
	struct queue_copy copy;
	if (is_end(e))
		return is_gone(r, e, ret_known, err);
	enum rc rc = queue_copy_find(r->queue, e->object, e->record_id, &copy, err);
	*ret_known = rc == RC_OK && e->updated_ms != 0 && copy.updated_ms >= e->updated_ms;
	return rc == RC_NOT_FOUND || rc == RC_PARSE ? RC_OK : rc;
}

enum rc route_told(struct runner *r, struct err *err)
{
	struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < route->n && rc == RC_OK; i++) {
		struct route_item *item = &route->items[i];
		if (item->event == NULL || !event_has_record(item->event))
			continue;
		rc = item->birth != NULL ? is_overtaken(r, item->event, &item->known, err)
					 : is_late(r, item->event, &item->known, err);
	}
	return rc;
}

/* --- what is told now ------------------------------------------------------------------------- */

/* Did it happen while somebody was there to hear of it? */
static bool was_running(const struct runner *r, const struct event *e)
{
	return e->updated_ms > gap_start_ms(r, gap_clock_ms(r)) || is_end(e);
}

static enum rc note(struct runner *r, const struct event *e, struct err *err)
{
	int64_t until_ms = is_end(e) ? gap_clock_ms(r) : e->updated_ms;
	metrics_add(was_running(r, e) ? METRIC_GAP_RUNNING : METRIC_GAP_STOPPED, 1);
	return queue_told_put(r->queue, e->object, e->record_id, until_ms, clock_wall_ms(), err);
}

enum rc route_told_note(struct runner *r, const bool *duplicate, struct err *err)
{
	const struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < route->n && rc == RC_OK; i++) {
		const struct route_item *item = &route->items[i];
		if (item->event == NULL || !event_has_record(item->event))
			continue;
		if (item->birth == NULL && item->known)
			metrics_add(METRIC_GAP_LATE, 1);
		else if (item->birth != NULL && strcmp(item->via, "gap") == 0 && !item->known &&
			 !duplicate[i])
			rc = note(r, item->event, err);
	}
	return rc;
}
