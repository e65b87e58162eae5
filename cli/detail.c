/* SPDX-License-Identifier: MIT */
/*
 * Prints one object for people.
 * From: the show verbs and status. Nothing in it is obeyed by the terminal.
 */
#include "cli/detail.h"

#include <stdlib.h>
#include <string.h>

#include "cli/rows.h"
#include "cli/terminal.h"

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

static void put_indent(int depth)
{
	for (int i = 0; i < depth; i++)
		fputs("  ", stdout);
}

/* A scalar, or a small value as JSON, safe for the terminal; lines of a text below each other. */
static void put_value(const json_t *value, int depth)
{
	if (json_is_string(value)) {
		const char *text = json_string_value(value);
		while (*text != '\0') {
			size_t n = strcspn(text, "\n");
			char *line = strndup(text, n);
			terminal_put(stdout, line != NULL ? line : "?");
			free(line);
			text += n;
			if (*text == '\n' && *++text != '\0') {
				putchar('\n');
				put_indent(depth + 1);
			}
		}
		return;
	}
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	terminal_put(stdout, text != NULL ? text : "?");
	free(text);
}

/* One row of a list: what it is made of in one line. */
static void put_row(const json_t *row, int depth)
{
	const char *key;
	json_t *value;
	union {
		const json_t *in;
		json_t *out;
	} r = {row};
	put_indent(depth);
	if (!json_is_object(row))
		put_value(row, depth);
	json_object_foreach(r.out, key, value)
	{
		if (json_is_null(value))
			continue;
		fputs(key, stdout);
		putchar('=');
		put_value(value, depth);
		putchar(' ');
	}
	putchar('\n');
}

static void put_member(const char *key, const json_t *value)
{
	char *text = NULL;
	size_t i;
	json_t *row;
	union {
		const json_t *in;
		json_t *out;
	} v = {value};
	if (json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
		return;
	terminal_tone(TERMINAL_DIM);
	printf("%-12s", key);
	terminal_tone(TERMINAL_PLAIN);
	if (json_is_array(value)) {
		putchar('\n');
		json_array_foreach(v.out, i, row)
		{
			put_row(row, 1);
		}
	} else if (json_is_object(value)) {
		text = json_dumps(value, JSON_INDENT(2) | (terminal_is() ? JSON_ENSURE_ASCII : 0));
		printf("\n%s\n", text != NULL ? text : "?");
		free(text);
	} else {
		put_value(value, 0);
		putchar('\n');
	}
}

void detail_print(enum args_output output, const json_t *object)
{
	const char *key;
	json_t *value;
	union {
		const json_t *in;
		json_t *out;
	} o = {object};
	size_t flags = terminal_is() ? JSON_ENSURE_ASCII : 0;
	if (output != ARGS_TABLE) {
		(void)json_dumpf(object, stdout,
			flags | (output == ARGS_JSON ? JSON_INDENT(2) : JSON_COMPACT));
		putchar('\n');
		return;
	}
	json_object_foreach(o.out, key, value)
	{
		put_member(key, value);
	}
}
