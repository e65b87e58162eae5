/* SPDX-License-Identifier: MIT */
/*
 * Loading rules: what is live after what was put into the folder, and what people are told.
 * From: rule files and reloads. To: runner/rules.c, runner/ruleset.c with real workers.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "tests/unit/runner_stage.h"

#define RULE(name) "rule \"" name "\" { on = \"person.*\", run = function() end }\n"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_rules, .init = open_stage, .fini = close_stage, .timeout = 60);

static const char *live(void)
{
	static char names[512];
	const struct ruleset *set = s.runner->rules.live;
	names[0] = '\0';
	for (size_t i = 0; i < set->n; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			i != 0 ? "," : "", set->rules[i]->name);
	return names;
}

static void says(const char *text)
{
	char answer[512];
	stage_reload(&s, answer);
	cr_assert(strstr(answer, text) != NULL, "\"%s\" lacks \"%s\"", answer, text);
}

Test(runner_rules, files_are_live_in_order_of_their_names)
{
	stage_rule(&s, "b.lua", RULE("two") RULE("three"));
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "a_test.lua", "this is no rule");
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_str_eq(live(), "one,two,three");
	says("reloaded 3 rules live");
	cr_assert_eq(metrics_value(METRIC_RULES), 3);
}

Test(runner_rules, a_head_arrives_as_data)
{
	stage_rule(&s, "a.lua",
		"\n\nrule \"one\" {\n  on = { \"person.created\", \"*.deleted\" },\n"
		"  key = \"companyId\", timeout = \"5s\", cpu = \"100ms\", retry = { max = 2 },\n"
		"  when = function() return true end,\n  run = function() end,\n}\n");
	stage_start(&s, STAGE_ALONE, NULL);
	const struct rule *rule = ruleset_find(s.runner->rules.live, "one");
	cr_assert(rule != NULL);
	cr_assert_eq(rule->line, 3);
	cr_assert_eq(json_array_size(rule->on), 2);
	cr_assert_eq(rule->key, RULE_KEY_FIELD);
	cr_assert_str_eq(rule->key_field, "companyId");
	cr_assert_eq(rule->timeout_ms, 5000);
	cr_assert_eq(rule->cpu_ms, 100);
	cr_assert_eq(rule->attempts_max, 3, "the first and two repeats");
	cr_assert(rule->when);
}

Test(runner_rules, a_syntax_error_leaves_the_old_version_live_and_names_its_line)
{
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "a.lua", "\n\nrule \"one\" {\n");
	says("2 rules live, 1 file broken: a.lua:");
	cr_assert_str_eq(live(), "one,two");
	cr_assert_eq(metrics_value(METRIC_RULES_BROKEN), 1);
	stage_rule(&s, "a.lua", RULE("uno"));
	says("2 rules live");
	cr_assert_str_eq(live(), "uno,two");
	cr_assert_eq(metrics_value(METRIC_RULES_BROKEN), 0);
}

Test(runner_rules, a_file_that_never_loaded_is_listed_as_broken)
{
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", "local x = = 3\n");
	stage_start(&s, STAGE_ALONE, NULL);
	says("1 rule live, 1 file broken: b.lua:1:11: ");
}

Test(runner_rules, byte_order_mark_and_crlf_are_fine_and_nul_is_not)
{
	stage_rule(&s, "a.lua", "\xef\xbb\xbf" RULE("one"));
	stage_rule(&s, "b.lua",
		"rule \"two\" {\r\n on = \"person.*\",\r\n run = function() end }\r\n");
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_str_eq(live(), "one,two");
	char path[256];
	snprintf(path, sizeof(path), "%s/c.lua", s.rules);
	FILE *f = fopen(path, "w");
	cr_assert(f != NULL);
	cr_assert_eq(fwrite("-- \0\n", 1, 5, f), 5);
	fclose(f);
	says("2 rules live, 1 file broken: c.lua:1: a NUL");
}

Test(runner_rules, a_name_that_appears_twice_breaks_the_later_file)
{
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", "\n" RULE("one") RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	says("1 rule live, 1 file broken: b.lua:2: a rule named \"one\" is in a.lua:1 already");
}

Test(runner_rules, a_new_file_takes_no_name_from_one_that_is_live)
{
	char text[512];
	stage_rule(&s, "b.lua", RULE("one") RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "a.lua", RULE("one"));
	stage_reload(&s, text);
	cr_assert(strstr(text, "a.lua:1: a rule named \"one\" is in b.lua:1 already") != NULL, "%s",
		text);
	cr_assert_str_eq(live(), "one,two");
}

Test(runner_rules, a_copy_of_a_file_is_named_by_its_own_name)
{
	char text[512];
	stage_rule(&s, "a.lua", RULE("one"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "b.lua", RULE("one"));
	stage_reload(&s, text);
	cr_assert(strstr(text, "b.lua:1: a rule named \"one\" is in a.lua:1 already") != NULL, "%s",
		text);
}

Test(runner_rules, an_event_that_does_not_exist_is_refused)
{
	stage_rule(&s, "a.lua", "rule \"one\" { on = \"person.creatd\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	says("0 rules live, 1 file broken: a.lua:1: ");
}

Test(runner_rules, a_file_that_loops_while_it_is_read_is_broken_and_others_load)
{
	stage_rule(&s, "a.lua", "while true do end\n");
	stage_rule(&s, "b.lua", RULE("two"));
	stage_rule(
		&s, "c.lua", "return (('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40) .. 'b')");
	stage_start(&s, STAGE_ALONE, NULL);
	says("1 rule live, 2 files broken: a.lua");
	cr_assert_str_eq(live(), "two");
}

Test(runner_rules, a_removed_file_takes_its_rules_along)
{
	char path[256];
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	snprintf(path, sizeof(path), "%s/a.lua", s.rules);
	cr_assert_eq(unlink(path), 0);
	says("reloaded 1 rule live");
	cr_assert_str_eq(live(), "two");
}

Test(runner_rules, without_a_folder_the_runner_is_ready_and_has_no_rules)
{
	rmdir(s.rules);
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_eq(s.runner->rules.live->n, 0);
	says("failed the rules folder ");
}

Test(runner_rules, a_folder_that_vanishes_leaves_everything_live)
{
	char path[256];
	stage_rule(&s, "a.lua", RULE("one"));
	stage_start(&s, STAGE_ALONE, NULL);
	snprintf(path, sizeof(path), "%s.away", s.rules);
	cr_assert_eq(rename(s.rules, path), 0);
	says("failed the rules folder ");
	cr_assert_str_eq(live(), "one");
	cr_assert_eq(rename(path, s.rules), 0);
	says("reloaded 1 rule live");
}

Test(runner_rules, a_run_keeps_the_version_it_began_with)
{
	stage_rule(&s, "a.lua",
		"rule \"one\" { on = \"person.*\", run = function()\n"
		"  log.info \"old\"\n  retry_after(\"300ms\", \"wait\")\nend }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	stage_someone(&s, "a");
	stage_until(&s, stage_waiting, 1);
	stage_rule(&s, "a.lua",
		"rule \"one\" { on = \"person.*\", run = function() log.info \"new\" end }\n");
	says("1 rule live");
	struct id second = stage_someone(&s, "b");
	stage_until(&s, stage_ended, 1);
	cr_assert(strstr(stage_find(&s, "one", &second)->log, "new") != NULL);
	const struct stage_run *first = &s.runs[0];
	stage_turn(&s, 20);
	stage_until(&s, stage_waiting, 1);
	stage_look(&s);
	cr_assert(strstr(first->log, "old") != NULL, "%s", first->log);
	cr_assert_eq(first->attempt, 1, "retry_after uses up no attempt");
}

/* --- over a new start ------------------------------------------------------------------------- */

/* The row of a file in the list for people; "state name error". STATIC. */
static const char *listed_text;

static enum rc take_rule(void *ctx, const struct queue_rule *row, struct err *err)
{
	static char text[512];
	(void)err;
	if (strcmp(row->file, ctx) == 0) {
		snprintf(text, sizeof(text), "%s %s %s", row->state, row->name, row->error);
		listed_text = text;
	}
	return RC_OK;
}

static const char *listed(const char *file)
{
	struct err err = {0};
	char name[64];
	listed_text = "";
	snprintf(name, sizeof(name), "%s", file);
	cr_assert_eq(queue_rule_each(s.work, take_rule, name, &err), RC_OK, "%s", err.msg);
	return listed_text;
}

static void is_listed(const char *file, const char *begin, const char *end)
{
	const char *text = listed(file);
	cr_expect(strncmp(text, begin, strlen(begin)) == 0, "%s: %s", file, text);
	cr_expect(strstr(text, end) != NULL, "%s: %s", file, text);
}

Test(runner_rules, a_file_that_is_broken_at_a_start_goes_on_as_the_version_before_it)
{
	char at[CLOCK_TEXT_N], since[64];
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	clock_format(ruleset_find_file(s.runner->rules.live, "a.lua")->live_ms, at);
	stage_stop(&s);
	stage_rule(&s, "a.lua", "\n\nrule \"one\" {\n");
	stage_again(&s);
	cr_assert_str_eq(live(), "one,two");
	cr_expect_eq(metrics_value(METRIC_RULES_BROKEN), 1);
	snprintf(since, sizeof(since), "; running the version of %s", at);
	is_listed("a.lua", "broken one a.lua:", since);
	is_listed("b.lua", "live two ", "");
	/* It does its work, over one more start, too. */
	stage_stop(&s);
	stage_again(&s);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(stage_find(&s, "one", NULL)->state, QUEUE_DONE);
	is_listed("a.lua", "broken one a.lua:", since);
	stage_rule(&s, "a.lua", RULE("uno"));
	says("reloaded 2 rules live");
	cr_assert_str_eq(live(), "uno,two");
	is_listed("a.lua", "live uno ", "");
}

Test(runner_rules, a_broken_file_says_which_version_runs_after_a_reload_too)
{
	stage_rule(&s, "a.lua", RULE("one"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "a.lua", "rule {");
	says("; running the version of 20");
	is_listed("a.lua", "broken one a.lua:1:7: ", "; running the version of 20");
}

Test(runner_rules, the_version_before_comes_back_for_a_file_that_cannot_be_read_or_takes_a_name)
{
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", RULE("two"));
	stage_rule(&s, "c.lua", RULE("three"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_stop(&s);
	stage_rule(&s, "b.lua", RULE("two") RULE("one"));
	char path[256];
	snprintf(path, sizeof(path), "%s/c.lua", s.rules);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("a.lua", path), 0);
	stage_again(&s);
	cr_assert_str_eq(live(), "one,two,three");
	is_listed("b.lua", "broken two b.lua:2: a rule named \"one\"", "; running the version of");
	is_listed("c.lua", "broken three c.lua is a symlink", "; running the version of");
}

Test(runner_rules, a_file_that_was_deleted_does_not_come_back)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/a.lua", s.rules);
	stage_rule(&s, "a.lua", RULE("one"));
	stage_rule(&s, "b.lua", RULE("two"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_stop(&s);
	cr_assert_eq(unlink(path), 0);
	stage_again(&s);
	cr_assert_str_eq(live(), "two");
	stage_stop(&s);
	stage_rule(&s, "a.lua", "rule {");
	stage_again(&s);
	cr_assert_str_eq(live(), "two");
	is_listed("a.lua", "broken  a.lua:1:7: ", "");
	cr_expect(strstr(listed("a.lua"), "running the version") == NULL);
}

Test(runner_rules, a_file_that_is_broken_at_its_first_start_has_nothing_to_go_back_to)
{
	stage_rule(&s, "a.lua", "rule {");
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_str_eq(live(), "");
	is_listed("a.lua", "broken  a.lua:1:7: ", "");
}

/* The versions whose rules have run stay as long as the runs do, the rest goes with upkeep. */
Test(runner_rules, versions_that_nobody_needs_are_forgotten)
{
	struct err err = {0};
	struct buf text;
	char file[256], hash[3][DIGEST_HEX_N];
	static const char *const rules[] = {RULE("one"), RULE("two"), RULE("three")};
	buf_init(&text, 4096);
	for (size_t i = 0; i < 3; i++) {
		stage_rule(&s, "a.lua", rules[i]);
		if (i == 0)
			stage_start(&s, STAGE_ALONE, NULL);
		else
			says("1 rule live");
		snprintf(hash[i], sizeof(hash[i]), "%s", s.runner->rules.live->files[0]->hash);
		if (i == 0) {
			stage_someone(&s, "x");
			stage_until(&s, stage_ended, 1);
		}
	}
	clock_set_wall_ms(clock_wall_ms() + 7200000);
	clock_skip_mono_ms(60000);
	int64_t end = clock_mono_ms() + 10000;
	while (queue_source_get(s.work, hash[1], &text, file, &err) == RC_OK) {
		cr_assert_lt(clock_mono_ms(), end, "it is still there");
		runner_turn(s.runner);
		buf_clear(&text);
	}
	clock_set_wall_ms(0);
	cr_expect_eq(queue_source_get(s.work, hash[0], &text, file, &err), RC_OK, "it has a run");
	cr_expect_eq(queue_source_get(s.work, hash[2], &text, file, &err), RC_OK, "it is live");
	buf_done(&text);
}

Test(runner_rules, events_wait_for_a_folder_that_is_away_when_the_runner_comes_back)
{
	char path[256];
	stage_rule(&s, "a.lua", RULE("one"));
	stage_start(&s, STAGE_ALONE, NULL);
	stage_stop(&s);
	snprintf(path, sizeof(path), "%s.away", s.rules);
	cr_assert_eq(rename(s.rules, path), 0);
	stage_up(&s);
	stage_someone(&s, "x");
	stage_turn(&s, 20);
	stage_look(&s);
	cr_assert_eq(s.runs_n, 0);
	cr_expect(!s.runner->rules.loaded);
	cr_assert_eq(rename(path, s.rules), 0);
	clock_skip_mono_ms(2000);
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "one", NULL)->state, QUEUE_DONE);
}

static enum rc take_name(void *ctx, const struct queue_rule *rule, struct err *err)
{
	char *names = ctx;
	size_t n = strlen(names);
	(void)err;
	snprintf(names + n, 64 - n, "%s,", rule->name);
	return RC_OK;
}

Test(runner_rules, whoever_has_the_answer_finds_the_new_list_in_the_store)
{
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 0; i < 20; i++) {
		struct queue *reader = NULL;
		struct err err = {0};
		char rule[128], wanted[32], names[64] = "";
		snprintf(rule, sizeof(rule),
			"rule \"r%d\" { on = \"a.created\", run = function() end }\n", i);
		snprintf(wanted, sizeof(wanted), "r%d,", i);
		stage_rule(&s, "a.lua", rule);
		says("reloaded 1 rule live");
		cr_assert_eq(queue_open(conf_text(s.conf, "store"), QUEUE_READER, &reader, &err),
			RC_OK, "%s", err.msg);
		cr_assert_eq(queue_rule_each(reader, take_name, names, &err), RC_OK);
		queue_close(reader);
		cr_expect_str_eq(names, wanted);
	}
}
