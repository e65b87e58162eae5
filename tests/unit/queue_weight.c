/* SPDX-License-Identifier: MIT */
/* Pruning by size on PostgreSQL: no more goes than is too much, however late the server's
 * statistics are, and however many do it at once. */
#include <libpq-fe.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"
#include "tests/conformance/queue_suite.h"

/* Of a store that is a twentieth too large, at least so much of each kind stays: what has to go,
 * and as much again for what is counted by averages. */
#define EVENTS_N 2000
#define LEFT_N (EVENTS_N * 90 / 100)

static int64_t sql(const struct suite *s, const char *text)
{
	char url[200], set[120];
	const char *schema = strstr(s->owner, "schema=") + 7;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(s->owner, "?"), s->owner);
	snprintf(set, sizeof(set), "SET search_path = %.*s", (int)strcspn(schema, "&"), schema);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s: %s", text, PQerrorMessage(conn));
	int64_t n = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	PQfinish(conn);
	return n;
}

static int64_t count(const struct suite *s, const char *table)
{
	char text[80];
	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	return sql(s, text);
}

static int64_t size_of(struct suite *s)
{
	int64_t bytes = 0;
	suite_ok(s, db_size(store_of(s->runner)->work, &bytes, &s->err));
	return bytes;
}

/* Events that are over, each with a delivery, a run and a call. */
static void fill(struct suite *s)
{
	static const char *const tables[] = {
		"delivery", "routed", "event", "run", "journal", "seen", "progress"};
	char text[3000];
	for (size_t i = 0; i < ARRAY_N(tables); i++) { /* nothing is counted anew in between */
		snprintf(text, sizeof(text), "ALTER TABLE %s SET (autovacuum_enabled = off)",
			tables[i]);
		(void)sql(s, text);
	}
	snprintf(text, sizeof(text),
		"INSERT INTO delivery (n, id, source, received_ms, key, headers, body)"
		" SELECT i, 'd' || i, 'twenty', 1, sha256(i::text::bytea), '',"
		" convert_to((SELECT string_agg(md5((i * 100 + k)::text), '') FROM"
		" generate_series(1, 30) AS k), 'UTF8') FROM generate_series(1, %d) AS i;"
		"INSERT INTO routed SELECT i, i FROM generate_series(1, %d) AS i;"
		"INSERT INTO source (n, hash) VALUES (1, repeat('0', 64));"
		"INSERT INTO event SELECT i::bigint << 24, 'd' || i, 'twenty', 'person.created',"
		" 'person', 'r', 'hook', '', 3, 1, 0, i, 1, NULL, 0 FROM generate_series(1, %d) AS "
		"i;"
		"INSERT INTO run SELECT i, 'r' || i, i::bigint << 24, 'rule', 1, '', 0, 0, 3, 1, 1,"
		" 0, 8, 0, 0, 1, 1, 1, 1 FROM generate_series(1, %d) AS i;"
		"INSERT INTO journal (run, path, method, object, effect, digest, request, answer,"
		" started_ms, ended_ms, requests) SELECT i, '1', 'create', 'people', 1,"
		" sha256(i::text::bytea), convert_to(repeat(md5(i::text), 10), 'UTF8'), '{}', 1, 1,"
		" 1 FROM generate_series(1, %d) AS i;"
		"UPDATE progress SET position = %d, last_event = %d::bigint << 24, last_run = %d,"
		" counts = overlay(overlay(counts placing '\\x%02x%02x' from 25) placing"
		" '\\x%02x%02x' from 97)",
		EVENTS_N, EVENTS_N, EVENTS_N, EVENTS_N, EVENTS_N, EVENTS_N, EVENTS_N, EVENTS_N,
		EVENTS_N & 255, EVENTS_N >> 8, EVENTS_N & 255, EVENTS_N >> 8);
	(void)sql(s, text);
	int64_t until_ms = clock_mono_ms() + 50000;
	while (sql(s, "SELECT least(pg_stat_get_live_tuples('delivery'::regclass),"
		      " pg_stat_get_live_tuples('routed'::regclass),"
		      " pg_stat_get_live_tuples('event'::regclass),"
		      " pg_stat_get_live_tuples('run'::regclass),"
		      " pg_stat_get_live_tuples('journal'::regclass))") < EVENTS_N) {
		cr_assert_lt(clock_mono_ms(), until_ms, "the statistics do not come");
		usleep(10000);
	}
	suite_check_counts(s);
}

/* All that one round takes. */
static size_t round_of(struct queue *q, int64_t keep_bytes, struct err *err)
{
	struct queue_retention keep = {.size_bytes = keep_bytes};
	size_t n = 200, all = 0;
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && n >= 200 && i < 100; i++) {
		rc = queue_prune(q, &keep, SUITE_NOW_MS, 200, &n, err);
		if (rc == RC_OK && q->side == QUEUE_RUNNER)
			rc = queue_commit(q, err);
		all += n;
	}
	return rc == RC_OK ? all : SIZE_MAX;
}

static void expect_most_left(const struct suite *s)
{
	static const char *const tables[] = {"delivery", "run", "event"};
	for (size_t i = 0; i < ARRAY_N(tables); i++) {
		int64_t left = count(s, tables[i]);
		cr_expect_geq(left, LEFT_N, "%s: %lld", tables[i], (long long)left);
		cr_expect_lt(left, EVENTS_N, "%s: nothing has gone", tables[i]);
	}
}

/* Until the statistics know of what has been deleted; both handles are asked to tell. */
static void await_statistics(struct suite *s, int64_t keep_bytes)
{
	static const char *const known = "SELECT count(*) FROM freed WHERE upto_n >"
					 " pg_stat_get_tuples_deleted(CASE what WHEN 0 THEN"
					 " 'delivery'::regclass WHEN 1 THEN 'run'::regclass ELSE"
					 " 'event'::regclass END)";
	int64_t until_ms = clock_mono_ms() + 50000;
	while (sql(s, known) > 0) {
		cr_assert_lt(clock_mono_ms(), until_ms, "the statistics do not move");
		cr_assert_eq(round_of(s->receiver, keep_bytes, &s->err), 0u, "%s", s->err.msg);
		cr_assert_eq(round_of(s->runner, keep_bytes, &s->err), 0u, "%s", s->err.msg);
		usleep(50000);
	}
}

Test(queue_weight, a_store_that_is_a_little_too_large_keeps_most_of_it, .timeout = 120)
{
	struct suite s;
	suite_start(&s, "postgres:");
	fill(&s);
	int64_t keep = size_of(&s) * 95 / 100;
	size_t first = round_of(s.receiver, keep, &s.err), work = round_of(s.runner, keep, &s.err);
	cr_assert_neq(first, SIZE_MAX, "%s", s.err.msg);
	cr_assert_neq(work, SIZE_MAX, "%s", s.err.msg);
	cr_expect_gt(first, 0u);
	cr_expect_gt(work, 0u);
	expect_most_left(&s);
	cr_expect_eq(round_of(s.receiver, keep, &s.err), 0u, "straight afterwards");
	cr_expect_eq(round_of(s.runner, keep, &s.err), 0u, "straight afterwards");
	await_statistics(&s, keep);
	cr_expect_eq(round_of(s.receiver, keep, &s.err), 0u, "and once they are known");
	cr_expect_eq(round_of(s.runner, keep, &s.err), 0u, "and once they are known");
	expect_most_left(&s);
	cr_expect_lt(size_of(&s), keep + 65536, "as large as it may be");
	cr_expect_eq(count(&s, "journal"), count(&s, "run"));
	suite_check_counts(&s);
	suite_end(&s);
}

struct pruner {
	struct queue *q;
	int64_t keep_bytes;
	size_t n;
	struct err err;
};

static void *prune_on(void *arg)
{
	struct pruner *p = arg;
	for (int i = 0; i < 10 && p->n != SIZE_MAX; i++) {
		size_t n = round_of(p->q, p->keep_bytes, &p->err);
		p->n = n == SIZE_MAX ? n : p->n + n;
	}
	return NULL;
}

Test(queue_weight, several_that_prune_at_once_take_what_one_would, .timeout = 120)
{
	enum { PRUNERS_N = 3 };
	struct suite s;
	struct pruner p[PRUNERS_N] = {0};
	pthread_t threads[PRUNERS_N];
	suite_start(&s, "postgres:");
	fill(&s);
	(void)sql(&s, "ANALYZE delivery, routed, event, run, journal");
	int64_t keep = size_of(&s) * 95 / 100;
	for (int i = 0; i < PRUNERS_N; i++) {
		suite_ok(&s, queue_open(s.store, QUEUE_RECEIVER, &p[i].q, &s.err));
		p[i].keep_bytes = keep;
	}
	for (int i = 0; i < PRUNERS_N; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, prune_on, &p[i]), 0);
	size_t n = 0;
	for (int i = 0; i < PRUNERS_N; i++) {
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
		cr_assert_neq(p[i].n, SIZE_MAX, "%s", p[i].err.msg);
		n += p[i].n;
		queue_close(p[i].q);
	}
	int64_t left = count(&s, "delivery");
	cr_expect_gt(n, 0u);
	cr_expect_eq((int64_t)n, EVENTS_N - left, "each row was counted once");
	cr_expect_geq(left, LEFT_N, "%lld", (long long)left);
	suite_end(&s);
}
