/* SPDX-License-Identifier: MIT */
/*
 * One side of a copy: a store that is read from, or one that is filled.
 *
 * A row travels as PostgreSQL's COPY writes it (its manual, COPY, "Binary Format"): for each column
 * 4 bytes of length, -1 for NULL, and its bytes, numbers as 8 bytes, most significant first. So two
 * rows are the same where their bytes are, whatever database they come from.
 */
#ifndef MOONHOOK_QUEUE_MOVE_SIDE_H
#define MOONHOOK_QUEUE_MOVE_SIDE_H

#include "base/buf.h"
#include "queue/mark.h"
#include "queue/move/table.h"
#include "queue/postgres/postgres.h"
#include "queue/sql/text.h"
#include "queue/sqlite/sqlite.h"
#include "queue/uuid.h"

/* Statements of each table, one behind the other, from SQL_COMMON_N on. */
enum move_statement {
	MOVE_FIRST, /* the first rows */
	MOVE_NEXT,  /* those behind a key */
	MOVE_DELETE,
	MOVE_INSERT,
	MOVE_DELETE_KEY, /* of a delivery: its dedupe key */
	MOVE_INSERT_KEY,
	MOVE_ANY,
	MOVE_STATEMENTS_N,
};

struct move_form { /* the statements of one database, made from move_tables */
	struct db_form form;
	const char **texts;
	struct buf text; /* all of them */
};

struct move_side;

struct move_driver { /* STATIC */
	/* For reading; what it shows does not change. */
	enum rc (*open_from)(struct move_side *side, struct err *err);
	/* For filling. What the mark says is in side->mark. */
	enum rc (*open_to)(struct move_side *side, struct err *err);
	/* Durable. Of the side that is filled: removed with QUEUE_MARK_NONE. */
	enum rc (*mark)(struct move_side *side, const struct queue_mark *mark, struct err *err);
	/* Puts rows, each with 4 bytes of its length before it, in the open transaction. */
	enum rc (*put)(struct move_side *side, int table, struct slice rows, struct err *err);
	/* After a batch has been committed. */
	enum rc (*rest)(struct move_side *side, struct err *err);
	/* What no row says: numbers that go on, indexes. timer: the last number of one, as of FROM.
	 */
	enum rc (*settle)(struct move_side *side, int64_t position, int64_t timer, struct err *err);
	enum rc (*timer)(struct move_side *side, int64_t *ret_last, struct err *err);
	void (*bind_text)(struct db_stmt *s, int i, struct slice text);
	void (*close)(struct move_side *side);
};

struct move_side {
	const struct move_driver *driver;
	enum move_kind kind;
	const struct queue_place *place; /* BORROWED */
	const char *store;               /* BORROWED: as it was given */
	char name[QUEUE_MARK_OTHER_N];   /* for marks and people; no password */
	bool fills;                      /* it is the one that is filled */
	bool alone;                      /* nobody else works on it until it is closed */
	bool repairs;                    /* texts that are not UTF-8 are made so */
	char busy[160];                  /* who works on it; "" */
	struct queue *owner;             /* whom a failure breaks */
	struct db *db[MOVE_FILES_N];     /* NULL: there is no such file yet */
	struct move_form form[MOVE_FILES_N];
	struct queue_mark mark;
	int64_t repaired_n;
	struct queue self; /* SQLite's owner */
	char folder[4096];
	struct sqlite_db files[MOVE_FILES_N];
	int locks[MOVE_FILES_N];
	struct postgres_store *postgres;
	struct postgres_db statements;
	int64_t moved[2 * QUEUE_STATE_N]; /* what its counts do not know yet */
};

extern const struct move_driver move_sqlite, move_postgres;

/* --- move/form.c */
/* base: of SQLite's file; what is of that file, or of all (PostgreSQL). */
enum rc move_form_init(struct move_form *f, const struct db_form *base, enum move_kind kind,
	bool fills, struct err *err) must_check;
void move_form_done(struct move_form *f);
static inline int move_sql(int table, enum move_statement statement)
{
	return (int)SQL_COMMON_N + table * (int)MOVE_STATEMENTS_N + (int)statement;
}

/* --- move/row.c */
/* Appends the row of s; place > 0: in the place of its first column. */
enum rc move_row_read(struct move_side *side, int table, struct db_stmt *s, int64_t place,
	struct buf *out, struct err *err) must_check;
/* Takes the next field: false where it is NULL. */
bool move_field(struct slice *row, struct slice *ret_field);
int64_t move_field_int(struct slice field);
/* By key: < 0, 0, > 0. */
int move_row_compare(int table, struct slice a, struct slice b);
/* Binds the first n fields of a row, from parameter 1 on. BORROWS row, and uuid, until it is run.
 */
void move_row_bind(struct move_side *side, int table, struct slice row, int n, struct db_stmt *s,
	unsigned char uuid[static UUID_BYTES_N]);
/* Goes through rows that have their lengths before them: false behind the last. */
bool move_rows_next(struct slice *rows, struct slice *ret_row);

#endif
