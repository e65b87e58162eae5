/* SPDX-License-Identifier: MIT */
/*
 * Gaps, as one JSON object.
 * From: status.c. The counts come from the metrics, the watermarks from the store.
 */
#include "console/gap.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/gap.h"

/* How long ago; null: never. */
static json_t *age(int64_t wall_ms, int64_t now_ms)
{
	return wall_ms != 0 ? json_integer((json_int_t)(now_ms - wall_ms)) : json_null();
}

static enum rc add_object(void *ctx, const struct queue_gap *gap, struct err *err)
{
	char until[CLOCK_TEXT_N];
	int64_t now_ms = clock_wall_ms();
	clock_format(gap->from_ms, until);
	json_t *problem = gap->problem[0] != '\0' ? json_string(gap->problem) : NULL;
	json_t *one = json_pack("{s:s, s:o, s:o, s:o, s:o}", "object", gap->object, "until",
		gap->first_ms != 0 ? json_string(until) : json_null(), "asked_ms",
		age(gap->asked_ms, now_ms), "swept_ms", age(gap->swept_ms, now_ms), "problem",
		problem != NULL ? problem : json_null());
	if (one == NULL || json_array_append_new(ctx, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for the list of objects");
	return RC_OK;
}

enum rc gap_describe(struct queue *q, json_t **ret_gap, struct err *err)
{
	json_t *objects = json_array();
	enum rc rc = queue_gap_each(q, add_object, objects, err);
	if (rc != RC_OK) {
		json_decref(objects);
		return rc;
	}
	*ret_gap = json_pack("{s:I, s:I, s:I, s:I, s:o}", "running",
		(json_int_t)metrics_value(METRIC_GAP_RUNNING), "stopped",
		(json_int_t)metrics_value(METRIC_GAP_STOPPED), "late",
		(json_int_t)metrics_value(METRIC_GAP_LATE), "requests",
		(json_int_t)metrics_value(METRIC_GAP_REQUESTS), "objects", objects);
	return *ret_gap != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for gaps");
}
