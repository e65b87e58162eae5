/* SPDX-License-Identifier: MIT */
/* Everything the twin knows: schema with rows, webhooks, budget, faults, keys. One thread owns it.
 */
#ifndef MOONHOOK_TESTS_TWIN_WORLD_H
#define MOONHOOK_TESTS_TWIN_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/twin/budget.h"
#include "tests/twin/fault.h"
#include "tests/twin/hook.h"
#include "tests/twin/journal.h"
#include "tests/twin/schema.h"

enum dialect { DIALECT_CORE, DIALECT_DOCS };
enum age {           /* of a server of the core dialect */
	AGE_CURRENT, /* 2.21, as recorded */
	AGE_OLD,     /* knows no soft_delete, destroys; restores nothing */
	AGE_NEWER,   /* restores with PATCH /people/{id}/restore, and only so */
};

struct world {
	struct schema schema;
	enum dialect dialect;
	enum age age;
	const char *key; /* BORROWED for the life of the world; the key that may do everything */
	const char *key_name;   /* shows in createdBy and updatedBy */
	const char *read_key;   /* may only read records; or NULL */
	const char *member_key; /* whoever has it is a member, not a program; or NULL */
	const char *dead_key;   /* a revoked one; or NULL */
	json_t *actor; /* who asks now, program or member: {source:"API", .., name: key_name} */
	json_t *program, *member;
	json_t *webhooks;    /* array, in order of creation */
	struct hooks *hooks; /* the sender; NULL: nothing is sent */
	struct budget budget;
	struct faults faults;
	struct journal journal;
	int64_t now_ms;   /* wall time of the request at hand, by the clock of this server */
	int64_t ahead_ms; /* how far that is ahead of the machine's */
	uint64_t requests, answers_by_class[6];
};

bool world_init(
	struct world *w, enum dialect dialect, const char *key, const char *key_name) must_check;
void world_done(struct world *w);

/* Tells the webhooks whose operations match. action: created, updated, deleted, restored,
 * destroyed. fields: updatedFields, or NULL. BORROWS all. */
void world_emit(
	struct world *w, const struct object *o, const char *action, json_t *rec, json_t *fields);
/* The metadata event of an object or field made through the API. */
void world_emit_metadata(struct world *w, const char *kind, const char *id, json_t *after);

#endif
