/* SPDX-License-Identifier: MIT */
/* Texts compared without regard to case: UTF-8; Latin, Greek, Cyrillic. */
#ifndef MOONHOOK_CLIENT_FOLD_H
#define MOONHOOK_CLIENT_FOLD_H

#include <stdbool.h>

bool fold_equal(const char *a, const char *b);
#define FOLD_PART_MAX 1000 /* characters */
/* Is part somewhere in text? Of a longer one: no. */
bool fold_find(const char *text, const char *part);

#endif
