/* SPDX-License-Identifier: MIT */
/* A copy taken while both files are being written is one that a daemon can start from. */
#include "queue/backup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/conformance/queue_suite.h"

#define MANY 20000

struct load { /* the receiver's side, in a thread of its own */
	struct suite *s;
	struct id *ids;
	atomic_size_t n; /* acknowledged */
	atomic_bool stop;
	enum rc rc;
};

static void *receive(void *ctx)
{
	struct load *load = ctx;
	struct err err;
	while (!atomic_load(&load->stop) && load->rc == RC_OK) {
		size_t n = atomic_load(&load->n);
		struct queue_delivery d = {.source = "twenty",
			.headers = slice_of("x: 1\n"),
			.body = slice_of("{}"),
			.received_ms = SUITE_NOW_MS};
		if (n == MANY)
			break;
		load->rc = id_new(SUITE_NOW_MS, &d.id, &err);
		if (load->rc == RC_OK)
			load->rc = queue_inbox_put(load->s->receiver, &d, 1, &err);
		load->ids[n] = d.id;
		atomic_store(&load->n, n + 1);
		usleep(500); /* a slow machine must not have more to look through for it */
	}
	return NULL;
}

/* The runner's side for a while: routes, claims, ends every second one. */
static void work(struct suite *s, struct queue *runner, size_t most)
{
	struct queue_raw raw[64];
	struct queue_routing routings[64];
	struct queue_run_new run = {
		.rule = "rule", .source_hash = "hash", .key = "", .attempts_max = 3};
	size_t n = 0, claimed = 0;
	suite_ok(s, queue_inbox_next(runner, most < 64 ? most : 64, raw, &n, &s->err));
	for (size_t i = 0; i < n; i++)
		routings[i] = (struct queue_routing){
			.event = {.seq = raw[i].seq, .id = raw[i].id, .source = "twenty"},
			.runs = &run,
			.runs_n = 1};
	suite_forget_runs(s);
	suite_ok(s, queue_route(runner, routings, n, 64, s->runs, &claimed, &s->err));
	s->runs_n = claimed;
	for (size_t i = 0; i < claimed; i += 2) {
		struct queue_outcome done = {.state = QUEUE_DONE};
		suite_ok(s, queue_finish(runner, s->runs[i].seq, s->runs[i].epoch, &done, &s->err));
	}
	suite_ok(s, queue_commit(runner, &s->err));
}

static void *route_all(void *ctx)
{
	struct load *load = ctx;
	static struct suite own; /* its runs and errors */
	while (!atomic_load(&load->stop))
		work(&own, load->s->runner, 64);
	suite_forget_runs(&own);
	return NULL;
}

static enum rc nothing(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	*(size_t *)ctx += row->body.n == 2;
	return RC_OK;
}

struct newest {
	struct queue *q;
	size_t n, whole;
};

static enum rc has_body(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct newest *newest = ctx;
	newest->n++;
	return queue_event_get(newest->q, row->id, nothing, &newest->whole, err);
}

/* Everything that was acknowledged is there with its body, and a runner takes it to its end. */
static void check_copy(struct suite *s, const char *copy, const struct id *ids, size_t n)
{
	struct queue *receiver = NULL, *runner = NULL;
	struct queue_delivery d = {
		.source = "twenty", .body = slice_of("{}"), .received_ms = SUITE_NOW_MS};
	size_t found = 0, adopted = 0, asked = 0;
	suite_ok(s, queue_open(copy, QUEUE_RECEIVER, &receiver, &s->err));
	suite_ok(s, queue_open(copy, QUEUE_RUNNER, &runner, &s->err));
	for (size_t i = 0; i < n; i += 1 + n / 500, asked++)
		suite_ok(s, queue_event_get(runner, ids[i].text, nothing, &found, &s->err));
	suite_ok(s, queue_event_get(runner, ids[n - 1].text, nothing, &found, &s->err));
	cr_assert_eq(found, asked + 1, "bodies are there, too");
	struct newest newest = {.q = runner};
	struct queue_filter last = {.limit = 200};
	suite_ok(s, queue_event_each(runner, &last, has_body, &newest, &s->err));
	cr_assert_eq(newest.whole, newest.n, "no event without its delivery");
	/* What comes now is routed behind the rest. */
	suite_ok(s, id_new(SUITE_NOW_MS, &d.id, &s->err));
	suite_ok(s, queue_inbox_put(receiver, &d, 1, &s->err));
	suite_ok(s, queue_adopt(runner, &adopted, &s->err));
	struct queue_raw raw;
	for (size_t left = 1; left > 0;) {
		work(s, runner, 64);
		suite_ok(s, queue_inbox_next(runner, 1, &raw, &left, &s->err));
	}
	found = 0;
	suite_ok(s, queue_event_get(runner, d.id.text, nothing, &found, &s->err));
	cr_assert_eq(found, 1u);
	suite_forget_runs(s);
	queue_close(runner);
	queue_close(receiver);
}

Test(queue_backup, a_copy_under_load_has_all_that_was_acknowledged_and_can_be_gone_on_with)
{
	static struct suite s;
	static struct load load;
	pthread_t thread, runner;
	suite_start(&s, NULL);
	load.s = &s;
	load.ids = calloc(MANY, sizeof(*load.ids));
	cr_assert_not_null(load.ids);
	cr_assert_eq(pthread_create(&thread, NULL, receive, &load), 0);
	cr_assert_eq(pthread_create(&runner, NULL, route_all, &load), 0);
	for (int round = 0; round < 8; round++) {
		struct queue *reader = NULL;
		struct queue_backup backup;
		char copy[128];
		for (size_t before = atomic_load(&load.n); atomic_load(&load.n) < before + 150;)
			usleep(1000);
		snprintf(copy, sizeof(copy), "%s/copy-%d", s.folder, round);
		size_t acknowledged = atomic_load(&load.n);
		suite_ok(&s, queue_open(s.store, QUEUE_READER, &reader, &s.err));
		suite_ok(&s, queue_backup(reader, copy, &backup, &s.err));
		queue_close(reader);
		cr_assert_geq(backup.events, (int64_t)acknowledged);
		cr_assert_gt(backup.inbox_bytes, 0);
		check_copy(&s, copy, load.ids, acknowledged);
		suite_remove(copy);
	}
	atomic_store(&load.stop, true);
	pthread_join(thread, NULL);
	pthread_join(runner, NULL);
	cr_assert_eq(load.rc, RC_OK);
	free(load.ids);
	suite_end(&s);
}

Test(queue_backup, a_copy_is_never_put_over_something_and_never_half)
{
	struct suite s;
	struct queue *reader = NULL;
	struct queue_backup backup;
	char copy[128], part[160];
	suite_start(&s, NULL);
	suite_event(&s, "a", "b", 8);
	suite_commit(&s);
	suite_ok(&s, queue_open(s.store, QUEUE_READER, &reader, &s.err));
	snprintf(copy, sizeof(copy), "%s/copy/", s.folder);
	suite_ok(&s, queue_backup(reader, copy, &backup, &s.err));
	cr_assert_eq(queue_backup(reader, copy, &backup, &s.err), RC_DUPLICATE);
	cr_assert_not_null(strstr(s.err.msg, "is there already"));
	snprintf(copy, sizeof(copy), "%s/none/copy", s.folder);
	cr_assert_eq(queue_backup(reader, copy, &backup, &s.err), RC_DENIED);
	snprintf(part, sizeof(part), "%s.part-%ld", copy, (long)getpid());
	cr_assert_neq(access(part, F_OK), 0);
	cr_assert_eq(queue_backup(s.runner, copy, &backup, &s.err), RC_DENIED);
	queue_close(reader);
	snprintf(copy, sizeof(copy), "%s/copy", s.folder);
	suite_remove(copy);
	suite_end(&s);
}
