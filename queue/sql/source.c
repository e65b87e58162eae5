/* SPDX-License-Identifier: MIT */
/*
 * Rule sources by hash, who needs them, and the list of what is live now.
 * From: queue_source_*, queue_rules_put, queue_rule_each; sql/route.c, which names the source of
 * a run by a small number, sql/prune.c, which takes runs away, sql/work.c before a commit.
 * How many runs name a source is counted in memory and written once per transaction. Does not read
 * rule files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/sql/sql.h"

static enum rc remember(struct store *store, const char *hash, int64_t n, struct err *err)
{
	struct source_name *p =
		realloc(store->sources, (store->sources_n + 1) * sizeof(*store->sources));
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for rule sources");
	store->sources = p;
	snprintf(p[store->sources_n].hash, sizeof(p->hash), "%s", hash);
	p[store->sources_n].runs = 1;
	p[store->sources_n++].n = n;
	return RC_OK;
}

static enum rc find_n(struct store *store, const char *hash, int64_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_SOURCE_N);
	db_bind_text(store->work, s, 1, hash);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = row ? db_int(s, 0) : 0;
	db_reset(s);
	return RC_OK;
}

enum rc work_source_n(struct store *store, const char *hash, int64_t *ret_n, struct err *err)
{
	if (strlen(hash) >= DIGEST_HEX_N)
		return err_set(err, RC_INVALID, "the hash of a rule source has 64 digits");
	for (size_t i = store->sources_n; i > 0; i--) {
		if (strcmp(store->sources[i - 1].hash, hash) == 0) {
			store->sources[i - 1].runs++;
			*ret_n = store->sources[i - 1].n;
			return RC_OK;
		}
	}
	enum rc rc = find_n(store, hash, ret_n, err);
	if (rc == RC_OK && *ret_n == 0) {
		struct db_stmt *s = db_use(store->work, WORK_SOURCE_NAME);
		db_bind_text(store->work, s, 1, hash);
		rc = db_number(store->work, s, ret_n, err);
	}
	return rc == RC_OK ? remember(store, hash, *ret_n, err) : rc;
}

/* Between transactions: there is nothing to be counted then. */
void work_sources_forget(struct store *store)
{
	store->sources_n = 0;
}

static enum rc count_runs(struct store *store, int64_t n, int64_t runs, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_SOURCE_COUNT);
	db_bind_int(store->work, s, 1, n);
	db_bind_int(store->work, s, 2, runs);
	return db_run(store->work, s, err);
}

enum rc work_source_leave(struct store *store, int64_t n, struct err *err)
{
	return count_runs(store, n, -1, err);
}

enum rc work_source_leave_n(struct store *store, int64_t n, int64_t runs, struct err *err)
{
	return runs > 0 ? count_runs(store, n, -runs, err) : RC_OK;
}

enum rc work_sources_count(struct store *store, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < store->sources_n; i++) {
		struct source_name *name = &store->sources[i];
		if (name->runs == 0)
			continue;
		rc = count_runs(store, name->n, name->runs, err);
		name->runs = 0;
	}
	return rc;
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
	struct db_stmt *s = db_use(store->work, WORK_SOURCE_PUT);
	db_bind_text(store->work, s, 1, hash);
	db_bind_text(store->work, s, 2, file);
	db_bind_blob(store->work, s, 3, text);
	rc = db_run(store->work, s, err);
	if (rc == RC_OK) {
		s = db_use(store->work, WORK_SOURCE_KNOW);
		db_bind_text(store->work, s, 1, hash);
		rc = db_run(store->work, s, err);
	}
	return work_failed(store, rc, err);
}

enum rc work_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = store->has_work ? db_use(store->work, WORK_SOURCE_GET) : NULL;
	if (s != NULL) {
		db_bind_text(store->work, s, 1, hash);
		rc = db_row(store->work, s, &row, err);
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
	db_reset(s);
	return rc;
}

/* --- which are live --------------------------------------------------------------------------- */

enum rc work_source_live(
	struct queue *q, const char *const *hashes, size_t n, int64_t now_wall_ms, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	if (store->follows) /* the rules of the one that leads are live */
		return RC_OK;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = db_run(db, db_use(db, WORK_SOURCES_DOUBT), err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct db_stmt *s = db_use(db, WORK_SOURCE_LIVE);
		db_bind_text(db, s, 1, hashes[i]);
		db_bind_int(db, s, 2, now_wall_ms);
		rc = db_run(db, s, err);
	}
	if (rc == RC_OK) {
		struct db_stmt *s = db_use(db, WORK_SOURCES_CEASE);
		db_bind_int(db, s, 1, now_wall_ms);
		rc = db_run(db, s, err);
	}
	return work_failed(store, rc, err);
}

enum rc work_source_find(struct queue *q, const char *file, struct buf *out,
	char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err)
{
	struct store *store = store_of(q);
	bool row = false;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = store->has_work ? db_use(store->work, WORK_SOURCE_FIND) : NULL;
	if (s != NULL) {
		db_bind_text(store->work, s, 1, file);
		rc = db_row(store->work, s, &row, err);
	}
	if (rc == RC_OK && !row)
		return err_set(err, RC_NOT_FOUND, "no version of %s is live", file);
	if (rc != RC_OK)
		return rc;
	struct slice text = db_blob(s, 1);
	rc = buf_put(out, text.p, text.n);
	if (rc == RC_OK) {
		snprintf(ret_hash, DIGEST_HEX_N, "%s", db_text(s, 0));
		*ret_live_ms = db_int(s, 2);
	} else {
		err_set(err, rc, "the live version of %s is %s", file, rc_text(rc));
	}
	db_reset(s);
	return rc;
}

/* --- who needs them --------------------------------------------------------------------------- */

enum { IDLE_N = 256 }; /* the statement's limit */

/* Those that nobody needs, but for runs that the file does not count yet. */
static enum rc load_idle(struct store *store, int64_t before_wall_ms, int64_t ret_n[static IDLE_N],
	size_t *ret_count, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_SOURCES_IDLE);
	db_bind_int(store->work, s, 1, before_wall_ms);
	for (*ret_count = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		ret_n[(*ret_count)++] = db_int(s, 0);
	}
}

static struct source_name *find_name(struct store *store, int64_t n)
{
	for (size_t i = 0; i < store->sources_n; i++)
		if (store->sources[i].n == n)
			return &store->sources[i];
	return NULL;
}

static enum rc forget(struct store *store, int64_t n, struct err *err)
{
	struct db *db = store->work;
	struct source_name *name = find_name(store, n);
	if (name != NULL)
		*name = store->sources[--store->sources_n];
	struct db_stmt *s = db_use(db, WORK_SOURCE_DELETE);
	db_bind_int(db, s, 1, n);
	enum rc rc = db_run(db, s, err);
	if (rc != RC_OK)
		return rc;
	s = db_use(db, WORK_SOURCE_USE_DELETE);
	db_bind_int(db, s, 1, n);
	return db_run(db, s, err);
}

enum rc work_source_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	int64_t idle[IDLE_N];
	size_t count = 0, gone = 0;
	if (store->follows) { /* the one that leads prunes */
		*ret_n = 0;
		return RC_OK;
	}
	enum rc rc = work_alone(store, err);
	if (rc == RC_OK)
		rc = load_idle(store, before_wall_ms, idle, &count, err);
	if (rc == RC_OK && count > 0)
		rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct source_name *name = find_name(store, idle[i]);
		if (name != NULL && name->runs != 0)
			continue;
		rc = forget(store, idle[i], err);
		gone++;
	}
	if (rc == RC_OK && gone > 0)
		rc = work_news(store, err);
	if (rc != RC_OK)
		return work_failed(store, rc, err);
	*ret_n = gone;
	return work_quiet(store, RC_OK);
}

/* --- what people see -------------------------------------------------------------------------- */

static enum rc put_rule(struct store *store, const struct queue_rule *rule, struct err *err)
{
	struct db *db = store->work;
	struct db_stmt *s = db_use(db, WORK_RULE_PUT);
	db_bind_text(db, s, 1, rule->name != NULL ? rule->name : "");
	db_bind_text(db, s, 2, rule->file != NULL ? rule->file : "");
	db_bind_int(db, s, 3, rule->line);
	db_bind_text(db, s, 4, rule->on != NULL ? rule->on : "");
	db_bind_text(db, s, 5, rule->state != NULL ? rule->state : "");
	db_bind_text(db, s, 6, rule->error != NULL ? rule->error : "");
	db_bind_int(db, s, 7, rule->loaded_ms);
	db_bind_text(db, s, 8, rule->options != NULL ? rule->options : "");
	return db_run(db, s, err);
}

enum rc work_rules_put(struct queue *q, const struct queue_rule *rules, size_t n, struct err *err)
{
	struct store *store = store_of(q);
	if (store->follows)
		return RC_OK;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = db_run(store->work, db_use(store->work, WORK_RULES_CLEAR), err);
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
	struct db_stmt *s = db_use(store->work, WORK_RULES);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_rule rule = {
			.name = db_text(s, 0),
			.file = db_text(s, 1),
			.line = (int)db_int(s, 2),
			.on = db_text(s, 3),
			.state = db_text(s, 4),
			.error = db_text(s, 5),
			.loaded_ms = db_int(s, 6),
			.options = db_text(s, 7),
		};
		rc = fn(ctx, &rule, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}
