/* SPDX-License-Identifier: MIT */
/*
 * Waiting for each other.
 * From: op_ensure.c (alike ones would make two), op_update.c (a look and a change in two requests).
 * To: engine.c, which holds the blocked ones. Whoever ends lets the oldest one that waits for the
 * same go on. Only calls of one client wait; what other programs do is not seen here.
 */
#include "client/turn.h"

#include <stdlib.h>
#include <string.h>

#include "client/engine.h"

struct turn {
	struct call *call;
	char *key;
};

static void turn_end(void *work);

static struct turn *turn_of(const struct call *call)
{
	return call->work_done == turn_end ? call->work : NULL;
}

static bool is_same(const struct turn *a, const struct turn *b)
{
	return a != NULL && b != NULL && a != b && a->key != NULL && b->key != NULL &&
	       strcmp(a->key, b->key) == 0;
}

static void turn_end(void *work)
{
	struct turn *mine = work;
	struct engine *e = mine->call->engine;
	struct call *next = NULL;
	for (struct call *c = e->blocked.head; c != NULL && next == NULL; c = c->next)
		if (is_same(turn_of(c), mine))
			next = c;
	free(mine->key);
	mine->key = NULL;
	if (next != NULL)
		engine_unblock(next);
}

static bool is_taken(const struct call *call)
{
	for (struct call *c = call->engine->all; c != NULL; c = c->all_next)
		if (c->started && c->state != CALL_BLOCKED && is_same(turn_of(c), turn_of(call)))
			return true;
	return false;
}

enum rc turn_take(struct call *call, json_t *what, bool *ret_mine, struct err *err)
{
	enum rc rc =
		call->work != NULL ? RC_OK : call_work(call, sizeof(struct turn), turn_end, err);
	if (rc != RC_OK) {
		json_decref(what);
		return rc;
	}
	struct turn *mine = call->work;
	mine->call = call;
	if (mine->key == NULL)
		mine->key = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	json_decref(what);
	if (mine->key == NULL)
		return err_set(err, RC_NOMEM, "no memory for a call");
	*ret_mine = !is_taken(call);
	if (!*ret_mine)
		engine_block(call);
	return RC_OK;
}
