/* SPDX-License-Identifier: MIT */
/*
 * Timers and ticks over the sudden end of a whole Moonhook: what was armed fires once, what was
 * missed is made up once.
 * From: SIGKILL to every process of it. To: notes at the twin.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue.h"
#include "queue/timer.h"
#include "tests/harness/house.h"

#define CHILDREN_MAX 16
#define DAY_MS INT64_C(86400000)

static const char rules_text[] =
	"rule \"arms\" { on = \"person.created\", run = function(event)\n"
	"  after(event.record.jobTitle, \"later\", { from = event.id })\n"
	"end }\n"
	"rule \"later\" { on = \"timer\", run = function(event)\n"
	"  twenty.notes:create { title = \"later \" .. event.record.jobTitle }\n"
	"end }\n"
	"rule \"nightly\" { cron = \"0 3 * * *\", tz = \"Europe/Paris\", run = function(event)\n"
	"  twenty.notes:create { title = \"nightly\" }\n"
	"end }\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(timers, .fini = close_house, .timeout = 120);

static void open_house(void)
{
	cr_assert(house_folder(&h));
	cr_assert(house_rule(&h, "a.lua", rules_text));
	cr_assert(house_open(&h, &(struct house_conf){.dialect = NULL}));
}

/* Every process of it, at once, by its number. */
static void kill_house(void)
{
	char path[64];
	pid_t children[CHILDREN_MAX];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)h.daemon.pid,
		(int)h.daemon.pid);
	char *list = process_read(path), *at = list;
	cr_assert_not_null(list);
	for (; n < CHILDREN_MAX && *at != '\0'; n++) {
		children[n] = (pid_t)strtol(at, &at, 10);
		at += strspn(at, " ");
	}
	free(list);
	cr_assert_gt(n, 1u, "receiver, runner, console");
	cr_assert_eq(kill(h.daemon.pid, SIGKILL), 0);
	for (size_t i = 0; i < n; i++)
		(void)kill(children[i], SIGKILL);
	(void)process_stop(&h.daemon, SIGKILL, 5000);
}

static void make_person(const char *title)
{
	char body[128];
	int status = 0;
	snprintf(body, sizeof(body), "{\"jobTitle\":\"%s\"}", title);
	json_decref(house_api(&h, "POST", "/rest/people", body, &status));
	cr_assert_eq(status, 201);
}

static json_t *timers_list(void)
{
	static const char *const args[] = {"timers", "list", "-o", "json", NULL};
	int status = -1;
	char *text = house_command(&h, args, &status);
	json_t *list = json_loads(text != NULL ? text : "", 0, NULL);
	cr_assert_eq(status, 0, "%s", text);
	free(text);
	return list;
}

static long listed_n(const char *kind)
{
	json_t *list = timers_list(), *row;
	size_t i;
	long n = 0;
	json_array_foreach(list, i, row) n +=
		strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0;
	json_decref(list);
	return n;
}

static bool is_armed(void *ctx)
{
	(void)ctx;
	return listed_n("timer") == 1;
}

static bool is_ticking(void *ctx)
{
	(void)ctx;
	return listed_n("tick") == 1;
}

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

static bool has_note(void *ctx)
{
	const char *const *title = ctx;
	return notes_n(*title) >= 1;
}

static void await_note(const char *title)
{
	cr_assert(process_await(has_note, &title, 30000), "%s", title);
}

/* A person who comes now has had all rules run: whatever was to fire before has. */
static void let_all_fire(void)
{
	make_person("1ms");
	await_note("later 1ms");
}

/* The oldest run of a rule, from what it came. */
static void says_why(const char *rule)
{
	json_t *runs = house_runs(&h), *run;
	char id[64] = "";
	size_t i;
	int status = -1;
	json_array_foreach(runs, i, run)
	{
		if (id[0] == '\0' &&
			strcmp(json_string_value(json_object_get(run, "rule")), rule) == 0)
			snprintf(id, sizeof(id), "%s",
				json_string_value(json_object_get(run, "id")));
	}
	json_decref(runs);
	const char *const args[] = {"why", id, NULL};
	char *said = house_command(&h, args, &status);
	cr_expect_eq(status, 0);
	cr_expect(strstr(said, "person.created ") == said, "%s", said);
	cr_expect(strstr(said, "\"arms\" done: after  ") != NULL, "%s", said);
	cr_expect(strstr(said, ", via timer  ") != NULL, "%s", said);
	cr_expect(strstr(said, "\"later\" done: create notes  ") != NULL, "%s", said);
	cr_expect(strstr(said, "<-- asked for") != NULL, "%s", said);
	free(said);
}

Test(timers, one_that_is_armed_fires_once_after_a_sudden_end_and_never_again)
{
	open_house();
	make_person("4s");
	cr_assert(process_await(is_armed, NULL, 30000));
	kill_house();
	cr_assert(house_start(&h));
	await_note("later 4s");
	kill_house();
	cr_assert(house_start(&h));
	let_all_fire();
	cr_expect_eq(notes_n("later 4s"), 1);
	cr_expect_eq(listed_n("timer"), 0);
	says_why("later");
}

/* The store says that the last one was five days ago. */
static void make_last_tick_old(void)
{
	char store[256];
	struct queue *q = NULL;
	struct err err;
	struct queue_tick tick = {
		"nightly", "cron 0 3 * * * Europe/Paris", clock_wall_ms() - 5 * DAY_MS, false, ""};
	snprintf(store, sizeof(store), "%s/store", h.dir);
	cr_assert_eq(queue_open_after(store, QUEUE_RUNNER, 5000, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_tick_put(q, &tick, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_commit(q, &err), RC_OK);
	queue_close(q);
}

/* What a rule by the clock is shown with. */
static void shows_next(void)
{
	static const char *const args[] = {"rules", "list", "-o", "json", NULL};
	int status = -1;
	char *text = house_command(&h, args, &status);
	json_t *list = json_loads(text != NULL ? text : "", 0, NULL), *row;
	size_t i, found = 0;
	cr_assert_eq(status, 0, "%s", text);
	json_array_foreach(list, i, row)
	{
		const char *next = json_string_value(json_object_get(row, "next_at"));
		const char *options = json_string_value(json_object_get(row, "options"));
		if (strcmp(json_string_value(json_object_get(row, "name")), "nightly") != 0) {
			cr_expect_null(next);
			continue;
		}
		found++;
		cr_expect(options != NULL && strcmp(options, "cron 0 3 * * * Europe/Paris") == 0);
		cr_expect(next != NULL && clock_parse(next) > clock_wall_ms() - DAY_MS, "%s", next);
	}
	cr_expect_eq(found, 1u);
	json_decref(list);
	free(text);
}

Test(timers, nights_that_were_missed_are_made_up_once)
{
	open_house();
	cr_assert(process_await(is_ticking, NULL, 30000));
	shows_next();
	cr_expect_eq(notes_n("nightly"), 0, "none for what is past");
	kill_house();
	make_last_tick_old();
	cr_assert(house_start(&h));
	await_note("nightly");
	kill_house();
	cr_assert(house_start(&h));
	let_all_fire();
	cr_expect_eq(notes_n("nightly"), 1);
}

Test(timers, a_timer_is_cancelled_by_hand)
{
	open_house();
	make_person("3h");
	cr_assert(process_await(is_armed, NULL, 30000));
	json_t *list = timers_list();
	char key[64];
	snprintf(key, sizeof(key), "%s",
		json_string_value(json_object_get(json_array_get(list, 0), "key")));
	json_decref(list);
	const char *const dry[] = {"timers", "cancel", "later", key, "--dry-run", NULL};
	const char *const real[] = {"timers", "cancel", "later", key, NULL};
	int status = -1;
	free(house_command(&h, dry, &status));
	cr_expect_eq(status, 0);
	cr_expect_eq(listed_n("timer"), 1);
	char *said = house_command(&h, real, &status);
	cr_expect_eq(status, 0);
	cr_expect(strstr(said, "cancelled: later, ") != NULL, "%s", said);
	free(said);
	cr_expect_eq(listed_n("timer"), 0);
	free(house_command(&h, real, &status));
	cr_expect_eq(status, 1, "there is none any more");
}
