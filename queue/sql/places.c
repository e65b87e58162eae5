/* SPDX-License-Identifier: MIT */
/*
 * Rules of which so many runs are at work at once.
 *
 * From: queue_limits_put; routing, claiming and finishing ask here. To: the states of runs in
 * work.db, in the open transaction; limits and counts live in memory. Where several runners share a
 * store, what they have at work together is counted anew in each transaction that claims or routes,
 * alone: claims side by side could go beyond a limit. What is due beyond a limit is parked, so that
 * no claim has to step over it, and taken back by the first that finds room. Fails as the database
 * does.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "queue/limit.h"
#include "queue/sql/sql.h"

#define LOOK_MORE 64
#define LOOK_MAX 512
#define BACK_MAX 256 /* taken back in one claim, of one rule */

struct due_run {
	int64_t seq;
	struct hold_keys keys;
	int limit;
};

void places_done(struct store *store)
{
	for (size_t i = 0; i < store->limits.n; i++)
		free(store->limits.p[i].rule);
	free(store->limits.p);
	store->limits = (struct limits){0};
}

int places_find(const struct store *store, const char *rule)
{
	for (size_t i = 0; i < store->limits.n; i++)
		if (strcmp(store->limits.p[i].rule, rule) == 0)
			return (int)i + 1;
	return 0;
}

void places_enter(struct store *store, int limit)
{
	if (limit > 0)
		store->limits.p[limit - 1].live++;
}

void places_leave(struct store *store, int limit)
{
	if (limit > 0)
		store->limits.p[limit - 1].live--;
}

static int64_t room(const struct limit_one *l)
{
	return (l->max > 0 ? l->max : INT_MAX) - l->live;
}

bool places_full(const struct store *store, int limit)
{
	return limit > 0 && room(&store->limits.p[limit - 1]) <= 0;
}

bool places_parks(const struct store *store, int limit)
{
	return limit > 0 && (store->limits.p[limit - 1].parked || places_full(store, limit));
}

void places_parked(struct store *store, int limit)
{
	store->limits.p[limit - 1].parked = true;
}

/* --- the list --------------------------------------------------------------------------------- */

static enum rc remember(struct store *store, const struct queue_limit *limit, struct err *err)
{
	struct limits *all = &store->limits;
	int found = places_find(store, limit->rule);
	if (found > 0) {
		all->p[found - 1].max = limit->max;
		return RC_OK;
	}
	struct limit_one *p = realloc(all->p, (all->n + 1) * sizeof(*p));
	char *rule = strdup(limit->rule);
	if (p != NULL)
		all->p = p;
	if (p == NULL || rule == NULL) {
		free(rule);
		return err_set(err, RC_NOMEM, "out of memory for a limit");
	}
	all->p[all->n++] = (struct limit_one){.rule = rule, .max = limit->max};
	return RC_OK;
}

/* Of rules that have no limit any more, or another name, some may be parked for one. */
static enum rc remember_parked(struct store *store, struct err *err)
{
	struct db_stmt *s = db_use(store->work, LIMIT_RULES);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct queue_limit none = {.rule = db_text(s, 0)};
		if (places_find(store, none.rule) == 0)
			rc = remember(store, &none, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* Those that are at work count from now on. */
static enum rc count_live(struct store *store, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSE_OPEN);
	db_bind_int(store->work, s, 1, QUEUE_RUNNING);
	db_bind_int(store->work, s, 2, 0);
	db_bind_int(store->work, s, 3, -1);
	for (size_t i = 0; i < store->limits.n; i++)
		store->limits.p[i].live = 0;
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		struct live_run *live = live_find(&store->live, db_int(s, 0));
		if (live == NULL)
			continue;
		live->limit = places_find(store, db_text(s, 1));
		places_enter(store, live->limit);
	}
}

/* A row of LIMIT_COUNT: so many of a rule are at work, or some are parked. */
static enum rc note_count(struct store *store, struct db_stmt *s, struct err *err)
{
	struct queue_limit none = {.rule = db_text(s, 0)};
	bool parked = db_int(s, 2) != 0;
	enum rc rc = RC_OK;
	if (parked && places_find(store, none.rule) == 0)
		rc = remember(store, &none, err);
	int limit = places_find(store, none.rule);
	if (rc != RC_OK || limit == 0)
		return rc;
	store->limits.p[limit - 1].live += db_int(s, 1);
	store->limits.p[limit - 1].parked = store->limits.p[limit - 1].parked || parked;
	return RC_OK;
}

enum rc places_count(struct store *store, struct err *err)
{
	struct limits *all = &store->limits;
	if (!store->work->driver->shared || all->n == 0 || all->counted)
		return RC_OK;
	for (size_t i = 0; i < all->n; i++) {
		all->p[i].live = 0;
		all->p[i].parked = false;
	}
	struct db_stmt *s = db_use(store->work, LIMIT_COUNT);
	for (;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row) {
			all->counted = rc == RC_OK;
			return rc;
		}
		rc = note_count(store, s, err);
		if (rc != RC_OK) {
			db_reset(s);
			return rc;
		}
	}
}

/* The oldest that is parked for the limit; 0: none is. */
static enum rc find_parked(
	struct store *store, struct limit_one *l, int64_t *ret_seq, struct err *err)
{
	bool row;
	*ret_seq = 0;
	if (!l->parked)
		return RC_OK;
	struct db_stmt *s = db_use(store->work, LIMIT_PARKED);
	db_bind_text(store->work, s, 1, l->rule);
	db_bind_int(store->work, s, 2, 1);
	enum rc rc = db_row(store->work, s, &row, err);
	if (rc != RC_OK)
		return rc;
	l->parked = row;
	if (row) {
		*ret_seq = db_int(s, 0);
		db_reset(s);
	}
	return RC_OK;
}

enum rc work_limits_put(
	struct queue *q, const struct queue_limit *limits, size_t n, struct err *err)
{
	struct store *store = store_of(q);
	enum rc rc = RC_OK;
	store->limits.counted = false;
	for (size_t i = 0; i < store->limits.n; i++)
		store->limits.p[i].max = 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = remember(store, &limits[i], err);
	if (rc == RC_OK)
		rc = remember_parked(store, err);
	if (rc == RC_OK && store->limits.n > 0)
		rc = count_live(store, err);
	/* A runner before this one may have left some. */
	for (size_t i = 0; rc == RC_OK && i < store->limits.n; i++) {
		int64_t first;
		store->limits.p[i].parked = true;
		rc = find_parked(store, &store->limits.p[i], &first, err);
	}
	return rc;
}

/* --- parking ---------------------------------------------------------------------------------- */

static enum rc load_due(
	struct store *store, size_t look, struct due_run *ret_runs, size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, PAUSE_OPEN);
	db_bind_int(store->work, s, 1, QUEUE_DUE);
	db_bind_int(store->work, s, 2, 0);
	db_bind_int(store->work, s, 3, (int64_t)look);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		int limit = places_find(store, db_text(s, 1));
		if (limit > 0)
			ret_runs[(*ret_n)++] = (struct due_run){
				db_int(s, 0), {{db_int(s, 3), db_int(s, 4)}}, limit};
	}
}

static enum rc park_over(struct store *store, const struct due_run *runs, size_t n,
	size_t *ret_parked, struct err *err)
{
	enum rc rc = RC_OK;
	*ret_parked = 0;
	for (size_t i = 0; i < store->limits.n; i++)
		store->limits.p[i].planned = 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct limit_one *l = &store->limits.p[runs[i].limit - 1];
		int64_t first = 0;
		rc = find_parked(store, l, &first, err);
		bool behind = first != 0 && first < runs[i].seq;
		if (rc != RC_OK || (!behind && l->planned++ < room(l)))
			continue;
		rc = pause_park(store, runs[i].seq, &runs[i].keys, QUEUE_DUE, -QUEUE_LIMITED, err);
		l->parked = true;
		(*ret_parked)++;
	}
	return rc;
}

static enum rc park_due(struct store *store, size_t max, struct err *err)
{
	struct due_run runs[LOOK_MAX];
	size_t look = max + LOOK_MORE < LOOK_MAX ? max + LOOK_MORE : LOOK_MAX, parked = 0;
	for (size_t total = 0; total < LOOK_MAX; total += parked) {
		size_t n = 0;
		enum rc rc = load_due(store, look, runs, &n, err);
		if (rc == RC_OK && n > 0)
			rc = work_begin(store, err);
		if (rc == RC_OK)
			rc = work_failed(store, park_over(store, runs, n, &parked, err), err);
		if (rc != RC_OK || parked == 0)
			return rc;
	}
	return RC_OK;
}

/* --- and back --------------------------------------------------------------------------------- */

static enum rc load_parked(struct store *store, const struct limit_one *l, size_t max,
	struct due_run *ret_runs, size_t *ret_n, struct err *err)
{
	struct db_stmt *s = db_use(store->work, LIMIT_PARKED);
	db_bind_text(store->work, s, 1, l->rule);
	db_bind_int(store->work, s, 2, (int64_t)max);
	for (*ret_n = 0;;) {
		bool row;
		enum rc rc = db_row(store->work, s, &row, err);
		if (rc != RC_OK || !row)
			return rc;
		ret_runs[(*ret_n)++] =
			(struct due_run){db_int(s, 0), {{db_int(s, 1), db_int(s, 2)}}, 0};
	}
}

/* Those that wait for their keys leave room to the next. */
static enum rc take_back(struct store *store, struct limit_one *l, struct err *err)
{
	struct due_run runs[BACK_MAX];
	size_t n = 0;
	int64_t left = room(l);
	if (!l->parked || left <= 0 || pause_parks(store, l->rule))
		return RC_OK;
	enum rc rc = load_parked(store, l, BACK_MAX, runs, &n, err);
	l->parked = n > 0;
	if (rc == RC_OK && n > 0)
		rc = work_begin(store, err);
	for (size_t i = 0; rc == RC_OK && left > 0 && i < n; i++) {
		bool ready = false;
		rc = pause_unpark(store, runs[i].seq, &runs[i].keys, &ready, err);
		left -= ready;
	}
	return work_failed(store, rc, err);
}

enum rc places_before_claim(struct store *store, size_t max, struct err *err)
{
	enum rc rc = store->limits.n > 0 ? work_alone(store, err) : RC_OK;
	if (rc == RC_OK)
		rc = places_count(store, err);
	if (rc == RC_OK && store->limits.n > 0)
		rc = park_due(store, max, err);
	for (size_t i = 0; rc == RC_OK && i < store->limits.n; i++)
		rc = take_back(store, &store->limits.p[i], err);
	return rc;
}
