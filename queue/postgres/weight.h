/* SPDX-License-Identifier: MIT */
/* What the rows of each table take, as a query; see postgres/weight.c. */
#ifndef MOONHOOK_QUEUE_POSTGRES_WEIGHT_H
#define MOONHOOK_QUEUE_POSTGRES_WEIGHT_H

/*
 * Files do not shrink when rows go, their room is used again. Of a table as large as its files, so
 * much as its living rows would fill, as far as the server has statistics of them: rows by their
 * average width (with a header), what is kept aside by pieces of 2 kB; indexes in proportion. A
 * table that was never analyzed: the share of living rows among all; without any statistics it
 * counts as full.
 * Columns: name, what (0 deliveries, 1 runs, 2 events, with what goes with them; 3 the rest), bytes
 * of files with and files without indexes, deleted rows, weight.
 */
/* clang-format off */
#define POSTGRES_WEIGHTS \
	"SELECT t.*, t.bytes * least(1.0, coalesce((t.rows * (w.width + 36) + t.pieces * 2032.0)" \
	" / nullif(t.files, 0), t.rows / nullif(t.rows + t.dead, 0), 1)) AS weight" \
	" FROM (SELECT c.relname AS name, CASE WHEN c.relname IN ('delivery', 'routed', 'pending') THEN 0" \
	" WHEN c.relname IN ('run', 'journal', 'flight', 'run_hidden', 'shadow', 'hold') THEN 1" \
	" WHEN c.relname IN ('event', 'event_body', 'event_cause', 'seen') THEN 2 ELSE 3 END AS what," \
	" pg_total_relation_size(c.oid)::numeric AS bytes, pg_table_size(c.oid)::numeric AS files," \
	" pg_stat_get_tuples_deleted(c.oid) AS deleted," \
	" greatest(pg_stat_get_live_tuples(c.oid), 0)::numeric AS rows," \
	" greatest(pg_stat_get_dead_tuples(c.oid), 0)::numeric AS dead," \
	" coalesce(pg_stat_get_live_tuples(nullif(c.reltoastrelid, 0)), 0) AS pieces" \
	" FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace" \
	" AND c.relkind = 'r') AS t LEFT JOIN LATERAL (SELECT sum(s.avg_width) AS width" \
	" FROM pg_stats AS s WHERE s.schemaname = current_schema() AND s.tablename = t.name)" \
	" AS w ON true"
/* clang-format on */

#endif
