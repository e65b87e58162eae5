/* SPDX-License-Identifier: MIT */
/*
 * The check in the daemon: what a new version is refused for, and which live rules are paused when
 * the workspace changes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/schema.h"
#include "queue/pause.h"
#include "queue/queue.h"
#include "runner/folder.h"
#include "tests/unit/runner_stage.h"

#define SCHEMA "tests/data/twenty/rest/metadata-objects-all.body"
#define HEAD(name) "rule \"" name "\" { on = \"company.updated\", run = function(event)\n"
#define WRITES "twenty.companies:update(event.record.id, { tagline = \"x\" })\n"
#define READS "log.info(event.record.employees)\n"
#define END "end }\n"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_inspect, .init = open_stage, .fini = close_stage, .timeout = 120);

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

/* --- reloads ---------------------------------------------------------------------------------- */

Test(runner_inspect, an_error_that_only_the_check_sees_leaves_the_old_version_live)
{
	stage_rule(&s, "a.lua", HEAD("one") "log.info(event.id)\n" END);
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "a.lua", HEAD("uno") "log.inof(event.id)\n" END);
	says("1 rule live, 1 file broken: a.lua:2:5: log has no 'inof'; did you mean 'info'?");
	cr_assert_str_eq(live(), "one");
	stage_rule(&s, "a.lua", HEAD("uno") "log.info(event.id)\n" END);
	says("1 rule live");
	cr_assert_str_eq(live(), "uno");
}

Test(runner_inspect, what_is_no_lua_is_told_in_the_words_of_the_check)
{
	stage_rule(&s, "a.lua", HEAD("one") "log.info(event.id)\n" END);
	stage_start(&s, STAGE_ALONE, NULL);
	stage_rule(&s, "a.lua",
		"rule \"one\" {\n\ton = \"company.updated\",\n\trun = function(event)\n\t\tif "
		"event.id then\n\t\t\tlog.info(event.id)\n\tend,\n}\n");
	says("1 rule live, 1 file broken: a.lua:4:3: 'if' that begins here seems to have no 'end' "
	     "of its own: the 'end' of line 6 stands further left; running the version of ");
	cr_assert_str_eq(live(), "one");
}

Test(runner_inspect, a_warning_refuses_nothing)
{
	stage_rule(&s, "a.lua",
		HEAD("one") "log.info(twenty.companies:get(event.record.id).name)\n" END);
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_str_eq(live(), "one");
	says("reloaded 1 rule live");
}

Test(runner_inspect, another_file_may_hold_the_rule_of_a_timer)
{
	stage_rule(&s, "a.lua", HEAD("one") "after(\"1h\", \"two\")\n" END);
	stage_rule(&s, "b.lua", "rule \"two\" { on = \"timer\", run = function() end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	cr_assert_str_eq(live(), "one,two");
	stage_rule(&s, "a.lua", HEAD("one") "after(\"1h\", \"tow\")\n" END);
	says("a.lua:2:13: there is no rule \"tow\"; did you mean \"two\"?");
}

/* As after an update of this program, whose check has learnt more. */
Test(runner_inspect, a_version_that_was_live_before_is_not_refused)
{
	struct folder folder;
	struct err err = {.msg = ""};
	stage_rule(&s, "a.lua", HEAD("one") "log.info(event.id)\n" END);
	stage_start(&s, STAGE_ALONE, NULL);
	stage_stop(&s);
	stage_rule(&s, "a.lua", HEAD("one") "log.inof(event.id)\n" END);
	cr_assert_eq(folder_read(s.rules, &folder, &err), RC_OK, "%s", err.msg);
	const char *hash = folder.files[0].hash, *store = conf_text(s.conf, "store");
	struct queue *work = NULL;
	cr_assert_eq(queue_open(store, QUEUE_RUNNER, &work, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_source_put(work, hash, "a.lua", buf_slice(&folder.files[0].text), &err),
		RC_OK, "%s", err.msg);
	cr_assert_eq(queue_source_live(work, &hash, 1, 1000, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_commit(work, &err), RC_OK, "%s", err.msg);
	queue_close(work);
	folder_done(&folder);
	stage_again(&s);
	says("reloaded 1 rule live");
}

/* --- the workspace ---------------------------------------------------------------------------- */

/* The recorded workspace, without a field of the company where one is named. */
static struct schema *workspace(const char *without)
{
	struct cli_schema whole;
	struct err err = {.msg = ""};
	struct schema *schema = NULL;
	cr_assert_eq(cli_schema_read(SCHEMA, &whole, &err), RC_OK, "%s", err.msg);
	json_t *objects = json_object_get(json_object_get(whole.body, "data"), "objects"), *object;
	size_t i, k, n = 0;
	json_array_foreach(objects, i, object)
	{
		json_t *fields = json_object_get(object, "fields"), *field;
		if (strcmp(json_string_value(json_object_get(object, "nameSingular")), "company") !=
			0)
			continue;
		json_array_foreach(fields, k, field)
		{
			const char *name = json_string_value(json_object_get(field, "name"));
			if (without == NULL || strcmp(name, without) != 0)
				continue;
			json_array_remove(fields, k);
			n++;
			break;
		}
	}
	cr_assert_eq(n, without != NULL);
	cr_assert_eq(schema_read(whole.body, &schema, &err), RC_OK, "%s", err.msg);
	cli_schema_done(&whole);
	return schema;
}

static void becomes(const char *without)
{
	struct schema *schema = workspace(without);
	inspect_live(s.runner, schema);
	schema_free(schema);
}

static enum rc keep_text(void *ctx, const struct queue_issue *issue, struct err *err)
{
	char *text = ctx;
	(void)err;
	if (strcmp(issue->kind, "workspace") == 0)
		snprintf(text, 600, "%s: %s", issue->about, issue->text);
	return RC_OK;
}

static const char *issue_text(void)
{
	static char text[600];
	struct err err = {.msg = ""};
	text[0] = '\0';
	cr_assert_eq(
		queue_issue_each(s.runner->queue, keep_text, text, &err), RC_OK, "%s", err.msg);
	return text;
}

Test(runner_inspect, a_rule_that_uses_a_vanished_field_is_paused_and_another_of_its_file_is_not)
{
	stage_rule(&s, "a.lua", HEAD("writes") WRITES END HEAD("reads") READS END);
	stage_start(&s, STAGE_ALONE, NULL);
	becomes(NULL);
	cr_assert(!queue_paused(s.runner->queue, "writes"));
	becomes("tagline");
	cr_assert(queue_paused(s.runner->queue, "writes"));
	cr_assert(!queue_paused(s.runner->queue, "reads"));
	cr_assert_eq(
		strncmp(issue_text(),
			"writes: a.lua:2:44: company has no field 'tagline': mend the rule, or "
			"Twenty, then: moonhook rules resume \"writes\"",
			100),
		0, "%s", issue_text());
}

Test(runner_inspect, only_a_person_lifts_such_a_pause_and_it_does_not_come_back_for_the_same)
{
	struct err err = {.msg = ""};
	size_t n;
	stage_rule(&s, "a.lua", HEAD("writes") WRITES END);
	stage_start(&s, STAGE_ALONE, NULL);
	becomes(NULL);
	becomes("tagline");
	becomes(NULL);
	cr_assert(queue_paused(s.runner->queue, "writes"), "the field is back, the pause stays");
	becomes("tagline");
	cr_assert_eq(queue_resume(s.runner->queue, "writes", &n, &err), RC_OK, "%s", err.msg);
	becomes("tagline");
	cr_assert(!queue_paused(s.runner->queue, "writes"), "who resumed it knew that it is gone");
}

Test(runner_inspect, what_stands_in_front_of_all_rules_is_for_each_of_them)
{
	stage_rule(&s, "a.lua",
		"local function tag(id)\n twenty.companies:update(id, { tagline = \"x\" "
		"})\nend\n" HEAD("one") "tag(event.record.id)\n" END HEAD(
			"two") "tag(event.record.id)\n" END);
	stage_start(&s, STAGE_ALONE, NULL);
	becomes(NULL);
	becomes("tagline");
	cr_assert(queue_paused(s.runner->queue, "one"));
	cr_assert(queue_paused(s.runner->queue, "two"));
}

static bool knows_workspace(struct stage *stage, long n)
{
	return client_schema_n(stage->runner->client) >= (unsigned)n;
}

Test(runner_inspect, what_the_workspace_lacks_of_a_new_file_is_in_the_answer_to_its_reload)
{
	stage_rule(&s, "a.lua", HEAD("one") "log.info(event.id)\n" END);
	stage_start(&s, STAGE_TWIN, NULL);
	stage_until(&s, knows_workspace, 1);
	stage_rule(&s, "b.lua",
		"rule \"two\" { on = \"oportunity.updated\", run = function() end }\n");
	says("reloaded 2 rules live: b.lua:1:19: the workspace has no object 'oportunity'; did you "
	     "mean \"opportunity.updated\"? (live all the same)");
	says("reloaded 2 rules live");
}

static bool has_hats(struct stage *stage, long n)
{
	(void)n;
	return ruleset_find(stage->runner->rules.live, "hats") != NULL;
}

static const char *object_id(const char *plural)
{
	static char id[40];
	char *text = stage_ask(&s, "GET", "/rest/metadata/objects", NULL);
	json_t *body = json_loads(text, 0, NULL), *object;
	size_t i;
	json_array_foreach(json_object_get(json_object_get(body, "data"), "objects"), i, object)
	{
		if (strcmp(json_string_value(json_object_get(object, "namePlural")), plural) == 0)
			snprintf(id, sizeof(id), "%s",
				json_string_value(json_object_get(object, "id")));
	}
	json_decref(body);
	free(text);
	return id;
}

Test(runner_inspect, a_version_that_was_refused_for_a_field_is_loaded_once_the_field_is_there)
{
	char body[300];
	stage_rule(&s, "a.lua", HEAD("reads") READS END);
	stage_start(&s, STAGE_TWIN, NULL);
	client_schema_ask(s.runner->client);
	stage_until(&s, knows_workspace, 1);
	stage_rule(&s, "a.lua", HEAD("hats") "log.info(event.record.hatSize)\n" END);
	says("1 file broken: a.lua:2:23: company has no field 'hatSize'");
	cr_assert_str_eq(live(), "reads");
	snprintf(body, sizeof(body),
		"{\"objectMetadataId\":\"%s\",\"type\":\"NUMBER\",\"name\":\"hatSize\",\"label\":"
		"\"Hat\"}",
		object_id("companies"));
	free(stage_ask(&s, "POST", "/rest/metadata/fields", body));
	client_schema_ask(s.runner->client);
	stage_until(&s, has_hats, 0);
	cr_assert_str_eq(live(), "hats");
}

Test(runner_inspect, a_first_version_goes_live_whatever_the_workspace_is_said_to_lack)
{
	stage_start(&s, STAGE_TWIN, NULL);
	client_schema_ask(s.runner->client);
	stage_until(&s, knows_workspace, 1);
	stage_rule(&s, "b.lua", HEAD("hats") "log.info(event.record.hatSize)\n" END);
	says("reloaded 1 rule live");
	becomes(NULL);
	cr_assert(!queue_paused(s.runner->queue, "hats"),
		"it was never there, so it has not vanished");
}
