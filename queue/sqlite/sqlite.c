/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend: a folder with two files, inbox.db and work.db, each with one writer.
 *
 * From: queue.c. To: sql/inbox.c, sql/route.c, sql/claim.c, sql/finish.c,
 * sql/journal.c, sql/source.c, sql/copy.c, sql/pause.c, sql/issue.c, sql/hand.c,
 * sql/read.c, sql/prune.c. A side opens its own file for writing; the file of the other side
 * is opened for reading when it is needed and there, because either may start first. Knows no
 * statement itself.
 */
#include "queue/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

static void store_close(struct queue *q)
{
	struct sqlite_store *store = sqlite_store_of(q);
	sqlite_db_close(&store->inbox);
	sqlite_db_close(&store->work);
	store_done(&store->store);
	free(store->folder);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store);
}

static enum rc store_checkpoint(struct queue *q, struct err *err)
{
	struct sqlite_store *store = sqlite_store_of(q);
	return sqlite_checkpoint(q->side == QUEUE_RECEIVER ? &store->inbox : &store->work, err);
}

static const struct queue_backend sqlite_backend = {
	STORE_BACKEND,
	.name = "sqlite",
	.close = store_close,
	.checkpoint = store_checkpoint,
	.inbox_put = inbox_put,
	.inbox_next = inbox_next,
	.claim = work_claim,
	.adopt = work_adopt,
	.erase_wipe = sqlite_wipe,
	.scrub = sqlite_scrub,
	.backup = sqlite_backup,
	.mark = sqlite_mark,
};

static enum rc open_other(struct sqlite_store *store, struct sqlite_db *file,
	const struct db_form *form, bool *has, struct err *err)
{
	struct err why;
	enum rc rc = sqlite_db_open(file, &store->store.base, store->folder, form, DB_READ, &why);
	*has = rc == RC_OK;
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		return RC_OK;
	return err_set(err, rc, "%s", why.msg);
}

/* What a killed receiver has left in the page cache is seen by a runner that starts before the next
 * receiver, and may be gone with the power after its runs are kept. Where there is no receiver, the
 * log is brought to the disk here; one that is there has done so. */
static enum rc settle_inbox(struct sqlite_store *store, struct err *err)
{
	char path[4096];
	int fd = -1;
	int n = snprintf(path, sizeof(path), "%s/%s", store->folder, db_inbox_form.name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, RC_INVALID, "the path of the store is too long");
	if (access(path, F_OK) != 0)
		return RC_OK;
	enum rc rc = store_lock(store->folder, QUEUE_RECEIVER, &fd, err);
	if (rc == RC_OK) {
		rc = sqlite_resync(path, err);
		close(fd);
	}
	return rc == RC_BUSY ? RC_OK : rc;
}

static enum rc need(struct store *store, bool work, struct err *err)
{
	struct sqlite_store *files = sqlite_store_of(&store->base);
	if (work)
		return open_other(files, &files->work, &db_work_form, &store->has_work, err);
	if (store->base.side == QUEUE_RUNNER) {
		enum rc rc = settle_inbox(files, err);
		if (rc != RC_OK)
			return rc;
	}
	return open_other(files, &files->inbox, &db_inbox_form, &store->has_inbox, err);
}

/* The work's files tell, as long as nobody has opened them. */
static int64_t written_ms(const char *folder)
{
	static const char *const names[] = {"work.db", "work.db-wal"};
	char path[4096];
	struct stat st;
	int64_t last = 0;
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (stat(path, &st) != 0)
			continue;
		int64_t ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
		last = ms > last ? ms : last;
	}
	return last;
}

static enum rc open_own(struct sqlite_store *files, struct err *err)
{
	struct store *store = &files->store;
	bool receives = store->base.side == QUEUE_RECEIVER;
	enum rc rc = sqlite_db_open(receives ? &files->inbox : &files->work, &store->base,
		files->folder, receives ? &db_inbox_form : &db_work_form, DB_WRITE, err);
	if (rc != RC_OK)
		return rc;
	if (receives)
		store->has_inbox = true;
	else
		store->has_work = true;
	return receives ? inbox_open(store, err) : work_open(store, err);
}

static enum rc open_writer(struct sqlite_store *files, struct err *err)
{
	enum queue_side side = files->store.base.side;
	enum rc rc = store_folder_make(files->folder, err);
	if (rc == RC_OK)
		rc = store_lock(files->folder, side, &files->lock_fd, err);
	if (rc == RC_OK && side == QUEUE_RUNNER)
		files->store.base.written_ms = written_ms(files->folder);
	return rc == RC_OK ? open_own(files, err) : rc;
}

static enum rc open_reader(struct sqlite_store *files, struct err *err)
{
	struct store *store = &files->store;
	if (access(files->folder, F_OK) == 0 && access(files->folder, R_OK | X_OK) != 0)
		return err_set_errno(err, RC_DENIED, errno,
			"cannot read the store %s; run this as the user of the daemon",
			files->folder);
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK)
		rc = store_need_inbox(store, err);
	if (rc == RC_OK && !store->has_work && !store->has_inbox)
		rc = err_set(err, RC_NOT_FOUND,
			"there is no store in %s yet; start moonhook serve, or name its "
			"configuration",
			files->folder);
	return rc;
}

enum rc sqlite_open(
	const char *folder, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	struct sqlite_store *files = calloc(1, sizeof(*files));
	if (files == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	store_init(&files->store, &sqlite_backend, side);
	files->store.inbox = &files->inbox.base;
	files->store.work = &files->work.base;
	files->store.need = need;
	files->lock_fd = -1;
	files->folder = strdup(folder);
	enum rc rc = RC_OK;
	if (files->folder == NULL)
		rc = err_set(err, RC_NOMEM, "out of memory");
	else
		rc = side == QUEUE_READER ? open_reader(files, err) : open_writer(files, err);
	if (rc != RC_OK) {
		store_close(&files->store.base);
		return rc;
	}
	*ret_queue = &files->store.base;
	return RC_OK;
}
