/* SPDX-License-Identifier: MIT */
/* The text of rule files, each version kept once for as long as a run or rule needs it. */
#ifndef MOONHOOK_RUNNER_SOURCE_H
#define MOONHOOK_RUNNER_SOURCE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"

struct source {
	struct source *next;
	unsigned refs; /* rules and live runs */
	char hash[DIGEST_HEX_N];
	char file[256];
	char *load; /* the payload of a LOAD frame, JSON */
	size_t load_n;
};

struct sources { /* {NULL} is the empty table */
	struct source *first;
};

/* Finds or adds a version; one more reference. RC_NOMEM, RC_PARSE (no UTF-8). */
enum rc source_add(struct sources *sources, const char *hash, const char *file, struct slice text,
	struct source **ret_source, struct err *err) must_check;
/* NULL where it is not held; no reference is taken. */
struct source *source_find(const struct sources *sources, const char *hash);
struct source *source_ref(struct source *source);
void source_unref(struct source *source); /* accepts NULL; source_sweep frees */
/* Frees what nobody refers to, telling fn of each before. */
void source_sweep(
	struct sources *sources, void (*fn)(void *ctx, const struct source *source), void *ctx);

#endif
