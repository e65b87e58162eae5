/* SPDX-License-Identifier: MIT */
/*
 * One new record, made once: what `create` is, and the last step of `ensure`. Where ids may be
 * chosen, the id is derived from the call's name, so that a repeat is refused as a duplicate and
 * then recognised by its id. Where they may not, a record is looked for by its data before it is
 * made again, be it in this life or after an earlier one of the caller.
 */
#ifndef MOONHOOK_CLIENT_CREATION_H
#define MOONHOOK_CLIENT_CREATION_H

#include "client/call.h"

/* record: BORROWED, the new one; NULL: failure says why not. */
typedef enum rc (*creation_then)(
	struct call *call, const json_t *record, const struct reply *failure, struct err *err);

struct creation {
	char object[CALL_OBJECT_MAX];
	json_t *data;     /* owned; in a real server's shape, id included where we chose one */
	bool derived;     /* the id is ours, so a duplicate may be ourselves */
	int64_t since_ms; /* wall: when it first went out */
	creation_then then;
};

/* TAKES data (already in a real server's shape). n: as call_new_id. */
enum rc creation_start(struct call *call, const char *object, json_t *data, int n,
	creation_then then, struct err *err) must_check;
void creation_free(struct creation *creation);
/* Was the record made then or later, as far as our clock and Twenty's agree? */
bool creation_is_since(const json_t *record, int64_t since_ms);

/* A condition that a record made from data meets, from its plain fields; an empty object where none
 * is left. GIVES; NULL when memory is short. */
json_t *creation_condition(const json_t *data);

#endif
