/* SPDX-License-Identifier: MIT */
/* A growing byte buffer that knows its maximum from the start. Always NUL-terminated behind n. */
#ifndef MOONHOOK_BASE_BUF_H
#define MOONHOOK_BASE_BUF_H

#include <stddef.h>

#include "base/attr.h"
#include "base/rc.h"
#include "base/slice.h"

struct buf {
	char *p;    /* owned; NULL until the first byte */
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated, terminator included */
	size_t max; /* bytes allowed */
};

/* Makes an empty buffer; allocates nothing. */
void buf_init(struct buf *b, size_t max_bytes);
/* Frees the bytes; the buffer is empty again and keeps its maximum. Accepts a done buffer. */
void buf_done(struct buf *b);
/* Forgets the bytes, keeps the memory. */
void buf_clear(struct buf *b);
/* Appends. RC_TOO_LARGE past the maximum, RC_NOMEM; the buffer is then unchanged. */
enum rc buf_put(struct buf *b, const void *bytes, size_t n) must_check;
enum rc buf_put_text(struct buf *b, const char *text) must_check;
enum rc buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3) must_check;
/* Makes room for n more bytes behind b->n and returns where they go; NULL as buf_put fails. The
 * caller then adds to b->n what it wrote. */
char *buf_reserve(struct buf *b, size_t n) must_check;
/* Drops the first n bytes. */
void buf_shift(struct buf *b, size_t n);
/* BORROWS until the next change. */
struct slice buf_slice(const struct buf *b);

#endif
