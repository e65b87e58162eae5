/* SPDX-License-Identifier: MIT */
/* Texts compared without regard to case: UTF-8; Latin, Greek, Cyrillic. */
#ifndef MOONHOOK_CLIENT_FOLD_H
#define MOONHOOK_CLIENT_FOLD_H

#include <stdbool.h>

bool fold_equal(const char *a, const char *b);
/* Is part somewhere in text? */
bool fold_find(const char *text, const char *part);

#endif
