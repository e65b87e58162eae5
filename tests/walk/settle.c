/* SPDX-License-Identifier: MIT */
/*
 * A thousand edits of one record within its settle time are one run, and are so when the daemon is
 * killed in the middle.
 * From: signed deliveries, as a server sends them. To: a whole daemon and a twin, in which the run
 * leaves one task. Negative control: a rule that does not settle has a run for each edit.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/house.h"
#include "tests/harness/sender.h"

#define EDITS 1000
#define RECORD "11111111-1111-4111-8111-111111111111"
#define SEND_MS 60000
#define END_MS 90000

static struct house h;
static size_t from; /* of the edits that are sent now */

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_settle, .fini = close_house, .timeout = 280);

/* The settle time is longer than any pause a busy machine makes between two deliveries, and than a
 * daemon takes to come back. */
static void open_house(const char *settle)
{
	char rules[1024];
	snprintf(rules, sizeof(rules),
		"rule \"settles\" { on = \"person.updated\", settle = \"%s\", max_settle = "
		"\"10m\",\n"
		"  when = changed \"jobTitle\",\n"
		"  run = function(e)\n"
		"    twenty.tasks:create { title = e.record.jobTitle .. \": \" ..\n"
		"      table.concat(e.fields, \",\") }\n"
		"  end }\n"
		"rule \"each\" { on = \"person.updated\", run = function() end }\n",
		settle);
	struct house_conf conf = {.no_webhooks = true};
	cr_assert(house_folder(&h));
	cr_assert(house_rule(&h, "a.lua", rules));
	cr_assert(house_open(&h, &conf));
}

static enum rc edit(void *ctx, size_t i, struct buf *out)
{
	(void)ctx;
	return sender_person(out, "person.updated", RECORD, from + i, "ann@example.com");
}

static void send_edits(size_t first, size_t n)
{
	struct err err = {0};
	struct sender_result result;
	struct sender_conf conf = {
		.port = h.hook_port,
		.source = "twenty",
		.secret = HOUSE_SECRET,
		.n = n,
		.connections = 4,
		.deadline_ms = SEND_MS,
		.resend = true,
		.body = edit,
	};
	from = first;
	cr_assert_eq(sender_run(&conf, &result, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(result.stored, n, "%zu of %zu", result.stored, n);
}

static long count_runs(const char *rule, const char *state)
{
	long n = 0;
	size_t i;
	json_t *one, *runs = house_runs(&h);
	json_array_foreach(runs, i, one)
	{
		const char *of = json_string_value(json_object_get(one, "rule"));
		const char *is = json_string_value(json_object_get(one, "state"));
		n += of != NULL && is != NULL && strcmp(of, rule) == 0 && strcmp(is, state) == 0;
	}
	json_decref(runs);
	return n;
}

/* `runs show` names all the events of a run. */
static void expect_events(void)
{
	size_t i;
	int status;
	json_t *one, *runs = house_runs(&h), *run = NULL;
	json_array_foreach(runs, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "rule")), "settles") != 0)
			continue;
		const char *id = json_string_value(json_object_get(one, "id"));
		const char *args[] = {"runs", "show", id, "-o", "json", NULL};
		char *text = house_command(&h, args, &status);
		run = text != NULL ? json_loads(text, 0, NULL) : NULL;
		free(text);
	}
	cr_assert_eq(json_array_size(json_object_get(run, "events")), EDITS);
	json_decref(run);
	json_decref(runs);
}

static void expect_one_run(void)
{
	json_t *tasks;
	cr_assert(house_await_runs(&h, "done", EDITS + 1, END_MS), "%ld have ended",
		house_runs_n(&h, NULL));
	cr_assert_eq(count_runs("settles", "done"), 1);
	cr_assert_eq(count_runs("each", "done"), EDITS);
	cr_assert_eq(house_runs_n(&h, NULL), EDITS + 1);
	expect_events();
	tasks = house_records(&h, "tasks");
	long left = 0;
	size_t i;
	json_t *task;
	json_array_foreach(tasks, i, task)
	{
		const char *title = json_string_value(json_object_get(task, "title"));
		left += title != NULL && strcmp(title, "number 999: jobTitle") == 0;
	}
	cr_assert_eq(left, 1, "the last record, once");
	json_decref(tasks);
	const char *const check[] = {"store", "check", NULL};
	int status = -1;
	char *said = house_command(&h, check, &status);
	cr_expect_eq(status, 0, "the store is whole, at work: %s", said);
	free(said);
}

Test(walk_settle, a_thousand_edits_of_a_record_within_its_settle_time_are_one_run)
{
	open_house("8s");
	send_edits(0, EDITS);
	expect_one_run();
	printf("settle: %d edits of one record: 1 run of the rule that settles, %d of the one that "
	       "does not\n",
		EDITS, EDITS);
}

Test(walk_settle, they_are_one_run_when_the_daemon_is_killed_in_the_middle)
{
	open_house("20s");
	send_edits(0, EDITS / 2);
	cr_assert_eq(process_stop(&h.daemon, SIGKILL, 5000), 128 + SIGKILL);
	/* Until the last of the family is gone, the store is held. */
	bool up = false;
	for (int i = 0; i < 10 && !up; i++)
		up = house_start(&h);
	cr_assert(up);
	send_edits(EDITS / 2, EDITS / 2);
	expect_one_run();
	printf("settle: %d edits of one record, kill -9 behind %d: 1 run\n", EDITS, EDITS / 2);
}
