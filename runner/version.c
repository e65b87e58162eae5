/* SPDX-License-Identifier: MIT */
/*
 * Versions of rule files by hash.
 * From: rules.c (what is live), assign.c (runs that keep an older version). To: pool.c, which loads
 * them into workers. Fails when memory is short. Does not read files.
 */
#include "runner/version.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "runner/bundle.h"

struct version *version_find(const struct versions *versions, const char *hash)
{
	for (struct version *s = versions->first; s != NULL; s = s->next) {
		if (strcmp(s->hash, hash) == 0)
			return s;
	}
	return NULL;
}

/* The payload of a LOAD frame; NULL: a text is no UTF-8 (named), or there is no memory. GIVES. */
static char *make_load(const char *hash, const struct bundle *bundle, const char **ret_wrong)
{
	json_t *modules = json_array();
	json_t *load = json_pack("{s:s, s:s, s:O*}", "hash", hash, "file", bundle->files[0].name,
		"modules", modules);
	bool ok = load != NULL && modules != NULL;
	for (size_t i = 0; i < bundle->n && ok; i++) {
		const struct bundle_file *file = &bundle->files[i];
		json_t *text = json_stringn(file->text.p != NULL ? file->text.p : "", file->text.n);
		if (text == NULL)
			*ret_wrong = file->name;
		if (i == 0)
			ok = json_object_set_new(load, "source", text) == 0;
		else
			ok = text != NULL && json_array_append_new(modules,
						     json_pack("{s:s, s:o}", "file", file->name,
							     "source", text)) == 0;
	}
	char *payload = ok ? json_dumps(load, JSON_COMPACT) : NULL;
	json_decref(load);
	json_decref(modules);
	return payload;
}

static enum rc fill(
	struct version *s, const char *hash, const char *file, struct slice text, struct err *err)
{
	const char *wrong = NULL;
	struct bundle *bundle = malloc(sizeof(*bundle));
	if (bundle == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	enum rc rc = bundle_open(text, file, bundle);
	if (rc != RC_OK)
		err_set(err, rc, "%s: its version is broken", file);
	if (rc == RC_OK && (s->load = make_load(hash, bundle, &wrong)) == NULL)
		rc = wrong != NULL ? err_set(err, RC_PARSE, "%s is not UTF-8 text", wrong)
				   : err_set(err, RC_NOMEM, "no memory for %s", file);
	free(bundle);
	if (rc != RC_OK)
		return rc;
	s->load_n = strlen(s->load);
	s->text = malloc(text.n + 1);
	if (s->text == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	if (text.n != 0)
		memcpy(s->text, text.p, text.n);
	s->text[text.n] = '\0';
	s->text_n = text.n;
	snprintf(s->hash, sizeof(s->hash), "%s", hash);
	snprintf(s->file, sizeof(s->file), "%s", file);
	return RC_OK;
}

static void version_free(struct version *s)
{
	free(s->text);
	free(s->load);
	free(s);
}

enum rc version_add(struct versions *versions, const char *hash, const char *file,
	struct slice text, struct version **ret_source, struct err *err)
{
	struct version *s = version_find(versions, hash);
	if (s != NULL) {
		*ret_source = version_ref(s);
		return RC_OK;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", file);
	enum rc rc = fill(s, hash, file, text, err);
	if (rc != RC_OK) {
		version_free(s);
		return rc;
	}
	s->next = versions->first;
	s->refs = 1;
	versions->first = s;
	*ret_source = s;
	return RC_OK;
}

enum rc version_hash(
	const char *file, struct slice text, char ret_hash[static DIGEST_HEX_N], struct err *err)
{
	uint8_t sum[DIGEST_N];
	struct slice parts[] = {{file, strlen(file) + 1}, text};
	enum rc rc = digest_sha256(parts, ARRAY_N(parts), sum);
	if (rc != RC_OK)
		return err_set(err, rc, "%s: %s", file, rc_text(rc));
	digest_format(sum, ret_hash);
	return RC_OK;
}

enum rc version_add_stored(struct versions *versions, const char *hash, const char *file,
	struct slice text, struct version **ret_source, struct err *err)
{
	char is[DIGEST_HEX_N];
	enum rc rc = version_hash(file, text, is, err);
	if (rc == RC_OK && strcmp(is, hash) != 0)
		rc = err_set(err, RC_DENIED,
			"the text of %.80s in the store is not what its hash (%.12s..) says: "
			"somebody has changed it there, so it is not run; find out who can write "
			"to the store",
			file, hash);
	return rc == RC_OK ? version_add(versions, hash, file, text, ret_source, err) : rc;
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
		version_free(s);
	}
}
