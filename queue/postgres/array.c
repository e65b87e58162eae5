/* SPDX-License-Identifier: MIT */
/*
 * Arrays in PostgreSQL's binary form (src/backend/utils/adt/arrayfuncs.c, array_recv).
 * From: the statements that say something of a whole batch. To: a buffer that is bound.
 */
#include "queue/postgres/array.h"

#include <endian.h>
#include <string.h>

#include "base/utf8.h"
static enum rc put_32(struct buf *out, int32_t value)
{
	uint32_t big = htobe32((uint32_t)value);
	return buf_put(out, &big, 4);
}

enum rc postgres_array_begin(struct buf *out, unsigned type, size_t n)
{
	enum rc rc = put_32(out, 1);
	if (rc == RC_OK)
		rc = put_32(out, 1); /* there may be NULLs */
	if (rc == RC_OK)
		rc = put_32(out, (int32_t)type);
	if (rc == RC_OK)
		rc = put_32(out, (int32_t)n);
	return rc == RC_OK ? put_32(out, 1) : rc;
}

enum rc postgres_array_bytes(struct buf *out, const char *p, size_t n)
{
	enum rc rc = put_32(out, p != NULL ? (int32_t)n : -1);
	return rc == RC_OK && p != NULL && n > 0 ? buf_put(out, p, n) : rc;
}

enum rc postgres_array_text(struct buf *out, const char *text)
{
	size_t n = text != NULL ? strlen(text) : 0;
	enum rc rc = postgres_array_bytes(out, text, n);
	if (rc == RC_OK && n > 0)
		(void)utf8_repair(out->p + out->n - n, n);
	return rc;
}

enum rc postgres_array_int(struct buf *out, int64_t value)
{
	uint64_t big = htobe64((uint64_t)value);
	return postgres_array_bytes(out, (const char *)&big, 8);
}
