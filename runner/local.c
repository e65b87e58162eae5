/* SPDX-License-Identifier: MIT */
/*
 * The table of calls that the runner answers itself, and the two simplest of them.
 * From: call.c. To: the answer, and what the methods of other files write. Does not journal.
 */
#include "runner/local.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "runner/state.h"

static enum rc answer_now(const struct local_ask *ask, struct buf *out, struct err *err)
{
	char at[CLOCK_TEXT_N];
	(void)ask;
	clock_format(clock_wall_ms(), at);
	enum rc rc = buf_printf(out, "\"%s\"", at);
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for an answer");
}

static enum rc answer_random(const struct local_ask *ask, struct buf *out, struct err *err)
{
	uint64_t bits = runner_chance(ask->r);
	enum rc rc = buf_printf(out, "%.17g", (double)(bits >> 11) / 9007199254740992.0);
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for an answer");
}

static const struct local_method own[] = {
	{"", "now", false, answer_now},
	{"", "random", false, answer_random},
	{NULL, NULL, false, NULL},
};

static const struct local_method *const lists[] = {own, local_kv, local_timer};

const struct local_method *local_find(const char *object, const char *method)
{
	for (size_t i = 0; i < ARRAY_N(lists); i++)
		for (const struct local_method *m = lists[i]; m->method != NULL; m++)
			if (strcmp(m->object, object) == 0 && strcmp(m->method, method) == 0)
				return m;
	return NULL;
}
