/* SPDX-License-Identifier: MIT */
/* Addresses that may hold a password, such as "postgres://user:password@host/db?password=..". */
#ifndef MOONHOOK_BASE_PASSWORD_H
#define MOONHOOK_BASE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

/* Is there a password in it? False for what is no address. */
bool password_within(const char *text);
/* The text with ******** for each password. A short out cuts it. */
void password_hide(const char *text, char *out, size_t out_n);

#endif
