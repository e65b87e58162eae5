/* SPDX-License-Identifier: MIT */
/* What was asked before a batch is routed: which keys are held and which digests are known, so that
 * routing asks nothing for each event. Part of sql/sql.h. */
#ifndef MOONHOOK_QUEUE_SQL_AHEAD_H
#define MOONHOOK_QUEUE_SQL_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct ahead {
	bool known; /* between ahead_init and ahead_done */
	struct ahead_place {
		uint8_t bytes[DIGEST_N]; /* of a digest; of a key: its 8 bytes, then zeros */
		uint8_t kind;            /* 0: an empty place */
	} * places;                      /* linear probing */
	size_t cap;                      /* a power of two */
};

/* Room for so many. RC_NOMEM. */
enum rc ahead_init(struct ahead *ahead, size_t most, struct err *err) must_check;
void ahead_done(struct ahead *ahead);
/* Adds a key or a digest; was it there before? */
bool ahead_take_key(struct ahead *ahead, int64_t key);
bool ahead_take_digest(struct ahead *ahead, const uint8_t digest[static DIGEST_N]);

#endif
