/* SPDX-License-Identifier: MIT */
/*
 * What routing knows ahead of a batch.
 * From: the look_ahead of a backend, which adds what is there already. To: sql/route.c and
 * sql/hold.c, which add what they put as they go, so that the second of two in one batch meets the
 * first. Digests and hashes of keys are spread well by themselves.
 */
#include "queue/sql/ahead.h"

#include <stdlib.h>
#include <string.h>

enum { KEY = 1, DIGEST = 2 };

enum rc ahead_init(struct ahead *ahead, size_t most, struct err *err)
{
	*ahead = (struct ahead){.cap = 16};
	while (ahead->cap < 2 * most)
		ahead->cap *= 2;
	ahead->places = calloc(ahead->cap, sizeof(*ahead->places));
	if (ahead->places == NULL)
		return err_set(err, RC_NOMEM, "out of memory for routing");
	ahead->known = true;
	return RC_OK;
}

void ahead_done(struct ahead *ahead)
{
	free(ahead->places);
	*ahead = (struct ahead){0};
}

static bool take(struct ahead *ahead, const struct ahead_place *wanted)
{
	uint64_t hash;
	memcpy(&hash, wanted->bytes, sizeof(hash));
	hash *= 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(hash >> 32) & (ahead->cap - 1);
	for (; ahead->places[i].kind != 0; i = (i + 1) & (ahead->cap - 1))
		if (memcmp(&ahead->places[i], wanted, sizeof(*wanted)) == 0)
			return true;
	ahead->places[i] = *wanted;
	return false;
}

bool ahead_take_key(struct ahead *ahead, int64_t key)
{
	struct ahead_place place = {.kind = KEY};
	memcpy(place.bytes, &key, sizeof(key));
	return take(ahead, &place);
}

bool ahead_take_digest(struct ahead *ahead, const uint8_t digest[static DIGEST_N])
{
	struct ahead_place place = {.kind = DIGEST};
	memcpy(place.bytes, digest, DIGEST_N);
	return take(ahead, &place);
}
