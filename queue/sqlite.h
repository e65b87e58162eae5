/* SPDX-License-Identifier: MIT */
/* The handle of the SQLite backend, and what its files share. */
#ifndef MOONHOOK_QUEUE_SQLITE_H
#define MOONHOOK_QUEUE_SQLITE_H

#include "queue/sqlite_db.h"
#include "queue/sqlite_live.h"
#include "queue/sqlite_seen.h"
#include "queue/sqlite_sql.h"

struct counts { /* of the work, by state */
	int64_t events[QUEUE_STATE_N];
	int64_t runs[QUEUE_STATE_N];
};

struct progress { /* the row of the table progress */
	int64_t position; /* delivery.seq of the newest that has been routed */
	int64_t last_event, last_run;
	struct counts counts;
	bool changed; /* since it was last written */
};

struct source_name { /* a rule source by hash, and its number in the file */
	char hash[DIGEST_HEX_N];
	int64_t n;
};

struct store {
	struct queue base;
	char *folder;
	int lock_fd; /* -1: a reader */
	struct db inbox, work; /* the other side's is opened when it is first needed */
	bool has_inbox, has_work;
	struct seen seen; /* of the file that this side writes */

	/* receiver */
	int64_t last_delivery; /* seq */
	struct buf key; /* source NUL dedupe key */
	int64_t pruned_to; /* how far prune has looked, of deliveries or of runs */
	int64_t pruned_event_to;

	/* runner */
	struct progress progress;
	struct live live;
	struct source_name *sources; /* [sources_n], small */
	size_t sources_n;
	struct buf raw; /* what queue_inbox_next lent */
};

static inline struct store *store_of(struct queue *q)
{
	return (struct store *)q;
}

/* An event's place: behind the delivery that brought it, or behind the one before it. */
enum { EVENT_SHIFT = 24 };
static inline int64_t event_seq_of(int64_t delivery_seq)
{
	return delivery_seq << EVENT_SHIFT;
}
static inline int64_t delivery_seq_of(int64_t event_seq)
{
	return event_seq >> EVENT_SHIFT;
}
/* False for events that were born in the work. */
static inline bool event_delivered(int64_t event_seq)
{
	return (event_seq & (((int64_t)1 << EVENT_SHIFT) - 1)) == 0;
}

/* --- sqlite_lock.c */
enum rc store_folder_make(const char *folder, struct err *err) must_check;
/* GIVES a descriptor that holds the side's lock until it is closed. */
enum rc store_lock(const char *folder, enum queue_side side, int *ret_fd, struct err *err) must_check;

/* --- sqlite.c: opens the file of the other side, where it exists by now; else has_x stays false */
enum rc store_need_inbox(struct store *store, struct err *err) must_check;
enum rc store_need_work(struct store *store, struct err *err) must_check;

/* --- sqlite_inbox.c */
enum rc inbox_open(struct store *store, struct err *err) must_check;
enum rc inbox_put(struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err);
enum rc inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err);
/* Headers and body of an event; BORROW until inbox_body_done. Empty where they are gone. */
enum rc inbox_body(struct store *store, int64_t event_seq, struct slice *ret_headers,
	struct slice *ret_body, struct err *err) must_check;
void inbox_body_done(struct store *store);

/* --- sqlite_work.c: progress, transaction, the one setter of states */
enum rc work_open(struct store *store, struct err *err) must_check;
enum rc work_progress_load(struct store *store, struct progress *ret_progress, struct err *err)
	must_check;
/* Begins the transaction that queue_commit ends. */
enum rc work_begin(struct store *store, struct err *err) must_check;
/* A write in an open transaction went wrong: memory and file may differ now. Returns rc, or RC_IO. */
enum rc work_failed(struct store *store, enum rc rc, struct err *err) must_check;
enum rc work_commit(struct queue *q, struct err *err);
/* Asks the table of legal moves and counts; the caller writes the row. */
enum rc work_move(
	struct store *store, enum queue_state from, enum queue_state to, struct err *err) must_check;
/* Ends the event where none of its runs is open any more; from: its state so far. */
enum rc work_event_move(struct store *store, int64_t event, enum queue_state from,
	enum queue_state to, int64_t open, struct err *err) must_check;
/* The first run that holds or waits for the key; 0: none. */
enum rc work_hold_first(
	struct store *store, int64_t hold, int64_t *ret_run, struct err *err) must_check;

/* --- sqlite_route.c */
enum rc work_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err);

/* --- sqlite_claim.c */
enum rc work_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err);
enum rc work_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err);
enum rc work_adopt(struct queue *q, size_t *ret_n, struct err *err);

/* --- sqlite_finish.c */
enum rc work_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err);
enum rc work_retry(struct queue *q, const char *run_id, struct err *err);
/* The claimed run, when epoch is its last; else RC_STALE. BORROWS until the next claim. */
enum rc work_live(struct store *store, int64_t run_seq, int64_t epoch, struct live_run **ret_run,
	struct err *err) must_check;

/* --- sqlite_journal.c */
enum rc work_call_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_call *call, struct err *err);
enum rc work_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err);
enum rc work_calls_forget(struct store *store, int64_t run_seq, struct err *err) must_check;
enum rc work_calls_any(
	struct store *store, int64_t run_seq, bool *ret_any, struct err *err) must_check;

/* --- sqlite_source.c */
enum rc work_source_put(struct queue *q, const char *hash, const char *file, struct slice text,
	struct err *err);
enum rc work_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err);
/* The number of a source, made up where nobody has stored it. */
enum rc work_source_n(struct store *store, const char *hash, int64_t *ret_n, struct err *err)
	must_check;
enum rc work_rules_put(
	struct queue *q, const struct queue_rule *rules, size_t n, struct err *err);
enum rc work_rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err);

/* --- sqlite_read.c */
enum rc store_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err);
enum rc store_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
	void *ctx, struct err *err);
enum rc store_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err);
enum rc store_run_get(
	struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err);
enum rc store_count(struct queue *q, struct queue_counts *ret_counts, struct err *err);
/* A prefix of an id in lower case, and the first text behind all that begin with it. RC_NOT_FOUND
 * where it cannot be the prefix of one. */
enum rc id_range(const char *prefix, struct id *ret_from, struct id *ret_to, struct err *err)
	must_check;
/* The run with this id or unique prefix. */
enum rc store_run_find(struct store *store, const char *id, int64_t *ret_seq,
	enum queue_state *ret_state, struct err *err) must_check;

/* --- sqlite_prune.c */
enum rc store_prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err);

#endif
