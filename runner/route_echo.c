/* SPDX-License-Identifier: MIT */
/*
 * Which events of a batch are our own writes coming back, and which of their rules they fire.
 * From: route.c, a batch of parsed events; route_match.c, each rule that an event is for. To: the
 * matches: no run, a run that sees part of the event, a run that is decided when it starts, or, in
 * a loop, a dead run that says how. Fails as the store does. Does not write.
 */
#include "runner/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "runner/actor.h"
#include "runner/state.h"

enum rc route_look(struct runner *r, struct err *err)
{
	struct route *route = &r->route;
	enum rc rc = abroad_look(r, err); /* before the ledger: what has ended by now is in there */
	for (size_t i = 0; i < route->n && rc == RC_OK; i++) {
		struct route_item *item = &route->items[i];
		struct echo_event e;
		if (item->event == NULL || item->event->object[0] == '\0')
			continue;
		echo_event_of(item->event, item->via, &e);
		item->undecided = echo_undecided(r, &e);
		rc = echo_look(r, &e, &item->view, err);
		if (rc == RC_OK)
			rc = actor_route(r, &item->view, item->event, err);
	}
	return rc;
}

/* The rule is not to see what it wrote. */
static enum rc hide(
	struct match *m, const struct event *event, const struct buf *hidden, struct err *err)
{
	if (hidden->n == 0)
		return RC_OK;
	m->hidden = strdup(hidden->p);
	if (m->hidden == NULL)
		return err_set(err, RC_NOMEM, "no memory for an event");
	return echo_hide(event, m->hidden, &m->event, err);
}

enum rc route_judge(struct runner *r, struct match *m, struct err *err)
{
	const struct route_item *item = &r->route.items[m->delivery];
	struct echo_event e;
	struct buf hidden;
	enum rc rc = RC_OK;
	m->undecided = item->undecided;
	if (item->undecided || item->view.claims_n == 0)
		return RC_OK;
	echo_event_of(item->event, item->via, &e);
	buf_init(&hidden, 32u << 10);
	switch (echo_judge(&item->view, &e, m->rule->name, m->rule->echo, &hidden)) {
	case ECHO_IS_ECHO:
		m->state = MATCH_ECHO;
		break;
	case ECHO_PART:
		rc = hide(m, item->event, &hidden, err);
		break;
	case ECHO_FIRE:
		break;
	}
	buf_done(&hidden);
	return rc;
}

/* Set off by ourselves, or by somebody who answers us? */
static enum rc look_for_loop(struct runner *r, struct match *m, const struct route_item *item,
	struct echo_tale *tale, bool *ret_loops, struct err *err)
{
	struct echo_event e;
	enum duel_verdict verdict = DUEL_FIRE;
	echo_event_of(item->event, item->via, &e);
	if (item->view.claims_n != 0)
		return echo_loops(r, &item->view, &e, m->rule->name, tale, ret_loops, err);
	enum rc rc = echo_duel(r, &e, m->rule->name, tale, &verdict, err);
	*ret_loops = verdict == DUEL_LOOP;
	m->held = verdict == DUEL_HOLD;
	return rc;
}

enum rc route_loop(struct runner *r, struct match *m, struct err *err)
{
	struct echo_tale tale;
	bool loops = false;
	if (m->undecided || r->route.items[m->delivery].event->aim[0] != '\0')
		return RC_OK;
	echo_tale_open(&tale);
	enum rc rc = look_for_loop(r, m, &r->route.items[m->delivery], &tale, &loops, err);
	if (rc == RC_OK && loops) {
		route_fail(m, RC_LOOP, NULL);
		m->tale = tale;
		return RC_OK;
	}
	echo_tale_done(&tale);
	return rc;
}

const struct event *route_event(const struct route *route, const struct match *m)
{
	return m->event != NULL ? m->event : route->items[m->delivery].event;
}
