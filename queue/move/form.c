/* SPDX-License-Identifier: MIT */
/*
 * The statements of a copy, made from move_tables.
 * From: move/sqlite.c, move/postgres.c. To: a db_form like those of sql/text.c; the text is
 * SQLite's, which the driver of PostgreSQL translates.
 */
#include <stdlib.h>
#include <string.h>

#include "queue/move/side.h"

/* Deliveries have their own: ?1 is the place behind which, ?2 up to which, ?3 how many. */
#define D_COLUMNS "d.id, d.source, d.received_ms, d.quarantine, d.headers, d.body, "
#define D_RANGE(column) " WHERE " column " > ?1 AND " column " <= ?2 ORDER BY " column " LIMIT ?3"

static const char sqlite_deliveries[] =
	"SELECT d.seq, " D_COLUMNS "k.key"
	" FROM delivery AS d LEFT JOIN seen AS k ON k.seq = d.seq" D_RANGE("d.seq");
static const char postgres_filled[] =
	"SELECT d.n, " D_COLUMNS "d.key FROM delivery AS d" D_RANGE("d.n");
static const char postgres_routed[] =
	"SELECT r.seq, " D_COLUMNS
	"d.key FROM routed AS r JOIN delivery AS d ON d.n = r.n" D_RANGE("r.seq");
static const char postgres_pending[] =
	"SELECT p.n, " D_COLUMNS
	"d.key FROM pending AS p JOIN delivery AS d ON d.n = p.n" D_RANGE("p.n");

static const char *const sqlite_writes[MOVE_STATEMENTS_N] = {
	[MOVE_DELETE] = "DELETE FROM delivery WHERE seq = ?1",
	[MOVE_INSERT] =
		"INSERT INTO delivery (seq, id, source, received_ms, quarantine, headers, body)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[MOVE_DELETE_KEY] = "DELETE FROM seen WHERE seq = ?1",
	[MOVE_INSERT_KEY] = "INSERT INTO seen (seq, key) VALUES (?1, ?2)",
	[MOVE_ANY] = "SELECT 1 FROM delivery LIMIT 1",
};
static const char *const postgres_writes[MOVE_STATEMENTS_N] = {
	[MOVE_DELETE] = "DELETE FROM delivery WHERE n = ?1",
	[MOVE_DELETE_KEY] = "SELECT 0 WHERE ?1::bigint IS NULL", /* goes with its delivery */
	[MOVE_ANY] = "SELECT 1 FROM delivery LIMIT 1",
};

static const char *delivery_text(
	const struct move_table *t, enum move_kind kind, bool fills, enum move_statement what)
{
	if (what != MOVE_FIRST && what != MOVE_NEXT)
		return kind == MOVE_SQLITE ? sqlite_writes[what] : postgres_writes[what];
	if (kind == MOVE_SQLITE)
		return sqlite_deliveries;
	if (fills)
		return postgres_filled;
	return t->walk == MOVE_ROUTED ? postgres_routed : postgres_pending;
}

/* "a, b" of the first n columns, or "?1, ?2". */
static enum rc put_list(struct buf *out, const struct move_column *columns, int n, const char *form)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < n; i++) {
		rc = i > 0 ? buf_put_text(out, form[0] == '=' ? " AND " : ", ") : RC_OK;
		if (rc == RC_OK && form[0] != '?')
			rc = buf_put_text(out, columns[i].name);
		if (rc == RC_OK && form[0] == '=')
			rc = buf_printf(out, " = ?%d", i + 1);
		if (rc == RC_OK && form[0] == '?')
			rc = buf_printf(out, "?%d", i + 1);
	}
	return rc;
}

static enum rc put_select(struct buf *out, const struct move_table *t,
	const struct move_column *columns, int n, const char *only, bool behind)
{
	enum rc rc = buf_put_text(out, "SELECT ");
	if (rc == RC_OK)
		rc = put_list(out, columns, n, "name");
	if (rc == RC_OK)
		rc = buf_printf(out, " FROM %s%s%s", t->name, only != NULL ? " WHERE " : "",
			only != NULL ? only : "");
	if (rc == RC_OK && behind) {
		rc = buf_printf(out, " %s (", only != NULL ? "AND" : "WHERE");
		if (rc == RC_OK)
			rc = put_list(out, columns, t->keys_n, "name");
		if (rc == RC_OK)
			rc = buf_put_text(out, ") > (");
		if (rc == RC_OK)
			rc = put_list(out, columns, t->keys_n, "?");
		if (rc == RC_OK)
			rc = buf_put_text(out, ")");
	}
	if (rc == RC_OK)
		rc = buf_put_text(out, " ORDER BY ");
	if (rc == RC_OK)
		rc = put_list(out, columns, t->keys_n, "name");
	return rc == RC_OK ? buf_printf(out, " LIMIT ?%d", behind ? t->keys_n + 1 : 1) : rc;
}

static enum rc put_insert(
	struct buf *out, const struct move_table *t, const struct move_column *columns, int n)
{
	enum rc rc = buf_printf(out, "INSERT INTO %s (", t->name);
	if (rc == RC_OK)
		rc = put_list(out, columns, n, "name");
	if (rc == RC_OK)
		rc = buf_put_text(out, ") VALUES (");
	if (rc == RC_OK)
		rc = put_list(out, columns, n, "?");
	return rc == RC_OK ? buf_put_text(out, ")") : rc;
}

static enum rc put_text(
	struct buf *out, const struct move_table *t, enum move_kind kind, enum move_statement what)
{
	struct move_column columns[MOVE_COLUMNS_N];
	int n = move_columns(t, columns);
	enum rc rc;
	switch (what) {
	case MOVE_FIRST:
	case MOVE_NEXT:
		return put_select(out, t, columns, n, t->only[kind], what == MOVE_NEXT);
	case MOVE_DELETE:
		rc = buf_printf(out, "DELETE FROM %s WHERE ", t->name);
		return rc == RC_OK ? put_list(out, columns, t->keys_n, "=") : rc;
	case MOVE_INSERT:
		return put_insert(out, t, columns, n);
	case MOVE_ANY:
		return buf_printf(out, "SELECT 1 FROM %s LIMIT 1", t->name);
	case MOVE_DELETE_KEY:
	case MOVE_INSERT_KEY:
	case MOVE_STATEMENTS_N:
		return RC_OK;
	}
	return RC_OK;
}

/* One behind the other, each with its NUL; where each begins is found when all are there. */
static enum rc put_all(struct move_form *f, enum move_kind kind, bool fills)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < move_tables_n * MOVE_STATEMENTS_N; i++) {
		const struct move_table *t = &move_tables[i / MOVE_STATEMENTS_N];
		enum move_statement what = (enum move_statement)(i % MOVE_STATEMENTS_N);
		const char *own =
			t->walk != MOVE_PLAIN ? delivery_text(t, kind, fills, what) : NULL;
		if (t->walk == MOVE_PLAIN)
			rc = put_text(&f->text, t, kind, what);
		else
			rc = buf_put_text(&f->text, own != NULL ? own : "");
		if (rc == RC_OK)
			rc = buf_put(&f->text, "", 1);
	}
	return rc;
}

enum rc move_form_init(struct move_form *f, const struct db_form *base, enum move_kind kind,
	bool fills, struct err *err)
{
	size_t own_n = move_tables_n * MOVE_STATEMENTS_N;
	*f = (struct move_form){.form = *base};
	buf_init(&f->text, 1 << 20);
	f->texts = calloc(SQL_COMMON_N + own_n, sizeof(*f->texts));
	if (f->texts == NULL || put_all(f, kind, fills) != RC_OK)
		return err_set(err, RC_NOMEM, "out of memory for statements");
	memcpy(f->texts, base->sql, SQL_COMMON_N * sizeof(*f->texts));
	const char *p = f->text.p;
	for (size_t i = 0; i < own_n; i++, p += strlen(p) + 1)
		f->texts[SQL_COMMON_N + i] = p;
	f->form.sql = f->texts;
	f->form.sql_n = (int)(SQL_COMMON_N + own_n);
	return RC_OK;
}

void move_form_done(struct move_form *f)
{
	free(f->texts);
	buf_done(&f->text);
	f->texts = NULL;
}
