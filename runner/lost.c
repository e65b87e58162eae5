/* SPDX-License-Identifier: MIT */
/*
 * What an interrupted run may have done without ever hearing of it.
 * From: assign.c (the journal of a run that is taken up), call.c (answers). To: flight.c. A request
 * that cannot be read any more is about nothing that could be told.
 */
#include "runner/lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/state.h"

struct lost { /* one call; in the list of its run */
	struct lost *next;
	struct flight flight;
	char path[JOURNAL_PATH_N];
};

enum rc lost_add(struct runner *r, struct run *run, const struct queue_call *call, struct err *err)
{
	enum client_op op = client_op_find(call->method);
	json_t *args = json_loadb(call->request.p, call->request.n, 0, NULL);
	if (op == CLIENT_OP_N || !json_is_object(args)) {
		json_decref(args);
		return RC_OK;
	}
	struct lost *lost = calloc(1, sizeof(*lost));
	if (lost != NULL) {
		snprintf(lost->path, sizeof(lost->path), "%s", call->path);
		flight_begin(&r->flights, &lost->flight, op, call->object, args, NULL);
		lost->flight.began_ms = call->started_ms;
		lost->next = run->lost;
		run->lost = lost;
	}
	json_decref(args);
	return lost != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a call");
}

static void drop(struct runner *r, struct lost **at)
{
	struct lost *lost = *at;
	*at = lost->next;
	flight_end(&r->flights, &lost->flight);
	free(lost);
}

void lost_found(struct runner *r, struct run *run, const char *path)
{
	for (struct lost **at = &run->lost; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->path, path) != 0)
			continue;
		drop(r, at);
		return;
	}
}

void lost_forget(struct runner *r, struct run *run)
{
	while (run->lost != NULL)
		drop(r, &run->lost);
}
