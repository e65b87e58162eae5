/* SPDX-License-Identifier: MIT */
/*
 * The test double's copies of records: an array in the order of queue_copy_each.
 * From: queue.c. Fails with RC_NOMEM, and breaks the handle then, as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"
#include "queue/pack.h"

void mem_copy_done(struct mem_copy *c)
{
	free(c->object);
	free(c->record);
	free(c->text);
}

/* As SQLite sorts 16 bytes of a UUID behind any text. */
static bool is_uuid(const char *id)
{
	for (size_t i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (id[i] == '\0' ||
			(dash ? id[i] != '-' : strchr("0123456789abcdef", id[i]) == NULL))
			return false;
	}
	return id[36] == '\0';
}

static int by_id(const char *a, const char *b)
{
	bool a_uuid = is_uuid(a), b_uuid = is_uuid(b);
	return a_uuid != b_uuid ? (a_uuid ? 1 : -1) : strcmp(a, b);
}

static int compare(const struct mem_copy *c, const char *object, const char *record)
{
	int order = strcmp(c->object, object);
	return order != 0 ? order : by_id(c->record, record);
}

/* Where it is, or would be. */
static size_t place(const struct mem_store *m, const char *object, const char *record)
{
	size_t from = 0, to = m->copies.n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (compare(&m->copies.p[middle], object, record) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct mem_copy *find(struct mem_store *m, const char *object, const char *record)
{
	size_t i = place(m, object, record);
	struct mem_copy *c = i < m->copies.n ? &m->copies.p[i] : NULL;
	return c != NULL && compare(c, object, record) == 0 ? c : NULL;
}

static struct mem_copy *add(struct mem_store *m, const char *object, const char *record)
{
	struct mem_copy new = {0};
	size_t i = place(m, object, record);
	if (!mem_keep(&new.object, object) || !mem_keep(&new.record, record) ||
		!mem_more(&m->copies, sizeof(*m->copies.p))) {
		mem_copy_done(&new);
		return NULL;
	}
	memmove(&m->copies.p[i + 1], &m->copies.p[i], (m->copies.n - i) * sizeof(new));
	m->copies.p[i] = new;
	m->copies.n++;
	return &m->copies.p[i];
}

enum rc mem_copy_put(struct queue *q, const struct queue_copy *copy, struct err *err)
{
	struct mem_store *m = mem_of(q);
	if (copy->text.n > PACK_TEXT_MAX)
		return err_set(err, RC_TOO_LARGE, "a text of %zu bytes is too large to be kept",
			copy->text.n);
	mem_lock(q);
	struct mem_copy *c = find(m, copy->object, copy->record);
	if (c == NULL)
		c = add(m, copy->object, copy->record);
	bool kept = c != NULL && mem_keep_bytes(&c->text, &c->text_n, copy->text);
	if (kept) {
		c->updated_ms = copy->updated_ms;
		c->seen_ms = copy->seen_ms;
		c->state = copy->state;
	}
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for the copy of a record");
}

enum rc mem_copy_find(struct queue *q, const char *object, const char *record,
	struct queue_copy *ret_copy, struct err *err)
{
	struct mem *mem = (struct mem *)q;
	mem_lock(q);
	const struct mem_copy *c = find(mem->store, object, record);
	size_t n = 0;
	enum rc rc = c != NULL ? RC_OK : RC_NOT_FOUND;
	if (c != NULL && !mem_keep_bytes(&mem->copy, &n, (struct slice){c->text, c->text_n}))
		rc = err_set(err, RC_NOMEM, "out of memory for the copy of a record");
	if (rc == RC_OK)
		*ret_copy = (struct queue_copy){
			.object = object,
			.record = record,
			.updated_ms = c->updated_ms,
			.seen_ms = c->seen_ms,
			.state = c->state,
			.text = {mem->copy, n},
		};
	mem_unlock(q);
	return rc;
}

enum rc mem_copy_each(struct queue *q, const char *object, const char *after, size_t max,
	queue_copy_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	size_t i = object != NULL ? place(m, object, after != NULL ? after : "") : 0;
	if (object != NULL && after != NULL && find(m, object, after) != NULL)
		i++;
	for (size_t n = 0; rc == RC_OK && n < max && i < m->copies.n; i++, n++) {
		const struct mem_copy *c = &m->copies.p[i];
		if (object != NULL && strcmp(c->object, object) != 0)
			break;
		struct queue_copy copy = {
			.object = c->object,
			.record = c->record,
			.updated_ms = c->updated_ms,
			.seen_ms = c->seen_ms,
			.state = c->state,
		};
		rc = fn(ctx, &copy, err);
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_copy_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t kept = 0;
	(void)err;
	mem_lock(q);
	for (size_t i = 0; i < m->copies.n; i++) {
		if (strcmp(m->copies.p[i].record, record) == 0)
			mem_copy_done(&m->copies.p[i]);
		else
			m->copies.p[kept++] = m->copies.p[i];
	}
	*ret_n = m->copies.n - kept;
	m->copies.n = kept;
	mem_unlock(q);
	return RC_OK;
}
