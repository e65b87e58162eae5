/* SPDX-License-Identifier: MIT */
/* Statements of the work: rules that have got another name. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_RENAME_H
#define MOONHOOK_QUEUE_SQL_TEXT_RENAME_H

/* clang-format off */
#define SQL_RENAME(X) \
	X(RENAME_DONE, "SELECT 1 FROM renamed WHERE was = ?1 AND name = ?2") \
	X(RENAME_NOTE, "INSERT INTO renamed (was, name) VALUES (?1, ?2)") \
	X(RENAME_BACK, "DELETE FROM renamed WHERE was = ?2 AND name = ?1") \
	X(RENAME_RUNS, "UPDATE run SET born = coalesce(born, rule), rule = ?2 WHERE rule = ?1") \
	X(RENAME_SESSIONS, "UPDATE OR IGNORE session SET rule = ?2 WHERE rule = ?1") \
	X(RENAME_CLOSE, "UPDATE session SET rule = ?2, open = 0, key = '' WHERE rule = ?1") \
	X(RENAME_WRITTEN, "UPDATE written SET rule = ?2 WHERE rule = ?1") \
	X(RENAME_SPEND, "INSERT INTO spend (rule, slot_ms, n) SELECT ?2, slot_ms, n FROM spend" \
		" WHERE rule = ?1 ON CONFLICT (rule, slot_ms) DO UPDATE SET n = spend.n + excluded.n") \
	X(RENAME_SPENT, "DELETE FROM spend WHERE rule = ?1 AND rule <> ?2") \
	X(RENAME_ISSUES, "UPDATE OR REPLACE issue SET about = ?2 || substr(about, length(?1) + 1)" \
		" WHERE kind IN ('dead', 'quarantined', 'loop')" \
		" AND (about = ?1 OR substr(about, 1, length(?1) + 2) = ?1 || ': ')")
/* clang-format on */

#endif
