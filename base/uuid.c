/* SPDX-License-Identifier: MIT */
/*
 * UUIDs: checked, derived from a name, or random.
 * From: the client (ids before they become a path), the runner (ids of creates). Holds no state.
 */
#include "base/uuid.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/digest.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool uuid_valid(const char *text)
{
	for (int i = 0; i < UUID_N; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !is_hex(text[i]))
			return false;
	}
	return text[UUID_N] == '\0';
}

static void format(const uint8_t b[static 16], int version, struct uuid *ret_uuid)
{
	snprintf(ret_uuid->text, sizeof(ret_uuid->text),
		"%02x%02x%02x%02x-%02x%02x-%01x%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		b[1], b[2], b[3], b[4], b[5], (unsigned)version & 15U, b[6] & 15U, b[7],
		(b[8] & 0x3fU) | 0x80U, b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

enum rc uuid_derive(struct slice name, struct uuid *ret_uuid)
{
	struct slice parts[] = {slice_of("moonhook:"), name};
	uint8_t sum[DIGEST_N];
	enum rc rc = digest_sha256(parts, ARRAY_N(parts), sum);
	if (rc == RC_OK)
		format(sum, 5, ret_uuid);
	return rc;
}

enum rc uuid_new(struct uuid *ret_uuid, struct err *err)
{
	uint8_t bytes[16];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_set_errno(err, RC_IO, errno, "the system gave no random bytes");
	format(bytes, 4, ret_uuid);
	return RC_OK;
}
