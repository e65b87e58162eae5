/* SPDX-License-Identifier: MIT */
/* The headers of one request that matter: its framing, what its scheme asks for, what rules see. */
#ifndef MOONHOOK_RECEIVER_HEAD_H
#define MOONHOOK_RECEIVER_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define HEAD_WANTED_MAX 6
#define HEAD_KEPT_MAX 32
#define HEAD_KEPT_BYTES 4096 /* of all lines that are kept */

struct head {
	const char *const *wanted;           /* lower-case names, NULL-terminated; STATIC */
	struct slice value[HEAD_WANTED_MAX]; /* of wanted[i], the first one; BORROWS */
	unsigned seen[HEAD_WANTED_MAX];      /* how often wanted[i] came */
	struct slice length, encoding;       /* Content-Length and Transfer-Encoding, the first */
	unsigned length_seen, encoding_seen;
	bool keeps;       /* see head_keep */
	const char *hide; /* BORROWS */
	struct {
		struct slice name, value; /* as they came; BORROW */
	} kept[HEAD_KEPT_MAX];
	size_t kept_n, kept_bytes;
};

/* wanted: up to HEAD_WANTED_MAX names, lower case, NULL-terminated; STATIC. */
void head_init(struct head *h, const char *const *wanted);
/*
 * From here on also notes what rules may see: every header but those of the connection and of
 * proxies, those that hold signatures or credentials by their name, and `hide` (lower case,
 * BORROWED; NULL: none). The first of a name counts; what does not fit is left out.
 */
void head_keep(struct head *h, const char *hide);
/* Notes one header as it came; both BORROWED as long as h is used. */
void head_put(struct head *h, struct slice name, struct slice value);
/*
 * Is the end of the body beyond doubt? NULL, or the sentence why not (STATIC): two lengths, a
 * length with a transfer encoding, an encoding other than chunked, a length that is no number.
 * ret_length: bytes of the body, -1 where it is chunked.
 */
const char *head_framing(const struct head *h, int64_t *ret_length);
/* The name of a wanted header that came more than once; NULL: none. STATIC. */
const char *head_repeated(const struct head *h);
/* Appends "name: value\n" with the name in lower case: of each header kept for rules where
 * head_keep was called, else of each wanted one that came. */
enum rc head_format(const struct head *h, struct buf *out) must_check;

#endif
