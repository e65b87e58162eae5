/* SPDX-License-Identifier: MIT */
/*
 * /hooks/<source> -> its scheme and secrets.
 * From: the configuration. To: listen.c, by name. Fails at configuration time with a sentence that
 * names the source and says what to write; a source that could accept forged deliveries (a keyed
 * scheme without a secret) is refused there. It verifies nothing itself.
 */
#include "receiver/source.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

#define SECRET_MAX 65536

struct source_set {
	atomic_size_t holds;
	size_t n;
	struct source sources[];
};

static const char *setting_text(const struct conf *conf, const char *name, const char *what)
{
	char key[SOURCE_NAME_MAX + 32];
	snprintf(key, sizeof(key), "source.%s.%s", name, what);
	return conf_text(conf, key);
}

static bool name_fits(const char *name)
{
	size_t n = strlen(name);
	return n != 0 && n <= SOURCE_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

/* The bytes of "whsec_<base64>"; the prefix is often left away. */
static enum rc decode(
	const struct source *s, size_t nth, struct slice secret, struct buf *out, struct err *err)
{
	static const char prefix[] = "whsec_";
	size_t n = sizeof(prefix) - 1;
	if (secret.n > n && memcmp(secret.p, prefix, n) == 0)
		secret = (struct slice){secret.p + n, secret.n - n};
	enum rc rc = base64_parse(secret, out);
	if (rc == RC_OK && out->n != 0)
		return RC_OK;
	if (rc == RC_NOMEM)
		return err_set(err, rc, "no memory for a secret of source \"%s\"", s->name);
	return err_set(err, RC_INVALID,
		"source \"%s\": secret %zu is not what standard-webhooks uses: \"whsec_\" and "
		"base64 behind it; copy it whole from the sender",
		s->name, nth);
}

/* Puts one secret into its place, which is empty. */
static enum rc fill_key(struct source *s, size_t nth, struct slice secret, struct err *err)
{
	struct buf bytes;
	enum rc rc = RC_OK;
	buf_init(&bytes, SECRET_MAX);
	if (s->scheme->secret == SCHEME_BASE64)
		rc = decode(s, nth, secret, &bytes, err);
	if (s->scheme->secret == SCHEME_BASE64)
		secret = buf_slice(&bytes);
	if (rc == RC_OK && s->scheme->secret == SCHEME_TOKEN)
		rc = digest_sha256(&secret, 1, s->tokens[s->keys_n]);
	else if (rc == RC_OK)
		s->keys[s->keys_n] = digest_key_of(s->shape.kind, secret);
	if (rc == RC_OK && s->scheme->secret != SCHEME_TOKEN && s->keys[s->keys_n] == NULL)
		rc = RC_NOMEM;
	if (bytes.n != 0)
		explicit_bzero(bytes.p, bytes.n);
	buf_done(&bytes);
	if (rc == RC_NOMEM)
		return err_set(err, rc, "cannot prepare a secret of source \"%s\"", s->name);
	s->keys_n += rc == RC_OK;
	return rc;
}

/* Empty secrets are passed over: during a rotation the second one is often an unset variable. */
static enum rc fill_keys(struct source *s, const struct conf *conf, struct err *err)
{
	char key[SOURCE_NAME_MAX + 32];
	snprintf(key, sizeof(key), "source.%s.secrets", s->name);
	size_t n = 0;
	while (conf_item(conf, key, n + 1) != NULL)
		n++;
	s->keys = calloc(n + 1, sizeof(struct digest_key *));
	s->tokens = calloc(n + 1, sizeof(*s->tokens));
	s->fitted = calloc(n + 1, sizeof(*s->fitted));
	if (s->keys == NULL || s->tokens == NULL || s->fitted == NULL)
		return err_set(
			err, RC_NOMEM, "no memory for the secrets of source \"%s\"", s->name);
	for (size_t i = 1; i <= n; i++) {
		struct slice secret = slice_of(conf_item(conf, key, i));
		enum rc rc = secret.n != 0 ? fill_key(s, i, secret, err) : RC_OK;
		if (rc != RC_OK)
			return rc;
	}
	if (s->keys_n == 0 && s->scheme->keyed)
		return err_set(err, RC_INVALID,
			"source \"%s\": `secrets` has none that is not empty; %s", s->name,
			s->scheme->advice);
	return RC_OK;
}

static enum rc fill(struct source *s, const struct conf *conf, const char *name, struct err *err)
{
	char key[SOURCE_NAME_MAX + 32];
	if (!name_fits(name))
		return err_set(err, RC_INVALID,
			"source \"%.80s\": a name is 1 to %d of a-z 0-9 _ -, because it is part of "
			"a path",
			name, SOURCE_NAME_MAX);
	snprintf(s->name, sizeof(s->name), "%s", name);
	const char *scheme = setting_text(conf, name, "scheme");
	if (scheme == NULL)
		scheme = "twenty";
	s->scheme = scheme_find(scheme);
	if (s->scheme == NULL)
		return err_set(err, RC_INVALID,
			"source \"%s\": there is no scheme \"%.40s\"; this version knows: %s", name,
			scheme, scheme_names());
	snprintf(key, sizeof(key), "source.%s.window", name);
	s->window_ms = conf_int(conf, key);
	if (s->window_ms <= 0)
		return err_set(err, RC_INVALID,
			"source \"%s\": `window` must be a time above zero, such as \"5m\"", name);
	enum rc rc = shape_fill(&s->shape, s->scheme->shape, conf, name, err);
	return rc == RC_OK ? fill_keys(s, conf, err) : rc;
}

const char *const *source_headers(const struct source *source)
{
	return source->scheme->headers != NULL ? source->scheme->headers : source->shape.wanted;
}

/* only: the name of the one that counts; NULL: all of them. */
static enum rc fill_set(
	const struct conf *conf, const char *only, struct source_set **ret_set, struct err *err)
{
	size_t n = 0;
	const char *name;
	while (conf_name(conf, "source", n) != NULL)
		n++;
	struct source_set *set = calloc(1, sizeof(*set) + n * sizeof(struct source));
	if (set == NULL)
		return err_set(err, RC_NOMEM, "no memory for %zu sources", n);
	atomic_init(&set->holds, 1);
	for (size_t i = 0; (name = conf_name(conf, "source", i)) != NULL; i++) {
		if (only != NULL && strcmp(name, only) != 0)
			continue;
		enum rc rc = fill(&set->sources[set->n++], conf, name, err);
		if (rc != RC_OK) {
			source_set_free(set);
			return rc;
		}
	}
	*ret_set = set;
	return RC_OK;
}

enum rc source_set_new(const struct conf *conf, struct source_set **ret_set, struct err *err)
{
	return fill_set(conf, NULL, ret_set, err);
}

enum rc source_set_one(
	const struct conf *conf, const char *name, struct source_set **ret_set, struct err *err)
{
	struct source_set *set = NULL;
	enum rc rc = fill_set(conf, name, &set, err);
	if (rc == RC_OK && set->n == 0)
		rc = err_set(err, RC_NOT_FOUND, "there is no source \"%s\"", name);
	if (rc != RC_OK)
		source_set_free(set);
	else
		*ret_set = set;
	return rc;
}

struct source_set *source_set_hold(struct source_set *set)
{
	atomic_fetch_add_explicit(&set->holds, 1, memory_order_relaxed);
	return set;
}

void source_set_free(struct source_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->holds, 1) != 1)
		return;
	for (size_t i = 0; i < set->n; i++) {
		struct source *s = &set->sources[i];
		for (size_t k = 0; s->keys != NULL && k < s->keys_n; k++)
			digest_key_free(s->keys[k]);
		free(s->keys);
		free(s->tokens);
		free(s->fitted);
	}
	free(set);
}

size_t source_set_n(const struct source_set *set)
{
	return set->n;
}

const struct source *source_find(const struct source_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->sources[i].name, name) == 0)
			return &set->sources[i];
	return NULL;
}
