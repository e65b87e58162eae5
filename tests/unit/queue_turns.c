/* SPDX-License-Identifier: MIT */
/* Two handles on one store in PostgreSQL at the same moment: one waits for the other, and sees then
 * what it has left. The other way round is what SQLite's lock does by itself. */
#include <libpq-fe.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/kv.h"
#include "tests/conformance/queue_suite.h"

#define LATER (SUITE_NOW_MS + 400000000000)

/* An administrator, in the schema of the store. */
static PGconn *admin(const struct suite *s)
{
	char url[200], set[120];
	const char *schema = strstr(s->owner, "schema=") + 7;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(s->owner, "?"), s->owner);
	snprintf(set, sizeof(set), "SET search_path = %.*s", (int)strcspn(schema, "&"), schema);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	return conn;
}

static int64_t sql(const struct suite *s, const char *text)
{
	PGconn *conn = admin(s);
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s: %s", text, PQerrorMessage(conn));
	int64_t n = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	PQfinish(conn);
	return n;
}

/* Until somebody stands behind the lock of those who write to this work. */
static void await_waiting(const struct suite *s)
{
	int64_t until_ms = clock_mono_ms() + 60000;
	while (sql(s, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
		      " AND objid = 'progress'::regclass::oid::integer") == 0) {
		cr_assert_lt(clock_mono_ms(), until_ms, "nobody waits");
		usleep(5000);
	}
}

/* --- pruning ---------------------------------------------------------------------------------- */

struct pruner {
	struct queue *q;
	size_t n;
	enum rc rc;
	struct err err;
};

static void *prune_on(void *arg)
{
	struct pruner *p = arg;
	struct queue_retention day = {.events_ms = 86400000, .runs_ms = 86400000};
	p->rc = queue_prune(p->q, &day, LATER, 100, &p->n, &p->err);
	if (p->rc == RC_OK)
		p->rc = queue_commit(p->q, &p->err);
	return NULL;
}

Test(queue_turns, a_run_that_is_tried_again_while_another_waits_to_prune_is_kept, .timeout = 120)
{
	struct suite s;
	struct queue *other = NULL;
	pthread_t thread;
	suite_start(&s, "postgres:");
	suite_ok(&s, queue_open(s.store, QUEUE_RUNNER, &other, &s.err));
	cr_assert_eq(suite_event(&s, "rule", "a", 1), 1u);
	suite_finish(&s, &s.runs[0], QUEUE_DEAD);
	suite_commit(&s);
	suite_ok(&s, queue_retry(other, s.runs[0].id.text, &s.err)); /* not committed: holds it */
	struct pruner p = {.q = s.runner, .n = 99};
	cr_assert_eq(pthread_create(&thread, NULL, prune_on, &p), 0);
	await_waiting(&s);
	suite_ok(&s, queue_commit(other, &s.err));
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(p.rc, RC_OK, "%s", p.err.msg);
	cr_expect_eq(p.n, 0u);
	cr_expect_eq(sql(&s, "SELECT count(*) FROM run WHERE state = 0"), 1);
	cr_expect_eq(sql(&s, "SELECT count(*) FROM event WHERE open = 1"), 1);
	/* What nobody tries again goes. */
	cr_assert_eq(suite_claim(&s, SUITE_NOW_MS, 1), 1u);
	suite_finish(&s, &s.runs[0], QUEUE_DEAD);
	suite_commit(&s);
	(void)prune_on(&p);
	cr_expect_eq(p.rc, RC_OK, "%s", p.err.msg);
	cr_expect_eq(p.n, 2u, "a run and its event");
	queue_close(other);
	suite_end(&s);
}

/* --- what the role says of transactions ------------------------------------------------------- */

struct putter {
	struct queue *q;
	enum rc rc;
	struct err err;
};

static void *put_on(void *arg)
{
	struct putter *p = arg;
	struct queue_kv kv = {.scope = "s", .key = "second", .value = slice_of("1")};
	p->rc = queue_kv_put(p->q, &kv, SUITE_NOW_MS, &(struct queue_kv_sum){9, 999}, &p->err);
	if (p->rc == RC_OK)
		p->rc = queue_commit(p->q, &p->err);
	return NULL;
}

/* Under SERIALIZABLE who waited sees the store as it was before it waited, and fails. */
Test(queue_turns, runners_take_turns_whatever_isolation_the_role_has_by_default, .timeout = 120)
{
	struct suite s;
	struct putter second = {.rc = RC_OK};
	struct queue_kv kv = {.scope = "s", .key = "first", .value = slice_of("1")};
	char store[250];
	pthread_t thread;
	suite_start(&s, "postgres:");
	snprintf(store, sizeof(store), "%s&options=-cdefault_transaction_isolation%%3Dserializable",
		s.owner);
	suite_ok(&s, queue_open(store, QUEUE_RUNNER, &second.q, &s.err));
	suite_ok(&s,
		queue_kv_put(s.runner, &kv, SUITE_NOW_MS, &(struct queue_kv_sum){9, 999}, &s.err));
	cr_assert_eq(pthread_create(&thread, NULL, put_on, &second), 0);
	await_waiting(&s);
	suite_commit(&s);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(second.rc, RC_OK, "%s", second.err.msg);
	cr_expect_eq(sql(&s, "SELECT n FROM kv_sum"), 2);
	queue_close(second.q);
	suite_end(&s);
}

/* --- holes ------------------------------------------------------------------------------------ */

/* More than a page of places, and two whose deliveries are gone. */
Test(queue_turns, places_without_a_delivery_end_no_pruning_and_go_themselves, .timeout = 120)
{
	struct suite s;
	size_t n = 0;
	struct queue_retention day = {.events_ms = 86400000};
	suite_start(&s, "postgres:");
	(void)sql(&s,
		"INSERT INTO delivery (n, id, source, received_ms, headers, body)"
		" SELECT i, 'd' || i, 'twenty', 1, '', '{}' FROM generate_series(1, 1500) AS i;"
		"INSERT INTO routed (seq, n) SELECT i, i FROM generate_series(1, 1500) AS i;"
		"UPDATE progress SET position = 1500;"
		"DELETE FROM delivery WHERE n IN (7, 1000)");
	suite_ok(&s, queue_prune(s.receiver, &day, LATER, 10000, &n, &s.err));
	cr_expect_eq(n, 1500u);
	cr_expect_eq(sql(&s, "SELECT count(*) FROM routed"), 0);
	cr_expect_eq(sql(&s, "SELECT count(*) FROM delivery"), 0);
	suite_end(&s);
}
