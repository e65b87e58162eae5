/* SPDX-License-Identifier: MIT */
/* Short JSON texts of Twenty's, compressed. Format: a byte that names the method, then its bytes.
 */
#ifndef MOONHOOK_QUEUE_PACK_H
#define MOONHOOK_QUEUE_PACK_H

#include "base/buf.h"
#include "base/err.h"

#define PACK_TEXT_MAX (16u << 20) /* bytes of a text, before and after */

struct pack;

/* One thread at a time. RC_NOMEM. GIVES (pack_free). */
enum rc pack_new(struct pack **ret_pack, struct err *err) must_check;
void pack_free(struct pack *pack); /* accepts NULL */
/* Replaces what is in out. RC_TOO_LARGE past PACK_TEXT_MAX, RC_NOMEM. An empty text packs to
 * nothing. */
enum rc pack_put(struct pack *pack, struct slice text, struct buf *out, struct err *err) must_check;
/* The way back, hostile bytes included: the size that they announce is checked before memory is
 * asked for. RC_PARSE: damaged; RC_NOMEM. */
enum rc pack_open(
	struct pack *pack, struct slice packed, struct buf *out, struct err *err) must_check;

#endif
