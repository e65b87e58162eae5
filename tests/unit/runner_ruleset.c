/* SPDX-License-Identifier: MIT */
/* What a rule is where its head leaves options out. From: heads as workers say them. */
#include "runner/ruleset.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "runner/runner.h"

static struct versions versions;

/* Of a rule with this in its head. GIVES (rulefile_unref). */
static struct rulefile *file_of(const char *options)
{
	char text[400];
	struct err err = {.msg = ""};
	struct version *version = NULL;
	struct rulefile *file = NULL;
	char hash[DIGEST_HEX_N];
	memset(hash, 'a', sizeof(hash) - 1);
	hash[sizeof(hash) - 1] = '\0';
	cr_assert_eq(version_add(&versions, hash, "a.lua", slice_of("rule"), &version, &err), RC_OK,
		"%s", err.msg);
	snprintf(text, sizeof(text), "{\"rules\":[{\"name\":\"r\",\"line\":1,%s}]}", options);
	json_t *head = json_loads(text, 0, NULL);
	cr_assert_not_null(head, "%s", text);
	cr_assert_eq(rulefile_new("a.lua", version, head, &file, &err), RC_OK, "%s", err.msg);
	json_decref(head);
	return file;
}

#define EVENT "\"on\":[\"person.created\"]"

Test(runner_ruleset, options_that_are_left_out_have_their_defaults)
{
	struct rulefile *file = file_of(EVENT);
	const struct rule *rule = &file->rules[0];
	cr_expect_eq(rule->key, RULE_KEY_RECORD);
	cr_expect_eq(rule->echo, RULE_ECHO_OTHERS);
	cr_expect_eq(rule->attempts_max, 8 + 1, "eight repeats of the first attempt");
	cr_expect_eq(rule->writes_max, 1000);
	cr_expect_eq(rule->writes_per_ms, 3600000);
	cr_expect_eq(rule->concurrency, 0, "any number");
	cr_expect_not(rule->background);
	cr_expect_not(rule->shadow);
	cr_expect_not(rule->fresh);
	cr_expect_eq(rule->settle_ms + rule->batch_ms, 0, "each event has its own run");
	cr_expect_eq(rule->timeout_ms, 0, "that of the configuration");
	cr_expect_eq(rule->cpu_ms, 0);
	rulefile_unref(file);
}

Test(runner_ruleset, without_max_settle_a_session_takes_five_minutes_at_most)
{
	struct rulefile *file = file_of(EVENT ",\"settle_ms\":20000");
	cr_expect_eq(file->rules[0].settle_max_ms, 300000);
	rulefile_unref(file);
}

Test(runner_ruleset, the_lane_of_rules_by_the_clock_is_the_background)
{
	static const struct {
		const char *options;
		bool background;
	} rows[] = {{"\"on\":[],\"every_ms\":60000", true},
		{"\"on\":[],\"cron\":\"0 9 * * *\"", true},
		{"\"on\":[],\"every_ms\":60000,\"lane\":\"live\"", false},
		{EVENT ",\"lane\":\"background\"", true}, {EVENT, false},
		{"\"on\":[\"timer\"]", false}};
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		struct rulefile *file = file_of(rows[i].options);
		cr_expect_eq(file->rules[0].background, rows[i].background, "%s", rows[i].options);
		rulefile_unref(file);
	}
}

Test(runner_ruleset, the_configuration_gives_a_run_30_s_and_1_s_of_processor_time)
{
	const struct conf_option *wall = conf_option_find(&runner_conf_table, 1, "limits.wall"),
				 *cpu = conf_option_find(&runner_conf_table, 1, "limits.cpu");
	cr_assert(wall != NULL && cpu != NULL);
	cr_expect_str_eq(wall->fallback, "30s");
	cr_expect_str_eq(cpu->fallback, "1s");
}
