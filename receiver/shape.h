/* SPDX-License-Identifier: MIT */
/*
 * How a source signs whose scheme does not say it itself (hmac, token): which headers, and what is
 * signed. From source.<name>.header, .prefix, .encoding, .algorithm, .signed, .timestamp, .id.
 */
#ifndef MOONHOOK_RECEIVER_SHAPE_H
#define MOONHOOK_RECEIVER_SHAPE_H

#include "base/conf.h"
#include "base/digest.h"
#include "base/err.h"

#define SHAPE_NAME_N 65
#define SHAPE_PIECES_MAX 8
#define SHAPE_TEXT_MAX 256 /* bytes of prefix and of signed */

enum shape_piece { SHAPE_TEXT, SHAPE_TIMESTAMP, SHAPE_ID, SHAPE_BODY };

enum shape_kind { SHAPE_NONE, SHAPE_HMAC, SHAPE_TOKEN }; /* which settings a scheme has */

struct shape {
	char header[SHAPE_NAME_N];    /* lower case, like the other two */
	char timestamp[SHAPE_NAME_N]; /* "": none */
	char id[SHAPE_NAME_N];        /* of the delivery; "": none */
	char prefix[SHAPE_TEXT_MAX];
	enum digest_kind kind;
	enum digest_form form;
	struct {
		enum shape_piece piece;
		struct slice text; /* of SHAPE_TEXT; BORROWS from signed_as */
	} pieces[SHAPE_PIECES_MAX];
	size_t pieces_n;
	char signed_as[SHAPE_TEXT_MAX];
	const char *wanted[4]; /* the names above, NULL-terminated; SHAPE_HEADER .. are indices */
};
enum { SHAPE_HEADER, SHAPE_STAMP, SHAPE_DELIVERY };

/* The settings that only some schemes have, and that this one has: RC_INVALID with a sentence. The
 * shape must not be moved afterwards. */
enum rc shape_fill(struct shape *shape, enum shape_kind kind, const struct conf *conf,
	const char *source, struct err *err) must_check;
/* What is signed, in parts; BORROWS all. How many. */
size_t shape_parts(const struct shape *shape, struct slice stamp, struct slice id,
	struct slice body, struct slice ret_parts[static SHAPE_PIECES_MAX]);

#endif
