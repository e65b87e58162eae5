/* SPDX-License-Identifier: MIT */
/*
 * The budget is short: says so, once.
 * From: upkeep.c, four times a second. To: the metrics page and the log. A pause is no end: a busy
 * workspace lives on the edge of its budget, and the log would tell of nothing else.
 */
#include "runner/waiting.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"

#define TELL_MS 2000   /* shorter waits are what a budget is for */
#define QUIET_MS 10000 /* without anybody waiting: then it is over */

static void set_metrics(const struct client_status *now)
{
	static const enum metric lanes[CLIENT_LANE_N] = {METRIC_API_LANE_LIVE,
		METRIC_API_LANE_RETRY, METRIC_API_LANE_GAP, METRIC_API_LANE_BACKFILL};
	for (int i = 0; i < CLIENT_LANE_N; i++)
		metrics_set(lanes[i], now->lanes[i]);
	metrics_set(METRIC_API_HELD_BUDGET, strcmp(now->waiting_for, "budget") == 0);
	metrics_set(METRIC_API_HELD_TWENTY, strcmp(now->waiting_for, "twenty") == 0);
	metrics_set(METRIC_API_NEXT, now->next_ms);
	metrics_set(METRIC_API_RATE, now->rate < 0 ? -1 : (int64_t)(now->rate + 0.5));
}

/* Twenty has taught us another limit than the configured one, or that one again. */
static void note_rate(struct waiting *w, const struct client_status *now)
{
	int64_t rate = now->rate < 0 ? -1 : (int64_t)(now->rate + 0.5);
	if (w->rate != 0 && rate < w->rate)
		log_warn(NULL,
			"Twenty allows %" PRId64 " requests a minute, not %" PRId64
			": that is what it gets",
			rate, w->rate);
	else if (w->rate != 0 && rate > w->rate)
		log_info(NULL, "%" PRId64 " requests a minute are tried again", rate);
	w->rate = rate;
}

static void begin(struct waiting *w, const struct client_status *now, int64_t mono_ms)
{
	w->from_ms = mono_ms != 0 ? mono_ms : 1;
	w->requests = now->requests;
	w->most = 0;
	w->told = false;
}

static void end(struct waiting *w, const struct client_status *now)
{
	if (w->told)
		log_info(NULL,
			"no call waits for the budget any more: up to %" PRId64 " did, for %" PRId64
			" s, in which %" PRId64 " requests went out",
			w->most, (w->last_ms - w->from_ms) / 1000, now->requests - w->requests);
	w->from_ms = 0;
}

void waiting_look(struct waiting *w, const struct client_status *now, int64_t mono_ms)
{
	set_metrics(now);
	note_rate(w, now);
	bool held = strcmp(now->waiting_for, "budget") == 0;
	if (!held) {
		if (w->from_ms != 0 && mono_ms - w->last_ms >= QUIET_MS)
			end(w, now);
		return;
	}
	if (w->from_ms == 0)
		begin(w, now, mono_ms);
	w->last_ms = mono_ms;
	w->most = now->waiting > w->most ? now->waiting : w->most;
	if (w->told || mono_ms - w->from_ms < TELL_MS)
		return;
	w->told = true;
	if (now->rate < 0)
		log_info(NULL,
			"%" PRId64 " calls wait: Twenty says that too many requests were made",
			now->waiting);
	else
		log_info(NULL, "%" PRId64 " calls wait for the budget of %.0f requests a minute",
			now->waiting, now->rate);
}
