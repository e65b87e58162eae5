/* SPDX-License-Identifier: MIT */
/*
 * kv in whole runs: kept from run to run and over restarts, per rule and shared, and no effect.
 * From: rules. To: runner/local_kv.c, queue/kv.h.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/kv.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_kv, .init = open_stage, .fini = close_stage, .timeout = 60);

static void rule(const char *name, const char *body)
{
	char text[2048], file[64];
	snprintf(text, sizeof(text),
		"rule \"%s\" { on = \"person.*\", run = function(event)\n%s\nend }", name, body);
	snprintf(file, sizeof(file), "%s.lua", name);
	stage_rule(&s, file, text);
}

/* Why the newest run of a rule was skipped, which is what it has to say. */
static const char *said(const char *name, const struct id *event)
{
	const struct stage_run *run = stage_find(&s, name, event);
	cr_assert_eq(run->state, QUEUE_SKIPPED, "%s: %s", name, run->error);
	return run->error;
}

Test(runner_kv, a_rule_keeps_values_from_run_to_run_and_over_a_restart)
{
	rule("a", "local n = kv.get(\"n\") or { count = 0 }\n"
		  "n.count = n.count + 1\nkv.set(\"n\", n)\nskip(tostring(n.count))");
	stage_start(&s, STAGE_ALONE, NULL);
	struct id first = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	struct id second = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said("a", &first), "1");
	cr_expect_str_eq(said("a", &second), "2");
	stage_crash(&s);
	stage_again(&s);
	struct id third = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 3);
	cr_expect_str_eq(said("a", &third), "3");
}

Test(runner_kv, each_rule_has_its_own_and_all_share_one)
{
	rule("a", "kv.set(\"k\", \"of a\") kv.shared.set(\"k\", \"of all\")");
	rule("b", "skip(tostring(kv.get(\"k\")) .. \", \" .. tostring(kv.shared.get(\"k\")))");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 2);
	struct id second = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 4);
	cr_expect_str_eq(said("b", &second), "nil, of all");
}

Test(runner_kv, incr_counts_from_nothing_and_keeps_whole_numbers_whole)
{
	rule("a",
		"local t = { kv.incr(\"n\"), kv.incr(\"n\", 5), kv.incr(\"n\", -2), "
		"kv.get(\"n\"),\n"
		"kv.incr(\"f\", 0.5), kv.shared.incr(\"n\"), kv.incr(\"big\", math.maxinteger) }\n"
		"local out = {} for i, v in ipairs(t) do out[i] = tostring(v) end\n"
		"out[8] = math.type(kv.incr(\"big\"))\n"
		"skip(table.concat(out, \" \"))");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("a", NULL), "1 6 4 4 0.5 1 9223372036854775807 float");
}

Test(runner_kv, incr_of_what_is_no_number_is_an_error_that_a_rule_can_catch)
{
	rule("a", "kv.set(\"n\", \"seven\")\n"
		  "local ok, e = pcall(function() kv.incr(\"n\") end)\n"
		  "skip(tostring(ok) .. \" \" .. e.code .. \" \" .. e.message .. \" \" .. "
		  "kv.get(\"n\"))");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("a", NULL),
		"false invalid kv.incr: what is kept under \"n\" is no number seven");
}

Test(runner_kv, delete_says_whether_there_was_something)
{
	rule("a", "kv.set(\"k\", 1)\n"
		  "local was, again = kv.delete(\"k\"), kv.delete(\"k\")\n"
		  "skip(tostring(was) .. \" \" .. tostring(again) .. \" \" .. "
		  "tostring(kv.get(\"k\")))");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("a", NULL), "true false nil");
}

static int64_t until_of(const char *scope, const char *key)
{
	struct buf out;
	struct err err;
	int64_t until_ms = -1;
	buf_init(&out, KV_VALUE_MAX);
	enum rc rc = queue_kv_find(s.work, scope, key, 0, &out, &until_ms, &err);
	buf_done(&out);
	return rc == RC_OK ? until_ms : -1;
}

/* Value is there and its time is not over by `at_ms`, else "gone". */
static bool there(const char *scope, const char *key, int64_t at_ms)
{
	struct buf out;
	struct err err;
	int64_t until_ms;
	buf_init(&out, KV_VALUE_MAX);
	enum rc rc = queue_kv_find(s.work, scope, key, at_ms, &out, &until_ms, &err);
	buf_done(&out);
	return rc == RC_OK;
}

Test(runner_kv, a_value_has_the_time_to_live_that_was_said_and_a_counter_that_of_its_beginning)
{
	int64_t day = INT64_C(86400000), before = clock_wall_ms();
	rule("a", "kv.set(\"cache\", 1, \"7d\") kv.set(\"ever\", 1)\n"
		  "kv.incr(\"calls\", 1, \"1d\") kv.incr(\"calls\", 1, \"9d\")\n"
		  "kv.set(\"mine\", 1) kv.incr(\"mine\", 1, \"2d\")");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	int64_t after = clock_wall_ms();
	cr_expect_geq(until_of("a", "cache"), before + 7 * day);
	cr_expect_leq(until_of("a", "cache"), after + 7 * day);
	cr_expect_eq(until_of("a", "ever"), 0);
	cr_expect_leq(until_of("a", "calls"), after + day, "a later incr does not put it off");
	cr_expect_geq(until_of("a", "calls"), before + day);
	cr_expect_geq(until_of("a", "mine"), before + 2 * day, "one without an end gets it");
	cr_expect(there("a", "cache", after + 6 * day));
	cr_expect(!there("a", "cache", after + 8 * day));
}

/* RULES.md: kv is not an effect. Before an effect the first answer is given again, behind the last
 * one a retry does it again. */
Test(runner_kv, a_retry_repeats_kv_behind_the_last_effect_and_not_in_front_of_it)
{
	rule("a", "local before = kv.incr(\"before\")\n"
		  "twenty.notes:create { title = \"n\" }\n"
		  "local behind = kv.incr(\"behind\")\n"
		  "if behind == 1 then retry_after(\"1ms\") end\n"
		  "skip(before .. \" \" .. behind)");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said("a", NULL), "1 2");
	cr_expect_eq(stage_requests(&s, "POST", "/rest/notes"), 1);
}

static bool pruned(struct stage *stage, long n)
{
	struct queue_kv_sum sum;
	struct err err;
	(void)stage;
	return queue_kv_count(s.work, "a", &sum, &err) == RC_OK && sum.n == n;
}

Test(runner_kv, what_is_over_is_pruned)
{
	rule("a", "kv.set(\"short\", 1, \"1ms\") kv.set(\"long\", 1, \"1h\")");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	s.runner->upkeep.prune_at_ms = 0;
	stage_until(&s, pruned, 1);
	cr_expect(there("a", "long", clock_wall_ms()));
}
