/* SPDX-License-Identifier: MIT */
/* Paused rules: their runs are parked, hold up nobody, lose nothing, and come back in order. */
#include "queue/pause.h"

#include "tests/conformance/queue_suite.h"

static size_t suspend(struct suite *s, const char *rule)
{
	struct queue_pause p = {.rule = rule, .why = "by hand", .since_ms = SUITE_NOW_MS};
	size_t n = 0;
	suite_ok(s, queue_pause(s->runner, &p, &n, &s->err));
	return n;
}

static size_t resume(struct suite *s, const char *rule)
{
	size_t n = 0;
	suite_ok(s, queue_resume(s->runner, rule, &n, &s->err));
	return n;
}

/* Until nothing is left to do; how many steps it took. */
static size_t settle(struct suite *s, size_t most)
{
	bool more = true;
	size_t n = 0;
	for (; more; n++) {
		cr_assert_lt(n, 10000u, "it never ends");
		suite_ok(s, queue_pause_step(s->runner, most, &more, &s->err));
	}
	return n;
}

static void reopen(struct suite *s)
{
	suite_commit(s);
	suite_forget_runs(s);
	queue_close(s->runner);
	suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &s->runner, &s->err));
}

QUEUE_CASE(runs_of_a_paused_rule_wait_and_hold_up_no_other_rule)
{
	suite_event(s, "a", "record", 0);
	suite_event(s, "b", "record", 0);
	suite_event(s, "a", "record", 0);
	suite_event(s, "b", "record", 0);
	cr_assert_eq(suspend(s, "a"), 2u);
	cr_assert(queue_paused(s->runner, "a"));
	cr_assert_not(queue_paused(s->runner, "b"));
	suite_check_counts(s);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
		cr_assert_str_eq(s->runs[0].rule, "b");
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	struct queue_filter waiting = {.has_state = true, .state = QUEUE_WAITING};
	cr_assert_eq(suite_runs_n(s, &waiting), 2u, "nothing is lost");
	suite_check_counts(s);
}

QUEUE_CASE(what_is_routed_to_a_paused_rule_is_parked_at_birth)
{
	suspend(s, "a");
	cr_assert_eq(suite_event(s, "a", "record", 8), 0u);
	cr_assert_eq(suite_event(s, "b", "record", 8), 1u, "it does not stand in the way");
	cr_assert_eq(suite_event(s, "a", "", 8), 0u, "without a key neither");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	suite_check_counts(s);
	cr_assert_eq(resume(s, "a"), 2u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 2u);
	suite_check_counts(s);
}

QUEUE_CASE(resumed_runs_take_their_old_places)
{
	suite_event(s, "a", "record", 0);
	suite_event(s, "a", "record", 0);
	suite_event(s, "b", "record", 0);
	suspend(s, "a");
	resume(s, "a");
	static const char *const order[] = {"a", "a", "b"};
	int64_t last = 0;
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
		cr_assert_str_eq(s->runs[0].rule, order[i]);
		cr_assert_gt(s->runs[0].seq, last);
		last = s->runs[0].seq;
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
	suite_check_counts(s);
}

QUEUE_CASE(a_resumed_run_waits_for_a_younger_one_of_its_record_that_is_at_work)
{
	suite_event(s, "a", "record", 0);
	suspend(s, "a");
	suite_event(s, "b", "record", 8);
	cr_assert_eq(s->runs_n, 1u);
	struct queue_run busy = s->runs[0];
	resume(s, "a");
	struct queue_run none[1];
	size_t n = 9;
	suite_ok(s, queue_claim(s->runner, SUITE_NOW_MS, 1, none, &n, &s->err));
	cr_assert_eq(n, 0u);
	suite_finish(s, &busy, QUEUE_DONE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].rule, "a");
	suite_check_counts(s);
}

QUEUE_CASE(a_run_at_work_goes_on_to_its_end_and_is_parked_when_it_is_released)
{
	int64_t due;
	suite_event(s, "a", "one", 8);
	suite_event(s, "a", "two", 8);
	suite_event(s, "a", "three", 8);
	cr_assert_eq(s->runs_n, 3u);
	suspend(s, "a");
	struct queue_outcome now = {.state = QUEUE_DUE};
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_release(s, &s->runs[1], SUITE_NOW_MS + 500, true);
	suite_ok(s, queue_finish(s->runner, s->runs[2].seq, s->runs[2].epoch, &now, &s->err));
	suite_event(s, "b", "two", 8);
	cr_assert_eq(s->runs_n, 4u, "what waits for a time holds up nobody either");
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, INT64_MAX);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 900, 8), 0u);
	suite_check_counts(s);
	resume(s, "a");
	suite_ok(s, queue_next_due(s->runner, &due, &s->err));
	cr_assert_eq(due, SUITE_NOW_MS + 500, "its time is kept");
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 499, 8), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(a_retried_run_of_a_paused_rule_is_parked)
{
	suite_event(s, "a", "record", 8);
	struct id id = s->runs[0].id;
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suspend(s, "a");
	suite_ok(s, queue_retry(s->runner, id.text, &s->err));
	cr_assert_eq(suite_run_state(s, id.text), QUEUE_WAITING);
	cr_assert_eq(suite_event_state(s, 0), QUEUE_DUE);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	cr_assert_eq(resume(s, "a"), 1u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(all_rules_are_paused_by_a_star_and_one_that_is_paused_by_name_stays_so)
{
	suite_event(s, "a", "record", 0);
	suite_event(s, "b", "record", 0);
	suspend(s, "a");
	suspend(s, "*");
	cr_assert(queue_paused(s->runner, "b"));
	suite_event(s, "c", "record", 8);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	cr_assert_eq(resume(s, "*"), 2u);
	cr_assert(queue_paused(s->runner, "a"));
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].rule, "b");
	cr_assert_eq(resume(s, "a"), 1u);
	suite_check_counts(s);
}

QUEUE_CASE(a_rule_resumed_while_all_are_paused_stays_parked)
{
	suite_event(s, "a", "record", 0);
	suspend(s, "a");
	suspend(s, "*");
	cr_assert_eq(resume(s, "a"), 0u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 0u);
	cr_assert_eq(resume(s, "*"), 1u);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
}

QUEUE_CASE(what_is_not_paused_cannot_be_resumed)
{
	size_t n;
	cr_assert_eq(queue_resume(s->runner, "a", &n, &s->err), RC_NOT_FOUND);
	cr_assert_str_eq(s->err.msg, "rule \"a\" is not paused");
	suspend(s, "a");
	resume(s, "a");
	settle(s, 10);
	cr_assert_eq(queue_resume(s->runner, "a", &n, &s->err), RC_NOT_FOUND);
	cr_assert_eq(queue_resume(s->receiver, "a", &n, &s->err), RC_DENIED);
}

struct seen_pause {
	char rule[16], why[32];
	int64_t since_ms;
	size_t n;
};

static enum rc take_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	struct seen_pause *seen = ctx;
	(void)err;
	snprintf(seen->rule, sizeof(seen->rule), "%s", pause->rule);
	snprintf(seen->why, sizeof(seen->why), "%s", pause->why);
	seen->since_ms = pause->since_ms;
	seen->n++;
	return RC_OK;
}

QUEUE_CASE(pausing_again_changes_the_reason_only)
{
	struct queue_pause again = {.rule = "a", .why = "a loop", .since_ms = SUITE_NOW_MS + 9};
	struct seen_pause seen = {.n = 0};
	size_t n = 9;
	suite_event(s, "a", "record", 0);
	suspend(s, "a");
	suite_ok(s, queue_pause(s->runner, &again, &n, &s->err));
	cr_assert_eq(n, 0u);
	suite_ok(s, queue_pause_each(s->runner, take_pause, &seen, &s->err));
	cr_assert_eq(seen.n, 1u);
	cr_assert_str_eq(seen.rule, "a");
	cr_assert_str_eq(seen.why, "a loop");
	cr_assert_eq(seen.since_ms, SUITE_NOW_MS);
}

QUEUE_CASE(pauses_outlive_the_runner_and_what_it_left_running_is_parked)
{
	struct seen_pause seen = {.n = 0};
	size_t n = 0;
	suite_event(s, "a", "record", 8); /* at work when the runner goes */
	suite_event(s, "a", "record", 0);
	suspend(s, "a");
	reopen(s);
	cr_assert(queue_paused(s->runner, "a"));
	suite_ok(s, queue_adopt(s->runner, &n, &s->err));
	cr_assert_eq(n, 1u);
	suite_event(s, "b", "record", 0);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
	cr_assert_str_eq(s->runs[0].rule, "b");
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	settle(s, 10);
	suite_check_counts(s);
	suite_ok(s, queue_pause_each(s->receiver, take_pause, &seen, &s->err));
	cr_assert_eq(seen.n, 1u, "readers see it");
	resume(s, "a");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 8), 1u);
		suite_finish(s, &s->runs[0], QUEUE_DONE);
	}
	suite_check_counts(s);
}

/* So many that neither the pause itself nor a claim gets to the end of them. */
QUEUE_CASE(a_pause_that_was_cut_off_goes_on_after_a_restart)
{
	for (size_t n = 0; n < 1800; n += 300) {
		for (size_t i = 0; i < 300; i++)
			suite_put(s, NULL, "{}");
		suite_route(s, 300, "a", "record", 0);
	}
	suite_event(s, "b", "record", 0);
	suspend(s, "a");
	reopen(s);
	settle(s, 100);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 1), 1u, "none is left in its way");
	cr_assert_str_eq(s->runs[0].rule, "b");
	suite_check_counts(s);
}

/* Claims what there is, ends it, and checks that no record sees its runs out of order. */
static size_t run_all(struct suite *s, int64_t last[static 8])
{
	size_t n = suite_claim(s, SUITE_NOW_MS, 64);
	for (size_t i = 0; i < n; i++) {
		int key = s->runs[i].key[0] - '0';
		cr_assert_gt(s->runs[i].seq, last[key], "record %d is out of order", key);
		last[key] = s->runs[i].seq;
		suite_finish(s, &s->runs[i], QUEUE_DONE);
	}
	return n;
}

QUEUE_CASE(many_runs_are_parked_and_come_back_bit_by_bit_in_order_while_new_ones_arrive)
{
	static const char *const keys[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
	int64_t last[8] = {0};
	size_t done = 0, born = 2400;
	for (size_t i = 0; i < born; i++)
		suite_event(s, i % 3 == 0 ? "b" : "a", keys[i * 7 % 8], 0);
	suspend(s, "a");
	/* Nothing of it is claimed, however far the sweep is. */
	for (bool more = true; more;) {
		suite_claim(s, SUITE_NOW_MS, 4);
		for (size_t i = 0; i < s->runs_n; i++, done++) {
			cr_assert_str_eq(s->runs[i].rule, "b");
			suite_finish(s, &s->runs[i], QUEUE_DONE);
		}
		suite_ok(s, queue_pause_step(s->runner, 50, &more, &s->err));
	}
	while (suite_claim(s, SUITE_NOW_MS, 64) > 0)
		for (size_t i = 0; i < s->runs_n; i++, done++)
			suite_finish(s, &s->runs[i], QUEUE_DONE);
	cr_assert_eq(done, born / 3, "the other rule went on with every record");
	suite_check_counts(s);
	resume(s, "a");
	for (bool more = true; more;) {
		for (size_t n = 1; n > 0; done += n)
			n = run_all(s, last);
		/* Nothing but what is parked stands before this one. */
		suite_event(s, "a", keys[born++ % 8], 0);
		done += run_all(s, last);
		suite_ok(s, queue_pause_step(s->runner, 20, &more, &s->err));
	}
	for (size_t n = 1; n > 0; done += n)
		n = run_all(s, last);
	cr_assert_eq(done, born);
	suite_check_counts(s);
}

/* --- both backends do the same ---------------------------------------------------------------- */

static uint32_t dice;

static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % n;
}

struct pair { /* the same store twice */
	struct suite s[2];
	struct queue_run live[2][64];
	size_t live_n;
};

struct state_list {
	size_t n;
	char text[1024];
};

static enum rc add_state(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct state_list *list = ctx;
	(void)err;
	if (list->n < sizeof(list->text) - 1)
		list->text[list->n++] = (char)(row->due_ms < 0 && row->state == QUEUE_WAITING
						       ? 'p'
						       : 'A' + (int)row->state);
	list->text[list->n] = '\0';
	return RC_OK;
}

static void compare(struct pair *p, int step)
{
	struct state_list lists[2] = {{.n = 0}};
	for (size_t i = 0; i < 2; i++) {
		struct suite *s = &p->s[i];
		suite_ok(s, queue_run_each(s->runner, NULL, add_state, &lists[i], &s->err));
	}
	cr_assert_str_eq(lists[0].text, lists[1].text, "step %d:\n%s\n%s", step, lists[0].text,
		lists[1].text);
}

static void claim_both(struct pair *p)
{
	size_t room = 64 - p->live_n, n[2] = {0};
	size_t most = room < 3 ? room : 3;
	for (size_t i = 0; i < 2; i++)
		suite_ok(&p->s[i], queue_claim(p->s[i].runner, SUITE_NOW_MS, most,
					   &p->live[i][p->live_n], &n[i], &p->s[i].err));
	cr_assert_eq(n[0], n[1]);
	for (size_t k = 0; k < n[0]; k++)
		cr_assert_eq(p->live[0][p->live_n + k].seq, p->live[1][p->live_n + k].seq);
	p->live_n += n[0];
}

static void finish_both(struct pair *p)
{
	if (p->live_n == 0)
		return;
	size_t which = roll((uint32_t)p->live_n);
	uint32_t how = roll(5);
	for (size_t i = 0; i < 2; i++) {
		struct queue_run *run = &p->live[i][which];
		if (how == 0)
			suite_release(&p->s[i], run, SUITE_NOW_MS - 5, true);
		else if (how == 1)
			suite_release(&p->s[i], run, SUITE_NOW_MS + 5000, true);
		else
			suite_finish(&p->s[i], run, how == 2 ? QUEUE_DEAD : QUEUE_DONE);
		queue_run_done(run);
		*run = p->live[i][p->live_n - 1];
	}
	p->live_n--;
}

struct dead_run {
	size_t left;
	char id[ID_N + 1];
};

static enum rc take_dead(void *ctx, const struct queue_run_row *row, struct err *err)
{
	struct dead_run *dead = ctx;
	(void)err;
	if (row->state == QUEUE_DEAD && dead->left-- == 0)
		snprintf(dead->id, sizeof(dead->id), "%s", row->id);
	return RC_OK;
}

static void retry_both(struct pair *p)
{
	size_t nth = roll(4);
	for (size_t i = 0; i < 2; i++) {
		struct suite *s = &p->s[i];
		struct dead_run dead = {.left = nth};
		suite_ok(s, queue_run_each(s->runner, NULL, take_dead, &dead, &s->err));
		if (dead.id[0] != '\0')
			suite_ok(s, queue_retry(s->runner, dead.id, &s->err));
	}
}

static void pause_both(struct pair *p, const char *rule, bool on)
{
	for (size_t i = 0; i < 2; i++) {
		struct suite *s = &p->s[i];
		struct queue_pause pause = {.rule = rule, .why = "", .since_ms = 1};
		size_t n;
		enum rc rc = on ? queue_pause(s->runner, &pause, &n, &s->err)
				: queue_resume(s->runner, rule, &n, &s->err);
		cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
		settle(s, 7);
	}
}

Test(queue_pause, whatever_happens_in_whatever_order_both_backends_agree)
{
	static const char *const rules[] = {"a", "b", "c", "*"}, *const keys[] = {"x", "y", "z"},
				 *const also[] = {"", "m", "n"};
	static struct pair p;
	for (uint32_t seed = 1; seed <= 12; seed++) {
		dice = seed * 7919;
		p.live_n = 0;
		suite_start(&p.s[0], NULL);
		suite_start(&p.s[1], "memory:pause");
		for (int step = 0; step < 250; step++) {
			uint32_t what = roll(10);
			const char *rule = rules[roll(3)], *key = keys[roll(3)],
				   *two = also[roll(3)];
			for (size_t i = 0; i < 2 && what < 4; i++)
				suite_event_also(&p.s[i], rule, key, two, 0);
			if (what == 4 || what == 5)
				claim_both(&p);
			else if (what == 6)
				finish_both(&p);
			else if (what == 7)
				retry_both(&p);
			else if (what >= 8)
				pause_both(&p, rules[roll(4)], what == 8);
			compare(&p, step);
		}
		for (size_t i = 0; i < 2; i++) {
			suite_check_counts(&p.s[i]);
			while (p.live_n > 0 && i == 1) {
				p.live_n--;
				queue_run_done(&p.live[0][p.live_n]);
				queue_run_done(&p.live[1][p.live_n]);
			}
			suite_end(&p.s[i]);
		}
	}
}
