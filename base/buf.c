/* SPDX-License-Identifier: MIT */
/*
 * The growing buffer.
 * From: everything that builds or collects bytes. Fails by result code, never by growing past max.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

static enum rc buf_grow(struct buf *b, size_t n)
{
	if (n > b->max - b->n)
		return RC_TOO_LARGE;
	size_t need = b->n + n + 1;
	if (need <= b->cap)
		return RC_OK;
	size_t cap = b->cap != 0 ? b->cap : 256;
	while (cap < need)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	char *p = realloc(b->p, cap);
	if (p == NULL)
		return RC_NOMEM;
	b->p = p;
	b->cap = cap;
	return RC_OK;
}

enum rc buf_put(struct buf *b, const void *bytes, size_t n)
{
	enum rc rc = buf_grow(b, n);
	if (rc != RC_OK)
		return rc;
	if (n != 0)
		memcpy(b->p + b->n, bytes, n);
	b->n += n;
	b->p[b->n] = '\0';
	return RC_OK;
}

enum rc buf_put_text(struct buf *b, const char *text)
{
	return buf_put(b, text, strlen(text));
}

enum rc buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return RC_INVALID;
	enum rc rc = buf_grow(b, (size_t)n);
	if (rc != RC_OK)
		return rc;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return RC_OK;
}

char *buf_reserve(struct buf *b, size_t n)
{
	return buf_grow(b, n) == RC_OK ? b->p + b->n : NULL;
}

void buf_shift(struct buf *b, size_t n)
{
	if (n >= b->n) {
		buf_clear(b);
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}
