/* SPDX-License-Identifier: MIT */
/* Statements of the work: how much a rule has written, runs in shadow mode, what is to be
 * erased. Part of sql/text.h. */
#ifndef MOONHOOK_QUEUE_SQL_TEXT_SPEND_H
#define MOONHOOK_QUEUE_SQL_TEXT_SPEND_H

/* clang-format off */
#define SQL_SPEND(X) \
	X(SPEND_ADD, "INSERT INTO spend (rule, slot_ms, n) VALUES (?1, ?2, ?3)" \
		" ON CONFLICT (rule, slot_ms) DO UPDATE SET n = spend.n + excluded.n") \
	X(SPEND_LIST, "SELECT slot_ms, n FROM spend WHERE rule = ?1 AND slot_ms >= ?2 ORDER BY slot_ms") \
	X(SPEND_CLEAR, "DELETE FROM spend WHERE (rule = ?1 OR ?1 = '*') AND slot_ms < ?2") \
	X(ERASURE_PUT, "INSERT INTO erasure (record) VALUES (?1) ON CONFLICT DO NOTHING") \
	X(ERASURE_FIRST, "SELECT record FROM erasure ORDER BY record LIMIT 1") \
	X(ERASURE_DROP, "DELETE FROM erasure WHERE record = ?1") \
	X(SHADOW_PUT, "INSERT INTO shadow (run) VALUES (?1)") \
	X(SHADOW_FIND, "SELECT 1 FROM shadow WHERE run = ?1") \
	X(SHADOW_DROP, "DELETE FROM shadow WHERE run = ?1")
/* A column of a run: is it in shadow mode? */
#define SHADOW_OF(run) " EXISTS (SELECT 1 FROM shadow WHERE shadow.run = " run ".seq)"
/* clang-format on */

#endif
