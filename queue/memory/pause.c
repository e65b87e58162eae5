/* SPDX-License-Identifier: MIT */
/*
 * The test double's pauses, issues and audit log. It parks and brings back all runs at once.
 * From: queue.c; memory/work.c asks which rules are paused. Fails with RC_NOMEM, and breaks the
 * handle then, as the others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/limit.h"
#include "queue/memory/memory.h"

static struct mem_pause *find(struct mem_store *m, const char *rule)
{
	for (size_t i = 0; i < m->pauses.n; i++)
		if (strcmp(m->pauses.p[i].rule, rule) == 0)
			return &m->pauses.p[i];
	return NULL;
}

bool mem_is_paused(struct mem_store *m, const char *rule)
{
	return find(m, "*") != NULL || find(m, rule) != NULL;
}

void mem_pause_done(struct mem_pause *p)
{
	free(p->rule);
	free(p->why);
}

void mem_issue_done(struct mem_issue *i)
{
	free(i->kind);
	free(i->about);
	free(i->text);
	free(i->event);
}

void mem_audit_done(struct mem_audit *a)
{
	free(a->what);
	free(a->result);
}

static bool keep(struct mem_store *m, const struct queue_pause *pause)
{
	struct mem_pause *p = find(m, pause->rule);
	if (p != NULL)
		return mem_keep(&p->why, pause->why);
	if (!mem_more(&m->pauses, sizeof(*m->pauses.p)))
		return false;
	p = &m->pauses.p[m->pauses.n++];
	p->since_ms = pause->since_ms;
	return mem_keep(&p->rule, pause->rule) && mem_keep(&p->why, pause->why);
}

enum rc mem_pause(struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	mem_lock(q);
	enum rc rc = keep(m, pause) ? RC_OK : queue_break(q, err, "out of memory for a pause");
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		bool rests = r->state == QUEUE_DUE || r->state == QUEUE_WAITING;
		if (!rests || mem_is_parked(r) || !mem_is_paused(m, r->rule))
			continue;
		rc = mem_park(m, r, err);
		n++;
	}
	mem_unlock(q);
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

enum rc mem_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	size_t n = 0;
	enum rc rc = RC_OK;
	mem_lock(q);
	struct mem_pause *p = find(m, rule);
	if (p != NULL) {
		mem_pause_done(p);
		*p = m->pauses.p[--m->pauses.n];
	} else {
		rc = err_set(err, RC_NOT_FOUND, "rule \"%.100s\" is not paused", rule);
	}
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		if (!mem_is_parked(&m->runs.p[i]) || mem_is_paused(m, m->runs.p[i].rule))
			continue;
		rc = mem_unpark(m, &m->runs.p[i], err);
		n++;
	}
	mem_unlock(q);
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

enum rc mem_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err)
{
	(void)q;
	(void)most;
	(void)err;
	*ret_more = false;
	return RC_OK;
}

bool mem_paused(const struct queue *q, const char *rule)
{
	struct mem_store *m = ((const struct mem *)q)->store;
	pthread_mutex_lock(&m->lock);
	bool paused = mem_is_paused(m, rule);
	pthread_mutex_unlock(&m->lock);
	return paused;
}

enum rc mem_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < m->pauses.n; i++) {
		const struct mem_pause *p = &m->pauses.p[i];
		rc = fn(ctx, &(struct queue_pause){p->rule, p->why, p->since_ms, false}, err);
	}
	mem_unlock(q);
	return rc;
}

/* --- issues ----------------------------------------------------------------------------------- */

static struct mem_issue *find_issue(struct mem_store *m, const char *kind, const char *about)
{
	for (size_t i = 0; i < m->issues.n; i++)
		if (strcmp(m->issues.p[i].kind, kind) == 0 &&
			strcmp(m->issues.p[i].about, about) == 0)
			return &m->issues.p[i];
	return NULL;
}

static bool keep_issue(struct mem_store *m, const struct queue_issue *issue)
{
	struct mem_issue *i = find_issue(m, issue->kind, issue->about);
	if (i == NULL) {
		if (!mem_more(&m->issues, sizeof(*m->issues.p)))
			return false;
		i = &m->issues.p[m->issues.n++];
		i->first_ms = issue->last_ms;
		if (!mem_keep(&i->kind, issue->kind) || !mem_keep(&i->about, issue->about))
			return false;
	}
	i->count += issue->count;
	i->last_ms = issue->last_ms;
	i->acknowledged = false;
	return mem_keep(&i->text, issue->text) && mem_keep(&i->event, issue->event);
}

enum rc mem_issue_put(struct queue *q, const struct queue_issue *issue, struct err *err)
{
	mem_lock(q);
	bool kept = keep_issue(mem_of(q), issue);
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for an issue");
}

enum rc mem_issue_acknowledge(struct queue *q, const char *kind, const char *about, struct err *err)
{
	mem_lock(q);
	struct mem_issue *i = find_issue(mem_of(q), kind, about);
	if (i != NULL)
		i->acknowledged = true;
	mem_unlock(q);
	return i != NULL ? RC_OK
			 : err_set(err, RC_NOT_FOUND, "there is no issue %.40s of %.150s", kind,
				   about);
}

static int newest_first(const void *a, const void *b)
{
	const struct mem_issue *x = a, *y = b;
	if (x->last_ms != y->last_ms)
		return x->last_ms < y->last_ms ? 1 : -1;
	int by_kind = strcmp(x->kind, y->kind);
	return by_kind != 0 ? by_kind : strcmp(x->about, y->about);
}

enum rc mem_issue_each(struct queue *q, queue_issue_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	if (m->issues.n > 1)
		qsort(m->issues.p, m->issues.n, sizeof(*m->issues.p), newest_first);
	for (size_t i = 0; rc == RC_OK && i < m->issues.n; i++) {
		const struct mem_issue *is = &m->issues.p[i];
		rc = fn(ctx,
			&(struct queue_issue){is->kind, is->about, is->text, is->event, is->count,
				is->first_ms, is->last_ms, is->acknowledged},
			err);
	}
	mem_unlock(q);
	return rc;
}

/* --- audit ------------------------------------------------------------------------------------ */

enum rc mem_audit_put(
	struct queue *q, const struct queue_audit *audit, int64_t *ret_seq, struct err *err)
{
	struct mem_store *m = mem_of(q);
	mem_lock(q);
	bool kept = mem_more(&m->audits, sizeof(*m->audits.p));
	if (kept) {
		struct mem_audit *a = &m->audits.p[m->audits.n++];
		a->at_ms = audit->at_ms;
		a->uid = audit->uid;
		a->n = audit->n;
		*ret_seq = (int64_t)m->audits.n;
		kept = mem_keep(&a->what, audit->what) && mem_keep(&a->result, audit->result);
	}
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for the audit log");
}

enum rc mem_audit_end(struct queue *q, int64_t seq, int64_t n, const char *result, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool kept = true;
	mem_lock(q);
	if (seq > 0 && (size_t)seq <= m->audits.n) {
		m->audits.p[seq - 1].n = n;
		kept = mem_keep(&m->audits.p[seq - 1].result, result);
	}
	mem_unlock(q);
	return kept ? RC_OK : queue_break(q, err, "out of memory for the audit log");
}

enum rc mem_audit_each(struct queue *q, size_t limit, queue_audit_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	size_t from = limit > 0 && limit < m->audits.n ? m->audits.n - limit : 0;
	for (size_t i = from; rc == RC_OK && i < m->audits.n; i++) {
		const struct mem_audit *a = &m->audits.p[i];
		rc = fn(ctx,
			&(struct queue_audit){
				(int64_t)i + 1, a->at_ms, a->uid, a->what, a->n, a->result},
			err);
	}
	mem_unlock(q);
	return rc;
}

/* --- by hand ---------------------------------------------------------------------------------- */

static void end_again(struct mem_store *m, struct mem_event *e)
{
	int64_t n[QUEUE_STATE_N] = {0};
	if (e->open != 0 || (e->state != QUEUE_DEAD && e->state != QUEUE_QUARANTINED))
		return;
	for (size_t i = 0; i < m->runs.n; i++)
		if (mem_run_has(&m->runs.p[i], e->seq))
			n[m->runs.p[i].state]++;
	e->state = queue_event_end(n);
}

enum rc mem_run_purge(struct queue *q, const char *run_id, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_run_named(m, run_id, &r, err);
	if (rc == RC_OK && !queue_state_ended(r->state))
		rc = err_set(err, RC_INVALID, "run %s is %s; only what has ended can be removed",
			run_id, queue_state_name(r->state));
	if (rc == RC_OK) {
		size_t i = (size_t)(r - m->runs.p);
		struct mem_run gone = *r;
		mem_calls_forget(m, r->seq);
		memmove(r, r + 1, (m->runs.n - i - 1) * sizeof(*r));
		m->runs.n--;
		for (size_t k = 0; k < m->events.n; k++)
			if (mem_run_has(&gone, m->events.p[k].seq))
				end_again(m, &m->events.p[k]);
		mem_run_done(&gone);
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_run_renew(struct queue *q, const char *run_id, const char *source_hash, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_run *r;
	mem_lock(q);
	enum rc rc = mem_run_named(m, run_id, &r, err);
	if (rc == RC_OK && !queue_state_ended(r->state))
		rc = err_set(err, RC_INVALID, "run %s is %s; what is open keeps its rule", run_id,
			queue_state_name(r->state));
	char *new = rc == RC_OK ? strdup(source_hash) : NULL;
	if (rc == RC_OK && new == NULL)
		rc = err_set(err, RC_NOMEM, "out of memory for a run");
	if (rc == RC_OK) {
		free(r->source_hash);
		r->source_hash = new;
		free(r->born);
		r->born = NULL;
	}
	mem_unlock(q);
	return rc;
}

static enum rc find_event(
	struct mem_store *m, const char *id, struct mem_event **ret_event, struct err *err)
{
	size_t n = 0, runs = 0;
	for (size_t i = 0; i < m->events.n; i++) {
		if (strncmp(m->events.p[i].id.text, id, strlen(id)) != 0)
			continue;
		*ret_event = &m->events.p[i];
		n++;
	}
	if (n == 0)
		return err_set(err, RC_NOT_FOUND, "no event has the id \"%.40s\"", id);
	if (n > 1)
		return err_set(err, RC_INVALID,
			"several events have ids that begin with \"%.40s\"; type more of it", id);
	for (size_t i = 0; i < m->runs.n; i++)
		runs += mem_run_has(&m->runs.p[i], (*ret_event)->seq);
	if ((*ret_event)->state != QUEUE_QUARANTINED || runs != 0)
		return err_set(err, RC_INVALID, "event %.40s is not in quarantine itself", id);
	return RC_OK;
}

enum rc mem_event_settle(struct queue *q, const char *event_id, const char *how, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_event *e;
	char reason[1024];
	mem_lock(q);
	enum rc rc = find_event(m, event_id, &e, err);
	if (rc == RC_OK) {
		snprintf(reason, sizeof(reason), "%s; %s", e->reason, how);
		e->state = QUEUE_DONE;
		if (!mem_keep(&e->reason, reason))
			rc = queue_break(q, err, "out of memory for an event");
	}
	mem_unlock(q);
	return rc;
}

enum rc mem_event_purge(struct queue *q, const char *event_id, struct err *err)
{
	struct mem_store *m = mem_of(q);
	struct mem_event *e;
	mem_lock(q);
	enum rc rc = find_event(m, event_id, &e, err);
	if (rc == RC_OK) {
		size_t i = (size_t)(e - m->events.p);
		for (size_t k = 0; k < m->deliveries.n; k++)
			if (m->deliveries.p[k].seq << 24 == e->seq)
				m->deliveries.p[k].body_n = m->deliveries.p[k].headers_n = 0;
		mem_event_done(e);
		memmove(e, e + 1, (m->events.n - i - 1) * sizeof(*e));
		m->events.n--;
	}
	mem_unlock(q);
	return rc;
}

static bool told_before(const struct mem_store *m, size_t i, int64_t since_ms)
{
	for (size_t k = 0; k < i; k++)
		if (m->runs.p[k].created_ms >= since_ms &&
			strcmp(m->runs.p[k].rule, m->runs.p[i].rule) == 0)
			return true;
	return false;
}

enum rc mem_tally_each(
	struct queue *q, int64_t since_ms, queue_tally_fn fn, void *ctx, struct err *err)
{
	struct mem_store *m = mem_of(q);
	enum rc rc = RC_OK;
	mem_lock(q);
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		struct queue_tally t = {.rule = m->runs.p[i].rule};
		if (m->runs.p[i].created_ms < since_ms || told_before(m, i, since_ms))
			continue;
		for (size_t k = i; k < m->runs.n; k++) {
			const struct mem_run *r = &m->runs.p[k];
			bool counts = r->created_ms >= since_ms && strcmp(r->rule, t.rule) == 0;
			t.runs[r->state] += counts;
			t.parked += counts && mem_is_parked(r) && r->due_ms != QUEUE_LIMITED;
		}
		rc = fn(ctx, &t, err);
	}
	mem_unlock(q);
	return rc;
}
