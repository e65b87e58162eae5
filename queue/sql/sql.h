/* SPDX-License-Identifier: MIT */
/*
 * What the SQL backends share: sqlite/sqlite.c and postgres/postgres.c open a handle and choose a
 * driver (db.h), the files of sql/ do the work on either. The first member of both handles.
 */
#ifndef MOONHOOK_QUEUE_SQL_SQL_H
#define MOONHOOK_QUEUE_SQL_SQL_H

#include "queue/copy.h"
#include "queue/db.h"
#include "queue/gap.h"
#include "queue/kv.h"
#include "queue/pack.h"
#include "queue/spend.h"
#include "queue/sql/ahead.h"
#include "queue/sql/live.h"
#include "queue/sql/seen.h"
#include "queue/sql/text.h"
#include "queue/timer.h"

struct counts { /* of the work, by state */
	int64_t events[QUEUE_STATE_N];
	int64_t runs[QUEUE_STATE_N];
};

struct progress {         /* the row of the table progress */
	int64_t position; /* delivery.seq of the newest that has been routed */
	int64_t last_event, last_run;
	struct counts counts;
	bool changed; /* since it was last written */
};

struct source_name { /* a rule source by hash, and its number in the file */
	char hash[DIGEST_HEX_N];
	int64_t n;
	int64_t runs; /* that name it, beyond those that the file counts */
};

struct copies {                  /* of records; see sql/copy.c */
	struct pack *pack;       /* made when it is first needed */
	struct buf packed, text; /* one copy on its way */
	int64_t bytes;           /* they take in the file; runner */
	bool changed;            /* since it was last written */
};

struct pauses { /* see sql/pause.c; runner */
	struct pause_one {
		char *rule, *why;
		int64_t since_ms;
		bool ending;     /* its runs are coming back */
		int64_t back_to; /* of "*": how far they have */
	} * p;
	size_t n;
	bool sweeping;                /* runs of paused rules are being parked */
	enum queue_state sweep_state; /* where, */
	int64_t sweep_to;             /* and how far */
	size_t sweep_n;               /* parked in this round */
};

struct limits {       /* see sql/places.c; runner. Rules stay in it: runs name their place */
	bool counted; /* of a shared store: in the open transaction */
	struct limit_one {
		char *rule;
		int max;         /* 0: none any more */
		int64_t live;    /* at work */
		int64_t planned; /* of the claim at hand */
		bool parked;     /* some may wait for room */
	} * p;
	size_t n;
};

enum store_rows { STORE_DELIVERIES, STORE_RUNS, STORE_EVENTS, STORE_ROWS_N };

struct store {
	struct queue base;
	struct db *inbox, *work; /* not open while has_x is false */
	bool has_inbox, has_work;
	int64_t news; /* of a shared store: what of its lists is in memory here */
	/* Of a shared store, in a transaction that is alone: are we still alive? NULL: always. */
	enum rc (*fence)(struct store *store, struct err *err);
	bool follows; /* of a shared store: another one leads, or nobody */
	bool due;     /* of a shared store: this transaction made something to do for others */
	/* With the next commit others are told of it. NULL: nobody is there. */
	void (*tell)(struct store *store);
	/* Deliveries have been given their places; NULL: they have had them since they came. */
	enum rc (*routed)(struct store *store, const struct queue_routing *routings, size_t n,
		struct err *err);
	/* Before routing: asks at once what it will want to know of all of them, into ahead; NULL:
	 * each is asked for by itself. */
	enum rc (*look_ahead)(struct store *store, const struct queue_routing *routings, size_t n,
		struct err *err);
	struct ahead ahead;
	/* Removes rows, and what belongs to them alone, with one statement; NULL: one by one. */
	enum rc (*forget)(struct store *store, enum store_rows what, const int64_t *seqs, size_t n,
		struct err *err);
	/* Of a store whose size is only known by statistics, which come late; NULL: it is known at
	 * once. Within a transaction: how many bytes of such rows have to go, their own without
	 * indexes, so that the whole store counts no more than most_bytes. ret_alone: false:
	 * another prunes them now. Then, with the rows' deletion: what has gone. */
	enum rc (*excess)(struct store *store, enum store_rows what, int64_t most_bytes,
		int64_t *ret_bytes, bool *ret_alone, struct err *err);
	enum rc (*freed)(struct store *store, enum store_rows what, int64_t bytes, int64_t n,
		struct err *err);
	/* Opens what the other side has made since; NULL: both are always there. */
	enum rc (*need)(struct store *store, bool work, struct err *err);
	struct seen seen; /* of the file that this side writes */

	int64_t last_delivery;              /* seq; receiver */
	struct buf key;                     /* source NUL dedupe key; receiver */
	int64_t pruned_to, pruned_event_to; /* how far prune has looked in this round */

	/* runner */
	struct progress progress;
	struct live live;
	struct source_name *sources; /* [sources_n], small */
	size_t sources_n;
	struct copies copies;
	struct pauses pauses;
	struct limits limits;
	struct buf raw;  /* what queue_inbox_next lent */
	struct buf lent; /* what sql/ledger.c did */

	int reading;                /* walks that share the read transaction now open */
	bool read_work, read_inbox; /* whose transaction that walk began */
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

/* --- sql/sql.c */
void store_init(struct store *store, const struct queue_backend *backend, enum queue_side side);
void store_done(struct store *store);
/* Opens what the other side has made, where it has by now; else has_x stays false. */
enum rc store_need_inbox(struct store *store, struct err *err) must_check;
enum rc store_need_work(struct store *store, struct err *err) must_check;

/* --- sql/inbox.c */
enum rc inbox_open(struct store *store, struct err *err) must_check;
enum rc inbox_put(struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err);
enum rc inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err);
/* Headers and body of an event; BORROW until inbox_body_done. Empty where they are gone. */
enum rc inbox_body(struct store *store, int64_t event_seq, struct slice *ret_headers,
	struct slice *ret_body, struct err *err) must_check;
void inbox_body_done(struct store *store);

/* --- sql/work.c: progress, transaction, the one setter of states */
enum rc work_open(struct store *store, struct err *err) must_check;
enum rc work_progress_load(
	struct store *store, struct progress *ret_progress, struct err *err) must_check;
/* Begins the transaction that queue_commit ends. */
enum rc work_begin(struct store *store, struct err *err) must_check;
/* On a store that others write, too: the same at once, since what is read before may be over when
 * it is written about. Else nothing: what is only looked at takes no lock. */
enum rc work_alone(struct store *store, struct err *err) must_check;
/* Ends such a transaction where nothing was written in it; returns rc. A person's refused order
 * must not keep the others out. */
enum rc work_quiet(struct store *store, enum rc rc);
/* May this handle do what only the leader may? RC_STALE: it does not lead, nothing was written. */
enum rc work_leads(struct store *store, struct err *err) must_check;
/* A write in an open transaction went wrong: memory and file may differ now. Returns rc, or RC_IO.
 */
enum rc work_failed(struct store *store, enum rc rc, struct err *err) must_check;
enum rc work_commit(struct queue *q, struct err *err);
/* Asks the table of legal moves and counts; the caller writes the row. */
enum rc work_move(struct store *store, enum queue_state from, enum queue_state to,
	struct err *err) must_check;
/* Ends the event where none of its runs is open any more; from: its state so far. */
enum rc work_event_move(struct store *store, int64_t event, enum queue_state from,
	enum queue_state to, int64_t open, struct err *err) must_check;
/* Something that other handles keep in memory has changed: they read it again before they write. */
enum rc work_news(struct store *store, struct err *err) must_check;
/* Runs a statement that deletes rows; ret_n: how many. */
enum rc work_delete(
	struct store *store, struct db_stmt *s, size_t *ret_n, struct err *err) must_check;
/* Writes the state of a run that waits for no time. */
enum rc work_run_put_state(
	struct store *store, int64_t seq, enum queue_state state, struct err *err) must_check;

/* --- sql/hold.c */
/* Is it the first of all its keys, and none of their other runs at work? */
enum rc hold_ready(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err) must_check;
/* A new run, younger than all, takes its places. */
enum rc hold_append(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err) must_check;
/* An ended run gives its places up; the next of its keys become due. */
enum rc hold_leave(
	struct store *store, int64_t run, const struct hold_keys *keys, struct err *err) must_check;
/* After run has been released as waiting or due: an older one that has come back goes first. */
enum rc hold_settle(struct store *store, int64_t run, const struct hold_keys *keys,
	enum queue_state state, struct err *err) must_check;
/* An ended run that is retried takes its old places; a younger one that is due steps back. */
enum rc hold_again(struct store *store, int64_t run, const struct hold_keys *keys, bool *ret_ready,
	struct err *err) must_check;

/* --- sql/pause.c */
enum rc work_pause(
	struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err);
enum rc work_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err);
enum rc work_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err);
bool work_paused(const struct queue *q, const char *rule);
enum rc work_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err);
enum rc work_pauses_open(struct store *store, struct err *err) must_check;
void work_pauses_done(struct store *store);
/* Must no run of this rule be claimed? */
bool pause_stops(const struct store *store, const char *rule);
/* Must a run of this rule that comes anew be parked? Also while older ones are coming back. */
bool pause_parks(const struct store *store, const char *rule);
/* The same of a run in the file; false at once where nothing is paused. */
enum rc pause_stops_run(
	struct store *store, int64_t run, bool *ret_stops, struct err *err) must_check;
enum rc pause_parks_run(
	struct store *store, int64_t run, bool *ret_parks, struct err *err) must_check;
/* Parks an open run that is not at work: it gives its places up. due_ms: > 0: it waits for that. */
enum rc pause_park(struct store *store, int64_t run, const struct hold_keys *keys,
	enum queue_state state, int64_t due_ms, struct err *err) must_check;
/* Before a claim of at most max: parks what is due and must not be claimed, a bounded number. */
enum rc pause_park_due(struct store *store, size_t max, struct err *err) must_check;

/* A parked run takes its old place. ret_ready: it is due. */
enum rc pause_unpark(struct store *store, int64_t run, const struct hold_keys *keys,
	bool *ret_ready, struct err *err) must_check;

/* --- sql/places.c */
struct queue_limit;
enum rc work_limits_put(
	struct queue *q, const struct queue_limit *limits, size_t n, struct err *err);
void places_done(struct store *store);
/* On a store that others work on, too: counts what they have at work, once in a transaction. */
enum rc places_count(struct store *store, struct err *err) must_check;
/* 0: the rule has no limit. */
int places_find(const struct store *store, const char *rule);
/* A run of it is claimed; is not at work any more. Both accept 0. */
void places_enter(struct store *store, int limit);
void places_leave(struct store *store, int limit);
bool places_full(const struct store *store, int limit);
/* Must a new run be parked? It has been: places_parked. */
bool places_parks(const struct store *store, int limit);
void places_parked(struct store *store, int limit);
/* Before a claim of at most max: parks what is due beyond its limit, takes back what has room. */
enum rc places_before_claim(struct store *store, size_t max, struct err *err) must_check;

/* --- sql/hand.c */
enum rc work_run_purge(struct queue *q, const char *run_id, struct err *err);
enum rc work_run_renew(
	struct queue *q, const char *run_id, const char *source_hash, struct err *err);
enum rc work_event_settle(struct queue *q, const char *event_id, const char *how, struct err *err);
enum rc work_event_purge(struct queue *q, const char *event_id, struct err *err);
enum rc work_tally_each(
	struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err);
/* The bytes of the delivery that brought the event have to go; nothing where none did. */
enum rc work_scrub_put(struct store *store, int64_t event_seq, struct err *err) must_check;

/* --- sql/join.c: runs that stand for several events */
struct session { /* one that an event may join; run 0: there is none */
	int64_t run, due_ms, limit_ms, n, size;
	int64_t key2, source; /* of the run */
	int64_t cause;        /* event.seq */
};
/* One that is there but may not be joined is closed. key2: the hash of the second key. */
enum rc join_find(struct store *store, const struct queue_run_new *new, int64_t key2,
	struct session *ret_session, struct err *err) must_check;
/* A new run begins to gather, until *ret_due_ms. */
enum rc join_open(struct store *store, int64_t run, const struct queue_run_new *new,
	int64_t *ret_due_ms, struct err *err) must_check;
/* An event joins, which is written already. */
enum rc join_take(struct store *store, const struct session *session,
	const struct queue_routing *routing, const struct queue_run_new *new, int64_t event,
	int64_t key2, int64_t *ret_due_ms, struct err *err) must_check;
/* Nothing joins it any more. */
enum rc join_close(struct store *store, int64_t run, struct err *err) must_check;
enum rc join_shift(struct store *store, int64_t by_ms, struct err *err) must_check;
/* The events that joined a run, without its first. GIVES (free). */
enum rc join_events(struct store *store, int64_t run, int64_t **ret_events, size_t *ret_n,
	struct err *err) must_check;
enum rc join_each_event(struct store *store, int64_t run,
	enum rc (*fn)(struct store *store, int64_t event, struct err *err),
	struct err *err) must_check;
/* Counts the states of the runs that an event joined. */
enum rc join_states(struct store *store, int64_t event, int64_t n[static QUEUE_STATE_N],
	struct err *err) must_check;
/* Is one of them there still? */
enum rc join_left(struct store *store, int64_t event, bool *ret_left, struct err *err) must_check;
/* The run goes. */
enum rc join_forget(struct store *store, int64_t run, struct err *err) must_check;
enum rc work_joined_each(
	struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err);
enum rc work_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err);
enum rc work_words_get(struct queue *q, int64_t run_seq, struct buf *out, struct err *err);

/* --- sql/erase.c, sql/scrub.c */
struct queue_erase;
enum rc work_erase_step(struct queue *q, struct queue_erase *erase, struct err *err);
enum rc work_erase_left(struct queue *q, int64_t *ret_n, struct err *err);
/* Of the deliveries that have to go, empties some; ret_any: there were some. */
enum rc inbox_scrub_some(struct store *store, bool *ret_any, struct err *err) must_check;

/* --- sql/issue.c */
enum rc work_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err);
enum rc work_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err);
enum rc work_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err);
enum rc work_audit_put(
	struct queue *q, const struct queue_audit *audit, int64_t *ret_seq, struct err *err);
enum rc work_audit_end(
	struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err);
enum rc work_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err);

/* --- sql/route.c */
/* What a key is held by; 0: no key. */
int64_t work_key_hash(const struct store *store, const char *key);
enum rc work_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err);

/* --- sql/claim.c */
/* What was before an event, from its row; BORROWS until the next. A damaged one becomes a text that
 * is no JSON. */
enum rc work_past(struct store *store, struct slice packed, struct slice *ret_past,
	struct err *err) must_check;
enum rc work_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err);
/* What is waiting for a time that has come becomes due, a bounded number. */
enum rc work_wake(struct store *store, int64_t now_wall_ms, size_t max, struct err *err) must_check;
/* A run from a row of WORK_RUN_DUE, whose columns begin at `at`. */
enum rc work_run_read(struct store *store, struct db_stmt *s, int at, struct slice headers,
	struct slice body, struct queue_run *ret_run, struct live_run *ret_live,
	struct err *err) must_check;
enum rc work_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err);
enum rc work_due_shift(struct queue *q, int64_t by_ms, struct err *err);
enum rc work_adopt(struct queue *q, size_t *ret_n, struct err *err);

/* --- sql/finish.c */
enum rc work_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err);
enum rc work_retry(struct queue *q, const char *run_id, struct err *err);
/* An event whose runs have ended badly says how those that are left have. */
enum rc work_event_again(struct store *store, int64_t event, struct err *err) must_check;
struct event_open { /* what ending an event needs to know of it */
	enum queue_state state;
	int64_t open, run_first, run_n, joins;
};
/* Begins to write about a claimed run, when epoch is its last; else RC_STALE. BORROWS until the
 * next claim. */
enum rc work_live(struct store *store, int64_t run_seq, int64_t epoch, struct live_run **ret_run,
	struct err *err) must_check;

/* --- sql/journal.c */
enum rc work_call_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_call *call, struct err *err);
enum rc work_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err);
enum rc work_calls_forget(struct store *store, int64_t run_seq, struct err *err) must_check;
enum rc work_calls_any(
	struct store *store, int64_t run_seq, bool *ret_any, struct err *err) must_check;

/* --- sql/ledger.c */
enum rc ledger_put(struct queue *q, int64_t run_seq, int64_t epoch, const struct queue_write *write,
	struct err *err);
enum rc ledger_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err);
enum rc ledger_prune(
	struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n, struct err *err);
enum rc ledger_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);
enum rc ledger_cause_find(
	struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err);
enum rc ledger_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err);
enum rc ledger_step_get(
	struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err);
/* Of an event by its seq; of a run, fields that are hidden from its rule. */
enum rc ledger_cause_write(struct store *store, int64_t event, const struct queue_cause *cause,
	struct err *err) must_check;
enum rc ledger_hide(
	struct store *store, int64_t run, const char *fields, struct err *err) must_check;

/* --- sql/source.c */
enum rc work_source_put(
	struct queue *q, const char *hash, const char *file, struct slice text, struct err *err);
enum rc work_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err);
/* The number of a source for a run that names it, made up where nobody has stored it. */
enum rc work_source_n(
	struct store *store, const char *hash, int64_t *ret_n, struct err *err) must_check;
/* A run that named it is gone. */
enum rc work_source_leave(struct store *store, int64_t n, struct err *err) must_check;
/* So many of them. */
enum rc work_source_leave_n(
	struct store *store, int64_t n, int64_t runs, struct err *err) must_check;
/* Others have removed some: numbers are asked for again. */
void work_sources_forget(struct store *store);
/* Before a commit: writes how many runs name which. */
enum rc work_sources_count(struct store *store, struct err *err) must_check;
enum rc work_source_live(
	struct queue *q, const char *const *hashes, size_t n, int64_t now_wall_ms, struct err *err);
enum rc work_source_find(struct queue *q, const char *file, struct buf *out,
	char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err);
enum rc work_source_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err);
enum rc work_rules_put(struct queue *q, const struct queue_rule *rules, size_t n, struct err *err);
enum rc work_rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err);

/* --- sql/copy.c */
#define COPY_OBJECT_N 256
enum rc work_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err);
enum rc work_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err);
enum rc work_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err);
enum rc work_copy_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);
/* How many that would remove. */
enum rc work_copy_count(
	struct store *store, const char *record, int64_t *ret_n, struct err *err) must_check;
/* A text on its way into a row: packed lies in store->copies.packed; and back, in .text. RC_PARSE:
 * it is damaged; RC_TOO_LARGE, RC_NOMEM. */
enum rc work_pack(struct store *store, struct slice text, struct err *err) must_check;
enum rc work_unpack(struct store *store, struct slice packed, struct err *err) must_check;
enum rc work_copies_open(struct store *store, struct err *err) must_check;
/* Before a commit: writes how much they take. */
enum rc work_copies_count(struct store *store, struct err *err) must_check;
void work_copies_done(struct store *store);

/* --- sql/read.c: lists and single rows; sql/count.c: numbers */
/* One read transaction over both files, the work first, so that no delivery is missed between them.
 */
enum rc store_read_begin(struct store *store, struct err *err) must_check;
void store_read_end(struct store *store);
/* How far the work is: the runner's own, else what it last committed. */
enum rc store_progress(
	struct store *store, struct progress *ret_progress, struct err *err) must_check;
enum rc store_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err);
enum rc store_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
	void *ctx, struct err *err);
enum rc store_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err);
enum rc store_run_get(struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err);
enum rc store_count(struct queue *q, struct queue_counts *ret_counts, struct err *err);
struct id_span { /* all ids that begin with a prefix: from <= id < to */
	char from[ID_N + 1], to[ID_N + 2];
};
/* RC_NOT_FOUND where the text cannot begin an id. */
enum rc id_span_init(
	struct id_span *span, const char *prefix, const char *what, struct err *err) must_check;
/* The run with this id or unique prefix. */
enum rc store_run_find(struct store *store, const char *id, int64_t *ret_seq,
	enum queue_state *ret_state, struct err *err) must_check;

/* --- sql/prune.c */
enum rc store_prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err);

/* --- sql/spend.c */
enum rc work_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err);
enum rc work_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err);
enum rc work_spend_clear(struct queue *q, const char *rule, int64_t before_ms, struct err *err);
enum rc work_erasure_put(struct queue *q, const char *record, struct err *err);
enum rc work_erasure_first(
	struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any, struct err *err);
enum rc work_erasure_drop(struct queue *q, const char *record, struct err *err);
enum rc work_shadow_is(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err);
/* A run by its seq is in shadow mode. */
enum rc shadow_put(struct store *store, int64_t run, struct err *err) must_check;

/* --- sql/gap.c */
enum rc work_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err);
enum rc work_gap_drop(struct queue *q, const char *object, struct err *err);
enum rc work_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err);
enum rc work_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err);
enum rc work_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err);
enum rc work_told_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err);
enum rc work_told_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);

/* --- sql/kv.c */
enum rc work_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err);
enum rc work_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err);
enum rc work_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err);
enum rc work_kv_move(struct queue *q, const char *from, const char *to, struct err *err);
enum rc work_kv_prune(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err);
enum rc work_kv_count(
	struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err);
/* Bytes of all of it; no pruning by size makes them fewer. */
enum rc work_kv_bytes(struct store *store, int64_t *ret_bytes, struct err *err) must_check;

/* --- sql/timer.c */
enum rc work_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err);
enum rc work_timer_drop(
	struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err);
enum rc work_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err);
enum rc work_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err);
enum rc work_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn, void *ctx,
	struct err *err);
enum rc work_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err);
enum rc work_timer_count(
	struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms, struct err *err);
enum rc work_rename(
	struct queue *q, const char *from, const char *to, bool *ret_moved, struct err *err);
enum rc work_timer_move(struct queue *q, const char *from, const char *to, struct err *err);
enum rc work_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err);
enum rc work_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err);
enum rc work_event_over(struct queue *q, const char *event_id, bool *ret_over, struct err *err);
/* The wall clock was set by so much: what counts from a moment moves with it. */
enum rc work_timer_shift(struct store *store, int64_t by_ms, struct err *err) must_check;

/* clang-format off */
/* What the SQL backends have in common, in a table of struct queue_backend. */
#define STORE_BACKEND \
	.prune = store_prune,\
	.route = work_route,\
	.next_due = work_next_due,\
	.due_shift = work_due_shift,\
	.finish = work_finish,\
	.call_put = work_call_put,\
	.calls_load = work_calls_load,\
	.commit = work_commit,\
	.source_put = work_source_put,\
	.source_get = work_source_get,\
	.source_live = work_source_live,\
	.source_find = work_source_find,\
	.source_prune = work_source_prune,\
	.rules_put = work_rules_put,\
	.event_each = store_event_each,\
	.run_each = store_run_each,\
	.event_get = store_event_get,\
	.run_get = store_run_get,\
	.rule_each = work_rule_each,\
	.count = store_count,\
	.retry = work_retry,\
	.copy_put = work_copy_put,\
	.copy_find = work_copy_find,\
	.copy_each = work_copy_each,\
	.copy_erase = work_copy_erase,\
	.spend_add = work_spend_add,\
	.spend_each = work_spend_each,\
	.spend_clear = work_spend_clear,\
	.erasure_put = work_erasure_put,\
	.erasure_first = work_erasure_first,\
	.erasure_drop = work_erasure_drop,\
	.shadow_is = work_shadow_is,\
	.gap_put = work_gap_put,\
	.gap_drop = work_gap_drop,\
	.gap_each = work_gap_each,\
	.told_put = work_told_put,\
	.told_find = work_told_find,\
	.told_prune = work_told_prune,\
	.told_erase = work_told_erase,\
	.pause = work_pause,\
	.resume = work_resume,\
	.pause_step = work_pause_step,\
	.paused = work_paused,\
	.pause_each = work_pause_each,\
	.issue_put = work_issue_put,\
	.issue_acknowledge = work_issue_acknowledge,\
	.issue_each = work_issue_each,\
	.run_purge = work_run_purge,\
	.run_renew = work_run_renew,\
	.event_settle = work_event_settle,\
	.event_purge = work_event_purge,\
	.tally_each = work_tally_each,\
	.erase_step = work_erase_step,\
	.erase_left = work_erase_left,\
	.audit_put = work_audit_put,\
	.audit_end = work_audit_end,\
	.audit_each = work_audit_each,\
	.limits_put = work_limits_put,\
	.joined_each = work_joined_each,\
	.joined_put = work_joined_put,\
	.words_get = work_words_get,\
	.write_put = ledger_put,\
	.write_each = ledger_each,\
	.write_prune = ledger_prune,\
	.write_erase = ledger_erase,\
	.cause_find = ledger_cause_find,\
	.cause_put = ledger_cause_put,\
	.step_get = ledger_step_get,\
	.kv_put = work_kv_put,\
	.kv_find = work_kv_find,\
	.kv_drop = work_kv_drop,\
	.kv_move = work_kv_move,\
	.kv_prune = work_kv_prune,\
	.kv_count = work_kv_count,\
	.timer_put = work_timer_put,\
	.timer_drop = work_timer_drop,\
	.timer_take = work_timer_take,\
	.timer_due = work_timer_due,\
	.timer_each = work_timer_each,\
	.timer_next = work_timer_next,\
	.timer_count = work_timer_count,\
	.timer_move = work_timer_move,\
	.rename = work_rename,\
	.tick_put = work_tick_put,\
	.tick_each = work_tick_each,\
	.event_over = work_event_over
/* clang-format on */

#endif
