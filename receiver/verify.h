/* SPDX-License-Identifier: MIT */
/*
 * Who sent it, is it fresh, what is its dedupe key. A scheme is one const table; a further one is a
 * file scheme_<name>.c and a line in verify.c.
 */
#ifndef MOONHOOK_RECEIVER_VERIFY_H
#define MOONHOOK_RECEIVER_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/slice.h"
#include "receiver/head.h"

struct source; /* receiver/source.h */

enum verdict {
	VERDICT_ACCEPTED,
	VERDICT_SKEWED, /* signed right at a time that is not now, or at none: kept, never run, 401
			 */
	VERDICT_UNSIGNED,  /* 401: nobody who knows a secret sent this */
	VERDICT_MALFORMED, /* 400 */
	VERDICT_FAILED,    /* memory was short: 503 */
};

struct verification {
	enum verdict verdict;
	const char *why; /* a sentence for the answer; NULL where accepted. STATIC */
	size_t secret;   /* which secret of the source fitted, from 1; 0: none */
	bool timed;      /* of VERDICT_SKEWED: it named a time; false: its timestamp is malformed */
	int64_t skew_ms; /* where timed: the sender's clock less ours */
	uint8_t dedupe[DIGEST_N];
	bool has_dedupe; /* false: never a repeat */
};

struct scheme { /* STATIC */
	const char *name;
	const char *const *headers; /* what head.h collects, and what is stored with the body */
	bool keyed;                 /* a source needs at least one secret that is not empty */
	const char *advice;         /* how to come by the secret */
	/* The thread that owns the source's keys. ret is filled whatever the verdict. */
	void (*check)(const struct source *source, const struct head *head, struct slice body,
		int64_t now_wall_ms, struct verification *ret);
};

extern const struct scheme scheme_twenty;

/* NULL: none of that name. */
const struct scheme *scheme_find(const char *name);
/* "twenty, .." for sentences; STATIC. */
const char *scheme_names(void);

/* Judges a whole delivery to the source. The thread that owns the source's keys. */
void verify_check(const struct source *source, const struct head *head, struct slice body,
	int64_t now_wall_ms, struct verification *ret);
/* Before the body is there: a verdict other than ACCEPTED when it cannot get better with it. */
enum verdict verify_head(const struct head *head, const char **ret_why);
/* Which of the source's secrets signed the parts with `mac`: from 1, 0 for none, -1 when memory is
 * short. Constant time in each comparison. */
int verify_mac(const struct source *source, const struct slice *parts, size_t parts_n,
	const uint8_t mac[static DIGEST_N]);

#endif
