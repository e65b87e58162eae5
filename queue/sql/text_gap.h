/* SPDX-License-Identifier: MIT */
/* Statements of the work: filling gaps. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_GAP_H
#define MOONHOOK_QUEUE_SQL_TEXT_GAP_H

/* clang-format off */
#define SQL_GAP(X) \
	X(GAP_PUT, "INSERT INTO gap (object, first_ms, from_ms, asked_ms, swept_ms, problem)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (object) DO UPDATE SET" \
		" first_ms = excluded.first_ms, from_ms = excluded.from_ms, asked_ms = excluded.asked_ms," \
		" swept_ms = excluded.swept_ms, problem = excluded.problem") \
	X(GAP_DROP, "DELETE FROM gap WHERE object = ?1") \
	X(GAP_LIST, "SELECT object, first_ms, from_ms, asked_ms, swept_ms, problem FROM gap" \
		" ORDER BY object") \
	X(TOLD_PUT, "INSERT INTO told (record, object, until_ms, told_ms) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT (record, object) DO UPDATE SET told_ms = excluded.told_ms," \
		" until_ms = CASE WHEN told.until_ms > excluded.until_ms THEN told.until_ms ELSE excluded.until_ms END") \
	X(TOLD_FIND, "SELECT until_ms FROM told WHERE record = ?1 AND object = ?2") \
	X(TOLD_PRUNE, "DELETE FROM told WHERE (record, object) IN" \
		" (SELECT record, object FROM told WHERE told_ms < ?1 LIMIT 500)") \
	X(TOLD_ERASE, "DELETE FROM told WHERE record = ?1")
/* clang-format on */

#endif
