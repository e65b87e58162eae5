/* SPDX-License-Identifier: MIT */
/*
 * Prints one object.
 * From: the show verbs, status and reload. Nothing in it is obeyed by the terminal. JSON is whole;
 * what people get is put together by the verbs from the parts here.
 */
#include "cli/detail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/terminal.h"

#define NAME_N 12 /* columns of the terminal for names */

json_t *detail_lines(const char *text)
{
	json_t *list = json_array();
	while (text != NULL && *text != '\0' && list != NULL) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		int failed = line == NULL || json_array_append_new(list, rows_text(line)) != 0;
		free(line);
		if (failed) {
			json_decref(list);
			return NULL;
		}
		text += n;
		text += *text == '\n';
	}
	return list;
}

void detail_json(enum args_output output, const json_t *object)
{
	size_t flags = terminal_is() ? JSON_ENSURE_ASCII : 0;
	(void)json_dumpf(
		object, stdout, flags | (output == ARGS_JSON ? JSON_INDENT(2) : JSON_COMPACT));
	putchar('\n');
}

static void put_name(const char *name, int width)
{
	terminal_tone(TERMINAL_DIM);
	printf("%-*s", width, name);
	terminal_tone(TERMINAL_PLAIN);
}

/* Lines below each other, all but the first `indent` columns from the left. */
static void put_text(const char *text, int indent)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);
		terminal_put(stdout, line != NULL ? line : "?");
		free(line);
		text += n;
		if (*text == '\n' && *++text != '\0')
			printf("\n%*s", indent, "");
	}
	putchar('\n');
}

void detail_line(const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	put_name(name, NAME_N);
	put_text(text, NAME_N);
}

void detail_printf(const char *name, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	detail_line(name, text);
}

void detail_list(const char *name, const json_t *texts)
{
	if (json_array_size(texts) == 0)
		return;
	putchar('\n');
	put_name(name, 0);
	putchar('\n');
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		fputs("  ", stdout);
		put_text(text != NULL ? text : "", 4);
	}
}

void detail_value(const char *name, const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return;
	char *text = json_dumps(
		value, JSON_INDENT(2) | JSON_ENCODE_ANY | (terminal_is() ? JSON_ENSURE_ASCII : 0));
	putchar('\n');
	put_name(name, 0);
	fputs("\n  ", stdout);
	put_text(text != NULL ? text : "?", 2);
	free(text);
}

void detail_table(
	const char *name, const struct rows_column *columns, size_t columns_n, json_t *rows)
{
	struct rows *table = rows_open(ARGS_TABLE, columns, columns_n);
	size_t n = json_array_size(rows);
	if (n != 0 && table != NULL) {
		putchar('\n');
		put_name(name, 0);
		putchar('\n');
	}
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && table != NULL && rc == RC_OK; i++)
		rc = rows_put(table, json_incref(json_array_get(rows, i)));
	rows_close(table, NULL);
	json_decref(rows);
}

const char *detail_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int64_t detail_ms(const json_t *object, const char *from, const char *to)
{
	const char *a = detail_text(object, from), *b = detail_text(object, to);
	int64_t from_ms = a != NULL ? clock_parse(a) : -1, to_ms = b != NULL ? clock_parse(b) : -1;
	if (from_ms < 0 || to_ms < 0)
		return -1;
	return to_ms > from_ms ? to_ms - from_ms : 0;
}

void detail_span(int64_t ms, char ret_text[static 32])
{
	if (ms < 1000)
		snprintf(ret_text, 32, "%" PRId64 " ms", ms);
	else if (ms < 60000)
		snprintf(ret_text, 32, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else
		snprintf(ret_text, 32, "%" PRId64 " min %" PRId64 " s", ms / 60000,
			ms % 60000 / 1000);
}

json_t *detail_brief(const json_t *value, size_t most)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return NULL;
	size_t n = strlen(text), at = 0;
	for (size_t i = 0; i < most && at < n; i++) {
		size_t len = utf8_length(text + at, n - at);
		at += len != 0 ? len : 1;
	}
	json_t *brief = json_sprintf("%.*s%s", (int)at, text, at < n ? ".." : "");
	free(text);
	return brief;
}
