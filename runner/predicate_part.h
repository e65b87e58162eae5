/* SPDX-License-Identifier: MIT */
/* What the files predicate_<part>.c share: the tree, and where a field is. */
#ifndef MOONHOOK_RUNNER_PREDICATE_PART_H
#define MOONHOOK_RUNNER_PREDICATE_PART_H

#include "client/where.h"
#include "runner/predicate.h"

#define PREDICATE_FIELDS_MAX 64
#define PREDICATE_FIELD_BYTES_MAX 120
#define PREDICATE_VALUES_MAX 64
#define PREDICATE_PATH_N 256
#define PREDICATE_OBJECT_N 160

enum predicate_kind {
	PREDICATE_CHANGED,
	PREDICATE_HAS,
	PREDICATE_IS,
	PREDICATE_ALL,
	PREDICATE_ANY,
	PREDICATE_NONE,
	PREDICATE_ASK,
};

struct predicate {
	enum predicate_kind kind;
	json_t *data;             /* what its member holds */
	struct predicate **child; /* of a group */
	size_t child_n;
	int function; /* of ASK */
	/* of IS: the condition, read for this object as schema_n knows it */
	struct where *where; /* NULL: not read, or why it could not be */
	struct err why;
	char object[PREDICATE_OBJECT_N];
	unsigned schema_n;
	bool read;
};

/* Does the record, or what it was before, have the top of this path? */
bool predicate_has_top(const struct predicate_ask *ask, const char *path);
/* The path of a field that goes by this name. False: the record has none, and path is undefined. */
bool predicate_path(
	const struct predicate_ask *ask, const char *field, char ret_path[static PREDICATE_PATH_N]);
/* Nothing is known of such a field: neither the record nor the schema has it. */
bool predicate_lacks(const struct predicate_ask *ask, const char *field);
/* The sentence for that. */
enum predicate_answer predicate_tell_lack(const struct predicate_ask *ask, const char *kind,
	const char *field, const char *so, struct err *ret_lack);

enum predicate_answer predicate_changed(
	const struct predicate_ask *ask, const struct predicate *p, struct err *ret_lack);
enum predicate_answer predicate_has(
	const struct predicate_ask *ask, const struct predicate *p, struct err *ret_lack);
enum predicate_answer predicate_is(
	const struct predicate_ask *ask, struct predicate *p, struct err *ret_lack);

#endif
