/* SPDX-License-Identifier: MIT */
/* Faults on purpose: which requests go wrong, and how. */
#ifndef MOONHOOK_TESTS_TWIN_FAULT_H
#define MOONHOOK_TESTS_TWIN_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define FAULT_MAX 16

enum fault_kind {
	FAULT_STATUS, /* answers value as its status, without any effect */
	FAULT_HANG,   /* never answers, without any effect */
	FAULT_CUT,    /* does it, answers JSON that ends half-way */
	FAULT_SLOW,   /* does it, answers value ms later */
	FAULT_RESET,  /* closes the connection, without any effect */
	FAULT_LATE,   /* does it, answers value ms later; always */
};

struct fault {
	enum fault_kind kind;
	int64_t value; /* status or ms */
	double chance; /* 0..1; used where count is < 0 */
	int64_t count; /* how many more; < 0: by chance */
};

struct faults {
	struct fault list[FAULT_MAX];
	unsigned n;
	int64_t retry_after_s; /* < 0: no header */
	char match[256];       /* "PATCH /rest/people", "": all */
	uint64_t seed;         /* of the dice */
	uint64_t hits;
};

/* What happens to one request. */
struct fault_hit {
	int status; /* 0: none */
	bool hang, cut, reset;
	int64_t delay_ms;
};

/* Reads "status=503:10%,slow=200ms:5%,match=PATCH /rest/people"; "" or "none" clears.
 * RC_INVALID with a sentence. faults is unchanged on failure, its dice go on. */
enum rc faults_parse(struct faults *faults, const char *spec, struct err *err) must_check;
/* Throws the dice for a request. */
struct fault_hit faults_draw(struct faults *faults, const char *method, const char *target);

#endif
