/* SPDX-License-Identifier: MIT */
/*
 * The sweep: all records of an object in the order of their ids, beside the copies in the same
 * order. A copy without a record is asked for by its id; one that is really gone was destroyed.
 * From: gap.c. To: gap_page.c for each record, which may have been missed by the looks; births.
 *
 * Where many are gone at once, the key may have lost a right, or the workspace may be another one:
 * that is not believed, and said, until somebody orders the sweep by hand. Where deleted records
 * cannot be listed, a record that is gone counts as deleted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "runner/gap.h"
#include "runner/gap_judge.h"
#include "runner/state.h"

#define COPIES_N 500     /* compared in one step */
#define MISSING_MAX 5000 /* of one object and sweep; the rest is found by the next */
#define BELIEVED_N 50    /* so many may be gone */
#define BELIEVED_SHARE 5 /* or a fifth of all */
#define BELIEVED_ALL 5   /* so many may be gone where none is left */

/* --- the comparison --------------------------------------------------------------------------- */

struct span { /* of ids; copies in it and records of the page, both in order */
	struct gap_walk *w;
	const char *last; /* NULL: to the end */
	size_t i;         /* of the page */
	size_t n;         /* copies so far */
	bool over, full;
	char after[64];
};

static const char *id_at(const json_t *page, size_t i)
{
	const char *id = json_string_value(json_object_get(json_array_get(page, i), "id"));
	return id != NULL ? id : "";
}

static bool is_on_page(struct span *s, const char *id)
{
	size_t n = json_array_size(s->w->page);
	while (s->i < n && strcmp(id_at(s->w->page, s->i), id) < 0)
		s->i++;
	return s->i < n && strcmp(id_at(s->w->page, s->i), id) == 0;
}

static enum rc compare(void *ctx, const struct queue_copy *copy, struct err *err)
{
	struct span *s = ctx;
	struct gap_walk *w = s->w;
	bool alive = copy->state == QUEUE_COPY_LIVE ||
		     (copy->state == QUEUE_COPY_DELETED && !w->no_deleted);
	if (s->over || (s->last != NULL && strcmp(copy->record, s->last) > 0)) {
		s->over = true;
		return RC_OK;
	}
	s->n++;
	snprintf(s->after, sizeof(s->after), "%s", copy->record);
	/* One that is no UUID never was a record of Twenty's: asking for it
	 * would have the whole question refused. */
	if (!alive || !uuid_valid(copy->record))
		return RC_OK;
	w->copies_n++;
	if (is_on_page(s, copy->record))
		return RC_OK;
	if (json_array_size(w->missing) >= MISSING_MAX) {
		s->over = true; /* millions may follow, and nobody else has a turn meanwhile */
		return RC_OK;
	}
	if (json_array_append_new(w->missing, json_string(copy->record)) != 0)
		return err_set(err, RC_NOMEM, "no memory for ids");
	return RC_OK;
}

/* From where the page before ended to where this one does. */
static enum rc compare_page(struct gap_walk *w, bool more, struct err *err)
{
	size_t n = json_array_size(w->page);
	struct span s = {.w = w, .last = more ? id_at(w->page, n - 1) : NULL};
	enum rc rc = RC_OK;
	snprintf(s.after, sizeof(s.after), "%s", w->after);
	do {
		s.n = 0;
		rc = queue_copy_each(w->r->queue, w->at->name, s.after[0] != '\0' ? s.after : NULL,
			COPIES_N, compare, &s, err);
	} while (rc == RC_OK && !s.over && s.n == COPIES_N);
	snprintf(w->after, sizeof(w->after), "%s", more ? s.last : "");
	return rc;
}

/* Ids of other servers may be in another order: then nothing can be said. */
static bool is_in_order(const struct gap_walk *w)
{
	const char *before = w->after;
	for (size_t i = 0; i < json_array_size(w->page); i++) {
		const char *id = id_at(w->page, i);
		if (strcmp(before, id) >= 0)
			return false;
		before = id;
	}
	return true;
}

static enum rc take_listed(struct gap_walk *w, struct err *err)
{
	size_t i;
	json_t *record;
	bool more = w->next != NULL && json_array_size(w->page) != 0;
	enum rc rc = RC_OK;
	w->disorder = !is_in_order(w);
	if (w->disorder)
		return RC_OK;
	json_array_foreach(w->page, i, record)
	{
		if (rc == RC_OK)
			rc = gap_page_judge(w, record, err);
	}
	return rc == RC_OK ? compare_page(w, more, err) : rc;
}

/* --- really gone? ----------------------------------------------------------------------------- */

static enum rc take_sure(struct gap_walk *w, struct err *err)
{
	size_t end = w->sure_n + gap_sure_n(w);
	for (; w->sure_n < end; w->sure_n++) {
		json_t *id = json_array_get(w->missing, w->sure_n);
		bool there = false;
		for (size_t k = 0; k < json_array_size(w->page) && !there; k++)
			there = strcmp(id_at(w->page, k), json_string_value(id)) == 0;
		if (!there && json_array_append(w->gone, id) != 0)
			return err_set(err, RC_NOMEM, "no memory for ids");
	}
	return RC_OK;
}

static bool is_believed(const struct gap_walk *w)
{
	size_t n = json_array_size(w->gone);
	bool few = n <= (n == w->copies_n ? BELIEVED_ALL : BELIEVED_N);
	return w->wish.hand || few || n <= w->copies_n / BELIEVED_SHARE;
}

/* The record as it was last seen. Where its deletion is only guessed, from now on. NULL: no memory.
 */
static json_t *last_seen(struct gap_walk *w, const struct queue_copy *copy, const char *id)
{
	char now[CLOCK_TEXT_N];
	/* Later than what was seen, or it would count as older news. */
	int64_t at_ms = w->now_ms > copy->updated_ms ? w->now_ms : copy->updated_ms + 1;
	json_t *record = copy->text.n != 0 ? json_loadb(copy->text.p, copy->text.n, 0, NULL) : NULL;
	if (!json_is_object(record)) {
		json_decref(record);
		record = json_pack("{s:s}", "id", id);
	}
	clock_format(at_ms, now);
	if (w->no_deleted &&
		(json_object_set_new(record, "deletedAt", json_string(now)) != 0 ||
			json_object_set_new(record, "updatedAt", json_string(now)) != 0)) {
		json_decref(record);
		return NULL;
	}
	return record;
}

static enum rc bear_gone(struct gap_walk *w, const char *id, struct err *err)
{
	struct queue_copy copy;
	const char *action = w->no_deleted ? "deleted" : "destroyed";
	enum rc rc = queue_copy_find(w->r->queue, w->at->name, id, &copy, err);
	if (rc == RC_PARSE)
		copy = (struct queue_copy){.state = QUEUE_COPY_LIVE};
	else if (rc != RC_OK)
		return rc == RC_NOT_FOUND ? RC_OK : rc; /* erased meanwhile */
	if (copy.state == QUEUE_COPY_GONE)
		return RC_OK; /* its webhook came meanwhile */
	gap_tally(w, action, 1);
	if (w->wish.dry_run)
		return RC_OK;
	json_t *record = last_seen(w, &copy, id);
	rc = record != NULL ? gap_bear(w, action, record, err)
			    : err_set(err, RC_NOMEM, "no memory for a record");
	json_decref(record);
	return rc;
}

static enum rc take_gone(struct gap_walk *w, struct err *err)
{
	size_t end = w->gone_n + GAP_PAGE_N, n = json_array_size(w->gone);
	enum rc rc = RC_OK;
	for (; rc == RC_OK && w->gone_n < n && w->gone_n < end; w->gone_n++)
		rc = bear_gone(w, json_string_value(json_array_get(w->gone, w->gone_n)), err);
	return rc;
}

/* --- steps ------------------------------------------------------------------------------------ */

enum rc gap_sweep_take(struct gap_walk *w, struct err *err)
{
	if (w->step == GAP_SWEEP)
		return take_listed(w, err);
	return w->step == GAP_SURE ? take_sure(w, err) : take_gone(w, err);
}

static void not_believed(struct gap_walk *w)
{
	char text[200];
	snprintf(text, sizeof(text),
		"%zu of %zu records are gone at once: not believed; if they are: moonhook "
		"reconcile --ids %s",
		json_array_size(w->gone), w->copies_n, w->at->name);
	gap_object_done(w, text);
}

/* All that was asked for is known. Nothing more is asked: what comes next is only told. */
static enum rc tell_gone(struct gap_walk *w, struct err *err)
{
	if (w->gone_n == json_array_size(w->gone)) {
		if (!w->wish.dry_run)
			w->at->swept_ms = clock_wall_ms();
		gap_object_done(w, NULL);
		return RC_OK;
	}
	w->step = GAP_GONE;
	w->state = GAP_BORN;
	return take_gone(w, err);
}

enum rc gap_sweep_done(struct gap_walk *w, struct err *err)
{
	bool more = w->step == GAP_SWEEP && w->next != NULL && json_array_size(w->page) != 0;
	if (w->disorder) {
		w->disorder = false;
		gap_object_done(w, "Twenty lists ids in another order than asked for");
	} else if (more) {
		gap_ask_from(w, GAP_SWEEP, gap_take_next(w));
	} else if (w->sure_n < json_array_size(w->missing)) {
		gap_ask_from(w, GAP_SURE, NULL);
	} else if (!is_believed(w)) {
		not_believed(w);
	} else {
		return tell_gone(w, err);
	}
	return RC_OK;
}
