/* SPDX-License-Identifier: MIT */
/*
 * Names that sort by time: a ULID in lower case, 26 characters of Crockford's base 32; 48 bits of
 * milliseconds, then 80 random bits. Source of the format: https://github.com/ulid/spec.
 */
#ifndef MOONHOOK_BASE_ID_H
#define MOONHOOK_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/slice.h"

#define ID_N 26

struct id {
	char text[ID_N + 1];
};

/* A new id for this moment; ids of one process never go backwards within a millisecond. One thread.
 */
enum rc id_new(int64_t wall_ms, struct id *ret_id, struct err *err) must_check;
/* True for exactly 26 characters of the alphabet. */
bool id_valid(const char *text);

#endif
