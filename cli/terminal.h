/* SPDX-License-Identifier: MIT */
/* Writing for people: what comes from outside is shown, never obeyed by the terminal. */
#ifndef MOONHOOK_CLI_TERMINAL_H
#define MOONHOOK_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Is standard output one? */
bool terminal_is(void);
/* No colour from now on (--no-color). */
void terminal_plain(void);
/* Starts (ok: green, bad: red, warn: yellow, dim) and ends colour; nothing without a terminal or
 * with NO_COLOR.
 */
enum terminal_tone { TERMINAL_PLAIN, TERMINAL_OK, TERMINAL_BAD, TERMINAL_DIM, TERMINAL_WARN };
void terminal_tone(enum terminal_tone tone);
/* Writes text with control characters, escape sequences, bidirectional overrides and bytes that are
 * no UTF-8 replaced by '?'. Newlines too. */
void terminal_put(FILE *out, const char *text);
/* Columns that terminal_put takes for text: characters, wide ones counted once. */
size_t terminal_width(const char *text);

#endif
