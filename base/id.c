/* SPDX-License-Identifier: MIT */
/*
 * Makes ids that sort by time.
 * From: the receiver (events), the queue (runs). Fails only when the system has no randomness.
 */
#include "base/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static void put_time(int64_t wall_ms, char *text)
{
	uint64_t t = (uint64_t)wall_ms;
	for (int i = 9; i >= 0; i--, t >>= 5)
		text[i] = alphabet[t & 31];
}

static void put_random(const uint8_t bytes[static 10], char *text)
{
	uint64_t bits = 0;
	int have = 0, n = 0;
	for (int i = 0; i < 10; i++) {
		bits = bits << 8 | bytes[i];
		for (have += 8; have >= 5; have -= 5)
			text[n++] = alphabet[bits >> (have - 5) & 31];
	}
}

/* Adds one to the random part as a number in base 32; false when it is all z. */
static bool bump(char *text)
{
	for (int i = ID_N - 1; i >= 10; i--) {
		const char *at = strchr(alphabet, text[i]);
		if (at[1] != '\0') {
			text[i] = at[1];
			return true;
		}
		text[i] = alphabet[0];
	}
	return false;
}

enum rc id_new(int64_t wall_ms, struct id *ret_id, struct err *err)
{
	static _Thread_local struct {
		int64_t wall_ms;
		struct id id;
	} last;

	if (wall_ms > last.wall_ms || last.id.text[0] == '\0' || !bump(last.id.text)) {
		uint8_t bytes[10];
		if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
			return err_set_errno(err, RC_IO, errno, "the system gave no random bytes");
		last.wall_ms = wall_ms > last.wall_ms ? wall_ms : last.wall_ms;
		put_time(last.wall_ms, last.id.text);
		put_random(bytes, last.id.text + 10);
		last.id.text[ID_N] = '\0';
	}
	*ret_id = last.id;
	return RC_OK;
}

bool id_valid(const char *text)
{
	return strlen(text) == ID_N && strspn(text, alphabet) == ID_N;
}
