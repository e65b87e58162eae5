/* SPDX-License-Identifier: MIT */
/*
 * Two tables are walked through side by side, in the order of their key: what FROM has and TO has
 * not is put, what TO has and FROM has not is taken out, what differs is taken out and put.
 *
 * From: move.c. To: the sides. So it can be broken off anywhere and done again, and costs as much
 * as there is to do. A page of each is in memory, and what is to be written up to BATCH_BYTES. TO
 * is written behind what has been read of it alone, so that nobody reads what he wrote.
 */
#include "queue/move/walk.h"

#include <string.h>

enum { BATCH_BYTES = 4 << 20, BATCH_ROWS = 8192 };
enum { PUT = 1, TAKE_OUT = 2 };

struct cursor {
	struct move_side *side;
	int table;
	int64_t position;
	struct buf page, last; /* rows with their lengths; the last of them */
	struct slice rest;
	struct slice row;
	bool any, end; /* row is one; no page follows */
	int64_t raw;   /* PostgreSQL's number of the last that is pending */
	int64_t place; /* that it will be routed with */
};

struct batch {
	struct buf out, in; /* rows with their lengths */
	int64_t rows_n;
};

/* --- reading ---------------------------------------------------------------------------------- */

static void cursor_init(struct cursor *c, struct move_side *side, int table, int64_t position)
{
	*c = (struct cursor){.side = side,
		.table = table,
		.position = position,
		.raw = INT64_MIN,
		.place = position};
	buf_init(&c->page, (size_t)1 << 31);
	buf_init(&c->last, (size_t)1 << 31);
	c->end = side->db[move_tables[table].file] == NULL;
}

static void cursor_done(struct cursor *c)
{
	buf_done(&c->page);
	buf_done(&c->last);
}

/* Those that wait have no place yet in PostgreSQL: their order gives it to them. */
static bool is_ranked(const struct cursor *c)
{
	return c->side->kind == MOVE_POSTGRES && !c->side->fills &&
	       move_tables[c->table].walk == MOVE_PENDING;
}

static struct db_stmt *use_page(struct cursor *c, struct db *db, unsigned char *uuid)
{
	const struct move_table *t = &move_tables[c->table];
	struct db_stmt *s = db_use(db, move_sql(c->table, c->last.n > 0 ? MOVE_NEXT : MOVE_FIRST));
	struct slice last = buf_slice(&c->last), key;
	if (t->walk == MOVE_PLAIN) {
		int keys = c->last.n > 0 ? t->keys_n : 0;
		if (keys > 0)
			move_row_bind(c->side, c->table, last, keys, s, uuid);
		db_bind_int(db, s, keys + 1, t->page);
		return s;
	}
	int64_t after = t->walk == MOVE_ROUTED ? 0 : c->position;
	if (c->last.n > 0) {
		(void)move_field(&last, &key);
		after = move_field_int(key);
	}
	db_bind_int(db, s, 1, is_ranked(c) ? c->raw : after);
	db_bind_int(db, s, 2, t->walk == MOVE_ROUTED ? c->position : INT64_MAX);
	db_bind_int(db, s, 3, t->page);
	return s;
}

static enum rc put_row(struct cursor *c, struct db_stmt *s, struct err *err)
{
	static const char room[4];
	size_t at = c->page.n;
	bool ranked = is_ranked(c);
	if (buf_put(&c->page, room, sizeof(room)) != RC_OK)
		return err_set(err, RC_NOMEM, "out of memory for rows");
	c->raw = ranked ? db_int(s, 0) : 0;
	enum rc rc = move_row_read(c->side, c->table, s, ranked ? ++c->place : 0, &c->page, err);
	uint32_t n = (uint32_t)(c->page.n - at - sizeof(room));
	memcpy(c->page.p + at, &n, sizeof(n));
	return rc;
}

static enum rc read_page(struct cursor *c, struct err *err)
{
	const struct move_table *t = &move_tables[c->table];
	struct db *db = c->side->db[t->file];
	unsigned char uuid[UUID_BYTES_N];
	struct db_stmt *s = use_page(c, db, uuid);
	enum rc rc = RC_OK;
	bool row = true;
	int n = 0;
	buf_clear(&c->page);
	for (; rc == RC_OK; n++) {
		rc = db_row(db, s, &row, err);
		if (rc != RC_OK || !row)
			break;
		rc = put_row(c, s, err);
	}
	db_reset(s);
	c->end = n < t->page;
	c->rest = buf_slice(&c->page);
	return rc;
}

static enum rc cursor_next(struct cursor *c, struct err *err)
{
	enum rc rc = RC_OK;
	if (c->rest.n == 0 && !c->end) {
		buf_clear(&c->last);
		if (c->any && buf_put(&c->last, c->row.p, c->row.n) != RC_OK)
			return err_set(err, RC_NOMEM, "out of memory for rows");
		rc = read_page(c, err);
	}
	c->any = rc == RC_OK && move_rows_next(&c->rest, &c->row);
	return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum rc add(struct buf *rows, struct slice row, struct err *err)
{
	uint32_t n = (uint32_t)row.n;
	enum rc rc = buf_put(rows, &n, sizeof(n));
	if (rc == RC_OK)
		rc = buf_put(rows, row.p, row.n);
	return rc == RC_OK ? rc : err_set(err, RC_NOMEM, "out of memory for rows");
}

static enum rc take_out(struct move_side *to, int table, struct slice rows, struct err *err)
{
	const struct move_table *t = &move_tables[table];
	struct db *db = to->db[t->file];
	unsigned char uuid[UUID_BYTES_N];
	struct slice row;
	enum rc rc = RC_OK;
	while (rc == RC_OK && move_rows_next(&rows, &row)) {
		struct db_stmt *s;
		if (t->walk != MOVE_PLAIN) {
			s = db_use(db, move_sql(table, MOVE_DELETE_KEY));
			move_row_bind(to, table, row, 1, s, uuid);
			rc = db_run(db, s, err);
		}
		if (rc != RC_OK)
			break;
		s = db_use(db, move_sql(table, MOVE_DELETE));
		move_row_bind(to, table, row, t->keys_n, s, uuid);
		rc = db_run(db, s, err);
	}
	return rc;
}

static enum rc flush(struct move_walker *w, int table, struct batch *b, struct err *err)
{
	struct db *db = w->to->db[move_tables[table].file];
	if (b->rows_n == 0)
		return RC_OK;
	enum rc rc = db_begin(db, err);
	if (rc == RC_OK)
		rc = take_out(w->to, table, buf_slice(&b->out), err);
	if (rc == RC_OK && b->in.n > 0)
		rc = w->to->driver->put(w->to, table, buf_slice(&b->in), err);
	if (rc == RC_OK)
		rc = db_commit(db, err);
	else
		db_rollback(db);
	if (rc == RC_OK)
		rc = w->to->driver->rest(w->to, err);
	buf_clear(&b->in);
	buf_clear(&b->out);
	b->rows_n = 0;
	if (w->fn != NULL)
		w->fn(w->ctx, move_tables[table].name, w->sum->rows_n, w->sum->same_n);
	return rc;
}

static enum rc note(struct move_walker *w, int table, struct batch *b, int what, struct slice row,
	struct err *err)
{
	enum rc rc = RC_OK;
	if ((what & TAKE_OUT) != 0) {
		rc = add(&b->out, row, err);
		w->sum->gone_n++;
	}
	if (rc == RC_OK && (what & PUT) != 0) {
		rc = add(&b->in, row, err);
		w->sum->rows_n++;
	}
	b->rows_n++;
	if (rc == RC_OK && (b->rows_n >= BATCH_ROWS || b->in.n >= BATCH_BYTES))
		rc = flush(w, table, b, err);
	return rc;
}

/* --- side by side ----------------------------------------------------------------------------- */

/* < 0: FROM's row is TO's no more; > 0: TO's is none of FROM; 0: the same key. */
static int order(const struct cursor *from, const struct cursor *to)
{
	if (!from->any)
		return 1;
	return to->any ? move_row_compare(from->table, from->row, to->row) : -1;
}

static bool same(struct slice a, struct slice b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* what: PUT and TAKE_OUT, or one of them, or neither to count only. */
static enum rc step(struct move_walker *w, struct cursor *from, struct cursor *to, struct batch *b,
	int what, int64_t *differ, struct err *err)
{
	int c = order(from, to), table = from->table;
	bool equal = c == 0 && same(from->row, to->row);
	enum rc rc = RC_OK;
	*differ += !equal;
	w->from_n += c <= 0;
	if (equal && (what & PUT) != 0)
		w->sum->same_n++;
	if (c >= 0 && !equal && (what & TAKE_OUT) != 0)
		rc = note(w, table, b, TAKE_OUT, to->row, err);
	if (rc == RC_OK && c <= 0 && !equal && (what & PUT) != 0)
		rc = note(w, table, b, PUT, from->row, err);
	if (rc == RC_OK && c <= 0)
		rc = cursor_next(from, err);
	if (rc == RC_OK && c >= 0)
		rc = cursor_next(to, err);
	return rc;
}

static enum rc walk(
	struct move_walker *w, int table, int what, int64_t *ret_differ, struct err *err)
{
	struct cursor from, to;
	struct batch batch = {.rows_n = 0};
	int64_t differ = 0;
	w->from_n = 0;
	cursor_init(&from, w->from, table, w->position);
	cursor_init(&to, w->to, table, w->position);
	buf_init(&batch.out, (size_t)1 << 31);
	buf_init(&batch.in, (size_t)1 << 31);
	enum rc rc = cursor_next(&from, err);
	if (rc == RC_OK)
		rc = cursor_next(&to, err);
	while (rc == RC_OK && (from.any || to.any))
		rc = step(w, &from, &to, &batch, what, &differ, err);
	if (rc == RC_OK)
		rc = flush(w, table, &batch, err);
	cursor_done(&from);
	cursor_done(&to);
	buf_done(&batch.out);
	buf_done(&batch.in);
	*ret_differ = differ;
	return rc;
}

enum rc move_walk(struct move_walker *w, int table, struct err *err)
{
	const struct move_table *t = &move_tables[table];
	/* SQLite's deliveries keep their numbers; PostgreSQL's that wait may be given others. */
	bool stable = t->walk != MOVE_PLAIN && w->from->kind == MOVE_SQLITE;
	int64_t ignored;
	enum rc rc = RC_OK;
	/* One that waited may have been routed, and stands in two places until this is done. */
	if (!w->empty && !stable && t->walk == MOVE_ROUTED)
		rc = walk(w, table + 1, TAKE_OUT, &ignored, err);
	if (rc != RC_OK)
		return rc;
	if (w->empty || !t->unique || stable)
		return walk(w, table, PUT | TAKE_OUT, &ignored, err);
	/* What comes may be unique in a column that what goes has, too. */
	rc = walk(w, table, TAKE_OUT, &ignored, err);
	return rc == RC_OK ? walk(w, table, PUT, &ignored, err) : rc;
}

enum rc move_differ(struct move_walker *w, int table, int64_t *ret_n, struct err *err)
{
	return walk(w, table, 0, ret_n, err);
}
