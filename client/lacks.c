/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of unknown fields.
 * From: answer.c, refusals that name one. To: engine.c, which answers a call that would write one
 * without sending it. Cannot fail: what does not fit is forgotten.
 */
#include "client/lacks.h"

#include <stdio.h>
#include <string.h>

void lacks_note(struct lacks *lacks, const char *object, const char *field, const char *message,
	int64_t now_ms)
{
	size_t at = 0;
	while (at < LACKS_N && (strcmp(lacks->known[at].object, object) != 0 ||
				       strcmp(lacks->known[at].field, field) != 0))
		at++;
	if (at == LACKS_N) {
		at = lacks->next;
		lacks->next = (at + 1) % LACKS_N;
	}
	snprintf(lacks->known[at].object, sizeof(lacks->known[at].object), "%s", object);
	snprintf(lacks->known[at].field, sizeof(lacks->known[at].field), "%s", field);
	snprintf(lacks->known[at].message, sizeof(lacks->known[at].message), "%s", message);
	lacks->known[at].until_ms = now_ms + LACKS_MS;
}

const char *lacks_find(
	const struct lacks *lacks, const char *object, const json_t *data, int64_t now_ms)
{
	for (size_t i = 0; i < LACKS_N; i++)
		if (lacks->known[i].until_ms > now_ms &&
			strcmp(lacks->known[i].object, object) == 0 &&
			json_object_get(data, lacks->known[i].field) != NULL)
			return lacks->known[i].message;
	return NULL;
}
