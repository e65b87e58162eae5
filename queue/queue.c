/* SPDX-License-Identifier: MIT */
/*
 * The one door to the backends, the names of the states, and the table of legal moves.
 *
 * From: every room that stores or reads. To: the backend of the handle. Here it is checked, once
 * for all backends, that the side may make the call and that the handle has not failed; a failed
 * handle refuses everything but close with RC_IO. Holds no state but the handle's.
 */
#include "queue/queue.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "queue/backend.h"

static const char *const names[QUEUE_STATE_N] = {
#define X(code, name) [code] = name,
	QUEUE_STATES(X)
#undef X
};

#define BIT(state) (1u << (state))
#define ENDS                                                                                       \
	(BIT(QUEUE_DONE) | BIT(QUEUE_SKIPPED) | BIT(QUEUE_DEAD) | BIT(QUEUE_QUARANTINED) |         \
		BIT(QUEUE_ECHO))

static const unsigned moves[QUEUE_STATE_N] = {
	/* claimed; or put behind an older one of its key that came back */
	[QUEUE_DUE] = BIT(QUEUE_RUNNING) | BIT(QUEUE_WAITING),
	/* promoted, or its time has come */
	[QUEUE_WAITING] = BIT(QUEUE_DUE),
	/* finished, released, or adopted from a runner that died */
	[QUEUE_RUNNING] = ENDS | BIT(QUEUE_WAITING) | BIT(QUEUE_DUE),
	[QUEUE_DONE] = 0,
	[QUEUE_SKIPPED] = 0,
	/* retried; waiting where another of its key is at work */
	[QUEUE_DEAD] = BIT(QUEUE_DUE) | BIT(QUEUE_WAITING),
	[QUEUE_QUARANTINED] = BIT(QUEUE_DUE) | BIT(QUEUE_WAITING),
	[QUEUE_ECHO] = 0,
	[QUEUE_DUPLICATE] = 0, /* of events only */
};

const char *queue_state_name(enum queue_state state)
{
	return (unsigned)state < QUEUE_STATE_N ? names[state] : "unknown";
}

enum queue_state queue_state_find(const char *name)
{
	for (int i = 0; i < QUEUE_STATE_N; i++)
		if (strcmp(names[i], name) == 0)
			return (enum queue_state)i;
	return QUEUE_STATE_N;
}

bool queue_state_ended(enum queue_state state)
{
	return state > QUEUE_RUNNING && state < QUEUE_STATE_N;
}

bool queue_state_may(enum queue_state from, enum queue_state to)
{
	return (unsigned)from < QUEUE_STATE_N && (unsigned)to < QUEUE_STATE_N &&
	       (moves[from] & BIT(to)) != 0;
}

enum queue_state queue_event_end(const int64_t n[static QUEUE_STATE_N])
{
	if (n[QUEUE_QUARANTINED] > 0)
		return QUEUE_QUARANTINED;
	if (n[QUEUE_DEAD] > 0)
		return QUEUE_DEAD;
	if (n[QUEUE_DONE] > 0)
		return QUEUE_DONE;
	if (n[QUEUE_SKIPPED] > 0)
		return QUEUE_SKIPPED;
	return n[QUEUE_ECHO] > 0 ? QUEUE_ECHO : QUEUE_DONE;
}

enum rc queue_break(struct queue *q, struct err *err, const char *fmt, ...)
{
	char why[sizeof(q->why)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	utf8_close(why);
	if (!atomic_exchange(&q->breaking, true)) {
		memcpy(q->why, why, sizeof(why));
		atomic_store(&q->broken, true);
	}
	return err_set(err, RC_IO, "%s", why);
}

static const char *const side_names[] = {[QUEUE_RECEIVER] = "the receiver",
	[QUEUE_RUNNER] = "the runner",
	[QUEUE_READER] = "a reader"};

#define SIDE(side) (1u << (side))
#define ANY (SIDE(QUEUE_RECEIVER) | SIDE(QUEUE_RUNNER) | SIDE(QUEUE_READER))
#define WRITERS (SIDE(QUEUE_RECEIVER) | SIDE(QUEUE_RUNNER))
#define RUNNER SIDE(QUEUE_RUNNER)

/* What every call asks first. */
static enum rc enter(struct queue *q, unsigned sides, const char *what, struct err *err)
{
	if ((sides & SIDE(q->side)) == 0)
		return err_set(err, RC_DENIED, "%s cannot %s the store", side_names[q->side], what);
	if (atomic_load(&q->broken))
		return err_set(err, RC_IO, "%s", q->why);
	return RC_OK;
}

enum rc queue_enter_runner(struct queue *q, const char *what, struct err *err)
{
	return enter(q, RUNNER, what, err);
}

enum rc queue_enter_receiver(struct queue *q, const char *what, struct err *err)
{
	return enter(q, SIDE(QUEUE_RECEIVER), what, err);
}

enum rc queue_enter_any(struct queue *q, const char *what, struct err *err)
{
	return enter(q, ANY, what, err);
}

void queue_close(struct queue *q)
{
	if (q != NULL)
		q->backend->close(q);
}

enum rc queue_inbox_put(
	struct queue *q, struct queue_delivery *deliveries, size_t n, struct err *err)
{
	enum rc rc = enter(q, SIDE(QUEUE_RECEIVER), "put deliveries into", err);
	if (rc != RC_OK || n == 0)
		return rc;
	return q->backend->inbox_put(q, deliveries, n, err);
}

enum rc queue_prune(struct queue *q, const struct queue_retention *keep, int64_t now_wall_ms,
	size_t most, size_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, WRITERS, "prune", err);
	if (rc != RC_OK)
		return rc;
	return q->backend->prune(q, keep, now_wall_ms, most, ret_n, err);
}

enum rc queue_checkpoint(struct queue *q, struct err *err)
{
	enum rc rc = enter(q, WRITERS, "checkpoint", err);
	return rc != RC_OK ? rc : q->backend->checkpoint(q, err);
}

enum rc queue_inbox_next(
	struct queue *q, size_t max, struct queue_raw *ret_raw, size_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "route from", err);
	return rc != RC_OK ? rc : q->backend->inbox_next(q, max, ret_raw, ret_n, err);
}

enum rc queue_route(struct queue *q, struct queue_routing *routings, size_t n, size_t claim_max,
	struct queue_run *ret_run, size_t *ret_run_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "route in", err);
	if (rc != RC_OK)
		return rc;
	return q->backend->route(q, routings, n, claim_max, ret_run, ret_run_n, err);
}

enum rc queue_claim(struct queue *q, int64_t now_wall_ms, size_t max, struct queue_run *ret_run,
	size_t *ret_run_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "claim from", err);
	return rc != RC_OK ? rc : q->backend->claim(q, now_wall_ms, max, ret_run, ret_run_n, err);
}

enum rc queue_next_due(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->next_due(q, ret_wall_ms, err);
}

enum rc queue_due_shift(struct queue *q, int64_t by_ms, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "shift due times of", err);
	return rc != RC_OK ? rc : q->backend->due_shift(q, by_ms, err);
}

int64_t queue_written_ms(const struct queue *q)
{
	return q->written_ms;
}

enum rc queue_adopt(struct queue *q, size_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "adopt runs of", err);
	return rc != RC_OK ? rc : q->backend->adopt(q, ret_n, err);
}

enum rc queue_finish(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_outcome *outcome, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "finish runs of", err);
	if (rc != RC_OK)
		return rc;
	if (!queue_state_may(QUEUE_RUNNING, outcome->state))
		return err_set(err, RC_INVALID, "a run cannot go from running to %s",
			queue_state_name(outcome->state));
	q->about = run_seq;
	rc = q->backend->finish(q, run_seq, epoch, outcome, err);
	q->about = 0;
	return rc;
}

enum rc queue_call_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_call *call, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "record calls in", err);
	if (rc != RC_OK)
		return rc;
	q->about = run_seq;
	rc = q->backend->call_put(q, run_seq, epoch, call, err);
	q->about = 0;
	return rc;
}

enum rc queue_calls_load(struct queue *q, int64_t run_seq, struct queue_call **ret_calls,
	size_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->calls_load(q, run_seq, ret_calls, ret_n, err);
}

enum rc queue_commit(struct queue *q, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "commit to", err);
	return rc != RC_OK ? rc : q->backend->commit(q, err);
}

enum rc queue_source_put(
	struct queue *q, const char *hash, const char *file, struct slice text, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "keep rules in", err);
	return rc != RC_OK ? rc : q->backend->source_put(q, hash, file, text, err);
}

enum rc queue_source_get(struct queue *q, const char *hash, struct buf *out,
	char ret_file[static 256], struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->source_get(q, hash, out, ret_file, err);
}

enum rc queue_source_live(
	struct queue *q, const char *const *hashes, size_t n, int64_t now_wall_ms, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "keep rules in", err);
	return rc != RC_OK ? rc : q->backend->source_live(q, hashes, n, now_wall_ms, err);
}

enum rc queue_source_find(struct queue *q, const char *file, struct buf *out,
	char ret_hash[static DIGEST_HEX_N], int64_t *ret_live_ms, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->source_find(q, file, out, ret_hash, ret_live_ms, err);
}

enum rc queue_source_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "prune", err);
	return rc != RC_OK ? rc : q->backend->source_prune(q, before_wall_ms, ret_n, err);
}

enum rc queue_rules_put(struct queue *q, const struct queue_rule *rules, size_t n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "keep rules in", err);
	return rc != RC_OK ? rc : q->backend->rules_put(q, rules, n, err);
}

enum rc queue_event_each(struct queue *q, const struct queue_filter *filter, queue_event_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->event_each(q, filter, fn, ctx, err);
}

enum rc queue_run_each(struct queue *q, const struct queue_filter *filter, queue_run_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->run_each(q, filter, fn, ctx, err);
}

enum rc queue_event_get(
	struct queue *q, const char *id, queue_event_fn fn, void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->event_get(q, id, fn, ctx, err);
}

enum rc queue_run_get(struct queue *q, const char *id, queue_run_fn fn, void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->run_get(q, id, fn, ctx, err);
}

enum rc queue_rule_each(struct queue *q, queue_rule_fn fn, void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->rule_each(q, fn, ctx, err);
}

enum rc queue_count(struct queue *q, struct queue_counts *ret_counts, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->count(q, ret_counts, err);
}

enum rc queue_retry(struct queue *q, const char *run_id, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "retry runs of", err);
	return rc != RC_OK ? rc : q->backend->retry(q, run_id, err);
}

enum rc queue_erasure_put(struct queue *q, const char *record, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "note what to erase in", err);
	if (rc == RC_OK && (record[0] == '\0' || strlen(record) >= QUEUE_ERASURE_N))
		rc = err_set(err, RC_INVALID, "what is to be erased needs an id");
	return rc != RC_OK ? rc : q->backend->erasure_put(q, record, err);
}

enum rc queue_erasure_first(
	struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "read", err);
	return rc != RC_OK ? rc : q->backend->erasure_first(q, ret_record, ret_any, err);
}

enum rc queue_erasure_drop(struct queue *q, const char *record, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "note what was erased in", err);
	return rc != RC_OK ? rc : q->backend->erasure_drop(q, record, err);
}

enum rc queue_shadow_is(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->shadow_is(q, run_seq, ret_shadow, err);
}

enum rc queue_run_renew(
	struct queue *q, const char *run_id, const char *source_hash, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "renew runs of", err);
	return rc != RC_OK ? rc : q->backend->run_renew(q, run_id, source_hash, err);
}

enum rc queue_run_purge(struct queue *q, const char *run_id, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "remove runs from", err);
	return rc != RC_OK ? rc : q->backend->run_purge(q, run_id, err);
}

enum rc queue_event_settle(struct queue *q, const char *event_id, const char *how, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "settle events of", err);
	return rc != RC_OK ? rc : q->backend->event_settle(q, event_id, how, err);
}

enum rc queue_event_purge(struct queue *q, const char *event_id, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "remove events from", err);
	return rc != RC_OK ? rc : q->backend->event_purge(q, event_id, err);
}

enum rc queue_tally_each(
	struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err)
{
	enum rc rc = enter(q, ANY, "read", err);
	return rc != RC_OK ? rc : q->backend->tally_each(q, since_ms, fn, ctx, err);
}

enum rc queue_backup(
	struct queue *q, const char *folder, struct queue_backup *ret_backup, struct err *err)
{
	enum rc rc = enter(q, SIDE(QUEUE_READER), "copy", err);
	return rc != RC_OK ? rc : q->backend->backup(q, folder, ret_backup, err);
}

enum rc queue_erase_step(struct queue *q, struct queue_erase *erase, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "erase from", err);
	if (rc == RC_OK && erase->record[0] == '\0')
		rc = err_set(err, RC_INVALID, "to erase needs a record's id");
	return rc != RC_OK ? rc : q->backend->erase_step(q, erase, err);
}

enum rc queue_erase_wipe(struct queue *q, bool *ret_done, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "erase from", err);
	return rc != RC_OK ? rc : q->backend->erase_wipe(q, ret_done, err);
}

enum rc queue_erase_left(struct queue *q, int64_t *ret_n, struct err *err)
{
	enum rc rc = enter(q, RUNNER, "erase from", err);
	return rc != RC_OK ? rc : q->backend->erase_left(q, ret_n, err);
}

enum rc queue_scrub(struct queue *q, bool *ret_more, struct err *err)
{
	enum rc rc = enter(q, SIDE(QUEUE_RECEIVER), "empty deliveries of", err);
	return rc != RC_OK ? rc : q->backend->scrub(q, ret_more, err);
}
