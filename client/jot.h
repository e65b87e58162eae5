/* SPDX-License-Identifier: MIT */
/* What an API key says of itself: a key of Twenty is a JSON Web Token (RFC 7519). */
#ifndef MOONHOOK_CLIENT_JOT_H
#define MOONHOOK_CLIENT_JOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

struct jot {
	char id[UUID_N + 1]; /* `jti`; "": it has none */
	int64_t expires_ms;  /* `exp`, wall; 0: it does not say */
};

/* False where the key is no such token, which is no fault. Nothing is verified: that is for the
 * server. */
bool jot_read(const char *key, struct jot *ret_jot);

#endif
