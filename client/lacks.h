/* SPDX-License-Identifier: MIT */
/*
 * Fields that the server has said it does not know, for a while: a rule that writes one would spend
 * the whole budget on being told so again and again.
 */
#ifndef MOONHOOK_CLIENT_LACKS_H
#define MOONHOOK_CLIENT_LACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/call.h"

#define LACKS_N 32
#define LACKS_MS 30000 /* then one call may ask again: the field may have been made */

struct lacks { /* zero is empty */
	struct {
		char object[CALL_OBJECT_MAX]; /* plural */
		char field[FIELD_PATH_MAX];
		char message[200]; /* what the server said */
		int64_t until_ms;  /* mono */
	} known[LACKS_N];
	size_t next; /* where the next one goes: over the oldest */
};

void lacks_note(struct lacks *lacks, const char *object, const char *field, const char *message,
	int64_t now_ms);
/* What the server says of a record with such fields; NULL: nothing is known against it. data: what
 * would be written. BORROWS until the next note. */
const char *lacks_find(
	const struct lacks *lacks, const char *object, const json_t *data, int64_t now_ms);

#endif
