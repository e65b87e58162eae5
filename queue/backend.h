/* SPDX-License-Identifier: MIT */
/*
 * What a backend of the queue has to do. The table is const, every member is filled but for what
 * says so, and only queue.c calls it: it has checked the side, the arguments and that the handle
 * has not failed.
 */
#ifndef MOONHOOK_QUEUE_BACKEND_H
#define MOONHOOK_QUEUE_BACKEND_H

#include <stdatomic.h>
#include <stddef.h>

#include "queue/audit.h"
#include "queue/backup.h"
#include "queue/cluster.h"
#include "queue/copy.h"
#include "queue/erase.h"
#include "queue/flight.h"
#include "queue/gap.h"
#include "queue/hand.h"
#include "queue/heard.h"
#include "queue/kv.h"
#include "queue/mark.h"
#include "queue/patience.h"
#include "queue/pause.h"
#include "queue/place.h"
#include "queue/purse.h"
#include "queue/queue.h"
#include "queue/rename.h"
#include "queue/sign.h"
#include "queue/spend.h"
#include "queue/timer.h"

/* The first member of every backend's handle. */
struct queue {
	const struct queue_backend *backend;
	enum queue_side side;
	/* Set once, by any thread, by queue_break: from then on everything but close is refused. */
	atomic_bool breaking, broken;
	atomic_bool damaged; /* and this is why: what is read is not what was written */
	char why[224];       /* written before broken is set */
	int64_t written_ms;  /* wall: the last write before it was opened; 0: not known */
	int64_t about;       /* seq of the run that is being written about; 0: of none */
};

/* The store can no longer be trusted with a write: remembers why. Returns RC_IO with a sentence. */
enum rc queue_break(struct queue *q, struct err *err, const char *fmt, ...) printf_like(3, 4);

/* For doors outside of queue.c: may this side make the call, and has the handle not failed? what:
 * "prune", said as "a reader cannot .. the store". RC_DENIED, RC_IO. */
enum rc queue_enter_runner(struct queue *q, const char *what, struct err *err) must_check;
enum rc queue_enter_receiver(struct queue *q, const char *what, struct err *err) must_check;
enum rc queue_enter_any(struct queue *q, const char *what, struct err *err) must_check;

struct queue_backend {
	const char *name;
	void (*close)(struct queue *q);
	enum rc (*inbox_put)(
		struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err);
	enum rc (*prune)(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
		size_t most, size_t *ret_n, struct err *err);
	enum rc (*checkpoint)(struct queue *q, struct err *err);
	enum rc (*inbox_next)(struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n,
		struct err *err);
	enum rc (*route)(struct queue *q, struct queue_routing *routings, size_t n,
		size_t claim_max, struct queue_run *ret_run, size_t *ret_run_n, struct err *err);
	enum rc (*claim)(struct queue *q, int64_t now_wall_ms, size_t max,
		struct queue_run *ret_run, size_t *ret_run_n, struct err *err);
	enum rc (*next_due)(struct queue *q, int64_t *ret_wall_ms, struct err *err);
	enum rc (*due_shift)(struct queue *q, int64_t by_ms, struct err *err);
	enum rc (*adopt)(struct queue *q, size_t *ret_n, struct err *err);
	enum rc (*finish)(struct queue *q, int64_t run_seq, int64_t epoch,
		const struct queue_outcome *outcome, struct err *err);
	enum rc (*call_put)(struct queue *q, int64_t run_seq, int64_t epoch,
		const struct queue_call *call, struct err *err);
	enum rc (*calls_load)(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
		size_t *ret_n, struct err *err);
	enum rc (*commit)(struct queue *q, struct err *err);
	enum rc (*source_put)(struct queue *q, const char *hash, const char *file,
		struct slice text, struct err *err);
	enum rc (*source_get)(struct queue *q, const char *hash, struct buf *out,
		char ret_file[static 256], struct err *err);
	enum rc (*source_live)(struct queue *q, const char *const *hashes, size_t n,
		int64_t now_wall_ms, struct err *err);
	enum rc (*source_find)(struct queue *q, const char *file, struct buf *out,
		char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err);
	enum rc (*source_prune)(
		struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err);
	enum rc (*rules_put)(
		struct queue *q, const struct queue_rule *rules, size_t n, struct err *err);
	enum rc (*event_each)(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
		void *ctx, struct err *err);
	enum rc (*run_each)(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
		void *ctx, struct err *err);
	enum rc (*event_get)(
		struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err);
	enum rc (*run_get)(
		struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err);
	enum rc (*rule_each)(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err);
	enum rc (*count)(struct queue *q, struct queue_counts *ret_counts, struct err *err);
	enum rc (*retry)(struct queue *q, const char *run_id, struct err *err);
	enum rc (*copy_put)(struct queue *q, const struct queue_copy *copy, struct err *err);
	enum rc (*copy_find)(struct queue *q, const char *object, const char *record,
		struct queue_copy *ret_copy, struct err *err);
	enum rc (*copy_each)(struct queue *q, const char *object, const char *after, size_t max,
		queue_copy_fn fn, void *ctx, struct err *err);
	enum rc (*copy_erase)(struct queue *q, const char *record, size_t *ret_n, struct err *err);
	enum rc (*gap_put)(struct queue *q, const struct queue_gap *gap, struct err *err);
	enum rc (*gap_drop)(struct queue *q, const char *object, struct err *err);
	enum rc (*gap_each)(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err);
	enum rc (*told_put)(struct queue *q, const char *object, const char *record,
		int64_t until_ms, int64_t now_wall_ms, struct err *err);
	enum rc (*told_find)(struct queue *q, const char *object, const char *record,
		int64_t *ret_until_ms, struct err *err);
	enum rc (*told_prune)(
		struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err);
	enum rc (*told_erase)(struct queue *q, const char *record, size_t *ret_n, struct err *err);
	enum rc (*spend_add)(
		struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err);
	enum rc (*spend_each)(struct queue *q, const char *rule, int64_t since_ms,
		queue_spend_fn fn, void *ctx, struct err *err);
	enum rc (*spend_clear)(
		struct queue *q, const char *rule, int64_t before_ms, struct err *err);
	enum rc (*erasure_put)(struct queue *q, const char *record, struct err *err);
	enum rc (*erasure_first)(struct queue *q, char ret_record[static QUEUE_ERASURE_N],
		bool *ret_any, struct err *err);
	enum rc (*erasure_drop)(struct queue *q, const char *record, struct err *err);
	enum rc (*shadow_is)(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err);
	enum rc (*pause)(
		struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err);
	enum rc (*resume)(struct queue *q, const char *rule, size_t *ret_n, struct err *err);
	enum rc (*pause_step)(struct queue *q, size_t most, bool *ret_more, struct err *err);
	bool (*paused)(const struct queue *q, const char *rule);
	enum rc (*pause_each)(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err);
	enum rc (*issue_put)(struct queue *q, const struct queue_issue *issue, struct err *err);
	enum rc (*issue_acknowledge)(
		struct queue *q, const char *kind, const char *about, struct err *err);
	enum rc (*issue_each)(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err);
	enum rc (*run_purge)(struct queue *q, const char *run_id, struct err *err);
	enum rc (*run_renew)(
		struct queue *q, const char *run_id, const char *source_hash, struct err *err);
	enum rc (*event_settle)(
		struct queue *q, const char *event_id, const char *how, struct err *err);
	enum rc (*event_purge)(struct queue *q, const char *event_id, struct err *err);
	enum rc (*tally_each)(
		struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err);
	enum rc (*erase_step)(struct queue *q, struct queue_erase *erase, struct err *err);
	enum rc (*erase_wipe)(struct queue *q, bool *ret_done, struct err *err);
	enum rc (*erase_left)(struct queue *q, int64_t *ret_n, struct err *err);
	enum rc (*scrub)(struct queue *q, bool *ret_more, struct err *err);
	enum rc (*backup)(struct queue *q, const char *folder, struct queue_backup *ret_backup,
		struct err *err);
	enum rc (*audit_put)(struct queue *q, const struct queue_audit *audit, int64_t *ret_seq,
		struct err *err);
	enum rc (*audit_end)(
		struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err);
	enum rc (*audit_each)(
		struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err);
	enum rc (*limits_put)(
		struct queue *q, const struct queue_limit *limits, size_t n, struct err *err);
	enum rc (*joined_each)(
		struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err);
	enum rc (*joined_put)(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
		const struct queue_cause *cause, struct err *err);
	enum rc (*words_get)(struct queue *q, int64_t run_seq, struct buf *out, struct err *err);
	enum rc (*write_put)(struct queue *q, int64_t run_seq, int64_t epoch,
		const struct queue_write *write, struct err *err);
	enum rc (*write_each)(struct queue *q, const char *record, const struct queue_span *span,
		queue_write_fn fn, void *ctx, struct err *err);
	enum rc (*write_prune)(struct queue *q, int64_t before_wall_ms, int64_t keep_n,
		size_t *ret_n, struct err *err);
	enum rc (*write_erase)(struct queue *q, const char *record, size_t *ret_n, struct err *err);
	enum rc (*cause_find)(
		struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err);
	enum rc (*cause_put)(struct queue *q, int64_t run_seq, int64_t epoch,
		const struct queue_cause *cause, struct err *err);
	enum rc (*step_get)(
		struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err);
	enum rc (*kv_put)(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
		const struct queue_kv_sum *most, struct err *err);
	enum rc (*kv_find)(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
		struct buf *out, int64_t *ret_until_ms, struct err *err);
	enum rc (*kv_drop)(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
		bool *ret_was, struct err *err);
	enum rc (*kv_move)(struct queue *q, const char *from, const char *to, struct err *err);
	enum rc (*kv_prune)(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err);
	enum rc (*kv_count)(
		struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err);
	enum rc (*timer_put)(struct queue *q, int64_t run_seq, int64_t epoch,
		const struct queue_timer *timer, int64_t most, struct err *err);
	enum rc (*timer_drop)(
		struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err);
	enum rc (*timer_take)(struct queue *q, int64_t seq, bool *ret_was, struct err *err);
	enum rc (*timer_due)(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
		void *ctx, struct err *err);
	enum rc (*timer_each)(struct queue *q, const char *rule, size_t max, queue_timer_fn fn,
		void *ctx, struct err *err);
	enum rc (*timer_next)(struct queue *q, int64_t *ret_wall_ms, struct err *err);
	enum rc (*timer_count)(struct queue *q, const char *rule, int64_t *ret_n,
		int64_t *ret_next_ms, struct err *err);
	enum rc (*timer_move)(struct queue *q, const char *from, const char *to, struct err *err);
	enum rc (*rename)(struct queue *q, const char *from, const char *to, bool *ret_moved,
		struct err *err);
	enum rc (*tick_put)(struct queue *q, const struct queue_tick *tick, struct err *err);
	enum rc (*tick_each)(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err);
	enum rc (*event_over)(
		struct queue *q, const char *event_id, bool *ret_over, struct err *err);
	/* Of a store that several processes share; else NULL. */
	enum rc (*beat)(struct queue *q, struct queue_beat *ret_beat, struct err *err);
	enum rc (*resign)(struct queue *q, struct err *err);
	int (*wake_fd)(struct queue *q);
	enum rc (*woken)(struct queue *q, bool *ret_any, struct err *err);
	enum rc (*peer_each)(struct queue *q, queue_peer_fn fn, void *ctx, struct err *err);
	enum rc (*sign)(
		struct queue *q, const struct queue_sign *sign, bool *ret_late, struct err *err);
	/* Of one that can be copied as a whole; else NULL. */
	enum rc (*mark)(struct queue *q, struct queue_mark *ret_mark, struct err *err);
	/* Of a store that is elsewhere; else NULL. */
	void (*patience)(struct queue *q, int64_t ms);
	enum rc (*flight_each)(
		struct queue *q, queue_flight_fn fn, void *ctx, struct err *err); /* or NULL */
	enum rc (*heard_each)(struct queue *q, const struct queue_wanted *wanted, queue_heard_fn fn,
		void *ctx, int64_t *ret_seq, struct err *err); /* or NULL */
	/* Of a store that several runners share; else NULL. */
	int (*purse_fd)(struct queue *q);
	void (*purse_swap)(struct queue *q, int64_t version, struct slice state);
	enum rc (*purse_step)(struct queue *q, struct queue_purse_answer *ret_answer, bool *ret_any,
		struct err *err);
};

/* The backends; open GIVES a handle whose base is filled. */
enum rc sqlite_open(const char *folder, enum queue_side side, struct queue **ret_queue,
	struct err *err) must_check;
enum rc postgres_open(const struct queue_place *place, enum queue_side side,
	struct queue **ret_queue, struct err *err) must_check;
enum rc memory_open(const char *name, enum queue_side side, struct queue **ret_queue,
	struct err *err) must_check;

/* --- shared by the backends (run.c, filter.c) ------------------------------------------------- */

struct queue_run_parts { /* BORROWS: what a claimed run is made from */
	const char *rule, *source_hash, *key, *event_source, *event_via;
	const char *born; /* NULL: as rule */
	struct slice body, headers, past;
	bool has_body;
};
/* Fills the texts of run from parts, in one piece of memory. RC_NOMEM. */
enum rc queue_run_fill(struct queue_run *run, const struct queue_run_parts *parts) must_check;
struct queue_calls {          /* a journal being put together */
	struct queue_call *p; /* GIVES with queue_calls_free */
	size_t n, cap;
};
/* Adds a copy of call; where its path is there already, the later one completes it. RC_NOMEM. */
enum rc queue_calls_put(struct queue_calls *calls, const struct queue_call *call) must_check;

/* RC_QUOTA with a sentence for the author of a rule: of keys (by_n) or of bytes there are enough.
 */
enum rc queue_kv_full(
	const char *scope, const struct queue_kv_sum *most, bool by_n, struct err *err);

/* RC_QUOTA likewise, of timers. */
enum rc queue_timer_full(const char *rule, int64_t most, struct err *err);

/* The state an event ends with, given how its runs ended: n[state] runs in each. */
enum queue_state queue_event_end(const int64_t n[static QUEUE_STATE_N]);

#endif
