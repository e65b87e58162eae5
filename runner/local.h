/* SPDX-License-Identifier: MIT */
/*
 * Calls that the runner answers itself, at once: now, random, kv, after, cancel. One table, one
 * function each. What they write goes into the open transaction together with the journal's entry,
 * so it happens once however often the run is tried.
 */
#ifndef MOONHOOK_RUNNER_LOCAL_H
#define MOONHOOK_RUNNER_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct runner;
struct run;

struct local_ask { /* BORROWS */
	struct runner *r;
	struct run *run;
	const char *path; /* of the call */
	const char *object;
	const json_t *args; /* of a hostile worker; may be NULL */
	int64_t now_ms;     /* wall */
};

/*
 * Appends the answer as JSON to out. RC_IO: the store failed, the process ends. RC_STALE: the run
 * is somebody else's now. Any other code becomes an error that the rule can catch, err its message.
 */
typedef enum rc (*local_fn)(const struct local_ask *ask, struct buf *out, struct err *err);

struct local_method {
	const char *object; /* "" or "kv" .. */
	const char *method;
	bool effect; /* a retry does not repeat it, nor what it read before */
	local_fn answer;
};

/* The lists of the files local_<thing>.c; ended by a NULL. STATIC. */
extern const struct local_method local_kv[], local_timer[];

/* NULL: it is not one of those. STATIC. */
const struct local_method *local_find(const char *object, const char *method);

#endif
