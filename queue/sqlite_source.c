/* SPDX-License-Identifier: MIT */
/*
 * Rule sources by hash, and the list of what is live now.
 * From: queue_source_put, queue_source_get, queue_rules_put, queue_rule_each; sqlite_route.c, which
 * names the source of a run by a small number. Does not read rule files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/sqlite.h"

static enum rc remember(struct store *store, const char *hash, int64_t n, struct err *err)
{
	struct source_name *p =
		realloc(store->sources, (store->sources_n + 1) * sizeof(*store->sources));
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for rule sources");
	store->sources = p;
	snprintf(p[store->sources_n].hash, sizeof(p->hash), "%s", hash);
	p[store->sources_n++].n = n;
	return RC_OK;
}

static enum rc find_n(struct store *store, const char *hash, int64_t *ret_n, struct err *err)
{
	sqlite3_stmt *s = db_use(&store->work, WORK_SOURCE_N);
	db_bind_text(&store->work, s, 1, hash);
	bool row;
	enum rc rc = db_row(&store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return RC_OK;
}

enum rc work_source_n(struct store *store, const char *hash, int64_t *ret_n, struct err *err)
{
	if (strlen(hash) >= DIGEST_HEX_N)
		return err_set(err, RC_INVALID, "the hash of a rule source has 64 digits");
	for (size_t i = store->sources_n; i > 0; i--) {
		if (strcmp(store->sources[i - 1].hash, hash) == 0) {
			*ret_n = store->sources[i - 1].n;
			return RC_OK;
		}
	}
	enum rc rc = find_n(store, hash, ret_n, err);
	if (rc == RC_OK && *ret_n == 0) {
		sqlite3_stmt *s = db_use(&store->work, WORK_SOURCE_NAME);
		db_bind_text(&store->work, s, 1, hash);
		rc = db_run(&store->work, s, err);
		*ret_n = sqlite3_last_insert_rowid(store->work.handle);
	}
	return rc == RC_OK ? remember(store, hash, *ret_n, err) : rc;
}

enum rc work_source_put(
	struct queue *q, const char *hash, const char *file, struct slice text, struct err *err)
{
	struct store *store = store_of(q);
	if (strlen(hash) >= DIGEST_HEX_N)
		return err_set(err, RC_INVALID, "the hash of a rule source has 64 digits");
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, WORK_SOURCE_PUT);
	db_bind_text(&store->work, s, 1, hash);
	db_bind_text(&store->work, s, 2, file);
	db_bind_blob(&store->work, s, 3, text);
	return work_failed(store, db_run(&store->work, s, err), err);
}

enum rc work_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_stmt *s = store->has_work ? db_use(&store->work, WORK_SOURCE_GET) : NULL;
	if (s != NULL) {
		db_bind_text(&store->work, s, 1, hash);
		rc = db_row(&store->work, s, &row, err);
	}
	if (rc == RC_OK && !row)
		return err_set(err, RC_NOT_FOUND, "no rule source %.64s is stored", hash);
	if (rc != RC_OK)
		return rc;
	struct slice text = db_blob(s, 1);
	rc = buf_put(out, text.p, text.n);
	if (rc == RC_OK)
		snprintf(ret_file, 256, "%s", db_text(s, 0));
	else
		err_set(err, rc, "rule source %.64s is %s", hash, rc_text(rc));
	sqlite3_reset(s);
	return rc;
}

static enum rc put_rule(struct store *store, const struct queue_rule *rule, struct err *err)
{
	struct db *db = &store->work;
	sqlite3_stmt *s = db_use(db, WORK_RULE_PUT);
	db_bind_text(db, s, 1, rule->name != NULL ? rule->name : "");
	db_bind_text(db, s, 2, rule->file != NULL ? rule->file : "");
	db_bind_int(db, s, 3, rule->line);
	db_bind_text(db, s, 4, rule->on != NULL ? rule->on : "");
	db_bind_text(db, s, 5, rule->state != NULL ? rule->state : "");
	db_bind_text(db, s, 6, rule->error != NULL ? rule->error : "");
	db_bind_int(db, s, 7, rule->loaded_ms);
	return db_run(db, s, err);
}

enum rc work_rules_put(struct queue *q, const struct queue_rule *rules, size_t n, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = db_run(&store->work, db_use(&store->work, WORK_RULES_CLEAR), err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = put_rule(store, &rules[i], err);
	return work_failed(store, rc, err);
}

enum rc work_rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	sqlite3_stmt *s = db_use(&store->work, WORK_RULES);
	for (;;) {
		bool row;
		rc = db_row(&store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_rule rule = {
			.name = db_text(s, 0),
			.file = db_text(s, 1),
			.line = sqlite3_column_int(s, 2),
			.on = db_text(s, 3),
			.state = db_text(s, 4),
			.error = db_text(s, 5),
			.loaded_ms = sqlite3_column_int64(s, 6),
		};
		rc = fn(ctx, &rule, err);
		if (rc != RC_OK) {
			sqlite3_reset(s);
			return rc;
		}
	}
}
