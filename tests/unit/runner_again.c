/* SPDX-License-Identifier: MIT */
/*
 * A runner that dies with effects on the wire, and its successor; rules that do not repeat
 * themselves.
 * From: a twin that does what it is asked and answers too late. To: runner/call.c, journal.c.
 */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "runner/version.h"
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

TestSuite(runner_again, .init = open_stage, .fini = close_stage, .timeout = 60);

static void fault(const char *spec)
{
	free(stage_ask(&s, "POST", "/_twin/fault", spec));
}

static long rows(const char *object)
{
	char path[64];
	snprintf(path, sizeof(path), "/_twin/records/%s", object);
	char *text = stage_ask(&s, "GET", path, NULL);
	json_t *all = json_loads(text, JSON_DECODE_ANY, NULL);
	json_t *list = json_is_array(all) ? all : json_object_get(all, object);
	long n = (long)json_array_size(list);
	json_decref(all);
	free(text);
	return n;
}

static const char *awaited[2]; /* method and path */

static bool is_asked(struct stage *stage, long n)
{
	return stage_requests(stage, awaited[0], awaited[1]) >= n;
}

#define RULE(body) "rule \"r\" { on = \"person.*\", run = function(event)\n" body "\nend }"

/* The effect happens, its answer does not come, the runner dies. Its successor ends the run. */
static const struct stage_run *die_and_go_on(
	const char *rule, const char *method, const char *path, long nth)
{
	char spec[160];
	stage_rule(&s, "a.lua", rule);
	stage_start(&s, STAGE_TWIN, NULL);
	snprintf(spec, sizeof(spec), "late=600000,match=%s %s", method, path);
	awaited[0] = method;
	awaited[1] = path;
	if (nth == 1)
		fault(spec);
	stage_someone(&s, "x");
	for (long i = 1; i < nth; i++) {
		stage_until(&s, is_asked, i);
		fault(spec);
	}
	stage_until(&s, is_asked, nth);
	stage_crash(&s);
	fault("none");
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_assert_eq(run->attempt, 1, "a death of the runner uses up no attempt");
	return run;
}

Test(runner_again, a_record_that_was_made_before_the_death_is_not_made_again)
{
	const struct stage_run *run = die_and_go_on(
		RULE("local n = twenty.notes:create { title = \"one\" }\nskip(n.title)"), "POST",
		"/rest/notes", 1);
	cr_expect_str_eq(run->error, "one");
	cr_expect_eq(rows("notes"), 1);
}

Test(runner_again, a_change_that_was_made_before_the_death_is_not_written_again)
{
	const struct stage_run *run =
		die_and_go_on(RULE("local n = twenty.notes:create { title = \"one\" }\n"
				   "local m = twenty.notes:update(n.id, { title = \"two\" })\n"
				   "skip(m.title)"),
			"PATCH", "/rest/notes", 1);
	cr_expect_str_eq(run->error, "two");
	cr_expect_eq(stage_requests(&s, "PATCH", "/rest/notes"), 1);
	cr_expect_eq(rows("notes"), 1);
}

Test(runner_again, what_was_deleted_before_the_death_is_recognised)
{
	const struct stage_run *run =
		die_and_go_on(RULE("local n = twenty.notes:create { title = \"one\" }\n"
				   "local m = twenty.notes:delete(n.id)\n"
				   "skip(tostring(m.id == n.id))"),
			"DELETE", "/rest/notes", 1);
	cr_expect_str_eq(run->error, "true");
	cr_expect_eq(rows("notes"), 1);
}

Test(runner_again, what_was_merged_before_the_death_is_recognised)
{
	const struct stage_run *run = die_and_go_on(
		RULE("local a = twenty.people:create { firstName = \"A\", lastName = \"A\" }\n"
		     "local b = twenty.people:create { firstName = \"B\", lastName = \"B\" }\n"
		     "local m = twenty.people:merge { into = a.id, from = { b.id } }\n"
		     "skip(tostring(m.id == a.id))"),
		"PATCH", "/rest/people", 1);
	cr_expect_str_eq(run->error, "true");
	cr_expect_eq(rows("people"), 1);
	cr_expect_eq(stage_requests(&s, "PATCH", "/rest/people"), 1);
}

Test(runner_again, a_mutation_on_the_wire_at_the_death_is_not_repeated_and_the_run_says_so)
{
	const struct stage_run *run = die_and_go_on(
		RULE("twenty.graphql('mutation { createNote(data: {title: \"one\"}) { id } }')"),
		"POST", "/graphql", 1);
	cr_expect_eq(run->state, QUEUE_DEAD);
	cr_expect_str_eq(run->code, "unknown");
	cr_expect_eq(stage_requests(&s, "POST", "/graphql"), 1);
}

Test(runner_again, effects_of_branches_on_the_wire_at_the_death_happen_once_each)
{
	const struct stage_run *run = die_and_go_on(
		RULE("parallel(function() twenty.notes:create { title = \"a\" } end,\n"
		     "  function() twenty.tasks:create { title = \"b\" } end,\n"
		     "  function() twenty.notes:create { title = \"c\" } end)\n"
		     "twenty.notes:create { title = \"d\" }"),
		"POST", "/rest/notes", 2);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect_eq(rows("notes"), 3);
	cr_expect_eq(rows("tasks"), 1);
}

static bool is_refused(struct stage *stage, long n)
{
	struct client_status status;
	(void)n;
	client_status(stage->parts.client, &status);
	return status.in_flight == 0;
}

/* The budget is used up: nothing was done, so nothing need be asked after. */
Test(runner_again, a_mutation_that_was_never_sent_is_sent_after_a_drain)
{
	stage_rule(&s, "a.lua",
		RULE("twenty.graphql('mutation { createNote(data: {title: "
		     "\"one\"}) { id } }')"));
	stage_start(&s, STAGE_TWIN, NULL);
	fault("status=429:100%,match=POST /graphql");
	awaited[0] = "POST";
	awaited[1] = "/graphql";
	stage_someone(&s, "x");
	stage_until(&s, is_asked, 1);
	stage_until(&s, is_refused, 0);
	stage_stop(&s);
	fault("none");
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_str_neq(run->code, "unknown", "%s", run->error);
	cr_expect_eq(stage_requests(&s, "POST", "/graphql"), 2);
}

/* Ids of new records are made of the names of calls. */
Test(runner_again, a_rule_named_as_anothers_call_does_not_find_that_ones_records)
{
	stage_rule(&s, "a.lua",
		"rule \"a\" { on = \"person.*\", run = function()\n"
		"  twenty.notes:create_many { { title = \"0\" }, { title = \"1\" } } end }\n"
		"rule \"a/1\" { on = \"person.*\", run = function()\n"
		"  skip(twenty.notes:create({ title = \"mine\" }).title) end }");
	stage_start(&s, STAGE_TWIN, NULL);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(stage_find(&s, "a/1", NULL)->error, "mine");
	cr_expect_eq(rows("notes"), 3);
}

#define SWITCH "99999999-2222-4333-8444-555555555555"

/* Given again, what it read would make it ask for ever. */
Test(runner_again, a_branch_that_asked_to_be_tried_later_reads_again_what_made_it_ask)
{
	stage_rule(&s, "a.lua",
		RULE("parallel(function()\n"
		     "  if twenty.notes:get(\"" SWITCH
		     "\").title == \"off\" then retry_after(\"1s\") "
		     "end\nend, function() twenty.tasks:create { title = \"t\" } end)\n"
		     "skip(\"on\")"));
	stage_start(&s, STAGE_TWIN, NULL);
	free(stage_ask(&s, "POST", "/rest/notes", "{\"id\":\"" SWITCH "\",\"title\":\"off\"}"));
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	free(stage_ask(&s, "PATCH", "/rest/notes/" SWITCH, "{\"title\":\"on\"}"));
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(stage_find(&s, "r", NULL)->error, "on");
	cr_expect_eq(rows("tasks"), 1);
}

/* --- rules that are not deterministic ----------------------------------------------------------
 */

/* The text that the store keeps for every run becomes another one, which goes by its own hash: what
 * a rule that is not deterministic would be. The live rule is a third. */
static void change_source(const char *text)
{
	char path[256], hash[DIGEST_HEX_N];
	struct err err = {.msg = ""};
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	stage_rule(&s, "a.lua", RULE("skip(\"the live one\")"));
	snprintf(path, sizeof(path), "%s/work.db", conf_text(s.conf, "store"));
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, "UPDATE source SET text = CAST(?1 AS BLOB), hash = ?2",
			     -1, &stmt, NULL),
		SQLITE_OK);
	cr_assert_eq(version_hash("a.lua", slice_of(text), hash, &err), RC_OK, "%s", err.msg);
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, hash, -1, SQLITE_STATIC);
	cr_assert_eq(sqlite3_step(stmt), SQLITE_DONE, "%s", sqlite3_errmsg(db));
	cr_assert_eq(sqlite3_changes(db), 1);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static bool is_at_the_third(struct stage *stage, long n)
{
	(void)n;
	return stage->runner->runs.slots[0].journal.n == 3;
}

/* Two notes are made, the runner dies over a third call, and the rule is another one then. */
static const struct stage_run *go_on_with(const char *rule)
{
	stage_rule(&s, "a.lua",
		RULE("twenty.notes:create { title = \"a\" }\n"
		     "twenty.notes:create { title = \"b\" }\n"
		     "twenty.people:list {}\n"
		     "skip(\"as before\")"));
	stage_start(&s, STAGE_TWIN, NULL);
	fault("late=600000,match=GET /rest/people?limit=60");
	stage_someone(&s, "x");
	awaited[0] = "POST";
	awaited[1] = "/rest/notes";
	stage_until(&s, is_asked, 2);
	stage_until(&s, is_at_the_third, 0);
	stage_look(&s); /* what was answered is committed */
	stage_crash(&s);
	fault("none");
	if (rule != NULL)
		change_source(rule);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(rows("notes"), 2, "nothing was done twice");
	return stage_find(&s, "r", NULL);
}

static void expect_stopped(const struct stage_run *run, const char *why)
{
	cr_expect_eq(run->state, QUEUE_DEAD, "%s", run->error);
	cr_expect_str_eq(run->code, "replay");
	cr_expect(strstr(run->error, why) != NULL, "%s", run->error);
}

Test(runner_again, a_rule_that_repeats_itself_ends_as_it_would_have)
{
	const struct stage_run *run = go_on_with(NULL);
	cr_expect_eq(run->state, QUEUE_SKIPPED);
	cr_expect_str_eq(run->error, "as before");
}

Test(runner_again, a_rule_that_makes_another_call_is_stopped)
{
	expect_stopped(go_on_with(RULE("twenty.notes:create { title = \"a\" }\n"
				       "twenty.notes:create { title = \"c\" }")),
		"call 2 was create notes, now it is create notes with other arguments");
}

Test(runner_again, a_rule_that_makes_a_call_more_is_stopped)
{
	expect_stopped(go_on_with(RULE("twenty.notes:create { title = \"a\" }\n"
				       "twenty.people:list {}\n"
				       "twenty.notes:create { title = \"b\" }")),
		"call 2 was create notes, now it is list people");
}

Test(runner_again, a_rule_that_ends_before_its_effects_are_repeated_is_stopped)
{
	expect_stopped(go_on_with(RULE("twenty.notes:create { title = \"a\" }")),
		"it did not repeat call 2 (create notes)");
}

Test(runner_again, a_rule_that_skips_before_its_effects_are_repeated_is_stopped)
{
	expect_stopped(go_on_with(RULE("skip(\"nothing to do\")")),
		"it did not repeat call 1 (create notes)");
}
