/* SPDX-License-Identifier: MIT */
/*
 * Rules that are paused: their runs are parked, and come back.
 *
 * From: queue_pause, queue_resume, queue_pause_step; routing, claiming and finishing ask here. To:
 * the tables pause, run, hold of work.db, in the open transaction; the list of pauses is kept in
 * memory, too. A pause is a sweep over all open runs, first those due, then those that wait, until
 * a round finds none to park. What becomes due behind the sweep is parked by the claim that meets
 * it, what is released by its finish, so that none of them starts. A resumption takes the parked
 * runs in the order of their numbers; until the last is back, new ones are parked behind them. Both
 * go on after a restart.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/sql/sql.h"

#define ALL "*"
#define AT_ONCE 1000   /* runs that a pause or a resumption moves before it returns */
#define STEPS 4        /* of a sweep, before it returns */
#define LOOK_N 10000   /* open runs that one step of a sweep looks at */
#define CLAIM_PARK 512 /* due runs that one claim may park */

struct open_run { /* as a sweep sees it */
	int64_t seq, due_ms;
	struct hold_keys keys;
	bool wanted, gathers; /* gathers, where it waits for a time: it has no places then */
};

/* --- the list --------------------------------------------------------------------------------- */

static struct pause_one *find(const struct store *store, const char *rule)
{
	for (size_t i = 0; i < store->pauses.n; i++)
		if (strcmp(store->pauses.p[i].rule, rule) == 0)
			return &store->pauses.p[i];
	return NULL;
}

bool pause_stops(const struct store *store, const char *rule)
{
	for (size_t i = 0; i < store->pauses.n; i++) {
		const struct pause_one *p = &store->pauses.p[i];
		if (!p->ending && (strcmp(p->rule, ALL) == 0 || strcmp(p->rule, rule) == 0))
			return true;
	}
	return false;
}

bool pause_parks(const struct store *store, const char *rule)
{
	return store->pauses.n > 0 && (find(store, ALL) != NULL || find(store, rule) != NULL);
}

bool work_paused(const struct queue *q, const char *rule)
{
	return pause_stops((const struct store *)q, rule);
}

static void one_done(struct pause_one *p)
{
	free(p->rule);
	free(p->why);
}

void work_pauses_done(struct store *store)
{
	for (size_t i = 0; i < store->pauses.n; i++)
		one_done(&store->pauses.p[i]);
	free(store->pauses.p);
	store->pauses = (struct pauses){0};
}

static enum rc remember(struct store *store, const struct queue_pause *pause, struct err *err)
{
	struct pauses *all = &store->pauses;
	struct pause_one *p = find(store, pause->rule);
	struct pause_one new = {.rule = strdup(pause->rule),
		.why = strdup(pause->why),
		.since_ms = pause->since_ms,
		.ending = pause->ending};
	struct pause_one *more = p != NULL ? NULL : realloc(all->p, (all->n + 1) * sizeof(*more));
	if (more != NULL)
		all->p = more;
	if (new.rule == NULL || new.why == NULL || (p == NULL && more == NULL)) {
		one_done(&new);
		return err_set(err, RC_NOMEM, "out of memory for a pause");
	}
	if (p != NULL)
		one_done(p);
	else
		p = &all->p[all->n++];
	*p = new;
	return RC_OK;
}

static void forget(struct store *store, struct pause_one *p)
{
	one_done(p);
	*p = store->pauses.p[--store->pauses.n];
}

static void sweep_again(struct store *store)
{
	store->pauses.sweeping = true;
	store->pauses.sweep_state = QUEUE_DUE;
	store->pauses.sweep_to = 0;
	store->pauses.sweep_n = 0;
}

static struct queue_pause read_pause(struct db_stmt *s)
{
	return (struct queue_pause){
		.rule = db_text(s, 0),
		.why = db_text(s, 1),
		.since_ms = db_int(s, 2),
		.ending = (int)db_int(s, 3) != 0,
	};
}

enum rc work_pauses_open(struct store *store, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSES);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_pause pause = read_pause(s);
		if (!pause.ending)
			sweep_again(store);
		rc = remember(store, &pause, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

enum rc work_pause_each(struct queue *q, queue_pause_fn fn, void *ctx, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = store_need_work(store, err);
	if (rc != RC_OK || !store->has_work)
		return rc;
	struct db_stmt *s = db_use(store->work, PAUSES);
	for (;;) {
		bool row;
		rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_pause pause = read_pause(s);
		rc = fn(ctx, &pause, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* --- single runs ------------------------------------------------------------------------------ */

static enum rc ask_run(struct store *store, int64_t run,
	bool (*question)(const struct store *store, const char *rule), bool *ret_yes,
	struct err *err)
{
	*ret_yes = false;
	if (store->pauses.n == 0)
		return RC_OK;
	struct db_stmt *s = db_use(store->work, PAUSE_RUN);
	db_bind_int(store->work, s, 1, run);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc == RC_OK && row) {
		*ret_yes = question(store, db_text(s, 0));
		db_reset(s);
	}
	return rc;
}

enum rc pause_stops_run(struct store *store, int64_t run, bool *ret_stops, struct err *err)
{
	return ask_run(store, run, pause_stops, ret_stops, err);
}

enum rc pause_parks_run(struct store *store, int64_t run, bool *ret_parks, struct err *err)
{
	const struct pause_one *all = find(store, ALL);
	enum rc rc = ask_run(store, run, pause_parks, ret_parks, err);
	/* All that is older has come back: so may it. */
	if (rc == RC_OK && *ret_parks && all != NULL && all->ending && run <= all->back_to)
		return ask_run(store, run, pause_stops, ret_parks, err);
	return rc;
}

static enum rc put_run(
	struct store *store, int64_t run, enum queue_state state, int64_t due_ms, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSE_RUN_PUT);
	db_bind_int(store->work, s, 1, run);
	db_bind_int(store->work, s, 2, state);
	db_bind_int(store->work, s, 3, due_ms);
	return db_run(store->work, s, err);
}

enum rc pause_park(struct store *store, int64_t run, const struct hold_keys *keys,
	enum queue_state state, int64_t due_ms, struct err *err)
{
	enum rc rc = work_move(store, state, QUEUE_WAITING, err);
	if (rc == RC_OK)
		rc = put_run(store, run, QUEUE_WAITING, due_ms > 1 ? -due_ms : -1, err);
	return rc == RC_OK ? hold_leave(store, run, keys, err) : rc;
}

/* It takes its old place, and waits on for its time where it waited for one. */
static enum rc unpark(struct store *store, const struct open_run *run, struct err *err)
{
	bool ready = true;
	int64_t due_ms = run->due_ms < -1 ? -run->due_ms : 0;
	enum rc rc = RC_OK;
	if (due_ms == 0 || !run->gathers)
		rc = hold_again(store, run->seq, &run->keys, &ready, err);
	enum queue_state to = ready && due_ms == 0 ? QUEUE_DUE : QUEUE_WAITING;
	if (rc == RC_OK)
		rc = work_move(store, QUEUE_WAITING, to, err);
	return rc == RC_OK ? put_run(store, run->seq, to, due_ms, err) : rc;
}

enum rc pause_unpark(struct store *store, int64_t run, const struct hold_keys *keys,
	bool *ret_ready, struct err *err)
{
	enum rc rc = hold_again(store, run, keys, ret_ready, err);
	enum queue_state to = *ret_ready ? QUEUE_DUE : QUEUE_WAITING;
	if (rc == RC_OK)
		rc = work_move(store, QUEUE_WAITING, to, err);
	return rc == RC_OK ? put_run(store, run, to, 0, err) : rc;
}

/* --- many runs -------------------------------------------------------------------------------- */

/* Reads up to max rows of a bound statement: seq, rule, due_ms, hold, hold2, epoch; no more behind
 * the last of `most` that are wanted: of a rule that is paused, and not parked. ret_end: that was
 * all.
 */
static enum rc load(struct store *store, struct db_stmt *s, size_t max, size_t most,
	struct open_run *ret_runs, size_t *ret_n, bool *ret_end, struct err *err)
{
	size_t wanted = 0;
	*ret_end = false;
	for (*ret_n = 0; *ret_n < max && wanted < most;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row) {
			*ret_end = rc == RC_OK;
			return rc;
		}
		struct open_run *run = &ret_runs[(*ret_n)++];
		*run = (struct open_run){db_int(s, 0), db_int(s, 2), {{db_int(s, 3), db_int(s, 4)}},
			pause_stops(store, db_text(s, 1)), db_int(s, 5) == 0};
		wanted += run->wanted && run->due_ms >= 0;
	}
	db_reset(s);
	return RC_OK;
}

static struct db_stmt *use_open(
	struct store *store, enum queue_state state, int64_t after, size_t max)
{
	struct db_stmt *s = db_use(store->work, PAUSE_OPEN);
	db_bind_int(store->work, s, 1, state);
	db_bind_int(store->work, s, 2, after);
	db_bind_int(store->work, s, 3, (int64_t)max);
	return s;
}

/* Parks the run where it is still due or waits: parking one before it may have promoted it. */
static enum rc park_now(
	struct store *store, const struct open_run *run, size_t *parked, struct err *err)
{
	struct db_stmt *s = db_use(store->work, WORK_RUN_WAITS);
	db_bind_int(store->work, s, 1, run->seq);
	bool row;
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK || !row)
		return rc;
	enum queue_state state = (enum queue_state)(int)db_int(s, 0);
	int64_t due_ms = db_int(s, 1);
	db_reset(s);
	if (due_ms < 0 || (state != QUEUE_DUE && state != QUEUE_WAITING))
		return RC_OK;
	(*parked)++;
	return pause_park(store, run->seq, &run->keys, state, due_ms, err);
}

/* Parks at most `most` of the runs that are wanted; ret_to: the last that was looked at. */
static enum rc park_wanted(struct store *store, const struct open_run *runs, size_t n, size_t most,
	size_t *ret_parked, int64_t *ret_to, struct err *err)
{
	enum rc rc = RC_OK;
	*ret_parked = 0;
	for (size_t i = 0; rc == RC_OK && i < n && *ret_parked < most; i++) {
		*ret_to = runs[i].seq;
		if (runs[i].wanted)
			rc = park_now(store, &runs[i], ret_parked, err);
	}
	return rc;
}

enum rc pause_park_due(struct store *store, size_t max, struct err *err)
{
	struct open_run runs[CLAIM_PARK];
	size_t look = max + 64 < CLAIM_PARK ? max + 64 : CLAIM_PARK, parked = 0;
	int64_t to = 0;
	if (store->pauses.n == 0)
		return RC_OK;
	for (size_t total = 0; total < CLAIM_PARK; total += parked) {
		size_t n = 0;
		bool end;
		enum rc rc = load(store, use_open(store, QUEUE_DUE, 0, look), look, look, runs, &n,
			&end, err);
		if (rc == RC_OK && n > 0)
			rc = work_begin(store, err);
		if (rc == RC_OK)
			rc = work_failed(
				store, park_wanted(store, runs, n, n, &parked, &to, err), err);
		if (rc != RC_OK || parked == 0)
			return rc;
	}
	return RC_OK;
}

/* One step of the sweep. */
static enum rc sweep(struct store *store, size_t most, size_t *ret_parked, struct err *err)
{
	struct pauses *all = &store->pauses;
	struct open_run *runs = calloc(LOOK_N, sizeof(*runs));
	size_t n = 0;
	int64_t to = all->sweep_to;
	*ret_parked = 0;
	if (runs == NULL)
		return err_set(err, RC_NOMEM, "out of memory for pausing");
	bool end;
	enum rc rc = load(store, use_open(store, all->sweep_state, to, LOOK_N), LOOK_N, most, runs,
		&n, &end, err);
	if (rc == RC_OK && n > 0)
		rc = work_begin(store, err);
	if (rc == RC_OK)
		rc = work_failed(
			store, park_wanted(store, runs, n, most, ret_parked, &to, err), err);
	free(runs);
	all->sweep_to = end ? 0 : to;
	all->sweep_n += *ret_parked;
	if (rc != RC_OK || !end)
		return rc;
	if (all->sweep_state == QUEUE_DUE) {
		all->sweep_state = QUEUE_WAITING;
	} else if (all->sweep_n == 0) {
		all->sweeping = false;
	} else {
		sweep_again(store); /* what was parked may have made another one due */
	}
	return RC_OK;
}

static struct db_stmt *use_parked(struct store *store, const struct pause_one *p, size_t max)
{
	bool all = strcmp(p->rule, ALL) == 0;
	struct db_stmt *s = db_use(store->work, all ? PAUSE_PARKED_ALL : PAUSE_PARKED);
	if (all)
		db_bind_int(store->work, s, 1, p->back_to);
	else
		db_bind_text(store->work, s, 1, p->rule);
	db_bind_int(store->work, s, 2, (int64_t)max);
	return s;
}

static enum rc forget_stored(struct store *store, struct pause_one *p, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSE_DELETE);
	db_bind_text(store->work, s, 1, p->rule);
	enum rc rc = db_run(store->work, s, err);
	if (rc == RC_OK)
		rc = work_news(store, err);
	if (rc == RC_OK)
		forget(store, p);
	return rc;
}

/* Where others write, too, one may have been parked behind the place that we had come to: they do
 * not know it. Goes back to before the first of those; *ret_left: there is one. Alone, so that none
 * comes behind our back. Of a rule by name the first are asked for each time. */
static enum rc look_behind(struct store *store, struct pause_one *p, struct open_run *runs,
	size_t max, bool *ret_left, struct err *err)
{
	int64_t came_to = p->back_to;
	size_t n = max;
	*ret_left = false;
	if (!store->work->driver->shared || strcmp(p->rule, ALL) != 0)
		return RC_OK;
	for (p->back_to = 0; n == max && p->back_to < came_to;) {
		bool end;
		enum rc rc = load(store, use_parked(store, p, max), max, max, runs, &n, &end, err);
		for (size_t i = 0; rc == RC_OK && i < n && runs[i].seq <= came_to; i++) {
			if (!runs[i].wanted) { /* nor is its rule paused by name */
				*ret_left = true;
				return RC_OK;
			}
			p->back_to = runs[i].seq;
		}
		if (rc != RC_OK || (n > 0 && runs[n - 1].seq > came_to))
			return rc;
	}
	return RC_OK;
}

/* Brings back the next of a resumed rule; with the last of them its pause is over. *p is gone then.
 */
static enum rc bring_back(
	struct store *store, struct pause_one *p, size_t most, size_t *ret_n, struct err *err)
{
	struct open_run *runs = calloc(most, sizeof(*runs));
	size_t n = 0;
	*ret_n = 0;
	if (runs == NULL)
		return err_set(err, RC_NOMEM, "out of memory for resuming");
	bool end;
	enum rc rc = load(store, use_parked(store, p, most), most, most, runs, &n, &end, err);
	if (rc == RC_OK)
		rc = work_begin(store, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		p->back_to = runs[i].seq;
		if (runs[i].wanted) /* its rule is paused by name */
			continue;
		(*ret_n)++;
		rc = unpark(store, &runs[i], err);
	}
	bool left = false;
	if (rc == RC_OK && end)
		rc = look_behind(store, p, runs, most, &left, err);
	free(runs);
	if (rc == RC_OK && end && !left)
		rc = forget_stored(store, p, err);
	return work_failed(store, rc, err);
}

enum rc work_pause_step(struct queue *q, size_t most, bool *ret_more, struct err *err)
{
	struct store *store = store_of(q);
	struct pauses *all = &store->pauses;
	enum rc rc = work_alone(store, err);
	size_t n = 0;
	if (rc == RC_OK && all->sweeping && most > 0)
		rc = sweep(store, most, &n, err);
	for (size_t i = all->n; rc == RC_OK && i > 0 && most > 0; i--)
		if (all->p[i - 1].ending)
			rc = bring_back(store, &all->p[i - 1], most, &n, err);
	bool more = all->sweeping;
	for (size_t i = 0; i < all->n; i++)
		more = more || all->p[i].ending;
	if (rc == RC_OK)
		*ret_more = more;
	return work_quiet(store, rc);
}

/* --- pause and resume ------------------------------------------------------------------------- */

static enum rc put_pause(struct store *store, const struct queue_pause *pause, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSE_PUT);
	db_bind_text(store->work, s, 1, pause->rule);
	db_bind_text(store->work, s, 2, pause->why);
	db_bind_int(store->work, s, 3, pause->since_ms);
	db_bind_int(store->work, s, 4, pause->ending ? 1 : 0);
	enum rc rc = db_run(store->work, s, err);
	if (rc == RC_OK)
		rc = work_news(store, err);
	return rc == RC_OK ? remember(store, pause, err) : rc;
}

enum rc work_pause(struct queue *q, const struct queue_pause *pause, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	struct queue_pause new = *pause;
	size_t n = 0;
	enum rc rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	const struct pause_one *before = find(store, pause->rule);
	bool again = before != NULL && !before->ending;
	if (again)
		new.since_ms = before->since_ms;
	new.ending = false;
	rc = put_pause(store, &new, err);
	/* Runs that are coming back stay where they are. */
	for (size_t i = store->pauses.n; rc == RC_OK && i > 0 && strcmp(new.rule, ALL) == 0; i--)
		if (store->pauses.p[i - 1].ending)
			rc = forget_stored(store, &store->pauses.p[i - 1], err);
	rc = work_failed(store, rc, err);
	if (rc != RC_OK)
		return rc;
	if (!again)
		sweep_again(store);
	for (int i = 0; rc == RC_OK && i < STEPS && store->pauses.sweeping && n < AT_ONCE; i++) {
		size_t part;
		rc = sweep(store, AT_ONCE - n, &part, err);
		n += rc == RC_OK ? part : 0;
	}
	if (rc == RC_OK)
		*ret_n = n;
	return rc;
}

enum rc work_resume(struct queue *q, const char *rule, size_t *ret_n, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = work_alone(store, err);
	if (rc != RC_OK)
		return rc;
	struct pause_one *p = find(store, rule);
	const struct pause_one *all = find(store, ALL);
	if (p == NULL || p->ending)
		return work_quiet(
			store, err_set(err, RC_NOT_FOUND, "rule \"%.100s\" is not paused", rule));
	rc = work_begin(store, err);
	if (rc != RC_OK)
		return rc;
	*ret_n = 0;
	/* While all are paused, its runs stay with the others. */
	if (all != NULL && all != p && !all->ending)
		return work_failed(store, forget_stored(store, p, err), err);
	struct queue_pause ending = {p->rule, p->why, p->since_ms, true};
	rc = work_failed(store, put_pause(store, &ending, err), err);
	return rc == RC_OK ? bring_back(store, find(store, rule), AT_ONCE, ret_n, err) : rc;
}
