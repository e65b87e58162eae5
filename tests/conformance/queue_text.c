/* SPDX-License-Identifier: MIT */
/* Texts that are not UTF-8, such as one that was cut within a character: no store is broken by one,
 * whatever it is a text of. */
#include "queue/audit.h"
#include "queue/gap.h"
#include "queue/ledger.h"
#include "queue/pause.h"
#include "tests/conformance/queue_suite.h"

#define NOW SUITE_NOW_MS
/* Half a character, a stray byte, a surrogate, an overlong NUL, past the last character. */
#define HALF "m\xc3\xbc, \xc3"
#define RUBBISH "a\x80z \xed\xa0\x80 \xc0\x80 \xf4\x90\x80\x80 \xff" HALF
#define REPAIRED "a?z ??? ?? ???? ?m\xc3\xbc, ?"

struct told {
	char error[128], detail[128], log[128];
	enum queue_state state;
};

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct told *told = ctx;
	(void)err;
	told->state = row->state;
	snprintf(told->error, sizeof(told->error), "%s", row->error);
	snprintf(told->detail, sizeof(told->detail), "%s", row->detail);
	snprintf(told->log, sizeof(told->log), "%s", row->log);
	return RC_OK;
}

static void expect_run(struct suite *s, enum queue_state state)
{
	struct told told = {.error = ""};
	const char *kept = suite_shared(s) ? REPAIRED : RUBBISH;
	suite_ok(s, queue_run_get(s->runner, s->runs[0].id.text, take_run, &told, &s->err));
	cr_expect_eq(told.state, state);
	cr_expect_str_eq(told.error, kept);
	cr_expect_str_eq(told.detail, kept);
	cr_expect_str_eq(told.log, kept);
}

static void end_as(struct suite *s, enum queue_state state)
{
	struct queue_outcome o = {.state = state,
		.code = RC_RULE,
		.error = RUBBISH,
		.detail = RUBBISH,
		.log = RUBBISH,
		.due_ms = NOW,
		.started_ms = NOW,
		.ended_ms = NOW};
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, s->runs[0].epoch, &o, &s->err));
	suite_commit(s);
	expect_run(s, state);
}

QUEUE_CASE(a_run_ends_with_whatever_texts)
{
	cr_assert_eq(suite_event(s, "r", "k", 1), 1u);
	end_as(s, QUEUE_WAITING);
	cr_assert_eq(suite_claim(s, NOW, 1), 1u);
	end_as(s, QUEUE_DEAD);
}

QUEUE_CASE(a_delivery_is_taken_with_whatever_texts)
{
	struct queue_delivery d = {.source = "hook" HALF,
		.dedupe = slice_of("k" HALF),
		.headers = slice_of(RUBBISH),
		.body = slice_of(RUBBISH),
		.quarantine = RUBBISH,
		.received_ms = NOW};
	struct queue_raw raw;
	size_t n = 0;
	suite_ok(s, id_new(NOW, &d.id, &s->err));
	suite_ok(s, queue_inbox_put(s->receiver, &d, 1, &s->err));
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	cr_assert_eq(n, 1u);
	cr_expect_str_eq(raw.quarantine, suite_shared(s) ? REPAIRED : RUBBISH);
	cr_expect_eq(raw.body.n, strlen(RUBBISH), "bytes are bytes");
	cr_expect_arr_eq(raw.body.p, RUBBISH, raw.body.n);
}

QUEUE_CASE(an_event_is_routed_with_whatever_texts)
{
	struct queue_run_new run = {.rule = "r" RUBBISH,
		.source_hash = "hash",
		.key = RUBBISH,
		.also = HALF,
		.hidden = RUBBISH,
		.attempts_max = 3};
	struct queue_routing r = {.event = {.source = HALF,
					  .name = RUBBISH,
					  .object = RUBBISH,
					  .record = RUBBISH,
					  .via = "timer",
					  .reason = RUBBISH},
		.runs = &run,
		.runs_n = 1};
	struct queue_run claimed;
	size_t n = 0;
	suite_ok(s, id_new(NOW, &r.event.id, &s->err));
	suite_ok(s, queue_route(s->runner, &r, 1, 1, &claimed, &n, &s->err));
	suite_commit(s);
	cr_expect_eq(n, 1u);
	queue_run_done(&claimed);
	struct queue_filter filter = {.record = RUBBISH, .rule = "r" RUBBISH};
	cr_expect_eq(suite_runs_n(s, &filter), 1u, "it is found by what it was put with");
}

QUEUE_CASE(a_call_and_a_write_are_recorded_with_whatever_texts)
{
	cr_assert_eq(suite_event(s, "r", "k", 1), 1u);
	const struct queue_run *run = &s->runs[0];
	struct queue_call call = {.path = "1" HALF,
		.method = RUBBISH,
		.object = RUBBISH,
		.effect = true,
		.request = slice_of(RUBBISH)};
	struct queue_write write = {
		.record = RUBBISH, .object = RUBBISH, .fields = RUBBISH, .rule = RUBBISH};
	suite_ok(s, queue_call_put(s->runner, run->seq, run->epoch, &call, &s->err));
	suite_ok(s, queue_write_put(s->runner, run->seq, run->epoch, &write, &s->err));
	suite_commit(s);
	call.answer = slice_of(RUBBISH);
	suite_ok(s, queue_call_put(s->runner, run->seq, run->epoch, &call, &s->err));
	suite_commit(s);
	struct queue_call *calls = NULL;
	size_t n = 0;
	suite_ok(s, queue_calls_load(s->runner, run->seq, &calls, &n, &s->err));
	cr_expect_eq(n, 1u, "the answer to the same call");
	queue_calls_free(calls, n);
}

QUEUE_CASE(what_people_are_told_is_kept_with_whatever_texts)
{
	struct queue_issue issue = {
		.kind = "gap", .about = RUBBISH, .text = RUBBISH, .event = RUBBISH, .count = 1};
	struct queue_pause pause = {.rule = "r", .why = RUBBISH, .since_ms = NOW};
	struct queue_gap gap = {.object = HALF, .problem = RUBBISH};
	struct queue_audit audit = {.at_ms = NOW, .what = RUBBISH, .n = -1, .result = HALF};
	size_t n = 0;
	int64_t seq = 0;
	suite_ok(s, queue_issue_put(s->runner, &issue, &s->err));
	suite_ok(s, queue_pause(s->runner, &pause, &n, &s->err));
	suite_ok(s, queue_gap_put(s->runner, &gap, &s->err));
	suite_ok(s, queue_audit_put(s->runner, &audit, &seq, &s->err));
	suite_ok(s, queue_audit_end(s->runner, seq, 1, RUBBISH, &s->err));
	suite_commit(s);
	suite_ok(s, queue_issue_acknowledge(s->runner, "gap", RUBBISH, &s->err));
	suite_commit(s);
}
