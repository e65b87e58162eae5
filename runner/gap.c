/* SPDX-License-Identifier: MIT */
/*
 * The walks that fill gaps: when they begin, through which objects they go, what is asked of
 * Twenty. From: upkeep.c's clock, order.c. To: the client, in the lanes behind the live ones; its
 * answers go to gap_page.c and gap_sweep.c. What Twenty refuses is noted with the object, for
 * people, and tried again with the next walk. Fails by ending the process where the store fails.
 */
#include "runner/gap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/gap_judge.h"
#include "runner/order.h"
#include "runner/state.h"

#define SWEEP_LOOK_MS 60000    /* whether an object is due for the sweep */
#define TOLD_KEPT_MS 259200000 /* webhooks that come later than three days are events */
#define PRUNE_MS 60000
#define AGAIN_MS 3600000 /* what a server cannot do it may have taken many requests to find out */
#define CLOCK_KNOWN_MS 2000 /* Twenty's clock is known to a second and the way of an answer */

int64_t gap_clock_ms(const struct runner *r)
{
	int64_t ms = client_clock_ms(r->client);
	return ms >= 0 ? ms : clock_wall_ms();
}

int64_t gap_start_ms(const struct runner *r, int64_t clock_ms)
{
	return clock_ms - (clock_mono_ms() - r->gap.started_ms) + CLOCK_KNOWN_MS;
}

/* --- asking ----------------------------------------------------------------------------------- */

static json_t *since(int64_t from_ms)
{
	char text[CLOCK_TEXT_N];
	clock_format(from_ms > 0 ? from_ms : 0, text);
	return json_pack("{s:{s:s}}", "updatedAt", "gte", text);
}

/* One millisecond, in which a server may keep moments that it shows alike. */
static json_t *moment(int64_t ms)
{
	char from[CLOCK_TEXT_N], to[CLOCK_TEXT_N];
	clock_format(ms, from);
	clock_format(ms + 1, to);
	return json_pack("{s:{s:s, s:s}}", "updatedAt", "gte", from, "lt", to);
}

size_t gap_sure_n(const struct gap_walk *w)
{
	size_t left = json_array_size(w->missing) - w->sure_n;
	size_t most = w->no_deleted ? 1 : GAP_SURE_N;
	most = most < (size_t)w->limit ? most : (size_t)w->limit;
	return left < most ? left : most;
}

/* Those of the missing ids whose turn it is. */
static json_t *sure_ids(struct gap_walk *w)
{
	json_t *ids = json_array();
	size_t end = w->sure_n + gap_sure_n(w);
	for (size_t i = w->sure_n; i < end; i++)
		(void)json_array_append(ids, json_array_get(w->missing, i));
	return json_pack("{s:o}", "id", ids);
}

static json_t *list_args(struct gap_walk *w)
{
	json_t *where = NULL, *order = NULL;
	int64_t limit = w->limit;
	switch (w->step) {
	case GAP_NEWEST:
		order = json_pack("[s]", "-updatedAt");
		limit = 1;
		break;
	case GAP_FIRST:
	case GAP_LOOK:
		where = since(w->from_ms);
		order = json_pack("[s]", "updatedAt");
		break;
	case GAP_MOMENT:
		where = moment(w->moment_ms);
		order = json_pack("[s]", "id");
		break;
	case GAP_SWEEP:
		order = json_pack("[s]", "id");
		break;
	case GAP_SURE:
	case GAP_GONE:
		where = sure_ids(w);
		break;
	}
	return json_pack("{s:o*, s:o*, s:I, s:s*, s:s*}", "where", where, "order", order, "limit",
		(json_int_t)limit, "after", w->cursor, "deleted", w->no_deleted ? NULL : "also");
}

/* Where deleted records cannot be listed, they cannot be listed by their ids either. */
static bool one_by_one(const struct gap_walk *w)
{
	return w->step == GAP_SURE && w->no_deleted;
}

static void answered(void *ctx, const struct client_answer *answer);

void gap_ask(struct gap_walk *w)
{
	struct runner *r = w->r;
	struct err err = {0};
	bool one = one_by_one(w);
	json_t *args = one ? json_pack("{s:O}", "id", json_array_get(w->missing, w->sure_n))
			   : list_args(w);
	struct client_call call = {
		.op = one ? CLIENT_GET : CLIENT_LIST,
		.object = w->at->plural,
		.args = args,
		.lane = w->sweep && !w->wish.hand ? CLIENT_BACKFILL : CLIENT_GAP,
		.done = answered,
		.ctx = w,
	};
	w->asked_ms = clock_mono_ms();
	enum rc rc = args != NULL ? client_submit(r->client, &call, &w->ticket, &err)
				  : err_set(&err, RC_NOMEM, "no memory to ask");
	json_decref(args);
	w->state = GAP_ASKING;
	if (rc != RC_OK)
		gap_object_done(w, err.msg);
}

static void page_free(struct gap_walk *w)
{
	json_decref(w->page);
	free(w->next);
	w->page = NULL;
	w->next = NULL;
}

/* Keeps what came until what webhooks brought before it is routed. */
static bool keep_page(struct gap_walk *w, json_t *value)
{
	bool one = one_by_one(w);
	const char *next = one ? NULL : json_string_value(json_object_get(value, "next"));
	json_decref(w->page_before);
	w->page_before = w->page;
	w->page = one ? (json_is_null(value) ? json_array() : json_pack("[O]", value))
		      : json_incref(json_object_get(value, "records"));
	free(w->next);
	w->next = next != NULL ? strdup(next) : NULL;
	return json_is_array(w->page) && (next == NULL || w->next != NULL);
}

static void answered(void *ctx, const struct client_answer *answer)
{
	struct gap_walk *w = ctx;
	struct runner *r = w->r;
	w->ticket = 0;
	gap_tally(w, "requests", (size_t)answer->requests);
	metrics_add(METRIC_GAP_REQUESTS, (uint64_t)answer->requests);
	if (answer->code == RC_UNSUPPORTED && !w->no_deleted) {
		w->no_deleted = true; /* the documented API knows no list of them */
		gap_ask(w);
	} else if (answer->code == RC_UPSTREAM && gap_page_turns(w)) {
		/* in another order */
	} else if (answer->code == RC_TOO_LARGE && w->limit > 1) {
		w->limit = w->limit > 4 ? w->limit / 4 : 1; /* long notes */
		gap_ask(w);
	} else if (answer->code != RC_OK) {
		if (answer->code == RC_UNSUPPORTED)
			w->at->again_ms = clock_mono_ms() + AGAIN_MS;
		gap_object_done(w, answer->message);
	} else if (!keep_page(w, answer->value)) {
		gap_object_done(w, "out of memory for a page");
	} else {
		int64_t took_ms = clock_mono_ms() - w->asked_ms;
		w->now_ms = gap_clock_ms(r);
		if (w->clock_ms == 0)
			w->clock_ms = w->now_ms - took_ms;
		w->state = GAP_HERE;
		w->came_read = r->route.reads;
		w->came_ms = clock_wall_ms();
		r->route.wanted = true;
	}
}

/* --- through the objects ---------------------------------------------------------------------- */

void gap_tally(struct gap_walk *w, const char *what, size_t n)
{
	if (w->at == NULL || w->tally == NULL)
		return;
	json_t *of = json_object_get(w->tally, w->at->name);
	if (of == NULL) {
		of = json_object();
		(void)json_object_set_new(w->tally, w->at->name, of);
	}
	json_int_t before = json_integer_value(json_object_get(of, what));
	(void)json_object_set_new(of, what, json_integer(before + (json_int_t)n));
}

static bool names(const json_t *list, const char *name)
{
	size_t i;
	json_t *each;
	json_array_foreach(list, i, each)
	{
		if (strcmp(json_string_value(each), name) == 0)
			return true;
	}
	return list == NULL;
}

static bool is_due(const struct gap_walk *w, const struct gap_object *o, int64_t wall_ms)
{
	if (!o->wanted || !names(w->wish.objects, o->name))
		return false;
	if (!w->wish.hand && clock_mono_ms() < o->again_ms)
		return false;
	if (!w->sweep)
		return o->looked != w->serial;
	int64_t every_ms = w->r->settings.gap_sweep_ms;
	return o->swept != w->serial && o->first_ms != 0 &&
	       (w->wish.hand || o->swept_ms > wall_ms || wall_ms - o->swept_ms >= every_ms);
}

static void forget_object(struct gap_walk *w)
{
	page_free(w);
	json_decref(w->page_before);
	json_decref(w->missing);
	json_decref(w->gone);
	free(w->cursor);
	w->page_before = w->missing = w->gone = NULL;
	w->cursor = NULL;
	w->clock_ms = w->moment_ms = 0;
	w->copies_n = w->sure_n = w->gone_n = 0;
	w->after[0] = '\0';
	w->at = NULL;
}

/* The first look left something to its webhook, which may have come too early for this process to
 * hear: soon it will be known. */
static void look_soon(struct gap *gap, int64_t grace_ms)
{
	int64_t at_ms = clock_mono_ms() + grace_ms + CLOCK_KNOWN_MS;
	if (gap->first && gap->young && at_ms < gap->look_at_ms)
		gap->look_at_ms = at_ms;
	gap->first = false;
}

static void walk_end(struct gap_walk *w)
{
	gap_order_done(w);
	if (!w->sweep)
		look_soon(&w->r->gap, w->r->settings.gap_grace_ms);
	json_decref(w->tally);
	json_decref(w->wish.objects);
	w->tally = NULL;
	w->wish = (struct gap_wish){0};
	w->state = GAP_IDLE;
}

static void enter_object(struct gap_walk *w, struct gap_object *o)
{
	struct runner *r = w->r;
	int64_t clock_ms = client_clock_ms(r->client);
	w->at = o;
	w->limit = GAP_PAGE_N;
	w->step = w->sweep ? GAP_SWEEP : o->first_ms == 0 ? GAP_NEWEST : GAP_LOOK;
	/* A clock that was set back: a watermark ahead of it would find nothing. */
	if (!w->sweep && clock_ms >= 0 && o->from_ms > clock_ms - GAP_LATE_MS)
		o->from_ms = clock_ms - GAP_LATE_MS;
	w->from_ms = o->from_ms;
	if (w->wish.since_ms != 0)
		w->from_ms = gap_clock_ms(r) - w->wish.since_ms;
	if (w->sweep) {
		w->missing = json_array();
		w->gone = json_array();
	}
	gap_tally(w, "listed", 0);
}

static void next_object(struct gap_walk *w)
{
	struct runner *r = w->r;
	struct gap_objects *objects = &r->gap.objects;
	struct err err = {0};
	forget_object(w);
	if (gap_objects_refresh(r, objects, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	struct gap_object *o = NULL;
	int64_t wall_ms = clock_wall_ms();
	for (size_t i = 0; i < objects->n && o == NULL; i++)
		if (is_due(w, objects->p[i], wall_ms))
			o = objects->p[i];
	if (o == NULL) {
		walk_end(w);
		return;
	}
	enter_object(w, o);
	if (o->plural[0] == '\0')
		gap_object_done(w, "the workspace has no such object");
	else if (o->first_ms == 0 && w->wish.dry_run)
		gap_object_done(w, "it has no watermark yet: the first look is to come");
	else
		gap_ask(w);
}

/* Said when it begins and when it is over. */
static void note_problem(struct gap_object *o, const char *problem)
{
	struct log_fields f = {.object = o->name};
	if (strcmp(o->problem, problem) == 0)
		return;
	snprintf(o->problem, sizeof(o->problem), "%s", problem);
	if (problem[0] != '\0')
		log_warn(
			&f, "%s cannot be asked for what no webhook told of: %s", o->name, problem);
	else
		log_info(&f, "%s can be asked again for what no webhook told of", o->name);
}

void gap_object_done(struct gap_walk *w, const char *problem)
{
	struct runner *r = w->r;
	struct gap_object *o = w->at;
	struct err err = {0};
	json_t *of = json_object_get(w->tally, o->name);
	*(w->sweep ? &o->swept : &o->looked) = w->serial;
	if (problem != NULL && json_is_object(of))
		(void)json_object_set_new(of, "problem", json_string(problem));
	if (!w->wish.dry_run) {
		note_problem(o, problem != NULL ? problem : "");
		if (gap_object_put(r, o, &err) != RC_OK)
			runner_fatal(r, &err);
	}
	w->state = GAP_ASKING; /* the next one; not from within this call */
	w->between = true;
}

static void walk_begin(struct gap_walk *w, const struct gap_wish *wish)
{
	w->wish = *wish;
	w->serial = ++w->r->gap.serial;
	w->begun_ms = clock_mono_ms();
	w->tally = json_object();
	w->no_deleted = false;
	next_object(w);
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Is everything that webhooks brought before the page came routed? */
static bool inbox_is_past(const struct gap_walk *w)
{
	const struct route *route = &w->r->route;
	return route->dry_read > w->came_read || route->routed_ms > w->came_ms;
}

static enum rc step_walk(struct gap_walk *w, struct err *err)
{
	enum rc rc = RC_OK;
	if (w->state == GAP_HERE && inbox_is_past(w)) {
		w->state = GAP_BORN;
		rc = w->sweep ? gap_sweep_take(w, err) : gap_page_take(w, err);
	}
	if (rc == RC_OK && w->state == GAP_BORN && w->births_n == 0)
		rc = w->sweep ? gap_sweep_done(w, err) : gap_page_done(w, err);
	if (rc == RC_OK && w->between) {
		w->between = false;
		next_object(w);
	}
	return rc;
}

bool gap_step(struct runner *r)
{
	struct gap *gap = &r->gap;
	struct err err = {0};
	if (!gap->open || r->drain.on || !r->lead.on || r->fatal != RC_OK)
		return false;
	size_t before = r->route.births.n;
	enum rc rc = step_walk(&gap->look, &err);
	if (rc == RC_OK)
		rc = step_walk(&gap->sweep, &err);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK && r->route.births.n > before;
}

/* A receiver that was away may have missed some. */
static bool receiver_was_away(struct gap *gap)
{
	int64_t starts = metrics_value(METRIC_RESTART_RECEIVER);
	bool away = starts != gap->receiver_starts;
	gap->receiver_starts = starts;
	return away;
}

static void prune(struct runner *r, int64_t now_ms)
{
	struct err err = {0};
	size_t n = 0;
	if (now_ms < r->gap.prune_at_ms)
		return;
	r->gap.prune_at_ms = now_ms + PRUNE_MS;
	if (queue_told_prune(r->queue, clock_wall_ms() - TOLD_KEPT_MS, &n, &err) != RC_OK)
		runner_fatal(r, &err);
	else if (n != 0)
		gate_wrote(&r->gate);
}

/* The key is refused, or Twenty is away: who waits for an answer is told so. */
static void tell_trouble(struct runner *r, struct gap_wish *wish)
{
	struct client_status status;
	if (wish->order == NULL)
		return;
	client_status(r->client, &status);
	bool away = !status.reachable && status.problem[0] != '\0';
	if (!status.refused && !away)
		return;
	order_refuse(wish->order, status.refused ? RC_AUTH : RC_UNREACHABLE, "%s",
		status.problem[0] != '\0' ? status.problem : "Twenty refuses the API key");
	wish->order->forget = NULL;
	wish->order = NULL;
}

/* What was ordered begins as soon as its walk is free. */
static bool begin_ordered(struct gap *gap, struct gap_walk *w)
{
	struct gap_wish wish = gap->wish;
	if (w->state != GAP_IDLE || !wish.hand || gap->wish_sweeps != w->sweep)
		return false;
	gap->wish = (struct gap_wish){0};
	walk_begin(w, &wish);
	return true;
}

static void begin_due(struct runner *r, int64_t now_ms)
{
	struct gap *gap = &r->gap;
	const struct settings *s = &r->settings;
	const struct gap_wish usual = {.patient = true};
	if (receiver_was_away(gap) && gap->looked)
		gap->look_at_ms = now_ms;
	bool ordered = begin_ordered(gap, &gap->look) || begin_ordered(gap, &gap->sweep);
	if (ordered || s->gap_every_ms == 0)
		return;
	if (gap->look.state == GAP_IDLE && now_ms >= gap->look_at_ms) {
		gap->look_at_ms = now_ms + s->gap_every_ms;
		gap->first = !gap->looked;
		gap->looked = true;
		gap->young = false;
		walk_begin(&gap->look, &usual);
	}
	if (gap->sweep.state == GAP_IDLE && s->gap_sweep_ms != 0 && now_ms >= gap->sweep_at_ms) {
		gap->sweep_at_ms = now_ms + SWEEP_LOOK_MS;
		walk_begin(&gap->sweep, &usual);
	}
}

void gap_tick(struct runner *r)
{
	struct gap *gap = &r->gap;
	int64_t now_ms = clock_mono_ms();
	if (!r->rules.loaded || r->drain.on || !r->lead.on || r->fatal != RC_OK || !gap->open)
		return;
	tell_trouble(r, &gap->look.wish);
	tell_trouble(r, &gap->sweep.wish);
	tell_trouble(r, &gap->wish);
	begin_due(r, now_ms);
	prune(r, now_ms);
}

/* --- life ------------------------------------------------------------------------------------- */

enum rc gap_start(struct runner *r, struct err *err)
{
	struct gap *gap = &r->gap;
	*gap = (struct gap){.look.r = r, .sweep.r = r};
	gap->sweep.sweep = true;
	gap->started_ms = clock_mono_ms();
	gap->look_at_ms = gap->started_ms;
	gap->sweep_at_ms = gap->started_ms + SWEEP_LOOK_MS;
	gap->receiver_starts = metrics_value(METRIC_RESTART_RECEIVER);
	enum rc rc = gap_objects_load(r, &gap->objects, err);
	gap->open = rc == RC_OK;
	return rc;
}

static void walk_close(struct gap_walk *w)
{
	if (w->r == NULL)
		return;
	if (w->ticket != 0)
		client_cancel(w->r->client, w->ticket);
	w->ticket = 0;
	forget_object(w);
	json_decref(w->tally);
	json_decref(w->wish.objects);
	w->tally = NULL;
	w->wish = (struct gap_wish){0};
	w->state = GAP_IDLE;
	w->between = false;
	w->births_n = 0;
}

/* Whoever ordered something gives the order to the next leader. */
static void refuse_wish(struct gap_wish *wish)
{
	if (wish->order == NULL)
		return;
	wish->order->forget = NULL;
	order_refuse(wish->order, RC_BUSY, "another runner leads the store now: try again");
	wish->order = NULL;
}

void gap_drop(struct runner *r)
{
	refuse_wish(&r->gap.look.wish);
	refuse_wish(&r->gap.sweep.wish);
	refuse_wish(&r->gap.wish);
	gap_close(r);
	r->gap = (struct gap){.open = false};
}

void gap_close(struct runner *r)
{
	r->gap.open = false;
	walk_close(&r->gap.look);
	walk_close(&r->gap.sweep);
	json_decref(r->gap.wish.objects);
	r->gap.wish = (struct gap_wish){0};
	gap_objects_free(&r->gap.objects);
}
