/* SPDX-License-Identifier: MIT */
/* A record as Twenty lists it, held against the last-seen copy: what happened that no webhook told
 * of? */
#ifndef MOONHOOK_RUNNER_GAP_JUDGE_H
#define MOONHOOK_RUNNER_GAP_JUDGE_H

#include <jansson.h>
#include <stdint.h>

#include "queue/copy.h"

/* A change may become visible that much later than its updatedAt says. */
#define GAP_LATE_MS 60000

enum gap_verdict {
	GAP_KNOWN,   /* nothing */
	GAP_YOUNG,   /* its webhook may be on its way */
	GAP_BEFORE,  /* not changed since the first start, or since a rule listens again */
	GAP_TOUCHED, /* a newer updatedAt, and nothing that a webhook would tell of */
	GAP_CREATED,
	GAP_UPDATED,
	GAP_DELETED,
	GAP_RESTORED,
};

struct gap_bounds {         /* by Twenty's clock */
	int64_t first_ms;   /* of the first start */
	int64_t settled_ms; /* what is younger is left to its webhook; INT64_MAX: nothing is */
};

struct gap_case {                      /* BORROWS */
	const json_t *record;          /* as the client lists it */
	const struct queue_copy *copy; /* NULL: it was never seen */
	const json_t *names;           /* of the fields that differ; NULL: not known */
};

enum gap_verdict gap_judge(const struct gap_case *c, const struct gap_bounds *bounds);
/* "updated" of GAP_UPDATED ..; NULL: no event. STATIC. */
const char *gap_action(enum gap_verdict verdict);

#endif
