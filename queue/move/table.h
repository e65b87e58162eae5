/* SPDX-License-Identifier: MIT */
/*
 * The tables of a store as data: what a copy brings from one database to another. Whoever adds a
 * table or a column to sqlite/work_N.sql, inbox_N.sql or postgres/store_N.sql adds it here; a test
 * compares them.
 */
#ifndef MOONHOOK_QUEUE_MOVE_TABLE_H
#define MOONHOOK_QUEUE_MOVE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum move_file { MOVE_INBOX, MOVE_WORK, MOVE_FILES_N }; /* of SQLite; PostgreSQL has all in one */
enum move_kind { MOVE_SQLITE, MOVE_POSTGRES, MOVE_KINDS_N };

enum move_walk {      /* how its rows are come by */
	MOVE_PLAIN,   /* in the order of its key */
	MOVE_ROUTED,  /* deliveries up to the position of the work, with their dedupe keys */
	MOVE_PENDING, /* those behind it, in the order in which they would be routed */
};

enum { MOVE_COLUMNS_N = 26, MOVE_KEYS_N = 2 };

enum move_type {
	MOVE_INT = 'i',
	MOVE_TEXT = 't',
	MOVE_BYTES = 'b',
	MOVE_COUNTS = 'c', /* of progress: 64 bits each, little endian */
	MOVE_UUID = 'u',   /* a text, which SQLite keeps as 16 bytes */
};

struct move_table { /* STATIC */
	const char *name;
	const char *columns; /* "i seq, t id, ..": type and name; the key comes first */
	int keys_n;
	enum move_file file;
	int page;     /* rows that are held in memory at once */
	bool unique;  /* another column than the key is unique, too */
	bool counted; /* PostgreSQL numbers new rows itself */
	enum move_walk walk;
	const char *only[MOVE_KINDS_N]; /* which rows; NULL: all */
};

struct move_column {
	char name[24];
	enum move_type type;
};

extern const struct move_table move_tables[];
extern const size_t move_tables_n;

/* Takes the columns apart; answers how many they are. */
int move_columns(
	const struct move_table *table, struct move_column ret_columns[static MOVE_COLUMNS_N]);

/* What is in a schema and not in move_tables, and why: made anew where it is wanted. column NULL:
 * the whole table. */
struct move_omitted { /* STATIC */
	enum move_kind kind;
	const char *table, *column, *why;
};
extern const struct move_omitted move_omitted[];
extern const size_t move_omitted_n;

#endif
