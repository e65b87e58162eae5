/* SPDX-License-Identifier: MIT */
/*
 * A store with work in it moves to PostgreSQL and back, by the verb.
 * From: a daemon with its twin, some runs done, some waiting. To: notes at the twin, one for each.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/house.h"
#include "tests/harness/postgres.h"
#include "tests/harness/whole.h"

enum { HALF = 15 };

static const char rule[] = "rule \"note\" { on = \"person.created\", run = function(event)\n"
			   "  twenty.notes:create { title = \"note \" .. event.record.jobTitle }\n"
			   "end }\n";

static struct house h;
static char database[240], back[200];

static void close_house(void)
{
	house_close(&h);
	postgres_store_drop(database);
}

TestSuite(walk_moved, .fini = close_house, .timeout = 120);

static void deliver(int from, int to)
{
	char body[512];
	for (int i = from; i < to; i++) {
		snprintf(body, sizeof(body),
			"{\"eventName\":\"person.created\",\"workspaceId\":\"w\",\"eventDate\":"
			"\"2026-11-23T00:00:00.%03dZ\",\"record\":{\"id\":"
			"\"11111111-2222-4333-8444-5555555555%02d\",\"jobTitle\":\"%02d\","
			"\"updatedAt\":\"2026-11-23T00:00:00.000Z\"}}",
			i, i, i);
		cr_assert_eq(house_deliver(&h, body), 202);
	}
}

static void command(const char *a, const char *b, const char *c, const char *d)
{
	const char *const args[] = {a, b, c, d, NULL};
	int status = -1;
	free(house_command(&h, args, &status));
	cr_assert_eq(status, 0, "%s %s", a, b);
}

/* The configuration names another store from now on. */
static void name_store(const char *store)
{
	char *text = process_read(h.config), *at = strstr(text, h.store);
	char changed[8192];
	cr_assert_not_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, store,
		at + strlen(h.store));
	free(text);
	cr_assert(process_write(h.dir, strrchr(h.config, '/') + 1, changed));
}

static void each_note_once(void)
{
	int seen[2 * HALF] = {0};
	json_t *notes = house_records(&h, "notes"), *note = NULL;
	size_t i = 0;
	json_array_foreach(notes, i, note)
	{
		const char *title = json_string_value(json_object_get(note, "title"));
		cr_assert(title != NULL && strncmp(title, "note ", 5) == 0);
		seen[strtol(title + 5, NULL, 10) % (2 * HALF)]++;
	}
	for (int k = 0; k < 2 * HALF; k++)
		cr_expect_eq(seen[k], 1, "note %d: %d times", k, seen[k]);
	json_decref(notes);
}

Test(walk_moved, what_waited_is_done_once_on_postgres_and_the_way_back_is_whole)
{
	cr_assert(postgres_store(database, sizeof(database)));
	cr_assert(house_folder(&h));
	cr_assert(house_rule(&h, "note.lua", rule));
	cr_assert(house_open(&h, &(struct house_conf){.no_webhooks = true}));
	snprintf(back, sizeof(back), "%s/back", h.dir);
	deliver(0, HALF);
	cr_assert(house_await_runs(&h, "done", HALF, 30000));
	command("pause", "--all", NULL, NULL);
	deliver(HALF, 2 * HALF);
	cr_assert(house_await_runs(&h, "waiting", HALF, 30000));
	cr_assert_eq(house_stop(&h), 0);
	command("store", "copy", h.store, database);
	name_store(database);
	cr_assert(house_start(&h));
	command("resume", "--all", NULL, NULL);
	cr_assert(house_await_runs(&h, "done", 2 * HALF, 30000));
	cr_assert_eq(house_stop(&h), 0);
	each_note_once();
	command("store", "copy", database, back);
	command("store", "check", back, NULL);
	cr_expect(whole_store(back));
}
