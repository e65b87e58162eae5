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

/* A test with a worker of its own, which must also end well. */
#define WORKER_TEST(suite, name)                                                                   \
	static void name##_in(struct worker_rig *rig);                                             \
	Test(suite, name)                                                                          \
	{                                                                                          \
		struct worker_rig rig;                                                             \
		worker_rig_open(&rig);                                                             \
		name##_in(&rig);                                                                   \
		worker_rig_close(&rig);                                                            \
	}                                                                                          \
	static void name##_in(struct worker_rig *rig)

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
/* The frames of an error as people see them. GIVES. */
char *worker_rig_frames(const json_t *error);
/* Holds each of bodies, in a worker of its own. */
void worker_rig_hold_all(const char *const *bodies, size_t n);

struct worker_rig_text {
	const char *lua, *wanted;
};
/* Fails the test where function(lua) gives another text than wanted, in a worker of its own. */
void worker_rig_say_all(const char *function, const struct worker_rig_text *texts, size_t n);
/* True where value is what the JSON text says. */
bool worker_rig_is(const json_t *value, const char *text);

#endif
