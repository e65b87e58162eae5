/* SPDX-License-Identifier: MIT */
/*
 * Texts of rules that the store keeps, and somebody who changes them there.
 * From: a run, and a start, that need a version which lies in the store alone. To:
 * runner/version.c.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_share(&s);
}

static void close_stage(void)
{
	stage_close(&s);
	postgres_store_drop(s.store);
}

TestSuite(runner_version, .init = open_stage, .fini = close_stage, .timeout = 100);

#define RULE(what) "rule \"one\" { on = \"person.*\", run = function() " what " end }\n"

/* A run waits that began with a version which is in no folder any more. */
static void leave_one(const char *next)
{
	stage_rule(&s, "a.lua",
		RULE("if not kv.get(\"was\") then kv.set(\"was\", true) retry_after(\"1s\") end"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	stage_stop(&s);
	stage_rule(&s, "a.lua", next);
}

static void tamper(const char *sql)
{
	char text[200];
	cr_assert(postgres_say(s.store, NULL, sql, text), "%s", text);
}

static const struct stage_run *await_run(void)
{
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	return stage_find(&s, "one", NULL);
}

Test(runner_version, a_text_that_was_changed_in_the_store_is_not_run)
{
	leave_one(RULE(""));
	tamper("UPDATE source SET text = '"
	       "rule \"one\" { on = \"person.*\", run = function() end }"
	       "'");
	const struct stage_run *run = await_run();
	cr_expect_eq(run->state, QUEUE_DEAD);
	cr_expect_str_eq(run->code, "denied");
	cr_expect_not_null(
		strstr(run->error, "rule \"one\" cannot be started: the text of a.lua in the "
				   "store is not what its hash ("),
		"%s", run->error);
	cr_expect_not_null(strstr(run->error, "somebody has changed it there"), "%s", run->error);
}

Test(runner_version, a_text_that_was_given_the_name_of_another_file_is_not_run)
{
	leave_one(RULE(""));
	tamper("UPDATE source SET file = 'b.lua'");
	cr_expect_eq(await_run()->state, QUEUE_DEAD);
}

Test(runner_version, a_text_that_is_as_it_was_stored_is_run_again)
{
	leave_one(RULE(""));
	tamper("UPDATE source SET text = text || ''");
	cr_expect_eq(await_run()->state, QUEUE_DONE);
}

/* A file that is broken at a start goes on as it was live before: not as somebody wants it. */
Test(runner_version, a_start_does_not_go_back_to_a_text_that_was_changed)
{
	leave_one("rule {");
	stage_again(&s);
	cr_expect_eq(s.runner->rules.live->n, 1u, "the text that its hash is of");
	stage_stop(&s);
	tamper("UPDATE source SET text = text || ' '");
	stage_again(&s);
	cr_expect_eq(s.runner->rules.live->n, 0u);
}
