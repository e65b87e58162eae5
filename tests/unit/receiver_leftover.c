/* SPDX-License-Identifier: MIT */
/* What waits in a spool for a database reaches the folder that takes its place. */
#include "receiver/leftover.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue/spool.h"
#include "receiver/commit.h"
#include "tests/conformance/queue_suite.h"

enum { MANY = 1100, ROOM_BYTES = 64 << 20 };

static char folder[64], store[80], spool[80];
static struct err err;
static struct id ids[MANY];

static void open_stage(void)
{
	suite_folder(folder);
	snprintf(store, sizeof(store), "%s/store", folder);
	snprintf(spool, sizeof(spool), "%s/spool", folder);
}

static void close_stage(void)
{
	suite_remove(store);
	suite_remove(spool);
	suite_remove(folder);
}

TestSuite(receiver_leftover, .init = open_stage, .fini = close_stage, .timeout = 120);

static struct queue_delivery make(size_t i, char key[static 32])
{
	struct queue_delivery d = {.source = "twenty",
		.dedupe = {key, (size_t)snprintf(key, 32, "%zu", i)},
		.headers = slice_of("x: 1\n"),
		.body = slice_of("{}"),
		.received_ms = SUITE_NOW_MS};
	cr_assert_eq(id_new(SUITE_NOW_MS + (int64_t)i, &d.id, &err), RC_OK);
	ids[i] = d.id;
	return d;
}

static struct spool *fill(size_t n)
{
	struct spool *s = NULL;
	char key[32];
	cr_assert_eq(spool_open(spool, ROOM_BYTES, &s, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		struct queue_delivery d = make(i, key);
		cr_assert_eq(spool_put(s, &d, 1, &err), RC_OK, "%s", err.msg);
	}
	return s;
}

static enum rc next_is(void *ctx, const struct queue_event_row *row, struct err *ignored)
{
	size_t *n = ctx;
	(void)ignored;
	cr_expect_str_eq(row->id, ids[*n].text, "number %zu", *n);
	++*n;
	return RC_OK;
}

static size_t stored(void)
{
	struct queue *q = NULL;
	size_t n = 0;
	cr_assert_eq(queue_open(store, QUEUE_READER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_event_each(q, NULL, next_is, &n, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	return n;
}

static int64_t waiting(void)
{
	struct spool *s = NULL;
	cr_assert_eq(spool_open(spool, ROOM_BYTES, &s, &err), RC_OK, "%s", err.msg);
	int64_t n = spool_sum(s).n;
	spool_close(s);
	return n;
}

static atomic_int answered;

static void answer(struct commit_item *item)
{
	cr_expect_eq(item->rc, RC_OK);
	atomic_fetch_add(&answered, 1);
}

Test(receiver_leftover, what_waits_in_the_spool_comes_before_what_a_receiver_on_a_folder_takes)
{
	char key[32];
	struct commit *c = NULL;
	struct commit_conf conf = {.place.store = store,
		.spool = spool,
		.prune_every_ms = 60000,
		.wake_fd = -1,
		.fail_fd = -1,
		.answer = answer};
	spool_close(fill(MANY - 1));
	cr_assert_eq(commit_start(&conf, &c, &err), RC_OK, "%s", err.msg);
	struct commit_item item = {.delivery = make(MANY - 1, key)};
	cr_assert(commit_put(c, &item));
	for (int i = 0; i < 15000 && atomic_load(&answered) == 0; i++)
		poll(NULL, 0, 2);
	commit_stop(c);
	ids[MANY - 1] = item.delivery.id;
	cr_expect_eq(stored(), (size_t)MANY, "all of them, in their order");
	cr_expect_eq(waiting(), 0);
}

Test(receiver_leftover, what_was_carried_and_not_dropped_is_stored_once)
{
	struct queue *q = NULL;
	char key[32];
	struct spool *s = fill(3);
	struct queue_delivery again = make(0, key);
	struct queue_delivery first[3];
	size_t n = 0;
	int64_t last = 0;
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(spool_next(s, 0, 3, first, &n, &last, &err), RC_OK);
	ids[0] = first[0].id;
	cr_assert_eq(queue_inbox_put(q, first, 2, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(spool_put(s, &again, 1, &err), RC_OK, "a repeat");
	spool_close(s);
	cr_assert_eq(leftover_carry(spool, 0, q, &err), RC_OK, "%s", err.msg);
	queue_close(q);
	cr_expect_eq(stored(), 3u);
	cr_expect_eq(waiting(), 0);
}

Test(receiver_leftover, a_folder_without_a_spool_stays_as_it_is)
{
	struct queue *q = NULL;
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(leftover_carry(spool, 0, q, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(leftover_carry(NULL, 0, q, &err), RC_OK, "%s", err.msg);
	cr_expect_neq(access(spool, F_OK), 0, "and none is made");
	queue_close(q);
}

Test(receiver_leftover, who_cannot_bring_it_in_does_not_start)
{
	struct queue *q = NULL;
	struct spool *s = fill(2);
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &q, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(leftover_carry(spool, 0, q, &err), RC_BUSY);
	cr_expect_not_null(strstr(err.msg, "spool.folder"), "%s", err.msg);
	spool_close(s);
	queue_close(q);
	cr_expect_eq(waiting(), 2);
}
