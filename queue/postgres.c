/* SPDX-License-Identifier: MIT */
/*
 * The PostgreSQL backend: a schema in a database, shared by any number of receivers and runners.
 *
 * From: queue.c. To: postgres_*.c for what is its own (the inbox, claims, leases, migrations),
 * sql_*.c for the rest. One connection for each handle. Runners write in turn: a transaction that
 * writes to the work begins by locking the row of progress, reads what others have changed since,
 * and is as alone then as SQLite's only writer. Receivers insert side by side and wait for nobody.
 */
#include "queue/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "moonhook"
#define SCHEMA_N 60

static void store_close(struct queue *q)
{
	struct postgres_store *store = postgres_store_of(q);
	if (store->runner != 0)
		postgres_leave(store);
	postgres_db_done(&store->inbox);
	postgres_db_done(&store->work);
	postgres_db_done(&store->own);
	postgres_link_close(&store->link);
	store_done(&store->store);
	free(store->places);
	free(store->schema);
	free(store);
}

/* The server looks after its log itself. */
static enum rc checkpoint(struct queue *q, struct err *err)
{
	(void)q, (void)err;
	return RC_OK;
}

static enum rc wipe(struct queue *q, bool *ret_done, struct err *err)
{
	enum rc rc = work_commit(q, err);
	*ret_done = rc == RC_OK;
	return rc;
}

static enum rc scrub(struct queue *q, bool *ret_more, struct err *err)
{
	return inbox_scrub_some(store_of(q), ret_more, err);
}

static enum rc backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err)
{
	(void)folder, (void)ret_backup;
	return err_set(err, RC_UNSUPPORTED,
		"the store is in PostgreSQL: take its backup with pg_dump --schema=%s",
		postgres_store_of(q)->schema);
}

static const struct queue_backend postgres_backend = {
	STORE_BACKEND,
	.name = "postgres",
	.close = store_close,
	.checkpoint = checkpoint,
	.inbox_put = postgres_inbox_put,
	.inbox_next = postgres_inbox_next,
	.claim = work_claim,
	.adopt = postgres_adopt,
	.erase_wipe = wipe,
	.scrub = scrub,
	.backup = backup,
	.beat = postgres_beat,
	.resign = postgres_resign,
	.wake_fd = postgres_wake_fd,
	.woken = postgres_woken,
	.peer_each = postgres_peer_each,
};

/* --- the address ------------------------------------------------------------------------------ */

static bool is_name(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool fits = (text[i] >= 'a' && text[i] <= 'z') || text[i] == '_' ||
			    (i > 0 && text[i] >= '0' && text[i] <= '9');
		if (!fits)
			return false;
	}
	return n > 0 && n <= SCHEMA_N;
}

/* Takes schema=.. out of the parameters of an address; the rest is libpq's. */
static enum rc take_schema(char *uri, char **ret_schema, struct err *err)
{
	static const char key[] = "schema=";
	char *query = strchr(uri, '?');
	*ret_schema = strdup(SCHEMA);
	for (char *p = query; p != NULL && *p != '\0';) {
		char *at = p + 1, *end = at + strcspn(at, "&");
		if (strncmp(at, key, sizeof(key) - 1) != 0) {
			p = end;
			continue;
		}
		char *name = at + sizeof(key) - 1;
		if (!is_name(name, (size_t)(end - name)))
			return err_set(err, RC_INVALID,
				"store: schema=%.*s is no name; use small letters, digits and _",
				(int)(end - name), name);
		free(*ret_schema);
		*ret_schema = strndup(name, (size_t)(end - name));
		memmove(*end == '&' ? at : p, *end == '&' ? end + 1 : end,
			strlen(*end == '&' ? end + 1 : end) + 1);
	}
	return *ret_schema != NULL ? RC_OK : err_set(err, RC_NOMEM, "out of memory");
}

/* "host/database", for people. */
static void name_of(const char *uri, char *out, size_t out_n)
{
	const char *host = strstr(uri, "://");
	host = host != NULL ? host + 3 : uri;
	const char *at = strchr(host, '@');
	size_t n = strcspn(host, "/?");
	if (at != NULL && at < host + n)
		host = at + 1;
	snprintf(out, out_n, "PostgreSQL at %.*s", (int)strcspn(host, "?"), host);
}

/* What libpq does not do by itself: to give up on a server that does not answer. */
static enum rc complete(const char *uri, struct buf *out)
{
	static const char *const extra[] = {"connect_timeout=5", "tcp_user_timeout=5000",
		"keepalives_idle=5", "keepalives_interval=2", "keepalives_count=3",
		"application_name=moonhook"};
	enum rc rc = buf_put_text(out, uri);
	for (size_t i = 0; rc == RC_OK && i < ARRAY_N(extra); i++) {
		size_t n = strcspn(extra[i], "=") + 1;
		char key[40];
		snprintf(key, sizeof(key), "%.*s", (int)n, extra[i]);
		if (strstr(uri, key) == NULL)
			rc = buf_printf(out, "%c%s", i == 0 && strchr(uri, '?') == NULL ? '?' : '&',
				extra[i]);
	}
	return rc == RC_OK ? buf_put(out, "", 1) : rc;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum rc connect(struct postgres_store *store, const char *text, struct err *err)
{
	char name[120];
	char *uri = strdup(text);
	struct buf full;
	buf_init(&full, 1 << 16);
	enum rc rc = uri != NULL ? take_schema(uri, &store->schema, err)
				 : err_set(err, RC_NOMEM, "out of memory");
	if (rc == RC_OK && complete(uri, &full) != RC_OK)
		rc = err_set(err, RC_NOMEM, "out of memory");
	name_of(text, name, sizeof(name));
	if (rc == RC_OK)
		rc = postgres_link_open(
			&store->link, &store->store.base, full.p, name, store->schema, err);
	buf_done(&full);
	free(uri);
	return rc;
}

static enum rc open_parts(struct postgres_store *store, struct err *err)
{
	struct store *s = &store->store;
	enum rc rc = postgres_db_init(&store->inbox, &store->link, &db_inbox_form, err);
	if (rc == RC_OK)
		rc = postgres_db_init(&store->work, &store->link, &db_work_form, err);
	if (rc == RC_OK)
		rc = postgres_db_init(&store->own, &store->link, &postgres_own_form, err);
	s->inbox = &store->inbox.base;
	s->work = &store->work.base;
	s->routed = postgres_inbox_routed;
	s->has_inbox = s->has_work = rc == RC_OK;
	if (rc == RC_OK)
		rc = postgres_migrate(store, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = postgres_enter(store, err);
	if (rc == RC_OK && s->base.side == QUEUE_RUNNER)
		rc = work_open(s, err);
	return rc;
}

enum rc postgres_open(
	const char *uri, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	struct postgres_store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	store_init(&store->store, &postgres_backend, side);
	enum rc rc = connect(store, uri, err);
	if (rc == RC_OK)
		rc = open_parts(store, err);
	if (rc != RC_OK) {
		store_close(&store->store.base);
		return rc;
	}
	*ret_queue = &store->store.base;
	return RC_OK;
}
