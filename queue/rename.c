/* SPDX-License-Identifier: MIT */
/*
 * The door of renaming: what is checked, and what the parts of the store have doors of their own
 * for.
 * From: the runner, when rules go live. To: the backend, kv.h, timer.h, pause.h.
 */
#include "queue/rename.h"

#include <stdio.h>
#include <string.h>

#include "queue/backend.h"

#define NAME_N 201

struct pausing { /* what is known of a pause of the old name */
	const char *rule;
	bool found, ending;
	int64_t since_ms;
	char why[300];
};

static enum rc find_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	struct pausing *p = ctx;
	(void)err;
	if (strcmp(pause->rule, p->rule) != 0)
		return RC_OK;
	p->found = true;
	p->ending = pause->ending;
	p->since_ms = pause->since_ms;
	snprintf(p->why, sizeof(p->why), "%s", pause->why);
	return RC_OK;
}

/* The runs have the new name by now; those that are parked belong to a pause of it. */
static enum rc move_pause(struct queue *q, const char *from, const char *to, struct err *err)
{
	struct pausing p = {.rule = from};
	size_t n;
	enum rc rc = queue_pause_each(q, find_pause, &p, err);
	if (rc != RC_OK || !p.found)
		return rc;
	struct queue_pause pause = {.rule = to, .why = p.why, .since_ms = p.since_ms};
	if (!p.ending || !queue_paused(q, to))
		rc = queue_pause(q, &pause, &n, err);
	if (rc == RC_OK && !p.ending)
		rc = queue_resume(q, from, &n, err);
	else if (rc == RC_OK)
		rc = queue_resume(q, to, &n, err);
	return rc;
}

static bool name_fits(const char *name)
{
	return name[0] != '\0' && strlen(name) < NAME_N;
}

enum rc queue_rename(
	struct queue *q, const char *from, const char *to, bool *ret_moved, struct err *err)
{
	bool moved = false;
	enum rc rc = queue_enter_runner(q, "rename a rule in", err);
	if (rc == RC_OK && (!name_fits(from) || !name_fits(to) || strcmp(from, to) == 0))
		rc = err_set(err, RC_INVALID, "a rule is renamed from one name to another");
	if (rc == RC_OK)
		rc = q->backend->rename(q, from, to, &moved, err);
	if (rc == RC_OK && moved)
		rc = move_pause(q, from, to, err);
	if (rc == RC_OK && moved)
		rc = queue_kv_move(q, from, to, err);
	if (rc == RC_OK && moved)
		rc = queue_timer_move(q, from, to, err);
	if (rc == RC_OK)
		*ret_moved = moved;
	return rc;
}
