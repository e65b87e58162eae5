/* SPDX-License-Identifier: MIT */
/*
 * The test double's timers, in the order in which they were armed, and ticks in that of their
 * rules. From: queue.c. Fails with RC_NOMEM, and breaks the handle then, as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"
#include "queue/timer.h"

void mem_timer_done(struct mem_timer *t)
{
	free(t->rule);
	free(t->key);
	free(t->payload);
	free(t->object);
	free(t->record);
	free(t->rule_from);
}

void mem_tick_done(struct mem_tick *t)
{
	free(t->rule);
	free(t->schedule);
	free(t->event);
}

static struct mem_timer *find(struct mem_store *m, const char *rule, const char *key)
{
	for (size_t i = 0; i < m->timers.n; i++)
		if (strcmp(m->timers.p[i].rule, rule) == 0 && strcmp(m->timers.p[i].key, key) == 0)
			return &m->timers.p[i];
	return NULL;
}

static void drop(struct mem_store *m, struct mem_timer *t)
{
	size_t i = (size_t)(t - m->timers.p);
	mem_timer_done(t);
	m->timers.n--;
	memmove(&m->timers.p[i], &m->timers.p[i + 1], (m->timers.n - i) * sizeof(*t));
}

static bool keep(struct mem_store *m, const struct mem_run *run, const struct queue_timer *from)
{
	if (!mem_more(&m->timers, sizeof(*m->timers.p)))
		return false;
	struct mem_timer *t = &m->timers.p[m->timers.n];
	t->seq = ++m->last_timer;
	t->due_ms = from->due_ms;
	t->relative = from->relative;
	t->run = run->seq;
	t->depth = from->depth;
	if (!mem_keep(&t->rule, from->rule) || !mem_keep(&t->key, from->key) ||
		!mem_keep(&t->object, from->object) || !mem_keep(&t->record, from->record) ||
		!mem_keep(&t->rule_from, run->rule) ||
		!mem_keep_bytes(&t->payload, &t->payload_n, from->payload)) {
		mem_timer_done(t);
		return false;
	}
	m->timers.n++;
	return true;
}

static int64_t count(const struct mem_store *m, const char *rule)
{
	int64_t n = 0;
	for (size_t i = 0; i < m->timers.n; i++)
		n += strcmp(m->timers.p[i].rule, rule) == 0;
	return n;
}

enum rc mem_timer_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_timer *timer, int64_t most, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *run;
	bool kept = true;
	mem_lock(q);
	enum rc rc = mem_live(m, run_seq, epoch, &run, err);
	struct mem_timer *was = rc == RC_OK ? find(m, timer->rule, timer->key) : NULL;
	if (rc == RC_OK && was == NULL && count(m, timer->rule) >= most)
		rc = queue_timer_full(timer->rule, most, err);
	if (rc == RC_OK && was != NULL)
		drop(m, was);
	if (rc == RC_OK)
		kept = keep(m, run, timer);
	mem_unlock(q);
	return kept ? rc : queue_break(q, err, "out of memory for a timer");
}

enum rc mem_timer_drop(
	struct queue *q, const char *rule, const char *key, bool *ret_was, struct err *err)
{
	(void)err;
	mem_lock(q);
	struct mem_timer *t = find(mem_of(q), rule, key);
	*ret_was = t != NULL;
	if (t != NULL)
		drop(mem_of(q), t);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_timer_take(struct queue *q, int64_t seq, bool *ret_was, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	*ret_was = false;
	for (size_t i = 0; i < m->timers.n && !*ret_was; i++) {
		*ret_was = m->timers.p[i].seq == seq;
		if (*ret_was)
			drop(m, &m->timers.p[i]);
	}
	mem_unlock(q);
	return RC_OK;
}

static enum rc give(const struct mem_timer *t, queue_timer_fn fn, void *ctx, struct err *err)
{
	struct queue_timer timer = {
		.seq = t->seq,
		.rule = t->rule,
		.key = t->key,
		.due_ms = t->due_ms,
		.relative = t->relative,
		.payload = {t->payload, t->payload_n},
		.object = t->object,
		.record = t->record,
		.rule_from = t->rule_from,
		.run = t->run,
		.depth = t->depth,
	};
	return fn(ctx, &timer, err);
}

static bool is_earlier(const struct mem_timer *a, const struct mem_timer *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->seq < b->seq;
}

/* The first behind `last` (NULL: of all) that is due by now and of the rule (NULL: any). */
static const struct mem_timer *next_of(
	const struct mem_store *m, const char *rule, int64_t now_ms, const struct mem_timer *last)
{
	const struct mem_timer *best = NULL;
	for (size_t i = 0; i < m->timers.n; i++) {
		const struct mem_timer *t = &m->timers.p[i];
		if (t->due_ms > now_ms || (rule != NULL && strcmp(t->rule, rule) != 0) ||
			(last != NULL && !is_earlier(last, t)))
			continue;
		if (best == NULL || is_earlier(t, best))
			best = t;
	}
	return best;
}

static enum rc walk(struct queue *q, const char *rule, int64_t now_ms, size_t max,
	queue_timer_fn fn, void *ctx, struct err *err)
{
	const struct mem_store *m = mem_of(q);
	const struct mem_timer *t = NULL;
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t n = 0; rc == RC_OK && (max == 0 || n < max); n++) {
		t = next_of(m, rule, now_ms, t);
		if (t == NULL)
			break;
		rc = give(t, fn, ctx, err);
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_timer_due(struct queue *q, int64_t now_wall_ms, size_t max, queue_timer_fn fn,
	void *ctx, struct err *err)
{
	return walk(q, NULL, now_wall_ms, max, fn, ctx, err);
}

enum rc mem_timer_each(struct queue *q, const char *rule, size_t max, queue_timer_fn fn, void *ctx,
	struct err *err)
{
	return walk(q, rule, INT64_MAX, max, fn, ctx, err);
}

enum rc mem_timer_next(struct queue *q, int64_t *ret_wall_ms, struct err *err)
{
	(void)err;
	mem_lock(q);
	const struct mem_timer *t = next_of(mem_of(q), NULL, INT64_MAX, NULL);
	*ret_wall_ms = t != NULL ? t->due_ms : INT64_MAX;
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_timer_count(
	struct queue *q, const char *rule, int64_t *ret_n, int64_t *ret_next_ms, struct err *err)
{
	(void)err;
	mem_lock(q);
	const struct mem_timer *t = next_of(mem_of(q), rule, INT64_MAX, NULL);
	*ret_n = count(mem_of(q), rule);
	*ret_next_ms = t != NULL ? t->due_ms : INT64_MAX;
	mem_unlock(q);
	return RC_OK;
}

/* --- ticks ------------------------------------------------------------------------------------ */

static size_t tick_place(const struct mem_store *m, const char *rule)
{
	size_t i = 0;
	while (i < m->ticks.n && strcmp(m->ticks.p[i].rule, rule) < 0)
		i++;
	return i;
}

static struct mem_tick *tick_find(struct mem_store *m, const char *rule)
{
	size_t i = tick_place(m, rule);
	return i < m->ticks.n && strcmp(m->ticks.p[i].rule, rule) == 0 ? &m->ticks.p[i] : NULL;
}

static void tick_drop(struct mem_store *m, struct mem_tick *t)
{
	size_t i = (size_t)(t - m->ticks.p);
	mem_tick_done(t);
	m->ticks.n--;
	memmove(&m->ticks.p[i], &m->ticks.p[i + 1], (m->ticks.n - i) * sizeof(*t));
}

static bool tick_keep(struct mem_store *m, const struct queue_tick *tick)
{
	struct mem_tick *t = tick_find(m, tick->rule);
	if (t == NULL) {
		size_t i = tick_place(m, tick->rule);
		struct mem_tick new = {0};
		if (!mem_keep(&new.rule, tick->rule) || !mem_more(&m->ticks, sizeof(new))) {
			mem_tick_done(&new);
			return false;
		}
		memmove(&m->ticks.p[i + 1], &m->ticks.p[i], (m->ticks.n - i) * sizeof(new));
		m->ticks.p[i] = new;
		m->ticks.n++;
		t = &m->ticks.p[i];
	}
	t->last_ms = tick->last_ms;
	t->relative = tick->relative;
	return mem_keep(&t->schedule, tick->schedule) && mem_keep(&t->event, tick->event);
}

enum rc mem_tick_put(struct queue *q, const struct queue_tick *tick, struct err *err)
{
	mem_lock(q);
	bool kept = tick_keep(mem_of(q), tick);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for a tick");
}

enum rc mem_tick_each(struct queue *q, queue_tick_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; i < m->ticks.n && rc == RC_OK; i++) {
		const struct mem_tick *t = &m->ticks.p[i];
		struct queue_tick tick = {t->rule, t->schedule, t->last_ms, t->relative, t->event};
		rc = fn(ctx, &tick, err);
	}
	mem_unlock(q);
	return rc;
}

static bool move_tick(struct mem_store *m, const char *from, const char *to)
{
	struct mem_tick *t = tick_find(m, from);
	if (t == NULL)
		return true;
	struct queue_tick tick = {to, t->schedule, t->last_ms, t->relative, t->event};
	bool kept = tick_find(m, to) != NULL || tick_keep(m, &tick);
	tick_drop(m, tick_find(m, from));
	return kept;
}

enum rc mem_timer_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool kept = true;
	mem_lock(q);
	for (size_t i = 0; kept && i < m->timers.n;) {
		struct mem_timer *t = &m->timers.p[i];
		if (strcmp(t->rule, from) != 0) {
			i++;
		} else if (find(m, to, t->key) != NULL) {
			drop(m, t);
		} else {
			kept = mem_keep(&t->rule, to);
			i++;
		}
	}
	kept = kept && move_tick(m, from, to);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for a rule's name");
}

void mem_timer_shift(struct mem_store *m, int64_t by_ms)
{
	for (size_t i = 0; i < m->timers.n; i++) {
		struct mem_timer *t = &m->timers.p[i];
		if (t->relative)
			t->due_ms = t->due_ms + by_ms > 1 ? t->due_ms + by_ms : 1;
	}
	for (size_t i = 0; i < m->ticks.n; i++) {
		struct mem_tick *t = &m->ticks.p[i];
		if (t->relative)
			t->last_ms = t->last_ms + by_ms > 1 ? t->last_ms + by_ms : 1;
	}
}

enum rc mem_event_over(struct queue *q, const char *event_id, bool *ret_over, struct err *err)
{
	const struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	*ret_over = true;
	for (size_t i = 0; i < m->events.n; i++)
		if (strcmp(m->events.p[i].id.text, event_id) == 0 && m->events.p[i].open > 0)
			*ret_over = false;
	mem_unlock(q);
	return RC_OK;
}
