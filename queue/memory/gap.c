/* SPDX-License-Identifier: MIT */
/*
 * The test double's gaps: an array in the order of their objects, and one of what was told.
 * From: queue.c. Fails with RC_NOMEM, and breaks the handle then, as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"

void mem_gap_done(struct mem_gap *g)
{
	free(g->object);
	free(g->problem);
}

void mem_told_done(struct mem_told *t)
{
	free(t->object);
	free(t->record);
}

static size_t gap_place(const struct mem_store *m, const char *object)
{
	size_t i = 0;
	while (i < m->gaps.n && strcmp(m->gaps.p[i].object, object) < 0)
		i++;
	return i;
}

static bool gap_is(const struct mem_store *m, size_t i, const char *object)
{
	return i < m->gaps.n && strcmp(m->gaps.p[i].object, object) == 0;
}

static bool gap_keep(struct mem_store *m, const struct queue_gap *gap)
{
	size_t i = gap_place(m, gap->object);
	if (!gap_is(m, i, gap->object)) {
		struct mem_gap new = {0};
		if (!mem_keep(&new.object, gap->object) ||
			!mem_more(&m->gaps, sizeof(*m->gaps.p))) {
			mem_gap_done(&new);
			return false;
		}
		memmove(&m->gaps.p[i + 1], &m->gaps.p[i], (m->gaps.n - i) * sizeof(new));
		m->gaps.p[i] = new;
		m->gaps.n++;
	}
	struct mem_gap *g = &m->gaps.p[i];
	g->first_ms = gap->first_ms;
	g->from_ms = gap->from_ms;
	g->asked_ms = gap->asked_ms;
	g->swept_ms = gap->swept_ms;
	return mem_keep(&g->problem, gap->problem);
}

enum rc mem_gap_put(struct queue *q, const struct queue_gap *gap, struct err *err)
{
	mem_lock(q);
	bool kept = gap_keep(mem_of(q), gap);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for a gap");
}

enum rc mem_gap_drop(struct queue *q, const char *object, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	size_t i = gap_place(m, object);
	if (gap_is(m, i, object)) {
		mem_gap_done(&m->gaps.p[i]);
		m->gaps.n--;
		memmove(&m->gaps.p[i], &m->gaps.p[i + 1], (m->gaps.n - i) * sizeof(*m->gaps.p));
	}
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_gap_each(struct queue *q, queue_gap_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; i < m->gaps.n && rc == RC_OK; i++) {
		const struct mem_gap *g = &m->gaps.p[i];
		struct queue_gap gap = {
			.object = g->object,
			.first_ms = g->first_ms,
			.from_ms = g->from_ms,
			.asked_ms = g->asked_ms,
			.swept_ms = g->swept_ms,
			.problem = g->problem,
		};
		rc = fn(ctx, &gap, err);
	}
	mem_unlock(q);
	return rc;
}

/* --- told ------------------------------------------------------------------------------------- */

static struct mem_told *told_of(struct mem_store *m, const char *object, const char *record)
{
	for (size_t i = 0; i < m->told.n; i++) {
		struct mem_told *t = &m->told.p[i];
		if (strcmp(t->record, record) == 0 && strcmp(t->object, object) == 0)
			return t;
	}
	return NULL;
}

static struct mem_told *told_add(struct mem_store *m, const char *object, const char *record)
{
	if (!mem_more(&m->told, sizeof(*m->told.p)))
		return NULL;
	struct mem_told *t = &m->told.p[m->told.n];
	*t = (struct mem_told){.until_ms = INT64_MIN};
	if (!mem_keep(&t->object, object) || !mem_keep(&t->record, record)) {
		mem_told_done(t);
		return NULL;
	}
	m->told.n++;
	return t;
}

enum rc mem_told_put(struct queue *q, const char *object, const char *record, int64_t until_ms,
	int64_t now_wall_ms, struct err *err)
{
	struct mem_store *m = mem_of(q);
	mem_lock(q);
	struct mem_told *t = told_of(m, object, record);
	if (t == NULL)
		t = told_add(m, object, record);
	if (t != NULL) {
		t->until_ms = until_ms > t->until_ms ? until_ms : t->until_ms;
		t->told_ms = now_wall_ms;
	}
	mem_unlock(q);
	return t != NULL ? RC_OK : queue_break(q, err, "out of memory for what was told");
}

enum rc mem_told_find(struct queue *q, const char *object, const char *record,
	int64_t *ret_until_ms, struct err *err)
{
	(void)err;
	mem_lock(q);
	const struct mem_told *t = told_of(mem_of(q), object, record);
	if (t != NULL)
		*ret_until_ms = t->until_ms;
	mem_unlock(q);
	return t != NULL ? RC_OK : RC_NOT_FOUND;
}

static size_t told_remove(struct mem_store *m, const char *record, int64_t before_ms, size_t most)
{
	size_t kept = 0, gone = 0;
	for (size_t i = 0; i < m->told.n; i++) {
		struct mem_told *t = &m->told.p[i];
		bool goes =
			record != NULL ? strcmp(t->record, record) == 0 : t->told_ms < before_ms;
		if (goes && gone < most) {
			mem_told_done(t);
			gone++;
		} else {
			m->told.p[kept++] = *t;
		}
	}
	m->told.n = kept;
	return gone;
}

enum rc mem_told_prune(struct queue *q, int64_t before_wall_ms, size_t *ret_n, struct err *err)
{
	(void)err;
	mem_lock(q);
	*ret_n = told_remove(mem_of(q), NULL, before_wall_ms, 500);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_told_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	(void)err;
	mem_lock(q);
	*ret_n = told_remove(mem_of(q), record, 0, SIZE_MAX);
	mem_unlock(q);
	return RC_OK;
}
