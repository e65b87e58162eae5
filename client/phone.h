/* SPDX-License-Identifier: MIT */
/* Telephone numbers in E.164 form, taken apart as Twenty keeps them. */
#ifndef MOONHOOK_CLIENT_PHONE_H
#define MOONHOOK_CLIENT_PHONE_H

#include <stdbool.h>

#define PHONE_DIGITS_MAX 15 /* E.164 */

struct phone {
	char number[PHONE_DIGITS_MAX + 1]; /* "612345678" */
	char calling[6];                   /* "+33" */
	char country[3];                   /* "FR"; of a shared calling code the largest country */
};

/* Reads "+33 6 12-34 (56) 78"; false where it does not begin with + and a known calling code, or
 * has other characters than digits, blanks, dots, dashes, slashes and parentheses. */
bool phone_parse(const char *text, struct phone *ret_phone);

#endif
