/* SPDX-License-Identifier: MIT */
/*
 * Processes that are stopped and continued, and a run that ends its worker each time: what they
 * held goes on elsewhere, and nothing is done twice.
 * From: SIGSTOP, SIGCONT and SIGKILL to the children of a whole Moonhook. To: effects counted at
 * the twin.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/house.h"

#define EVENTS 40
#define LEASE_MS 2000
#define WORKERS_MAX 8

static const char rule_text[] =
	"rule \"count\" { on = \"person.created\", cpu = \"60s\", run = function(event)\n"
	"  while event.record.jobTitle == \"poison\" do end\n"
	"  local a = twenty.notes:create { title = \"a \" .. event.record.id }\n"
	"  twenty.notes:update(a.id, { title = \"b \" .. event.record.id })\n"
	"  twenty.notes:create { title = \"c \" .. event.record.id }\n"
	"end }\n";

static struct house h;

static void open_house(void)
{
	struct house_conf conf = {.no_webhooks = true,
		.twin_args = "--budget none --latency 150",
		.budget = "none",
		.settings = "limits = { lease = \"2s\", runs = 8 }"};
	cr_assert(house_rule(&h, "count.lua", rule_text));
	cr_assert(house_open(&h, &conf));
}

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_stopped, .init = open_house, .fini = close_house, .timeout = 200);

static void deliver(int i, const char *title)
{
	char body[512];
	snprintf(body, sizeof(body),
		"{\"eventName\":\"person.created\",\"workspaceId\":\"w\",\"eventDate\":"
		"\"2026-11-23T00:00:00.%03dZ\",\"record\":{\"id\":"
		"\"11111111-2222-4333-8444-5555555555%02d\",\"jobTitle\":\"%s\",\"updatedAt\":"
		"\"2026-11-23T00:00:00.000Z\"}}",
		i, i, title);
	cr_assert_eq(house_deliver(&h, body), 202);
}

static void deliver_all(void)
{
	for (int i = 0; i < EVENTS; i++)
		deliver(i, "good");
}

static pid_t child(const char *name)
{
	json_t *status = house_status(&h), *each;
	pid_t pid = 0;
	size_t i;
	json_array_foreach(json_object_get(status, "processes"), i, each)
	{
		const char *its = json_string_value(json_object_get(each, "name"));
		if (its != NULL && strcmp(its, name) == 0)
			pid = (pid_t)json_integer_value(json_object_get(each, "pid"));
	}
	json_decref(status);
	return pid;
}

/* The runner's children. */
static size_t workers(pid_t ret_pids[static WORKERS_MAX])
{
	char path[64];
	int pid = (int)child("runner");
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	char *text = process_read(path), *save = NULL;
	for (char *word = text != NULL ? strtok_r(text, " \n", &save) : NULL;
		word != NULL && n < WORKERS_MAX; word = strtok_r(NULL, " \n", &save))
		ret_pids[n++] = (pid_t)strtol(word, NULL, 10);
	free(text);
	return n;
}

static bool some_effects(void *ctx)
{
	json_t *notes = house_records(&h, "notes");
	size_t n = json_array_size(notes);
	(void)ctx;
	json_decref(notes);
	return n >= 10;
}

static bool log_says(void *text)
{
	char *log = process_read(h.daemon.err);
	bool yes = log != NULL && strstr(log, text) != NULL;
	free(log);
	return yes;
}

static void sleep_ms(int64_t ms)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&pause, NULL);
}

/* How many notes have a title that begins so and belongs to event i. */
static int titled(const json_t *notes, char kind, int i)
{
	char want[64];
	int n = 0;
	size_t k;
	json_t *each;
	snprintf(want, sizeof(want), "%c 11111111-2222-4333-8444-5555555555%02d", kind, i);
	json_array_foreach((json_t *)(uintptr_t)notes, k, each)
	{
		const char *title = json_string_value(json_object_get(each, "title"));
		n += title != NULL && strcmp(title, want) == 0;
	}
	return n;
}

static void expect_each_effect_once(void)
{
	json_t *notes = house_records(&h, "notes");
	for (int i = 0; i < EVENTS; i++) {
		cr_expect_eq(titled(notes, 'a', i), 0);
		cr_expect_eq(titled(notes, 'b', i), 1, "event %d", i);
		cr_expect_eq(titled(notes, 'c', i), 1, "event %d", i);
	}
	cr_expect_eq(json_array_size(notes), 2 * EVENTS);
	json_decref(notes);
}

static bool is_replaced(void *ctx)
{
	const pid_t *before = ctx;
	pid_t now = child("runner");
	return now != 0 && now != *before && house_ready(&h);
}

Test(walk_stopped, a_runner_that_is_stopped_with_requests_on_the_wire_is_killed_and_replaced)
{
	char silent[] = "the runner has given no sign of life for 2 s; it is killed";
	pid_t before = child("runner");
	deliver_all();
	cr_assert(process_await(some_effects, NULL, 20000));
	cr_assert_eq(kill(before, SIGSTOP), 0);
	sleep_ms(LEASE_MS / 2);
	cr_assert_eq(kill(before, SIGCONT), 0);
	cr_expect_eq(child("runner"), before, "less than its lease is none of our business");
	int64_t from = clock_mono_ms();
	cr_assert_eq(kill(before, SIGSTOP), 0);
	cr_assert(process_await(log_says, silent, 10000));
	cr_expect_geq(clock_mono_ms() - from, LEASE_MS / 2, "not at once");
	cr_assert(process_await(is_replaced, &before, 10000));
	cr_expect_neq(kill(before, SIGCONT), 0, "there is nobody to be continued");
	cr_assert(house_await_runs(&h, "done", EVENTS, 60000));
	expect_each_effect_once();
}

/* Those that say that they live, and those that never do. */
Test(walk_stopped, who_lives_longer_than_the_lease_is_let_be)
{
	static const char *const names[] = {"receiver", "runner", "console"};
	pid_t before[ARRAY_N(names)];
	for (size_t i = 0; i < ARRAY_N(names); i++)
		before[i] = child(names[i]);
	sleep_ms(LEASE_MS * 5 / 2);
	for (size_t i = 0; i < ARRAY_N(names); i++)
		cr_expect_eq(child(names[i]), before[i], "%s", names[i]);
}

Test(walk_stopped, workers_that_are_stopped_in_turn_and_continued_do_nothing_twice)
{
	pid_t pids[WORKERS_MAX];
	deliver_all();
	cr_assert(process_await(some_effects, NULL, 20000));
	size_t n = workers(pids);
	cr_assert_geq(n, 2);
	cr_assert_eq(kill(pids[0], SIGSTOP), 0);
	sleep_ms(2 * LEASE_MS); /* a worker is given two seconds */
	cr_assert_eq(kill(pids[0], SIGCONT), 0);
	cr_assert_eq(kill(pids[1], SIGSTOP), 0);
	/* Stopped in the middle of a step it is given the processor time of that, and two seconds.
	 */
	cr_assert(house_await_runs(&h, "done", EVENTS, 100000));
	kill(pids[1], SIGCONT); /* where it is still there */
	sleep_ms(300);          /* what it has to say about runs that have ended is not heard */
	cr_expect_eq(house_runs_n(&h, NULL), EVENTS);
	expect_each_effect_once();
}

/* Ticks of processor time. */
static long used(pid_t pid)
{
	char path[64];
	long utime = -1;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	char *text = process_read(path);
	const char *at = text != NULL ? strrchr(text, ')') : NULL;
	if (at == NULL ||
		sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld", &utime) != 1)
		utime = -1;
	free(text);
	return utime;
}

/* The worker that computes most, 0: none does. */
static pid_t busy_worker(void)
{
	pid_t pids[WORKERS_MAX], found = 0;
	long before[WORKERS_MAX];
	size_t n = workers(pids);
	for (size_t i = 0; i < n; i++)
		before[i] = used(pids[i]);
	sleep_ms(200);
	long most = 1;
	for (size_t i = 0; i < n; i++) {
		long more = used(pids[i]) - before[i];
		if (before[i] >= 0 && more > most) {
			most = more;
			found = pids[i];
		}
	}
	return found;
}

static bool kill_busy(void *ctx)
{
	int *killed = ctx;
	pid_t pid = busy_worker();
	if (pid != 0 && kill(pid, SIGKILL) == 0)
		++*killed;
	return house_runs_n(&h, "quarantined") > 0;
}

Test(walk_stopped, an_event_that_ends_its_worker_each_time_is_quarantined_and_the_others_go_on)
{
	int killed = 0;
	deliver(99, "poison");
	deliver_all();
	cr_assert(process_await(kill_busy, &killed, 40000));
	cr_expect_geq(killed, 3);
	cr_assert(house_await_runs(&h, "done", EVENTS, 60000));
	cr_expect_eq(house_runs_n(&h, "quarantined"), 1);
	expect_each_effect_once();
}
