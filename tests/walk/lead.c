/* SPDX-License-Identifier: MIT */
/*
 * What waits for its time while the runner that leads is killed: ticks, a timer, a record that
 * settles. Each fires once, by another runner.
 * From: SIGKILL to the daemon, which began first and leads. To: notes at the twin.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/house.h"

#define WAIT_MS 60000
#define TICKS_MORE 2 /* behind all others: whatever was to fire twice would have by then */

static const char rules_text[] =
	"rule \"ticks\" { every = \"1s\", run = function(event)\n"
	"  twenty.notes:create { title = \"tick \" .. event.at }\nend }\n"
	"rule \"arms\" { on = \"person.created\", run = function(event)\n"
	"  after(\"4s\", \"later\", event.record.jobTitle)\nend "
	"}\n"
	"rule \"later\" { on = \"timer\", run = function(event)\n"
	"  twenty.notes:create { title = \"later \" .. event.payload }\nend }\n"
	"rule \"settles\" { on = \"person.updated\", settle = \"4s\", run = function(event)\n"
	"  twenty.notes:create { title = \"settled \" .. event.record.jobTitle }\nend }\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_lead, .fini = close_house, .timeout = 280);

static json_t *ask(const char *method, const char *path, const char *title)
{
	char body[80];
	int status = 0;
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\"}", title);
	json_t *answer = house_member(&h, method, path, body, &status);
	cr_assert_eq(status / 100, 2, "%s %s: %d", method, path, status);
	return answer;
}

static void make_person(const char *title, char ret_path[static 80])
{
	json_t *made = ask("POST", "/rest/people", title);
	json_t *person = json_object_get(json_object_get(made, "data"), "createPerson");
	const char *id = json_string_value(json_object_get(person, "id"));
	cr_assert_not_null(id);
	snprintf(ret_path, 80, "/rest/people/%s", id);
	json_decref(made);
}

/* Notes that begin so; ret_twice: of the same title. */
static long notes_n(const char *begin, long *ret_twice)
{
	json_t *notes = house_records(&h, "notes"), *note, *seen = json_object();
	size_t i;
	long n = 0;
	*ret_twice = 0;
	json_array_foreach(notes, i, note)
	{
		const char *title = json_string_value(json_object_get(note, "title"));
		if (title == NULL || strncmp(title, begin, strlen(begin)) != 0)
			continue;
		n++;
		*ret_twice += json_object_get(seen, title) != NULL;
		json_object_set_new(seen, title, json_true());
	}
	json_decref(seen);
	json_decref(notes);
	return n;
}

struct wanted {
	const char *begin;
	long n;
};

static bool has_notes(void *ctx)
{
	const struct wanted *w = ctx;
	long twice;
	return notes_n(w->begin, &twice) >= w->n;
}

static void await(const char *begin, long n)
{
	struct wanted wanted = {begin, n};
	cr_assert(process_await(has_notes, &wanted, WAIT_MS), "%s", begin);
}

/* Or has it fired already? Then this is a slow machine, and the test shows less. */
static bool is_armed(void *ctx)
{
	static const char *const timers[] = {"timers", "list", "-o", "json", NULL};
	int status = -1;
	long twice;
	(void)ctx;
	char *text = house_command(&h, timers, &status);
	bool armed = text != NULL && strstr(text, "\"later\"") != NULL;
	free(text);
	return armed || notes_n("later ", &twice) > 0;
}

static void expect_once(const char *title)
{
	long twice;
	cr_expect_eq(notes_n(title, &twice), 1, "%s", title);
}

Test(walk_lead, what_waits_while_the_leader_is_killed_fires_once)
{
	struct house_conf conf = {.runners = 3,
		.lease = "2s",
		.budget = "6000/m",
		.twin_args = "--budget none",
		.settings = "gap = { every = \"0s\" }"};
	char path[80];
	long twice;
	cr_assert(house_rule(&h, "a.lua", rules_text));
	cr_assert(house_open(&h, &conf));
	make_person("first", path);
	json_decref(ask("PATCH", path, "second"));
	json_decref(ask("PATCH", path, "third"));
	cr_assert(process_await(is_armed, NULL, WAIT_MS));
	await("tick ", 1);
	process_stop(&h.daemon, SIGKILL, 15000);
	await("settled third", 1);
	await("later first", 1);
	await("tick ", notes_n("tick ", &twice) + TICKS_MORE);
	expect_once("later first");
	expect_once("settled third");
	(void)notes_n("tick ", &twice);
	cr_expect_eq(twice, 0, "no tick fires twice");
}
