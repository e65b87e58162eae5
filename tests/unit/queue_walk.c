/* SPDX-License-Identifier: MIT */
/* Long lists of a store in PostgreSQL come in pages: all rows once and in order, whatever is asked
 * in between and wherever the walk is broken off. */
#include <libpq-fe.h>

#include "queue/audit.h"
#include "queue/kv.h"
#include "queue/postgres/postgres.h"
#include "queue/timer.h"
#include "tests/conformance/queue_suite.h"

enum { ROWS_N = 700, PAGES_LEAST = 2 };

static void sql(const struct suite *s, const char *text)
{
	char url[200], set[120];
	const char *schema = strstr(s->owner, "schema=") + 7;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(s->owner, "?"), s->owner);
	snprintf(set, sizeof(set), "SET search_path = %.*s", (int)strcspn(schema, "&"), schema);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, text);
	cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* 700 events, each with its run; as many timers, orders, and deliveries that wait. */
static void fill(struct suite *s)
{
	sql(s, "INSERT INTO source (n, hash) VALUES (1, repeat('0', 64));"
	       "INSERT INTO event SELECT i::bigint << 24, 'e' || i, 'twenty', 'person.created',"
	       " 'person', 'r', 'hook', '', 3, 1, 0, i, 1, NULL, 0 FROM generate_series(1, 700) AS "
	       "i;"
	       "INSERT INTO run SELECT i, 'r' || i, i::bigint << 24, 'rule', 1, '', 0, 0, 3, 1, 1,"
	       " 0, 8, 0, 0, 1, 1, 1, 1 FROM generate_series(1, 700) AS i;"
	       "INSERT INTO timer SELECT i, 'rule', 'k' || i, i, 0, '1', '', '', 1, 'rule', 0"
	       " FROM generate_series(1, 700) AS i;"
	       "INSERT INTO audit SELECT i, i, 0, 'pause', 1, '' FROM generate_series(1, 700) AS i;"
	       "INSERT INTO delivery (n, id, source, received_ms, headers, body)"
	       " SELECT i, 'd' || i, 'twenty', 1, '', '{}' FROM generate_series(1, 700) AS i;"
	       "INSERT INTO pending SELECT i FROM generate_series(1, 700) AS i;"
	       "UPDATE progress SET last_event = 700::bigint << 24, last_run = 700");
}

struct walked {
	struct queue *q;
	int64_t n, last, stop_at;
	bool in_order;
};

static enum rc step(struct walked *w, int64_t at, struct err *err)
{
	w->in_order = w->in_order && at > w->last;
	w->last = at;
	return ++w->n == w->stop_at ? err_set(err, RC_QUOTA, "enough") : RC_OK;
}

static enum rc note_body(void *ctx, const struct queue_event_row *row, struct err *err)
{
	(void)err;
	*(bool *)ctx = row->id[0] != '\0';
	return RC_OK;
}

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct walked *w = ctx;
	bool there = false;
	enum rc rc = RC_OK;
	if (w->n % 100 == 0) /* another question in between */
		rc = queue_event_get(w->q, "e700", note_body, &there, err);
	cr_expect(there || w->n % 100 != 0);
	int64_t waits = row->id[0] == 'd' ? ROWS_N : 0;
	return rc == RC_OK ? step(w, strtoll(row->id + 1, NULL, 10) + waits, err) : rc;
}

static enum rc take_run(void *ctx, const struct queue_run_row *row, struct err *err)
{
	return step(ctx, row->seq, err);
}

static enum rc take_timer(void *ctx, const struct queue_timer *timer, struct err *err)
{
	return step(ctx, timer->due_ms, err);
}

static enum rc take_audit(void *ctx, const struct queue_audit *audit, struct err *err)
{
	return step(ctx, audit->seq, err);
}

enum list { OF_EVENTS, OF_RUNS, OF_TIMERS, OF_AUDITS, LISTS_N };

static enum rc walk_list(struct walked *w, enum list list, size_t limit, struct err *err)
{
	struct queue_filter filter = {.limit = limit};
	switch (list) {
	case OF_EVENTS:
		return queue_event_each(w->q, &filter, take_event, w, err);
	case OF_RUNS:
		return queue_run_each(w->q, &filter, take_run, w, err);
	case OF_TIMERS:
		return queue_timer_each(w->q, NULL, limit, take_timer, w, err);
	case OF_AUDITS:
		return queue_audit_each(w->q, limit, take_audit, w, err);
	case LISTS_N:
		break;
	}
	return RC_OK;
}

static int64_t trips(struct queue *q)
{
	return postgres_store_of(q)->link.trips_n;
}

static void walk_all(struct suite *s, struct queue *q)
{
	for (enum list list = 0; list < LISTS_N; list++) {
		int64_t all = list == OF_EVENTS ? 2 * ROWS_N : ROWS_N, before = trips(q);
		struct walked w = {.q = q, .in_order = true};
		suite_ok(s, walk_list(&w, list, 0, &s->err));
		cr_expect_eq(w.n, all, "%d: %lld", (int)list, (long long)w.n);
		cr_expect(w.in_order, "%d", (int)list);
		cr_expect_gt(trips(q) - before, PAGES_LEAST, "%d: it came at once", (int)list);
		w = (struct walked){.q = q, .in_order = true, .stop_at = 300};
		cr_expect_eq(walk_list(&w, list, 0, &s->err), RC_QUOTA);
		cr_expect_eq(w.n, 300);
		w = (struct walked){.q = q, .in_order = true}; /* whole pages, and nothing behind */
		suite_ok(s, walk_list(&w, list, 512, &s->err));
		cr_expect_eq(w.n, 512, "%d: %lld", (int)list, (long long)w.n);
		cr_expect_eq(w.last, list == OF_TIMERS ? 512 : all, "%d", (int)list);
	}
}

Test(queue_walk, a_long_list_comes_in_pages_and_is_whole, .timeout = 120)
{
	struct suite s;
	struct queue *reader = NULL;
	suite_start(&s, "postgres:");
	fill(&s);
	suite_ok(&s, queue_open(s.store, QUEUE_READER, &reader, &s.err));
	walk_all(&s, reader);
	walk_all(&s, s.runner);
	/* And the handle that broke off goes on to write. */
	struct queue_kv kv = {.scope = "s", .key = "k", .value = slice_of("1")};
	suite_ok(&s,
		queue_kv_put(s.runner, &kv, SUITE_NOW_MS, &(struct queue_kv_sum){9, 999}, &s.err));
	/* In the middle of what it writes a list is whole, too. */
	struct walked w = {.q = s.runner, .in_order = true};
	suite_ok(&s, walk_list(&w, OF_RUNS, 0, &s.err));
	cr_expect_eq(w.n, ROWS_N);
	suite_commit(&s);
	queue_close(reader);
	suite_end(&s);
}
