/* SPDX-License-Identifier: MIT */
/*
 * Rules that set each other off where no webhook comes: their events are found by asking, several
 * writes in one. From: a member's edit at a twin that keeps its changes to itself. Each loop is
 * stopped within eight hops, as the twin's own log counts them, and what a rule wrote itself is its
 * echo. Negative control: the same rule, once with and once without its own writes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/loop.h"

#define ROUNDS_MAX 30 /* of asking */
#define BY_HAND "gap = { every = \"0s\", sweep = \"0s\" }"
#define OFTEN "gap = { every = \"200ms\", grace = \"0s\", sweep = \"0s\" }"

static struct house h;
static char path[100]; /* of the one person */

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_loops_gap, .fini = close_house, .timeout = 90);
TestSuite(walk_loops_gap_postgres, .fini = close_house, .timeout = 180);

/* Each is one test with one daemon, and, in the long form, one with three runners on PostgreSQL. */
static int runners;

#define LOOP(name)                                                                                 \
	static void name(void);                                                                    \
	Test(walk_loops_gap, name)                                                                 \
	{                                                                                          \
		name();                                                                            \
	}                                                                                          \
	Test(walk_loops_gap_postgres, name)                                                        \
	{                                                                                          \
		if (getenv("MOONHOOK_TRAFFIC") == NULL)                                            \
			cr_skip_test();                                                            \
		runners = 3;                                                                       \
		name();                                                                            \
	}                                                                                          \
	static void name(void)

static void open_house(const char *rules, const char *dialect, const char *settings)
{
	struct house_conf conf = {.dialect = dialect,
		.no_webhooks = true,
		.twin_args = "--budget none",
		.budget = "none",
		.settings = settings,
		.runners = runners};
	cr_assert(house_rule(&h, "a.lua", rules));
	cr_assert(house_open(&h, &conf));
}

/* How many events it became. */
static json_int_t reconcile(void)
{
	static const char *const args[] = {"reconcile", "-o", "json", NULL};
	int status = -1;
	char *out = house_command(&h, args, &status);
	json_t *answer = out != NULL ? json_loads(out, 0, NULL) : NULL;
	cr_assert_eq(status, 0, "%s", out);
	const json_t *person = json_object_get(json_object_get(answer, "objects"), "person");
	cr_assert_not_null(person, "%s", out);
	json_int_t n = json_integer_value(json_object_get(person, "created")) +
		       json_integer_value(json_object_get(person, "updated"));
	json_decref(answer);
	free(out);
	return n;
}

/* A person that was seen, and then edited by a member: two writes that are not ours. */
static void edit_one(const char *made, const char *edited)
{
	int status = 0;
	reconcile(); /* its first look takes what is there as seen */
	json_t *answer = house_member(&h, "POST", "/rest/people", made, &status), *data;
	cr_assert_eq(status, 201);
	data = json_object_get(answer, "data");
	if (json_object_get(data, "id") == NULL)
		data = json_object_iter_value(json_object_iter(data));
	snprintf(path, sizeof(path), "/rest/people/%s",
		json_string_value(json_object_get(data, "id")));
	json_decref(answer);
	reconcile();
	json_decref(house_member(&h, "PATCH", path, edited, &status));
	cr_assert_eq(status, 200);
}

/* Asks again and again, until nothing more is found. Answers how often something was. */
static int ask_until_quiet(void)
{
	int rounds = 0;
	while (rounds < ROUNDS_MAX && reconcile() > 0) {
		cr_assert(loop_await_quiet(&h));
		rounds++;
	}
	return rounds;
}

struct tally {
	long gap, others, echo;
};

static struct tally count_events(void)
{
	static const char *const args[] = {"events", "list", "-o", "jsonl", NULL};
	char *text = house_command(&h, args, NULL), *rest = text;
	struct tally t = {0};
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		if (row == NULL)
			continue;
		bool gap = strcmp(json_string_value(json_object_get(row, "via")), "gap") == 0;
		t.gap += gap;
		t.others += !gap;
		t.echo += strcmp(json_string_value(json_object_get(row, "state")), "echo") == 0;
		json_decref(row);
	}
	free(text);
	return t;
}

static void expect_stopped(void)
{
	long n = loop_writes(&h) - 2;
	struct tally t = count_events();
	fprintf(stderr, "writes %ld, events %ld: %s\n", n, t.gap, loop_chain(&h));
	cr_expect(n >= 2 && n <= LOOP_HOPS_MAX, "%ld writes", n);
	cr_expect(
		strstr(loop_error(&h), "it began with an edit by ") != NULL, "%s", loop_error(&h));
	cr_expect_eq(
		loop_stopped_n(&h), 2, "a rule is paused, with an issue: %d", loop_stopped_n(&h));
	cr_expect_eq(t.others, 0, "an event came in another way");
}

#define STEP(name, field, more)                                                                    \
	"rule '" name "' { on = 'person.updated', " more "run = function(e)\n"                     \
	"  local n = (tonumber(e.record." field ") or 0) + 1\n"                                    \
	"  twenty.people:update(e.record.id, { " field " = tostring(n) })\nend }\n"

LOOP(two_rules_that_are_asked_for_by_hand)
{
	open_house(STEP("ping", "jobTitle", "") STEP("pong", "intro", ""), NULL, BY_HAND);
	edit_one("{\"jobTitle\":\"0\"}", "{\"avatarUrl\":\"go\"}");
	cr_expect_lt(ask_until_quiet(), ROUNDS_MAX);
	expect_stopped();
}

LOOP(two_rules_of_a_server_that_speaks_the_documented_dialect)
{
	open_house(STEP("ping", "jobTitle", "") STEP("pong", "lastName", ""), "docs", BY_HAND);
	edit_one("{\"firstName\":\"Ann\",\"jobTitle\":\"0\"}", "{\"firstName\":\"Bea\"}");
	cr_expect_lt(ask_until_quiet(), ROUNDS_MAX);
	expect_stopped();
}

static bool is_stopped(void *ctx)
{
	return loop_error(ctx)[0] != '\0';
}

LOOP(two_rules_while_twenty_is_asked_all_the_time)
{
	open_house(STEP("ping", "jobTitle", "") STEP("pong", "intro", ""), NULL, OFTEN);
	edit_one("{\"jobTitle\":\"0\"}", "{\"avatarUrl\":\"go\"}");
	cr_assert(process_await(is_stopped, &h, 30000));
	cr_assert(loop_await_quiet(&h));
	expect_stopped();
}

LOOP(a_rule_that_wants_its_own_writes)
{
	open_house(STEP("self", "jobTitle", "echo = true, "), NULL, BY_HAND);
	edit_one("{\"jobTitle\":\"0\"}", "{\"intro\":\"go\"}");
	int rounds = ask_until_quiet();
	cr_expect(rounds > 2 && rounds < ROUNDS_MAX, "%d rounds", rounds);
	expect_stopped();
}

/* The same rule, without wanting them. */
LOOP(what_a_rule_wrote_itself_is_its_echo)
{
	open_house(STEP("stamp", "jobTitle", ""), NULL, BY_HAND);
	edit_one("{\"jobTitle\":\"0\"}", "{\"intro\":\"go\"}");
	cr_expect_eq(ask_until_quiet(), 2, "the edit, and the write");
	struct tally t = count_events();
	cr_expect_eq(loop_writes(&h) - 2, 1);
	cr_expect_eq(t.echo, 1);
	cr_expect_eq(t.others, 0);
	cr_expect_eq(loop_stopped_n(&h), 0);
}

/* Found in one event: the rule is shown what it did not write. */
LOOP(what_a_rule_wrote_is_not_shown_to_it_beside_what_a_member_changed)
{
	int status = 0;
	open_house("rule 'tell' { on = 'person.updated', run = function(e)\n"
		   "  twenty.people:update(e.record.id, { jobTitle = table.concat(e.fields, ' ') "
		   "})\nend }\n",
		NULL, BY_HAND);
	edit_one("{\"jobTitle\":\"0\"}", "{\"intro\":\"go\"}");
	cr_expect_eq(reconcile(), 1);
	cr_assert(house_await_runs(&h, "done", 1, 10000));
	json_decref(house_member(&h, "PATCH", path, "{\"avatarUrl\":\"go\"}", &status));
	cr_assert_eq(status, 200);
	cr_expect_eq(reconcile(), 1, "both changes are one event");
	cr_assert(house_await_runs(&h, "done", 2, 10000));
	json_t *people = house_records(&h, "people");
	const json_t *person = json_array_get(people, json_array_size(people) - 1);
	cr_expect_str_eq(json_string_value(json_object_get(person, "jobTitle")), "avatarUrl");
	json_decref(people);
}
