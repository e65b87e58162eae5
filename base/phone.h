/* SPDX-License-Identifier: MIT */
/* Telephone numbers: the calling codes of countries, E.164 as Twenty keeps it in parts, and what
 * people typed made E.164. */
#ifndef MOONHOOK_BASE_PHONE_H
#define MOONHOOK_BASE_PHONE_H

#include <stdbool.h>

#define PHONE_DIGITS_MAX 15 /* E.164 */
#define PHONE_TEXT_N (PHONE_DIGITS_MAX + 2)

struct phone {
	char number[PHONE_DIGITS_MAX + 1]; /* "612345678" */
	char calling[6];                   /* "+33" */
	char country[3];                   /* "FR"; of a shared calling code the largest country */
};

/* Reads "+33 6 12-34 (56) 78"; false where it does not begin with + and a known calling code, or
 * has other characters than digits, blanks, dots, dashes, slashes and parentheses. */
bool phone_parse(const char *text, struct phone *ret_phone);
/* Gives the digits of the calling code of "FR", "fr", "+33" or "33"; false where there is none. */
bool phone_calling(const char *country, char ret_code[static 4]);
/*
 * Makes what people typed E.164: "tel:" and an extension off, "00" is "+", a national 0 dropped
 * where the country drops it. country as above, "" where it is not known; it counts only where the
 * text does not say. False where the number cannot be known: no country, letters, a length that the
 * country's numbers do not have.
 */
bool phone_normalise(const char *text, const char *country, char ret_text[static PHONE_TEXT_N]);

#endif
