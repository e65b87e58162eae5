/* SPDX-License-Identifier: MIT */
/*
 * How quick a PostgreSQL is, how its clock runs, how large our tables are.
 * From: postgres/server.c. To: the server. What cannot be measured stays empty, with a reason where
 * somebody would miss it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "queue/postgres/postgres.h"

#define ASKED_N 11
#define ASKED_MAX_US 2000000 /* for all of them */

static int compare_us(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static int64_t median(int64_t *took_us, size_t n)
{
	qsort(took_us, n, sizeof(*took_us), compare_us);
	return took_us[n / 2];
}

/* The quickest answer tells the other clock best: it was read somewhere in between. Each of two
 * clocks and the half of what it took is cut to whole milliseconds. */
static void measure_clock(struct postgres_link *link, struct queue_server *s)
{
	int64_t took_us[ASKED_N], best_us = INT64_MAX, start_us = clock_mono_us();
	struct err ignored;
	size_t n = 0;
	while (n < ASKED_N && clock_mono_us() - start_us < ASKED_MAX_US) {
		PGresult *r = NULL;
		int64_t from_us = clock_mono_us(), from_ms = clock_wall_ms();
		if (postgres_ask(link,
			    "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
			    NULL, NULL, &r, &ignored) != RC_OK)
			return;
		took_us[n] = clock_mono_us() - from_us;
		if (took_us[n] < best_us) {
			best_us = took_us[n];
			s->ahead_ms =
				strtoll(PQgetvalue(r, 0, 0), NULL, 10) - from_ms - best_us / 2000;
			s->ahead_off_ms = best_us / 2000 + 2;
		}
		n++;
		PQclear(r);
	}
	if (n > 0)
		s->round_us = median(took_us, n);
}

/* A message for readers of the log of changes, of whom there are none, is made durable as any row.
 */
static void measure_commit(struct postgres_link *link, struct queue_server *s)
{
	int64_t took_us[ASKED_N], start_us = clock_mono_us();
	struct err err = {.msg = ""};
	size_t n = 0;
	while (n < ASKED_N && clock_mono_us() - start_us < ASKED_MAX_US) {
		PGresult *r = NULL;
		int64_t from_us = clock_mono_us();
		if (postgres_ask(link, "SELECT pg_logical_emit_message(true, 'moonhook', 'doctor')",
			    NULL, NULL, &r, &err) != RC_OK) {
			snprintf(s->commit_problem, sizeof(s->commit_problem), "%.120s", err.msg);
			return;
		}
		took_us[n++] = clock_mono_us() - from_us;
		PQclear(r);
	}
	if (n > 0)
		s->commit_us = median(took_us, n);
}

static void measure_tables(struct postgres_link *link, struct queue_server *s)
{
	PGresult *r = NULL;
	struct err ignored;
	if (postgres_ask(link,
		    "WITH t AS (SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes,"
		    " coalesce(s.n_live_tup, 0) AS rows, coalesce(s.n_dead_tup, 0) AS dead,"
		    " coalesce(c.reloptions && ARRAY['autovacuum_enabled=false',"
		    " 'autovacuum_enabled=off'], false) AS off"
		    " FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid"
		    " WHERE c.relnamespace = to_regnamespace($1)::oid AND c.relkind IN ('r', 'p')),"
		    " w AS (SELECT name, rows, dead FROM t ORDER BY dead DESC, name LIMIT 1)"
		    " SELECT coalesce(sum(bytes), 0)::bigint, coalesce(sum(rows), 0)::bigint,"
		    " coalesce(sum(dead), 0)::bigint, (SELECT name FROM w), (SELECT rows FROM w),"
		    " (SELECT dead FROM w), (SELECT name FROM t WHERE off LIMIT 1) FROM t",
		    s->schema, NULL, &r, &ignored) != RC_OK)
		return;
	s->used_bytes = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	s->rows_n = strtoll(PQgetvalue(r, 0, 1), NULL, 10);
	s->dead_n = strtoll(PQgetvalue(r, 0, 2), NULL, 10);
	snprintf(s->worst, sizeof(s->worst), "%s", PQgetvalue(r, 0, 3));
	s->worst_rows_n = strtoll(PQgetvalue(r, 0, 4), NULL, 10);
	s->worst_dead_n = strtoll(PQgetvalue(r, 0, 5), NULL, 10);
	snprintf(s->unvacuumed, sizeof(s->unvacuumed), "%s", PQgetvalue(r, 0, 6));
	PQclear(r);
}

void postgres_measure(struct postgres_link *link, struct queue_server *server)
{
	measure_clock(link, server);
	measure_tables(link, server);
	if (!server->replica && !server->read_only)
		measure_commit(link, server);
}
