/* SPDX-License-Identifier: MIT */
/* One table of two stores, side by side in the order of its key. */
#ifndef MOONHOOK_QUEUE_MOVE_WALK_H
#define MOONHOOK_QUEUE_MOVE_WALK_H

#include "queue/move.h"
#include "queue/move/side.h"

struct move_walker {
	struct move_side *from, *to;
	int64_t position; /* of the work of FROM */
	bool empty;       /* TO was, when this began */
	int64_t from_n;   /* rows of FROM in the last walk */
	struct queue_move *sum;
	queue_move_fn fn;
	void *ctx;
};

/* Makes TO's rows those of FROM. */
enum rc move_walk(struct move_walker *w, int table, struct err *err) must_check;
/* How many differ; writes nothing. */
enum rc move_differ(struct move_walker *w, int table, int64_t *ret_n, struct err *err) must_check;

#endif
