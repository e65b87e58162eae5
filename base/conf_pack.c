/* SPDX-License-Identifier: MIT */
/*
 * A part of a configuration as bytes, for the link to a child.
 * Format: "mhc1", then for each setting in order of keys: 's' (secret) or '-', key NUL value NUL
 * origin NUL.
 * From: the supervisor. To: the main of each child. What is imported is checked like input from
 * outside: terminated, bounded, sorted, no repeats.
 */
#include <string.h>

#include "base/conf_set.h"

static const char magic[] = "mhc1";
#define MAGIC_N (sizeof(magic) - 1)

/* Is key `prefix` or below it? */
static bool key_within(const char *key, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(key, prefix, n) == 0 && (key[n] == '\0' || key[n] == '.');
}

static bool key_wanted(const char *key, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (key_within(key, prefixes[i]))
			return true;
	return false;
}

static enum rc pack_one(const struct conf_entry *e, struct buf *out)
{
	enum rc rc = buf_put(out, e->secret ? "s" : "-", 1);
	if (rc == RC_OK)
		rc = buf_put(out, e->key, strlen(e->key) + 1);
	if (rc == RC_OK)
		rc = buf_put(out, e->value, strlen(e->value) + 1);
	if (rc == RC_OK)
		rc = buf_put(out, e->origin, strlen(e->origin) + 1);
	return rc;
}

enum rc conf_export(const struct conf *conf, const char *const *prefixes, size_t prefixes_n,
	struct buf *out, struct err *err)
{
	enum rc rc = buf_put(out, magic, MAGIC_N);
	for (size_t i = 0; i < conf->n && rc == RC_OK; i++)
		if (key_wanted(conf->entries[i].key, prefixes, prefixes_n))
			rc = pack_one(&conf->entries[i], out);
	if (rc != RC_OK)
		return err_set(err, rc, "the configuration is %s", rc_text(rc));
	return RC_OK;
}

/* Takes one terminated text from the front of bytes; NULL where none ends. */
static const char *take_text(struct slice *bytes, size_t most)
{
	size_t n = bytes->n < most ? bytes->n : most;
	const char *end = n != 0 ? memchr(bytes->p, '\0', n) : NULL;
	if (end == NULL)
		return NULL;
	const char *text = bytes->p;
	bytes->n -= (size_t)(end - text) + 1;
	bytes->p = end + 1;
	return text;
}

static enum rc unpack_one(struct slice *bytes, struct conf *conf, struct err *err)
{
	char mark = bytes->p[0];
	*bytes = (struct slice){bytes->p + 1, bytes->n - 1};
	const char *key = take_text(bytes, CONF_KEY_N);
	const char *value = key != NULL ? take_text(bytes, CONF_VALUE_MAX + 1) : NULL;
	const char *origin = value != NULL ? take_text(bytes, CONF_VALUE_MAX + 1) : NULL;
	if ((mark != 's' && mark != '-') || origin == NULL || key[0] == '\0')
		return err_set(err, RC_PARSE, "a packed configuration is cut off or mangled");
	if (conf->n != 0 && strcmp(conf->entries[conf->n - 1].key, key) >= 0)
		return err_set(err, RC_PARSE, "a packed configuration is out of order");
	struct conf_setting s = {
		.key = key, .value = value, .origin = origin, .secret = mark == 's'};
	return conf_put(conf, &s, err);
}

enum rc conf_import(struct slice bytes, struct conf **ret_conf, struct err *err)
{
	if (bytes.n < MAGIC_N || memcmp(bytes.p, magic, MAGIC_N) != 0)
		return err_set(err, RC_PARSE, "this is no packed configuration");
	bytes = (struct slice){bytes.p + MAGIC_N, bytes.n - MAGIC_N};
	struct conf *conf = conf_new();
	if (conf == NULL)
		return err_set(err, RC_NOMEM, "no memory for the configuration");
	while (bytes.n != 0) {
		enum rc rc = unpack_one(&bytes, conf, err);
		if (rc != RC_OK) {
			conf_free(conf);
			return rc;
		}
	}
	*ret_conf = conf;
	return RC_OK;
}
