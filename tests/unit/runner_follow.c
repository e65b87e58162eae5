/* SPDX-License-Identifier: MIT */
/*
 * Rules that the leader renames, and the runs of them that another runner has under way.
 * From: reloads of two runners on one store. To: runner/rename.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

#define WAIT_MS 80000

static struct stage a, b; /* a leads */

static void open_stages(void)
{
	stage_open(&a);
	stage_open(&b);
	stage_share(&a);
}

static void close_stages(void)
{
	stage_close(&b);
	stage_close(&a);
	postgres_store_drop(a.store);
}

TestSuite(runner_follow, .init = open_stages, .fini = close_stages, .timeout = 180);

static void rule(const char *text)
{
	stage_rule(&a, "a.lua", text);
	stage_rule(&b, "a.lua", text);
}

/* Both are of one thread: neither may leave a transaction open that the other one waits for. */
static void settle(struct stage *s)
{
	struct err err = {0};
	if (s->runner->fatal == RC_OK)
		cr_assert_eq(gate_force(&s->runner->gate, &err), RC_OK, "%s", err.msg);
}

static void turn(struct stage *s)
{
	runner_turn(s->runner);
	settle(s);
	cr_assert_eq(s->runner->fatal, RC_OK);
}

static void start_both(void)
{
	stage_start(&a, STAGE_SLOW_TWIN, "limits = { runs = 2 }");
	settle(&a);
	stage_join(&b, &a, "limits = { runs = 2 }");
	settle(&b);
	turn(&a);
	cr_assert(a.runner->lead.on && !b.runner->lead.on);
}

static void both_until(bool (*question)(struct stage *s, long n), long n)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (!question(&a, n)) {
		cr_assert(clock_mono_ms() < end, "it did not happen in time");
		turn(&a);
		turn(&b);
	}
}

/* Each goes on until the other rule has been told of a company. */
#define WAITS(name, was)                                                                           \
	"rule \"" name "\" { on = \"person.*\", " was "run = function(event)\n"                    \
	"  while not kv.shared.get('go') do twenty.notes:create { title = 'n' } end\n"             \
	"  log.info('seen', kv.incr('n'))\nend }\n"                                                \
	"rule \"go\" { on = \"company.*\", run = function() kv.shared.set('go', true) end }"

static long slots_of(const struct stage *s, const char *name)
{
	long n = 0;
	for (size_t i = 0; i < s->runner->runs.slots_n; i++) {
		const struct run *run = &s->runner->runs.slots[i];
		n += run->state != RUN_FREE && strcmp(run->q.rule, name) == 0;
	}
	return n;
}

static bool all_taken(struct stage *s, long n)
{
	(void)s;
	return slots_of(&a, "old") + slots_of(&b, "old") == n;
}

static void reload(struct stage *s)
{
	char said[512];
	stage_reload(s, said);
	settle(s);
	cr_assert(strncmp(said, "reloaded", 8) == 0, "%s", said);
}

static bool b_knows(struct stage *s, long n)
{
	(void)s;
	return slots_of(&b, "new") == n;
}

/* A runner has two slots, so that both have some of three runs. */
static void rename_first_at(struct stage *first, struct stage *second)
{
	rule(WAITS("old", ""));
	start_both();
	for (int i = 0; i < 3; i++)
		stage_someone(&a, "x");
	both_until(all_taken, 3);
	long of_a = slots_of(&a, "old"), of_b = slots_of(&b, "old");
	cr_assert(of_a > 0 && of_b > 0, "%ld and %ld", of_a, of_b);
	rule(WAITS("new", "was = 'old', "));
	reload(first);
	cr_expect_eq(slots_of(&b, "new"), 0, "the leader has not, or b has not heard of it");
	reload(second);
	cr_expect_eq(slots_of(&a, "new"), of_a);
	if (second == &b)
		cr_expect_eq(slots_of(&b, "new"), of_b, "at once");
	both_until(b_knows, of_b);
	stage_deliver(&a, "twenty",
		slice_of("{\"eventName\":\"company.created\",\"record\":{\"id\":\"c-1\"}}"));
	both_until(stage_ended, 4);
	stage_look(&a);
	bool last = false;
	for (size_t i = 0; i < a.runs_n; i++) {
		cr_expect_str_neq(a.runs[i].rule, "old");
		last = last || strstr(a.runs[i].log, "seen 3") != NULL;
	}
	cr_expect(last, "all count in the same value");
}

Test(runner_follow, a_rule_that_the_leader_renamed_is_renamed_in_other_runners_slots)
{
	rename_first_at(&a, &b);
}

Test(runner_follow, the_leader_may_rename_a_rule_later_than_the_others_have_it)
{
	rename_first_at(&b, &a);
}
