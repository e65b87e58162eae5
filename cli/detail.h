/* SPDX-License-Identifier: MIT */
/* One object on standard output: JSON, or parts that the show verbs put together for people. */
#ifndef MOONHOOK_CLI_DETAIL_H
#define MOONHOOK_CLI_DETAIL_H

#include <jansson.h>

#include "base/attr.h"
#include "cli/rows.h"

/* The whole object: indented for ARGS_JSON, else in one line. */
void detail_json(enum args_output output, const json_t *object);
/* The lines of a text as an array; NULL gives none. GIVES; NULL: no memory. */
json_t *detail_lines(const char *text);

/* "name        text", further lines of the text below the first; nothing where text is NULL or "".
 */
void detail_line(const char *name, const char *text);
/* The same of a text made here, cut at 255 bytes. */
void detail_printf(const char *name, const char *fmt, ...) printf_like(2, 3);
/* A name in a line of its own and a list of texts below it; nothing where the list is empty. */
void detail_list(const char *name, const json_t *texts);
/* The same with any value as indented JSON; nothing for null. */
void detail_value(const char *name, const json_t *value);
/* The same with a table; TAKES rows, a list of objects. */
void detail_table(
	const char *name, const struct rows_column *columns, size_t columns_n, json_t *rows);

/* What a member of an object says: its text, NULL where it is none. BORROWS from object. */
const char *detail_text(const json_t *object, const char *key);
/* Milliseconds between two times of an object; -1 where one is not there. */
int64_t detail_ms(const json_t *object, const char *from, const char *to);
/* "12 ms", "3.4 s", "2 min 5 s". */
void detail_span(int64_t ms, char ret_text[static 32]);
/* A value as JSON in one line, cut at `most` characters. GIVES; NULL: no memory. */
json_t *detail_brief(const json_t *value, size_t most);

#endif
