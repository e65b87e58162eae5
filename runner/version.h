/* SPDX-License-Identifier: MIT */
/* The text of rule files, each version kept once for as long as a run or rule needs it. */
#ifndef MOONHOOK_RUNNER_VERSION_H
#define MOONHOOK_RUNNER_VERSION_H

#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"

struct version {
	struct version *next;
	unsigned refs; /* rules and live runs */
	char hash[DIGEST_HEX_N];
	char file[256];
	char *text; /* of bundle.h */
	size_t text_n;
	char *load; /* the payload of a LOAD frame, JSON */
	size_t load_n;
};

struct versions { /* {NULL} is the empty table */
	struct version *first;
};

/* Finds or adds a version, text as bundle.h has it; one more reference. RC_NOMEM, RC_PARSE (no
 * UTF-8, no bundle). */
enum rc version_add(struct versions *versions, const char *hash, const char *file,
	struct slice text, struct version **ret_version, struct err *err) must_check;
/* The same of a text that was read from the store. RC_DENIED: it is not what its hash says, so
 * somebody has changed it there. */
enum rc version_add_stored(struct versions *versions, const char *hash, const char *file,
	struct slice text, struct version **ret_version, struct err *err) must_check;
/* What a version is called by: its file's name and its text, since errors of a copy must name the
 * copy. RC_NOMEM. */
enum rc version_hash(const char *file, struct slice text, char ret_hash[static DIGEST_HEX_N],
	struct err *err) must_check;
/* NULL where it is not held; no reference is taken. */
struct version *version_find(const struct versions *versions, const char *hash);
struct version *version_ref(struct version *version);
void version_unref(struct version *version); /* accepts NULL; version_sweep frees */
/* Frees what nobody refers to, telling fn of each before. */
void version_sweep(
	struct versions *versions, void (*fn)(void *ctx, const struct version *version), void *ctx);

#endif
