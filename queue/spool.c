/* SPDX-License-Identifier: MIT */
/*
 * The spool of a receiver whose store is away: a first-in, first-out file of deliveries.
 *
 * From: the receiver's writer puts and drops, its carrier reads on a connection of its own. To:
 * spool.db, by the driver that also writes inbox.db: WAL, synchronous=FULL, an fsync that fails
 * ends it. Counts what waits against a bound by bodies, headers and a little for each. Does not
 * know the store, nor why it is away.
 */
#include "queue/spool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "queue/spool_salvage.h"
#include "queue/sql/text.h"
#include "queue/sqlite/sqlite.h"

enum { ROW_BYTES = 200 };      /* what a delivery takes beside its body, its headers and its key */
enum { MEND_EVERY_MS = 1000 }; /* attempts to set a damaged one aside */
enum { LENT_BYTES = 1 << 20 }; /* what one spool_next lends, unless a single one is larger */

/* clang-format off */
#define COUNTED "length(body) + length(headers) + coalesce(length(key), 0) + 200"
#define SPOOL_SQL(X) \
	X(SPOOL_PUT, "INSERT INTO spooled (seq, id, source, received_ms, quarantine, headers, body, key)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(SPOOL_PUT_KEYLESS, "INSERT INTO spooled (seq, id, source, received_ms, quarantine, headers, body)" \
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(SPOOL_TAKE, "INSERT OR IGNORE INTO spooled (seq, id, source, received_ms, quarantine, headers," \
		" body, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(SPOOL_FIND, "SELECT id FROM spooled WHERE key = ?1") \
	X(SPOOL_NEXT, "SELECT seq, id, source, received_ms, quarantine, headers, body, key FROM spooled" \
		" WHERE seq > ?1 ORDER BY seq LIMIT ?2") \
	X(SPOOL_SUM, "SELECT count(*), coalesce(sum(" COUNTED "), 0) FROM spooled WHERE seq <= ?1") \
	X(SPOOL_LAST, "SELECT coalesce(max(seq), 0) FROM spooled") \
	X(SPOOL_DROP, "DELETE FROM spooled WHERE seq <= ?1")
/* clang-format on */

enum {
	SPOOL_BEFORE = SQL_COMMON_N - 1,
#define X(name, text) name,
	SPOOL_SQL(X)
#undef X
		SPOOL_N
};

static const char version_1[] = {
#include "queue/spool_1.sql.inc"
	0};
static const char *const migrations[] = {version_1};

#define X(name, text) [name] = text,
static const char *const texts[] = {SQL_COMMON(X) SPOOL_SQL(X)};
#undef X

static const struct db_form form = {
	.name = "spool.db",
	.application_id = 0x4d487370, /* "MHsp" */
	.migrations = migrations,
	.version = ARRAY_N(migrations),
	.sql = texts,
	.sql_n = SPOOL_N,
};

struct spool {
	struct queue base; /* what breaks when the file cannot be trusted any more */
	char *folder;
	int lock_fd;
	int64_t max_bytes;
	int64_t who;
	bool named;            /* who is that of the file, or was made for it */
	pthread_rwlock_t lock; /* held for writing by whoever exchanges what follows */
	struct sqlite_db writer, reader;
	int64_t mend_ms;      /* mono: not before; 0: at once */
	int64_t gone;         /* up to this place, what is not there is lost */
	bool known;           /* sum is what was stored, not a guess */
	struct spool_sum sum; /* the writer's */
	struct buf key;       /* the writer's */
	struct buf lent;      /* the reader's */
};

/* --- opening ---------------------------------------------------------------------------------- */

/* Of what waits up to a place. */
static enum rc count(
	struct spool *s, int64_t last, int64_t *ret_n, int64_t *ret_bytes, struct err *err)
{
	struct db *db = &s->writer.base;
	struct db_stmt *stmt = db_use(db, SPOOL_SUM);
	bool row = false;
	db_bind_int(db, stmt, 1, last);
	enum rc rc = db_row(db, stmt, &row, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = row ? db_int(stmt, 0) : 0;
	*ret_bytes = row ? db_int(stmt, 1) : 0;
	db_reset(stmt);
	return RC_OK;
}

/* A fresh file takes over the number of a damaged one; without room for it, later. */
static enum rc identify(struct spool *s, struct err *err)
{
	struct db *db = &s->writer.base;
	int64_t who = 0;
	enum rc rc = db_meta_get(db, "who", &who, err);
	if (rc != RC_OK)
		return rc;
	if (who > 0 && !s->named)
		s->who = who;
	s->named = true;
	if (who == s->who)
		return RC_OK;
	rc = db_begin(db, err);
	if (rc == RC_OK)
		rc = db_meta_put(db, "who", s->who, err);
	if (rc == RC_OK)
		rc = db_commit(db, err);
	if (rc != RC_OK)
		db_rollback(db);
	return rc == RC_FULL ? RC_OK : rc;
}

static enum rc open_both(struct spool *s, struct err *err)
{
	int64_t last = 0;
	enum rc rc = sqlite_db_open(&s->writer, &s->base, s->folder, &form, DB_WRITE, err);
	if (rc == RC_OK)
		rc = sqlite_db_open(&s->reader, &s->base, s->folder, &form, DB_READ, err);
	if (rc == RC_OK)
		rc = db_number(&s->writer.base, db_use(&s->writer.base, SPOOL_LAST), &last, err);
	if (rc == RC_OK)
		rc = count(s, last, &s->sum.n, &s->sum.bytes, err);
	if (rc == RC_OK)
		rc = identify(s, err);
	if (rc != RC_OK)
		return rc;
	s->sum.last = last > s->sum.last ? last : s->sum.last;
	s->known = true;
	return RC_OK;
}

static void say_salvaged(const struct spool_salvage *got, int64_t lost, bool exact)
{
	char text[64] = "how many were not is not known";
	if (exact)
		snprintf(text, sizeof(text), "%" PRId64 " were not", lost);
	else if (lost > 0)
		snprintf(text, sizeof(text), "at least %" PRId64 " were not", lost);
	log_error(&(struct log_fields){.cause = "damaged"},
		"the spool was damaged: %" PRId64 " deliveries of it were readable and go on, %s; "
		"the old file is %s: check the disk, have the senders repeat what is missing, then "
		"delete it",
		got->taken, text, got->moved);
}

static void tell(struct spool *s, const struct spool_salvage *got)
{
	int64_t lost = got->lost;
	if (s->known)
		lost = s->sum.n > got->taken ? s->sum.n - got->taken : 0;
	say_salvaged(got, lost, s->known || !got->uncounted);
}

/* The lock is held for writing, or nobody else knows it. */
static enum rc mend(struct spool *s, struct err *err)
{
	struct spool_salvage got;
	struct err why = {.msg = ""};
	if (!atomic_load(&s->base.damaged))
		return RC_OK;
	enum rc rc = RC_FULL;
	if (clock_mono_ms() >= s->mend_ms) {
		sqlite_db_close(&s->reader);
		sqlite_db_close(&s->writer);
		rc = spool_salvage(s->folder, &form, SPOOL_TAKE, &got, &why);
	}
	if (rc != RC_OK) {
		if (why.msg[0] != '\0')
			s->mend_ms = clock_mono_ms() + MEND_EVERY_MS;
		return err_set(err, RC_FULL,
			"the spool %s is damaged and cannot be set aside yet%s%s; make room and "
			"leave the folder to this user: it goes on by itself",
			s->folder, why.msg[0] != '\0' ? ": " : "", why.msg);
	}
	tell(s, &got);
	atomic_store(&s->base.damaged, false);
	atomic_store(&s->base.broken, false);
	atomic_store(&s->base.breaking, false);
	rc = open_both(s, err);
	s->gone = s->sum.last;
	return rc;
}

static enum rc open_files(struct spool *s, struct err *err)
{
	uint64_t dice;
	if (getrandom(&dice, sizeof(dice), 0) != (ssize_t)sizeof(dice))
		return err_set(err, RC_IO, "there is no randomness for the number of the spool");
	s->who = (int64_t)(dice >> 1) | 1;
	enum rc rc = store_folder_make(s->folder, err);
	if (rc == RC_OK)
		rc = store_lock(s->folder, QUEUE_RECEIVER, &s->lock_fd, err);
	if (rc == RC_BUSY)
		return err_set(err, rc,
			"another receiver of this machine keeps its deliveries in %s; stop it, or "
			"name another folder",
			s->folder);
	if (rc == RC_OK)
		rc = spool_salvage_end(s->folder, err);
	if (rc != RC_OK)
		return rc;
	if (spool_salvage_hollow(s->folder))
		atomic_store(&s->base.damaged, true);
	else
		rc = open_both(s, err);
	if (!atomic_load(&s->base.damaged))
		return rc;
	s->sum = (struct spool_sum){.n = 1}; /* something waits */
	rc = mend(s, err);
	return rc == RC_FULL ? RC_OK : rc; /* later */
}

enum rc spool_open(const char *folder, int64_t max_bytes, struct spool **ret_spool, struct err *err)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory for the spool");
	s->base.side = QUEUE_RECEIVER;
	s->max_bytes = max_bytes;
	s->lock_fd = -1;
	if (pthread_rwlock_init(&s->lock, NULL) != 0) {
		free(s);
		return err_set(err, RC_NOMEM, "no memory for the spool");
	}
	buf_init(&s->key, 1 << 20);
	buf_init(&s->lent, (size_t)1 << 30);
	s->folder = strdup(folder);
	enum rc rc = s->folder != NULL ? open_files(s, err)
				       : err_set(err, RC_NOMEM, "no memory for the spool");
	if (rc != RC_OK) {
		spool_close(s);
		return rc;
	}
	*ret_spool = s;
	return RC_OK;
}

void spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	sqlite_db_close(&s->reader);
	sqlite_db_close(&s->writer);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	buf_done(&s->key);
	buf_done(&s->lent);
	pthread_rwlock_destroy(&s->lock);
	free(s->folder);
	free(s);
}

struct spool_sum spool_sum(struct spool *s)
{
	pthread_rwlock_rdlock(&s->lock);
	struct spool_sum sum = s->sum;
	pthread_rwlock_unlock(&s->lock);
	return sum;
}

int64_t spool_who(struct spool *s)
{
	pthread_rwlock_rdlock(&s->lock);
	int64_t who = s->who;
	pthread_rwlock_unlock(&s->lock);
	return who;
}

/* --- put -------------------------------------------------------------------------------------- */

static enum rc mend_alone(struct spool *s, struct err *err)
{
	pthread_rwlock_wrlock(&s->lock);
	enum rc rc = mend(s, err);
	pthread_rwlock_unlock(&s->lock);
	return rc;
}

/* Where it answers RC_OK, leave() follows. */
static enum rc enter(struct spool *s, struct err *err)
{
	pthread_rwlock_rdlock(&s->lock);
	if (!atomic_load(&s->base.broken) && !atomic_load(&s->base.damaged))
		return RC_OK;
	pthread_rwlock_unlock(&s->lock);
	enum rc rc = mend_alone(s, err);
	if (rc != RC_OK)
		return rc;
	pthread_rwlock_rdlock(&s->lock);
	if (!atomic_load(&s->base.broken))
		return RC_OK;
	pthread_rwlock_unlock(&s->lock);
	return err_set(err, RC_IO, "%s", s->base.why);
}

/* True: it has met damage and is to be tried once more, with a fresh file. */
static bool leave(struct spool *s, enum rc rc, int *tries)
{
	bool again = rc == RC_IO && atomic_load(&s->base.damaged) && (*tries)++ == 0;
	pthread_rwlock_unlock(&s->lock);
	return again;
}

static int64_t counted(const struct queue_delivery *d, size_t key_n)
{
	return (int64_t)(d->body.n + d->headers.n + key_n) + ROW_BYTES;
}

static enum rc make_key(struct spool *s, const struct queue_delivery *d, struct err *err)
{
	buf_clear(&s->key);
	if (d->dedupe.n == 0)
		return RC_OK;
	enum rc rc = buf_put(&s->key, d->source, strlen(d->source) + 1);
	if (rc == RC_OK)
		rc = buf_put(&s->key, d->dedupe.p, d->dedupe.n);
	return rc == RC_OK ? RC_OK
			   : err_set(err, rc, "the dedupe key of a delivery is %s", rc_text(rc));
}

/* Does one with the same key wait already? */
static enum rc find_first(struct spool *s, struct queue_delivery *d, struct err *err)
{
	struct db *db = &s->writer.base;
	d->ret_repeated = false;
	if (s->key.n == 0)
		return RC_OK;
	struct db_stmt *stmt = db_use(db, SPOOL_FIND);
	db_bind_blob(db, stmt, 1, buf_slice(&s->key));
	enum rc rc = db_row(db, stmt, &d->ret_repeated, err);
	if (rc != RC_OK || !d->ret_repeated)
		return rc;
	snprintf(d->id.text, sizeof(d->id.text), "%s", db_text(stmt, 0));
	db_reset(stmt);
	return RC_OK;
}

static enum rc put_one(
	struct spool *s, struct queue_delivery *d, struct spool_sum *sum, struct err *err)
{
	struct db *db = &s->writer.base;
	enum rc rc = make_key(s, d, err);
	if (rc == RC_OK)
		rc = find_first(s, d, err);
	if (rc != RC_OK || d->ret_repeated)
		return rc;
	sum->bytes += counted(d, s->key.n);
	if (sum->bytes > s->max_bytes)
		return err_set(err, RC_FULL,
			"the store is away and the spool %s holds all that spool.max allows",
			s->folder);
	struct db_stmt *stmt = db_use(db, s->key.n > 0 ? SPOOL_PUT : SPOOL_PUT_KEYLESS);
	db_bind_int(db, stmt, 1, ++sum->last);
	db_bind_text(db, stmt, 2, d->id.text);
	db_bind_text(db, stmt, 3, d->source);
	db_bind_int(db, stmt, 4, d->received_ms);
	db_bind_text(db, stmt, 5, d->quarantine);
	db_bind_blob(db, stmt, 6, d->headers);
	db_bind_blob(db, stmt, 7, d->body);
	if (s->key.n > 0)
		db_bind_blob(db, stmt, 8, buf_slice(&s->key));
	sum->n++;
	return db_run(db, stmt, err);
}

static enum rc put_all(
	struct spool *s, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	struct db *db = &s->writer.base;
	struct spool_sum sum = s->sum;
	enum rc rc = db_begin(db, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = put_one(s, &deliveries[i], &sum, err);
	if (rc == RC_OK)
		rc = db_commit(db, err);
	if (rc == RC_OK)
		s->sum = sum;
	else
		db_rollback(db);
	return rc;
}

enum rc spool_put(struct spool *s, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	int tries = 0;
	enum rc rc;
	do {
		rc = enter(s, err);
		if (rc != RC_OK)
			return rc;
		rc = put_all(s, deliveries, n, err);
	} while (leave(s, rc, &tries));
	return rc;
}

static enum rc drop_all(struct spool *s, int64_t last, struct err *err)
{
	struct db *db = &s->writer.base;
	int64_t n = 0, bytes = 0;
	enum rc rc = db_begin(db, err);
	if (rc != RC_OK)
		return rc;
	rc = count(s, last, &n, &bytes, err);
	if (rc == RC_OK && n > 0) {
		struct db_stmt *stmt = db_use(db, SPOOL_DROP);
		db_bind_int(db, stmt, 1, last);
		rc = db_run(db, stmt, err);
	}
	if (rc == RC_OK)
		rc = db_commit(db, err);
	if (rc != RC_OK) {
		db_rollback(db);
		return rc;
	}
	s->sum.n -= n;
	s->sum.bytes -= bytes;
	return RC_OK;
}

enum rc spool_drop(struct spool *s, int64_t last, struct err *err)
{
	int tries = 0;
	enum rc rc;
	do {
		rc = enter(s, err);
		if (rc != RC_OK)
			return rc;
		rc = drop_all(s, last, err);
	} while (leave(s, rc, &tries));
	return rc;
}

/* --- next ------------------------------------------------------------------------------------- */

static struct slice lend(struct buf *lent, struct slice bytes)
{
	char *at = lent->p + lent->n;
	if (bytes.n > 0)
		memcpy(at, bytes.p, bytes.n);
	at[bytes.n] = '\0';
	lent->n += bytes.n + 1;
	return (struct slice){at, bytes.n};
}

/* False where it does not fit behind what has been lent. */
static bool fits(struct buf *lent, struct db_stmt *stmt, bool first)
{
	size_t n = 0;
	for (int column = 1; column <= 7; column++)
		n += db_blob(stmt, column).n + 1;
	if (!first)
		return lent->n + n < lent->cap;
	return buf_reserve(lent, n > LENT_BYTES ? n : LENT_BYTES) != NULL;
}

static void lend_row(struct buf *lent, struct db_stmt *stmt, struct queue_delivery *ret)
{
	*ret = (struct queue_delivery){.received_ms = db_int(stmt, 3)};
	snprintf(ret->id.text, sizeof(ret->id.text), "%s", db_text(stmt, 1));
	ret->source = lend(lent, slice_of(db_text(stmt, 2))).p;
	if (!db_is_null(stmt, 4))
		ret->quarantine = lend(lent, slice_of(db_text(stmt, 4))).p;
	ret->headers = lend(lent, db_blob(stmt, 5));
	ret->body = lend(lent, db_blob(stmt, 6));
	struct slice key = lend(lent, db_blob(stmt, 7));
	size_t source_n = strlen(ret->source) + 1; /* stands before it */
	if (key.n > source_n)
		ret->dedupe = (struct slice){key.p + source_n, key.n - source_n};
}

static enum rc read_next(struct spool *s, int64_t after, size_t max,
	struct queue_delivery *ret_deliveries, size_t *ret_n, int64_t *ret_last, struct err *err)
{
	struct db *db = &s->reader.base;
	size_t n = 0;
	bool row = true;
	enum rc rc = RC_OK;
	struct db_stmt *stmt = db_use(db, SPOOL_NEXT);
	db_bind_int(db, stmt, 1, after);
	db_bind_int(db, stmt, 2, (int64_t)max);
	buf_clear(&s->lent);
	while (n < max) {
		rc = db_row(db, stmt, &row, err);
		if (rc != RC_OK)
			return rc;
		if (!row || !fits(&s->lent, stmt, n == 0))
			break;
		lend_row(&s->lent, stmt, &ret_deliveries[n++]);
		*ret_last = db_int(stmt, 0);
	}
	db_reset(stmt);
	if (n == 0 && row && max > 0)
		return err_set(err, RC_NOMEM, "out of memory for a delivery");
	if (n == 0)
		*ret_last = s->gone > after ? s->gone : after;
	*ret_n = n;
	return RC_OK;
}

enum rc spool_next(struct spool *s, int64_t after, size_t max,
	struct queue_delivery *ret_deliveries, size_t *ret_n, int64_t *ret_last, struct err *err)
{
	int tries = 0;
	enum rc rc;
	do {
		rc = enter(s, err);
		if (rc != RC_OK)
			return rc;
		rc = read_next(s, after, max, ret_deliveries, ret_n, ret_last, err);
	} while (leave(s, rc, &tries));
	return rc;
}

enum rc spool_checkpoint(struct spool *s, struct err *err)
{
	int tries = 0;
	enum rc rc;
	do {
		rc = enter(s, err);
		if (rc != RC_OK)
			return rc;
		rc = sqlite_checkpoint(&s->writer, err);
	} while (leave(s, rc, &tries));
	return rc;
}
