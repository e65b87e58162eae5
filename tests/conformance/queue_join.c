/* SPDX-License-Identifier: MIT */
/* Runs that stand for several events: they gather, join, start once, and end for all of them. */
#include "queue/join.h"

#include "queue/erase.h"
#include "queue/hand.h"
#include "queue/limit.h"
#include "queue/pause.h"
#include "queue/rename.h"
#include "queue/spend.h"
#include "tests/conformance/queue_suite.h"

#define NOW SUITE_NOW_MS
#define SETTLE 20000
#define LONGEST 60000
#define LATER (NOW * 2) /* by any clock */

struct edit { /* one event of a rule that settles */
	const char *rule, *record, *also, *hidden, *words, *hash;
	int64_t at_ms;
	int events_max;
	int kind; /* 0: 1 */
	bool shadow;
	int64_t size, size_max;
	struct queue_cause cause;
};

static struct queue_routing routing; /* the last */

static struct id born(struct suite *s, const struct edit *e, const struct queue_join *join)
{
	struct queue_run_new run = {.rule = e->rule,
		.source_hash = e->hash != NULL ? e->hash : "hash",
		.key = e->record,
		.also = e->also,
		.hidden = e->hidden,
		.attempts_max = 8,
		.shadow = e->shadow,
		.join = join};
	struct queue_raw raw;
	size_t n = 0, claimed = 0;
	suite_put(s, NULL, "{\"n\":1}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	cr_assert_eq(n, 1u);
	routing = (struct queue_routing){
		.event = {.seq = raw.seq,
			.id = raw.id,
			.source = raw.source,
			.name = "person.updated",
			.object = "person",
			.record = e->record,
			.via = "hook",
			.received_ms = raw.received_ms,
			.past = slice_of("{\"fields\":null}"),
			.cause = e->cause},
		.runs = &run,
		.runs_n = 1,
	};
	suite_ok(s, queue_route(s->runner, &routing, 1, 8, &s->runs[s->runs_n], &claimed, &s->err));
	s->runs_n += claimed;
	return routing.event.id;
}

static struct id edit(struct suite *s, struct edit e)
{
	struct queue_join join = {
		.kind = e.kind != 0 ? e.kind : 1,
		.key = e.record,
		.now_ms = e.at_ms,
		.due_ms = e.at_ms + SETTLE,
		.limit_ms = e.at_ms + LONGEST,
		.events_max = e.events_max != 0 ? e.events_max : 1000,
		.size = e.size,
		.size_max = e.size_max != 0 ? e.size_max : 1000,
		.words = e.words,
	};
	return born(s, &e, &join);
}

static struct id at(struct suite *s, int64_t ms)
{
	return edit(s, (struct edit){.rule = "a", .record = "record", .at_ms = NOW + ms});
}

struct seen {
	char ids[64][ID_N + 1], hidden[64][32], text[64];
	int64_t seq[64], cause[64];
	size_t n;
};

static enum rc see(void *ctx, const struct queue_joined *one, struct err *err)
{
	struct seen *seen = ctx;
	(void)err;
	cr_assert_lt(seen->n, 64u);
	snprintf(seen->ids[seen->n], sizeof(seen->ids[0]), "%s", one->id);
	snprintf(seen->hidden[seen->n], 32, "%s", one->hidden != NULL ? one->hidden : "-");
	snprintf(seen->text, sizeof(seen->text), "%s %s %s %.*s %.*s %.*s", one->source, one->via,
		one->name, (int)one->headers.n - 1, one->headers.p, (int)one->body.n, one->body.p,
		(int)one->past.n, one->past.p);
	seen->cause[seen->n] = one->cause;
	seen->seq[seen->n++] = one->seq;
	return RC_OK;
}

static struct seen joined(struct suite *s, int64_t run)
{
	struct seen seen = {.n = 0};
	suite_ok(s, queue_joined_each(s->runner, run, see, &seen, &s->err));
	return seen;
}

static size_t open_runs(struct suite *s)
{
	return suite_runs_n(s, NULL);
}

static void reopen(struct suite *s)
{
	size_t n;
	suite_commit(s);
	suite_forget_runs(s);
	queue_close(s->runner);
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
	suite_ok(s, queue_adopt(s->runner, &n, &s->err));
}

QUEUE_CASE(events_of_one_session_are_one_run_that_starts_when_it_has_been_quiet)
{
	int64_t due;
	struct id ids[3];
	for (int i = 0; i < 3; i++) {
		ids[i] = at(s, i * 5000);
		cr_assert_eq(routing.ret_joined_n, i > 0 ? 1u : 0u);
		cr_assert_eq(routing.ret_due_ms, NOW + i * 5000 + SETTLE);
	}
	cr_assert_eq(s->runs_n, 0u, "nothing is claimed at birth");
	cr_assert_eq(open_runs(s), 1u);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + 10000 + SETTLE);
	cr_assert_eq(suite_claim(s, due - 1, 8), 0u);
	cr_assert_eq(suite_claim(s, due, 8), 1u);
	cr_assert_eq(s->runs[0].kind, 1);
	cr_assert_str_eq(s->runs[0].event.text, ids[0].text, "the run is its first event's");
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 3u);
	for (int i = 0; i < 3; i++)
		cr_assert_str_eq(seen.ids[i], ids[i].text);
	cr_assert_str_eq(
		seen.text, "twenty hook person.updated x-test: 1 {\"n\":1} {\"fields\":null}");
	suite_check_counts(s);
}

QUEUE_CASE(without_joining_every_event_is_a_run)
{
	struct edit e = {.rule = "a", .record = "record"};
	for (int i = 0; i < 3; i++)
		born(s, &e, NULL);
	cr_assert_eq(open_runs(s), 3u);
	cr_assert_eq(s->runs[0].kind, 0);
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 1u);
}

QUEUE_CASE(edits_that_do_not_end_start_a_run_at_its_latest)
{
	int64_t due;
	for (int i = 0; i < 6; i++)
		at(s, i * 11000);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + LONGEST, "and not 20 s behind the last");
	cr_assert_eq(open_runs(s), 1u);
}

QUEUE_CASE(all_events_end_as_the_run_does)
{
	for (int i = 0; i < 3; i++)
		at(s, 0);
	cr_assert_eq(suite_event_state(s, 2), QUEUE_DUE);
	suite_claim(s, NOW + SETTLE, 8);
	suite_finish(s, &s->runs[0], QUEUE_SKIPPED);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(suite_event_state(s, i), QUEUE_SKIPPED);
	suite_check_counts(s);
}

QUEUE_CASE(an_event_that_joins_one_run_and_makes_another_ends_with_the_last_of_them)
{
	at(s, 0);
	struct queue_join join = {.kind = 1,
		.key = "record",
		.now_ms = NOW,
		.due_ms = NOW + SETTLE,
		.limit_ms = NOW + LONGEST,
		.events_max = 9,
		.size_max = 9};
	struct queue_run_new runs[] = {{.rule = "a",
					       .source_hash = "hash",
					       .key = "record",
					       .attempts_max = 1,
					       .join = &join},
		{.rule = "b", .source_hash = "hash", .key = "record", .attempts_max = 1}};
	struct queue_raw raw;
	size_t n = 0;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	struct queue_routing both = {.event = {.seq = raw.seq,
					     .id = raw.id,
					     .source = "twenty",
					     .record = "record",
					     .via = "hook"},
		.runs = runs,
		.runs_n = 2};
	suite_ok(s, queue_route(s->runner, &both, 1, 8, s->runs, &s->runs_n, &s->err));
	cr_assert_eq(s->runs_n, 1u, "who gathers holds up nobody");
	cr_assert_str_eq(s->runs[0].rule, "b");
	cr_assert_eq(both.ret_joined_n, 1u);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_event_state(s, 1), QUEUE_DUE);
	suite_claim(s, NOW + SETTLE, 8);
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DEAD);
	cr_assert_eq(suite_event_state(s, 1), QUEUE_DEAD);
	struct queue_filter f = {.event = raw.id.text};
	cr_assert_eq(suite_runs_n(s, &f), 2u, "its own and the one that it joined");
	suite_check_counts(s);
}

QUEUE_CASE(what_has_been_claimed_is_joined_by_nobody)
{
	at(s, 0);
	suite_claim(s, NOW + SETTLE, 8);
	struct queue_run first = s->runs[0];
	s->runs_n = 0;
	at(s, SETTLE + 1);
	cr_assert_eq(routing.ret_joined_n, 0u);
	cr_assert_eq(open_runs(s), 2u);
	suite_release(s, &first, NOW + SETTLE + 5000, true);
	at(s, SETTLE + 2);
	cr_assert_eq(open_runs(s), 2u, "the second gathers");
	struct seen seen = joined(s, first.seq);
	cr_assert_eq(seen.n, 1u, "a retry sees what the first attempt saw");
	queue_run_done(&first);
}

QUEUE_CASE(a_run_whose_time_has_come_takes_its_place_behind_nobody_younger)
{
	at(s, 0);
	struct edit other = {.rule = "b", .record = "record"};
	born(s, &other, NULL); /* at work */
	born(s, &other, NULL);
	cr_assert_eq(s->runs_n, 1u);
	struct queue_run busy = s->runs[0];
	s->runs_n = 0;
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 0u, "runs of a record never overlap");
	at(s, SETTLE + 1);
	cr_assert_eq(routing.ret_joined_n, 1u, "until it starts more may join");
	suite_finish(s, &busy, QUEUE_DONE);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_str_eq(s->runs[0].rule, "a", "in the order of the first event");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_str_eq(s->runs[0].rule, "b");
	queue_run_done(&busy);
	suite_check_counts(s);
}

QUEUE_CASE(sessions_of_other_rules_and_of_other_records_are_others)
{
	at(s, 0);
	edit(s, (struct edit){.rule = "b", .record = "record", .at_ms = NOW});
	edit(s, (struct edit){.rule = "a", .record = "other", .at_ms = NOW});
	cr_assert_eq(open_runs(s), 3u);
	at(s, 1);
	cr_assert_eq(open_runs(s), 3u);
}

QUEUE_CASE(a_run_that_is_full_starts_and_the_next_event_opens_another)
{
	for (int i = 0; i < 3; i++)
		edit(s, (struct edit){.rule = "a",
				.record = "record",
				.at_ms = NOW + i,
				.events_max = 2});
	cr_assert_eq(open_runs(s), 2u);
	cr_assert_eq(suite_claim(s, NOW + 1, 8), 1u, "at once");
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 2u);
}

QUEUE_CASE(a_run_of_one_event_at_most_gathers_nothing)
{
	for (int i = 0; i < 2; i++)
		edit(s, (struct edit){
				.rule = "a", .record = "record", .at_ms = NOW, .events_max = 1});
	cr_assert_eq(open_runs(s), 2u);
	cr_assert_eq(suite_claim(s, NOW, 8), 1u);
}

QUEUE_CASE(an_event_that_does_not_fit_opens_another_run)
{
	struct edit e = {.rule = "a", .record = "r", .at_ms = NOW, .size = 60, .size_max = 150};
	for (int i = 0; i < 3; i++)
		edit(s, e);
	cr_assert_eq(open_runs(s), 2u);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u, "two runs of a record do not overlap");
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 2u);
}

QUEUE_CASE(a_session_survives_the_runner)
{
	int64_t due;
	at(s, 0);
	if (s->folder[0] == '\0')
		return; /* what is in memory goes with its handles */
	reopen(s);
	at(s, 1000);
	cr_assert_eq(routing.ret_joined_n, 1u);
	reopen(s);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + 1000 + SETTLE);
	cr_assert_eq(suite_claim(s, due, 8), 1u);
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 2u);
	reopen(s);
	at(s, 30000);
	cr_assert_eq(routing.ret_joined_n, 0u, "what was at work is joined by nobody");
	suite_check_counts(s);
}

QUEUE_CASE(the_newest_version_and_words_and_second_key_count)
{
	struct buf words;
	buf_init(&words, 100);
	edit(s, (struct edit){.rule = "a",
			.record = "r",
			.also = "one",
			.hash = "old",
			.words = "w1",
			.at_ms = NOW});
	edit(s, (struct edit){.rule = "a",
			.record = "r",
			.also = "two",
			.hash = "new",
			.words = "w2",
			.at_ms = NOW});
	struct edit busy = {.rule = "b", .record = "x", .also = "two"};
	born(s, &busy, NULL);
	cr_assert_eq(s->runs_n, 1u);
	struct queue_run other = s->runs[0];
	s->runs_n = 0;
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 0u, "it has the key of its last event");
	suite_finish(s, &other, QUEUE_DONE);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_str_eq(s->runs[0].source_hash, "new");
	suite_ok(s, queue_words_get(s->runner, s->runs[0].seq, &words, &s->err));
	cr_assert_str_eq(words.p, "w2");
	buf_done(&words);
	queue_run_done(&other);
}

QUEUE_CASE(an_event_of_another_key_does_not_join_what_has_its_places)
{
	struct edit e = {.rule = "a", .record = "r", .also = "one", .at_ms = NOW};
	struct edit busy = {.rule = "b", .record = "r"};
	born(s, &busy, NULL);
	edit(s, e);
	struct queue_run none[1];
	size_t n = 0;
	suite_ok(s, queue_claim(s->runner, NOW + SETTLE, 1, none, &n, &s->err));
	cr_assert_eq(n, 0u);
	e.also = "two";
	edit(s, e);
	cr_assert_eq(routing.ret_joined_n, 0u);
}

QUEUE_CASE(hidden_fields_are_those_of_each_event)
{
	at(s, 0);
	edit(s, (struct edit){.rule = "a", .record = "record", .hidden = "stage", .at_ms = NOW});
	at(s, 1);
	suite_claim(s, NOW + SETTLE + 1, 8);
	struct queue_run *run = &s->runs[0];
	struct seen seen = joined(s, run->seq);
	cr_assert_str_eq(seen.hidden[0], "-");
	cr_assert_str_eq(seen.hidden[1], "stage");
	struct queue_cause late = {.hidden = QUEUE_HIDDEN_ALL};
	for (int i = 0; i < 3; i += 2)
		suite_ok(s, queue_joined_put(
				    s->runner, run->seq, run->epoch, seen.seq[i], &late, &s->err));
	cr_assert_eq(
		queue_joined_put(s->runner, run->seq, run->epoch + 1, seen.seq[0], &late, &s->err),
		RC_STALE);
	seen = joined(s, run->seq);
	cr_assert_str_eq(seen.hidden[0], "*");
	cr_assert_str_eq(seen.hidden[1], "stage");
	cr_assert_str_eq(seen.hidden[2], "*");
}

QUEUE_CASE(the_deepest_cause_of_its_events_is_that_of_the_run)
{
	struct queue_cause cause;
	struct queue_step step;
	born(s, &(struct edit){.rule = "b", .record = "x"}, NULL);
	int64_t writer = s->runs[0].seq;
	at(s, 0);
	struct id deep = edit(s, (struct edit){.rule = "a",
					 .record = "record",
					 .at_ms = NOW,
					 .cause = {.run = writer, .depth = 3, .fields = "stage"}});
	edit(s, (struct edit){.rule = "a",
			.record = "record",
			.at_ms = NOW,
			.cause = {.run = writer, .depth = 1, .fields = "name"}});
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	int64_t run = s->runs[0].seq, epoch = s->runs[0].epoch;
	suite_ok(s, queue_cause_find(s->runner, run, &cause, &s->err));
	cr_assert_eq(cause.depth, 3);
	cr_assert_eq(cause.run, writer);
	suite_ok(s, queue_step_get(s->runner, run, &step, &s->err));
	cr_assert_str_eq(step.event_id, deep.text);
	cr_assert_eq(step.depth, 3);
	struct seen seen = joined(s, run);
	cr_assert_eq(seen.n, 3u);
	cr_assert_eq(seen.cause[0], 0, "a person's");
	cr_assert_eq(seen.cause[1], writer);
	cr_assert_eq(seen.cause[2], writer);
	struct queue_cause late = {.run = writer, .depth = 5, .fields = "x"};
	suite_ok(s, queue_joined_put(s->runner, run, epoch, seen.seq[0], &late, &s->err));
	suite_ok(s, queue_cause_find(s->runner, run, &cause, &s->err));
	cr_assert_eq(cause.depth, 5);
	cr_assert_eq(joined(s, run).cause[0], writer);
}

QUEUE_CASE(a_session_of_a_paused_rule_goes_on_gathering)
{
	int64_t due;
	size_t n = 0;
	struct queue_pause pause = {.rule = "a", .why = "by hand", .since_ms = NOW};
	at(s, 0);
	suite_ok(s, queue_pause(s->runner, &pause, &n, &s->err));
	cr_assert_eq(n, 1u);
	at(s, 1000);
	cr_assert_eq(routing.ret_joined_n, 1u);
	edit(s, (struct edit){.rule = "a", .record = "born parked", .at_ms = NOW + 1000});
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, INT64_MAX);
	cr_assert_eq(suite_claim(s, NOW + LONGEST, 8), 0u);
	suite_ok(s, queue_resume(s->runner, "a", &n, &s->err));
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + 1000 + SETTLE);
	born(s, &(struct edit){.rule = "b", .record = "record"}, NULL);
	cr_assert_eq(s->runs_n, 1u, "it holds nothing before its time, resumed or not");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, due, 8), 2u);
	suite_check_counts(s);
}

QUEUE_CASE(a_session_that_waits_for_room_is_joined_and_starts_when_there_is_some)
{
	struct queue_limit one = {"a", 1};
	suite_ok(s, queue_limits_put(s->runner, &one, 1, &s->err));
	cr_assert_eq(suite_event(s, "a", "busy", 8), 1u);
	struct queue_run busy = s->runs[0];
	size_t n = 0;
	at(s, 0);
	suite_ok(s, queue_claim(s->runner, NOW + SETTLE, 8, &s->runs[1], &n, &s->err));
	cr_assert_eq(n, 0u);
	at(s, 30000);
	cr_assert_eq(routing.ret_joined_n, 1u);
	suite_finish(s, &busy, QUEUE_DONE);
	suite_ok(s, queue_claim(s->runner, NOW + SETTLE, 8, &s->runs[1], &n, &s->err));
	cr_assert_eq(n, 1u, "its time had come: the later event does not put it off");
	s->runs_n = 2;
	cr_assert_eq(joined(s, s->runs[1].seq).n, 2u);
	suite_check_counts(s);
}

QUEUE_CASE(a_clock_that_is_set_moves_a_session)
{
	int64_t due;
	at(s, 0);
	suite_ok(s, queue_due_shift(s->runner, 1000000, &s->err));
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + 1000000 + SETTLE);
	at(s, 1000000 + 55000);
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, NOW + 1000000 + LONGEST);
}

QUEUE_CASE(a_dead_run_that_is_tried_again_opens_all_its_events)
{
	for (int i = 0; i < 3; i++)
		at(s, 0);
	suite_claim(s, NOW + SETTLE, 8);
	struct id id = s->runs[0].id;
	int64_t seq = s->runs[0].seq;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_ok(s, queue_retry(s->runner, id.text, &s->err));
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(suite_event_state(s, i), QUEUE_DUE);
	at(s, SETTLE + 1);
	cr_assert_eq(routing.ret_joined_n, 0u, "it has been at work");
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_eq(s->runs[0].seq, seq);
	struct seen seen = joined(s, seq);
	cr_assert_eq(seen.n, 3u);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(suite_event_state(s, i), QUEUE_DONE);
	suite_check_counts(s);
}

QUEUE_CASE(a_purged_run_leaves_its_events_as_if_it_had_never_been)
{
	for (int i = 0; i < 2; i++)
		at(s, 0);
	suite_claim(s, NOW + SETTLE, 8);
	struct id id = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_ok(s, queue_run_purge(s->runner, id.text, &s->err));
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(suite_event_state(s, i), QUEUE_DONE);
	struct seen seen = joined(s, 1);
	cr_assert_eq(seen.n, 0u);
	suite_check_counts(s);
}

QUEUE_CASE(events_stay_as_long_as_the_run_that_they_joined)
{
	struct queue_retention all = {.events_ms = 1}, runs = {.runs_ms = 1};
	size_t n = 0;
	for (int i = 0; i < 3; i++)
		at(s, 0);
	suite_ok(s, queue_prune(s->runner, &all, LATER, 100, &n, &s->err));
	cr_assert_eq(n, 0u, "it is open");
	suite_claim(s, NOW + SETTLE, 8);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_commit(s);
	suite_ok(s, queue_prune(s->runner, &all, LATER, 100, &n, &s->err));
	cr_assert_eq(n, 0u, "it could be looked at");
	suite_ok(s, queue_prune(s->runner, &runs, LATER, 100, &n, &s->err));
	cr_assert_eq(n, 1u);
	suite_ok(s, queue_prune(s->runner, &all, LATER, 100, &n, &s->err));
	cr_assert_eq(n, 3u);
	cr_assert_eq(suite_events_n(s, NULL), 0u);
	suite_check_counts(s);
}

QUEUE_CASE(a_run_says_how_many_events_it_stands_for_and_is_found_by_each)
{
	struct id ids[3];
	for (int i = 0; i < 3; i++)
		ids[i] = at(s, 0);
	born(s, &(struct edit){.rule = "b", .record = "x"}, NULL);
	for (int i = 0; i < 3; i++) {
		struct queue_filter f = {.event = ids[i].text};
		cr_assert_eq(suite_runs_n(s, &f), 1u);
	}
	struct queue_filter events = {.rule = "a"};
	cr_assert_eq(suite_events_n(s, &events), 3u);
	events.rule = "b";
	cr_assert_eq(suite_events_n(s, &events), 1u);
}

QUEUE_CASE(erasing_a_record_empties_a_run_that_it_joined)
{
	struct queue_join join = {.kind = 2,
		.key = "",
		.now_ms = NOW,
		.due_ms = NOW + SETTLE,
		.limit_ms = NOW + SETTLE,
		.events_max = 9,
		.size_max = 9};
	born(s, &(struct edit){.rule = "a", .record = "ann"}, &join);
	born(s, &(struct edit){.rule = "a", .record = "bob"}, &join);
	cr_assert_eq(open_runs(s), 1u);
	struct queue_erase open = {.record = "bob"};
	do
		suite_ok(s, queue_erase_step(s->runner, &open, &s->err));
	while (open.more);
	cr_assert_eq(open.sum.open, 1);
	suite_claim(s, NOW + SETTLE, 8);
	struct queue_run run = s->runs[0];
	struct queue_call call = {.path = "1",
		.method = "get",
		.object = "people",
		.request = slice_of("{}"),
		.answer = slice_of("{\"city\":\"Paris\"}")};
	suite_ok(s, queue_call_put(s->runner, run.seq, run.epoch, &call, &s->err));
	suite_finish(s, &run, QUEUE_DONE);
	struct queue_erase erase = {.record = "bob"};
	do
		suite_ok(s, queue_erase_step(s->runner, &erase, &s->err));
	while (erase.more);
	struct queue_call *calls = NULL;
	size_t n = 9;
	suite_ok(s, queue_calls_load(s->runner, run.seq, &calls, &n, &s->err));
	cr_assert_eq(n, 0u);
	queue_calls_free(calls, n);
	struct queue_filter bob = {.record = "bob"}, ann = {.record = "ann"};
	cr_assert_eq(suite_events_n(s, &bob), 0u);
	cr_assert_eq(suite_events_n(s, &ann), 1u);
}

QUEUE_CASE(a_known_event_joins_nothing)
{
	at(s, 0);
	struct queue_join join = {.kind = 1,
		.key = "record",
		.now_ms = NOW,
		.due_ms = NOW + SETTLE,
		.limit_ms = NOW + LONGEST,
		.events_max = 9,
		.size_max = 9};
	struct queue_run_new run = {.rule = "a",
		.source_hash = "hash",
		.key = "record",
		.attempts_max = 1,
		.join = &join};
	for (int i = 0; i < 2; i++) {
		struct queue_routing r = {.event = {.source = "",
						  .record = "record",
						  .via = "gap",
						  .body = slice_of("{}"),
						  .has_digest = true,
						  .digest = {7}},
			.runs = &run,
			.runs_n = 1};
		size_t claimed = 0;
		suite_ok(s, id_new(NOW, &r.event.id, &s->err));
		suite_ok(s, queue_route(s->runner, &r, 1, 8, s->runs, &claimed, &s->err));
		cr_assert_eq(r.ret_duplicate, i == 1);
		cr_assert_eq(r.ret_joined_n, i == 1 ? 0u : 1u);
	}
	suite_claim(s, NOW + SETTLE, 8);
	struct seen seen = joined(s, s->runs[0].seq);
	cr_assert_eq(seen.n, 2u);
	suite_check_counts(s);
}

/* --- its rule is another by now --------------------------------------------------------------- */

QUEUE_CASE(an_event_of_a_rule_that_is_live_joins_no_run_in_shadow_mode)
{
	bool shadow[2];
	edit(s, (struct edit){.rule = "a", .record = "record", .at_ms = NOW, .shadow = true});
	at(s, 0);
	cr_assert_eq(routing.ret_joined_n, 0u);
	at(s, 0);
	cr_assert_eq(routing.ret_joined_n, 1u, "those after it join it");
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u, "one behind the other");
	suite_ok(s, queue_shadow_is(s->runner, s->runs[0].seq, &shadow[0], &s->err));
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	suite_ok(s, queue_shadow_is(s->runner, s->runs[0].seq, &shadow[1], &s->err));
	cr_assert(shadow[0] && !shadow[1]);
	cr_assert_eq(joined(s, s->runs[0].seq).n, 2u);
	suite_check_counts(s);
}

QUEUE_CASE(an_event_of_a_rule_in_shadow_mode_joins_no_run_that_is_live)
{
	at(s, 0);
	edit(s, (struct edit){.rule = "a", .record = "record", .at_ms = NOW, .shadow = true});
	cr_assert_eq(routing.ret_joined_n, 0u);
}

QUEUE_CASE(an_event_joins_no_run_of_another_kind)
{
	at(s, 0);
	edit(s, (struct edit){.rule = "a", .record = "record", .at_ms = NOW, .kind = 2});
	cr_assert_eq(routing.ret_joined_n, 0u);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_eq(s->runs[0].kind, 1);
}

QUEUE_CASE(a_run_that_is_joined_under_a_new_name_knows_its_rule_by_that)
{
	bool moved = false;
	edit(s, (struct edit){.rule = "old", .record = "record", .at_ms = NOW, .hash = "one"});
	suite_ok(s, queue_rename(s->runner, "old", "new", &moved, &s->err));
	edit(s, (struct edit){.rule = "new", .record = "record", .at_ms = NOW, .hash = "two"});
	cr_assert_eq(routing.ret_joined_n, 1u);
	cr_assert_eq(suite_claim(s, NOW + SETTLE, 8), 1u);
	cr_assert_str_eq(s->runs[0].source_hash, "two");
	cr_assert_str_eq(s->runs[0].rule, "new");
	cr_assert_null(s->runs[0].born, "that version knows the new name alone");
}

QUEUE_CASE(a_session_of_a_name_that_another_rule_has_taken_is_not_joined)
{
	bool moved = false;
	edit(s, (struct edit){.rule = "old", .record = "record", .at_ms = NOW});
	edit(s, (struct edit){.rule = "new", .record = "record", .at_ms = NOW});
	suite_ok(s, queue_rename(s->runner, "old", "new", &moved, &s->err));
	edit(s, (struct edit){.rule = "old", .record = "record", .at_ms = NOW});
	cr_assert_eq(routing.ret_joined_n, 0u);
	edit(s, (struct edit){.rule = "new", .record = "record", .at_ms = NOW});
	cr_assert_eq(routing.ret_joined_n, 1u);
	suite_check_counts(s);
}
