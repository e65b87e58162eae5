/* SPDX-License-Identifier: MIT */
/*
 * Prints lists.
 * From: reading.c, detail.c. A table holds back its first rows to learn how wide its columns
 * are, and lets the rest through; JSON lets everything through. Nothing a record contains reaches a
 * terminal as a command.
 */
#include "cli/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/terminal.h"

#define HELD_MAX 256
#define COLUMNS_MAX 16
#define CELL_MAX 200 /* columns of the terminal that one cell may take */

struct rows {
	enum args_output output;
	const struct rows_column *columns;
	size_t columns_n;
	size_t widths[COLUMNS_MAX];
	json_t *held[HELD_MAX];
	size_t held_n;
	bool started; /* the title, or the array's bracket, is out */
	bool any;
};

json_t *rows_text(const char *text)
{
	if (text == NULL || text[0] == '\0')
		return json_null();
	json_t *t = json_string(text);
	if (t != NULL)
		return t;
	size_t n = strlen(text);
	char *copy = malloc(n + 1);
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < n;) {
		size_t len = utf8_length(text + i, n - i);
		if (len == 0)
			copy[i++] = '?';
		for (; len != 0; len--, i++)
			copy[i] = text[i];
	}
	copy[n] = '\0';
	t = json_string(copy);
	free(copy);
	return t;
}

json_t *rows_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT_N];
	if (wall_ms == 0)
		return json_null();
	clock_format(wall_ms, text);
	return json_string(text);
}

struct rows *rows_open(enum args_output output, const struct rows_column *columns, size_t columns_n)
{
	struct rows *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->output = output;
	r->columns = columns;
	r->columns_n = columns_n < COLUMNS_MAX ? columns_n : COLUMNS_MAX;
	for (size_t i = 0; i < r->columns_n; i++)
		r->widths[i] = strlen(columns[i].title);
	return r;
}

/* What a cell shows; scratch is used for numbers. */
static const char *cell_text(const json_t *row, const char *key, char scratch[static 32])
{
	const json_t *v = json_object_get(row, key);
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v)) {
		snprintf(scratch, 32, "%" PRId64, (int64_t)json_integer_value(v));
		return scratch;
	}
	return json_is_true(v) ? "yes" : "";
}

static enum terminal_tone tone_of(const char *key, const char *text)
{
	static const char *const bad[] = {"dead", "quarantined", "broken", "error"};
	if (strcmp(key, "state") != 0 && strcmp(key, "error") != 0)
		return TERMINAL_PLAIN;
	if (strcmp(key, "error") == 0 && text[0] != '\0')
		return TERMINAL_BAD;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (strcmp(text, bad[i]) == 0)
			return TERMINAL_BAD;
	return strcmp(text, "done") == 0 || strcmp(text, "live") == 0 ? TERMINAL_OK
								      : TERMINAL_PLAIN;
}

static void put_cell(const struct rows *r, size_t i, const char *text, enum terminal_tone tone)
{
	bool last = i + 1 == r->columns_n;
	terminal_tone(tone);
	terminal_put(stdout, text);
	if (tone != TERMINAL_PLAIN)
		terminal_tone(TERMINAL_PLAIN);
	for (size_t n = terminal_width(text); !last && n < r->widths[i] + 2; n++)
		putchar(' ');
}

static void print_row(const struct rows *r, const json_t *row)
{
	char scratch[32];
	for (size_t i = 0; i < r->columns_n; i++) {
		const char *text = cell_text(row, r->columns[i].key, scratch);
		put_cell(r, i, text, tone_of(r->columns[i].key, text));
	}
	putchar('\n');
}

/* Shows the rows that a table has held back. */
static void show_held(struct rows *r)
{
	char scratch[32];
	for (size_t k = 0; k < r->held_n; k++) {
		for (size_t i = 0; i < r->columns_n; i++) {
			size_t w =
				terminal_width(cell_text(r->held[k], r->columns[i].key, scratch));
			w = w < CELL_MAX ? w : CELL_MAX;
			r->widths[i] = w > r->widths[i] ? w : r->widths[i];
		}
	}
	if (!r->started && r->held_n != 0) {
		r->started = true;
		for (size_t i = 0; i < r->columns_n; i++)
			put_cell(r, i, r->columns[i].title, TERMINAL_DIM);
		putchar('\n');
	}
	for (size_t k = 0; k < r->held_n; k++) {
		print_row(r, r->held[k]);
		json_decref(r->held[k]);
	}
	r->held_n = 0;
	(void)fflush(stdout);
}

static size_t json_flags(void)
{
	/* A terminal gets no bytes that it may obey: C1 controls and bidirectional marks. */
	return JSON_COMPACT | (terminal_is() ? JSON_ENSURE_ASCII : 0);
}

enum rc rows_put(struct rows *r, json_t *row)
{
	if (row == NULL)
		return RC_NOMEM;
	r->any = true;
	if (r->output == ARGS_TABLE) {
		r->held[r->held_n++] = row;
		if (r->held_n == HELD_MAX || r->started)
			show_held(r);
		return RC_OK;
	}
	if (r->output == ARGS_JSON)
		fputs(r->started ? ",\n " : "[", stdout);
	r->started = true;
	int failed = json_dumpf(row, stdout, json_flags());
	if (r->output == ARGS_JSONL)
		putchar('\n');
	json_decref(row);
	return failed != 0 ? RC_NOMEM : RC_OK;
}

bool rows_any(const struct rows *r)
{
	return r->any;
}

void rows_close(struct rows *r, const char *none)
{
	if (r == NULL)
		return;
	show_held(r);
	if (r->output == ARGS_JSON)
		fputs(r->started ? "]\n" : "[]\n", stdout);
	if (r->output == ARGS_TABLE && !r->any && none != NULL)
		fprintf(stderr, "%s\n", none);
	free(r);
}
