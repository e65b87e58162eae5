/* SPDX-License-Identifier: MIT */
/*
 * Versions of rule files by hash.
 * From: rules.c (what is live), assign.c (runs that keep an older version). To: pool.c, which loads
 * them into workers. Fails when memory is short. Does not read files.
 */
#include "runner/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

struct version *version_find(const struct versions *versions, const char *hash)
{
	for (struct version *s = versions->first; s != NULL; s = s->next) {
		if (strcmp(s->hash, hash) == 0)
			return s;
	}
	return NULL;
}

enum rc version_add(struct versions *versions, const char *hash, const char *file,
	struct slice text, struct version **ret_source, struct err *err)
{
	struct version *s = version_find(versions, hash);
	if (s != NULL) {
		*ret_source = version_ref(s);
		return RC_OK;
	}
	json_t *source = json_stringn(text.p, text.n);
	if (source == NULL)
		return err_set(err, RC_PARSE, "%s is not UTF-8 text", file);
	json_t *load = json_pack("{s:s, s:s, s:o}", "hash", hash, "file", file, "source", source);
	char *payload = load != NULL ? json_dumps(load, JSON_COMPACT) : NULL;
	json_decref(load);
	s = payload != NULL ? calloc(1, sizeof(*s)) : NULL;
	if (s == NULL) {
		free(payload);
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	}
	snprintf(s->hash, sizeof(s->hash), "%s", hash);
	snprintf(s->file, sizeof(s->file), "%s", file);
	s->load = payload;
	s->load_n = strlen(payload);
	s->next = versions->first;
	s->refs = 1;
	versions->first = s;
	*ret_source = s;
	return RC_OK;
}

struct version *version_ref(struct version *source)
{
	source->refs++;
	return source;
}

void version_unref(struct version *source)
{
	if (source != NULL)
		source->refs--;
}

void version_sweep(
	struct versions *versions, void (*fn)(void *ctx, const struct version *source), void *ctx)
{
	for (struct version **at = &versions->first; *at != NULL;) {
		struct version *s = *at;
		if (s->refs != 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		if (fn != NULL)
			fn(ctx, s);
		free(s->load);
		free(s);
	}
}
