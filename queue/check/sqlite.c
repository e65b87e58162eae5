/* SPDX-License-Identifier: MIT */
/*
 * Puts questions to a folder of SQLite: work.db, and inbox.db beside it in the same connection.
 * From: check.c. As any reader; the work is looked at first (sqlite/backup.c says why).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/check/text.h"
#include "queue/sql/text.h"
#include "queue/sqlite/sqlite.h"

struct asked {
	struct queue *reader;
	struct sqlite_db work;
	bool has_inbox;
};

static enum rc failed(struct asked *a, int rc, struct err *err)
{
	return err_set(err, (rc & 0xff) == SQLITE_NOMEM ? RC_NOMEM : RC_IO,
		"%s cannot be read through: %s", a->work.base.path, sqlite3_errmsg(a->work.handle));
}

static enum rc ask(void *self, const char *sql, check_row_fn fn, void *ctx, struct err *err)
{
	struct asked *a = self;
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(a->work.handle, sql, -1, &s, NULL);
	enum rc done = RC_OK;
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(s);
		if (rc != SQLITE_ROW)
			break;
		const char *text = (const char *)sqlite3_column_text(s, 1);
		done = fn(ctx, sqlite3_column_int64(s, 0), text != NULL ? text : "", err);
		if (done != RC_OK)
			break;
	}
	if (done == RC_OK && rc != SQLITE_DONE)
		done = failed(a, rc, err);
	sqlite3_finalize(s);
	return done;
}

static enum rc ignore(void *ctx, int64_t n, const char *text, struct err *err)
{
	(void)ctx, (void)n, (void)text, (void)err;
	return RC_OK;
}

/* Where there is no inbox yet, an empty one stands for it. */
static enum rc attach(struct asked *a, const char *folder, struct err *err)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/inbox.db", folder);
	a->has_inbox = access(path, F_OK) == 0;
	char *sql = a->has_inbox ? sqlite3_mprintf("ATTACH %Q AS inbox", path)
				 : sqlite3_mprintf("ATTACH ':memory:' AS inbox");
	if (sql == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	int rc = sqlite3_exec(a->work.handle, "PRAGMA query_only = OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(a->work.handle, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	if (rc == SQLITE_OK && !a->has_inbox)
		rc = sqlite3_exec(a->work.handle,
			"CREATE TABLE inbox.delivery (seq INTEGER PRIMARY KEY);"
			"CREATE TABLE inbox.seen (seq INTEGER PRIMARY KEY)",
			NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			a->work.handle, "PRAGMA query_only = ON; BEGIN", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return failed(a, rc, err);
	enum rc done = ask(a, "SELECT position, '' FROM main.progress", ignore, NULL, err);
	return done == RC_OK ? ask(a, "SELECT 1, '' FROM inbox.delivery LIMIT 1", ignore, NULL, err)
			     : done;
}

static void close_store(void *self)
{
	struct asked *a = self;
	if (a->work.handle != NULL)
		(void)sqlite3_exec(a->work.handle, "ROLLBACK", NULL, NULL, NULL);
	sqlite_db_close(&a->work);
	queue_close(a->reader);
	free(a);
}

static enum rc open_store(const struct queue_place *place, void **ret_self,
	struct queue_mark *ret_mark, bool *ret_relaxed, struct err *err)
{
	struct asked *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	enum rc rc = queue_place_open(place, QUEUE_READER, 0, &a->reader, err);
	if (rc == RC_OK)
		rc = queue_mark_read(a->reader, ret_mark, err);
	if (rc == RC_OK)
		rc = sqlite_db_open(&a->work, a->reader, place->store, &db_work_form, DB_READ, err);
	if (rc == RC_OK)
		rc = attach(a, place->store, err);
	*ret_relaxed = false;
	if (rc == RC_OK)
		*ret_self = a;
	else
		close_store(a);
	return rc;
}

struct page { /* passes on what is not "ok" */
	check_row_fn fn;
	void *ctx;
};

static enum rc take(void *ctx, int64_t n, const char *text, struct err *err)
{
	struct page *p = ctx;
	return strcmp(text, "ok") == 0 ? RC_OK : p->fn(p->ctx, n, text, err);
}

static enum rc pages(void *self, check_row_fn fn, void *ctx, bool *ret_asked, struct err *err)
{
	struct page p = {fn, ctx};
	struct asked *a = self;
	enum rc rc =
		ask(a, "SELECT 1, integrity_check FROM pragma_integrity_check(10)", take, &p, err);
	if (rc == RC_OK && a->has_inbox)
		rc = ask(a, "SELECT 1, integrity_check FROM pragma_integrity_check(10, 'inbox')",
			take, &p, err);
	*ret_asked = rc == RC_OK;
	return rc;
}

const struct check_driver check_sqlite = {
	.open = open_store, .ask = ask, .pages = pages, .close = close_store};
