/* SPDX-License-Identifier: MIT */
/* Arrays as parameters of PostgreSQL's statements. */
#ifndef MOONHOOK_QUEUE_POSTGRES_ARRAY_H
#define MOONHOOK_QUEUE_POSTGRES_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/* pg_type.dat: of elements, of arrays of them. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };
enum { OID_BYTEAS = 1001, OID_TEXTS = 1009, OID_INT8S = 1016 };

/* Begins an array of n elements, each of which is put then, in order. RC_NOMEM, RC_TOO_LARGE. */
enum rc postgres_array_begin(struct buf *out, unsigned type, size_t n) must_check;
/* p NULL: NULL. */
enum rc postgres_array_bytes(struct buf *out, const char *p, size_t n) must_check;
/* What is not UTF-8 becomes "?" (as in db.h). */
enum rc postgres_array_text(struct buf *out, const char *text) must_check;
enum rc postgres_array_int(struct buf *out, int64_t value) must_check;

#endif
