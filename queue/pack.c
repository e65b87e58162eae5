/* SPDX-License-Identifier: MIT */
/*
 * Texts -> few bytes, and back.
 * From: sql/copy.c (records), sql/route.c and sql/claim.c (what was before an event). A
 * record is half made of keys that all records of its kind have: a dictionary that holds Twenty's
 * standard objects, empty, takes a fifth to a third off what zstd alone needs. A dictionary never
 * changes once released, another one gets another method. Fails with a sentence of what is wrong
 * with the bytes. Does not know what the texts mean.
 */
#include "queue/pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

enum method { /* the first byte; stored */
	METHOD_PLAIN = 0,
	METHOD_ZSTD_1 = 1, /* a zstd frame, dictionary copy_1.txt */
};

enum {
	LEVEL = 1,            /* higher ones gain 5% for twice the time */
	ZSTD_WORTH = 48,      /* below, the frame costs more than it saves */
	KEEP_BYTES = 1 << 20, /* a buffer that one large text made is given back */
};

/* No text ends in it, so that its size is that of the file. */
static const char dictionary_1[] = {
#include "queue/copy_1.txt.inc"
};

struct pack {
	ZSTD_CCtx *to;
	ZSTD_DCtx *from;
	ZSTD_CDict *to_1;
	ZSTD_DDict *from_1;
};

enum rc pack_new(struct pack **ret_pack, struct err *err)
{
	struct pack *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for compression");
	p->to = ZSTD_createCCtx();
	p->from = ZSTD_createDCtx();
	p->to_1 = ZSTD_createCDict(dictionary_1, sizeof(dictionary_1), LEVEL);
	p->from_1 = ZSTD_createDDict(dictionary_1, sizeof(dictionary_1));
	if (p->to == NULL || p->from == NULL || p->to_1 == NULL || p->from_1 == NULL ||
		ZSTD_isError(ZSTD_CCtx_setParameter(p->to, ZSTD_c_checksumFlag, 1)) ||
		ZSTD_isError(ZSTD_CCtx_refCDict(p->to, p->to_1)) ||
		ZSTD_isError(ZSTD_DCtx_refDDict(p->from, p->from_1))) {
		pack_free(p);
		return err_set(err, RC_NOMEM, "out of memory for compression");
	}
	*ret_pack = p;
	return RC_OK;
}

void pack_free(struct pack *pack)
{
	if (pack == NULL)
		return;
	ZSTD_freeCCtx(pack->to);
	ZSTD_freeDCtx(pack->from);
	ZSTD_freeCDict(pack->to_1);
	ZSTD_freeDDict(pack->from_1);
	free(pack);
}

static void end(struct buf *out, size_t n)
{
	out->n = n;
	out->p[n] = '\0';
}

/* Empties out, and makes room for n bytes. */
static char *room(struct buf *out, size_t n)
{
	if (out->cap > KEEP_BYTES && n < KEEP_BYTES)
		buf_done(out);
	buf_clear(out);
	return buf_reserve(out, n);
}

static bool pack_zstd(struct pack *pack, struct slice text, struct buf *out, char *p, size_t most)
{
	size_t n = ZSTD_compress2(pack->to, p + 1, most - 1, text.p, text.n);
	if (ZSTD_isError(n) || n >= text.n)
		return false;
	p[0] = METHOD_ZSTD_1;
	end(out, n + 1);
	return true;
}

enum rc pack_put(struct pack *pack, struct slice text, struct buf *out, struct err *err)
{
	if (text.n > PACK_TEXT_MAX)
		return err_set(
			err, RC_TOO_LARGE, "a text of %zu bytes is too large to be kept", text.n);
	size_t most = 1 + ZSTD_compressBound(text.n);
	char *p = room(out, most);
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for a text of %zu bytes", text.n);
	if (text.n == 0 || (text.n >= ZSTD_WORTH && pack_zstd(pack, text, out, p, most)))
		return RC_OK;
	p[0] = METHOD_PLAIN;
	memcpy(p + 1, text.p, text.n);
	end(out, text.n + 1);
	return RC_OK;
}

static enum rc open_plain(struct slice bytes, struct buf *out, struct err *err)
{
	if (bytes.n > PACK_TEXT_MAX)
		return err_set(err, RC_PARSE, "it is too long");
	char *p = room(out, bytes.n);
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for a text of %zu bytes", bytes.n);
	memcpy(p, bytes.p, bytes.n);
	end(out, bytes.n);
	return RC_OK;
}

static enum rc open_zstd(struct pack *pack, struct slice bytes, struct buf *out, struct err *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(bytes.p, bytes.n);
	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
		return err_set(err, RC_PARSE, "it is no zstd frame");
	if (size > PACK_TEXT_MAX)
		return err_set(err, RC_PARSE, "it claims to hold %llu bytes", size);
	char *p = room(out, (size_t)size);
	if (p == NULL)
		return err_set(err, RC_NOMEM, "out of memory for a text of %llu bytes", size);
	size_t n = ZSTD_decompressDCtx(pack->from, p, (size_t)size, bytes.p, bytes.n);
	if (ZSTD_isError(n) || n != size)
		return err_set(err, RC_PARSE, "%s",
			ZSTD_isError(n) ? ZSTD_getErrorName(n) : "it is shorter than it claims");
	end(out, n);
	return RC_OK;
}

enum rc pack_open(struct pack *pack, struct slice packed, struct buf *out, struct err *err)
{
	if (packed.n == 0) {
		buf_clear(out);
		return RC_OK;
	}
	struct slice bytes = {packed.p + 1, packed.n - 1};
	if (packed.p[0] == METHOD_PLAIN)
		return open_plain(bytes, out, err);
	if (packed.p[0] == METHOD_ZSTD_1)
		return open_zstd(pack, bytes, out, err);
	return err_set(err, RC_PARSE, "method %d is not known", packed.p[0]);
}
