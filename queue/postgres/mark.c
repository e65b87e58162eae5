/* SPDX-License-Identifier: MIT */
/*
 * The mark of a store in PostgreSQL: the row of the table mark, and the fence.
 *
 * From: mark.c, move.c. A process that had opened the store before it was marked is stopped by the
 * fence: triggers, enabled with the mark, that refuse its writes whoever it is; only a connection
 * that copies passes them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/postgres/postgres.h"

enum rc postgres_mark(struct queue *q, struct queue_mark *ret_mark, struct err *err)
{
	PGresult *result = NULL;
	enum rc rc = postgres_ask(&postgres_store_of(q)->link,
		"SELECT kind, id, at_ms, other FROM mark", NULL, NULL, &result, err);
	if (rc != RC_OK)
		return rc;
	*ret_mark = (struct queue_mark){.kind = QUEUE_MARK_NONE};
	if (PQntuples(result) > 0) {
		long kind = strtol(PQgetvalue(result, 0, 0), NULL, 10);
		ret_mark->kind = kind == QUEUE_MARK_FILLING ? QUEUE_MARK_FILLING : QUEUE_MARK_MOVED;
		ret_mark->id = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
		ret_mark->at_ms = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
		snprintf(ret_mark->other, sizeof(ret_mark->other), "%s", PQgetvalue(result, 0, 3));
	}
	PQclear(result);
	return RC_OK;
}

static enum rc fence(struct postgres_link *link, const char *how, struct err *err)
{
	static const char *const tables[] = {"delivery", "run", "progress"};
	char sql[120];
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < ARRAY_N(tables); i++) {
		snprintf(sql, sizeof(sql), "ALTER TABLE %s %s TRIGGER fence", tables[i], how);
		rc = postgres_script(link, sql, err);
	}
	return rc;
}

enum rc postgres_mark_put(
	struct postgres_link *link, const struct queue_mark *mark, struct err *err)
{
	char values[80];
	PGresult *result = NULL;
	enum rc rc = postgres_script(link, "DELETE FROM mark", err);
	if (rc == RC_OK)
		rc = fence(link, mark->kind == QUEUE_MARK_NONE ? "DISABLE" : "ENABLE", err);
	if (rc != RC_OK || mark->kind == QUEUE_MARK_NONE)
		return rc;
	snprintf(values, sizeof(values), "{%d,%" PRId64 ",%" PRId64 "}", (int)mark->kind, mark->id,
		mark->at_ms);
	rc = postgres_ask(link,
		"INSERT INTO mark (one, kind, id, at_ms, other)"
		" SELECT 1, v[1], v[2], v[3], $2 FROM (SELECT $1::bigint[] AS v) AS p",
		values, mark->other, &result, err);
	PQclear(result);
	return rc;
}
