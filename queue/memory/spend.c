/* SPDX-License-Identifier: MIT */
/*
 * The test double's sums of what rules have written: an array in the order of rules and slots; a
 * run in shadow mode has a mark. From: queue.c. Fails with RC_NOMEM, and breaks the handle then.
 */
#include "queue/spend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"

void mem_spend_done(struct mem_spend *s)
{
	free(s->rule);
}

static int order_of(const struct mem_spend *s, const char *rule, int64_t slot_ms)
{
	int by_rule = strcmp(s->rule, rule);
	return by_rule != 0 ? by_rule : s->slot_ms < slot_ms ? -1 : s->slot_ms > slot_ms;
}

bool mem_spend_keep(struct mem_store *m, const char *rule, int64_t slot_ms, int64_t n)
{
	size_t i = 0;
	while (i < m->spends.n && order_of(&m->spends.p[i], rule, slot_ms) < 0)
		i++;
	if (i == m->spends.n || order_of(&m->spends.p[i], rule, slot_ms) != 0) {
		struct mem_spend new = {.slot_ms = slot_ms};
		if (!mem_keep(&new.rule, rule) || !mem_more(&m->spends, sizeof(*m->spends.p))) {
			mem_spend_done(&new);
			return false;
		}
		memmove(&m->spends.p[i + 1], &m->spends.p[i], (m->spends.n - i) * sizeof(new));
		m->spends.p[i] = new;
		m->spends.n++;
	}
	m->spends.p[i].n += n;
	return true;
}

enum rc mem_spend_add(
	struct queue *q, const char *rule, int64_t slot_ms, int64_t n, struct err *err)
{
	mem_lock(q);
	bool kept = mem_spend_keep(mem_of(q), rule, slot_ms, n);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for what a rule has written");
}

enum rc mem_spend_each(struct queue *q, const char *rule, int64_t since_ms, queue_spend_fn fn,
	void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; i < m->spends.n && rc == RC_OK; i++)
		if (strcmp(m->spends.p[i].rule, rule) == 0 && m->spends.p[i].slot_ms >= since_ms)
			rc = fn(ctx, m->spends.p[i].slot_ms, m->spends.p[i].n, err);
	mem_unlock(q);
	return rc;
}

enum rc mem_spend_clear(struct queue *q, const char *rule, int64_t before_ms, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t kept = 0;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->spends.n; i++) {
		struct mem_spend *s = &m->spends.p[i];
		bool is = strcmp(rule, "*") == 0 || strcmp(s->rule, rule) == 0;
		if (is && s->slot_ms < before_ms)
			mem_spend_done(s);
		else
			m->spends.p[kept++] = *s;
	}
	m->spends.n = kept;
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_shadow_is(struct queue *q, int64_t run_seq, bool *ret_shadow, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool is = false;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->runs.n; i++)
		is = is || (m->runs.p[i].seq == run_seq && m->runs.p[i].shadow);
	mem_unlock(q);
	*ret_shadow = is;
	return RC_OK;
}

void mem_erasure_done(struct mem_erasure *e)
{
	free(e->record);
}

static size_t erasure_place(const struct mem_store *m, const char *record)
{
	size_t i = 0;
	while (i < m->erasures.n && strcmp(m->erasures.p[i].record, record) != 0)
		i++;
	return i;
}

enum rc mem_erasure_put(struct queue *q, const char *record, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_erasure new = {NULL};
	mem_lock(q);
	bool there = erasure_place(m, record) < m->erasures.n;
	bool kept = there || (mem_keep(&new.record, record) &&
				     mem_more(&m->erasures, sizeof(*m->erasures.p)));
	if (kept && !there)
		m->erasures.p[m->erasures.n++] = new;
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for what is to be erased");
}

enum rc mem_erasure_first(
	struct queue *q, char ret_record[static QUEUE_ERASURE_N], bool *ret_any, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	*ret_any = m->erasures.n > 0;
	if (*ret_any)
		snprintf(ret_record, QUEUE_ERASURE_N, "%s", m->erasures.p[0].record);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_erasure_drop(struct queue *q, const char *record, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	size_t i = erasure_place(m, record);
	if (i < m->erasures.n) {
		mem_erasure_done(&m->erasures.p[i]);
		m->erasures.p[i] = m->erasures.p[--m->erasures.n];
	}
	mem_unlock(q);
	return RC_OK;
}
