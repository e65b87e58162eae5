/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of the server's objects.
 * From: engine.c, which sees every answer; doubt.c, which asks. To: doubt.c, and operations that
 * would otherwise answer without a request. An object that is missing may be made at any moment, so
 * that is forgotten soon. Cannot fail: what does not fit is forgotten.
 */
#include "client/objects.h"

#include <stdio.h>
#include <string.h>

#define THERE_MS 600000
#define ABSENT_MS 30000

void objects_note(
	struct objects *objects, const char *name, enum object_state state, int64_t now_ms)
{
	size_t at = 0;
	while (at < OBJECTS_N && strcmp(objects->known[at].name, name) != 0)
		at++;
	if (at == OBJECTS_N) {
		at = objects->next;
		objects->next = (at + 1) % OBJECTS_N;
		snprintf(objects->known[at].name, sizeof(objects->known[at].name), "%s", name);
	}
	objects->known[at].state = state;
	objects->known[at].until_ms = now_ms + (state == OBJECT_THERE ? THERE_MS : ABSENT_MS);
}

enum object_state objects_find(const struct objects *objects, const char *name, int64_t now_ms)
{
	for (size_t i = 0; i < OBJECTS_N; i++)
		if (strcmp(objects->known[i].name, name) == 0)
			return objects->known[i].until_ms > now_ms ? objects->known[i].state
								   : OBJECT_UNKNOWN;
	return OBJECT_UNKNOWN;
}
