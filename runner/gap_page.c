/* SPDX-License-Identifier: MIT */
/*
 * One page of a look: records -> copies and events, then the watermark.
 * From: gap.c, when what webhooks brought before the page is routed. To: route.c, as births; the
 * store. Events of a page are routed before its watermark is written, in one transaction with it.
 * Does not decide what happened to a record (gap_judge.c), nor what its event says (route_seen.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runner/dump.h"
#include "runner/gap.h"
#include "runner/gap_judge.h"
#include "runner/past.h"
#include "runner/state.h"

#define TEXT_MAX (15u << 20)

/* --- events ----------------------------------------------------------------------------------- */

static void on_routed(void *ctx)
{
	struct gap_walk *w = ctx;
	if (w->births_n > 0)
		w->births_n--;
}

enum rc gap_bear(struct gap_walk *w, const char *action, json_t *record, struct err *err)
{
	char name[GAP_NAME_N + 16];
	struct buf body;
	buf_init(&body, TEXT_MAX);
	snprintf(name, sizeof(name), "%s.%s", w->at->name, action);
	json_t *event = json_pack("{s:s, s:O}", "eventName", name, "record", record);
	enum rc rc = event != NULL ? dump_value(&body, event) : RC_NOMEM;
	json_decref(event);
	struct birth_new birth = {
		.via = "gap",
		.body = buf_slice(&body),
		.received_ms = clock_wall_ms(),
		.routed = on_routed,
		.ctx = w,
	};
	if (rc == RC_OK)
		rc = route_offer(w->r, &birth, err);
	else
		err_set(err, rc, "an event of %s is %s", w->at->name, rc_text(rc));
	if (rc == RC_OK)
		w->births_n++;
	buf_done(&body);
	return rc;
}

/* --- copies ----------------------------------------------------------------------------------- */

static enum rc put_copy(struct gap_walk *w, const char *id, const json_t *record, struct slice text,
	struct err *err)
{
	bool deleted = json_is_string(json_object_get(record, "deletedAt"));
	struct queue_copy copy = {
		.object = w->at->name,
		.record = id,
		.updated_ms = event_updated_ms(record),
		.seen_ms = clock_wall_ms(),
		.state = deleted ? QUEUE_COPY_DELETED : QUEUE_COPY_LIVE,
		.text = text,
	};
	if (w->wish.dry_run)
		return RC_OK;
	gate_wrote(&w->r->gate);
	return queue_copy_put(w->r->queue, &copy, err);
}

/* --- a record --------------------------------------------------------------------------------- */

struct look { /* at one record */
	json_t *record;
	const char *id;
	struct buf text; /* as copies are kept */
	struct queue_copy copy;
	bool seen;
	struct past past; /* what differs from the copy, where that is known */
	bool compared;
};

static void look_done(struct look *l)
{
	buf_done(&l->text);
	past_done(&l->past);
}

/* A damaged copy is as good as none: the one that is put in its place heals it. */
static enum rc find_copy(struct gap_walk *w, struct look *l, struct err *err)
{
	enum rc rc = queue_copy_find(w->r->queue, w->at->name, l->id, &l->copy, err);
	l->seen = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NOT_FOUND || rc == RC_PARSE ? RC_OK : rc;
	if (l->copy.text.n == 0)
		return RC_OK;
	rc = past_compare(buf_slice(&l->text), l->copy.text, NULL, &l->past);
	l->compared = rc == RC_OK;
	return rc == RC_NOMEM ? err_set(err, rc, "no memory to compare records") : RC_OK;
}

static enum rc look_at(struct gap_walk *w, json_t *record, struct look *l, struct err *err)
{
	*l = (struct look){.record = record};
	buf_init(&l->text, TEXT_MAX);
	l->id = json_string_value(json_object_get(record, "id"));
	if (l->id == NULL || l->id[0] == '\0' || strlen(l->id) >= EVENT_RECORD_N)
		return RC_NOT_FOUND; /* no record of Twenty's */
	json_t *kept = json_copy(record);
	(void)json_object_del(kept, PAST_INDEX);
	enum rc rc = kept != NULL ? dump_value(&l->text, kept) : RC_NOMEM;
	json_decref(kept);
	if (rc != RC_OK)
		return err_set(err, rc, "a record of %s is %s", w->at->name, rc_text(rc));
	return find_copy(w, l, err);
}

static struct gap_bounds bounds_of(const struct gap_walk *w)
{
	const struct runner *r = w->r;
	struct gap_bounds b = {w->at->first_ms, INT64_MAX};
	/* What happened before the process began has no webhook on its way. */
	int64_t start_ms = gap_start_ms(r, w->now_ms);
	int64_t grace_ms = w->now_ms - r->settings.gap_grace_ms;
	if (w->wish.patient)
		b.settled_ms = grace_ms > start_ms ? grace_ms : start_ms;
	return b;
}

static enum rc take_verdict(
	struct gap_walk *w, struct look *l, enum gap_verdict verdict, struct err *err)
{
	const char *action = gap_action(verdict);
	switch (verdict) {
	case GAP_KNOWN:
		gap_tally(w, "known", 1);
		return RC_OK;
	case GAP_YOUNG:
		gap_tally(w, "young", 1);
		w->r->gap.young = true;
		return RC_OK;
	case GAP_BEFORE:
	case GAP_TOUCHED:
		gap_tally(w, "known", 1);
		return put_copy(w, l->id, l->record, buf_slice(&l->text), err);
	case GAP_CREATED:
	case GAP_UPDATED:
	case GAP_DELETED:
	case GAP_RESTORED:
		break;
	}
	gap_tally(w, action, 1);
	return w->wish.dry_run ? RC_OK : gap_bear(w, action, l->record, err);
}

enum rc gap_page_judge(struct gap_walk *w, json_t *record, struct err *err)
{
	struct look l;
	struct gap_bounds bounds = bounds_of(w);
	enum rc rc = look_at(w, record, &l, err);
	if (rc == RC_OK) {
		struct gap_case c = {
			.record = record,
			.copy = l.seen ? &l.copy : NULL,
			.names = l.compared ? l.past.names : NULL,
		};
		gap_tally(w, "listed", 1);
		rc = take_verdict(w, &l, gap_judge(&c, &bounds), err);
	}
	look_done(&l);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* --- an object's first time ------------------------------------------------------------------- */

/* From now on; but what was changed a moment ago may not all be visible yet, so that what is has to
 * be known apart. */
static void begin_from(struct gap_walk *w)
{
	struct gap_object *o = w->at;
	const json_t *newest = json_array_get(w->page, 0);
	int64_t newest_ms = newest != NULL ? event_updated_ms(newest) : 0;
	o->first_ms = w->clock_ms;
	/* The Date of an answer has no fractions, and the answer was on its way. */
	if (newest_ms > o->first_ms && newest_ms <= w->now_ms + 2000)
		o->first_ms = newest_ms;
	o->from_ms = o->first_ms - GAP_LATE_MS;
	o->swept_ms = clock_wall_ms(); /* the first sweep can wait a day */
	w->from_ms = o->from_ms;
}

static enum rc keep_first(struct gap_walk *w, json_t *record, struct err *err)
{
	struct look l;
	enum rc rc = look_at(w, record, &l, err);
	if (rc == RC_OK && !l.seen && event_updated_ms(record) <= w->at->first_ms)
		rc = put_copy(w, l.id, record, buf_slice(&l.text), err);
	look_done(&l);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* --- a page ----------------------------------------------------------------------------------- */

enum rc gap_page_take(struct gap_walk *w, struct err *err)
{
	size_t i;
	json_t *record;
	enum rc rc = RC_OK;
	if (w->step == GAP_NEWEST) {
		begin_from(w);
		return RC_OK;
	}
	bool first = (w->step == GAP_MOMENT ? w->back : w->step) == GAP_FIRST;
	json_array_foreach(w->page, i, record)
	{
		if (rc == RC_OK)
			rc = first ? keep_first(w, record, err) : gap_page_judge(w, record, err);
	}
	return rc;
}

/* Does the page hold a record that the one before did not? */
static bool is_new(const struct gap_walk *w)
{
	for (size_t i = json_array_size(w->page); i > 0; i--) {
		const json_t *id = json_object_get(json_array_get(w->page, i - 1), "id");
		bool found = false;
		for (size_t k = 0; k < json_array_size(w->page_before) && !found; k++)
			found = json_equal(
				id, json_object_get(json_array_get(w->page_before, k), "id"));
		if (!found)
			return true;
	}
	return false;
}

static const json_t *last_of(const json_t *page)
{
	size_t n = json_array_size(page);
	return n != 0 ? json_array_get(page, n - 1) : NULL;
}

static int64_t last_updated_ms(const struct gap_walk *w)
{
	return event_updated_ms(last_of(w->page));
}

static const char *id_text(const json_t *record)
{
	const char *id = json_string_value(json_object_get(record, "id"));
	return id != NULL ? id : "";
}

/* Does the page begin in front of where the one before ended? A list in order never does; one that
 * goes round in circles would never end. */
static bool goes_back(const struct gap_walk *w)
{
	const json_t *before = last_of(w->page_before), *here = json_array_get(w->page, 0);
	if (before == NULL || here == NULL)
		return false;
	if (w->step == GAP_MOMENT)
		return strcmp(id_text(here), id_text(before)) < 0;
	return event_updated_ms(here) < event_updated_ms(before);
}

/* The watermark may go as far as everything is visible. */
static void advance(struct gap_walk *w, int64_t to_ms)
{
	struct gap_object *o = w->at;
	int64_t most_ms = w->clock_ms - GAP_LATE_MS - w->r->settings.gap_grace_ms;
	int64_t from_ms = to_ms < most_ms ? to_ms : most_ms;
	if (w->wish.since_ms == 0 && from_ms > o->from_ms)
		o->from_ms = from_ms;
}

void gap_ask_from(struct gap_walk *w, enum gap_step step, char *cursor)
{
	free(w->cursor);
	w->cursor = cursor;
	w->step = step;
	if (cursor == NULL) { /* another list, which may hold the same */
		json_decref(w->page);
		w->page = NULL;
	}
	gap_ask(w);
}

char *gap_take_next(struct gap_walk *w)
{
	char *next = w->next;
	w->next = NULL;
	return next;
}

/* Some servers keep moments finer than they show them, and put a cursor in front of all that look
 * alike. Where those fill a page, it would come again and again: that millisecond is listed in
 * another order. */
static void ask_moment(struct gap_walk *w)
{
	if (w->step != GAP_MOMENT)
		w->back = w->step;
	w->moment_ms = last_updated_ms(w);
	gap_ask_from(w, GAP_MOMENT, NULL);
}

/* The client does not believe a cursor that leads back to where it came from. */
bool gap_page_turns(struct gap_walk *w)
{
	bool turns = (w->step == GAP_LOOK || w->step == GAP_FIRST) && w->cursor != NULL;
	if (turns)
		ask_moment(w);
	return turns;
}

static void moment_done(struct gap_walk *w)
{
	w->from_ms = w->moment_ms + 1;
	gap_ask_from(w, w->back, NULL);
}

static enum rc pages_done(struct gap_walk *w)
{
	if (!w->wish.dry_run)
		w->at->asked_ms = clock_wall_ms();
	gap_object_done(w, NULL);
	return RC_OK;
}

enum rc gap_page_done(struct gap_walk *w, struct err *err)
{
	bool more = w->next != NULL && json_array_size(w->page) != 0;
	bool stuck = more && w->page_before != NULL && !is_new(w);
	enum rc rc = RC_OK;
	if (w->step == GAP_NEWEST) {
		if (last_updated_ms(w) < w->from_ms)
			return pages_done(w);
		gap_ask_from(w, GAP_FIRST, NULL);
	} else if ((w->step == GAP_MOMENT && stuck) || goes_back(w)) {
		gap_object_done(w, "Twenty's cursor does not move, or leads back");
	} else if (w->step == GAP_MOMENT && !more) {
		moment_done(w);
	} else if (stuck) {
		ask_moment(w);
	} else {
		if (w->step == GAP_LOOK && !w->wish.dry_run)
			advance(w, more ? last_updated_ms(w) : INT64_MAX);
		if (!more)
			return pages_done(w);
		if (!w->wish.dry_run)
			rc = gap_object_put(w->r, w->at, err);
		gap_ask_from(w, w->step, gap_take_next(w));
	}
	return rc;
}
