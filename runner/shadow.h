/* SPDX-License-Identifier: MIT */
/*
 * mode = "shadow": effects are written down and not done. The rule goes on with an answer that
 * could have come.
 */
#ifndef MOONHOOK_RUNNER_SHADOW_H
#define MOONHOOK_RUNNER_SHADOW_H

#include "client/client.h"
#include "runner/asked.h"
#include "runner/run.h"

struct runner;

/* Was the run born in shadow mode? The store is asked before its first effect. */
bool shadow_is(struct runner *r, struct run *run);
/*
 * What a rule gets of an effect that is not done: of a new record its data with the id that it
 * would have; of a change the record as it was last seen, changed; of http status 200 without a
 * body; op CLIENT_OP_N: of an effect of the runner's own, null. GIVES; NULL: no memory.
 */
json_t *shadow_answer(
	struct runner *r, const struct run *run, enum client_op op, const struct asked *asked);

#endif
