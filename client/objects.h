/* SPDX-License-Identifier: MIT */
/* Which objects the server has, as far as its answers have shown, for a while. */
#ifndef MOONHOOK_CLIENT_OBJECTS_H
#define MOONHOOK_CLIENT_OBJECTS_H

#include <stdint.h>

#include "client/call.h"

#define OBJECTS_N 32

enum object_state {
	OBJECT_UNKNOWN, /* nothing was heard of it lately */
	OBJECT_THERE,   /* a request about it was answered */
	OBJECT_ABSENT,  /* its list was not found */
};

struct objects { /* zero is empty */
	struct {
		char name[CALL_OBJECT_MAX]; /* plural */
		enum object_state state;
		int64_t until_ms; /* mono */
	} known[OBJECTS_N];
	size_t next; /* where the next name goes: over the oldest one */
};

/* state: THERE, ABSENT. */
void objects_note(
	struct objects *objects, const char *name, enum object_state state, int64_t now_ms);
enum object_state objects_find(const struct objects *objects, const char *name, int64_t now_ms);

#endif
