/* SPDX-License-Identifier: MIT */
/* What people remove and settle by hand: what is open is never touched, and the counts stay true.
 */
#include "queue/hand.h"

#include "tests/conformance/queue_suite.h"

QUEUE_CASE(a_purged_run_goes_with_its_journal_and_its_event_has_nothing_left_to_do)
{
	struct queue_call call = {.path = "1", .method = "now"}, *calls = NULL;
	size_t n = 9;
	suite_event(s, "a", "record", 8);
	struct queue_run run = s->runs[0];
	suite_ok(s, queue_call_put(s->runner, run.seq, run.epoch, &call, &s->err));
	cr_assert_eq(queue_run_purge(s->runner, run.id.text, &s->err), RC_INVALID);
	cr_assert_not_null(strstr(s->err.msg, "is running"), "%s", s->err.msg);
	suite_finish(s, &run, QUEUE_DEAD);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DEAD);
	suite_ok(s, queue_run_purge(s->runner, run.id.text, &s->err));
	cr_assert_eq(suite_runs_n(s, NULL), 0u);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DONE);
	suite_ok(s, queue_calls_load(s->runner, run.seq, &calls, &n, &s->err));
	cr_assert_eq(n, 0u);
	cr_assert_eq(queue_run_purge(s->runner, run.id.text, &s->err), RC_NOT_FOUND);
	suite_check_counts(s);
}

static void quarantine(struct suite *s)
{
	struct queue_raw raw;
	size_t n = 0;
	suite_put(s, NULL, "no JSON");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	struct queue_routing r = {.event = {.seq = raw.seq,
					  .id = raw.id,
					  .source = raw.source,
					  .reason = "rubbish",
					  .via = "hook",
					  .state = QUEUE_QUARANTINED}};
	suite_ok(s, queue_route(s->runner, &r, 1, 0, NULL, &n, &s->err));
}

struct seen_event {
	char id[ID_N + 1], reason[64];
};

static enum rc take(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct seen_event *seen = ctx;
	(void)err;
	snprintf(seen->id, sizeof(seen->id), "%s", row->id);
	snprintf(seen->reason, sizeof(seen->reason), "%s", row->reason);
	return RC_OK;
}

QUEUE_CASE(an_event_in_quarantine_is_settled_once)
{
	struct seen_event seen;
	quarantine(s);
	suite_ok(s, queue_event_each(s->runner, NULL, take, &seen, &s->err));
	suite_ok(s, queue_event_settle(s->runner, seen.id, "tried again", &s->err));
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DONE);
	suite_ok(s, queue_event_each(s->runner, NULL, take, &seen, &s->err));
	cr_assert_str_eq(seen.reason, "rubbish; tried again");
	cr_assert_eq(queue_event_settle(s->runner, seen.id, "again", &s->err), RC_INVALID);
	cr_assert_eq(queue_event_purge(s->runner, seen.id, &s->err), RC_INVALID);
	cr_assert_eq(queue_event_settle(s->runner, "zzzz", "again", &s->err), RC_NOT_FOUND);
	suite_check_counts(s);
}

QUEUE_CASE(an_event_in_quarantine_is_purged_and_one_whose_run_is_there_is_not)
{
	struct seen_event seen;
	quarantine(s);
	suite_ok(s, queue_event_each(s->runner, NULL, take, &seen, &s->err));
	suite_ok(s, queue_event_purge(s->runner, seen.id, &s->err));
	cr_assert_eq(suite_events_n(s, NULL), 0u);
	suite_check_counts(s);
	suite_event(s, "a", "record", 8);
	suite_finish(s, &s->runs[0], QUEUE_QUARANTINED);
	suite_ok(s, queue_event_each(s->runner, NULL, take, &seen, &s->err));
	cr_assert_eq(queue_event_purge(s->runner, seen.id, &s->err), RC_INVALID);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_QUARANTINED);
}

QUEUE_CASE(lists_end_where_they_are_told_to)
{
	suite_event(s, "a", "", 0);
	suite_event(s, "a", "", 0);
	suite_event(s, "a", "", 0);
	struct queue_filter f = {.after_seq = 1, .upto_seq = 2};
	cr_assert_eq(suite_runs_n(s, &f), 1u);
	f.upto_seq = 3;
	cr_assert_eq(suite_runs_n(s, &f), 2u);
	f = (struct queue_filter){.upto_seq = (int64_t)2 << 24};
	cr_assert_eq(suite_events_n(s, &f), 2u);
}
