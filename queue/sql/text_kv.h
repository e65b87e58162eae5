/* SPDX-License-Identifier: MIT */
/* Statements of the work: what rules keep. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_KV_H
#define MOONHOOK_QUEUE_SQL_TEXT_KV_H

/* clang-format off */
#define SQL_KV(X) \
	X(KV_PUT, "INSERT INTO kv (scope, key, value, until_ms) VALUES (?1, ?2, ?3, ?4)" \
		" ON CONFLICT (scope, key) DO UPDATE SET value = excluded.value," \
		" until_ms = excluded.until_ms") \
	X(KV_FIND, "SELECT value, until_ms FROM kv WHERE scope = ?1 AND key = ?2" \
		" AND (until_ms = 0 OR until_ms > ?3)") \
	X(KV_SIZE, "SELECT length(value) FROM kv WHERE scope = ?1 AND key = ?2") \
	X(KV_SUM, "SELECT n, bytes FROM kv_sum WHERE scope = ?1") \
	X(KV_BYTES, "SELECT coalesce(sum(bytes), 0) FROM kv_sum") \
	X(KV_DROP, "DELETE FROM kv WHERE scope = ?1 AND key = ?2") \
	X(KV_OVER, "DELETE FROM kv WHERE n IN (SELECT n FROM kv WHERE until_ms > 0 AND until_ms <= ?1" \
		" ORDER BY until_ms LIMIT 500)") \
	X(KV_OVER_IN, "DELETE FROM kv WHERE n IN (SELECT n FROM kv WHERE scope = ?2 AND until_ms > 0" \
		" AND until_ms <= ?1 LIMIT 500)") \
	X(KV_MOVE, "INSERT INTO kv (scope, key, value, until_ms)" \
		" SELECT ?2, key, value, until_ms FROM kv WHERE scope = ?1 ON CONFLICT DO NOTHING") \
	X(KV_LEAVE, "DELETE FROM kv WHERE scope = ?1") \
	X(ERASE_KVS, "SELECT n, '', key, value FROM kv WHERE n > ?1 ORDER BY n LIMIT ?2") \
	X(ERASE_KV, "DELETE FROM kv WHERE n = ?1")
/* clang-format on */

#endif
