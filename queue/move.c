/* SPDX-License-Identifier: MIT */
/*
 * A store moves: who may be copied into what, in which order the marks are set, and what then
 * happens.
 *
 * From: `moonhook store`. To: the sides (move/sqlite.c, move/postgres.c), table by table
 * (move/walk.c).
 *
 *   TO: filling ->  rows  ->  FROM: moved  ->  TO: no mark
 *
 * Between any two of these steps at least one store has a mark, and never none of them: whatever
 * the moment at which this ends, at most one can be worked on, and doing it again goes on. While
 * somebody works on FROM only the first two are done. Fails with FROM as it was, but for its mark
 * at the end.
 */
#include "queue/move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/move/walk.h"

/* --- sides ------------------------------------------------------------------------------------ */

static enum rc side_init(
	struct move_side *side, const struct queue_place *place, bool fills, struct err *err)
{
	const char *store = place->store;
	bool postgres = queue_place_away(place);
	*side = (struct move_side){
		.place = place, .store = store, .fills = fills, .locks = {-1, -1}};
	side->kind = postgres ? MOVE_POSTGRES : MOVE_SQLITE;
	side->driver = postgres ? &move_postgres : &move_sqlite;
	if (!postgres && (store[0] == '\0' || strstr(store, "://") != NULL ||
				 strncmp(store, "memory:", 7) == 0))
		return err_set(err, RC_INVALID,
			"\"%.100s\" is no store that can be copied: name a folder, or "
			"postgres://user@host/database",
			store);
	return RC_OK;
}

/* The row of a table that has one: its nth number. */
static enum rc progress_of(struct move_side *side, int nth, int64_t *ret_value, struct err *err)
{
	struct db *db = side->db[MOVE_WORK];
	struct db_stmt *s = db_use(db, move_sql((int)move_tables_n - 1, MOVE_FIRST));
	bool row;
	db_bind_int(db, s, 1, 1);
	enum rc rc = db_row(db, s, &row, err);
	*ret_value = rc == RC_OK && row ? db_int(s, nth) : 0;
	db_reset(s);
	return rc;
}

static enum rc id_of(struct move_side *side, int64_t *ret_id, struct err *err)
{
	return db_meta_get(side->db[MOVE_WORK], "seen_seed", ret_id, err);
}

/* Is there anything in it that a copy would have to take out? */
static enum rc is_empty(struct move_side *side, bool *ret_empty, struct err *err)
{
	int64_t position = 0, last_run = 0;
	enum rc rc = progress_of(side, 1, &position, err);
	if (rc == RC_OK)
		rc = progress_of(side, 3, &last_run, err);
	*ret_empty = rc == RC_OK && position == 0 && last_run == 0;
	for (size_t i = 0; rc == RC_OK && *ret_empty && i < move_tables_n - 1; i++) {
		struct db *db = side->db[move_tables[i].file];
		bool any = false;
		if (strcmp(move_tables[i].name, "meta") == 0)
			continue;
		struct db_stmt *s = db_use(db, move_sql((int)i, MOVE_ANY));
		rc = db_row(db, s, &any, err);
		db_reset(s);
		*ret_empty = !any;
	}
	return rc;
}

/* --- who may be copied into what -------------------------------------------------------------- */

static bool same_name(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static enum rc judge_from(const struct move_side *from, int64_t id, struct err *err)
{
	if (from->mark.kind == QUEUE_MARK_FILLING)
		return err_set(err, RC_DENIED,
			"%.90s is itself an unfinished copy of %.90s; finish that first",
			from->name, from->mark.other);
	if (id == 0)
		return err_set(err, RC_INVALID,
			"nothing has ever worked on %.120s: there is nothing to copy; let the "
			"configuration name the other store",
			from->name);
	return RC_OK;
}

static enum rc full(const struct move_side *to, struct err *err)
{
	return err_set(err, RC_DUPLICATE,
		"%.120s has work of its own, which a copy would take out; name an empty store (a "
		"new "
		"folder, or schema=..)",
		to->name);
}

/* ret_already: FROM has moved here, and all of it is done. */
static enum rc judge_to(const struct move_side *from, struct move_side *to, int64_t id,
	bool *ret_empty, bool *ret_already, struct err *err)
{
	int64_t to_id = 0;
	enum rc rc = is_empty(to, ret_empty, err);
	if (rc == RC_OK)
		rc = id_of(to, &to_id, err);
	if (rc != RC_OK)
		return rc;
	bool moved = from->mark.kind == QUEUE_MARK_MOVED;
	if (moved && !same_name(from->mark.other, to->name))
		return err_set(err, RC_DENIED, "%.80s has moved to %.80s: copy that one",
			from->name, from->mark.other);
	switch (to->mark.kind) {
	case QUEUE_MARK_NONE:
		*ret_already = moved && to_id == id;
		if (moved && !*ret_already)
			return err_set(err, RC_DENIED,
				"%.80s has moved to %.80s, which is another store by now; see "
				"moonhook store release",
				from->name, from->mark.other);
		return *ret_empty || *ret_already ? RC_OK : full(to, err);
	case QUEUE_MARK_FILLING:
		if (to->mark.id == id)
			return RC_OK;
		return err_set(err, RC_DUPLICATE,
			"%.80s is an unfinished copy of %.80s, not of this one; name an empty "
			"store",
			to->name, to->mark.other);
	case QUEUE_MARK_MOVED: /* the way back */
		if (to->mark.id == id && same_name(to->mark.other, from->name))
			return RC_OK;
		return full(to, err);
	}
	return full(to, err);
}

/* --- copying ---------------------------------------------------------------------------------- */

static enum rc mark(struct move_side *side, enum queue_mark_kind kind, int64_t id,
	const struct move_side *other, struct err *err)
{
	struct queue_mark m = {.kind = kind, .id = id, .at_ms = clock_wall_ms()};
	snprintf(m.other, sizeof(m.other), "%s", other->name);
	return side->driver->mark(side, &m, err);
}

static enum rc walk_all(struct move_walker *w, struct err *err)
{
	struct queue_move *sum = w->sum;
	enum rc rc = progress_of(w->from, 1, &w->position, err);
	for (size_t i = 0; rc == RC_OK && i < move_tables_n; i++) {
		const char *name = move_tables[i].name;
		rc = move_walk(w, (int)i, err);
		if (strcmp(name, "delivery") == 0)
			sum->deliveries_n += w->from_n;
		else if (strcmp(name, "event") == 0)
			sum->events_n += w->from_n;
		else if (strcmp(name, "run") == 0)
			sum->runs_n += w->from_n;
	}
	sum->repaired_n = w->from->repaired_n;
	return rc;
}

static enum rc finish(struct move_walker *w, int64_t id, struct err *err)
{
	int64_t timer = 0;
	enum rc rc = w->from->driver->timer(w->from, &timer, err);
	if (rc == RC_OK)
		rc = w->to->driver->settle(w->to, w->position, timer, err);
	if (rc == RC_OK)
		rc = mark(w->from, QUEUE_MARK_MOVED, id, w->to, err);
	if (rc == RC_OK)
		rc = mark(w->to, QUEUE_MARK_NONE, id, w->from, err);
	w->sum->finished = rc == RC_OK;
	return rc;
}

static enum rc fill(struct move_walker *w, int64_t id, struct err *err)
{
	struct err why = {.msg = ""};
	enum rc rc = mark(w->to, QUEUE_MARK_FILLING, id, w->from, &why);
	if (rc == RC_OK)
		rc = walk_all(w, &why);
	if (rc == RC_OK && !w->from->alone)
		snprintf(w->sum->busy, sizeof(w->sum->busy), "%s", w->from->busy);
	else if (rc == RC_OK)
		rc = finish(w, id, &why);
	return rc == RC_OK ? rc
			   : err_set(err, rc, "%.200s (unfinished: run the same again)", why.msg);
}

/* Before the locks of the one folder would refuse the other. */
static bool is_itself(const struct move_side *from, const char *to)
{
	char *whole = from->kind == MOVE_SQLITE ? realpath(to, NULL) : NULL;
	bool is = whole != NULL && same_name(whole, from->name);
	free(whole);
	return is;
}

static enum rc copy(struct move_walker *w, struct err *err)
{
	struct move_side *from = w->from, *to = w->to;
	int64_t id = 0;
	bool already = false;
	enum rc rc = id_of(from, &id, err);
	if (rc == RC_OK)
		rc = judge_from(from, id, err);
	if (rc == RC_OK && is_itself(from, to->store))
		rc = err_set(err, RC_INVALID, "%.150s cannot be copied into itself", from->name);
	if (rc == RC_OK)
		rc = to->driver->open_to(to, err);
	if (rc == RC_OK && same_name(from->name, to->name))
		rc = err_set(err, RC_INVALID, "%.150s cannot be copied into itself", from->name);
	if (rc == RC_OK)
		rc = judge_to(from, to, id, &w->empty, &already, err);
	if (rc != RC_OK)
		return rc;
	w->sum->already = w->sum->finished = already;
	from->repairs = from->kind != to->kind;
	return already ? RC_OK : fill(w, id, err);
}

enum rc queue_move(const struct queue_place *from, const struct queue_place *to, queue_move_fn fn,
	void *ctx, struct queue_move *ret_move, struct err *err)
{
	struct queue_move sum = {.finished = false};
	struct move_side a, b;
	struct move_walker w = {.from = &a, .to = &b, .sum = &sum, .fn = fn, .ctx = ctx};
	enum rc rc = side_init(&a, from, false, err);
	if (rc == RC_OK)
		rc = side_init(&b, to, true, err);
	if (rc != RC_OK)
		return rc;
	rc = a.driver->open_from(&a, err);
	if (rc == RC_OK)
		rc = copy(&w, err);
	b.driver->close(&b);
	a.driver->close(&a);
	if (rc == RC_OK)
		*ret_move = sum;
	return rc;
}

/* --- the mark, by hand; comparing ------------------------------------------------------------- */

enum rc queue_move_release(
	const struct queue_place *place, char *ret_other, size_t other_n, struct err *err)
{
	struct move_side side;
	struct queue_mark none = {.kind = QUEUE_MARK_NONE};
	enum rc rc = side_init(&side, place, false, err);
	if (rc != RC_OK)
		return rc;
	rc = side.driver->open_from(&side, err);
	if (rc == RC_OK && side.mark.kind == QUEUE_MARK_FILLING)
		rc = queue_mark_judge(&side.mark, err);
	else if (rc == RC_OK && side.mark.kind == QUEUE_MARK_NONE)
		rc = err_set(err, RC_NOT_FOUND, "%.150s has not moved: there is nothing to release",
			side.name);
	else if (rc == RC_OK && !side.alone)
		rc = err_set(err, RC_BUSY, "%s", side.busy);
	if (rc == RC_OK)
		rc = side.driver->mark(&side, &none, err);
	if (rc == RC_OK)
		snprintf(ret_other, other_n, "%s", side.mark.other);
	side.driver->close(&side);
	return rc;
}

static enum rc compare(struct move_walker *w, const char **ret_table, struct err *err)
{
	enum rc rc = progress_of(w->from, 1, &w->position, err);
	for (size_t i = 0; rc == RC_OK && *ret_table == NULL && i < move_tables_n; i++) {
		int64_t n = 0;
		rc = move_differ(w, (int)i, &n, err);
		if (rc == RC_OK && n > 0)
			*ret_table = move_tables[i].name;
	}
	return rc;
}

enum rc queue_move_compare(const char *a, const char *b, const char **ret_table, struct err *err)
{
	struct queue_move sum = {.finished = false};
	struct move_side x, y;
	struct move_walker w = {.from = &x, .to = &y, .sum = &sum};
	const char *table = NULL;
	enum rc rc = side_init(&x, &(struct queue_place){.store = a}, false, err);
	if (rc == RC_OK)
		rc = side_init(&y, &(struct queue_place){.store = b}, false, err);
	if (rc != RC_OK)
		return rc;
	x.repairs = y.repairs = x.kind != y.kind;
	rc = x.driver->open_from(&x, err);
	if (rc == RC_OK)
		rc = y.driver->open_from(&y, err);
	if (rc == RC_OK)
		rc = compare(&w, &table, err);
	y.driver->close(&y);
	x.driver->close(&x);
	if (rc == RC_OK)
		*ret_table = table;
	return rc;
}
