/* SPDX-License-Identifier: MIT */
/*
 * Rows between two databases, in the one form that move/side.h describes.
 * From: move/walk.c, move/sqlite.c, move/postgres.c. PostgreSQL takes no text that is not UTF-8:
 * bytes of one that are not become "?", and are counted.
 */
#include <endian.h>
#include <string.h>

#include "base/utf8.h"
#include "queue/move/side.h"

static enum rc put_field(struct buf *out, const char *p, size_t n)
{
	uint32_t big = htobe32((uint32_t)n);
	enum rc rc = buf_put(out, &big, 4);
	return rc == RC_OK && n > 0 ? buf_put(out, p, n) : rc;
}

static enum rc put_int(struct buf *out, int64_t value)
{
	uint64_t big = htobe64((uint64_t)value);
	return put_field(out, (const char *)&big, 8);
}

static enum rc put_null(struct buf *out)
{
	static const unsigned char null[] = {0xff, 0xff, 0xff, 0xff};
	return buf_put(out, null, sizeof(null));
}

static enum rc put_text(struct move_side *side, const char *text, struct buf *out)
{
	size_t n = strlen(text);
	enum rc rc = put_field(out, text, n);
	if (rc == RC_OK && side->repairs)
		side->repaired_n += (int64_t)utf8_repair(out->p + out->n - n, n);
	return rc;
}

static enum rc put_uuid(struct move_side *side, struct db_stmt *s, int column, struct buf *out)
{
	char text[UUID_TEXT_N + 1];
	struct slice bytes = db_blob(s, column);
	if (side->kind == MOVE_POSTGRES || bytes.n != UUID_BYTES_N)
		return put_text(side, db_text(s, column), out);
	uuid_format((const uint8_t *)bytes.p, text);
	return put_field(out, text, UUID_TEXT_N);
}

/* With what stands beside them. */
static enum rc put_counts(struct move_side *side, struct slice counts, struct buf *out)
{
	uint64_t all[2 * QUEUE_STATE_N];
	if (counts.n != sizeof(all))
		return put_field(out, counts.p, counts.n);
	memcpy(all, counts.p, sizeof(all));
	for (size_t i = 0; i < ARRAY_N(all); i++)
		all[i] = htole64(le64toh(all[i]) + (uint64_t)side->moved[i]);
	return put_field(out, (const char *)all, sizeof(all));
}

enum rc move_row_read(struct move_side *side, int table, struct db_stmt *s, int64_t place,
	struct buf *out, struct err *err)
{
	struct move_column columns[MOVE_COLUMNS_N];
	int n = move_columns(&move_tables[table], columns);
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < n; i++) {
		struct slice bytes;
		if (db_is_null(s, i)) {
			rc = put_null(out);
			continue;
		}
		switch (columns[i].type) {
		case MOVE_INT:
			rc = put_int(out, i == 0 && place > 0 ? place : db_int(s, i));
			break;
		case MOVE_TEXT:
			rc = put_text(side, db_text(s, i), out);
			break;
		case MOVE_BYTES:
			bytes = db_blob(s, i);
			rc = put_field(out, bytes.p, bytes.n);
			break;
		case MOVE_COUNTS:
			rc = put_counts(side, db_blob(s, i), out);
			break;
		case MOVE_UUID:
			rc = put_uuid(side, s, i, out);
			break;
		}
	}
	return rc == RC_OK ? rc
			   : err_set(err, rc, "a row of %s is %s", move_tables[table].name,
				     rc_text(rc));
}

bool move_field(struct slice *row, struct slice *ret_field)
{
	uint32_t big;
	memcpy(&big, row->p, 4);
	uint32_t n = be32toh(big);
	bool there = n != UINT32_MAX;
	size_t bytes = there ? n : 0;
	*ret_field = (struct slice){row->p + 4, bytes};
	row->p += 4 + bytes;
	row->n -= 4 + bytes;
	return there;
}

int64_t move_field_int(struct slice field)
{
	uint64_t big = 0;
	if (field.n == 8)
		memcpy(&big, field.p, 8);
	return (int64_t)be64toh(big);
}

static int compare_bytes(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

int move_row_compare(int table, struct slice a, struct slice b)
{
	struct move_column columns[MOVE_COLUMNS_N];
	(void)move_columns(&move_tables[table], columns);
	int c = 0;
	for (int i = 0; c == 0 && i < move_tables[table].keys_n; i++) {
		struct slice x, y;
		(void)move_field(&a, &x);
		(void)move_field(&b, &y);
		if (columns[i].type == MOVE_INT) {
			int64_t v = move_field_int(x), w = move_field_int(y);
			c = (v > w) - (v < w);
		} else {
			c = compare_bytes(x, y);
		}
	}
	return c;
}

static void bind_uuid(struct move_side *side, struct db_stmt *s, int i, struct slice field,
	unsigned char uuid[static UUID_BYTES_N])
{
	char text[UUID_TEXT_N + 1] = "";
	if (side->kind == MOVE_SQLITE && field.n == UUID_TEXT_N) {
		memcpy(text, field.p, field.n);
		if (uuid_parse(text, uuid)) {
			db_bind_blob(s->db, s, i, (struct slice){(const char *)uuid, UUID_BYTES_N});
			return;
		}
	}
	side->driver->bind_text(s, i, field);
}

void move_row_bind(struct move_side *side, int table, struct slice row, int n, struct db_stmt *s,
	unsigned char uuid[static UUID_BYTES_N])
{
	struct move_column columns[MOVE_COLUMNS_N];
	(void)move_columns(&move_tables[table], columns);
	for (int i = 0; i < n; i++) {
		struct slice field;
		if (!move_field(&row, &field)) {
			db_bind_text(s->db, s, i + 1, NULL);
			continue;
		}
		switch (columns[i].type) {
		case MOVE_INT:
			db_bind_int(s->db, s, i + 1, move_field_int(field));
			break;
		case MOVE_TEXT:
			side->driver->bind_text(s, i + 1, field);
			break;
		case MOVE_BYTES:
		case MOVE_COUNTS:
			db_bind_blob(s->db, s, i + 1, field);
			break;
		case MOVE_UUID:
			bind_uuid(side, s, i + 1, field, uuid);
			break;
		}
	}
}

bool move_rows_next(struct slice *rows, struct slice *ret_row)
{
	uint32_t n;
	if (rows->n < sizeof(n))
		return false;
	memcpy(&n, rows->p, sizeof(n));
	*ret_row = (struct slice){rows->p + sizeof(n), n};
	rows->p += sizeof(n) + n;
	rows->n -= sizeof(n) + n;
	return true;
}
