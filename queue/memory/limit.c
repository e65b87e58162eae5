/* SPDX-License-Identifier: MIT */
/*
 * The test double's limits: how many runs of a rule are at work.
 * From: queue.c, memory/work.c. Everything is counted afresh. Fails with RC_NOMEM.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "queue/limit.h"
#include "queue/memory/memory.h"

void mem_limit_done(struct mem_limit *l)
{
	free(l->rule);
}

enum rc mem_limits_put(struct queue *q, const struct queue_limit *limits, size_t n, struct err *err)
{
	struct mem_store *m = mem_of(q);
	bool ok = true;
	mem_lock(q);
	while (m->limits.n > 0)
		mem_limit_done(&m->limits.p[--m->limits.n]);
	for (size_t i = 0; ok && i < n; i++) {
		ok = mem_more(&m->limits, sizeof(*m->limits.p)) &&
		     mem_keep(&m->limits.p[m->limits.n].rule, limits[i].rule);
		if (ok)
			m->limits.p[m->limits.n++].max = limits[i].max;
	}
	mem_unlock(q);
	return ok ? RC_OK : queue_break(q, err, "out of memory for a limit");
}

static int max_of(const struct mem_store *m, const char *rule)
{
	for (size_t i = 0; i < m->limits.n; i++)
		if (strcmp(m->limits.p[i].rule, rule) == 0)
			return m->limits.p[i].max;
	return INT_MAX;
}

/* Of the rule, in a state: due to run, or at work. */
static int count(const struct mem_store *m, const char *rule, enum queue_state state)
{
	int n = 0;
	for (size_t i = 0; i < m->runs.n; i++)
		n += m->runs.p[i].state == state && strcmp(m->runs.p[i].rule, rule) == 0;
	return n;
}

bool mem_has_room(const struct mem_store *m, const char *rule)
{
	return count(m, rule, QUEUE_RUNNING) < max_of(m, rule);
}

static bool is_limited(const struct mem_run *r)
{
	return r->state == QUEUE_WAITING && r->due_ms == QUEUE_LIMITED;
}

static bool any_limited(const struct mem_store *m, const char *rule, const struct mem_run *before)
{
	for (const struct mem_run *r = m->runs.p; r < before; r++)
		if (is_limited(r) && strcmp(r->rule, rule) == 0)
			return true;
	return false;
}

bool mem_is_limited(const struct mem_store *m, const char *rule)
{
	return !mem_has_room(m, rule) || any_limited(m, rule, m->runs.p + m->runs.n);
}

enum rc mem_limit(struct mem_store *m, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = m->runs.n; rc == RC_OK && i-- > 0;) { /* the youngest step back first */
		struct mem_run *r = &m->runs.p[i];
		int at_work = count(m, r->rule, QUEUE_RUNNING);
		bool over = r->state == QUEUE_DUE &&
			    count(m, r->rule, QUEUE_DUE) > max_of(m, r->rule) - at_work;
		if (!over && !(r->state == QUEUE_DUE && any_limited(m, r->rule, r)))
			continue;
		rc = mem_park(m, r, err);
		r->due_ms = QUEUE_LIMITED;
	}
	for (size_t i = 0; rc == RC_OK && i < m->runs.n; i++) {
		struct mem_run *r = &m->runs.p[i];
		int open = count(m, r->rule, QUEUE_RUNNING) + count(m, r->rule, QUEUE_DUE);
		if (!is_limited(r) || mem_is_paused(m, r->rule) || open >= max_of(m, r->rule))
			continue;
		r->due_ms = -1;
		rc = mem_unpark(m, r, err);
	}
	return rc;
}
