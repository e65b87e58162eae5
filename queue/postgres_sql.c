/* SPDX-License-Identifier: MIT */
/*
 * Statements that PostgreSQL has in words of its own, as data.
 * From: db_postgres.c, which prepares them. Where nothing stands here, the text of sql_text.h will
 * do.
 */
#include "queue/postgres.h"

/* clang-format off */
#define ME "current_setting('moonhook.runner')::bigint"

static const char *const own_sql[] = {
	[OWN_KEYS] = "INSERT INTO delivery_key (key, id)"
		" SELECT u.key, u.id FROM unnest($2::bytea[], $1::text[]) WITH ORDINALITY AS u (key, id, i)"
		" WHERE u.key IS NOT NULL ORDER BY u.key, u.i ON CONFLICT DO NOTHING",
	[OWN_PUT] = "WITH u AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[],"
		" $5::bytea[], $6::bytea[], $7::bytea[]) WITH ORDINALITY"
		" AS u (id, source, received_ms, quarantine, headers, body, key, i)),"
		" d AS (INSERT INTO delivery (id, source, received_ms, quarantine, headers, body)"
		" SELECT u.id, u.source, u.received_ms, u.quarantine, u.headers, u.body FROM u"
		" LEFT JOIN delivery_key AS k ON k.key = u.key WHERE u.key IS NULL OR k.id = u.id"
		" ORDER BY u.i ON CONFLICT (id) DO NOTHING RETURNING n)"
		" INSERT INTO pending (n) SELECT n FROM d",
	[OWN_FIRST] = "SELECT u.i, k.id FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY"
		" AS u (id, key, i) JOIN delivery_key AS k ON k.key = u.key WHERE k.id <> u.id",
	[OWN_NEXT] = "SELECT d.n, d.id, d.source, d.received_ms, d.quarantine, d.headers, d.body"
		" FROM pending AS p JOIN delivery AS d ON d.n = p.n ORDER BY p.n LIMIT ?1",
	[OWN_ROUTED] = "INSERT INTO routed (seq, n) VALUES ($1, $2)",
	[OWN_UNPENDING] = "DELETE FROM pending WHERE n = $1",
};

const struct db_form postgres_own_form = {.name = "own", .sql = own_sql, .sql_n = OWN_N};

/* A delivery that is not routed yet stands behind the position, by its number. */
#define UNROUTED " FROM pending AS p JOIN delivery AS d ON d.n = p.n" \
	" WHERE $1::bigint IS NOT NULL AND ($2::text IS NULL OR substr(d.id, 1, length($2)) = $2)" \
	" AND ($3::text IS NULL OR d.source = $3) AND ($4::bigint < 0 OR ($4 <> 0) = (d.quarantine IS NOT NULL))" \
	" AND d.received_ms >= $5::bigint"
/* By its number alone it is known by this and that: places do not come so far. */
#define UNROUTED_FIRST "274877906944::bigint"
#define UNROUTED_COLUMNS "SELECT (SELECT position FROM progress) + p.n AS seq, d.id, d.source, d.received_ms, d.quarantine"

static const char *inbox_text(int sql)
{
	switch (sql) {
	case INBOX_LAST:
		return "SELECT (SELECT position FROM progress) + count(*) FROM pending";
	case INBOX_BODY:
		return "SELECT headers, body FROM delivery WHERE n = CASE WHEN $1 >= " UNROUTED_FIRST
			" THEN $1 - " UNROUTED_FIRST " ELSE (SELECT n FROM routed WHERE seq = $1) END";
	case INBOX_LIST:
		return "SELECT * FROM (" UNROUTED_COLUMNS UNROUTED " ORDER BY p.n DESC LIMIT ?6) AS l ORDER BY seq";
	case INBOX_ONE:
		return "SELECT " UNROUTED_FIRST " + p.n AS seq, d.id, d.source, d.received_ms, d.quarantine" UNROUTED
			" ORDER BY p.n LIMIT ?6";
	case INBOX_LIST_N:
		return "SELECT count(*) FROM (SELECT 1" UNROUTED " LIMIT ?6) AS l";
	case INBOX_QUARANTINED:
		return "SELECT count(*) FROM pending AS p JOIN delivery AS d ON d.n = p.n"
			" WHERE d.quarantine IS NOT NULL AND $1::bigint IS NOT NULL";
	case INBOX_OLDEST:
		return "SELECT d.received_ms FROM pending AS p JOIN delivery AS d ON d.n = p.n"
			" WHERE d.quarantine IS NULL AND $1::bigint IS NOT NULL ORDER BY p.n LIMIT 1";
	case INBOX_PAST:
		return "SELECT r.seq, d.received_ms, length(d.headers) + length(d.body) FROM routed AS r"
			" JOIN delivery AS d ON d.n = r.n WHERE r.seq > $1 AND r.seq <= $2 ORDER BY r.seq LIMIT 1000";
	case INBOX_EMPTY:
		return "UPDATE delivery SET headers = '', body = ''"
			" WHERE n = (SELECT n FROM routed WHERE seq = $1)";
	case INBOX_DELETE:
		return "WITH r AS (DELETE FROM routed WHERE seq = $1 RETURNING n),"
			" d AS (DELETE FROM delivery USING r WHERE delivery.n = r.n RETURNING id)"
			" DELETE FROM delivery_key USING d WHERE delivery_key.id = d.id";
	default:
		return NULL;
	}
}

static const char *work_text(int sql)
{
	switch (sql) {
	case WORK_LOCK:
		return "SELECT news FROM progress FOR UPDATE";
	case WORK_RUN_CLAIM:
		return "UPDATE run SET state = 2, epoch = $2, attempt = $3, attempt_next = 0, runner = " ME ","
			" started_ms = CASE started_ms WHEN 0 THEN $4 ELSE started_ms END WHERE seq = $1";
	case WORK_RUN_PUT:
		return "INSERT INTO run (seq, id, event, rule, source, key, hold, state, epoch, attempt,"
			" attempt_next, attempts_max, deaths, due_ms, created_ms, started_ms, ended_ms, api_calls, hold2, kind, runner)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $16, $13, $14, 0, 0, $15, $17, " ME ")";
	case WORK_RUN_LOST:
		return "SELECT seq FROM run WHERE state = 2 AND runner NOT IN"
			" (SELECT id FROM runner WHERE until > clock_timestamp()) ORDER BY seq LIMIT 256";
	case COPY_LIST:
		return "SELECT object, record, updated_ms, seen_ms, state, false FROM copy"
			" WHERE object = $1 AND record > $2 ORDER BY record LIMIT ?3";
	case COPY_LIST_ALL:
		return "SELECT object, record, updated_ms, seen_ms, state, false FROM copy"
			" ORDER BY object, record LIMIT ?1";
	case HAND_TALLY:
		return "SELECT rule, state, count(*), count(*) FILTER (WHERE due_ms < 0 AND due_ms <> -2) FROM run"
			" WHERE created_ms >= $1 GROUP BY rule, state ORDER BY rule";
	case ERASE_EVENT_BODY:
		return "UPDATE event_body SET headers = '', body = '' WHERE seq = $1";
	case ERASE_CALL:
		return "UPDATE journal SET request = '', answer = 'null' WHERE seq = $1";
	case KV_BYTES:
		return "SELECT coalesce(sum(bytes), 0)::bigint FROM kv_sum";
	case RENAME_SESSIONS:
		return "UPDATE session AS s SET rule = $2 WHERE s.rule = $1 AND NOT EXISTS (SELECT 1"
			" FROM session AS o WHERE s.open = 1 AND o.open = 1 AND o.rule = $2 AND o.key = s.key)";
	case RENAME_ISSUES:
		return "WITH named AS (SELECT kind, about, $2 || substr(about, length($1) + 1) AS new FROM issue"
			" WHERE kind IN ('dead', 'quarantined', 'loop')"
			" AND (about = $1 OR substr(about, 1, length($1) + 2) = $1 || ': ')),"
			" gone AS (DELETE FROM issue AS i USING named AS m WHERE i.kind = m.kind AND i.about = m.new"
			" RETURNING 1)"
			" UPDATE issue AS i SET about = m.new FROM named AS m"
			" WHERE i.kind = m.kind AND i.about = m.about AND (SELECT count(*) FROM gone) >= 0";
	default:
		return NULL;
	}
}
/* clang-format on */

const char *postgres_sql(const struct db_form *form, int sql)
{
	if (form == &db_inbox_form)
		return inbox_text(sql);
	return form == &db_work_form ? work_text(sql) : NULL;
}
