/* SPDX-License-Identifier: MIT */
/* Our own door as the world sees it: what answers at an address that webhooks are sent to. */
#ifndef MOONHOOK_CLIENT_DOOR_H
#define MOONHOOK_CLIENT_DOOR_H

#include <stdint.h>

#include "base/err.h"

/* Asks url (http or https) once, with GET, telling nobody the key. ca: file of certificates; NULL:
 * what the machine trusts. Blocks, deadline_ms at most. RC_OK with the status of the answer;
 * RC_UNREACHABLE with a sentence where none came; RC_INVALID: no address; RC_NOMEM, RC_IO. */
enum rc door_knock(const char *url, const char *ca, int64_t deadline_ms, int *ret_status,
	struct err *err) must_check;

#endif
