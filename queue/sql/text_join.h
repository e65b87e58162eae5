/* SPDX-License-Identifier: MIT */
/* Statements of the work: events that are one run. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_JOIN_H
#define MOONHOOK_QUEUE_SQL_TEXT_JOIN_H

/* clang-format off */
#define SQL_JOIN(X) \
	X(JOIN_FIND, "SELECT s.run, r.due_ms, r.hold2, r.source, s.limit_ms, s.n, s.size, s.cause, r.event," \
		" r.kind," SHADOW_OF("r") \
		" FROM session AS s CROSS JOIN run AS r ON r.seq = s.run" \
		" WHERE s.open = 1 AND s.rule = ?1 AND s.key = ?2") \
	X(JOIN_OPEN, "INSERT INTO session (run, rule, key, open, limit_ms, n, size, cause, words)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, 0, ?7)") \
	X(JOIN_CLOSE, "UPDATE session SET open = 0, key = '' WHERE run = ?1") \
	X(JOIN_GROW, "UPDATE session SET open = ?2, key = CASE ?2 WHEN 1 THEN key ELSE '' END, n = n + 1, size = size + ?3, cause = ?4, words = ?5" \
		" WHERE run = ?1") \
	X(JOIN_RUN, "UPDATE run SET due_ms = ?2, hold2 = ?3, source = ?4, born = NULL WHERE seq = ?1") \
	X(JOIN_PUT, "INSERT INTO joined (run, event, hidden) VALUES (?1, ?2, ?3)") \
	X(JOIN_HIDE, "UPDATE joined SET hidden = ?3 WHERE run = ?1 AND event = ?2") \
	X(JOIN_DEPTH, "SELECT depth FROM event_cause WHERE seq = ?1") \
	X(JOIN_CAUSE, "UPDATE session SET cause = ?2 WHERE run = ?1") \
	X(JOIN_EVENTS, "SELECT event FROM joined WHERE run = ?1 ORDER BY event") \
	X(JOIN_STATES, "SELECT r.state FROM joined AS j CROSS JOIN run AS r ON r.seq = j.run" \
		" WHERE j.event = ?1") \
	X(JOIN_RUNS, "SELECT run FROM joined WHERE event = ?1 AND run > ?2 ORDER BY run") \
	X(JOIN_LEFT, "SELECT 1 FROM joined WHERE event = ?1 LIMIT 1") \
	X(JOIN_DELETE, "DELETE FROM joined WHERE run = ?1") \
	X(JOIN_SESSION_DELETE, "DELETE FROM session WHERE run = ?1") \
	X(JOIN_WORDS, "SELECT words FROM session WHERE run = ?1") \
	X(JOIN_SHIFT, "UPDATE session SET limit_ms = CASE WHEN limit_ms + ?1 > 1 THEN limit_ms + ?1 ELSE 1 END WHERE open = 1") \
	X(LIMIT_PARKED, "SELECT seq, hold, hold2 FROM run INDEXED BY run_parked" \
		" WHERE due_ms < 0 AND rule = ?1 AND due_ms = -2 ORDER BY seq LIMIT ?2") \
	X(LIMIT_RULES, "SELECT DISTINCT rule FROM run INDEXED BY run_parked WHERE due_ms < 0 AND due_ms = -2") \
	X(LIMIT_COUNT, "SELECT rule, count(*), 0 FROM run INDEXED BY run_open" \
		" WHERE state = 2 AND state < 3 GROUP BY rule" \
		" UNION ALL SELECT DISTINCT rule, 0, 1 FROM run INDEXED BY run_parked" \
		" WHERE due_ms < 0 AND due_ms = -2") \
	X(JOIN_LIST, "SELECT e.seq, e.id, e.source, e.via, e.name, h.fields, e.received_ms, e.past," JOIN_CAUSED_BY \
		" FROM run AS r CROSS JOIN event AS e ON e.seq = r.event" \
		" LEFT JOIN run_hidden AS h ON h.run = r.seq WHERE r.seq = ?1" \
		" UNION ALL SELECT e.seq, e.id, e.source, e.via, e.name, j.hidden, e.received_ms, e.past," JOIN_CAUSED_BY \
		" FROM joined AS j CROSS JOIN event AS e ON e.seq = j.event WHERE j.run = ?1" \
		" ORDER BY 1")
#define JOIN_CAUSED_BY " (SELECT c.run FROM event_cause AS c WHERE c.seq = e.seq)"
/* The event whose cause counts as that of a run. */
#define JOIN_CAUSE_OF(run, event) "coalesce((SELECT nullif(s.cause, 0) FROM session AS s" \
	" WHERE s.run = " run "), " event ")"
/* How many events a run stands for. */
#define JOIN_N_OF(run) " CASE " run ".kind WHEN 0 THEN 1 ELSE" \
	" coalesce((SELECT s.n FROM session AS s WHERE s.run = " run ".seq), 1) END"
/* Is event ?n among those that a run was joined by? column: of event, test: " = ?8" */
#define JOIN_ANY(run, test) " (" run ".kind > 0 AND EXISTS (SELECT 1 FROM joined AS j" \
	" CROSS JOIN event AS x ON x.seq = j.event WHERE j.run = " run ".seq AND " test "))"
/* clang-format on */

#endif
