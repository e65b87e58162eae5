/* SPDX-License-Identifier: MIT */
/* What the runner tells about itself from time to time, and what it clears away. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "base/link.h"
#include "base/metrics.h"
#include "queue/ledger.h"
#include "tests/unit/runner_stage.h"

#define LATER_RULE                                                                                 \
	"rule \"r\" { on = \"person.*\", run = function() retry_after(\"1h\", \"later\") end }"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_upkeep, .init = open_stage, .fini = close_stage, .timeout = 60);

static void deliver_aged(int64_t age_ms)
{
	struct err err = {0};
	struct queue_delivery d = {.source = "twenty",
		.body = slice_of("{\"eventName\":\"person.updated\",\"record\":{\"id\":\"p-1\"}}"),
		.received_ms = clock_wall_ms() - age_ms};
	cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(s.inbox, &d, 1, &err), RC_OK, "%s", err.msg);
}

static bool depth_is(struct stage *stage, long n)
{
	(void)stage;
	return metrics_value(METRIC_QUEUE_DEPTH) == n;
}

Test(runner_upkeep, metrics_tell_how_long_the_queue_is_and_how_old)
{
	stage_rule(&s, "a.lua", LATER_RULE);
	stage_start(&s, STAGE_ALONE, NULL);
	deliver_aged(60000);
	stage_someone(&s, "x");
	stage_until(&s, depth_is, 2);
	cr_assert_geq(metrics_value(METRIC_QUEUE_AGE), 60);
	cr_assert_lt(metrics_value(METRIC_QUEUE_AGE), 120);
}

static bool is_unreachable(struct stage *stage, long n)
{
	(void)stage, (void)n;
	return metrics_value(METRIC_API_UNREACHABLE) == 1;
}

/* Nobody listens at the address of Twenty. */
Test(runner_upkeep, a_twenty_that_cannot_be_reached_is_told_to_the_supervisor)
{
	struct err err = {0};
	struct link_msg msg = {.kind = ""};
	struct buf in;
	stage_start(&s, STAGE_ALONE, NULL);
	stage_until(&s, is_unreachable, 0);
	buf_init(&in, LINK_MAX + 1);
	while (strcmp(msg.kind, "problem") != 0)
		cr_assert_eq(link_receive(s.link[0], &in, &msg, &err), RC_OK, "%s", err.msg);
	cr_assert_not_null(memmem(msg.text.p, msg.text.n, "cannot be reached", 17), "%.*s",
		(int)msg.text.n, msg.text.p);
	buf_done(&in);
}

static bool runs_are(struct stage *stage, long n)
{
	stage_look(stage);
	return (long)stage->runs_n == n;
}

Test(runner_upkeep, what_is_past_its_time_is_cleared_away)
{
	struct queue_retention brief = {.runs_ms = 1, .events_ms = 1};
	stage_rule(&s, "a.lua", "rule \"r\" { on = \"person.*\", run = function() end }");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_assert(runs_are(&s, 1));
	s.runner->settings.keep = brief;
	s.runner->upkeep.prune_at_ms = 0; /* else it looks every ten seconds */
	stage_until(&s, runs_are, 0);
	cr_assert_gt(s.runner->upkeep.prune_at_ms, clock_mono_ms(), "and then not for a while");
}

static enum rc count_one(void *ctx, const struct queue_write *write, struct err *err)
{
	(void)write, (void)err;
	++*(long *)ctx;
	return RC_OK;
}

#define WRITTEN "8381ab5c-0000-4000-8000-000000000001"

static bool writes_are(struct stage *stage, long n)
{
	static const struct queue_span any = {0, INT64_MAX};
	struct err err = {0};
	long found = 0;
	cr_assert_eq(queue_write_each(stage->work, WRITTEN, &any, count_one, &found, &err), RC_OK);
	return found == n;
}

static bool runs_live(struct stage *stage, long n)
{
	return (long)stage->runner->runs.live_n == n && stage->runner->runs.slots[0].calls_n > 0;
}

/* More of them than one step takes. */
Test(runner_upkeep, writes_of_four_days_ago_are_forgotten_and_many_without_a_rest)
{
	struct err err = {0};
	struct queue_write w = {.record = WRITTEN, .object = "person", .at_ms = 1, .fields = ""};
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function() twenty.people:list {} end }");
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, runs_live, 1);
	const struct queue_run *q = &s.runner->runs.slots[0].q;
	for (int i = 0; i <= QUEUE_WRITES_PRUNED + 1; i++) {
		w.written_ms = clock_wall_ms() - (i <= QUEUE_WRITES_PRUNED ? 4 : 2) * 86400000;
		cr_assert_eq(
			queue_write_put(s.work, q->seq, q->epoch, &w, &err), RC_OK, "%s", err.msg);
	}
	s.runner->upkeep.prune_at_ms = 0;
	stage_until(&s, writes_are, 2);
	cr_assert_lt(s.runner->upkeep.prune_at_ms, clock_mono_ms() + 5000);
	stage_until(&s, writes_are, 1);
	s.runner->upkeep.prune_at_ms = 0;
	stage_turn(&s, 4);
	cr_assert(writes_are(&s, 1), "two days are kept");
}
