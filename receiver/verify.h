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
#include "receiver/shape.h"

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

/* What a secret of the configuration is. */
enum scheme_secret {
	SCHEME_KEY,    /* the key of an HMAC, as it stands */
	SCHEME_BASE64, /* the same in base64, "whsec_" before it */
	SCHEME_TOKEN,  /* what a request has to bring */
};

struct signing { /* a delivery that is to be signed as its sender would; BORROWS */
	struct slice body;
	int64_t at_ms;     /* wall */
	const char *id;    /* of the delivery */
	const char *token; /* the first secret, for schemes whose secrets are tokens */
};

struct scheme { /* STATIC */
	const char *name;
	const char *const *headers; /* what head.h collects; NULL: the source's shape says */
	enum shape_kind shape;      /* which settings of shape.h a source has */
	enum scheme_secret secret;
	bool keyed;         /* a source needs at least one secret that is not empty */
	bool keeps;         /* the other headers are stored for rules, and not `headers` */
	const char *advice; /* how to come by the secret */
	/* The thread that owns the source's keys. ret is filled whatever the verdict. */
	void (*check)(const struct source *source, const struct head *head, struct slice body,
		int64_t now_wall_ms, struct verification *ret);
	/* Appends "Name: value\n" of the headers that a sender puts there, by the first secret.
	 * RC_NOMEM, RC_TOO_LARGE. */
	enum rc (*sign)(const struct source *source, const struct signing *what,
		struct buf *out) must_check;
};

extern const struct scheme scheme_twenty, scheme_standard_webhooks, scheme_github, scheme_stripe,
	scheme_hmac, scheme_token;

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
/* The same where a delivery brings one or more texts of a signature, of which one has to fit. */
int verify_text(const struct source *source, const struct slice *parts, size_t parts_n,
	enum digest_form form, const struct slice *texts, size_t texts_n);

/* --- for schemes ------------------------------------------------------------------------------ */

void verify_settle(struct verification *ret, enum verdict verdict, const char *why);
/* A number of at most `digits` digits; -1: it is none. */
int64_t verify_stamp(struct slice text, size_t digits);
/* What was signed right at at_ms, -1: at no time: kept, where that is not within the window. */
void verify_time(
	const struct source *source, int64_t at_ms, int64_t now_wall_ms, struct verification *ret);
/* Which of fits (as of verify_text) it was; false: the verdict is settled. */
bool verify_fits(int fits, struct verification *ret);
/* The dedupe key is this id of the delivery, or the body where it is empty. */
void verify_dedupe(struct slice id, struct slice body, struct verification *ret);

#endif
