/* SPDX-License-Identifier: MIT */
/*
 * A schema of PostgreSQL, as a side of a copy.
 *
 * From: move.c. Read from: where no runner works on it, in a transaction that keeps everybody else
 * from writing until it ends, and that ends with the mark (or with nothing, whatever happens to
 * us); else in one state that lasts. Filled: one copy at a time, by COPY, past the fence that stops
 * others.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/move/side.h"

enum { PATIENCE_MS = 6 * 3600 * 1000 }; /* for one answer: an index of 100 million rows */
enum { LOCK_CLASS = 0x4d486d };         /* "MHm", of pg_try_advisory_lock */

static struct postgres_link *link_of(struct move_side *side)
{
	return &side->postgres->link;
}

/* The one value that a question answers. */
static enum rc ask_int(struct move_side *side, const char *sql, int64_t *ret_value, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(link_of(side), sql, NULL, NULL, &result, err);
	if (rc == RC_OK && PQntuples(result) > 0)
		*ret_value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return rc;
}

static enum rc open_side(struct move_side *side, enum queue_side as, struct err *err)
{
	struct queue *q = NULL;
	enum rc rc = postgres_open(side->place, as, &q, err);
	if (rc != RC_OK)
		return rc;
	side->postgres = postgres_store_of(q);
	side->owner = q;
	link_of(side)->patience_ms = PATIENCE_MS;
	snprintf(side->name, sizeof(side->name), "%.300s, schema %.100s", link_of(side)->name,
		side->postgres->schema);
	rc = move_form_init(&side->form[MOVE_WORK], &db_work_form, MOVE_POSTGRES, side->fills, err);
	if (rc == RC_OK)
		rc = postgres_db_init(
			&side->statements, link_of(side), &side->form[MOVE_WORK].form, err);
	if (rc == RC_OK)
		rc = postgres_script(link_of(side),
			"SET moonhook.copying = '1'; SET statement_timeout = 0; SET lock_timeout = "
			"'30s';"
			" SET idle_in_transaction_session_timeout = 0",
			err);
	side->db[MOVE_INBOX] = side->db[MOVE_WORK] = &side->statements.base;
	return rc == RC_OK ? postgres_mark(q, &side->mark, err) : rc;
}

/* --- read from -------------------------------------------------------------------------------- */

static enum rc find_runner(struct move_side *side, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(link_of(side),
		"SELECT name FROM runner WHERE until > clock_timestamp() ORDER BY id LIMIT 1", NULL,
		NULL, &result, err);
	if (rc == RC_OK && PQntuples(result) > 0)
		snprintf(side->busy, sizeof(side->busy), "the runner %.80s works on it",
			PQgetvalue(result, 0, 0));
	PQclear(result);
	return rc;
}

/* Receivers wait for the end of this transaction, and meet the fence then. */
static enum rc keep_alone(struct move_side *side, struct err *err)
{
	struct err why = {.msg = ""};
	enum rc rc = postgres_script(link_of(side),
		"BEGIN; SET LOCAL lock_timeout = '20s'; SET LOCAL "
		"idle_in_transaction_session_timeout"
		" = 0; LOCK TABLE runner, progress, delivery, pending, run IN EXCLUSIVE MODE",
		&why);
	if (rc != RC_OK)
		return err_set(
			err, RC_BUSY, "somebody works on it and does not stop: %.150s", why.msg);
	rc = find_runner(side, err);
	if (rc == RC_OK && side->busy[0] != '\0')
		rc = postgres_script(link_of(side), "ROLLBACK", err);
	else
		side->alone = rc == RC_OK;
	return rc;
}

/* Of the state that is read. */
static enum rc read_moved(struct move_side *side, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(link_of(side),
		"SELECT what, sum(n) FROM moved WHERE what < 18 GROUP BY what", NULL, NULL, &result,
		err);
	for (int i = 0; rc == RC_OK && i < PQntuples(result); i++)
		side->moved[strtol(PQgetvalue(result, i, 0), NULL, 10) % (2 * QUEUE_STATE_N)] =
			strtoll(PQgetvalue(result, i, 1), NULL, 10);
	PQclear(result);
	return rc;
}

static enum rc open_from(struct move_side *side, struct err *err)
{
	enum rc rc = open_side(side, QUEUE_READER, err);
	if (rc == RC_OK)
		rc = find_runner(side, err);
	if (rc == RC_OK && side->busy[0] == '\0')
		rc = keep_alone(side, err);
	if (rc == RC_OK && !side->alone)
		rc = db_begin_read(&side->statements.base, err);
	return rc == RC_OK ? read_moved(side, err) : rc;
}

/* --- filled ----------------------------------------------------------------------------------- */

/* A daemon may be one that cannot empty tables, nor set counters: a copy does both. */
static enum rc need_owner(struct move_side *side, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(link_of(side),
		"SELECT current_user, pg_get_userbyid(c.relowner) FROM pg_class AS c"
		" WHERE c.oid = 'delivery'::regclass"
		" AND NOT (has_table_privilege('flight', 'TRUNCATE')"
		" AND has_sequence_privilege(pg_get_serial_sequence('delivery', 'n'), 'UPDATE'))",
		NULL, NULL, &result, err);
	if (rc == RC_OK && PQntuples(result) > 0)
		rc = err_set(err, RC_DENIED,
			"%.40s may not empty the tables of schema %.40s and set their counters, "
			"which a copy has to; name their owner in the address of the copy: "
			"postgres://%.40s@..; the daemon goes on as %.40s",
			PQgetvalue(result, 0, 0), side->postgres->schema, PQgetvalue(result, 0, 1),
			PQgetvalue(result, 0, 0));
	PQclear(result);
	return rc;
}

static enum rc open_to(struct move_side *side, struct err *err)
{
	char lock[120];
	int64_t got = 0;
	enum rc rc = open_side(side, QUEUE_RECEIVER, err);
	if (rc == RC_OK)
		rc = need_owner(side, err);
	if (rc != RC_OK)
		return rc;
	snprintf(lock, sizeof(lock), "SELECT pg_try_advisory_lock(%d, hashtext('%s'))::int",
		(int)LOCK_CLASS, side->postgres->schema);
	rc = ask_int(side, lock, &got, err);
	if (rc == RC_OK && got == 0)
		rc = err_set(err, RC_BUSY, "another copy fills %.150s already", side->name);
	if (rc == RC_OK)
		rc = find_runner(side, err);
	if (rc == RC_OK && side->busy[0] != '\0')
		rc = err_set(
			err, RC_BUSY, "%.150s cannot be filled: %.80s", side->name, side->busy);
	return rc;
}

static enum rc mark(struct move_side *side, const struct queue_mark *mark, struct err *err)
{
	bool open = side->alone && !side->fills; /* the transaction that keeps others away */
	enum rc rc = open ? RC_OK : postgres_script(link_of(side), "BEGIN", err);
	if (rc == RC_OK)
		rc = postgres_mark_put(link_of(side), mark, err);
	if (rc == RC_OK)
		rc = postgres_script(link_of(side), "COMMIT", err);
	if (open)
		side->alone = false;
	return rc;
}

static void bind_text(struct db_stmt *s, int i, struct slice text)
{
	enum { OID_TEXT = 25 };
	postgres_bind(s, i, text, OID_TEXT);
}

/* --- COPY ------------------------------------------------------------------------------------- */

static enum rc copy_failed(struct move_side *side, struct err *err)
{
	struct postgres_link *link = link_of(side);
	char why[160];
	const char *text = PQerrorMessage(link->conn);
	snprintf(why, sizeof(why), "%.*s", (int)strcspn(text, "\n"), text);
	return queue_break(side->owner, err, "%s takes no rows: %s", link->name, why);
}

static enum rc copy_end(struct move_side *side, struct err *err)
{
	PGconn *conn = link_of(side)->conn;
	enum rc rc = RC_OK;
	if (PQputCopyEnd(conn, NULL) != 1)
		return copy_failed(side, err);
	for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result))
		if (rc == RC_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
			rc = copy_failed(side, err);
	return rc;
}

/* data: rows in the binary format, their head and their end included. */
static enum rc copy(struct move_side *side, const char *sql, struct slice data, struct err *err)
{
	enum { CHUNK = 1 << 20 };
	struct postgres_link *link = link_of(side);
	enum rc rc = postgres_collect(link, err);
	if (rc != RC_OK)
		return rc;
	(void)PQexitPipelineMode(link->conn);
	(void)PQsetnonblocking(link->conn, 0);
	PGresult *result = PQexec(link->conn, sql);
	rc = PQresultStatus(result) == PGRES_COPY_IN ? RC_OK : copy_failed(side, err);
	PQclear(result);
	for (size_t at = 0; rc == RC_OK && at < data.n; at += CHUNK) {
		size_t n = data.n - at < CHUNK ? data.n - at : CHUNK;
		if (PQputCopyData(link->conn, data.p + at, (int)n) != 1)
			rc = copy_failed(side, err);
	}
	if (rc == RC_OK)
		rc = copy_end(side, err);
	(void)PQsetnonblocking(link->conn, 1);
	(void)PQenterPipelineMode(link->conn);
	return rc;
}

static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and the NUL that ends it */

static enum rc put_count(struct buf *out, int n)
{
	uint16_t big = htobe16((uint16_t)n);
	return buf_put(out, &big, 2);
}

static enum rc put_rows(struct buf *out, struct slice rows, int n)
{
	struct slice row;
	enum rc rc = buf_put(out, head, sizeof(head));
	while (rc == RC_OK && move_rows_next(&rows, &row)) {
		rc = put_count(out, n);
		if (rc == RC_OK)
			rc = buf_put(out, row.p, row.n);
	}
	return rc == RC_OK ? put_count(out, -1) : rc;
}

static enum rc put_sql(struct buf *out, const struct move_table *t, int n)
{
	struct move_column columns[MOVE_COLUMNS_N];
	(void)move_columns(t, columns);
	enum rc rc = buf_printf(out, "COPY %s (", t->name);
	for (int i = 0; rc == RC_OK && i < n; i++) {
		bool place = t->walk != MOVE_PLAIN && i == 0;
		rc = buf_printf(out, "%s%s", i > 0 ? ", " : "", place ? "n" : columns[i].name);
	}
	return rc == RC_OK ? buf_put(out, ") FROM STDIN BINARY", 20) : rc;
}

static enum rc put(struct move_side *side, int table, struct slice rows, struct err *err)
{
	const struct move_table *t = &move_tables[table];
	struct move_column columns[MOVE_COLUMNS_N];
	int n = move_columns(t, columns);
	struct buf sql, data;
	buf_init(&sql, 4096);
	buf_init(&data, (size_t)1 << 31);
	enum rc rc = put_sql(&sql, t, n);
	if (rc == RC_OK)
		rc = put_rows(&data, rows, n);
	if (rc == RC_OK)
		rc = copy(side, sql.p, buf_slice(&data), err);
	else
		rc = err_set(err, rc, "out of memory for rows");
	buf_done(&sql);
	buf_done(&data);
	return rc;
}

static enum rc rest(struct move_side *side, struct err *err)
{
	(void)side, (void)err;
	return RC_OK;
}

/* --- what no row says ------------------------------------------------------------------------- */

static enum rc timer(struct move_side *side, int64_t *ret_last, struct err *err)
{
	*ret_last = 0;
	return ask_int(
		side, "SELECT coalesce(pg_sequence_last_value('timer_seq_seq'), 0)", ret_last, err);
}

/* New numbers come behind all that were given. */
static enum rc settle_numbers(
	struct move_side *side, int64_t position, int64_t last_timer, struct err *err)
{
	enum rc rc = RC_OK;
	char sql[320];
	for (size_t i = 0; rc == RC_OK && i < move_tables_n; i++) {
		const struct move_table *t = &move_tables[i];
		struct move_column columns[MOVE_COLUMNS_N];
		if (!t->counted)
			continue;
		(void)move_columns(t, columns);
		bool delivery = t->walk != MOVE_PLAIN;
		const char *column = delivery ? "n" : columns[0].name;
		int64_t least = delivery                        ? position
				: strcmp(t->name, "timer") == 0 ? last_timer
								: 0;
		snprintf(sql, sizeof(sql),
			"SELECT setval(pg_get_serial_sequence('%s', '%s'), greatest(v, 1), v > 0) "
			"FROM"
			" (SELECT greatest((SELECT coalesce(max(%s), 0) FROM %s), %" PRId64
			") AS v)"
			" AS x",
			t->name, column, column, t->name, least);
		rc = postgres_script(link_of(side), sql, err);
	}
	return rc;
}

/* Effects under way: of each open run the first intent that no answer came behind. Other runners
 * must know of them, or what they wrote is taken for other people's. */
static const char flights[] =
	"BEGIN; TRUNCATE flight; INSERT INTO flight (run, path, call)"
	" SELECT j.run, j.path, min(j.seq) FROM journal AS j JOIN run AS r ON r.seq = j.run"
	" WHERE r.state < 3 AND j.effect <> 0 AND coalesce(length(j.answer), 0) = 0"
	" AND NOT EXISTS (SELECT 1 FROM journal AS a WHERE a.run = j.run AND a.path = j.path"
	" AND a.seq > j.seq AND length(a.answer) > 0)"
	" GROUP BY j.run, j.path; COMMIT";

static enum rc settle(struct move_side *side, int64_t position, int64_t last_timer, struct err *err)
{
	char sql[640];
	snprintf(sql, sizeof(sql),
		"BEGIN; TRUNCATE routed, pending;"
		"INSERT INTO routed (seq, n) SELECT n, n FROM delivery WHERE n <= %" PRId64 ";"
		"INSERT INTO pending (n, received_ms) SELECT n, received_ms FROM delivery WHERE n "
		"> %" PRId64 ";"
		"TRUNCATE moved; INSERT INTO moved (slot, what, n) SELECT 0, w.what, w.n FROM"
		" (SELECT count(*) AS n, count(d.quarantine) AS q FROM pending AS p JOIN delivery "
		"AS d"
		" ON d.n = p.n) AS k, LATERAL (VALUES (18, k.n), (19, k.q)) AS w (what, n);"
		"COMMIT",
		position, position);
	enum rc rc = postgres_script(link_of(side), sql, err);
	if (rc == RC_OK)
		rc = postgres_script(link_of(side), flights, err);
	if (rc == RC_OK)
		rc = settle_numbers(side, position, last_timer, err);
	/* The first to claim would meet a planner that takes the tables for empty. */
	for (size_t i = 0; rc == RC_OK && i < move_tables_n; i++) {
		snprintf(sql, sizeof(sql), "ANALYZE %s", move_tables[i].name);
		rc = postgres_script(link_of(side), sql, err);
	}
	return rc == RC_OK ? postgres_script(link_of(side), "ANALYZE routed, pending, flight", err)
			   : rc;
}

static void close_side(struct move_side *side)
{
	if (side->statements.link != NULL && !side->fills)
		db_end_read(&side->statements.base);
	postgres_db_done(&side->statements);
	move_form_done(&side->form[MOVE_WORK]);
	if (side->postgres != NULL)
		side->owner->backend->close(side->owner);
}

const struct move_driver move_postgres = {
	.open_from = open_from,
	.open_to = open_to,
	.mark = mark,
	.put = put,
	.rest = rest,
	.settle = settle,
	.timer = timer,
	.bind_text = bind_text,
	.close = close_side,
};
