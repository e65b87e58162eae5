/* SPDX-License-Identifier: MIT */
/* The objects that gaps are filled for, and how far each has been looked through. */
#ifndef MOONHOOK_RUNNER_GAP_OBJECT_H
#define MOONHOOK_RUNNER_GAP_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "queue/gap.h"

struct runner;

#define GAP_NAME_N 64

struct gap_object {
	char name[GAP_NAME_N], plural[GAP_NAME_N];     /* plural "": not known */
	bool wanted;                                   /* a live rule listens to it */
	bool stored;                                   /* the store knows it */
	int64_t first_ms, from_ms, asked_ms, swept_ms; /* as in queue/gap.h; first_ms 0: it has no
							  watermark yet */
	char problem[200];
	unsigned looked, swept; /* serial of the walk that did it last */
	int64_t again_ms;       /* mono: not before, but by order; 0: any time */
};

struct gap_objects {           /* zeroed: none */
	struct gap_object **p; /* in the order of their names */
	size_t n;
};

/* Adds those that the store knows. */
enum rc gap_objects_load(struct runner *r, struct gap_objects *objects, struct err *err) must_check;
/* Which are wanted by the rules that are live; those that are not wanted any more are forgotten,
 * here but for `busy`, and in the store. RC_NOMEM, and as the store fails. */
enum rc gap_objects_refresh(
	struct runner *r, struct gap_objects *objects, struct err *err) must_check;
/* By singular or plural; NULL: none. */
struct gap_object *gap_object_find(const struct gap_objects *objects, const char *name);
/* Writes it into the open transaction. */
enum rc gap_object_put(struct runner *r, struct gap_object *object, struct err *err) must_check;
void gap_objects_free(struct gap_objects *objects);

#endif
