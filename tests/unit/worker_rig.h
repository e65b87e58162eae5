/* SPDX-License-Identifier: MIT */
/* One worker, one rule at a time: what a rule's body does, as JSON. For tests of the worker. */
#ifndef MOONHOOK_TESTS_UNIT_WORKER_RIG_H
#define MOONHOOK_TESTS_UNIT_WORKER_RIG_H

#include <jansson.h>

#include "tests/harness/peer.h"

#define RIG_WAIT_MS 20000

struct worker_rig {
	struct peer peer;
	uint32_t generation;
};

/* Starts a worker; fails the test where it does not come up. */
void worker_rig_open(struct worker_rig *rig);
/* Ends it; fails the test where it did not end by itself with 0. */
void worker_rig_close(struct worker_rig *rig);
/* HEAD of a file. GIVES. */
json_t *worker_rig_head(struct worker_rig *rig, const char *source);
/*
 * Runs body as a rule's function of one event, {"record": {"id": "r", ..}, ..}. answers: JSON text,
 * a list of {"value": ..} and {"error": ..} for its calls in turn; null where there are no more.
 * GIVES {"calls": [..], "log": ["level text", ..], "end": {..}}.
 */
json_t *worker_rig_run(struct worker_rig *rig, const char *body, const char *answers);
/* The event that runs get. GIVES. */
json_t *worker_rig_event(void);
/* Fails the test where the run does not end with done; says why. For bodies that assert. */
void worker_rig_holds(struct worker_rig *rig, const char *body);
/* END's error message of a run; "" where it did not fail. GIVES. */
char *worker_rig_error(struct worker_rig *rig, const char *body);
/* True where value is what the JSON text says. */
bool worker_rig_is(const json_t *value, const char *text);

#endif
