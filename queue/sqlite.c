/* SPDX-License-Identifier: MIT */
/*
 * The SQLite backend: a folder with two files, inbox.db and work.db, each with one writer.
 *
 * From: queue.c. To: sqlite_inbox.c, sqlite_route.c, sqlite_claim.c, sqlite_finish.c,
 * sqlite_journal.c, sqlite_source.c, sqlite_copy.c, sqlite_pause.c, sqlite_issue.c, sqlite_hand.c,
 * sqlite_read.c, sqlite_prune.c. A side opens its own file for writing; the file of the other side
 * is opened for reading when it is needed and there, because either may start first. Knows no
 * statement itself.
 */
#include "queue/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

static void store_close(struct queue *q)
{
	struct store *store = store_of(q);
	db_close(&store->inbox);
	db_close(&store->work);
	seen_done(&store->seen);
	live_done(&store->live);
	buf_done(&store->key);
	buf_done(&store->raw);
	work_copies_done(store);
	work_pauses_done(store);
	places_done(store);
	buf_done(&store->lent);
	free(store->sources);
	free(store->folder);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store);
}

static enum rc store_checkpoint(struct queue *q, struct err *err)
{
	struct store *store = store_of(q);
	return db_checkpoint(q->side == QUEUE_RECEIVER ? &store->inbox : &store->work, err);
}

static const struct queue_backend sqlite_backend = {
	.name = "sqlite",
	.close = store_close,
	.inbox_put = inbox_put,
	.prune = store_prune,
	.checkpoint = store_checkpoint,
	.inbox_next = inbox_next,
	.route = work_route,
	.claim = work_claim,
	.next_due = work_next_due,
	.due_shift = work_due_shift,
	.adopt = work_adopt,
	.finish = work_finish,
	.call_put = work_call_put,
	.calls_load = work_calls_load,
	.commit = work_commit,
	.source_put = work_source_put,
	.source_get = work_source_get,
	.source_live = work_source_live,
	.source_find = work_source_find,
	.source_prune = work_source_prune,
	.rules_put = work_rules_put,
	.event_each = store_event_each,
	.run_each = store_run_each,
	.event_get = store_event_get,
	.run_get = store_run_get,
	.rule_each = work_rule_each,
	.count = store_count,
	.retry = work_retry,
	.copy_put = work_copy_put,
	.copy_find = work_copy_find,
	.copy_each = work_copy_each,
	.copy_erase = work_copy_erase,
	.spend_add = work_spend_add,
	.spend_each = work_spend_each,
	.spend_clear = work_spend_clear,
	.erasure_put = work_erasure_put,
	.erasure_first = work_erasure_first,
	.erasure_drop = work_erasure_drop,
	.shadow_is = work_shadow_is,
	.gap_put = work_gap_put,
	.gap_drop = work_gap_drop,
	.gap_each = work_gap_each,
	.told_put = work_told_put,
	.told_find = work_told_find,
	.told_prune = work_told_prune,
	.told_erase = work_told_erase,
	.pause = work_pause,
	.resume = work_resume,
	.pause_step = work_pause_step,
	.paused = work_paused,
	.pause_each = work_pause_each,
	.issue_put = work_issue_put,
	.issue_acknowledge = work_issue_acknowledge,
	.issue_each = work_issue_each,
	.run_purge = work_run_purge,
	.run_renew = work_run_renew,
	.event_settle = work_event_settle,
	.event_purge = work_event_purge,
	.tally_each = work_tally_each,
	.erase_step = work_erase_step,
	.erase_wipe = work_erase_wipe,
	.erase_left = work_erase_left,
	.scrub = inbox_scrub,
	.backup = store_backup,
	.audit_put = work_audit_put,
	.audit_end = work_audit_end,
	.audit_each = work_audit_each,
	.limits_put = work_limits_put,
	.joined_each = work_joined_each,
	.joined_put = work_joined_put,
	.words_get = work_words_get,
	.write_put = ledger_put,
	.write_each = ledger_each,
	.write_prune = ledger_prune,
	.write_erase = ledger_erase,
	.cause_find = ledger_cause_find,
	.cause_put = ledger_cause_put,
	.step_get = ledger_step_get,
	.kv_put = work_kv_put,
	.kv_find = work_kv_find,
	.kv_drop = work_kv_drop,
	.kv_move = work_kv_move,
	.kv_prune = work_kv_prune,
	.kv_count = work_kv_count,
	.timer_put = work_timer_put,
	.timer_drop = work_timer_drop,
	.timer_take = work_timer_take,
	.timer_due = work_timer_due,
	.timer_each = work_timer_each,
	.timer_next = work_timer_next,
	.timer_count = work_timer_count,
	.timer_move = work_timer_move,
	.rename = work_rename,
	.tick_put = work_tick_put,
	.tick_each = work_tick_each,
	.event_over = work_event_over,
};

static enum rc need(
	struct store *store, struct db *db, const struct db_form *form, bool *has, struct err *err)
{
	if (*has)
		return RC_OK;
	struct err why;
	enum rc rc = db_open(db, &store->base, store->folder, form, DB_READ, &why);
	*has = rc == RC_OK;
	if (rc == RC_OK || rc == RC_NOT_FOUND)
		return RC_OK;
	return err_set(err, rc, "%s", why.msg);
}

/* What a killed receiver has left in the page cache is seen by a runner that starts before the next
 * receiver, and may be gone with the power after its runs are kept. Where there is no receiver, the
 * log is brought to the disk here; one that is there has done so. */
static enum rc settle_inbox(struct store *store, struct err *err)
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
		rc = db_resync(path, err);
		close(fd);
	}
	return rc == RC_BUSY ? RC_OK : rc;
}

enum rc store_need_inbox(struct store *store, struct err *err)
{
	if (!store->has_inbox && store->base.side == QUEUE_RUNNER) {
		enum rc rc = settle_inbox(store, err);
		if (rc != RC_OK)
			return rc;
	}
	return need(store, &store->inbox, &db_inbox_form, &store->has_inbox, err);
}

enum rc store_need_work(struct store *store, struct err *err)
{
	return need(store, &store->work, &db_work_form, &store->has_work, err);
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

static enum rc open_writer(struct store *store, struct err *err)
{
	enum queue_side side = store->base.side;
	enum rc rc = store_folder_make(store->folder, err);
	if (rc == RC_OK)
		rc = store_lock(store->folder, side, &store->lock_fd, err);
	if (rc == RC_OK && side == QUEUE_RUNNER)
		store->base.written_ms = written_ms(store->folder);
	if (rc == RC_OK)
		rc = side == QUEUE_RECEIVER ? inbox_open(store, err) : work_open(store, err);
	return rc;
}

static enum rc open_reader(struct store *store, struct err *err)
{
	if (access(store->folder, F_OK) == 0 && access(store->folder, R_OK | X_OK) != 0)
		return err_set_errno(err, RC_DENIED, errno,
			"cannot read the store %s; run this as the user of the daemon",
			store->folder);
	enum rc rc = store_need_work(store, err);
	if (rc == RC_OK)
		rc = store_need_inbox(store, err);
	if (rc == RC_OK && !store->has_work && !store->has_inbox)
		rc = err_set(err, RC_NOT_FOUND,
			"there is no store in %s yet; start moonhook serve, or name its "
			"configuration",
			store->folder);
	return rc;
}

enum rc sqlite_open(
	const char *folder, enum queue_side side, struct queue **ret_queue, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	store->base.backend = &sqlite_backend;
	store->base.side = side;
	store->lock_fd = -1;
	buf_init(&store->key, 1 << 20);
	buf_init(&store->raw, (size_t)1 << 30);
	buf_init(&store->copies.packed, 2 * PACK_TEXT_MAX);
	buf_init(&store->copies.text, PACK_TEXT_MAX);
	buf_init(&store->lent, 1 << 20);
	store->folder = strdup(folder);
	enum rc rc = RC_OK;
	if (store->folder == NULL)
		rc = err_set(err, RC_NOMEM, "out of memory");
	else
		rc = side == QUEUE_READER ? open_reader(store, err) : open_writer(store, err);
	if (rc != RC_OK) {
		store_close(&store->base);
		return rc;
	}
	*ret_queue = &store->base;
	return RC_OK;
}
