/* SPDX-License-Identifier: MIT */
/* UTF-8: what is a character, how one is written, which are safe to show. Source of the format:
 * RFC 3629. */
#ifndef MOONHOOK_BASE_UTF8_H
#define MOONHOOK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character at p, which has n bytes; 0: none is there (no bytes, a stray or
 * missing continuation, an overlong form, a surrogate, past U+10FFFF). */
size_t utf8_length(const char *p, size_t n);
/* How many bytes from p on are whole characters. */
size_t utf8_span(const char *p, size_t n);
/* Each byte that belongs to none becomes "?"; answers how many. */
size_t utf8_repair(char *p, size_t n);
/* Takes the beginning of a character from the end of a text that was cut there. */
void utf8_close(char *text);
/* Writes a character, at most U+10FFFF; answers its bytes, 1 to 4. */
size_t utf8_put(uint32_t c, char *out);
/* Would a terminal obey this character (length as utf8_length says)? C0 and C1 controls, DEL, line
 * separators, marks that turn the direction of writing. */
bool utf8_obeyed(const char *p, size_t length);

#endif
