/* SPDX-License-Identifier: MIT */
/* Batches of deliveries on PostgreSQL that are there already, in whole or in part, receivers that
 * put the same at the same time, and one that makes places up. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "queue/queue.h"
#include "tests/harness/postgres.h"

enum { BATCH_N = 6, KEYS_N = 400, ROUNDS = 15 };

static char store[200];

static void setup(void)
{
	cr_assert(postgres_store(store, sizeof(store)));
}

static void teardown(void)
{
	postgres_store_drop(store);
}

TestSuite(queue_put, .init = setup, .fini = teardown, .timeout = 120);

static struct queue *open_side(enum queue_side side)
{
	struct err err = {.msg = ""};
	struct queue *q = NULL;
	cr_assert_eq(queue_open(store, side, &q, &err), RC_OK, "%s", err.msg);
	return q;
}

/* Keys against the order in which they come, and none for every other one. */
static void make(struct queue_delivery *batch)
{
	static const char *const keys[BATCH_N] = {"f", NULL, "d", NULL, "b", NULL};
	struct err err;
	for (int i = 0; i < BATCH_N; i++) {
		batch[i] = (struct queue_delivery){
			.source = "twenty",
			.dedupe = slice_of(keys[i]),
			.body = slice_of("{}"),
			.received_ms = 1,
		};
		cr_assert_eq(id_new(1, &batch[i].id, &err), RC_OK);
	}
}

static void put(struct queue *q, struct queue_delivery *batch, size_t n)
{
	struct err err = {.msg = ""};
	cr_assert_eq(queue_inbox_put(q, batch, n, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		cr_expect(!batch[i].ret_repeated, "%zu is taken for another's", i);
}

static void expect_once(const struct queue_delivery *batch)
{
	struct err err = {.msg = ""};
	struct queue_raw raw[2 * BATCH_N];
	struct queue *runner = open_side(QUEUE_RUNNER);
	size_t n = 0;
	cr_assert_eq(queue_inbox_next(runner, 2 * BATCH_N, raw, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(n, (size_t)BATCH_N);
	for (size_t i = 0; i < n; i++)
		cr_expect_str_eq(raw[i].id.text, batch[i].id.text, "place %zu", i);
	queue_close(runner);
}

Test(queue_put, a_batch_put_again_with_its_ids_is_stored_once)
{
	struct queue_delivery batch[BATCH_N];
	make(batch);
	for (int i = 0; i < 3; i++) {
		struct queue *q = open_side(QUEUE_RECEIVER);
		put(q, batch, BATCH_N);
		put(q, batch, BATCH_N);
		queue_close(q);
	}
	expect_once(batch);
}

Test(queue_put, of_a_batch_that_is_there_in_part_the_rest_comes_behind_in_order)
{
	struct queue_delivery batch[BATCH_N];
	struct queue *q = open_side(QUEUE_RECEIVER);
	make(batch);
	put(q, batch, 2);
	put(q, batch, 5); /* by surprise */
	put(q, batch, BATCH_N);
	queue_close(q);
	expect_once(batch);
}

static pthread_barrier_t both; /* begin a round together */

struct receiver {
	pthread_t thread;
	int number;
	size_t stored;
	enum rc rc;
	struct err err;
};

/* All keys of a round in one batch, the second receiver's the other way round. */
static void *put_all(void *arg)
{
	struct receiver *r = arg;
	struct queue *q = NULL;
	r->rc = queue_open(store, QUEUE_RECEIVER, &q, &r->err);
	for (int round = 0; round < ROUNDS; round++) {
		struct queue_delivery batch[KEYS_N];
		char keys[KEYS_N][16];
		for (int i = 0; i < KEYS_N && r->rc == RC_OK; i++) {
			int key = r->number == 0 ? i : KEYS_N - 1 - i;
			snprintf(keys[i], sizeof(keys[i]), "%d/%d", round, key);
			batch[i] = (struct queue_delivery){.source = "twenty",
				.dedupe = slice_of(keys[i]),
				.body = slice_of("{}")};
			r->rc = id_new(1, &batch[i].id, &r->err);
		}
		(void)pthread_barrier_wait(&both);
		if (r->rc == RC_OK)
			r->rc = queue_inbox_put(q, batch, KEYS_N, &r->err);
		for (int i = 0; r->rc == RC_OK && i < KEYS_N; i++)
			r->stored += !batch[i].ret_repeated;
	}
	queue_close(q);
	return NULL;
}

Test(queue_put, two_receivers_with_the_same_keys_in_another_order_do_not_stop_each_other)
{
	struct receiver receivers[2] = {{.number = 0}, {.number = 1}};
	queue_close(open_side(QUEUE_RUNNER)); /* makes the schema */
	cr_assert_eq(pthread_barrier_init(&both, NULL, 2), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&receivers[i].thread, NULL, put_all, &receivers[i]), 0);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(receivers[i].thread, NULL);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(receivers[i].rc, RC_OK, "%s", receivers[i].err.msg);
	cr_expect_eq(receivers[0].stored + receivers[1].stored, (size_t)ROUNDS * KEYS_N);
}

Test(queue_put, places_that_are_not_those_of_the_batch_are_refused)
{
	static const char *const wrong[] = {"1,1", "0,1", "2,3", "1", "1,2,3"};
	char url[200], sql[400];
	queue_close(open_side(QUEUE_RUNNER)); /* makes the schema */
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(store, "?"), store);
	PGconn *conn = PQconnectdb(url);
	snprintf(sql, sizeof(sql), "SET search_path = %s", strstr(store, "schema=") + 7);
	PQclear(PQexec(conn, sql));
	for (size_t i = 0; i <= sizeof(wrong) / sizeof(*wrong); i++) {
		bool right = i == sizeof(wrong) / sizeof(*wrong);
		snprintf(sql, sizeof(sql),
			"SELECT deliver('{a,b}', '{s,s}', '{1,1}', '{NULL,NULL}', '{x,x}',"
			" '{x,x}', '{NULL,NULL}', '{%s}', true)",
			right ? "2,1" : wrong[i]);
		PGresult *r = PQexec(conn, sql);
		cr_expect_eq(
			PQresultStatus(r), right ? PGRES_TUPLES_OK : PGRES_FATAL_ERROR, "%s", sql);
		PQclear(r);
	}
	PQfinish(conn);
}
