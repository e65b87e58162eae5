/* SPDX-License-Identifier: MIT */
/* The budget that the runners of one store share: who is faster, and what is there when an answer
 * was lost with its connection. */
#include "queue/purse.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/queue.h"
#include "tests/harness/postgres.h"

static char store[256];
static struct queue *a, *b;
static struct err err;

static struct queue *open_runner(const char *where)
{
	struct queue *q = NULL;
	cr_assert_eq(queue_open(where, QUEUE_RUNNER, &q, &err), RC_OK, "%s", err.msg);
	return q;
}

static void setup(void)
{
	cr_assert(postgres_store(store, sizeof(store)));
	a = open_runner(store);
	b = open_runner(store);
	cr_assert_geq(queue_purse_fd(a), 0);
	cr_assert_geq(queue_purse_fd(b), 0);
}

static void teardown(void)
{
	queue_close(a);
	queue_close(b);
	postgres_store_drop(store);
}

TestSuite(queue_purse, .init = setup, .fini = teardown, .timeout = 90);

static struct queue_purse_answer await(struct queue *q)
{
	struct queue_purse_answer answer = {0};
	bool any = false;
	int64_t until_ms = clock_mono_ms() + 30000;
	while (!any && clock_mono_ms() < until_ms) {
		struct pollfd p = {.fd = queue_purse_fd(q), .events = POLLIN};
		(void)poll(&p, 1, 50);
		enum rc rc = queue_purse_step(q, &answer, &any, &err);
		cr_assert(rc == RC_OK || rc == RC_BUSY, "%s", err.msg);
	}
	cr_assert(any, "no answer came");
	return answer;
}

static struct queue_purse_answer swap(struct queue *q, int64_t version, const char *state)
{
	queue_purse_swap(q, version, slice_of(state));
	return await(q);
}

static void expect_there(struct queue_purse_answer got, int64_t version, const char *state)
{
	cr_expect_not(got.swapped);
	cr_expect_eq(got.version, version);
	cr_expect(slice_equal(got.state, slice_of(state)), "%.*s", (int)got.state.n, got.state.p);
	cr_expect_gt(got.now_ms, INT64_C(1600000000000));
}

Test(queue_purse, of_two_who_swap_the_same_version_one_is_told_what_the_other_has_left)
{
	expect_there(swap(a, -1, ""), 1, "");
	expect_there(swap(b, -1, ""), 1, "");
	queue_purse_swap(a, 1, slice_of("of a"));
	queue_purse_swap(b, 1, slice_of("of b"));
	bool first = await(a).swapped, second = await(b).swapped;
	cr_expect_neq(first, second, "exactly one of them was faster");
	expect_there(swap(a, -1, ""), 2, first ? "of a" : "of b");
	cr_expect(swap(b, 2, "next").swapped);
	expect_there(swap(a, 2, "late"), 3, "next");
}

/* How many rows it has answered. */
static int script(const char *sql)
{
	char uri[256];
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(store, "?"), store);
	PGconn *conn = PQconnectdb(uri);
	PGresult *r = PQexec(conn, sql);
	cr_assert_eq(PQresultStatus(r), PGRES_TUPLES_OK, "%s", PQerrorMessage(conn));
	int n = PQntuples(r);
	PQclear(r);
	PQfinish(conn);
	return n;
}

Test(queue_purse, a_connection_that_was_killed_is_made_again_and_answers)
{
	cr_expect(swap(a, 1, "before").swapped);
	/* Those whose last statement was for the purse: the handles stay. */
	cr_assert_gt(script("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			    " WHERE query LIKE '%purse_swap%' AND pid <> pg_backend_pid()"),
		0);
	struct queue_purse_answer got = swap(a, 2, "behind");
	if (!got.swapped) /* the question met the dead connection: what is there is told */
		expect_there(got, 2, "before");
	got = swap(b, -1, "");
	cr_expect_leq(got.version, 3);
	cr_expect_geq(got.version, 2);
	cr_expect(swap(a, got.version, "again").swapped);
}

/* The server says no to a question that waited for too long; that is no fault of the handle. */
Test(queue_purse, a_question_that_waited_for_another_in_vain_is_asked_again)
{
	char uri[256], lock[200];
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(store, "?"), store);
	snprintf(lock, sizeof(lock), "BEGIN; SELECT 1 FROM %s.purse FOR UPDATE",
		strstr(store, "schema=") + 7);
	PGconn *other = PQconnectdb(uri);
	PGresult *r = PQexec(other, lock);
	cr_assert_eq(PQresultStatus(r), PGRES_TUPLES_OK, "%s", PQerrorMessage(other));
	PQclear(r);
	queue_purse_swap(a, 1, slice_of("late"));
	struct queue_purse_answer answer;
	bool any = false;
	enum rc rc = RC_OK;
	int64_t until_ms = clock_mono_ms() + 30000;
	while (rc == RC_OK && !any && clock_mono_ms() < until_ms) {
		struct pollfd p = {.fd = queue_purse_fd(a), .events = POLLIN};
		(void)poll(&p, 1, 50);
		rc = queue_purse_step(a, &answer, &any, &err);
		/* As a statement_timeout does, of whom that lock blocks. */
		r = PQexec(other, "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted"
				  " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))");
		PQclear(r);
	}
	cr_expect_eq(rc, RC_BUSY, "%s", err.msg);
	PQfinish(other);
	struct queue_purse_answer got = await(a);
	cr_expect(got.swapped || got.version == 1, "%d", (int)got.version);
	cr_expect(swap(a, got.version, "again").swapped);
}

Test(queue_purse, a_row_that_somebody_has_deleted_is_nothing_and_can_be_put_again)
{
	char sql[200];
	snprintf(sql, sizeof(sql), "WITH gone AS (DELETE FROM %s.purse RETURNING 1) SELECT 1",
		strstr(store, "schema=") + 7);
	script(sql);
	expect_there(swap(a, 1, "x"), 0, "");
	cr_expect(swap(a, 0, "anew").swapped);
	expect_there(swap(b, 0, "late"), 1, "anew");
}

Test(queue_purse, a_store_of_one_runner_has_none)
{
	struct queue *alone = open_runner("memory:queue_purse");
	struct queue_purse_answer answer;
	bool any = true;
	cr_expect_eq(queue_purse_fd(alone), -1);
	cr_expect_eq(queue_purse_step(alone, &answer, &any, &err), RC_OK);
	cr_expect_not(any);
	queue_close(alone);
}
