/* SPDX-License-Identifier: MIT */
/*
 * Rules that get another name and keep what they had.
 * From: reloads of a runner with a twin. To: runner/rename.c, queue/rename.h.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/pause.h"
#include "tests/unit/runner_stage.h"

#define ID "4b4b4b4b-0000-4000-8000-00000000000a"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_rename, .init = open_stage, .fini = close_stage, .timeout = 120);

static void reload(const char *file, const char *text)
{
	char said[512];
	stage_rule(&s, file, text);
	stage_reload(&s, said);
	cr_assert(strncmp(said, "reloaded", 8) == 0, "%s", said);
}

#define RULE(name, was, body)                                                                      \
	"rule \"" name "\" { on = \"person.*\", " was "run = function(event)\n" body "\nend }"
#define COUNTS "log.info('seen', kv.incr('n'))"

Test(runner_rename, a_renamed_rule_keeps_its_values_and_its_runs)
{
	stage_rule(&s, "a.lua", RULE("old", "", COUNTS));
	stage_start(&s, STAGE_ALONE, NULL);
	struct id first = stage_person(&s, "updated", ID, "a");
	stage_until(&s, stage_ended, 1);
	reload("a.lua", RULE("new", "was = 'old', ", COUNTS));
	struct id second = stage_person(&s, "updated", ID, "b");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_expect(strstr(stage_find(&s, "new", &first)->log, "seen 1") != NULL);
	const struct stage_run *run = stage_find(&s, "new", &second);
	cr_expect(strstr(run->log, "seen 2") != NULL, "%s", run->log);
}

Test(runner_rename, without_was_a_rule_of_another_name_begins_anew)
{
	stage_rule(&s, "a.lua", RULE("old", "", COUNTS));
	stage_start(&s, STAGE_ALONE, NULL);
	struct id first = stage_person(&s, "updated", ID, "a");
	stage_until(&s, stage_ended, 1);
	reload("a.lua", RULE("new", "", COUNTS));
	struct id second = stage_person(&s, "updated", ID, "b");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	stage_find(&s, "old", &first);
	const struct stage_run *run = stage_find(&s, "new", &second);
	cr_expect(strstr(run->log, "seen 1") != NULL, "%s", run->log);
}

Test(runner_rename, a_run_that_waits_goes_on_with_its_source_and_repeats_nothing)
{
	stage_rule(&s, "a.lua",
		RULE("old", "",
			"twenty.tasks:create { title = 'one' }\n"
			"if not kv.get('go') then retry_after('1s', 'not yet') end\n"
			"log.info('went on')"));
	stage_start(&s, STAGE_TWIN, "");
	struct id event = stage_person(&s, "updated", ID, "a");
	stage_until(&s, stage_waiting, 1);
	reload("a.lua", RULE("new", "was = 'old', ", "kv.set('go', true)"));
	stage_person(&s, "updated", "4b4b4b4b-0000-4000-8000-00000000000b", "b");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	const struct stage_run *run = stage_find(&s, "new", &event);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect(strstr(run->log, "went on") != NULL, "%s", run->log);
	cr_expect_eq(stage_requests(&s, "POST", "/rest/tasks"), 1);
}

static bool is_paused(struct stage *stage, long n)
{
	(void)n;
	return queue_paused(stage->work, "new");
}

/* Three may be written: two before it was renamed, and of the two behind it one. */
Test(runner_rename, what_it_wrote_under_its_old_name_counts)
{
#define WRITES "for i = 1, 2 do twenty.notes:create { title = 'n' } end"
	stage_rule(&s, "a.lua", RULE("old", "max_writes = '3/d', ", WRITES));
	stage_start(&s, STAGE_TWIN, NULL);
	stage_person(&s, "updated", ID, "a");
	stage_until(&s, stage_ended, 1);
	reload("a.lua", RULE("new", "was = 'old', max_writes = '3/d', ", WRITES));
	stage_person(&s, "updated", ID, "b");
	stage_until(&s, is_paused, 0);
	cr_expect_eq(stage_requests(&s, "POST", "/rest/notes"), 3);
}

Test(runner_rename, a_name_that_another_rule_has_stays_with_that_rule)
{
	stage_rule(&s, "a.lua", RULE("old", "", COUNTS));
	stage_start(&s, STAGE_ALONE, NULL);
	struct id first = stage_person(&s, "updated", ID, "a");
	stage_until(&s, stage_ended, 1);
	reload("b.lua", RULE("new", "was = 'old', ", COUNTS));
	struct id second = stage_person(&s, "updated", ID, "b");
	stage_until(&s, stage_ended, 3);
	stage_look(&s);
	stage_find(&s, "old", &first);
	cr_expect(strstr(stage_find(&s, "old", &second)->log, "seen 2") != NULL);
	cr_expect(strstr(stage_find(&s, "new", &second)->log, "seen 1") != NULL);
}
