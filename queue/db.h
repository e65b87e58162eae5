/* SPDX-License-Identifier: MIT */
/*
 * What the SQL backends need of a database: statements by number, one transaction, rows.
 *
 * The files of sql/ write one logic for all of them; a driver (sqlite/db.c, postgres/db.c) turns
 * the calls into those of its library, and its errors into sentences. An error that puts a write in
 * doubt breaks the handle (queue_break).
 *
 * The text of a statement is SQLite's, with parameters ?1, ?2, ..; another driver reads it in its
 * own way, or brings a text of its own. Integers are 64 bits everywhere; texts are UTF-8 without
 * NUL.
 */
#ifndef MOONHOOK_QUEUE_DB_H
#define MOONHOOK_QUEUE_DB_H

#include "queue/backend.h"

struct db;
struct db_stmt;

struct db_form {          /* STATIC: what is the same for every database of its kind */
	const char *name; /* "inbox.db" */
	int application_id;
	const char *const *migrations; /* [0] makes version 1 out of nothing */
	int version;                   /* of the newest, = number of migrations */
	const char *const *sql;        /* the statements, by number */
	int sql_n;
};

struct db_driver { /* STATIC; each member does what the function of its name below does */
	/* Others write the same rows at the same time: what a handle remembers of them is asked for
	 * again in each transaction. */
	bool shared;
	bool any; /* a column may hold texts and bytes: SQLite's ANY */
	struct db_stmt *(*use)(struct db *db, int sql);
	struct db_stmt *(*walk)(struct db *db, int sql);
	void (*bind_int)(struct db_stmt *s, int i, int64_t value);
	void (*bind_text)(struct db_stmt *s, int i, const char *text);
	void (*bind_blob)(struct db_stmt *s, int i, struct slice bytes);
	enum rc (*run)(struct db_stmt *s, struct err *err);
	enum rc (*row)(struct db_stmt *s, bool *ret_row, struct err *err);
	void (*reset)(struct db_stmt *s);
	int64_t (*get_int)(struct db_stmt *s, int column);
	bool (*is_null)(struct db_stmt *s, int column);
	const char *(*get_text)(struct db_stmt *s, int column);
	struct slice (*get_blob)(struct db_stmt *s, int column);
	enum rc (*changed)(struct db *db, int64_t *ret_n, struct err *err);
	enum rc (*begin)(struct db *db, struct err *err);
	enum rc (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	enum rc (*begin_read)(struct db *db, struct err *err);
	void (*end_read)(struct db *db);
	enum rc (*size)(struct db *db, int64_t *ret_bytes, struct err *err);
};

struct db { /* the first member of every driver's */
	const struct db_driver *driver;
	struct queue *owner; /* BORROWED */
	const struct db_form *form;
	char *path;   /* how people know it; GIVEN by the driver */
	bool writing; /* a transaction is open */
	bool wrote;   /* something was run in it; cleared by whoever wants to know */
};

struct db_stmt { /* the first member of every driver's */
	struct db *db;
};

/* Begins a transaction where none is open. */
static inline enum rc db_begin(struct db *db, struct err *err)
{
	return db->writing ? RC_OK : db->driver->begin(db, err);
}

/* Makes it durable. */
static inline enum rc db_commit(struct db *db, struct err *err)
{
	return db->writing ? db->driver->commit(db, err) : RC_OK;
}

static inline void db_rollback(struct db *db)
{
	if (db->writing)
		db->driver->rollback(db);
}

/* A transaction that sees one state of everything and writes nothing. Not within one that writes.
 */
static inline enum rc db_begin_read(struct db *db, struct err *err)
{
	return db->driver->begin_read(db, err);
}

static inline void db_end_read(struct db *db)
{
	db->driver->end_read(db);
}

/* The statement, reset and ready to be bound; BORROWS. A failure shows when it is run. */
static inline struct db_stmt *db_use(struct db *db, int sql)
{
	return db->driver->use(db, sql);
}

/* The same for a list that may be long: in a transaction that reads (db_begin_read) it is not in
 * memory as a whole. */
static inline struct db_stmt *db_walk(struct db *db, int sql)
{
	return db->driver->walk(db, sql);
}

static inline void db_bind_int(struct db *db, struct db_stmt *s, int i, int64_t value)
{
	db->driver->bind_int(s, i, value);
}

/* BORROW until the statement is run, or its last row was asked for. A NULL text binds NULL. What is
 * not UTF-8 in a text SQLite keeps; for PostgreSQL it becomes "?". */
static inline void db_bind_text(struct db *db, struct db_stmt *s, int i, const char *text)
{
	db->driver->bind_text(s, i, text);
}

static inline void db_bind_blob(struct db *db, struct db_stmt *s, int i, struct slice bytes)
{
	db->driver->bind_blob(s, i, bytes);
}

/* Runs a statement that answers no row. A driver may answer before it was done, and tell of a
 * failure with a later call. */
static inline enum rc db_run(struct db *db, struct db_stmt *s, struct err *err)
{
	db->wrote = true;
	return db->driver->run(s, err);
}

/* Steps to the next row; where there is none the statement is reset. */
static inline enum rc db_row(struct db *db, struct db_stmt *s, bool *ret_row, struct err *err)
{
	return db->driver->row(s, ret_row, err);
}

/* Ends the rows of a statement. */
static inline void db_reset(struct db_stmt *s)
{
	s->db->driver->reset(s);
}

/* Columns of the row; BORROW until the next step. NULL reads as 0, "" and nothing. */
static inline int64_t db_int(struct db_stmt *s, int column)
{
	return s->db->driver->get_int(s, column);
}

static inline bool db_is_null(struct db_stmt *s, int column)
{
	return s->db->driver->is_null(s, column);
}

static inline const char *db_text(struct db_stmt *s, int column)
{
	return s->db->driver->get_text(s, column);
}

static inline struct slice db_blob(struct db_stmt *s, int column)
{
	return s->db->driver->get_blob(s, column);
}

/* How many rows the last db_run changed. */
static inline enum rc db_changed(struct db *db, int64_t *ret_n, struct err *err)
{
	return db->driver->changed(db, ret_n, err);
}

/* Bytes in use (free pages left out). */
static inline enum rc db_size(struct db *db, int64_t *ret_bytes, struct err *err)
{
	return db->driver->size(db, ret_bytes, err);
}

/* The number that a statement answers in its first column, 0 where it answers none. */
enum rc db_number(struct db *db, struct db_stmt *s, int64_t *ret_value, struct err *err) must_check;

/* Numbers kept by name in the table meta; 0 where absent. */
enum rc db_meta_get(
	struct db *db, const char *name, int64_t *ret_value, struct err *err) must_check;
enum rc db_meta_put(struct db *db, const char *name, int64_t value, struct err *err) must_check;

#endif
