/* SPDX-License-Identifier: MIT */
/*
 * What was last seen of a record, from one end to the other: a person moves a deal, the rule that
 * waits for that very move runs once and knows what was before, over a restart and whatever comes
 * late or twice.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/house.h"

static const char rules_text[] =
	"rule \"won\" {\n"
	"  on   = \"opportunity.*\",\n"
	"  when = changed { stage = { from = \"NEW\", to = { \"CUSTOMER\", \"PROPOSAL\" } } },\n"
	"  run  = function(event)\n"
	"    twenty.notes:create { title = \"was \" .. event.before.stage .. \", \" ..\n"
	"      table.concat(event.fields, \" \") }\n"
	"  end,\n"
	"}\n"
	"rule \"all\" { on = \"opportunity.*\", run = function() end }\n";

/* For a second behind each start the filling of gaps may be ahead of a webhook, and what was sent
 * before that is no news then. */
static const char no_gaps[] = "gap = { every = \"0s\", sweep = \"0s\" }";

static struct house h;
static char deal[64];

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_seen, .fini = close_house, .timeout = 120);

static void make_deal(void)
{
	int status = 0;
	json_t *answer = house_api(
		&h, "POST", "/rest/opportunities", "{\"name\":\"Big\",\"stage\":\"NEW\"}", &status);
	json_t *record = json_object_get(json_object_get(answer, "data"), "createOpportunity");
	cr_assert_eq(status, 201);
	snprintf(deal, sizeof(deal), "%s", json_string_value(json_object_get(record, "id")));
	json_decref(answer);
}

static void change_deal(const char *body)
{
	char path[128];
	int status = 0;
	snprintf(path, sizeof(path), "/rest/opportunities/%s", deal);
	json_decref(house_api(&h, "PATCH", path, body, &status));
	cr_assert_eq(status, 200);
}

struct rule_runs {
	const char *rule;
	long n;
};

static long runs_of(const char *rule)
{
	json_t *runs = house_runs(&h), *run;
	size_t i;
	long n = 0;
	json_array_foreach(runs, i, run)
	{
		bool done = strcmp(json_string_value(json_object_get(run, "state")), "done") == 0;
		n += done && strcmp(json_string_value(json_object_get(run, "rule")), rule) == 0;
	}
	json_decref(runs);
	return n;
}

static bool has_runs(void *ctx)
{
	const struct rule_runs *wanted = ctx;
	return runs_of(wanted->rule) >= wanted->n;
}

/* Every event so far has been routed: the rule for all of them has had it. */
static void await_events(long n)
{
	struct rule_runs wanted = {"all", n};
	cr_assert(process_await(has_runs, &wanted, 20000), "%ld of %ld", runs_of("all"), n);
}

/* How many notes have this title. */
static long notes_n(const char *title)
{
	json_t *notes = house_records(&h, "notes"), *note;
	size_t i;
	long n = 0;
	json_array_foreach(notes, i, note)
	{
		const char *have = json_string_value(json_object_get(note, "title"));
		n += have != NULL && strcmp(have, title) == 0;
	}
	json_decref(notes);
	return n;
}

/* The deal as the twin has it now, as a webhook would bring it. */
static void deliver(const char *event_date, const char *updated_at, const char *stage)
{
	json_t *deals = house_records(&h, "opportunities"), *record;
	size_t i;
	int status = 0;
	json_array_foreach(deals, i, record)
	{
		if (strcmp(json_string_value(json_object_get(record, "id")), deal) != 0)
			continue;
		json_t *sent = json_deep_copy(record);
		if (updated_at != NULL)
			json_object_set_new(sent, "updatedAt", json_string(updated_at));
		if (stage != NULL)
			json_object_set_new(sent, "stage", json_string(stage));
		json_t *body =
			json_pack("{s:s, s:s, s:o, s:[s]}", "eventName", "opportunity.updated",
				"eventDate", event_date, "record", sent, "updatedFields", "stage");
		char *text = json_dumps(body, JSON_COMPACT);
		status = house_deliver(&h, text);
		free(text);
		json_decref(body);
	}
	json_decref(deals);
	cr_assert_eq(status, 202);
}

static long events_n(const char *state)
{
	json_t *status = house_status(&h);
	json_t *events = json_object_get(status, "events");
	long n = (long)json_integer_value(json_object_get(events, state));
	json_decref(status);
	return n;
}

static bool has_duplicate(void *ctx)
{
	(void)ctx;
	return events_n("duplicate") == 1;
}

Test(walk_seen, a_move_from_one_stage_to_another_fires_once_and_tells_what_was_before)
{
	static const char once[] = "was NEW, stage";
	cr_assert(house_rule(&h, "a.lua", rules_text));
	cr_assert(house_open(&h, &(struct house_conf){.settings = no_gaps}));
	make_deal();
	await_events(1);
	cr_assert_eq(house_stop(&h), 0);
	cr_assert(house_start(&h));

	change_deal("{\"name\":\"Bigger\"}");
	await_events(2);
	cr_expect_eq(runs_of("won"), 0, "its stage is the same");
	change_deal("{\"stage\":\"PROPOSAL\"}");
	await_events(3);
	cr_expect_eq(runs_of("won"), 1);
	change_deal("{\"stage\":\"CUSTOMER\"}");
	await_events(4);
	cr_expect_eq(runs_of("won"), 1, "not from NEW");

	/* A webhook that was sent long ago says that it was NEW; then the last one comes again. */
	deliver("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", "NEW");
	await_events(5);
	deliver("2027-01-01T00:00:00.000Z", NULL, NULL);
	cr_assert(process_await(has_duplicate, NULL, 10000));
	change_deal("{\"stage\":\"PROPOSAL\"}");
	await_events(6);
	cr_expect_eq(runs_of("won"), 1, "it was CUSTOMER before, whatever came late");

	change_deal("{\"stage\":\"NEW\"}");
	change_deal("{\"stage\":\"CUSTOMER\"}");
	await_events(8);
	cr_expect_eq(runs_of("won"), 2);
	cr_expect_eq(notes_n(once), 2);
	cr_expect_eq(house_runs_n(&h, "dead"), 0);
}
