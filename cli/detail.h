/* SPDX-License-Identifier: MIT */
/* One object on standard output. */
#ifndef MOONHOOK_CLI_DETAIL_H
#define MOONHOOK_CLI_DETAIL_H

#include <jansson.h>

#include "cli/args.h"

/* JSON as asked for, else "key  value" lines with lists and objects indented below. */
void detail_print(enum args_output output, const json_t *object);
/* The lines of a text as an array; NULL gives none. GIVES; NULL: no memory. */
json_t *detail_lines(const char *text);

#endif
