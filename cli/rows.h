/* SPDX-License-Identifier: MIT */
/* A list on standard output: an aligned table, one JSON array, or JSON lines. */
#ifndef MOONHOOK_CLI_ROWS_H
#define MOONHOOK_CLI_ROWS_H

#include <jansson.h>
#include <stdint.h>

#include "base/rc.h"
#include "cli/args.h"

struct rows_column {     /* STATIC */
	const char *key; /* of the row's object */
	const char *title;
};

struct rows;

/* columns: of the table; JSON shows every key. GIVES (rows_close); NULL: no memory. */
struct rows *rows_open(
	enum args_output output, const struct rows_column *columns, size_t columns_n);
/* TAKES row, an object; NULL counts as no memory. RC_NOMEM. */
enum rc rows_put(struct rows *rows, json_t *row) must_check;
/* Has there been a row? */
bool rows_any(const struct rows *rows);
/* Writes what is still held back, and `none` where there was no row in a table. */
void rows_close(struct rows *rows, const char *none);

/* Text for a row: NULL and "" become null, bytes that are no UTF-8 '?'. GIVES. */
json_t *rows_text(const char *text);
/* ISO 8601 of wall time, null for 0. GIVES. */
json_t *rows_time(int64_t wall_ms);

#endif
