/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL's side of db.h: one connection of libpq, in pipeline mode.
 *
 * Statements without an answer are sent and not waited for; the next one that has an answer, or the
 * commit, collects what they came to. So a transaction costs a round trip for each question it
 * asks, not for each row it writes. The first error breaks the handle (queue_break): what the
 * transaction has done is rolled back by the server, and the process begins anew.
 *
 * A statement's text is SQLite's (sql/text.h) with $1 for ?1 and without the two words that steer
 * SQLite's planner (CROSS, INDEXED BY), or its own (postgres/sql.c).
 */
#ifndef MOONHOOK_QUEUE_POSTGRES_DB_H
#define MOONHOOK_QUEUE_POSTGRES_DB_H

#include <libpq-fe.h>

#include "queue/db.h"

enum { POSTGRES_PARAMS_N = 24 };
/* Statements on their way, about so many, which libpq keeps in memory. */
enum { POSTGRES_PENDING_MAX = 1000 };

struct postgres_link {       /* one connection, which several databases of a store may share */
	struct queue *owner; /* BORROWED */
	PGconn *conn;
	char *name;          /* of server and database, for people; without a password */
	int pending;         /* statements on their way, with no answer taken yet */
	int64_t rows_n;      /* changed by the last statement that was collected */
	int64_t patience_ms; /* for the answers to what was sent together; then it is given up */
	bool in_transaction, reading;
	unsigned named;   /* prepared statements so far */
	int64_t trips_n;  /* round trips so far */
	size_t unsent;    /* bytes that go with the statements on their way */
	const char *tell; /* sent behind the next COMMIT, in its round trip, which it cannot
			     spoil; STATIC or of the handle; NULL: nothing */
	int64_t told_ms;  /* mono, of the last; postgres/wake.c */
	int64_t abouts[POSTGRES_PENDING_MAX + 8]; /* of each on its way: the run it writes about */
	int64_t poison; /* the run whose own data the server has refused; 0: none */
};

struct postgres_stmt {
	struct db_stmt base;
	bool prepared;
	bool walked;     /* its rows come in pages, where that is possible */
	unsigned cursor; /* the number of the cursor that they come through; 0: none is open */
	char name[16];
	int params_n;
	const char *values[POSTGRES_PARAMS_N];
	int lengths[POSTGRES_PARAMS_N];
	int formats[POSTGRES_PARAMS_N];
	unsigned types[POSTGRES_PARAMS_N];
	char ints[POSTGRES_PARAMS_N][8];
	PGresult *result; /* NULL: no rows are being read */
	int row;
};

struct postgres_db {
	struct db base;
	struct postgres_link *link; /* BORROWED */
	struct postgres_stmt *stmts;
};

/* --- postgres/link.c: the connection itself */
struct postgres_address;
/* Connects, and sets the search path to the schema alone. RC_IO: nobody answers, or for the moment
 * not; RC_DENIED: a person has to do something; RC_UNSUPPORTED: one who writes cannot use such a
 * server or database; RC_INVALID: the address, or a server that may lose what it has confirmed.
 * password: NULL, libpq finds it. */
enum rc postgres_link_open(struct postgres_link *link, struct queue *owner,
	const struct postgres_address *address, const char *password, struct err *err) must_check;
/* Is it a server, and a database, that a store may be in? RC_UNSUPPORTED. */
enum rc postgres_fits(const char *name, int major, const char *version, const char *encoding,
	struct err *err) must_check;
/* From here on the connection serves this side: how long it waits, and how long the server lets it
 * keep others waiting. */
enum rc postgres_link_serve(
	struct postgres_link *link, enum queue_side side, struct err *err) must_check;
void postgres_link_close(struct postgres_link *link);
/* Sends what is not sent yet and waits, at most until_ms (mono), for an answer that PQgetResult
 * takes without blocking. RC_IO: it is broken, or nothing came in time, which breaks it. */
enum rc postgres_await(struct postgres_link *link, int64_t until_ms, struct err *err) must_check;
/* Runs statements that answer no row, several of them in one text, at once. */
enum rc postgres_script(struct postgres_link *link, const char *sql, struct err *err) must_check;

/* A PQnoticeProcessor: what a server remarks goes nowhere. */
void postgres_hush(void *ctx, const char *message);

/* --- postgres/fault.c: what went wrong, in a sentence; breaks the handle. result: the answer that
 * says so; NULL: the connection does. RC_IO */
enum rc postgres_fault(struct postgres_link *link, const PGresult *result, struct err *err);
/* PQconnectdbParams; who was refused in words that are not known asks once more, for the SQLSTATE.
 */
PGconn *postgres_dial(const char *const *keys, const char *const *values);
/* The same for a connection that could not be made, which breaks nothing. RC_IO, RC_DENIED. */
enum rc postgres_refused(struct postgres_link *link, bool several, struct err *err);

/* Asks one question outside of the tables of statements, with up to two parameters, texts (NULL:
 * none). GIVES a result (PQclear). */
enum rc postgres_ask(struct postgres_link *link, const char *sql, const char *a, const char *b,
	PGresult **ret_result, struct err *err) must_check;
/* Waits for what is on its way. */
enum rc postgres_collect(struct postgres_link *link, struct err *err) must_check;

/* Commits with a last question, both in one round trip; its rows are read with db_row. */
enum rc postgres_commit_rows(struct db *db, struct db_stmt *s, struct err *err) must_check;

/* Binds what has a type of its own, by its number in pg_type.dat, in binary; as db_bind_blob. */
void postgres_bind(struct db_stmt *s, int i, struct slice bytes, unsigned type);

/* --- postgres/weight.c: what rows take. Both databases of a store are one here; the inbox counts
 * as nothing beside the work. */
enum rc postgres_size(struct db *db, int64_t *ret_bytes, struct err *err);

enum rc postgres_db_init(struct postgres_db *db, struct postgres_link *link,
	const struct db_form *form, struct err *err) must_check;
void postgres_db_done(struct postgres_db *db);

/* Of postgres/sql.c: a text of its own for a statement of a form; NULL: SQLite's will do. STATIC */
const char *postgres_sql(const struct db_form *form, int sql);

#endif
