/* SPDX-License-Identifier: MIT */
/* The counting of effects sees what it is there to see. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "tests/crash/events.h"

enum { N = 8 }; /* events, two of each kind */

struct made { /* what a twin would tell of it */
	char log[4096];
	json_t *notes, *tasks;
};

static void put(struct made *m, const char *method, const char *title, int status)
{
	size_t at = strlen(m->log);
	snprintf(m->log + at, sizeof(m->log) - at,
		"{\"at\":\"x\",\"method\":\"%s\",\"path\":\"/rest/x\",\"query\":\"\",\"body\":"
		"\"{\\\"title\\\":\\\"%s\\\"}\",\"status\":%d}\n",
		method, title, status);
}

static void keep(json_t *list, const char *title)
{
	json_array_append_new(list, json_pack("{s:s}", "title", title));
}

/* All eight events, as it must be. */
static struct made all_well(void)
{
	static const char *const posts[] = {
		"a0", "c1", "d1", "e2", "f2", "g3", "a4", "c5", "d5", "e6", "f6", "g7"};
	static const char *const notes[] = {"b0", "g3", "b4", "g7"};
	static const char *const tasks[] = {"c1", "d1", "e2", "f2", "c5", "d5", "e6", "f6"};
	struct made m = {.notes = json_array(), .tasks = json_array()};
	for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++)
		put(&m, "POST", posts[i], 201);
	put(&m, "PATCH", "b0", 200);
	put(&m, "PATCH", "b4", 200);
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		keep(m.notes, notes[i]);
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		keep(m.tasks, tasks[i]);
	return m;
}

static struct events_count count(struct made *m)
{
	static const unsigned char all[N] = {1, 1, 1, 1, 1, 1, 1, 1}, turns[N] = {0};
	struct events_count c = events_check(all, all, turns, N, m->log, m->notes, m->tasks, false);
	json_decref(m->notes);
	json_decref(m->tasks);
	return c;
}

static void expect(struct events_count c, size_t lost, size_t twice, size_t again, size_t swaps)
{
	cr_expect_eq(c.lost, lost, "lost %zu", c.lost);
	cr_expect_eq(c.twice, twice, "twice %zu", c.twice);
	cr_expect_eq(c.updated_again, again, "again %zu", c.updated_again);
	cr_expect_eq(c.swaps, swaps, "swaps %zu", c.swaps);
}

Test(crash_counting, what_is_as_it_must_be_is_not_counted)
{
	struct made m = all_well();
	put(&m, "POST", "a0", 400); /* refused, as a repeat with the same id is */
	expect(count(&m), 0, 0, 0, 0);
}

Test(crash_counting, a_record_that_is_there_twice_is_seen)
{
	struct made m = all_well();
	keep(m.tasks, "d5");
	expect(count(&m), 0, 1, 0, 0);
}

Test(crash_counting, a_request_that_succeeded_twice_is_seen)
{
	struct made m = all_well();
	put(&m, "POST", "e2", 201);
	put(&m, "PATCH", "b4", 200);
	expect(count(&m), 0, 1, 1, 0);
}

Test(crash_counting, a_record_that_is_not_there_is_seen)
{
	struct made m = all_well();
	json_array_remove(m.tasks, 3);
	expect(count(&m), 1, 0, 0, 0);
}

Test(crash_counting, effects_of_one_record_in_the_wrong_order_are_seen)
{
	struct made m = {.notes = json_array(), .tasks = json_array()};
	static const unsigned char some[N] = {0, 0, 0, 1, 0, 0, 0, 1}, turns[N] = {0};
	put(&m, "POST", "g7", 201);
	put(&m, "POST", "g3", 201);
	keep(m.notes, "g3");
	keep(m.notes, "g7");
	struct events_count c = events_check(some, some, turns, N, m.log, m.notes, m.tasks, false);
	expect(c, 0, 0, 0, 1);
	json_decref(m.notes);
	json_decref(m.tasks);
}
