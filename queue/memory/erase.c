/* SPDX-License-Identifier: MIT */
/*
 * The test double forgets a record, all at once.
 * From: queue.c. It empties deliveries itself, so that nothing is left to the receiver, and has no
 * file whose bytes would have to be overwritten.
 */
#include <string.h>

#include "queue/erase.h"
#include "queue/memory/memory.h"

static bool names_it(const struct queue_erase *e, struct slice bytes)
{
	for (size_t i = 0; bytes.n > 0 && i < e->needles_n; i++)
		if (memmem(bytes.p, bytes.n, e->needles[i], strlen(e->needles[i])) != NULL)
			return true;
	return false;
}

static bool text_names_it(const struct queue_erase *e, const char *text)
{
	return names_it(e, slice_of(text));
}

static void empty_run(struct mem_run *r)
{
	r->key[0] = r->error[0] = r->detail[0] = r->log[0] = '\0';
}

static void empty_event(struct mem_store *m, struct mem_event *e)
{
	e->record[0] = e->reason[0] = e->body[0] = '\0';
	e->body_n = e->headers_n = 0;
	for (size_t i = 0; i < m->deliveries.n; i++)
		if (m->deliveries.p[i].seq << 24 == e->seq)
			m->deliveries.p[i].headers_n = m->deliveries.p[i].body_n = 0;
	for (size_t i = 0; i < m->runs.n; i++) {
		if (!mem_run_has(&m->runs.p[i], e->seq))
			continue;
		empty_run(&m->runs.p[i]);
		mem_calls_forget(m, m->runs.p[i].seq);
	}
}

static void erase_events(struct mem_store *m, struct queue_erase *e)
{
	for (size_t i = 0; i < m->events.n; i++) {
		struct mem_event *event = &m->events.p[i];
		if (strcmp(event->record, e->record) != 0)
			continue;
		e->sum.open += event->open;
		if (event->open > 0)
			continue;
		e->sum.events++;
		e->sum.deliveries += (event->seq & 0xffffff) == 0;
		for (size_t k = 0; k < m->runs.n; k++)
			e->sum.runs += m->runs.p[k].event == event->seq;
		if (!e->dry)
			empty_event(m, event);
	}
}

/* When it is only counted, what is its own is still there, and counted already. */
static bool counted(struct mem_store *m, const struct queue_erase *e, const struct mem_run *r)
{
	const struct mem_event *event = e->dry ? mem_event_find(m, r->event) : NULL;
	return event != NULL && strcmp(event->record, e->record) == 0;
}

static void count_rest(const struct mem_store *m, struct queue_erase *e)
{
	for (size_t i = 0; i < m->copies.n; i++)
		e->sum.copies += strcmp(m->copies.p[i].record, e->record) == 0;
	for (size_t i = 0; i < m->writes.n; i++)
		e->sum.writes += strcmp(m->writes.p[i].record, e->record) == 0;
	for (size_t i = 0; i < m->told.n; i++)
		e->sum.told += strcmp(m->told.p[i].record, e->record) == 0;
}

static void erase_kept(struct mem_store *m, struct queue_erase *e)
{
	size_t left = 0;
	for (size_t i = 0; i < m->kvs.n; i++) {
		struct mem_kv *kv = &m->kvs.p[i];
		bool named = text_names_it(e, kv->key) ||
			     names_it(e, (struct slice){kv->value, kv->value_n});
		e->sum.kept += named;
		if (named && !e->dry)
			mem_kv_done(kv);
		else
			m->kvs.p[left++] = *kv;
	}
	m->kvs.n = left;
}

static void erase_timers(struct mem_store *m, struct queue_erase *e)
{
	size_t left = 0;
	for (size_t i = 0; i < m->timers.n; i++) {
		struct mem_timer *t = &m->timers.p[i];
		bool named = text_names_it(e, t->record) || text_names_it(e, t->key) ||
			     names_it(e, (struct slice){t->payload, t->payload_n});
		e->sum.timers += named;
		if (named && !e->dry)
			mem_timer_done(t);
		else
			m->timers.p[left++] = *t;
	}
	m->timers.n = left;
}

static void erase_others(struct mem_store *m, struct queue_erase *e)
{
	for (size_t i = 0; i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		bool named = text_names_it(e, r->key) || text_names_it(e, r->error) ||
			     text_names_it(e, r->detail) || text_names_it(e, r->log);
		if (!queue_state_ended(r->state) || !named || counted(m, e, r))
			continue;
		e->sum.runs++;
		if (!e->dry)
			empty_run(r);
	}
	for (size_t i = 0; i < m->calls.n; i++) {
		struct queue_call *c = m->calls.p[i].one.p;
		const struct mem_run *r = mem_run_find(m, m->calls.p[i].run);
		bool named = names_it(e, c->request) || names_it(e, c->answer);
		if (r == NULL || !queue_state_ended(r->state) || !named || counted(m, e, r))
			continue;
		e->sum.calls++;
		if (!e->dry)
			c->request.n = c->answer.n = 0;
	}
	erase_kept(m, e);
	erase_timers(m, e);
	for (size_t i = 0; i < m->issues.n; i++) {
		if (!text_names_it(e, m->issues.p[i].text))
			continue;
		e->sum.issues++;
		if (!e->dry)
			m->issues.p[i].text[0] = '\0';
	}
}

enum rc mem_erase_step(struct queue *q, struct queue_erase *e, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t copies = 0, writes = 0, told = 0;
	enum rc rc = RC_OK;
	mem_lock(q);
	erase_events(m, e);
	erase_others(m, e);
	if (e->dry)
		count_rest(m, e);
	mem_unlock(q);
	e->more = false;
	if (e->dry)
		return RC_OK;
	rc = queue_copy_erase(q, e->record, &copies, err);
	if (rc == RC_OK)
		rc = queue_write_erase(q, e->record, &writes, err);
	if (rc == RC_OK)
		rc = queue_told_erase(q, e->record, &told, err);
	e->sum.copies = (int64_t)copies;
	e->sum.writes = (int64_t)writes;
	e->sum.told = (int64_t)told;
	return rc;
}

enum rc mem_erase_wipe(struct queue *q, bool *ret_done, struct err *err)
{
	(void)q;
	(void)err;
	*ret_done = true;
	return RC_OK;
}

enum rc mem_erase_left(struct queue *q, int64_t *ret_n, struct err *err)
{
	(void)q;
	(void)err;
	*ret_n = 0;
	return RC_OK;
}

enum rc mem_scrub(struct queue *q, bool *ret_more, struct err *err)
{
	(void)q;
	(void)err;
	*ret_more = false;
	return RC_OK;
}
