/* SPDX-License-Identifier: MIT */
/*
 * The test double: the ledger of our own writes, and the causes of events.
 *
 * From: queue.c through the table in memory/memory.c. The same rules as sql/ledger.c.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/memory/memory.h"

void mem_write_done(struct mem_write *w)
{
	free(w->record);
	free(w->object);
	free(w->fields);
	free(w->rule);
}

static int depth_of(struct mem_store *m, const struct mem_run *run)
{
	const struct mem_event *e = mem_cause_event(m, run);
	return e != NULL ? e->depth : 0;
}

static bool store_write(
	struct mem_store *m, const struct mem_run *run, const struct queue_write *write)
{
	if (!mem_more(&m->writes, sizeof(*m->writes.p)))
		return false;
	struct mem_write *new = &m->writes.p[m->writes.n++];
	new->action = write->action;
	new->at_ms = write->at_ms;
	new->since_ms = write->since_ms;
	new->written_ms = write->written_ms;
	new->run = run->seq;
	new->depth = depth_of(m, run);
	return mem_keep(&new->record, write->record) && mem_keep(&new->object, write->object) &&
	       (write->fields == NULL || mem_keep(&new->fields, write->fields)) &&
	       mem_keep(&new->rule, run->rule);
}

enum rc mem_write_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_write *write, struct err *err)
{
	struct mem_run *run;
	mem_lock(q);
	enum rc rc = mem_live(mem_of(q), run_seq, epoch, &run, err);
	if (rc == RC_OK && !store_write(mem_of(q), run, write))
		rc = queue_break(q, err, "out of memory for the ledger");
	mem_unlock(q);
	return rc;
}

static bool is_in(const struct mem_write *w, const struct queue_span *span)
{
	if (w->at_ms == 0 || (w->at_ms > span->to_ms && w->since_ms > 0))
		return true;
	return w->at_ms >= span->from_ms && w->at_ms <= span->to_ms;
}

enum rc mem_write_each(struct queue *q, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err)
{
	const struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	size_t n = 0;
	mem_lock(q);
	for (size_t i = m->writes.n; i-- > 0 && rc == RC_OK && n < QUEUE_WRITES_MAX;) {
		const struct mem_write *w = &m->writes.p[i];
		if (strcmp(w->record, record) != 0 || !is_in(w, span))
			continue;
		n++;
		struct queue_write write = {
			.record = w->record,
			.object = w->object,
			.action = w->action,
			.at_ms = w->at_ms,
			.since_ms = w->since_ms,
			.written_ms = w->written_ms,
			.fields = w->fields,
			.rule = w->rule,
			.run = w->run,
			.depth = w->depth,
		};
		rc = fn(ctx, &write, err);
	}
	mem_unlock(q);
	return rc;
}

/* Removes those that go; the order of the rest stays. */
static size_t forget(struct mem_store *m, bool (*goes)(const struct mem_write *w, const void *ctx),
	const void *ctx)
{
	size_t kept = 0, n = m->writes.n;
	for (size_t i = 0; i < n; i++) {
		if (goes(&m->writes.p[i], ctx))
			mem_write_done(&m->writes.p[i]);
		else
			m->writes.p[kept++] = m->writes.p[i];
	}
	m->writes.n = kept;
	return n - kept;
}

struct past {
	int64_t before_ms;
	const struct mem_write *beyond; /* the first that stays, whatever its age allows */
};

static bool is_past(const struct mem_write *w, const void *ctx)
{
	const struct past *past = ctx;
	return w->written_ms < past->before_ms || w < past->beyond;
}

enum rc mem_write_prune(
	struct queue *q, int64_t before_wall_ms, int64_t keep_n, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	struct past past = {before_wall_ms, m->writes.p};
	if (keep_n > 0 && m->writes.n > (size_t)keep_n)
		past.beyond += m->writes.n - (size_t)keep_n;
	*ret_n = forget(m, is_past, &past);
	mem_unlock(q);
	return RC_OK;
}

static bool is_of(const struct mem_write *w, const void *ctx)
{
	return strcmp(w->record, ctx) == 0;
}

enum rc mem_write_erase(struct queue *q, const char *record, size_t *ret_n, struct err *err)
{
	(void)err;
	mem_lock(q);
	*ret_n = forget(mem_of(q), is_of, record);
	mem_unlock(q);
	return RC_OK;
}

/* --- causes ----------------------------------------------------------------------------------- */

bool mem_cause_keep(struct mem_event *e, const struct queue_cause *cause)
{
	if (cause->depth == 0 && cause->run == 0)
		return true;
	e->cause = cause->run;
	e->depth = cause->depth;
	return mem_keep(&e->cause_fields, cause->fields);
}

enum rc mem_cause_put(struct queue *q, int64_t run_seq, int64_t epoch,
	const struct queue_cause *cause, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *run;
	mem_lock(q);
	enum rc rc = mem_live(m, run_seq, epoch, &run, err);
	bool ok = rc != RC_OK ||
		  (mem_cause_keep(mem_event_find(m, run->event), cause) &&
			  (cause->hidden == NULL || mem_keep(&run->hidden, cause->hidden)));
	if (!ok)
		rc = queue_break(q, err, "out of memory for a cause");
	mem_unlock(q);
	return rc;
}

enum rc mem_cause_find(
	struct queue *q, int64_t run_seq, struct queue_cause *ret_cause, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	*ret_cause = (struct queue_cause){0};
	mem_lock(q);
	const struct mem_run *run = mem_run_find(m, run_seq);
	const struct mem_event *e = run != NULL ? mem_cause_event(m, run) : NULL;
	if (e != NULL)
		*ret_cause = (struct queue_cause){
			e->cause, e->depth, e->depth > 0 ? e->cause_fields : NULL, run->hidden};
	mem_unlock(q);
	return RC_OK;
}

enum rc mem_step_get(struct queue *q, int64_t run_seq, struct queue_step *ret_step, struct err *err)
{
	struct mem_store *m = mem_of(q);
	(void)err;
	mem_lock(q);
	const struct mem_run *run = mem_run_find(m, run_seq);
	const struct mem_event *e = run != NULL ? mem_cause_event(m, run) : NULL;
	if (e != NULL)
		*ret_step = (struct queue_step){
			.run = run_seq,
			.run_id = run->id.text,
			.rule = run->rule,
			.event_id = e->id.text,
			.name = e->name,
			.object = e->object,
			.record = e->record,
			.via = e->via,
			.fields = e->cause_fields != NULL ? e->cause_fields : "",
			.cause = e->cause,
			.depth = e->depth,
		};
	mem_unlock(q);
	return e != NULL ? RC_OK : RC_NOT_FOUND;
}
