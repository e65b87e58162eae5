/* SPDX-License-Identifier: MIT */
/* Deliveries whose numbers become visible in another order than they were given in. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue/audit.h"
#include "queue/queue.h"
#include "tests/harness/postgres.h"

static char store[200];

static void setup(void)
{
	cr_assert(postgres_store(store, sizeof(store)));
}

static void teardown(void)
{
	postgres_store_drop(store);
}

TestSuite(queue_floor, .init = setup, .fini = teardown);

static void run(PGconn *conn, const char *sql)
{
	PGresult *r = PQexec(conn, sql);
	cr_assert(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
		"%s: %s", sql, PQerrorMessage(conn));
	PQclear(r);
}

static PGconn *receiver_connect(void)
{
	char url[200], path[120];
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(store, "?"), store);
	snprintf(path, sizeof(path), "SET search_path = %s", strstr(store, "schema=") + 7);
	PGconn *conn = PQconnectdb(url);
	cr_assert_eq(PQstatus(conn), CONNECTION_OK, "%s", PQerrorMessage(conn));
	run(conn, path);
	return conn;
}

/* A receiver whose transaction has its xid, and no rows yet. */
static PGconn *receiver_begin(void)
{
	PGconn *conn = receiver_connect();
	run(conn, "BEGIN");
	run(conn, "SELECT pg_current_xact_id()");
	return conn;
}

static void receiver_put(PGconn *conn)
{
	run(conn,
		"WITH d AS (INSERT INTO delivery (n, id, source, received_ms, key, headers, body)"
		" SELECT n, 'd' || to_char(n, 'fm0000000000000000000000000'), 'twenty', 1,"
		" sha256(n::text::bytea), '', '{}' FROM nextval('delivery_n_seq') AS n RETURNING n)"
		" INSERT INTO pending (n) SELECT n FROM d");
}

static void receiver_end(PGconn *conn)
{
	run(conn, "COMMIT");
	PQfinish(conn);
}

static size_t waiting(struct queue *q)
{
	struct err err = {.msg = ""};
	struct queue_raw raw[16];
	size_t n = 0;
	cr_assert_eq(queue_inbox_next(q, 16, raw, &n, &err), RC_OK, "%s", err.msg);
	return n;
}

static struct queue *runner_open(void)
{
	struct err err = {.msg = ""};
	struct queue *runner = NULL;
	cr_assert_eq(queue_open(store, QUEUE_RUNNER, &runner, &err), RC_OK, "%s", err.msg);
	return runner;
}

Test(queue_floor, who_began_later_and_has_a_lower_number_is_seen_when_it_commits)
{
	struct queue *runner = runner_open();
	PGconn *first = receiver_begin();
	PGconn *slow = receiver_begin(); /* the higher xid .. */
	receiver_put(slow);              /* .. and the lower number */
	receiver_put(first);
	receiver_end(first);
	cr_assert_eq(waiting(runner), 1);
	PGconn *later = receiver_begin();
	receiver_put(later);
	receiver_end(later);
	cr_assert_eq(waiting(runner), 2);
	cr_assert_eq(waiting(runner), 2);
	receiver_end(slow);
	cr_expect_eq(waiting(runner), 3, "what was acknowledged is passed over");
	queue_close(runner);
}

/* Numbers are given by the sequence: above its last one somebody has made them up. */
Test(queue_floor, a_number_that_was_made_up_hides_no_delivery_that_comes_later)
{
	struct queue *runner = runner_open();
	char text[200];
	cr_assert(postgres_say(store, NULL,
			  "INSERT INTO delivery (n, id, source, received_ms) VALUES"
			  " (274877906943, 'far', 'twenty', 1);"
			  "INSERT INTO pending VALUES (274877906943)",
			  text),
		"%s", text);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(waiting(runner), 1);
	PGconn *later = receiver_begin();
	receiver_put(later);
	receiver_end(later);
	cr_expect_eq(waiting(runner), 2, "what was acknowledged is passed over");
	cr_expect_not(postgres_say(store, NULL,
		"INSERT INTO delivery (n, id, source, received_ms) VALUES (274877906944, 'a', 'x', "
		"1)",
		text));
	cr_expect_not(postgres_say(store, NULL,
		"INSERT INTO delivery (n, id, source, received_ms) VALUES (0, 'a', 'x', 1)", text));
	queue_close(runner);
}

/* Under load a runner looks while it has writes of its own to commit. */
Test(queue_floor, a_look_within_a_transaction_that_has_written_passes_over_nobody)
{
	struct err err = {.msg = ""};
	struct queue *runner = runner_open();
	int64_t seq = 0;
	const struct queue_audit row = {.at_ms = 1, .what = "{}", .n = 1, .result = "x"};
	cr_assert_eq(queue_audit_put(runner, &row, &seq, &err), RC_OK, "%s", err.msg);
	PGconn *slow = receiver_begin(); /* behind the first write .. */
	receiver_put(slow);              /* .. and the lowest number */
	PGconn *next = receiver_begin();
	receiver_put(next);
	receiver_end(next);
	cr_assert_eq(waiting(runner), 1);
	cr_assert_eq(queue_commit(runner, &err), RC_OK, "%s", err.msg);
	PGconn *later = receiver_begin();
	receiver_put(later);
	receiver_end(later);
	cr_assert_eq(waiting(runner), 2);
	cr_assert_eq(waiting(runner), 2);
	receiver_end(slow);
	cr_expect_eq(waiting(runner), 3, "what was acknowledged is passed over");
	queue_close(runner);
}

enum { SENDERS_N = 6, SENDS_N = 200, AT_ONCE = 8 };

static _Atomic int sending;

static void pause_up_to(unsigned *seed, int ms)
{
	struct timespec t = {0, (long)(rand_r(seed) % (ms * 1000 + 1)) * 1000};
	nanosleep(&t, NULL);
}

/* Transactions that end in any order: some take long between their xid, their number, their end. */
static void *send_slowly(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	PGconn *conn = receiver_connect();
	for (int i = 0; i < SENDS_N; i++) {
		run(conn, "BEGIN; SELECT pg_current_xact_id()");
		receiver_put(conn);
		pause_up_to(&seed, rand_r(&seed) % 20 == 0 ? 40 : 1);
		run(conn, "COMMIT");
	}
	PQfinish(conn);
	sending--;
	return NULL;
}

/* One look, and all that it shows is routed, in the transaction that is open. */
static size_t route(struct queue *q)
{
	struct err err = {.msg = ""};
	struct queue_raw raw[AT_ONCE];
	struct queue_routing routings[AT_ONCE] = {0};
	size_t n = 0, claimed = 0;
	cr_assert_eq(queue_inbox_next(q, AT_ONCE, raw, &n, &err), RC_OK, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		routings[i].event = (struct queue_event){.seq = raw[i].seq,
			.id = raw[i].id,
			.source = "twenty",
			.name = "",
			.object = "",
			.record = "",
			.via = "hook",
			.reason = "",
			.state = QUEUE_DONE};
	if (n > 0)
		cr_assert_eq(
			queue_route(q, routings, n, 0, NULL, &claimed, &err), RC_OK, "%s", err.msg);
	return n;
}

Test(queue_floor, in_whatever_order_receivers_commit_none_is_passed_over, .timeout = 120)
{
	struct err err = {.msg = ""};
	struct queue *runner = runner_open();
	pthread_t senders[SENDERS_N];
	size_t routed = 0;
	sending = SENDERS_N;
	for (uintptr_t i = 0; i < SENDERS_N; i++)
		cr_assert_eq(pthread_create(&senders[i], NULL, send_slowly, (void *)(i + 1)), 0);
	unsigned seed = 77;
	for (bool over = false, last = false; !last; over = sending == 0) {
		const struct queue_audit row = {.at_ms = 1, .what = "{}", .n = 1, .result = "x"};
		int64_t seq;
		last = over; /* a whole turn behind the last of them */
		if (rand_r(&seed) % 2 == 0)
			cr_assert_eq(
				queue_audit_put(runner, &row, &seq, &err), RC_OK, "%s", err.msg);
		pause_up_to(&seed, 5);
		for (size_t n = 1; n > 0; routed += n)
			n = route(runner);
		cr_assert_eq(queue_commit(runner, &err), RC_OK, "%s", err.msg);
	}
	for (size_t i = 0; i < SENDERS_N; i++)
		pthread_join(senders[i], NULL);
	cr_expect_eq(routed, SENDERS_N * SENDS_N, "%zu", routed);
	queue_close(runner);
}
