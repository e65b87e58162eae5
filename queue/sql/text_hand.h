/* SPDX-License-Identifier: MIT */
/* Statements of the work: pausing, issues, and what people do by hand. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_HAND_H
#define MOONHOOK_QUEUE_SQL_TEXT_HAND_H

/* clang-format off */
#define SQL_HAND(X) \
	X(PAUSES, "SELECT rule, why, since_ms, ending FROM pause ORDER BY since_ms, rule") \
	X(PAUSE_PUT, "INSERT INTO pause (rule, why, since_ms, ending) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT (rule) DO UPDATE SET why = excluded.why, since_ms = excluded.since_ms," \
		" ending = excluded.ending") \
	X(PAUSE_DELETE, "DELETE FROM pause WHERE rule = ?1") \
	X(PAUSE_OPEN, "SELECT seq, rule, due_ms, hold, hold2, epoch FROM run INDEXED BY run_open" \
		" WHERE state = ?1 AND state < 3 AND seq > ?2 ORDER BY seq LIMIT ?3") \
	X(PAUSE_PARKED, "SELECT seq, rule, due_ms, hold, hold2, epoch FROM run INDEXED BY run_parked" \
		" WHERE due_ms < 0 AND rule = ?1 ORDER BY seq LIMIT ?2") \
	X(PAUSE_PARKED_ALL, "SELECT seq, rule, due_ms, hold, hold2, epoch FROM run INDEXED BY run_parked_seq" \
		" WHERE due_ms < 0 AND seq > ?1 ORDER BY seq LIMIT ?2") \
	X(PAUSE_RUN, "SELECT rule FROM run WHERE seq = ?1") \
	X(PAUSE_RUN_PUT, "UPDATE run SET state = ?2, due_ms = ?3 WHERE seq = ?1") \
	X(ISSUE_PUT, "INSERT INTO issue (kind, about, text, event, count, first_ms, last_ms, acknowledged)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0) ON CONFLICT (kind, about) DO UPDATE SET" \
		" text = excluded.text, event = excluded.event, count = issue.count + excluded.count," \
		" last_ms = excluded.last_ms, acknowledged = 0") \
	X(ISSUE_FIND, "SELECT 1 FROM issue WHERE kind = ?1 AND about = ?2") \
	X(ISSUE_ACKNOWLEDGE, "UPDATE issue SET acknowledged = 1 WHERE kind = ?1 AND about = ?2") \
	X(ISSUES, "SELECT kind, about, text, event, count, first_ms, last_ms, acknowledged FROM issue" \
		" ORDER BY last_ms DESC, kind, about") \
	X(HAND_TALLY, "SELECT rule, state, count(*), sum(due_ms < 0 AND due_ms <> -2) FROM run WHERE created_ms >= ?1" \
		" GROUP BY rule, state ORDER BY rule") \
	X(HAND_RUN, "SELECT event, source, kind FROM run WHERE seq = ?1") \
	X(HAND_RUN_RENEW, "UPDATE run SET source = ?2, born = NULL WHERE seq = ?1") \
	X(HAND_EVENTS, "SELECT seq, state, run_n + joins FROM event WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 2") \
	X(HAND_EVENT_REASON, "UPDATE event SET reason = reason || '; ' || ?2 WHERE seq = ?1") \
	X(HAND_SCRUB_PUT, "INSERT INTO scrub (delivery) VALUES (?1) ON CONFLICT DO NOTHING") \
	X(HAND_SCRUBS, "SELECT delivery FROM scrub WHERE delivery > ?1 ORDER BY delivery LIMIT ?2") \
	X(HAND_SCRUB_DELETE, "DELETE FROM scrub WHERE delivery = ?1") \
	X(ERASE_EVENTS, "SELECT seq, record, reason, open, run_first, run_n, joins FROM event WHERE seq > ?1" \
		" ORDER BY seq LIMIT ?2") \
	X(ERASE_EVENT, "UPDATE event SET record = '', reason = '', past = NULL WHERE seq = ?1") \
	X(ERASE_REASON, "UPDATE event SET reason = '(erased)' WHERE seq = ?1") \
	X(ERASE_EVENT_BODY, "UPDATE event_body SET headers = x'', body = x'' WHERE seq = ?1") \
	X(ERASE_RUN, "UPDATE run SET key = '', error = NULL, detail = NULL, log = NULL WHERE seq = ?1") \
	X(ERASE_RUNS, "SELECT r.seq, e.record, r.key, r.error, r.detail, r.log FROM run AS r" \
		" LEFT JOIN event AS e ON e.seq = r.event WHERE r.seq > ?1 AND r.state > 2" \
		" ORDER BY r.seq LIMIT ?2") \
	X(ERASE_RUN_TEXTS, "UPDATE run SET key = '', error = '(erased)', detail = NULL, log = NULL" \
		" WHERE seq = ?1") \
	X(ERASE_CALLS, "SELECT j.seq, e.record, j.request, j.answer FROM journal AS j" \
		" CROSS JOIN run AS r ON r.seq = j.run LEFT JOIN event AS e ON e.seq = r.event" \
		" WHERE j.seq > ?1 AND r.state > 2 ORDER BY j.seq LIMIT ?2") \
	X(ERASE_CALL, "UPDATE journal SET request = x'', answer = CAST('null' AS BLOB) WHERE seq = ?1") \
	X(ERASE_ISSUE, "UPDATE issue SET text = '(erased)', event = '' WHERE kind = ?1 AND about = ?2") \
	X(ERASE_COUNT, "SELECT (SELECT count(*) FROM written WHERE record = ?1)," \
		" (SELECT count(*) FROM told WHERE record = ?1)") \
	X(AUDIT_PUT, "INSERT INTO audit (at_ms, uid, what, n, result) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING seq") \
	X(AUDIT_END, "UPDATE audit SET n = ?2, result = ?3 WHERE seq = ?1") \
	X(AUDITS, "SELECT * FROM (SELECT seq, at_ms, uid, what, n, result FROM audit" \
		" ORDER BY seq DESC LIMIT ?1) AS l ORDER BY seq")
/* clang-format on */

#endif
