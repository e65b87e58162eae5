/* SPDX-License-Identifier: MIT */
/*
 * The test double's kv: an array in the order in which keys came.
 * From: queue.c. Fails with RC_NOMEM, and breaks the handle then, as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"

#define PRUNED 500

void mem_kv_done(struct mem_kv *kv)
{
	free(kv->scope);
	free(kv->key);
	free(kv->value);
}

static struct mem_kv *find(struct mem_store *m, const char *scope, const char *key)
{
	for (size_t i = 0; i < m->kvs.n; i++)
		if (strcmp(m->kvs.p[i].scope, scope) == 0 && strcmp(m->kvs.p[i].key, key) == 0)
			return &m->kvs.p[i];
	return NULL;
}

static bool over(const struct mem_kv *kv, int64_t now_wall_ms)
{
	return kv->until_ms > 0 && kv->until_ms <= now_wall_ms;
}

static void drop(struct mem_store *m, struct mem_kv *kv)
{
	size_t i = (size_t)(kv - m->kvs.p);
	mem_kv_done(kv);
	m->kvs.n--;
	memmove(&m->kvs.p[i], &m->kvs.p[i + 1], (m->kvs.n - i) * sizeof(*m->kvs.p));
}

/* Forgets what is over, in one scope or in all (NULL), a bounded part of it. */
static size_t tidy(struct mem_store *m, const char *scope, int64_t now_wall_ms)
{
	size_t n = 0;
	for (size_t i = 0; i < m->kvs.n && n < PRUNED;) {
		struct mem_kv *kv = &m->kvs.p[i];
		if (!over(kv, now_wall_ms) || (scope != NULL && strcmp(kv->scope, scope) != 0)) {
			i++;
			continue;
		}
		drop(m, kv);
		n++;
	}
	return n;
}

static struct queue_kv_sum sum_of(const struct mem_store *m, const char *scope)
{
	struct queue_kv_sum sum = {0};
	for (size_t i = 0; i < m->kvs.n; i++) {
		const struct mem_kv *kv = &m->kvs.p[i];
		if (strcmp(kv->scope, scope) != 0)
			continue;
		sum.n++;
		sum.bytes += (int64_t)(strlen(kv->key) + kv->value_n);
	}
	return sum;
}

static enum rc make_room(struct mem_store *m, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err)
{
	for (int round = 0;; round++) {
		const struct mem_kv *was = find(m, kv->scope, kv->key);
		struct queue_kv_sum sum = sum_of(m, kv->scope);
		int64_t bytes = sum.bytes + (int64_t)kv->value.n;
		bytes += was != NULL ? -(int64_t)was->value_n : (int64_t)strlen(kv->key);
		if (sum.n + (was == NULL) <= most->n && bytes <= most->bytes)
			return RC_OK;
		if (round > 0)
			return queue_kv_full(kv->scope, most, sum.n + (was == NULL) > most->n, err);
		(void)tidy(m, kv->scope, now_wall_ms);
	}
}

static bool keep(struct mem_store *m, const struct queue_kv *kv)
{
	struct mem_kv *at = find(m, kv->scope, kv->key);
	if (at == NULL) {
		if (!mem_more(&m->kvs, sizeof(*m->kvs.p)))
			return false;
		at = &m->kvs.p[m->kvs.n];
		if (!mem_keep(&at->scope, kv->scope) || !mem_keep(&at->key, kv->key)) {
			mem_kv_done(at);
			return false;
		}
		m->kvs.n++;
	}
	at->until_ms = kv->until_ms;
	return mem_keep_bytes(&at->value, &at->value_n, kv->value);
}

enum rc mem_kv_put(struct queue *q, const struct queue_kv *kv, int64_t now_wall_ms,
	const struct queue_kv_sum *most, struct err *err)
{
	mem_lock(q);
	enum rc rc = make_room(mem_of(q), kv, now_wall_ms, most, err);
	bool kept = rc != RC_OK || keep(mem_of(q), kv);
	mem_unlock(q);
	return kept ? rc : queue_break(q, err, "out of memory for a value that a rule keeps");
}

enum rc mem_kv_find(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	struct buf *out, int64_t *ret_until_ms, struct err *err)
{
	mem_lock(q);
	const struct mem_kv *kv = find(mem_of(q), scope, key);
	enum rc rc = RC_NOT_FOUND;
	if (kv != NULL && !over(kv, now_wall_ms)) {
		rc = buf_put(out, kv->value, kv->value_n);
		if (rc == RC_OK)
			*ret_until_ms = kv->until_ms;
		else
			err_set(err, rc, "a value that a rule keeps is %s", rc_text(rc));
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_kv_drop(struct queue *q, const char *scope, const char *key, int64_t now_wall_ms,
	bool *ret_was, struct err *err)
{
	(void)err;
	mem_lock(q);
	struct mem_kv *kv = find(mem_of(q), scope, key);
	*ret_was = kv != NULL && !over(kv, now_wall_ms);
	if (kv != NULL)
		drop(mem_of(q), kv);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_kv_move(struct queue *q, const char *from, const char *to, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool kept = true;
	mem_lock(q);
	for (size_t i = 0; kept && i < m->kvs.n;) {
		struct mem_kv *kv = &m->kvs.p[i];
		if (strcmp(kv->scope, from) != 0) {
			i++;
		} else if (find(m, to, kv->key) != NULL) {
			drop(m, kv);
		} else {
			kept = mem_keep(&kv->scope, to);
			i++;
		}
	}
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for a rule's name");
}

enum rc mem_kv_prune(struct queue *q, int64_t now_wall_ms, size_t *ret_n, struct err *err)
{
	(void)err;
	mem_lock(q);
	*ret_n = tidy(mem_of(q), NULL, now_wall_ms);
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_kv_count(
	struct queue *q, const char *scope, struct queue_kv_sum *ret_sum, struct err *err)
{
	(void)err;
	mem_lock(q);
	*ret_sum = sum_of(mem_of(q), scope);
	mem_unlock(q);
	return RC_OK;
}
