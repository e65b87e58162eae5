/* SPDX-License-Identifier: MIT */
/* Statements of the work: timers and the clock of rules. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_TIMER_H
#define MOONHOOK_QUEUE_SQL_TEXT_TIMER_H

/* clang-format off */
#define TIMER_COLUMNS "seq, rule, key, due_ms, relative, payload, object, record, rule_from, run, depth"
#define SQL_TIMER(X) \
	X(TIMER_PUT, "INSERT INTO timer (rule, key, due_ms, relative, payload, object, record, run," \
		" rule_from, depth) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, rule, ?9 FROM run WHERE seq = ?8") \
	X(TIMER_SUM, "SELECT n FROM timer_sum WHERE rule = ?1") \
	X(TIMER_HAS, "SELECT 1 FROM timer WHERE rule = ?1 AND key = ?2") \
	X(TIMER_DROP, "DELETE FROM timer WHERE rule = ?1 AND key = ?2") \
	X(TIMER_TAKE, "DELETE FROM timer WHERE seq = ?1") \
	X(TIMER_DUE, "SELECT " TIMER_COLUMNS " FROM timer WHERE due_ms <= ?1" \
		" ORDER BY due_ms, seq LIMIT ?2") \
	X(TIMER_LIST, "SELECT " TIMER_COLUMNS " FROM timer WHERE ?1 IS NULL OR rule = ?1" \
		" ORDER BY due_ms, seq LIMIT ?2") \
	X(TIMER_NEXT, "SELECT min(due_ms) FROM timer") \
	X(TIMER_NEXT_OF, "SELECT min(due_ms) FROM timer WHERE rule = ?1") \
	X(TIMER_SHIFT, "UPDATE timer SET due_ms = CASE WHEN due_ms + ?1 > 1 THEN due_ms + ?1 ELSE 1 END WHERE relative = 1") \
	X(TIMER_MOVE, "INSERT INTO timer (rule, key, due_ms, relative, payload, object, record," \
		" run, rule_from, depth) SELECT ?2, key, due_ms, relative, payload, object, record, run," \
		" rule_from, depth FROM timer WHERE rule = ?1 ON CONFLICT DO NOTHING") \
	X(TIMER_LEAVE, "DELETE FROM timer WHERE rule = ?1") \
	X(TICK_PUT, "INSERT INTO tick (rule, schedule, last_ms, relative, event)" \
		" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (rule) DO UPDATE SET" \
		" schedule = excluded.schedule, last_ms = excluded.last_ms," \
		" relative = excluded.relative, event = excluded.event") \
	X(TICK_LIST, "SELECT rule, schedule, last_ms, relative, event FROM tick ORDER BY rule") \
	X(TICK_SHIFT, "UPDATE tick SET last_ms = CASE WHEN last_ms + ?1 > 1 THEN last_ms + ?1 ELSE 1 END WHERE relative = 1") \
	X(TICK_MOVE, "INSERT INTO tick (rule, schedule, last_ms, relative, event)" \
		" SELECT ?2, schedule, last_ms, relative, event FROM tick WHERE rule = ?1 ON CONFLICT DO NOTHING") \
	X(TICK_LEAVE, "DELETE FROM tick WHERE rule = ?1") \
	X(EVENT_OPEN_BY_ID, "SELECT 1 FROM event WHERE id = ?1 AND open > 0") \
	X(ERASE_TIMERS, "SELECT seq, '', record, key, payload FROM timer WHERE seq > ?1" \
		" ORDER BY seq LIMIT ?2") \
	X(ERASE_TIMER, "DELETE FROM timer WHERE seq = ?1")
/* clang-format on */

#endif
