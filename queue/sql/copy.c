/* SPDX-License-Identifier: MIT */
/*
 * The newest copy of each record, in the table copy.
 * From: queue_copy_*; sql/work.c at open and before a commit. To: work.db, in the open
 * transaction. How many bytes the copies take is counted in memory and written once per
 * transaction, because sql/prune.c leaves them out of the size that retention looks at. A copy
 * that cannot be unpacked is RC_PARSE. Does not look into records.
 */
#include <stdio.h>
#include <string.h>

#include "queue/sql/sql.h"
#include "queue/uuid.h"

/* What a row takes in the file, about: its other columns, and pages that are four fifths full. */
static int64_t row_bytes(int64_t packed_n)
{
	return (packed_n + 48) * 6 / 5;
}

/* --- ids -------------------------------------------------------------------------------------- */

struct key { /* a record's id as it is stored; lives until the statement is reset */
	uint8_t uuid[UUID_BYTES_N];
};

static void bind_record(
	struct db *db, struct db_stmt *s, int i, const char *record, struct key *key)
{
	if (db->driver->any && uuid_parse(record, key->uuid))
		db_bind_blob(db, s, i, (struct slice){(const char *)key->uuid, UUID_BYTES_N});
	else
		db_bind_text(db, s, i, record);
}

/* --- one record ------------------------------------------------------------------------------- */

static enum rc need_pack(struct store *store, struct err *err)
{
	return store->copies.pack != NULL ? RC_OK : pack_new(&store->copies.pack, err);
}

enum rc work_pack(struct store *store, struct slice text, struct err *err)
{
	enum rc rc = need_pack(store, err);
	return rc == RC_OK ? pack_put(store->copies.pack, text, &store->copies.packed, err) : rc;
}

enum rc work_unpack(struct store *store, struct slice packed, struct err *err)
{
	enum rc rc = need_pack(store, err);
	return rc == RC_OK ? pack_open(store->copies.pack, packed, &store->copies.text, err) : rc;
}

/* What the row takes now; 0: there is none. */
static enum rc bytes_of(
	struct db *db, const char *object, const char *record, int64_t *ret_bytes, struct err *err)
{
	struct key key;
	bool row;
	struct db_stmt *s = db_use(db, COPY_BYTES);
	db_bind_text(db, s, 1, object);
	bind_record(db, s, 2, record, &key);
	enum rc rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_bytes = row ? row_bytes(db_int(s, 0)) : 0;
	db_reset(s);
	return RC_OK;
}

static enum rc put(struct store *store, const struct queue_copy *copy, struct err *err)
{
	struct db *db = store->work;
	struct copies *c = &store->copies;
	struct key key;
	int64_t before = 0;
	enum rc rc = bytes_of(db, copy->object, copy->record, &before, err);
	if (rc != RC_OK)
		return rc;
	struct db_stmt *s = db_use(db, COPY_PUT);
	db_bind_text(db, s, 1, copy->object);
	bind_record(db, s, 2, copy->record, &key);
	db_bind_int(db, s, 3, copy->updated_ms);
	db_bind_int(db, s, 4, copy->seen_ms);
	db_bind_int(db, s, 5, copy->state);
	db_bind_blob(db, s, 6, buf_slice(&c->packed));
	c->bytes += row_bytes((int64_t)c->packed.n) - before;
	c->changed = true;
	return db_run(db, s, err);
}

enum rc work_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_pack(store, copy->text, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	return rc == RC_OK ? work_failed(store, put(store, copy, err), err) : rc;
}

static enum rc unpack(struct store *store, const char *object, const char *record,
	struct db_stmt *s, struct queue_copy *ret_copy, struct err *err)
{
	struct copies *c = &store->copies;
	int state = (int)db_int(s, 2);
	struct err why = {0};
	enum rc rc = work_unpack(store, db_blob(s, 3), &why);
	if (rc == RC_OK && (state < QUEUE_COPY_LIVE || state > QUEUE_COPY_GONE))
		rc = err_set(&why, RC_PARSE, "state %d is not known", state);
	if (rc != RC_OK)
		return err_set(err, rc, "the copy of %.60s %.64s is damaged: %.80s", object, record,
			why.msg);
	*ret_copy = (struct queue_copy){
		.object = object,
		.record = record,
		.updated_ms = db_int(s, 0),
		.seen_ms = db_int(s, 1),
		.state = (enum queue_copy_state)state,
		.text = buf_slice(&c->text),
	};
	return RC_OK;
}

enum rc work_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	struct key key;
	bool row;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK)
		return rc;
	if (!store->has_work)
		return RC_NOT_FOUND;
	struct db_stmt *s = db_use(db, COPY_FIND);
	db_bind_text(db, s, 1, object);
	bind_record(db, s, 2, record, &key);
	rc = db_row(db, s, &row, err);
	if (rc != RC_OK)
		return rc;
	rc = row ? unpack(store, object, record, s, ret_copy, err) : RC_NOT_FOUND;
	db_reset(s);
	return rc;
}

/* --- many ------------------------------------------------------------------------------------- */

static enum rc give(struct db_stmt *s, queue_copy_fn fn, void *ctx, struct err *err)
{
	char uuid[UUID_TEXT_N + 1];
	struct slice bytes = db_blob(s, 1);
	bool is_uuid = db_int(s, 5) != 0 && bytes.n == UUID_BYTES_N;
	if (is_uuid)
		uuid_format((const uint8_t *)bytes.p, uuid);
	struct queue_copy copy = {
		.object = db_text(s, 0),
		.record = is_uuid ? uuid : db_text(s, 1),
		.updated_ms = db_int(s, 2),
		.seen_ms = db_int(s, 3),
		.state = (enum queue_copy_state)(int)db_int(s, 4),
	};
	return fn(ctx, &copy, err);
}

enum rc work_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	struct db *db = store->work;
	struct key key;
	int64_t most = max < INT64_MAX ? (int64_t)max : INT64_MAX;
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(db, object != NULL ? COPY_LIST : COPY_LIST_ALL);
	if (object != NULL) {
		db_bind_text(db, s, 1, object);
		bind_record(db, s, 2, after != NULL ? after : "", &key);
	}
	db_bind_int(db, s, object != NULL ? 3 : 1, most);
	for (;;) {
		bool row;
		rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		rc = give(s, fn, ctx, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* The object behind this one in order; false: none. */
static enum rc next_object(
	struct db *db, char object[static COPY_OBJECT_N], bool *ret_any, struct err *err)
{
	struct db_stmt *s = db_use(db, COPY_OBJECT_NEXT);
	db_bind_text(db, s, 1, object);
	enum rc rc = db_row(db, s, ret_any, err);
	if (rc != RC_OK || !*ret_any)
		return rc;
	snprintf(object, COPY_OBJECT_N, "%s", db_text(s, 0));
	db_reset(s);
	return RC_OK;
}

static enum rc erase_of(
	struct store *store, const char *object, const char *record, size_t *n, struct err *err)
{
	struct db *db = store->work;
	struct key key;
	int64_t bytes = 0;
	enum rc rc = bytes_of(db, object, record, &bytes, err);
	if (rc != RC_OK || bytes == 0)
		return rc;
	struct db_stmt *s = db_use(db, COPY_DELETE);
	db_bind_text(db, s, 1, object);
	bind_record(db, s, 2, record, &key);
	store->copies.bytes -= bytes;
	store->copies.changed = true;
	(*n)++;
	return db_run(db, s, err);
}

/* There are few objects, and the key begins with them. */
enum rc work_copy_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	char object[COPY_OBJECT_N] = "";
	bool any = true;
	size_t n = 0;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	rc = erase_of(store, object, record, &n, err);
	while (rc == RC_OK && any) {
		rc = next_object(store->work, object, &any, err);
		if (rc == RC_OK && any)
			rc = erase_of(store, object, record, &n, err);
	}
	if (rc != RC_OK)
		return work_failed(store, rc, err);
	*ret_n = n;
	return RC_OK;
}

enum rc work_copy_count(struct store *store, const char *record, int64_t *ret_n, struct err *err)
{
	char object[COPY_OBJECT_N] = "";
	bool any = true;
	int64_t n = 0, bytes = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && any) {
		rc = next_object(store->work, object, &any, err);
		if (rc == RC_OK && any)
			rc = bytes_of(store->work, object, record, &bytes, err);
		n += rc == RC_OK && any && bytes > 0;
	}
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

/* --- their size ------------------------------------------------------------------------------- */

enum rc work_copies_open(struct store *store, struct err *err)
{
	return db_meta_get(store->work, "copy_bytes", &store->copies.bytes, err);
}

enum rc work_copies_count(struct store *store, struct err *err)
{
	if (!store->copies.changed)
		return RC_OK;
	store->copies.changed = false;
	return db_meta_put(store->work, "copy_bytes", store->copies.bytes, err);
}

void work_copies_done(struct store *store)
{
	pack_free(store->copies.pack);
	buf_done(&store->copies.packed);
	buf_done(&store->copies.text);
}
