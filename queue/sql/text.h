/* SPDX-License-Identifier: MIT */
/*
 * The statements of the SQLite backend: numbers here, text in sql/text.c's tables.
 * States in the text: due 0, waiting 1, running 2 (enum queue_state; < 3: not ended).
 */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_H
#define MOONHOOK_QUEUE_SQL_TEXT_H

#include "queue/db.h"
#include "queue/sql/text_copy.h"
#include "queue/sql/text_gap.h"
#include "queue/sql/text_hand.h"
#include "queue/sql/text_join.h"
#include "queue/sql/text_kv.h"
#include "queue/sql/text_ledger.h"
#include "queue/sql/text_rename.h"
#include "queue/sql/text_spend.h"
#include "queue/sql/text_timer.h"

/* clang-format off */
/* Both files. */
#define SQL_COMMON(X) \
	X(SQL_BEGIN, "BEGIN IMMEDIATE") \
	X(SQL_BEGIN_READ, "BEGIN") \
	X(SQL_COMMIT, "COMMIT") \
	X(SQL_ROLLBACK, "ROLLBACK") \
	X(SQL_SIZE, "SELECT (c.page_count - f.freelist_count) * s.page_size" \
		" FROM pragma_page_count AS c, pragma_freelist_count AS f, pragma_page_size AS s") \
	X(SQL_META_GET, "SELECT value FROM meta WHERE name = ?1") \
	X(SQL_META_PUT, "INSERT INTO meta (name, value) VALUES (?1, ?2)" \
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value") \
	X(SQL_SEEN_PUT, "INSERT INTO seen (seq, key) VALUES (?1, ?2)") \
	X(SQL_SEEN_GET, "SELECT 1 FROM seen WHERE seq = ?1 AND key = ?2") \
	X(SQL_SEEN_KEY, "SELECT seq FROM seen WHERE key = ?1") \
	X(SQL_SEEN_DELETE, "DELETE FROM seen WHERE seq = ?1") \
	X(SQL_SEEN_AFTER, "SELECT seq, key FROM seen WHERE seq > ?1 ORDER BY seq") \
	X(SQL_SEEN_LEAST, "SELECT min(seq) FROM seen") \
	X(SQL_SEEN_OLD_FIND, "SELECT seq FROM seen_old WHERE hash = ?1") \
	X(SQL_SEEN_OLD_ANY, "SELECT 1 FROM seen_old LIMIT 1") \
	X(SQL_SEEN_OLD_PUT, "INSERT INTO seen_old (hash, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING") \
	X(SQL_SEEN_OLD_FORGET, "DELETE FROM seen_old WHERE hash BETWEEN ?1 AND ?2 AND seq < ?3")

#define SQL_INBOX(X) \
	X(INBOX_LAST, "SELECT max(seq) FROM delivery") \
	X(INBOX_PUT, "INSERT INTO delivery (seq, id, source, received_ms, quarantine, headers, body)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(INBOX_ID, "SELECT id FROM delivery WHERE seq = ?1") \
	X(INBOX_NEXT, "SELECT seq, id, source, received_ms, quarantine, headers, body" \
		" FROM delivery WHERE seq > ?1 ORDER BY seq LIMIT ?2") \
	X(INBOX_BODY, "SELECT headers, body FROM delivery WHERE seq = ?1") \
	X(INBOX_LIST, "SELECT * FROM (SELECT seq, id, source, received_ms, quarantine FROM delivery" \
		INBOX_WHERE " ORDER BY seq DESC LIMIT ?6) AS l ORDER BY seq") \
	X(INBOX_ONE, "SELECT seq, id, source, received_ms, quarantine FROM delivery" INBOX_WHERE \
		" ORDER BY seq LIMIT ?6") \
	X(INBOX_LIST_N, "SELECT count(*) FROM (SELECT 1 FROM delivery" INBOX_WHERE " LIMIT ?6) AS l") \
	X(INBOX_QUARANTINED, "SELECT count(*) FROM delivery WHERE quarantine IS NOT NULL AND seq > ?1") \
	X(INBOX_OLDEST, "SELECT received_ms FROM delivery WHERE seq > ?1 AND quarantine IS NULL" \
		" ORDER BY seq LIMIT 1") \
	X(INBOX_PAST, "SELECT seq, received_ms, length(headers) + length(body) FROM delivery WHERE seq > ?1 AND seq <= ?2 ORDER BY seq") \
	X(INBOX_EMPTY, "UPDATE delivery SET headers = x'', body = x'' WHERE seq = ?1") \
	X(INBOX_DELETE, "DELETE FROM delivery WHERE seq = ?1")

#define INBOX_WHERE " WHERE seq > ?1 AND (?2 IS NULL OR substr(id, 1, length(?2)) = ?2)" \
	" AND (?3 IS NULL OR source = ?3) AND (?4 < 0 OR ?4 = (quarantine IS NOT NULL))" \
	" AND received_ms >= ?5"

#define SQL_WORK(X) \
	X(WORK_LOCK, "SELECT 0") \
	X(WORK_NEWS, "UPDATE progress SET news = news + 1") \
	X(WORK_PROGRESS, "SELECT position, last_event, last_run, counts FROM progress") \
	X(WORK_MOVED, "SELECT 0, 0 LIMIT 0") \
	X(WORK_PROGRESS_PUT, "UPDATE progress SET position = ?1, last_event = ?2, last_run = ?3," \
		" counts = ?4 WHERE one = 1") \
	X(WORK_EVENT_PUT, "INSERT INTO event (seq, id, source, name, object, record, via, reason, state," \
		" received_ms, open, run_first, run_n, past, joins)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)") \
	X(WORK_EVENT_BODY_PUT, "INSERT INTO event_body (seq, headers, body) VALUES (?1, ?2, ?3)") \
	X(WORK_EVENT_BODY, "SELECT headers, body FROM event_body WHERE seq = ?1") \
	X(WORK_EVENT, "SELECT state, open, run_first, run_n, joins FROM event WHERE seq = ?1") \
	X(WORK_EVENT_MOVE, "UPDATE event SET state = ?2, open = ?3 WHERE seq = ?1") \
	X(WORK_EVENT_OPEN, "SELECT 1 FROM event WHERE seq = ?1 AND open > 0") \
	X(WORK_EVENT_RUNS, "SELECT state FROM run WHERE seq BETWEEN ?1 AND ?2") \
	X(WORK_RUN_PUT, "INSERT INTO run (seq, id, event, rule, source, key, hold, state, epoch, attempt," \
		" attempt_next, attempts_max, deaths, due_ms, created_ms, started_ms, ended_ms, api_calls, hold2, kind)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?16, ?13, ?14, 0, 0, ?15, ?17)") \
	X(WORK_RUN_DUE, "SELECT r.seq, r.id, r.epoch, r.attempt, r.attempt_next, r.attempts_max, r.deaths," \
		" r.rule, s.hash, r.key, r.hold, r.event, e.id, e.received_ms, e.source, e.via, e.run_n, r.hold2, e.past," \
		" r.kind, e.joins, r.born" \
		" FROM run AS r INDEXED BY run_open CROSS JOIN event AS e ON e.seq = r.event" \
		" CROSS JOIN source AS s ON s.n = r.source" \
		" WHERE r.state = 0 AND r.state < 3 ORDER BY r.seq LIMIT ?1") \
	X(WORK_RUN_CLAIM, "UPDATE run SET state = 2, epoch = ?2, attempt = ?3, attempt_next = 0," \
		" started_ms = CASE started_ms WHEN 0 THEN ?4 ELSE started_ms END WHERE seq = ?1") \
	X(WORK_RUN_LIVE, "SELECT r.event, r.hold, r.epoch, r.attempt, e.run_n, r.state, r.hold2, r.kind, e.joins" \
		" FROM run AS r CROSS JOIN event AS e ON e.seq = r.event WHERE r.seq = ?1") \
	X(WORK_RUN_END, "UPDATE run SET state = ?2, code = ?3, error = ?4, detail = ?5," \
		" log = coalesce(?6, log), api_calls = api_calls + ?7," \
		" started_ms = CASE WHEN ?8 > 0 AND attempt <= 1 THEN ?8 ELSE started_ms END," \
		" ended_ms = ?9 WHERE seq = ?1") \
	X(WORK_RUN_RELEASE, "UPDATE run SET state = ?2, code = ?3, error = ?4, detail = ?5," \
		" log = coalesce(?6, log), api_calls = api_calls + ?7," \
		" started_ms = CASE WHEN ?8 > 0 AND attempt <= 1 THEN ?8 ELSE started_ms END," \
		" due_ms = ?9, attempt_next = ?10, deaths = deaths + ?11 WHERE seq = ?1") \
	X(WORK_RUN_MOVE, "UPDATE run SET state = ?2, due_ms = 0 WHERE seq = ?1") \
	X(WORK_RUN_WAITS, "SELECT state, due_ms, hold, hold2 FROM run WHERE seq = ?1") \
	X(WORK_RUN_TIMED, "SELECT seq, hold, hold2, epoch FROM run WHERE due_ms > 0 AND due_ms <= ?1" \
		" ORDER BY due_ms LIMIT ?2") \
	X(WORK_RUN_NEXT_DUE, "SELECT min(due_ms) FROM run WHERE due_ms > 0") \
	X(WORK_RUN_SHIFT, "UPDATE run SET due_ms = CASE WHEN due_ms + ?1 > 1 THEN due_ms + ?1 ELSE 1 END WHERE due_ms > 0") \
	X(WORK_RUN_LOST, "SELECT seq, hold, hold2 FROM run INDEXED BY run_open" \
		" WHERE state = 2 AND state < 3 ORDER BY seq LIMIT 256") \
	X(WORK_RUN_RETRY, "UPDATE run SET state = ?2, due_ms = 0, attempt = 0, attempt_next = 1," \
		" deaths = 0, ended_ms = 0, code = NULL, error = NULL, detail = NULL WHERE seq = ?1") \
	X(WORK_HOLD_FIRST, "SELECT run FROM hold WHERE key = ?1 ORDER BY run LIMIT 1") \
	X(WORK_HOLD_PUT, "INSERT INTO hold (key, run) VALUES (?1, ?2) ON CONFLICT DO NOTHING") \
	X(WORK_HOLD_DELETE, "DELETE FROM hold WHERE key = ?1 AND run = ?2") \
	X(WORK_HOLD_PROMOTE, "SELECT 0 WHERE ?1 IS NULL") \
	X(WORK_HOLD_LIVE, "SELECT 1 FROM hold AS h CROSS JOIN run AS r ON r.seq = h.run" \
		" WHERE h.key = ?1 AND h.run <> ?2 AND r.state = 2 LIMIT 1") \
	X(WORK_HOLD_DUE, "SELECT h.run FROM hold AS h CROSS JOIN run AS r ON r.seq = h.run" \
		" WHERE h.key = ?1 AND h.run > ?2 AND r.state = 0 LIMIT 1") \
	X(WORK_CALL_PUT, "INSERT INTO journal (run, path, method, object, effect, digest, request, answer," \
		" code, started_ms, ended_ms, requests)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)") \
	X(WORK_CALLS, "SELECT path, method, object, effect, digest, request, answer, code, started_ms," \
		" ended_ms, requests FROM journal WHERE run = ?1 ORDER BY seq") \
	X(WORK_CALLS_ANY, "SELECT 1 FROM journal WHERE run = ?1 LIMIT 1") \
	X(WORK_CALLS_DELETE, "DELETE FROM journal WHERE run = ?1") \
	X(WORK_SOURCE_N, "SELECT n FROM source WHERE hash = ?1") \
	X(WORK_SOURCE_NAME, "INSERT INTO source (hash) VALUES (?1) RETURNING n") \
	X(WORK_SOURCE_PUT, "INSERT INTO source (hash, file, text) VALUES (?1, ?2, ?3)" \
		" ON CONFLICT (hash) DO UPDATE SET file = excluded.file, text = excluded.text" \
		" WHERE source.text IS NULL") \
	X(WORK_SOURCE_GET, "SELECT file, text FROM source WHERE hash = ?1 AND text IS NOT NULL") \
	X(WORK_SOURCE_KNOW, "INSERT INTO source_use (n, runs, live_ms, until_ms)" \
		" SELECT n, 0, 0, 0 FROM source WHERE hash = ?1 ON CONFLICT DO NOTHING") \
	X(WORK_SOURCE_COUNT, "INSERT INTO source_use (n, runs, live_ms, until_ms) VALUES (?1, ?2, 0, 0)" \
		" ON CONFLICT (n) DO UPDATE SET runs = source_use.runs + excluded.runs") \
	X(WORK_SOURCES_DOUBT, "UPDATE source_use SET until_ms = -1 WHERE live_ms > 0") \
	X(WORK_SOURCE_LIVE, "UPDATE source_use SET until_ms = 0," \
		" live_ms = CASE live_ms WHEN 0 THEN ?2 ELSE live_ms END" \
		" WHERE n = (SELECT n FROM source WHERE hash = ?1)") \
	X(WORK_SOURCES_CEASE, "UPDATE source_use SET live_ms = 0, until_ms = ?1 WHERE until_ms = -1") \
	X(WORK_SOURCE_FIND, "SELECT s.hash, s.text, u.live_ms FROM source_use AS u" \
		" CROSS JOIN source AS s ON s.n = u.n" \
		" WHERE u.live_ms > 0 AND s.file = ?1 AND s.text IS NOT NULL") \
	X(WORK_SOURCES_IDLE, "SELECT n FROM source_use" \
		" WHERE live_ms = 0 AND until_ms < ?1 AND runs <= 0 LIMIT 256") \
	X(WORK_SOURCE_DELETE, "DELETE FROM source WHERE n = ?1") \
	X(WORK_SOURCE_USE_DELETE, "DELETE FROM source_use WHERE n = ?1") \
	X(WORK_RULES_CLEAR, "DELETE FROM rule") \
	X(WORK_RULE_PUT, "INSERT INTO rule (name, file, line, ons, state, error, loaded_ms," \
		" options) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(WORK_RULES, "SELECT name, file, line, ons, state, error, loaded_ms, options FROM rule" \
		" ORDER BY n") \
	X(WORK_RUN_FIND, "SELECT seq, state FROM run WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2") \
	X(WORK_EVENT_FIND, "SELECT seq, state FROM event WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2") \
	X(WORK_EVENT_ROW, "SELECT " WORK_EVENT_COLUMNS " FROM event WHERE seq = ?1") \
	X(WORK_EVENT_LIST, "SELECT " WORK_EVENT_COLUMNS " FROM event" WORK_EVENT_WHERE " ORDER BY seq") \
	X(WORK_EVENT_NEWEST, "SELECT * FROM (SELECT " WORK_EVENT_COLUMNS " FROM event" WORK_EVENT_WHERE \
		" ORDER BY seq DESC LIMIT ?11) AS l ORDER BY seq") \
	X(WORK_RUN_LIST, "SELECT " WORK_RUN_COLUMNS WORK_RUN_FROM WORK_RUN_WHERE " ORDER BY r.seq") \
	X(WORK_RUN_NEWEST, "SELECT * FROM (SELECT " WORK_RUN_COLUMNS WORK_RUN_FROM WORK_RUN_WHERE \
		" ORDER BY r.seq DESC LIMIT ?13) AS l ORDER BY 1") \
	X(WORK_RUN_ROW, "SELECT " WORK_RUN_COLUMNS WORK_RUN_FROM " WHERE r.seq = ?1") \
	X(WORK_EVENT_SPAN, "SELECT run_first, run_n, (SELECT min(run) FROM joined WHERE event = event.seq)" \
		" FROM event WHERE id >= ?1 AND id < ?2" \
		" ORDER BY id LIMIT 1") \
	X(WORK_OLDEST_OPEN, "SELECT e.received_ms FROM run AS r CROSS JOIN event AS e ON e.seq = r.event" \
		" WHERE r.seq = (SELECT min(o.seq) FROM (" \
		" SELECT (SELECT seq FROM run INDEXED BY run_open WHERE state = 0 AND state < 3" \
		" ORDER BY seq LIMIT 1) AS seq UNION ALL" \
		" SELECT (SELECT seq FROM run INDEXED BY run_open WHERE state = 1 AND state < 3" \
		" ORDER BY seq LIMIT 1) UNION ALL" \
		" SELECT (SELECT seq FROM run INDEXED BY run_open WHERE state = 2 AND state < 3" \
		" ORDER BY seq LIMIT 1)) AS o)") \
	X(WORK_PAST_RUNS, "SELECT seq, state, created_ms, ended_ms, source, kind FROM run" \
		" WHERE seq > ?1 ORDER BY seq") \
	X(WORK_PAST_EVENTS, "SELECT seq, state, open, received_ms, run_first, run_n, joins FROM event" \
		" WHERE seq > ?1 ORDER BY seq") \
	X(WORK_RUNS_LEFT, "SELECT 1 FROM run WHERE seq BETWEEN ?1 AND ?2 LIMIT 1") \
	X(WORK_RUN_DELETE, "DELETE FROM run WHERE seq = ?1") \
	X(WORK_EVENT_DELETE, "DELETE FROM event WHERE seq = ?1") \
	X(WORK_EVENT_BODY_DELETE, "DELETE FROM event_body WHERE seq = ?1")

#define WORK_EVENT_COLUMNS "seq, id, source, name, object, record, via, reason, state, received_ms," \
	LEDGER_OF("event.seq")
#define WORK_EVENT_WHERE " WHERE seq > ?1 AND seq <= ?12 AND received_ms >= ?2" \
	" AND (?3 IS NULL OR substr(id, 1, length(?3)) = ?3) AND (?4 IS NULL OR source = ?4)" \
	" AND (?5 IS NULL OR name = ?5) AND (?6 IS NULL OR object = ?6)" \
	" AND (?7 IS NULL OR record = ?7) AND (?8 < 0 OR state = ?8)" \
	" AND (?9 IS NULL OR EXISTS (SELECT 1 FROM run AS r" \
	" WHERE r.seq BETWEEN run_first AND run_first + run_n - 1 AND r.rule = ?9)" \
	" OR (joins > 0 AND EXISTS (SELECT 1 FROM joined AS j CROSS JOIN run AS r ON r.seq = j.run" \
	" WHERE j.event = event.seq AND r.rule = ?9)))" \
	" AND (?10 IS NULL OR instr(reason, ?10) > 0 OR EXISTS (SELECT 1 FROM run AS r" \
	" WHERE r.seq BETWEEN run_first AND run_first + run_n - 1" \
	" AND (r.code = ?10 OR instr(r.error, ?10) > 0))" \
	" OR (joins > 0 AND EXISTS (SELECT 1 FROM joined AS j CROSS JOIN run AS r ON r.seq = j.run" \
	" WHERE j.event = event.seq AND (r.code = ?10 OR instr(r.error, ?10) > 0))))"
#define WORK_RUN_COLUMNS "r.seq, r.id, e.id, r.rule, s.hash, r.key, r.state, r.attempt, r.api_calls," \
	" r.deaths, r.created_ms, r.started_ms, r.ended_ms, r.due_ms, r.code, r.error, r.detail, r.log," \
	LEDGER_OF(JOIN_CAUSE_OF("r.seq", "r.event")) "," JOIN_N_OF("r") "," SHADOW_OF("r")
#define WORK_RUN_FROM " FROM run AS r CROSS JOIN event AS e ON e.seq = r.event" \
	" CROSS JOIN source AS s ON s.n = r.source"
#define WORK_RUN_WHERE " WHERE r.seq > ?1 AND r.seq <= ?2 AND r.created_ms >= ?3" \
	" AND (?4 IS NULL OR substr(r.id, 1, length(?4)) = ?4) AND (?5 IS NULL OR e.source = ?5)" \
	" AND (?6 IS NULL OR e.name = ?6) AND (?7 IS NULL OR e.object = ?7)" \
	" AND (?8 IS NULL OR e.record = ?8 OR" JOIN_ANY("r", "x.record = ?8") ") AND (?9 IS NULL OR r.rule = ?9)" \
	" AND (?10 IS NULL OR substr(e.id, 1, length(?10)) = ?10" \
	" OR" JOIN_ANY("r", "substr(x.id, 1, length(?10)) = ?10") ") AND (?11 < 0 OR r.state = ?11)" \
	" AND (?12 IS NULL OR r.code = ?12 OR instr(r.error, ?12) > 0)"
/* clang-format on */

#define X(name, text) name,
enum sql_common { SQL_COMMON(X) SQL_COMMON_N };
enum sql_inbox { SQL_INBOX_BEFORE = SQL_COMMON_N - 1, SQL_INBOX(X) SQL_INBOX_N };
enum sql_work {
	SQL_WORK_BEFORE = SQL_COMMON_N - 1,
	SQL_WORK(X) SQL_COPY(X) SQL_LEDGER(X) SQL_GAP(X) SQL_HAND(X) SQL_JOIN(X) SQL_TIMER(X)
		SQL_KV(X) SQL_SPEND(X) SQL_RENAME(X) SQL_WORK_N
};
#undef X

/* What the two files of a store are; STATIC. */
extern const struct db_form db_inbox_form, db_work_form;

#endif
