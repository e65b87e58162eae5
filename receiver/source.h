/* SPDX-License-Identifier: MIT */
/* The sources of the configuration: /hooks/<name> -> scheme, secrets, time window. */
#ifndef MOONHOOK_RECEIVER_SOURCE_H
#define MOONHOOK_RECEIVER_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/digest.h"
#include "base/err.h"
#include "receiver/verify.h"

/* words with a blank between; each has its line in verify.c */
#define SCHEME_NAMES "twenty standard-webhooks github stripe hmac token"
#define SOURCE_NAME_MAX 64

struct source {
	char name[SOURCE_NAME_MAX + 1];
	const struct scheme *scheme;
	struct shape shape;          /* where the scheme asks for one */
	struct digest_key **keys;    /* one thread, the one that verifies */
	uint8_t (*tokens)[DIGEST_N]; /* hashes of secrets that are tokens, in the place of keys */
	size_t keys_n;               /* of either */
	uint64_t *fitted;  /* keys_n: deliveries that each secret signed; the same thread */
	int64_t window_ms; /* a timestamp may lie this far in the past or in the future */
};

/* All sources of one configuration; a reload makes another set. Counted: who uses one holds it. */
struct source_set;

/* RC_INVALID with a sentence for what is wrong. GIVES one hold (source_set_free). */
enum rc source_set_new(
	const struct conf *conf, struct source_set **ret_set, struct err *err) must_check;
/* The same of one source alone, as if there were no other; RC_NOT_FOUND where there is none. */
enum rc source_set_one(const struct conf *conf, const char *name, struct source_set **ret_set,
	struct err *err) must_check;
/* One more hold; any thread. */
struct source_set *source_set_hold(struct source_set *set);
/* Gives one hold back; the last one frees the set. Accepts NULL. Any thread. */
void source_set_free(struct source_set *set);
size_t source_set_n(const struct source_set *set);
/* What its requests have to bring, for head_init. BORROWS from the source. */
const char *const *source_headers(const struct source *source);
/* NULL: none of that name. BORROWS from the set. */
const struct source *source_find(const struct source_set *set, const char *name);

#endif
