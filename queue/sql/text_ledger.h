/* SPDX-License-Identifier: MIT */
/* Statements of the work: our own writes and what they set off. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_LEDGER_H
#define MOONHOOK_QUEUE_SQL_TEXT_LEDGER_H

#include "queue/sql/text_join.h"

/* clang-format off */
#define SQL_LEDGER(X) \
	X(LEDGER_PUT, "INSERT INTO written (record, object, action, at_ms, since_ms, written_ms, fields," \
		" run, rule, depth) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, r.seq, r.rule," \
		" coalesce((SELECT depth FROM event_cause AS c WHERE c.seq = " JOIN_CAUSE_OF("r.seq", "r.event") "), 0)" \
		" FROM run AS r WHERE r.seq = ?8") \
	X(LEDGER_LIST, "SELECT record, object, action, at_ms, since_ms, written_ms, fields, rule, run, depth" \
		" FROM written WHERE record = ?1 AND (at_ms = 0 OR at_ms BETWEEN ?3 AND ?4" \
		" OR (at_ms > ?4 AND since_ms > 0)) ORDER BY seq DESC LIMIT ?2") \
	X(LEDGER_PAST, "SELECT seq, written_ms FROM written ORDER BY seq LIMIT ?1") \
	X(LEDGER_SPAN, "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM written") \
	X(LEDGER_DELETE, "DELETE FROM written WHERE seq <= ?1") \
	X(LEDGER_ERASE, "DELETE FROM written WHERE record = ?1") \
	X(LEDGER_ERASE_N, "SELECT count(*) FROM written WHERE record = ?1") \
	X(LEDGER_CAUSE, "SELECT coalesce(c.run, 0), coalesce(c.depth, 0), c.fields, h.fields FROM run AS r" \
		" LEFT JOIN event_cause AS c ON c.seq = " JOIN_CAUSE_OF("r.seq", "r.event") \
		" LEFT JOIN run_hidden AS h ON h.run = r.seq WHERE r.seq = ?1") \
	X(LEDGER_CAUSE_PUT, "INSERT INTO event_cause (seq, run, depth, fields) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT (seq) DO UPDATE SET run = excluded.run, depth = excluded.depth," \
		" fields = excluded.fields") \
	X(LEDGER_HIDE, "INSERT INTO run_hidden (run, fields) VALUES (?1, ?2)" \
		" ON CONFLICT (run) DO UPDATE SET fields = excluded.fields") \
	X(LEDGER_STEP, "SELECT r.id, r.rule, e.id, e.name, e.object, e.record, e.via, coalesce(c.fields, '')," \
		" coalesce(c.run, 0), coalesce(c.depth, 0)" \
		" FROM run AS r CROSS JOIN event AS e ON e.seq = " JOIN_CAUSE_OF("r.seq", "r.event") \
		" LEFT JOIN event_cause AS c ON c.seq = e.seq WHERE r.seq = ?1") \
	X(LEDGER_CAUSE_DELETE, "DELETE FROM event_cause WHERE seq = ?1") \
	X(LEDGER_SHOW, "DELETE FROM run_hidden WHERE run = ?1")
/* The run that caused an event, and how deep that is. */
#define LEDGER_OF(event) " (SELECT o.id FROM event_cause AS c CROSS JOIN run AS o ON o.seq = c.run" \
	" WHERE c.seq = " event "), coalesce((SELECT depth FROM event_cause AS c WHERE c.seq = " event "), 0)"
/* clang-format on */

#endif
