/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand deliveries over 64 connections, with and without an end and a new start in the
 * middle. From: the sender. To: the whole program against a twin. What is counted: answers, runs,
 * effects.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "base/uuid.h"
#include "tests/harness/house.h"
#include "tests/harness/sender.h"

#define DELIVERIES 10000

/* Creates one note for each event: the effects can be counted, and twice would show as two. */
static const char rule_text[] = "rule \"count\" {\n"
				"  on = \"person.created\", max_writes = \"9999999/s\",\n"
				"  run = function(event)\n"
				"    twenty.notes:create { title = \"seen \" .. event.record.id }\n"
				"  end,\n"
				"}\n";

static struct uuid ids[DELIVERIES];

static enum rc body(void *ctx, size_t i, struct buf *out)
{
	char email[64];
	(void)ctx;
	snprintf(email, sizeof(email), "load.%zu@example.com", i);
	return sender_person(out, "person.created", ids[i].text, i, email);
}

static void make_ids(void)
{
	struct err err;
	for (size_t i = 0; i < DELIVERIES; i++)
		cr_assert_eq(uuid_new(&ids[i], &err), RC_OK);
}

static struct sender_conf sender(const struct house *h)
{
	return (struct sender_conf){.port = h->hook_port,
		.source = "twenty",
		.secret = HOUSE_SECRET,
		.n = DELIVERIES,
		.connections = 64,
		.deadline_ms = 120000,
		.body = body};
}

static struct house house;

static void open_house(void)
{
	cr_assert(house_rule(&house, "count.lua", rule_text));
	struct house_conf conf = {.no_webhooks = true,
		.twin_args = "--budget none --latency 5 --no-log",
		.budget = "none",
		.settings = "log = { level = \"warn\" }"};
	cr_assert(house_open(&house, &conf));
	make_ids();
}

static void close_house(void)
{
	house_close(&house);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each id has exactly one note at the twin. */
static void assert_one_note_each(void)
{
	json_t *notes = house_records(&house, "notes");
	size_t n = json_array_size(notes), seen_n = 0;
	const char **titles = calloc(n + 1, sizeof(*titles));
	for (size_t i = 0; i < n; i++) {
		const char *title =
			json_string_value(json_object_get(json_array_get(notes, i), "title"));
		if (title != NULL && strncmp(title, "seen ", 5) == 0)
			titles[seen_n++] = title;
	}
	qsort(titles, seen_n, sizeof(*titles), compare);
	size_t twice = 0;
	for (size_t i = 1; i < seen_n; i++)
		twice += strcmp(titles[i], titles[i - 1]) == 0;
	cr_expect_eq(twice, 0, "%zu effects happened twice", twice);
	cr_expect_eq(seen_n - twice, DELIVERIES, "%zu events had their effect", seen_n - twice);
	free(titles);
	json_decref(notes);
}

TestSuite(walk_load, .init = open_house, .fini = close_house, .timeout = 280);

Test(walk_load, ten_thousand_deliveries_are_stored_and_each_rule_runs_once)
{
	struct sender_conf conf = sender(&house);
	struct sender_result r;
	struct err err;
	cr_assert_eq(sender_run(&conf, &r, &err), RC_OK);
	cr_expect_eq(r.stored, DELIVERIES, "%zu times 202, %zu without an answer", r.stored,
		r.unanswered);
	cr_expect(house_await_runs(&house, "done", DELIVERIES, 120000));
	cr_expect_eq(house_runs_n(&house, NULL), DELIVERIES);
	assert_one_note_each();
	cr_expect_eq(house_stop(&house), 0, "a drain ends with 0");
}

struct sending {
	struct sender_conf conf;
	struct sender_result result;
	struct err err;
	enum rc rc;
};

/* The sender gets the thread: a child dies with the thread that has started it. */
static void *send_all(void *ctx)
{
	struct sending *s = ctx;
	s->rc = sender_run(&s->conf, &s->result, &s->err);
	return NULL;
}

Test(walk_load, nothing_is_lost_when_it_is_ended_and_started_in_the_middle)
{
	struct sending sending = {.conf = sender(&house)};
	struct timespec middle = {1, 500 * 1000000};
	pthread_t thread;
	sending.conf.resend = true;
	sending.conf.rate =
		2500; /* four seconds of traffic, so that the end falls into its middle */
	cr_assert_eq(pthread_create(&thread, NULL, send_all, &sending), 0);
	nanosleep(&middle, NULL);
	cr_expect_eq(house_stop(&house), 0, "SIGTERM ends with 0");
	cr_assert(house_start(&house));
	pthread_join(thread, NULL);
	cr_assert_eq(sending.rc, RC_OK);
	struct sender_result r = sending.result;
	cr_expect_eq(r.stored + r.repeated, DELIVERIES);
	cr_expect_eq(r.unanswered, 0);
	cr_expect(house_await_runs(&house, "done", DELIVERIES, 120000));
	cr_expect_eq(house_runs_n(&house, NULL), DELIVERIES);
	assert_one_note_each();
}
