/* SPDX-License-Identifier: MIT */
/* Lists, single rows, counts, retention. */
#include "tests/conformance/queue_suite.h"

struct rows {
	size_t n;
	char ids[16][ID_N + 1];
	int64_t seqs[16];
	char body[64], headers[64];
	enum queue_state state;
};

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct rows *rows = ctx;
	(void)err;
	rows->state = row->state;
	snprintf(rows->ids[rows->n], ID_N + 1, "%s", row->id);
	snprintf(rows->body, sizeof(rows->body), "%.*s", (int)row->body.n, row->body.p);
	snprintf(rows->headers, sizeof(rows->headers), "%.*s", (int)row->headers.n, row->headers.p);
	rows->seqs[rows->n++] = row->seq;
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct rows *rows = ctx;
	(void)err;
	rows->state = row->state;
	snprintf(rows->ids[rows->n], ID_N + 1, "%s", row->id);
	rows->seqs[rows->n++] = row->seq;
	return RC_OK;
}

static enum rc stop_at_once(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)row;
	(*(int *)ctx)++;
	return err_set(err, RC_CLOSED, "enough");
}

QUEUE_CASE(events_are_listed_oldest_first_routed_or_not)
{
	struct rows rows = {0};
	struct id a = suite_put(s, NULL, "{}"), b = suite_put(s, NULL, "{}");
	suite_route(s, 1, "rule", "", 0);
	suite_ok(s, queue_event_each(s->runner, NULL, take_event, &rows, &s->err));
	cr_assert_eq(rows.n, 2u);
	cr_assert_str_eq(rows.ids[0], a.text);
	cr_assert_str_eq(rows.ids[1], b.text);
	cr_assert_eq(rows.state, QUEUE_DUE);
	cr_assert_str_empty(rows.body);
}

struct walk { /* each event is asked for by its id, on the way */
	struct queue *q;
	struct rows one;
	int n;
};

static enum rc ask_for_it(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct walk *walk = ctx;
	if (++walk->n > 10)
		return err_set(err, RC_CLOSED, "the walk comes to no end");
	walk->one.n = 0;
	return queue_event_get(walk->q, row->id, take_event, &walk->one, err);
}

QUEUE_CASE(who_walks_may_ask_for_each_event_routed_or_not)
{
	struct walk walk = {.q = s->runner};
	for (int i = 0; i < 5; i++)
		suite_put(s, NULL, "{}");
	suite_route(s, 1, "rule", "", 0);
	suite_ok(s, queue_event_each(s->runner, NULL, ask_for_it, &walk, &s->err));
	cr_assert_eq(walk.n, 5);
}

QUEUE_CASE(following_from_the_last_number_misses_nothing)
{
	struct rows rows = {0};
	suite_put(s, NULL, "{}");
	suite_put(s, NULL, "{}");
	suite_route(s, 1, "rule", "", 0);
	suite_ok(s, queue_event_each(s->runner, NULL, take_event, &rows, &s->err));
	struct queue_filter f = {.after_seq = rows.seqs[1]};
	cr_assert_eq(suite_events_n(s, &f), 0u);
	struct queue_routing born = {.event = {.via = "timer", .state = QUEUE_DONE}};
	size_t n = 0;
	suite_ok(s, queue_route(s->runner, &born, 1, 0, NULL, &n, &s->err));
	suite_route(s, 1, "rule", "", 0);
	cr_assert_eq(suite_events_n(s, &f), 2u);
}

QUEUE_CASE(a_limit_keeps_the_newest)
{
	struct rows rows = {0};
	struct queue_filter f = {.limit = 2};
	struct id ids[4];
	for (int i = 0; i < 4; i++)
		ids[i] = suite_put(s, NULL, "{}");
	suite_route(s, 3, "rule", "", 0);
	suite_ok(s, queue_event_each(s->runner, &f, take_event, &rows, &s->err));
	cr_assert_eq(rows.n, 2u);
	cr_assert_str_eq(rows.ids[0], ids[2].text);
	cr_assert_str_eq(rows.ids[1], ids[3].text);
	rows.n = 0;
	suite_ok(s, queue_run_each(s->runner, &f, take_run, &rows, &s->err));
	cr_assert_eq(rows.n, 2u);
	cr_assert_lt(rows.seqs[0], rows.seqs[1]);
	f.after_seq = rows.seqs[0];
	cr_assert_eq(suite_runs_n(s, &f), 1u);
}

QUEUE_CASE(filters_are_joined_with_and)
{
	suite_event(s, "enrich", "p1", 1);
	suite_event(s, "route", "p2", 1);
	struct id event = s->runs[1].event, run = s->runs[1].id;
	suite_finish(s, &s->runs[1], QUEUE_DEAD);
	struct {
		struct queue_filter f;
		size_t events, runs;
	} cases[] = {
		{{.rule = "route"}, 1, 1},
		{{.rule = "route", .record = "p1"}, 0, 0},
		{{.source = "twenty"}, 2, 2},
		{{.source = "stripe"}, 0, 0},
		{{.name = "person.created", .object = "person"}, 2, 2},
		{{.name = "person.deleted"}, 0, 0},
		{{.object = "task"}, 0, 0},
		{{.state = QUEUE_DEAD, .has_state = true}, 1, 1},
		{{.state = QUEUE_DUE, .has_state = true}, 1, 0},
		{{.error = "rejected"}, 1, 1},
		{{.error = "such"}, 1, 1},
		{{.error = "other"}, 0, 0},
		{{.since_ms = SUITE_NOW_MS + 1}, 0, 2},
		{{.since_ms = INT64_MAX}, 0, 0},
		{{.event = event.text}, 1, 1},
		{{.id = run.text}, 0, 1},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		cr_assert_eq(
			suite_events_n(s, &cases[i].f), cases[i].events, "events, case %zu", i);
		cr_assert_eq(suite_runs_n(s, &cases[i].f), cases[i].runs, "runs, case %zu", i);
	}
}

QUEUE_CASE(a_quarantined_delivery_is_listed_so_before_it_is_routed)
{
	struct queue_delivery d = {
		.source = "twenty", .quarantine = "clock skew", .body = slice_of("x")};
	struct queue_filter f = {.state = QUEUE_QUARANTINED, .has_state = true};
	suite_ok(s, id_new(SUITE_NOW_MS, &d.id, &s->err));
	suite_ok(s, queue_inbox_put(s->receiver, &d, 1, &s->err));
	suite_put(s, NULL, "{}");
	cr_assert_eq(suite_events_n(s, &f), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(an_event_is_found_by_a_unique_prefix_with_its_body)
{
	struct rows rows = {0};
	struct queue_delivery d[2] = {0};
	for (size_t i = 0; i < 2; i++) {
		snprintf(d[i].id.text, sizeof(d[i].id.text), "01abc%021d", (int)i);
		d[i].source = "twenty";
		d[i].headers = slice_of("a: b\n");
		d[i].body = slice_of(i == 0 ? "zero" : "one");
	}
	suite_ok(s, queue_inbox_put(s->receiver, d, 2, &s->err));
	suite_route(s, 1, "rule", "", 0);
	cr_assert_eq(queue_event_get(s->runner, "01ab", take_event, &rows, &s->err), RC_INVALID);
	cr_assert_eq(queue_event_get(s->runner, "02", take_event, &rows, &s->err), RC_NOT_FOUND);
	cr_assert_eq(queue_event_get(s->runner, "", take_event, &rows, &s->err), RC_NOT_FOUND);
	suite_ok(s, queue_event_get(s->runner, d[0].id.text, take_event, &rows, &s->err));
	cr_assert_str_eq(rows.body, "zero");
	cr_assert_str_eq(rows.headers, "a: b\n");
	suite_ok(s, queue_event_get(s->runner, d[1].id.text, take_event, &rows, &s->err));
	cr_assert_str_eq(rows.body, "one");
	char upper[ID_N + 1];
	snprintf(upper, sizeof(upper), "01ABC%021d", 1);
	suite_ok(s, queue_event_get(s->runner, upper, take_event, &rows, &s->err));
}

QUEUE_CASE(a_run_is_found_by_a_unique_prefix)
{
	struct rows rows = {0};
	suite_event(s, "rule", "", 2);
	suite_event(s, "rule", "", 2);
	const char *id = s->runs[0].id.text;
	suite_ok(s, queue_run_get(s->runner, id, take_run, &rows, &s->err));
	cr_assert_str_eq(rows.ids[0], id);
	cr_assert_eq(queue_run_get(s->runner, "0", take_run, &rows, &s->err), RC_INVALID);
	cr_assert_eq(queue_run_get(s->runner, "%", take_run, &rows, &s->err), RC_NOT_FOUND);
	cr_assert_eq(rows.n, 1u);
}

QUEUE_CASE(a_call_back_ends_the_walk_with_its_code)
{
	int calls = 0;
	suite_put(s, NULL, "{}");
	suite_put(s, NULL, "{}");
	cr_assert_eq(queue_event_each(s->runner, NULL, stop_at_once, &calls, &s->err), RC_CLOSED);
	cr_assert_eq(calls, 1);
	cr_assert_eq(suite_events_n(s, NULL), 2u);
}

QUEUE_CASE(a_reader_sees_what_has_been_committed)
{
	struct queue *reader;
	struct rows rows = {0};
	struct queue_counts counts;
	suite_event(s, "rule", "a", 1);
	suite_commit(s);
	suite_ok(s, queue_open(s->store, QUEUE_READER, &reader, &s->err));
	suite_ok(s, queue_run_each(reader, NULL, take_run, &rows, &s->err));
	cr_assert_eq(rows.n, 1u);
	cr_assert_eq(rows.state, QUEUE_RUNNING);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	suite_ok(s, queue_count(reader, &counts, &s->err));
	cr_assert_eq(counts.runs[QUEUE_DONE], 1);
	cr_assert_eq(counts.runs[QUEUE_RUNNING], 0);
	cr_assert_eq(counts.events[QUEUE_DONE], 1);
	suite_ok(s, queue_event_get(reader, s->runs[0].event.text, take_event, &rows, &s->err));
	cr_assert_str_eq(rows.body, "{}");
	queue_close(reader);
}

QUEUE_CASE(the_oldest_open_is_the_event_of_the_oldest_run_not_ended)
{
	struct queue_counts counts;
	suite_ok(s, queue_count(s->runner, &counts, &s->err));
	cr_assert_eq(counts.oldest_open_ms, 0);
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_count(s->runner, &counts, &s->err));
	cr_assert_eq(counts.oldest_open_ms, SUITE_NOW_MS);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_ok(s, queue_count(s->runner, &counts, &s->err));
	cr_assert_eq(counts.oldest_open_ms, 0);
}

/* --- retention
 * -------------------------------------------------------------------------------------- */

static size_t prune(struct suite *s, struct queue *q, const struct queue_retention *keep,
	int64_t now_ms, size_t most)
{
	size_t n = 99;
	suite_ok(s, queue_prune(q, keep, now_ms, most, &n, &s->err));
	return n;
}

static const struct queue_retention day = {.events_ms = 86400000, .runs_ms = 86400000};
#define LATER (SUITE_NOW_MS + 400000000000)

QUEUE_CASE(what_is_ended_and_past_its_time_goes)
{
	suite_event(s, "rule", "a", 1);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	cr_assert_eq(prune(s, s->receiver, &day, SUITE_NOW_MS + 86400000, 10), 0u);
	cr_assert_eq(prune(s, s->receiver, &day, LATER, 10), 1u);
	cr_assert_eq(prune(s, s->runner, &day, LATER, 10), 2u, "a run and its event");
	suite_commit(s);
	cr_assert_eq(suite_events_n(s, NULL), 0u);
	cr_assert_eq(suite_runs_n(s, NULL), 0u);
	suite_check_counts(s);
}

/* A run may wait for longer than its kind is kept, and is there all the same once it has ended. */
QUEUE_CASE(a_run_is_kept_for_its_time_from_its_end_on)
{
	struct queue_outcome late = {.state = QUEUE_DONE, .ended_ms = LATER};
	struct queue_retention runs = {.runs_ms = 86400000};
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_finish(s->runner, s->runs[0].seq, s->runs[0].epoch, &late, &s->err));
	suite_commit(s);
	cr_assert_eq(prune(s, s->runner, &runs, LATER + 86000000, 10), 0u);
	cr_assert_eq(suite_runs_n(s, NULL), 1u);
	cr_assert_eq(prune(s, s->runner, &runs, LATER + 87000000, 10), 1u);
	cr_assert_eq(suite_runs_n(s, NULL), 0u);
}

QUEUE_CASE(the_journal_of_a_run_goes_with_it)
{
	struct queue_call *calls = NULL,
			  call = {.path = "1",
				  .method = "create",
				  .effect = true,
				  .answer = slice_of("{\"email\":\"ann@acme.example\"}"),
				  .ended_ms = SUITE_NOW_MS};
	size_t n = 99;
	suite_event(s, "rule", "a", 1);
	suite_ok(s, queue_call_put(s->runner, s->runs[0].seq, s->runs[0].epoch, &call, &s->err));
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	queue_calls_free(calls, n);
	cr_assert_eq(n, 1u);
	cr_assert_eq(prune(s, s->runner, &day, LATER, 10), 2u);
	suite_commit(s);
	suite_ok(s, queue_calls_load(s->runner, s->runs[0].seq, &calls, &n, &s->err));
	queue_calls_free(calls, n);
	cr_assert_eq(n, 0u);
}

QUEUE_CASE(what_is_still_to_be_done_is_never_removed)
{
	struct queue_retention tiny = {.events_ms = 1, .runs_ms = 1, .size_bytes = 1};
	suite_event(s, "rule", "a", 1); /* running */
	suite_event(s, "rule", "a", 0); /* waiting */
	suite_event(s, "rule", "b", 0); /* due */
	suite_event(s, "rule", "c", 8);
	suite_release(s, &s->runs[1], LATER * 2, true); /* waiting for a time */
	suite_put(s, "key", "{}");                      /* not routed */
	suite_commit(s);
	cr_assert_eq(prune(s, s->receiver, &tiny, LATER, 100), 0u);
	cr_assert_eq(prune(s, s->runner, &tiny, LATER, 100), 0u);
	cr_assert_eq(suite_events_n(s, NULL), 5u);
	cr_assert_eq(suite_runs_n(s, NULL), 4u);
}

QUEUE_CASE(pruning_removes_no_more_than_asked_and_goes_on)
{
	for (int i = 0; i < 5; i++) {
		suite_event(s, "rule", "a", 1);
		suite_finish(s, &s->runs[0], QUEUE_DONE);
		suite_forget_runs(s);
	}
	suite_commit(s);
	cr_assert_eq(prune(s, s->receiver, &day, LATER, 2), 2u);
	cr_assert_eq(prune(s, s->receiver, &day, LATER, 2), 2u);
	cr_assert_eq(prune(s, s->receiver, &day, LATER, 2), 1u);
	size_t all = 0, n;
	while ((n = prune(s, s->runner, &day, LATER, 3)) > 0 && all < 100)
		all += n;
	cr_assert_eq(all, 10u);
	suite_check_counts(s);
}

QUEUE_CASE(a_key_is_forgotten_with_its_delivery_and_not_before)
{
	struct id first = suite_put(s, "key", "{}");
	suite_route(s, 1, "rule", "a", 1);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	cr_assert_str_eq(suite_put(s, "key", "{}").text, first.text);
	cr_assert_eq(prune(s, s->receiver, &day, LATER, 10), 1u);
	cr_assert_str_neq(suite_put(s, "key", "{}").text, first.text);
	cr_assert_eq(suite_route(s, 1, "rule", "a", 1), 1u, "it is routed, its number is new");
}

QUEUE_CASE(past_the_size_the_oldest_ended_go_first)
{
	static char body[100000];
	struct rows rows = {0};
	memset(body, 'x', sizeof(body) - 1);
	for (int i = 0; i < 4; i++)
		suite_put(s, NULL, body);
	suite_route(s, 4, "rule", "", 4);
	for (int i = 1; i < 4; i++)
		suite_finish(s, &s->runs[i], QUEUE_DONE);
	suite_commit(s);
	struct queue_retention keep = {.size_bytes = 10 << 20};
	cr_assert_eq(prune(s, s->receiver, &keep, SUITE_NOW_MS, 1), 0u);
	keep.size_bytes = 1;
	cr_assert_eq(prune(s, s->receiver, &keep, SUITE_NOW_MS, 1), 1u);
	suite_ok(s, queue_event_get(s->runner, s->runs[0].event.text, take_event, &rows, &s->err));
	cr_assert_eq(rows.body[0], 'x', "the oldest is still to be done");
	suite_ok(s, queue_event_get(s->runner, s->runs[1].event.text, take_event, &rows, &s->err));
	cr_assert_str_empty(rows.body, "the oldest that has ended is gone");
	suite_ok(s, queue_event_get(s->runner, s->runs[2].event.text, take_event, &rows, &s->err));
	cr_assert_eq(rows.body[0], 'x');
}
