/* SPDX-License-Identifier: MIT */
/* Statements of the work: what was last seen of each record. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_COPY_H
#define MOONHOOK_QUEUE_SQL_TEXT_COPY_H

/* clang-format off */
#define SQL_COPY(X) \
	X(COPY_PUT, "INSERT INTO copy (object, record, updated_ms, seen_ms, state, text)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (object, record) DO UPDATE SET" \
		" updated_ms = excluded.updated_ms, seen_ms = excluded.seen_ms," \
		" state = excluded.state, text = excluded.text") \
	X(COPY_BYTES, "SELECT length(text) FROM copy WHERE object = ?1 AND record = ?2") \
	X(COPY_FIND, "SELECT updated_ms, seen_ms, state, text FROM copy" \
		" WHERE object = ?1 AND record = ?2") \
	X(COPY_LIST, "SELECT object, record, updated_ms, seen_ms, state, typeof(record) = 'blob' FROM copy" \
		" WHERE object = ?1 AND record > ?2 ORDER BY record LIMIT ?3") \
	X(COPY_LIST_ALL, "SELECT object, record, updated_ms, seen_ms, state, typeof(record) = 'blob' FROM copy" \
		" ORDER BY object, record LIMIT ?1") \
	X(COPY_OBJECT_NEXT, "SELECT object FROM copy WHERE object > ?1 ORDER BY object LIMIT 1") \
	X(COPY_DELETE, "DELETE FROM copy WHERE object = ?1 AND record = ?2")
/* clang-format on */

#endif
