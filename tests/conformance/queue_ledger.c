/* SPDX-License-Identifier: MIT */
/* What runs wrote, and which events came of it. */
#include "tests/conformance/queue_suite.h"

#define ANN "36d4adf0-ec41-4587-a1b6-1523f9b5f092"
#define BOB "ea3cacbf-d741-4a02-8704-f74ab11dafff"

static const struct queue_write sample = {
	.record = ANN,
	.object = "person",
	.action = QUEUE_UPDATED,
	.at_ms = 1000,
	.since_ms = 900,
	.written_ms = 5000,
	.fields = "stage=0123456789abcdef score~fedcba9876543210",
};

static void put(struct suite *s, size_t run, const struct queue_write *write)
{
	suite_ok(s,
		queue_write_put(s->runner, s->runs[run].seq, s->runs[run].epoch, write, &s->err));
}

struct found {
	struct queue_write last;
	char rule[64], fields[200], object[64];
	int64_t at_ms[QUEUE_WRITES_MAX];
	size_t n;
	bool whole;
};

static enum rc take(void *ctx, const struct queue_write *write, struct err *err)
{
	struct found *f = ctx;
	(void)err;
	f->last = *write;
	f->whole = write->fields == NULL;
	snprintf(f->rule, sizeof(f->rule), "%s", write->rule);
	snprintf(f->object, sizeof(f->object), "%s", write->object);
	snprintf(f->fields, sizeof(f->fields), "%s", write->fields != NULL ? write->fields : "");
	f->at_ms[f->n++] = write->at_ms;
	return RC_OK;
}

static struct found find(struct suite *s, const char *record)
{
	struct found f = {.n = 0};
	struct queue_span any = {0, INT64_MAX};
	suite_ok(s, queue_write_each(s->runner, record, &any, take, &f, &s->err));
	return f;
}

QUEUE_CASE(a_write_is_found_by_its_record_with_its_run_and_rule)
{
	suite_event(s, "rule", "a", 1);
	put(s, 0, &sample);
	struct found f = find(s, ANN);
	cr_assert_eq(f.n, 1u);
	cr_assert_str_eq(f.rule, "rule");
	cr_assert_str_eq(f.object, "person");
	cr_assert_str_eq(f.fields, sample.fields);
	cr_assert_eq(f.last.action, QUEUE_UPDATED);
	cr_assert_eq(f.last.at_ms, 1000);
	cr_assert_eq(f.last.since_ms, 900);
	cr_assert_eq(f.last.written_ms, 5000);
	cr_assert_eq(f.last.run, s->runs[0].seq);
	cr_assert_eq(f.last.depth, 0);
	cr_assert_eq(find(s, BOB).n, 0u);
}

QUEUE_CASE(no_fields_is_another_thing_than_none)
{
	struct queue_write whole = sample, none = sample;
	whole.fields = NULL;
	none.fields = "";
	suite_event(s, "rule", "a", 1);
	put(s, 0, &whole);
	cr_assert(find(s, ANN).whole);
	put(s, 0, &none);
	struct found f = find(s, ANN);
	cr_assert_eq(f.n, 2u);
	cr_assert(f.whole, "the newest come first");
}

QUEUE_CASE(the_newest_writes_come_first_and_not_too_many)
{
	suite_event(s, "rule", "a", 1);
	for (int i = 0; i < QUEUE_WRITES_MAX + 5; i++) {
		struct queue_write w = sample;
		w.at_ms = i;
		put(s, 0, &w);
	}
	struct found f = find(s, ANN);
	cr_assert_eq(f.n, (size_t)QUEUE_WRITES_MAX);
	for (int i = 0; i < QUEUE_WRITES_MAX; i++)
		cr_assert_eq(f.at_ms[i], QUEUE_WRITES_MAX + 4 - i);
}

QUEUE_CASE(writes_are_found_by_their_time_or_where_that_says_little)
{
	static const struct {
		int64_t at_ms, since_ms;
	} times[] = {{100, 0}, {200, 0}, {300, 0}, {0, 0}, {400, 50}, {150, 50}};
	struct queue_span span = {200, 300};
	struct found f = {.n = 0};
	suite_event(s, "rule", "a", 1);
	for (size_t i = 0; i < ARRAY_N(times); i++) {
		struct queue_write w = sample;
		w.at_ms = times[i].at_ms;
		w.since_ms = times[i].since_ms;
		put(s, 0, &w);
	}
	suite_ok(s, queue_write_each(s->runner, ANN, &span, take, &f, &s->err));
	cr_assert_eq(f.n, 4u);
	cr_assert_eq(f.at_ms[0], 400);
	cr_assert_eq(f.at_ms[1], 0);
	cr_assert_eq(f.at_ms[2], 300);
	cr_assert_eq(f.at_ms[3], 200);
}

QUEUE_CASE(a_write_under_an_old_lease_is_refused)
{
	suite_event(s, "rule", "a", 1);
	cr_assert_eq(
		queue_write_put(s->runner, s->runs[0].seq, s->runs[0].epoch + 1, &sample, &s->err),
		RC_STALE);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(queue_write_put(s->runner, s->runs[0].seq, s->runs[0].epoch, &sample, &s->err),
		RC_STALE);
	cr_assert_eq(find(s, ANN).n, 0u);
}

QUEUE_CASE(writes_are_forgotten_by_age_by_number_and_by_record)
{
	size_t n = 0;
	suite_event(s, "rule", "a", 1);
	for (int i = 0; i < 10; i++) {
		struct queue_write w = sample;
		w.record = i % 2 == 0 ? ANN : BOB;
		w.written_ms = 1000 + i;
		put(s, 0, &w);
	}
	suite_ok(s, queue_write_prune(s->runner, 1003, 100, &n, &s->err));
	cr_assert_eq(n, 3u);
	suite_ok(s, queue_write_prune(s->runner, 0, 4, &n, &s->err));
	cr_assert_eq(n, 3u);
	cr_assert_eq(find(s, ANN).n + find(s, BOB).n, 4u);
	suite_ok(s, queue_write_prune(s->runner, 0, 4, &n, &s->err));
	cr_assert_eq(n, 0u);
	suite_ok(s, queue_write_erase(s->runner, ANN, &n, &s->err));
	cr_assert_eq(n, 2u);
	cr_assert_eq(find(s, ANN).n, 0u);
	cr_assert_eq(find(s, BOB).n, 2u);
}

/* An event that this run's write is, and its run. */
static void caused(struct suite *s, int64_t run, int depth)
{
	struct queue_raw raw[4];
	size_t n = 0, claimed = 0;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 4, raw, &n, &s->err));
	cr_assert_eq(n, 1u);
	struct queue_run_new new = {.rule = "other",
		.source_hash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		.key = ANN,
		.hidden = "stage score",
		.attempts_max = 3};
	struct queue_routing routing = {.event = {.seq = raw[0].seq,
						.id = raw[0].id,
						.source = "twenty",
						.name = "person.updated",
						.object = "person",
						.record = ANN,
						.via = "hook",
						.state = QUEUE_DUE,
						.received_ms = SUITE_NOW_MS,
						.cause = {run, depth, "stage, intro", NULL}},
		.runs = &new,
		.runs_n = 1};
	suite_ok(s, queue_route(s->runner, &routing, 1, 1, &s->runs[s->runs_n], &claimed, &s->err));
	cr_assert_eq(claimed, 1u);
	s->runs_n++;
}

QUEUE_CASE(an_event_keeps_its_cause_and_a_write_of_its_run_is_as_deep)
{
	struct queue_cause cause;
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_cause_find(s->runner, s->runs[0].seq, &cause, &s->err));
	cr_assert_eq(cause.run, 0);
	cr_assert_eq(cause.depth, 0);
	cr_assert_null(cause.fields);
	cr_assert_null(cause.hidden);

	caused(s, s->runs[0].seq, 1);
	suite_ok(s, queue_cause_find(s->runner, s->runs[1].seq, &cause, &s->err));
	cr_assert_eq(cause.run, s->runs[0].seq);
	cr_assert_eq(cause.depth, 1);
	cr_assert_str_eq(cause.fields, "stage, intro");
	cr_assert_str_eq(cause.hidden, "stage score");
	put(s, 1, &sample);
	cr_assert_eq(find(s, ANN).last.depth, 1);
}

QUEUE_CASE(a_chain_is_read_step_by_step)
{
	struct queue_step step;
	suite_event(s, "rule", "a", 1);
	caused(s, s->runs[0].seq, 1);
	suite_ok(s, queue_step_get(s->runner, s->runs[1].seq, &step, &s->err));
	cr_assert_str_eq(step.rule, "other");
	cr_assert_str_eq(step.run_id, s->runs[1].id.text);
	cr_assert_str_eq(step.name, "person.updated");
	cr_assert_str_eq(step.record, ANN);
	cr_assert_str_eq(step.via, "hook");
	cr_assert_str_eq(step.fields, "stage, intro");
	cr_assert_eq(step.depth, 1);
	cr_assert_eq(step.cause, s->runs[0].seq);
	suite_ok(s, queue_step_get(s->runner, step.cause, &step, &s->err));
	cr_assert_str_eq(step.rule, "rule");
	cr_assert_eq(step.cause, 0);
	cr_assert_eq(queue_step_get(s->runner, 4711, &step, &s->err), RC_NOT_FOUND);
}

QUEUE_CASE(a_cause_may_be_found_out_later)
{
	struct queue_cause cause, later = {.depth = 3, .fields = "intro", .hidden = "stage"};
	suite_event(s, "rule", "a", 2);
	suite_event(s, "rule", "b", 2);
	later.run = s->runs[0].seq;
	suite_ok(s, queue_cause_put(s->runner, s->runs[1].seq, s->runs[1].epoch, &later, &s->err));
	suite_ok(s, queue_cause_find(s->runner, s->runs[1].seq, &cause, &s->err));
	cr_assert_eq(cause.run, s->runs[0].seq);
	cr_assert_eq(cause.depth, 3);
	cr_assert_str_eq(cause.hidden, "stage");
	suite_ok(s, queue_cause_put(s->runner, s->runs[1].seq, s->runs[1].epoch, &later, &s->err));
	cr_assert_eq(queue_cause_put(s->runner, s->runs[1].seq, 99, &later, &s->err), RC_STALE);
}

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	char *text = ctx;
	(void)err;
	snprintf(text, 64, "%s %d", row->cause, row->depth);
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	char *text = ctx;
	(void)err;
	snprintf(text, 64, "%s %d", row->cause, row->depth);
	return RC_OK;
}

QUEUE_CASE(lists_name_the_run_that_an_event_came_of)
{
	char text[64], expected[64];
	struct queue_filter all = {0};
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_event_each(s->runner, &all, take_event, text, &s->err));
	cr_assert_str_eq(text, " 0");
	caused(s, s->runs[0].seq, 1);
	snprintf(expected, sizeof(expected), "%s 1", s->runs[0].id.text);
	suite_ok(s, queue_event_each(s->runner, &all, take_event, text, &s->err));
	cr_assert_str_eq(text, expected);
	suite_ok(s, queue_event_get(s->runner, s->runs[1].event.text, take_event, text, &s->err));
	cr_assert_str_eq(text, expected);
	suite_ok(s, queue_run_each(s->runner, &all, take_run, text, &s->err));
	cr_assert_str_eq(text, expected);
}

QUEUE_CASE(an_event_whose_runs_were_all_echoes_is_one)
{
	suite_event(s, "rule", "a", 1);
	suite_finish(s, &s->runs[0], QUEUE_ECHO);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_ECHO);
	suite_check_counts(s);
}
