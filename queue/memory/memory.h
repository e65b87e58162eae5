/* SPDX-License-Identifier: MIT */
/*
 * The test double: the whole store in arrays, looked through from end to end. Handles opened on the
 * same name ("memory:", "memory:x") share one store, which lives as long as any of them is open.
 * What it does not do: survive its handles, and hide what has not been committed.
 */
#ifndef MOONHOOK_QUEUE_MEMORY_MEMORY_H
#define MOONHOOK_QUEUE_MEMORY_MEMORY_H

#include <pthread.h>

#include "queue/backend.h"

#define MEM_LIST(type)                                                                             \
	struct {                                                                                   \
		type *p;                                                                           \
		size_t n, cap;                                                                     \
	}

struct mem_delivery {
	int64_t seq;
	struct id id;
	char *source, *quarantine; /* quarantine NULL: route it */
	char *dedupe, *headers, *body;
	size_t dedupe_n, headers_n, body_n;
	int64_t received_ms;
};

struct mem_event {
	int64_t seq; /* delivery.seq << 24, + n for the n-th born behind it */
	struct id id;
	char *source, *name, *object, *record, *via, *reason, *headers, *body, *past;
	size_t headers_n, body_n, past_n;
	enum queue_state state;
	int64_t received_ms, open;
	uint8_t digest[DIGEST_N];
	bool has_digest;
	int64_t cause; /* a run; 0: none */
	int depth;
	char *cause_fields;
};

struct mem_joined {
	int64_t event;
	char *hidden;
};

struct mem_limit {
	char *rule;
	int max;
};

struct mem_session { /* of a run that may stand for several events */
	int kind;    /* 0: it does not */
	bool open;   /* more may join */
	char *key, *words;
	int64_t limit_ms, size;
	int64_t cause; /* an event; 0: its first */
	MEM_LIST(struct mem_joined) joined;
};

struct mem_run {
	int64_t seq, event, epoch;
	struct id id;
	char *rule, *source_hash, *key, *also, *error, *detail, *log;
	char *born;   /* NULL: as rule */
	char *hidden; /* fields that its rule does not see; NULL: none */
	enum queue_state state;
	enum rc code;
	int attempt, attempts_max, deaths, api_calls;
	bool attempt_next, shadow;
	int64_t due_ms, created_ms, started_ms, ended_ms;
	struct mem_session session;
};

struct mem_call {
	int64_t run;
	struct queue_calls one; /* exactly one call */
};

struct mem_source {
	char *hash, *file, *text;
	size_t text_n;
	int64_t live_ms, until_ms; /* since when it is live, until when it was; 0: it is not, .. */
};

struct mem_write {
	char *record, *object, *fields, *rule; /* fields NULL: whatever it changes */
	enum queue_action action;
	int64_t at_ms, since_ms, written_ms, run;
	int depth;
};

struct mem_rule {
	char *name, *file, *on, *state, *error, *options;
	int line;
	int64_t loaded_ms;
};

struct mem_copy {
	char *object, *record, *text;
	size_t text_n;
	int64_t updated_ms, seen_ms;
	enum queue_copy_state state;
};

struct mem_gap {
	char *object, *problem;
	int64_t first_ms, from_ms, asked_ms, swept_ms;
};

struct mem_told {
	char *object, *record;
	int64_t until_ms, told_ms;
};

struct mem_kv {
	char *scope, *key, *value;
	size_t value_n;
	int64_t until_ms;
};

struct mem_timer {
	int64_t seq, due_ms, run;
	char *rule, *key, *payload, *object, *record, *rule_from;
	size_t payload_n;
	bool relative;
	int depth;
};

struct mem_tick {
	char *rule, *schedule, *event;
	int64_t last_ms;
	bool relative;
};

struct mem_spend {
	char *rule;
	int64_t slot_ms, n;
};

struct mem_erasure {
	char *record;
};

struct mem_renamed {
	char *was, *name;
};

struct mem_pause {
	char *rule, *why;
	int64_t since_ms;
};

struct mem_issue {
	char *kind, *about, *text, *event;
	int64_t count, first_ms, last_ms;
	bool acknowledged;
};

struct mem_audit { /* its number is its place, from 1 */
	char *what, *result;
	int64_t at_ms, uid, n;
};

struct mem_store {
	pthread_mutex_t lock; /* guards all below; held during every call, call backs included */
	char *name;
	int refs;
	bool taken[2]; /* sides that have their writer */
	struct mem_store *next;

	MEM_LIST(struct mem_delivery) deliveries;
	MEM_LIST(struct mem_event) events;
	MEM_LIST(struct mem_run) runs;
	MEM_LIST(struct mem_call) calls;
	MEM_LIST(struct mem_source) sources;
	MEM_LIST(struct mem_rule) rules;
	MEM_LIST(struct mem_spend) spends; /* in the order of rules and slots */
	MEM_LIST(struct mem_erasure) erasures;
	MEM_LIST(struct mem_pause) pauses;
	MEM_LIST(struct mem_issue) issues;
	MEM_LIST(struct mem_audit) audits;
	MEM_LIST(struct mem_copy) copies; /* in the order of queue_copy_each */
	MEM_LIST(struct mem_gap) gaps;    /* in the order of their objects */
	MEM_LIST(struct mem_told) told;
	MEM_LIST(struct mem_write) writes;
	MEM_LIST(struct mem_limit) limits;
	MEM_LIST(struct mem_kv) kvs;
	MEM_LIST(struct mem_timer) timers;
	MEM_LIST(struct mem_renamed) renamed;
	MEM_LIST(struct mem_tick) ticks; /* in the order of their rules */
	int64_t position, last_delivery, last_event, last_run, last_timer;
};

struct mem {
	struct queue base;
	char *copy; /* the text that queue_copy_find lent */
	struct mem_store *store;
};

static inline struct mem_store *mem_of(struct queue *q)
{
	return ((struct mem *)q)->store;
}

/* Makes room for one more element and clears it. False: no memory. */
bool mem_more(void *list, size_t size);
/* Copies a text (NULL: "") or bytes. False: no memory. */
bool mem_keep(char **ret_copy, const char *text);
bool mem_keep_bytes(char **ret_copy, size_t *ret_n, struct slice bytes);
void mem_lock(struct queue *q);
void mem_unlock(struct queue *q);

struct mem_event *mem_event_find(struct mem_store *m, int64_t seq);
struct mem_run *mem_run_find(struct mem_store *m, int64_t seq);
void mem_delivery_done(struct mem_delivery *d);
void mem_event_done(struct mem_event *e);
void mem_run_done(struct mem_run *r);
void mem_call_done(struct mem_call *c);
void mem_rule_done(struct mem_rule *r);
void mem_write_done(struct mem_write *w);

/* --- memory/work.c */
enum rc mem_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err);
enum rc mem_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err);
enum rc mem_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err);
enum rc mem_due_shift(struct queue *q, int64_t by_ms, struct err *err);
enum rc mem_adopt(struct queue *q, size_t *ret_n, struct err *err);
enum rc mem_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err);
enum rc mem_call_put(struct queue *q, int64_t run_seq, int64_t epoch, const struct queue_call *call,
	struct err *err);
enum rc mem_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err);
/* The bytes of an event, where they are still there. */
void mem_body_find(struct mem_store *m, const struct mem_event *e, struct queue_run_parts *parts);
void mem_calls_forget(struct mem_store *m, int64_t run);
enum rc mem_retry(struct queue *q, const char *run_id, struct err *err);

/* --- memory/copy.c */
void mem_copy_done(struct mem_copy *c);
enum rc mem_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err);
enum rc mem_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err);
enum rc mem_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err);
enum rc mem_copy_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);
/* The run, when it is claimed and epoch is its last; else RC_STALE. */
enum rc mem_live(struct mem_store *m, int64_t run_seq, int64_t epoch, struct mem_run **ret_run,
	struct err *err) must_check;

/* --- memory/ledger.c */
enum rc mem_write_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_write *write, struct err *err);
enum rc mem_write_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err);
enum rc mem_write_prune(
	struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n, struct err *err);
enum rc mem_write_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);
enum rc mem_cause_find(
	struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err);
enum rc mem_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err);
enum rc mem_step_get(
	struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err);
/* Where the event has one. False: no memory. */
bool mem_cause_keep(struct mem_event *e, const struct queue_cause *cause);

/* It gathers, and holds none of its keys (queue/join.h). */
static inline bool mem_gathers(const struct mem_run *r)
{
	return r->state == QUEUE_WAITING && r->due_ms > 0 && r->epoch == 0;
}
/* Parked: it holds none of its keys (queue/pause.h). */
static inline bool mem_is_parked(const struct mem_run *r)
{
	return r->state == QUEUE_WAITING && r->due_ms < 0;
}
enum rc mem_park(struct mem_store *m, struct mem_run *r, struct err *err) must_check;
enum rc mem_unpark(struct mem_store *m, struct mem_run *r, struct err *err) must_check;

/* --- memory/join.c */
void mem_session_done(struct mem_session *s);
/* Is the event its own, or one that joined it? */
bool mem_run_has(const struct mem_run *r, int64_t event);
/* The event whose cause counts as that of the run. */
struct mem_event *mem_cause_event(struct mem_store *m, const struct mem_run *r);
/* False: no memory. */
bool mem_session_open(
	struct mem_run *r, const struct queue_join *j, bool parked, int64_t *ret_due_ms);
bool mem_session_take(struct mem_store *m, struct mem_run *r, const struct queue_run_new *new,
	const struct mem_event *event, int64_t *ret_due_ms);
/* NULL: there is none that the event may join; one that is full is closed. */
struct mem_run *mem_session_find(struct mem_store *m, const struct queue_run_new *new);
enum rc mem_joined_each(
	struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err);
enum rc mem_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err);
enum rc mem_words_get(struct queue *q, int64_t run_seq, struct buf *out, struct err *err);

/* --- memory/limit.c */
void mem_limit_done(struct mem_limit *l);
enum rc mem_limits_put(
	struct queue *q, const struct queue_limit *limits, size_t n, struct err *err);
/* Is there room for one more of the rule? */
bool mem_has_room(const struct mem_store *m, const char *rule);
/* Must a new run be parked, behind others or for want of room? */
bool mem_is_limited(const struct mem_store *m, const char *rule);
/* Before a claim: parks what is due beyond its limit, takes back what has room. */
enum rc mem_limit(struct mem_store *m, struct err *err) must_check;

/* --- memory/pause.c */
void mem_pause_done(struct mem_pause *p);
void mem_issue_done(struct mem_issue *i);
void mem_audit_done(struct mem_audit *a);
bool mem_is_paused(struct mem_store *m, const char *rule);
enum rc mem_pause(struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err);
enum rc mem_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err);
enum rc mem_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err);
bool mem_paused(const struct queue *q, const char *rule);
enum rc mem_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err);
enum rc mem_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err);
enum rc mem_issue_acknowledge(
	struct queue *q, const char *kind, const char *about, struct err *err);
enum rc mem_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err);
enum rc mem_run_purge(struct queue *q, const char *run_id, struct err *err);
enum rc mem_run_renew(
	struct queue *q, const char *run_id, const char *source_hash, struct err *err);
enum rc mem_event_settle(struct queue *q, const char *event_id, const char *how, struct err *err);
enum rc mem_event_purge(struct queue *q, const char *event_id, struct err *err);
enum rc mem_tally_each(
	struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err);
enum rc mem_erase_step(struct queue *q, struct queue_erase *erase, struct err *err);
enum rc mem_erase_wipe(struct queue *q, bool *ret_done, struct err *err);
enum rc mem_erase_left(struct queue *q, int64_t *ret_n, struct err *err);
enum rc mem_scrub(struct queue *q, bool *ret_more, struct err *err);
enum rc mem_audit_put(
	struct queue *q, const struct queue_audit *audit, int64_t *ret_seq, struct err *err);
enum rc mem_audit_end(struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err);
enum rc mem_audit_each(
	struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err);

/* --- memory/read.c */
enum rc mem_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err);
enum rc mem_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn, void *ctx,
	struct err *err);
enum rc mem_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err);
enum rc mem_run_get(struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err);
enum rc mem_count(struct queue *q, struct queue_counts *ret_counts, struct err *err);
/* The one run whose id begins so. */
enum rc mem_run_named(
	struct mem_store *m, const char *id, struct mem_run **ret_run, struct err *err) must_check;

/* --- memory/spend.c */
void mem_spend_done(struct mem_spend *s);
/* Adds n to a slot, under the lock. False: no memory. */
bool mem_spend_keep(struct mem_store *m, const char *rule, int64_t slot_ms, int64_t n);

enum rc mem_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err);
enum rc mem_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err);
enum rc mem_spend_clear(struct queue *q, const char *rule, int64_t before_ms, struct err *err);
void mem_erasure_done(struct mem_erasure *e);
enum rc mem_erasure_put(struct queue *q, const char *record, struct err *err);
enum rc mem_erasure_first(
	struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any, struct err *err);
enum rc mem_erasure_drop(struct queue *q, const char *record, struct err *err);
enum rc mem_shadow_is(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err);

/* --- memory/gap.c */
void mem_gap_done(struct mem_gap *g);
void mem_told_done(struct mem_told *t);
enum rc mem_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err);
enum rc mem_gap_drop(struct queue *q, const char *object, struct err *err);
enum rc mem_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err);
enum rc mem_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err);
enum rc mem_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err);
enum rc mem_told_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err);
enum rc mem_told_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err);

/* --- memory/kv.c */
void mem_kv_done(struct mem_kv *kv);
enum rc mem_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err);
enum rc mem_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err);
enum rc mem_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err);
enum rc mem_kv_move(struct queue *q, const char *from, const char *to, struct err *err);
enum rc mem_kv_prune(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err);
enum rc mem_kv_count(
	struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err);

/* --- memory/timer.c */
void mem_timer_done(struct mem_timer *t);
void mem_tick_done(struct mem_tick *t);
enum rc mem_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err);
enum rc mem_timer_drop(
	struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err);
enum rc mem_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err);
enum rc mem_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err);
enum rc mem_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn, void *ctx,
	struct err *err);
enum rc mem_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err);
enum rc mem_timer_count(
	struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms, struct err *err);
enum rc mem_timer_move(struct queue *q, const char *from, const char *to, struct err *err);
/* --- memory/rename.c */
void mem_renamed_done(struct mem_renamed *r);
enum rc mem_rename(
	struct queue *q, const char *from, const char *to, bool *ret_moved, struct err *err);
enum rc mem_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err);
enum rc mem_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err);
enum rc mem_event_over(struct queue *q, const char *event_id, bool *ret_over, struct err *err);
/* The wall clock was set by so much: what counts from a moment moves with it. */
void mem_timer_shift(struct mem_store *m, int64_t by_ms);

#endif
