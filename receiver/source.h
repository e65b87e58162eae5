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

#define SCHEME_NAMES "twenty" /* words with a blank between; each has its line in verify.c */
#define SOURCE_NAME_MAX 64

struct source {
	char name[SOURCE_NAME_MAX + 1];
	const struct scheme *scheme;
	struct digest_key **keys; /* one thread, the one that verifies */
	size_t keys_n;
	uint64_t *fitted;  /* keys_n: deliveries that each secret signed; the same thread */
	int64_t window_ms; /* a timestamp may lie this far in the past or in the future */
};

/* All sources of one configuration; a reload makes another set. Counted: who uses one holds it. */
struct source_set;

/* RC_INVALID with a sentence for what is wrong. GIVES one hold (source_set_free). */
enum rc source_set_new(
	const struct conf *conf, struct source_set **ret_set, struct err *err) must_check;
/* One more hold; any thread. */
struct source_set *source_set_hold(struct source_set *set);
/* Gives one hold back; the last one frees the set. Accepts NULL. Any thread. */
void source_set_free(struct source_set *set);
size_t source_set_n(const struct source_set *set);
/* NULL: none of that name. BORROWS from the set. */
const struct source *source_find(const struct source_set *set, const char *name);

#endif
