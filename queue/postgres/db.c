/* SPDX-License-Identifier: MIT */
/*
 * One connection to PostgreSQL: statements and transactions.
 *
 * From: the files of sql/ through db.h, those here. To: libpq; postgres/link.c waits,
 * postgres/fault.c says what an error means. Integers and bytes travel in binary, texts as they
 * are. Fails by breaking the handle: a transaction that has failed, or whose commit nobody has
 * confirmed, is never gone on with.
 */
#include "queue/postgres/db.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "queue/postgres/array.h"

enum { PENDING_MAX = POSTGRES_PENDING_MAX };
enum { UNSENT_MAX = 4 << 20 }; /* bytes of the statements on their way */
enum { WALK_ROWS = 256 };      /* of a long list that are in memory */

/* --- the pipeline ----------------------------------------------------------------------------- */

static bool is_fine(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void note_changed(struct postgres_link *link, PGresult *result)
{
	const char *n = PQcmdTuples(result);
	link->rows_n = n[0] != '\0' ? strtoll(n, NULL, 10) : 0;
}

struct answers {    /* what a pipeline came to */
	int wanted; /* the number of the statement whose rows are, from 0 on; -1: none */
	int idle;   /* from this one on they may fail; 0: none may */
	PGresult *rows, *last;
};

static void take_answer(struct answers *all, int number, PGresult *result)
{
	if (all->idle > 0 && number >= all->idle) {
		PQclear(result);
		return;
	}
	PGresult **to = number == all->wanted ? &all->rows : &all->last;
	PQclear(*to);
	*to = result;
}

static void note_sent(struct postgres_link *link)
{
	if ((size_t)link->pending < ARRAY_N(link->abouts))
		link->abouts[link->pending] = link->owner->about;
	link->pending++;
}

/* A value that no column takes will not be taken from the next runner either: classes 22 (data), 23
 * (constraints) and 54 (limits) of SQLSTATE. */
static void note_poison(struct postgres_link *link, const PGresult *result, int number)
{
	static const char *const classes[] = {"22", "23", "54"};
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (state == NULL || (size_t)number >= ARRAY_N(link->abouts))
		return;
	for (size_t i = 0; i < ARRAY_N(classes); i++)
		if (strncmp(state, classes[i], 2) == 0)
			link->poison = link->abouts[number];
}

/* Takes the answers to all that is on its way: one round trip. all: GIVES two results, also where
 * it fails. */
static enum rc collect_all(struct postgres_link *link, struct answers *all, struct err *err)
{
	enum rc rc = RC_OK;
	link->trips_n++;
	if (PQpipelineSync(link->conn) != 1)
		return postgres_fault(link, NULL, err);
	int64_t until_ms = clock_mono_ms() + link->patience_ms;
	for (int n = link->pending, left = n; left >= 0;) {
		struct err later; /* the first error is the one that tells */
		enum rc there = postgres_await(link, until_ms, rc == RC_OK ? err : &later);
		if (there != RC_OK) {
			rc = there;
			break;
		}
		PGresult *result = PQgetResult(link->conn);
		if (result == NULL) {
			if (PQstatus(link->conn) == CONNECTION_BAD) {
				rc = rc == RC_OK ? postgres_fault(link, NULL, err) : rc;
				break;
			}
			left--; /* the end of one statement's answers */
			continue;
		}
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			break;
		}
		bool idle = all->idle > 0 && n - left >= all->idle;
		if (rc == RC_OK && !idle && !is_fine(result)) {
			rc = postgres_fault(link, result, err);
			note_poison(link, result, n - left);
		}
		take_answer(all, n - left, result);
	}
	link->pending = 0;
	link->unsent = 0;
	return rc;
}

/* ret_last: GIVES the answer to the last statement; may be NULL. */
static enum rc collect(struct postgres_link *link, PGresult **ret_last, struct err *err)
{
	struct answers all = {.wanted = -1};
	enum rc rc = collect_all(link, &all, err);
	if (rc == RC_OK && all.last != NULL)
		note_changed(link, all.last);
	if (rc == RC_OK && ret_last != NULL)
		*ret_last = all.last;
	else
		PQclear(all.last);
	return rc;
}

enum rc postgres_collect(struct postgres_link *link, struct err *err)
{
	return link->pending > 0 ? collect(link, NULL, err) : RC_OK;
}

static enum rc sent(struct postgres_link *link, int ok, struct err *err)
{
	if (ok != 1)
		return postgres_fault(link, NULL, err);
	note_sent(link);
	return link->pending < PENDING_MAX ? RC_OK : collect(link, NULL, err);
}

static enum rc send_plain(struct postgres_link *link, const char *sql, struct err *err)
{
	return sent(link, PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1), err);
}

enum rc postgres_ask(struct postgres_link *link, const char *sql, const char *a, const char *b,
	PGresult **ret_result, struct err *err)
{
	const char *values[] = {a, b};
	int n = a == NULL ? 0 : b == NULL ? 1 : 2;
	enum rc rc = postgres_collect(link, err);
	if (rc != RC_OK)
		return rc;
	if (PQsendQueryParams(link->conn, sql, n, NULL, values, NULL, NULL, 0) != 1)
		return postgres_fault(link, NULL, err);
	note_sent(link);
	return collect(link, ret_result, err);
}

/* --- statements ------------------------------------------------------------------------------- */

static struct postgres_db *db_of(struct db *db)
{
	return (struct postgres_db *)db;
}

static struct postgres_stmt *stmt_of(struct db_stmt *s)
{
	return (struct postgres_stmt *)s;
}

static struct postgres_link *link_of(struct db_stmt *s)
{
	return db_of(s->db)->link;
}

/* SQLite's text for PostgreSQL: ?1 becomes $1; a limit of -1 is none; CROSS and INDEXED BY name,
 * which only order SQLite's planner about, go. */
static enum rc translate(const char *sql, struct buf *out)
{
	static const char cross[] = "CROSS JOIN", indexed[] = "INDEXED BY ", limit[] = "LIMIT ?";
	enum rc rc = RC_OK;
	for (const char *p = sql; rc == RC_OK && *p != '\0';) {
		if (*p == '?' && isdigit((unsigned char)p[1])) {
			rc = buf_put(out, "$", 1);
			p++;
		} else if (strncmp(p, cross, sizeof(cross) - 1) == 0) {
			p += 6;
		} else if (strncmp(p, indexed, sizeof(indexed) - 1) == 0) {
			p += sizeof(indexed) - 1;
			p += strcspn(p, " ");
		} else if (strncmp(p, limit, sizeof(limit) - 1) == 0) {
			int digits = (int)strspn(p + sizeof(limit) - 1, "0123456789");
			p += sizeof(limit) - 1;
			rc = buf_printf(out, "LIMIT nullif($%.*s, -1)", digits, p);
			p += digits;
		} else {
			rc = buf_put(out, p++, 1);
		}
	}
	return rc == RC_OK ? buf_put(out, "", 1) : rc;
}

/* Where its transaction is over the cursor is, too. Where it fails the handle is broken, and says
 * so with its next call. */
static void close_cursor(struct postgres_stmt *stmt)
{
	struct postgres_link *link = link_of(&stmt->base);
	struct err ignored;
	char sql[40];
	if (stmt->cursor == 0)
		return;
	snprintf(sql, sizeof(sql), "CLOSE w%u", stmt->cursor);
	stmt->cursor = 0;
	if (link->reading && !atomic_load(&link->owner->broken))
		(void)!send_plain(link, sql, &ignored);
}

static void reset(struct db_stmt *s)
{
	struct postgres_stmt *stmt = stmt_of(s);
	PQclear(stmt->result);
	stmt->result = NULL;
	close_cursor(stmt);
}

static struct db_stmt *use(struct db *base, int sql)
{
	struct postgres_stmt *stmt = &db_of(base)->stmts[sql];
	stmt->base.db = base;
	reset(&stmt->base);
	stmt->params_n = 0;
	stmt->walked = false;
	return &stmt->base;
}

static struct db_stmt *walk(struct db *base, int sql)
{
	struct db_stmt *s = use(base, sql);
	stmt_of(s)->walked = true;
	return s;
}

static void bind(struct db_stmt *s, int i, const char *value, size_t n, int format, unsigned type)
{
	struct postgres_stmt *stmt = stmt_of(s);
	int at = i - 1;
	for (; stmt->params_n < i; stmt->params_n++) {
		stmt->values[stmt->params_n] = NULL;
		stmt->types[stmt->params_n] = OID_TEXT; /* one that the statement leaves out */
	}
	stmt->values[at] = value;
	stmt->lengths[at] = (int)n;
	stmt->formats[at] = format;
	stmt->types[at] = type;
}

static void bind_int(struct db_stmt *s, int i, int64_t value)
{
	uint64_t big = htobe64((uint64_t)value);
	char *place = stmt_of(s)->ints[i - 1];
	memcpy(place, &big, 8);
	bind(s, i, place, 8, 1, OID_INT8);
}

static void bind_text(struct db_stmt *s, int i, const char *text)
{
	bind(s, i, text, text != NULL ? strlen(text) : 0, 0, OID_TEXT);
}

static void bind_blob(struct db_stmt *s, int i, struct slice bytes)
{
	bind(s, i, bytes.p != NULL ? bytes.p : "", bytes.n, 1, OID_BYTEA);
}

void postgres_bind(struct db_stmt *s, int i, struct slice bytes, unsigned type)
{
	bind(s, i, bytes.p != NULL ? bytes.p : "", bytes.n, 1, type);
}

/* Puts the text of a statement behind what is in out. */
static enum rc put_text(struct postgres_stmt *stmt, struct buf *out, struct err *err)
{
	struct db *base = stmt->base.db;
	int sql = (int)(stmt - db_of(base)->stmts);
	const char *own = postgres_sql(base->form, sql);
	enum rc rc = translate(own != NULL ? own : base->form->sql[sql], out);
	return rc == RC_OK ? rc : err_set(err, RC_NOMEM, "out of memory for a statement");
}

static enum rc prepare(struct postgres_stmt *stmt, struct err *err)
{
	struct postgres_link *link = link_of(&stmt->base);
	struct buf text;
	buf_init(&text, 1 << 16);
	enum rc rc = put_text(stmt, &text, err);
	if (rc != RC_OK) {
		buf_done(&text);
		return rc;
	}
	snprintf(stmt->name, sizeof(stmt->name), "m%u", ++link->named);
	rc = sent(link, PQsendPrepare(link->conn, stmt->name, text.p, stmt->params_n, stmt->types),
		err);
	stmt->prepared = rc == RC_OK;
	buf_done(&text);
	return rc;
}

struct texts { /* what is sent of a statement's values; copies: those that had to be repaired */
	const char *values[POSTGRES_PARAMS_N];
	char *copies[POSTGRES_PARAMS_N];
};

static void texts_done(struct texts *texts, int n)
{
	for (int i = 0; i < n; i++)
		free(texts->copies[i]);
}

/* PostgreSQL refuses a text with half a character in it, which would end us, and each runner that
 * takes the run up after us. */
static enum rc texts_init(struct texts *texts, const struct postgres_stmt *stmt, struct err *err)
{
	for (int i = 0; i < stmt->params_n; i++) {
		const char *value = texts->values[i] = stmt->values[i];
		size_t n = (size_t)stmt->lengths[i];
		texts->copies[i] = NULL;
		if (value == NULL || stmt->formats[i] != 0 || utf8_span(value, n) == n)
			continue;
		texts->values[i] = texts->copies[i] = strndup(value, n);
		if (texts->copies[i] == NULL) {
			texts_done(texts, i);
			return err_set(err, RC_NOMEM, "out of memory for a text");
		}
		(void)utf8_repair(texts->copies[i], n);
	}
	return RC_OK;
}

static enum rc send(struct postgres_stmt *stmt, struct err *err)
{
	struct postgres_link *link = db_of(stmt->base.db)->link;
	if (atomic_load(&link->owner->broken))
		return err_set(err, RC_IO, "%s", link->owner->why);
	enum rc rc = stmt->prepared ? RC_OK : prepare(stmt, err);
	struct texts texts;
	if (rc == RC_OK)
		rc = texts_init(&texts, stmt, err);
	if (rc != RC_OK)
		return rc;
	int ok = PQsendQueryPrepared(link->conn, stmt->name, stmt->params_n, texts.values,
		stmt->lengths, stmt->formats, 1);
	texts_done(&texts, stmt->params_n);
	if (ok != 1)
		return postgres_fault(link, NULL, err);
	note_sent(link);
	for (int i = 0; i < stmt->params_n; i++)
		link->unsent += (size_t)stmt->lengths[i];
	return RC_OK;
}

static enum rc run(struct db_stmt *s, struct err *err)
{
	struct postgres_link *link = link_of(s);
	enum rc rc = send(stmt_of(s), err);
	bool room = link->pending < PENDING_MAX && link->unsent < UNSENT_MAX;
	if (rc != RC_OK || (link->in_transaction && room))
		return rc;
	return collect(link, NULL, err);
}

static enum rc declare(
	struct postgres_stmt *stmt, const char *sql, unsigned number, struct err *err)
{
	struct postgres_link *link = link_of(&stmt->base);
	struct texts texts;
	enum rc rc = texts_init(&texts, stmt, err);
	if (rc != RC_OK)
		return rc;
	int ok = PQsendQueryParams(link->conn, sql, stmt->params_n, stmt->types, texts.values,
		stmt->lengths, stmt->formats, 1);
	texts_done(&texts, stmt->params_n);
	rc = sent(link, ok, err);
	stmt->cursor = rc == RC_OK ? number : 0;
	return rc;
}

static enum rc open_cursor(struct postgres_stmt *stmt, struct err *err)
{
	struct postgres_link *link = link_of(&stmt->base);
	struct buf text;
	if (atomic_load(&link->owner->broken))
		return err_set(err, RC_IO, "%s", link->owner->why);
	buf_init(&text, 1 << 16);
	unsigned number = ++link->named;
	enum rc rc = buf_printf(&text, "DECLARE w%u NO SCROLL CURSOR FOR ", number);
	rc = rc == RC_OK ? put_text(stmt, &text, err)
			 : err_set(err, rc, "out of memory for a statement");
	if (rc == RC_OK)
		rc = declare(stmt, text.p, number, err);
	buf_done(&text);
	return rc;
}

static enum rc next_page(struct postgres_stmt *stmt, struct err *err)
{
	struct postgres_link *link = link_of(&stmt->base);
	char sql[60];
	PQclear(stmt->result);
	stmt->result = NULL;
	enum rc rc = stmt->cursor != 0 ? RC_OK : open_cursor(stmt, err);
	if (rc != RC_OK)
		return rc;
	snprintf(sql, sizeof(sql), "FETCH %d FROM w%u", WALK_ROWS, stmt->cursor);
	rc = send_plain(link, sql, err);
	if (rc == RC_OK)
		rc = collect(link, &stmt->result, err);
	stmt->row = -1;
	return rc;
}

static enum rc all_rows(struct postgres_stmt *stmt, struct err *err)
{
	enum rc rc = send(stmt, err);
	if (rc == RC_OK)
		rc = collect(link_of(&stmt->base), &stmt->result, err);
	stmt->row = -1;
	return rc;
}

/* A cursor lives as long as its transaction: one that writes may be committed by whoever is given
 * the rows, one that reads is ours alone. */
static enum rc row(struct db_stmt *s, bool *ret_row, struct err *err)
{
	struct postgres_stmt *stmt = stmt_of(s);
	enum rc rc = RC_OK;
	if (stmt->result == NULL)
		rc = stmt->walked && link_of(s)->reading ? next_page(stmt, err)
							 : all_rows(stmt, err);
	else if (stmt->cursor != 0 && stmt->row + 1 == WALK_ROWS)
		rc = next_page(stmt, err);
	if (rc != RC_OK)
		return rc;
	*ret_row = ++stmt->row < PQntuples(stmt->result);
	if (!*ret_row)
		reset(s);
	return RC_OK;
}

static bool is_null(struct db_stmt *s, int column)
{
	return PQgetisnull(stmt_of(s)->result, stmt_of(s)->row, column) != 0;
}

static int64_t get_int(struct db_stmt *s, int column)
{
	struct postgres_stmt *stmt = stmt_of(s);
	const char *p = PQgetvalue(stmt->result, stmt->row, column);
	uint64_t v = 0;
	int n = is_null(s, column) ? 0 : PQgetlength(stmt->result, stmt->row, column);
	if (n > 8)
		return 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	if (n > 1 && n < 8 && ((unsigned char)p[0] & 0x80) != 0)
		v |= UINT64_MAX << (8 * n);
	return (int64_t)v;
}

static const char *get_text(struct db_stmt *s, int column)
{
	return PQgetvalue(stmt_of(s)->result, stmt_of(s)->row, column);
}

static struct slice get_blob(struct db_stmt *s, int column)
{
	struct postgres_stmt *stmt = stmt_of(s);
	int n = PQgetlength(stmt->result, stmt->row, column);
	return (struct slice){
		n > 0 ? PQgetvalue(stmt->result, stmt->row, column) : NULL, (size_t)n};
}

static enum rc changed(struct db *db, int64_t *ret_n, struct err *err)
{
	struct postgres_link *link = db_of(db)->link;
	enum rc rc = postgres_collect(link, err);
	if (rc == RC_OK)
		*ret_n = link->rows_n;
	return rc;
}

/* --- transactions ----------------------------------------------------------------------------- */

static enum rc begin(struct db *db, struct err *err)
{
	struct postgres_link *link = db_of(db)->link;
	if (atomic_load(&link->owner->broken))
		return err_set(err, RC_IO, "%s", link->owner->why);
	enum rc rc = send_plain(link, "BEGIN", err);
	link->in_transaction = db->writing = rc == RC_OK;
	return rc;
}

/* The end of a transaction whose statements have been sent. What is told goes behind it: a NOTIFY
 * within would let all who commit on this server wait for each other. */
static enum rc committed(struct db *db, struct answers *all, struct err *err)
{
	struct postgres_link *link = db_of(db)->link;
	enum rc rc = send_plain(link, "COMMIT", err);
	all->idle = link->pending;
	if (rc == RC_OK && link->tell != NULL)
		rc = send_plain(link, link->tell, err);
	link->tell = NULL;
	if (rc == RC_OK)
		rc = collect_all(link, all, err);
	link->in_transaction = db->writing = false;
	/* A transaction that had failed answers with ROLLBACK. */
	if (rc == RC_OK && (all->last == NULL || strcmp(PQcmdStatus(all->last), "COMMIT") != 0))
		rc = queue_break(link->owner, err, "%s has rolled back a transaction", link->name);
	PQclear(all->last);
	return rc;
}

static enum rc commit(struct db *db, struct err *err)
{
	struct answers all = {.wanted = -1};
	struct postgres_link *link = db_of(db)->link;
	enum rc rc = link->pending > PENDING_MAX - 4 ? collect(link, NULL, err) : RC_OK;
	return rc == RC_OK ? committed(db, &all, err) : rc;
}

enum rc postgres_commit_rows(struct db *db, struct db_stmt *s, struct err *err)
{
	struct postgres_stmt *stmt = stmt_of(s);
	struct postgres_link *link = db_of(db)->link;
	/* Nothing that is sent from here on may be collected before the rest. */
	enum rc rc = link->pending > PENDING_MAX - 6 ? collect(link, NULL, err) : RC_OK;
	if (rc == RC_OK)
		rc = send(stmt, err);
	struct answers all = {.wanted = link->pending - 1};
	if (rc == RC_OK)
		rc = committed(db, &all, err);
	if (rc != RC_OK) {
		PQclear(all.rows);
		return rc;
	}
	stmt->result = all.rows;
	stmt->row = -1;
	return RC_OK;
}

/* Where it fails the handle is broken, and says so with its next call. */
static void finish(struct postgres_link *link, const char *sql)
{
	struct err ignored;
	enum rc rc = send_plain(link, sql, &ignored);
	if (rc == RC_OK)
		rc = postgres_collect(link, &ignored);
	link->pending = rc == RC_OK ? link->pending : 0;
}

static void rollback(struct db *db)
{
	struct postgres_link *link = db_of(db)->link;
	link->in_transaction = db->writing = false;
	link->tell = NULL;
	if (PQstatus(link->conn) == CONNECTION_BAD || atomic_load(&link->owner->broken))
		return; /* the server does it when the connection ends */
	finish(link, "ROLLBACK");
}

static enum rc begin_read(struct db *db, struct err *err)
{
	struct postgres_link *link = db_of(db)->link;
	if (link->in_transaction || link->reading)
		return RC_OK; /* of the other database on this link */
	enum rc rc = send_plain(link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
	link->reading = rc == RC_OK;
	return rc;
}

static void end_read(struct db *db)
{
	struct postgres_link *link = db_of(db)->link;
	if (!link->reading)
		return;
	link->reading = false;
	if (!atomic_load(&link->owner->broken))
		finish(link, "COMMIT");
}

static const struct db_driver driver = {
	.shared = true,
	.use = use,
	.walk = walk,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_blob = bind_blob,
	.run = run,
	.row = row,
	.reset = reset,
	.get_int = get_int,
	.is_null = is_null,
	.get_text = get_text,
	.get_blob = get_blob,
	.changed = changed,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.begin_read = begin_read,
	.end_read = end_read,
	.size = postgres_size,
};

/* --- opening ---------------------------------------------------------------------------------- */

enum rc postgres_db_init(struct postgres_db *db, struct postgres_link *link,
	const struct db_form *form, struct err *err)
{
	*db = (struct postgres_db){
		.base = {.driver = &driver, .owner = link->owner, .form = form}, .link = link};
	db->stmts = calloc((size_t)form->sql_n, sizeof(*db->stmts));
	db->base.path = strdup(link->name);
	if (db->stmts == NULL || db->base.path == NULL)
		return err_set(err, RC_NOMEM, "out of memory for statements");
	return RC_OK;
}

void postgres_db_done(struct postgres_db *db)
{
	for (int i = 0; db->stmts != NULL && i < db->base.form->sql_n; i++)
		PQclear(db->stmts[i].result);
	free(db->stmts);
	free(db->base.path);
	*db = (struct postgres_db){0};
}
