/* SPDX-License-Identifier: MIT */
/*
 * The test double's runs that stand for several events.
 * From: memory/work.c (routing, claiming, finishing), queue.c. To: the run, which has the list of
 * the events that joined it. Fails with RC_NOMEM, and breaks the handle then, as the others.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/limit.h"
#include "queue/memory/memory.h"

void mem_session_done(struct mem_session *s)
{
	for (size_t i = 0; i < s->joined.n; i++)
		free(s->joined.p[i].hidden);
	free(s->joined.p);
	free(s->key);
	free(s->words);
}

bool mem_run_has(const struct mem_run *r, int64_t event)
{
	for (size_t i = 0; i < r->session.joined.n; i++)
		if (r->session.joined.p[i].event == event)
			return true;
	return r->event == event;
}

struct mem_event *mem_cause_event(struct mem_store *m, const struct mem_run *r)
{
	return mem_event_find(m, r->session.cause != 0 ? r->session.cause : r->event);
}

static int64_t due_of(const struct queue_join *j, int64_t limit_ms, int64_t n)
{
	int64_t due = n >= j->events_max ? j->now_ms : j->due_ms < limit_ms ? j->due_ms : limit_ms;
	return due > 2 ? due : 3;
}

bool mem_session_open(
	struct mem_run *r, const struct queue_join *j, bool parked, int64_t *ret_due_ms)
{
	struct mem_session *s = &r->session;
	int64_t due = due_of(j, j->limit_ms, 1);
	s->kind = j->kind;
	s->open = j->events_max > 1;
	s->limit_ms = j->limit_ms;
	s->size = j->size;
	r->state = QUEUE_WAITING;
	r->due_ms = parked ? -due : due;
	*ret_due_ms = due;
	return mem_keep(&s->key, j->key) && (j->words == NULL || mem_keep(&s->words, j->words));
}

struct mem_run *mem_session_find(struct mem_store *m, const struct queue_run_new *new)
{
	const struct queue_join *j = new->join;
	for (size_t i = 0; i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		struct mem_session *s = &r->session;
		if (!s->open || strcmp(r->rule, new->rule) != 0 || strcmp(s->key, j->key) != 0)
			continue;
		bool placed =
			r->due_ms == 0 && strcmp(r->also, new->also != NULL ? new->also : "") != 0;
		bool fits = (int64_t)s->joined.n + 1 < j->events_max &&
			    s->size + j->size <= j->size_max;
		bool same = s->kind == j->kind && r->shadow == new->shadow;
		if (fits && same && !placed)
			return r;
		s->open = false;
	}
	return NULL;
}

bool mem_session_take(struct mem_store *m, struct mem_run *r, const struct queue_run_new *new,
	const struct mem_event *event, int64_t *ret_due_ms)
{
	const struct queue_join *j = new->join;
	struct mem_session *s = &r->session;
	if (!mem_more(&s->joined, sizeof(*s->joined.p)))
		return false;
	struct mem_joined *one = &s->joined.p[s->joined.n++];
	one->event = event->seq;
	s->size += j->size;
	int64_t n = (int64_t)s->joined.n + 1, due = due_of(j, s->limit_ms, n);
	s->open = n < j->events_max;
	if (event->depth > mem_cause_event(m, r)->depth)
		s->cause = event->seq;
	*ret_due_ms = r->due_ms == 0 ? j->now_ms : due;
	if (r->due_ms != 0 && r->due_ms != QUEUE_LIMITED)
		r->due_ms = r->due_ms < 0 ? -due : due;
	free(s->words);
	free(r->born);
	s->words = r->born = NULL;
	return (new->hidden == NULL || mem_keep(&one->hidden, new->hidden)) &&
	       mem_keep(&r->also, new->also) && mem_keep(&r->source_hash, new->source_hash) &&
	       (j->words == NULL || mem_keep(&s->words, j->words));
}

/* --- reading and deciding --------------------------------------------------------------------- */

static enum rc give(struct mem_store *m, int64_t seq, const char *hidden, queue_joined_fn fn,
	void *ctx, struct err *err)
{
	struct mem_event *e = mem_event_find(m, seq);
	struct queue_run_parts parts = {0};
	if (e == NULL)
		return RC_OK;
	mem_body_find(m, e, &parts);
	struct queue_joined one = {
		.seq = seq,
		.id = e->id.text,
		.source = e->source,
		.via = e->via,
		.name = e->name,
		.hidden = hidden,
		.received_ms = e->received_ms,
		.cause = e->cause,
		.headers = parts.headers,
		.body = parts.body,
		.past = parts.past,
	};
	return fn(ctx, &one, err);
}

enum rc mem_joined_each(
	struct queue *q, int64_t run_seq, queue_joined_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	mem_lock(q);
	const struct mem_run *r = mem_run_find(m, run_seq);
	enum rc rc = r != NULL ? give(m, r->event, r->hidden, fn, ctx, err) : RC_OK;
	for (size_t i = 0; rc == RC_OK && r != NULL && i < r->session.joined.n; i++)
		rc = give(m, r->session.joined.p[i].event, r->session.joined.p[i].hidden, fn, ctx,
			err);
	mem_unlock(q);
	return rc;
}

static bool put(struct mem_store *m, struct mem_run *r, int64_t event, const struct queue_cause *c)
{
	struct mem_session *s = &r->session;
	char **hidden = &r->hidden;
	for (size_t i = 0; i < s->joined.n; i++)
		if (s->joined.p[i].event == event)
			hidden = &s->joined.p[i].hidden;
	if (c->hidden != NULL && !mem_keep(hidden, c->hidden))
		return false;
	if (c->depth == 0)
		return true;
	int known = mem_cause_event(m, r)->depth;
	if (!mem_cause_keep(mem_event_find(m, event), c))
		return false;
	if (c->depth > known)
		s->cause = event;
	return true;
}

enum rc mem_joined_put(struct queue *q, int64_t run_seq, int64_t epoch, int64_t event_seq,
	const struct queue_cause *cause, struct err *err)
{
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_live(mem_of(q), run_seq, epoch, &r, err);
	if (rc == RC_OK && !put(mem_of(q), r, event_seq, cause))
		rc = queue_break(q, err, "out of memory for a cause");
	mem_unlock(q);
	return rc;
}

enum rc mem_words_get(struct queue *q, int64_t run_seq, struct buf *out, struct err *err)
{
	mem_lock(q);
	const struct mem_run *r = mem_run_find(mem_of(q), run_seq);
	enum rc rc = RC_OK;
	if (r != NULL && r->session.words != NULL)
		rc = buf_put_text(out, r->session.words);
	mem_unlock(q);
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for what is kept with a run");
}
