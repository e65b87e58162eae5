/* SPDX-License-Identifier: MIT */
/*
 * A slow record, a failing one and ten thousand events of one: the others do not notice.
 * From: a twin that answers slowly. To: runner/route.c, runner/assign.c, the queue.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "tests/unit/runner_stage.h"

#define SLOW "11111111-2222-4333-8444-555555555555"
#define MANY 10000
#define OTHERS 100
#define BATCH 500

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  if e.record.jobTitle == \"later\" then retry_after(\"1h\") end\n"
		"  local n = e.record.jobTitle == \"slow\" and 4 or 1\n"
		"  for i = 1, n do twenty.notes:create { title = e.record.jobTitle } end\n"
		"end }");
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_fair, .init = open_stage, .fini = close_stage, .timeout = 60);

/* Many deliveries of one record at once: one by one each would wait for the disk. */
static void deliver_many(const char *id, const char *title, int n)
{
	static char bodies[BATCH][256];
	static struct queue_delivery batch[BATCH];
	struct err err = {0};
	for (int done = 0; done < n; done += BATCH) {
		for (int i = 0; i < BATCH; i++) {
			int size = snprintf(bodies[i], sizeof(bodies[i]),
				"{\"eventName\":\"person.updated\",\"record\":{\"id\":\"%s\","
				"\"jobTitle\":\"%s\",\"city\":\"%d\"},\"updatedFields\":[\"city\"]"
				"}",
				id, title, done + i);
			batch[i] = (struct queue_delivery){.source = "twenty",
				.body = {bodies[i], (size_t)size},
				.received_ms = clock_wall_ms()};
			cr_assert_eq(id_new(batch[i].received_ms, &batch[i].id, &err), RC_OK);
		}
		cr_assert_eq(queue_inbox_put(s.inbox, batch, BATCH, &err), RC_OK, "%s", err.msg);
	}
}

static bool others_done(struct stage *stage, long n)
{
	return stage_counts(stage).runs[QUEUE_DONE] >= n;
}

/* Milliseconds until so many others have all had their effect. */
static int64_t others_ms(int n)
{
	int64_t from = clock_mono_ms();
	int64_t before = stage_counts(&s).runs[QUEUE_DONE];
	for (int i = 0; i < n; i++)
		stage_someone(&s, "quick");
	stage_until(&s, others_done, before + n);
	return clock_mono_ms() - from;
}

Test(runner_fair, ten_thousand_events_of_a_slow_record_hold_up_nobody_else)
{
	stage_start(&s, STAGE_SLOW_TWIN, NULL);
	stage_until(&s, stage_all_ready, 0);
	int64_t alone = others_ms(OTHERS);
	deliver_many(SLOW, "slow", MANY);
	int64_t behind = others_ms(OTHERS), once_more = others_ms(OTHERS);
	struct queue_counts c = stage_counts(&s);
	printf("%d others: %" PRId64 " ms alone; behind %d events of a slow record %" PRId64
	       " ms, while they are routed, and %" PRId64 " ms then; %" PRId64 " of those wait\n",
		OTHERS, alone, MANY, behind, once_more, c.runs[QUEUE_WAITING]);
	cr_expect_gt(c.runs[QUEUE_WAITING], MANY * 9 / 10, "the slow ones are still there");
	cr_expect_leq(c.runs[QUEUE_RUNNING] + c.runs[QUEUE_DUE], 1, "one at a time");
	cr_expect_lt(behind, 10000);
	cr_expect_lt(once_more, alone * 3 + 1000);
}

Test(runner_fair, records_that_wait_for_a_repeat_take_no_room_and_keep_their_order)
{
	stage_start(&s, STAGE_SLOW_TWIN, "limits = { runs = 4 }");
	for (int i = 0; i < 40; i++)
		stage_someone(&s, "later");
	deliver_many(SLOW, "later", BATCH);
	stage_until(&s, stage_waiting, 40 + BATCH);
	(void)others_ms(OTHERS);
	struct queue_counts c = stage_counts(&s);
	cr_expect_eq(c.runs[QUEUE_DONE], OTHERS);
	cr_expect_eq(c.runs[QUEUE_WAITING], 40 + BATCH);
	stage_look(&s);
	int due = 0;
	for (size_t i = 0; i < s.runs_n; i++)
		due += s.runs[i].due_ms > 0;
	cr_expect_eq(due, 41, "of each record the first waits for its time, the others for it");
}
