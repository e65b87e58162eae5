/* SPDX-License-Identifier: MIT */
/*
 * Rules that set each other off without an end, against the programs themselves: each pattern is
 * stopped within eight hops, the rule is paused, and the chain is drawn.
 * From: a member's edit at the twin, whose webhooks come back to the daemon. A hop is a run that
 * wrote. Negative control: two rules that only look as if they did that go on as long as people do.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/loop.h"

static struct house h, other;

static void close_houses(void)
{
	house_close(&h);
	house_close(&other);
}

TestSuite(walk_loops, .fini = close_houses, .timeout = 180);
TestSuite(walk_loops_postgres, .fini = close_houses, .timeout = 180);

/* Each is one test with one daemon, and one with three runners on PostgreSQL; of these two are
 * enough for the short form. */
static int runners;

static void begin_postgres(const char *name)
{
	static const char *const brief[] = {"two_rules", "by_way_of_a_related_record"};
	bool wanted = getenv("MOONHOOK_TRAFFIC") != NULL;
	for (size_t i = 0; i < ARRAY_N(brief); i++)
		wanted = wanted || strcmp(name, brief[i]) == 0;
	if (!wanted)
		cr_skip_test();
	runners = 3;
}

#define LOOP(name)                                                                                 \
	static void name(void);                                                                    \
	Test(walk_loops, name)                                                                     \
	{                                                                                          \
		name();                                                                            \
	}                                                                                          \
	Test(walk_loops_postgres, name)                                                            \
	{                                                                                          \
		begin_postgres(#name);                                                             \
		name();                                                                            \
	}                                                                                          \
	static void name(void)

static void open_house(const char *rules)
{
	struct house_conf conf = {
		.twin_args = "--budget none", .budget = "none", .runners = runners};
	cr_assert(house_rule(&h, "a.lua", rules));
	cr_assert(house_open(&h, &conf));
}

static char *make_person(const char *body)
{
	int status = 0;
	json_t *made = house_member(&h, "POST", "/rest/people", body, &status);
	cr_assert_eq(status, 201);
	json_t *data = json_object_get(made, "data");
	const json_t *person = json_object_iter_value(json_object_iter(data));
	char *id = strdup(json_string_value(json_object_get(person, "id")));
	json_decref(made);
	return id;
}

static void edit(const char *id, const char *body)
{
	char path[100];
	int status = 0;
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	json_decref(house_member(&h, "PATCH", path, body, &status));
	cr_assert_eq(status, 200);
}

static void await_quiet(struct house *house)
{
	cr_assert(loop_await_quiet(house), "it does not come to rest");
}

static bool is_stopped(void *ctx)
{
	(void)ctx;
	return loop_stopped_n(&h) == 2;
}

/* A chain is drawn from who began it to what would have gone on. */
static void expect_stopped_after(const char *rule, const char *deed)
{
	char began[100], first[100];
	cr_expect(process_await(is_stopped, NULL, 60000), "nothing was stopped");
	await_quiet(&h);
	long n = loop_hops(&h);
	const char *error = loop_error(&h), *chain = loop_chain(&h);
	fprintf(stderr, "hops %ld: %s\n", n, chain);
	cr_expect(n >= 2 && n <= LOOP_HOPS_MAX, "%ld", n);
	snprintf(began, sizeof(began), "; it began with %s by a member", deed);
	snprintf(first, sizeof(first), ", %s by a member\n-> \"", deed);
	cr_expect(strstr(error, began) != NULL, "%s", error);
	cr_expect_null(strchr(error, '\n'), "%s", error);
	cr_expect_eq(strncmp(chain, error, strlen(error)), 0, "%s", chain);
	cr_expect(strstr(chain, first) != NULL, "%s", chain);
	cr_expect(strstr(chain, rule) != NULL, "%s", chain);
	cr_expect(strstr(chain, "\", which would run a third time") != NULL, "%s", chain);
	int stopped = loop_stopped_n(&h);
	cr_expect_eq(stopped, 2, "a rule is paused, with an issue: %d", stopped);
}

static void expect_stopped(const char *rule)
{
	expect_stopped_after(rule, "an edit");
}

LOOP(a_rule_that_sees_its_own_writes)
{
	open_house("rule 'self' { on = 'person.updated', echo = true, run = function(e)\n"
		   "  local n = (tonumber(e.record.jobTitle) or 0) + 1\n"
		   "  twenty.people:update(e.record.id, { jobTitle = tostring(n) })\nend }\n");
	char *id = make_person("{\"jobTitle\":\"0\"}");
	edit(id, "{\"intro\":\"go\"}");
	expect_stopped("\"self\"");
	free(id);
}

/* What a command says, and how many lines that is. GIVES. */
static char *says(const char *const *args, int *ret_lines)
{
	int status = -1;
	char *text = house_command(&h, args, &status);
	cr_assert_not_null(text);
	*ret_lines = 0;
	for (const char *c = text; *c != '\0'; c++)
		*ret_lines += *c == '\n';
	return text;
}

/* Every run that there is came of the one edit. */
static void expect_all_runs(const char *text)
{
	json_t *runs = house_runs(&h), *run;
	size_t i;
	json_array_foreach(runs, i, run)
	{
		const char *id = json_string_value(json_object_get(run, "id"));
		const char *at = strstr(text, id);
		cr_expect(at != NULL && strstr(at + 1, id) == NULL, "%s in %s", id, text);
	}
	cr_expect_gt(json_array_size(runs), 6);
	json_decref(runs);
}

/* `moonhook why`: from the edit down to the run that was stopped, whichever of it is asked for. */
static void expect_drawn(const char *event)
{
	const char *const args[] = {"why", event, NULL};
	const char *const json[] = {"why", event, "-o", "json", NULL};
	const char *const wrong[] = {"why", "0zzzz", NULL};
	const char *const both[] = {"why", "0", NULL};
	int lines = 0, status = 0;
	char *text = says(args, &lines);
	cr_expect_eq(strncmp(text, "person.updated ", 15), 0, "%s", text);
	expect_all_runs(text);
	const char *asked = strstr(text, "<-- asked for");
	cr_expect(asked != NULL && strstr(asked, "\" dead") != NULL, "%s", text);
	cr_expect(asked != NULL && strstr(asked, ": update people") == NULL, "%s", text);
	free(text);
	text = says(json, &lines);
	json_t *why = json_loads(text, 0, NULL);
	const json_t *began = json_object_get(why, "began");
	cr_expect_str_eq(json_string_value(json_object_get(why, "asked")), event);
	cr_expect_eq(json_integer_value(json_object_get(began, "depth")), 0);
	const char *const root[] = {"why", json_string_value(json_object_get(began, "id")), NULL};
	free(text);
	text = says(root, &lines);
	expect_all_runs(text);
	free(text);
	json_decref(why);
	free(house_command(&h, wrong, &status));
	cr_expect_eq(status, 1);
	free(house_command(&h, both, &status));
	cr_expect_eq(status, 1);
}

/* Lists have the sentence, on one line; what shows one thing has the chain, too. */
static void expect_shown(void)
{
	static const char *const issues[] = {"issues", "list", NULL};
	static const char *const status[] = {"status", NULL};
	static const char *const rules[] = {"rules", "list", NULL};
	static const char *const dead[] = {"runs", "list", "state:dead", "-o", "jsonl", NULL};
	const char *error = loop_error(&h);
	int lines = 0;
	char *text = says(issues, &lines);
	cr_expect(lines == 2 && strstr(text, error) != NULL, "%s", text);
	free(text);
	text = says(status, &lines);
	cr_expect(strstr(text, error) != NULL, "%s", text);
	free(text);
	text = says(rules, &lines);
	cr_expect(lines == 3 && strstr(text, error) != NULL, "%s", text);
	free(text);
	text = says(dead, &lines);
	json_t *run = json_loads(text, 0, NULL);
	const char *const show[] = {
		"runs", "show", json_string_value(json_object_get(run, "id")), NULL};
	free(text);
	text = says(show, &lines);
	cr_expect(strstr(text, error) != NULL, "%s", text);
	cr_expect(strstr(text, "chain       person.updated ") != NULL, "%s", text);
	cr_expect(strstr(text, "\n            -> \"") != NULL, "%s", text);
	free(text);
	expect_drawn(json_string_value(json_object_get(run, "event")));
	json_decref(run);
}

#define STEP(name, field)                                                                          \
	"rule '" name "' { on = 'person.updated', run = function(e)\n"                             \
	"  local n = (tonumber(e.record." field ") or 0) + 1\n"                                    \
	"  twenty.people:update(e.record.id, { " field " = tostring(n) })\nend }\n"

LOOP(two_rules)
{
	open_house(STEP("ping", "jobTitle") STEP("pong", "intro"));
	char *id = make_person("{\"jobTitle\":\"0\"}");
	edit(id, "{\"avatarUrl\":\"go\"}");
	expect_stopped("\"p");
	expect_shown();
	free(id);
}

/* Without updatedFields, and with ids that the server chooses. */
LOOP(two_rules_of_a_server_that_speaks_the_documented_dialect)
{
	struct house_conf conf = {.dialect = "docs",
		.twin_args = "--budget none",
		.budget = "none",
		.runners = runners};
	int status = 0;
	cr_assert(house_rule(&h, "a.lua", STEP("ping", "jobTitle") STEP("pong", "lastName")));
	cr_assert(house_open(&h, &conf));
	json_t *made = house_member(
		&h, "POST", "/rest/people", "{\"firstName\":\"Ann\",\"jobTitle\":\"0\"}", &status);
	cr_assert_eq(status, 201);
	const json_t *data = json_object_get(made, "data");
	char *id = strdup(json_string_value(json_object_get(data, "id")));
	edit(id, "{\"firstName\":\"Bea\"}");
	expect_stopped("\"p");
	json_decref(made);
	free(id);
}

#define WHEN(name, field, seen)                                                                    \
	"rule '" name "' { on = 'person.updated',\n"                                               \
	"  when = function(e) for _, f in ipairs(e.fields or {}) do\n"                             \
	"    if f == '" seen "' then return true end end end,\n"                                   \
	"  run = function(e)\n"                                                                    \
	"  local n = (tonumber(e.record." field ") or 0) + 1\n"                                    \
	"  twenty.people:update(e.record.id, { " field " = tostring(n) })\nend }\n"

LOOP(three_rules)
{
	open_house(WHEN("one", "jobTitle", "avatarUrl") WHEN("two", "intro", "jobTitle")
			WHEN("three", "avatarUrl", "intro"));
	char *id = make_person("{\"jobTitle\":\"0\"}");
	edit(id, "{\"avatarUrl\":\"1\"}");
	expect_stopped("\"two\"");
	free(id);
}

LOOP(by_way_of_a_related_record)
{
	int status = 0;
	open_house(
		"rule 'person' { on = 'person.updated', run = function(e)\n"
		"  local c = twenty.companies:get(e.record.companyId)\n"
		"  twenty.companies:update(c.id, { employees = (c.employees or 0) + 1 })\nend }\n"
		"rule 'company' { on = 'company.updated', run = function(e)\n"
		"  local n = tostring(e.record.employees)\n"
		"  local p = twenty.people:list { where = { companyId = e.record.id } }[1]\n"
		"  twenty.people:update(p.id, { jobTitle = n })\nend }\n");
	json_t *made = house_member(&h, "POST", "/rest/companies", "{\"name\":\"Acme\"}", &status);
	cr_assert_eq(status, 201);
	const json_t *company =
		json_object_iter_value(json_object_iter(json_object_get(made, "data")));
	char body[100];
	snprintf(body, sizeof(body), "{\"companyId\":\"%s\"}",
		json_string_value(json_object_get(company, "id")));
	char *id = make_person(body);
	edit(id, "{\"intro\":\"go\"}");
	expect_stopped("company.updated");
	json_decref(made);
	free(id);
}

LOOP(by_deleting_and_restoring)
{
	open_house("rule 'restore' { on = 'person.deleted', run = function(e)\n"
		   "  twenty.people:restore(e.record.id)\nend }\n"
		   "rule 'delete' { on = 'person.restored', run = function(e)\n"
		   "  twenty.people:delete(e.record.id)\nend }\n");
	char *id = make_person("{\"jobTitle\":\"0\"}"), path[120];
	int status = 0;
	snprintf(path, sizeof(path), "/rest/people/%s?soft_delete=true", id);
	json_decref(house_member(&h, "DELETE", path, NULL, &status));
	cr_assert_eq(status, 200);
	expect_stopped_after("person.restored", "a deletion");
	free(id);
}

LOOP(by_merging)
{
	open_house("rule 'merge' { on = 'person.updated', run = function(e)\n"
		   "  local n = #(e.record.emails.additionalEmails or {}) + 1\n"
		   "  local twin = twenty.people:create { emails = { primaryEmail =\n"
		   "    'x' .. n .. '@' .. e.id .. '.example' } }\n"
		   "  twenty.people:merge { into = e.record.id, from = { twin.id } }\nend }\n" STEP(
			   "title", "jobTitle"));
	char *id = make_person("{\"emails\":{\"primaryEmail\":\"a@b.example\"}}");
	edit(id, "{\"intro\":\"go\"}");
	expect_stopped("\"merge\"");
	free(id);
}

/* A rule that makes a record of the kind that fires it: no record comes twice, depth decides. */
LOOP(a_rule_that_makes_what_fires_it)
{
	open_house("rule 'more' { on = 'task.created', echo = true, run = function(e)\n"
		   "  twenty.tasks:create { title = e.record.title .. '+' }\nend }\n");
	int status = 0;
	json_decref(house_member(&h, "POST", "/rest/tasks", "{\"title\":\"t\"}", &status));
	cr_assert_eq(status, 201);
	cr_expect(process_await(is_stopped, NULL, 60000), "nothing was stopped");
	await_quiet(&h);
	long n = loop_hops(&h);
	cr_expect_eq(n, LOOP_HOPS_MAX + 1, "%ld: the first, and eight steps down the line", n);
	cr_expect_eq(loop_stopped_n(&h), 2);
	cr_expect(strstr(loop_error(&h), "more than 8 steps down a chain") != NULL, "%s",
		loop_error(&h));
}

/* Each answers what the other writes; each knows only its own writes. */
LOOP(two_daemons)
{
	struct house_conf conf = {.twin_args = "--budget none", .budget = "none", .beside = &h};
	open_house("rule 'here' { on = 'person.updated',\n"
		   "  when = function(e) return e.fields[1] ~= 'intro' or e.record.intro == 'go' "
		   "end,\n"
		   "  run = function(e)\n"
		   "  local n = (tonumber(e.record.jobTitle) or 0) + 1\n"
		   "  twenty.people:update(e.record.id, { jobTitle = tostring(n) })\nend }\n");
	cr_assert(house_rule(&other, "b.lua", WHEN("there", "avatarUrl", "jobTitle")));
	cr_assert(house_open(&other, &conf));
	char *id = make_person("{\"jobTitle\":\"0\"}");
	edit(id, "{\"intro\":\"go\"}");
	int64_t end = clock_mono_ms() + 30000;
	while (loop_error(&h)[0] == '\0' && clock_mono_ms() < end)
		await_quiet(&h);
	await_quiet(&other);
	long n = loop_hops(&h) + loop_hops(&other);
	fprintf(stderr, "hops %ld: %s\n", n, loop_error(&h));
	cr_expect(n >= 4 && n <= LOOP_HOPS_MAX, "%ld", n);
	cr_expect(strstr(loop_error(&h), "and another program") != NULL, "%s", loop_error(&h));
	cr_expect_eq(loop_stopped_n(&h), 2);
	cr_expect_eq(loop_stopped_n(&other), 0);
	free(id);
}

/* Both answer the member, too: there are two balls in the game, and two hops are not of the loop.
 * Of the long form. */
LOOP(two_daemons_that_both_begin)
{
	struct house_conf conf = {.twin_args = "--budget none", .budget = "none", .beside = &h};
	if (getenv("MOONHOOK_TRAFFIC") == NULL)
		cr_skip_test();
	open_house(STEP("here", "jobTitle"));
	cr_assert(house_rule(&other, "b.lua", STEP("there", "avatarUrl")));
	cr_assert(house_open(&other, &conf));
	char *id = make_person("{\"jobTitle\":\"0\"}");
	edit(id, "{\"intro\":\"go\"}");
	int64_t end = clock_mono_ms() + 60000;
	while (loop_error(&h)[0] == '\0' && loop_error(&other)[0] == '\0' && clock_mono_ms() < end)
		await_quiet(&h);
	await_quiet(&h);
	await_quiet(&other);
	long n = loop_hops(&h) + loop_hops(&other);
	fprintf(stderr, "hops %ld: %s\n", n, loop_error(&h));
	cr_expect_leq(n, LOOP_HOPS_MAX + 2, "%ld", n);
	cr_expect_gt(loop_stopped_n(&h) + loop_stopped_n(&other), 0);
	free(id);
}

/* An importer is no such thing: it changes a record every so often, and our rule answers. */
LOOP(an_importer_is_no_loop)
{
	open_house(WHEN("answer", "jobTitle", "intro"));
	char *id = make_person("{\"jobTitle\":\"0\"}"), path[100];
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	for (int i = 0; i < 15; i++) {
		char body[40];
		int status = 0;
		struct timespec pause = {0, (100 + i * 37 % 200) * 1000000L};
		snprintf(body, sizeof(body), "{\"intro\":\"%d\"}", i);
		json_decref(house_api(&h, "PATCH", path, body, &status));
		cr_assert_eq(status, 200);
		nanosleep(&pause, NULL); /* its own clock */
	}
	cr_assert(house_await_runs(&h, "done", 15, 20000));
	cr_expect_eq(loop_hops(&h), 15);
	cr_expect_eq(loop_stopped_n(&h), 0);
	free(id);
}

/* The same two rules, each answering people alone, go on as long as people do. */
LOOP(two_rules_that_answer_people_are_no_loop)
{
	open_house("rule 'one' { on = 'person.updated', echo = false, run = function(e)\n"
		   "  local n = (tonumber(e.record.jobTitle) or 0) + 1\n"
		   "  twenty.people:update(e.record.id, { jobTitle = tostring(n) })\nend }\n"
		   "rule 'two' { on = 'person.updated', echo = false, run = function(e)\n"
		   "  twenty.people:update(e.record.id, { avatarUrl = e.id })\nend }\n");
	char *id = make_person("{\"jobTitle\":\"0\"}");
	for (int i = 0; i < 30; i++) {
		char body[40];
		snprintf(body, sizeof(body), "{\"intro\":\"%d\"}", i);
		edit(id, body);
		cr_assert(house_await_runs(&h, "done", 2 * (i + 1), 20000));
	}
	await_quiet(&h);
	cr_expect_eq(loop_hops(&h), 60);
	cr_expect_str_empty(loop_error(&h));
	cr_expect_eq(loop_stopped_n(&h), 0);
	free(id);
}
