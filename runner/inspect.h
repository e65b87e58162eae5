/* SPDX-License-Identifier: MIT */
/*
 * What the static check says of rule files that are to be live, and of those that are when the
 * workspace changes. An error in a new version leaves the older one live. What the workspace lacks
 * is an error where there is an older version, else it is told: the workspace may be known in part.
 * A live rule that uses an object or a field which was there and is no more is paused, and only a
 * person lifts that.
 */
#ifndef MOONHOOK_RUNNER_INSPECT_H
#define MOONHOOK_RUNNER_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

struct runner;
struct schema;

struct inspect {
	unsigned schema_n; /* the reading of the workspace that was looked at last */
	bool refused; /* a file was refused over something that the workspace may have by now */
	bool again;   /* the load under way is for the sake of those */
	int64_t ask_at_ms; /* mono: when the workspace is read again */
};

/* Of the load under way, all heads being known: versions that were never live and have errors get
 * them, and are no candidates any more; what is no Lua is told in the words of the check. */
void inspect_candidates(struct runner *r);
/* Has the workspace been read again? Then live rules are held against it, and files that were
 * refused over it are loaded once more. Call it now and then. */
void inspect_look(struct runner *r);
/* Pauses live rules that use what an earlier workspace had and this one does not have. */
void inspect_live(struct runner *r, const struct schema *schema);
/* The workspace has changed, or may have: it is read again before long. */
void inspect_news(struct runner *r);

#endif
