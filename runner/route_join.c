/* SPDX-License-Identifier: MIT */
/*
 * Which runs gather events (settle, batch), and which events gather together.
 * From: route_match.c, route_ask.c (does the rule settle), route_write.c. To: queue/join.h, which
 * keeps them. A session of edits is that of a rule and a record; an event without a record has a
 * run of its own. A batch is that of a rule, or of a rule and a key. Does not put events together:
 * that is assembly.c's.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/dump.h"
#include "runner/session.h"
#include "runner/state.h"

#define EDITS_MAX 2000             /* of one session; all are read when it starts */
#define EDITS_BYTES (32 << 20)     /* of their bodies */
#define BATCH_BYTES_MAX (12 << 20) /* of a batch as its rule sees it: it is one frame */
#define BATCH_SHARE 16             /* of a run's memory: in Lua a text takes several times that */

bool route_settles(const struct rule *rule, const struct event *e)
{
	return rule->settle_ms > 0 && rule->batch_ms == 0 && event_has_record(e);
}

/* What `when` is, to be asked of the whole; NULL: it says nothing, or there is no memory. */
static char *words_of(const struct rule *rule)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	enum rc rc = RC_OK;
	if (rule->predicate != NULL)
		rc = dump_value(&out, rule->asks);
	else if (rule->when)
		rc = buf_put_text(&out, "true");
	if (rc == RC_OK)
		return out.p;
	buf_done(&out);
	return NULL;
}

static bool join_settle(const struct runner *r, struct match *m, const struct route_item *item)
{
	const struct rule *rule = m->rule;
	int64_t now = jump_now_ms(r);
	m->words = words_of(rule);
	m->join = (struct queue_join){
		.kind = SESSION_SETTLE,
		.key = item->event->record_id,
		.now_ms = now,
		.due_ms = now + rule->settle_ms,
		.limit_ms = now + rule->settle_max_ms,
		.events_max = EDITS_MAX,
		.size = (int64_t)item->raw.body.n,
		.size_max = EDITS_BYTES,
		.words = m->words,
	};
	return m->words != NULL || (rule->predicate == NULL && !rule->when);
}

/* What holds up the next batch of the rule. */
static char *hold_of(const struct rule *rule)
{
	char hold[RULESET_NAME_MAX + 16];
	snprintf(hold, sizeof(hold), "batch of %s", rule->name);
	return strdup(hold);
}

static bool join_batch(const struct runner *r, struct match *m)
{
	int64_t now = jump_now_ms(r), share = r->settings.memory_bytes / BATCH_SHARE;
	m->hold = hold_of(m->rule);
	m->join = (struct queue_join){
		.kind = SESSION_BATCH,
		.key = m->key,
		.now_ms = now,
		.due_ms = now + m->rule->batch_ms,
		.limit_ms = now + m->rule->batch_ms,
		.events_max = m->rule->batch_max,
		.size = (int64_t)route_event(&r->route, m)->text_n,
		.size_max = share < BATCH_BYTES_MAX ? share : BATCH_BYTES_MAX,
	};
	return m->hold != NULL;
}

enum rc route_join(const struct runner *r, struct match *m)
{
	const struct route_item *item = &r->route.items[m->delivery];
	bool ok = true;
	if (m->rule->batch_ms > 0)
		ok = join_batch(r, m);
	else if (route_settles(m->rule, item->event))
		ok = join_settle(r, m, item);
	return ok ? RC_OK : RC_NOMEM;
}
