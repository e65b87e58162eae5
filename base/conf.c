/* SPDX-License-Identifier: MIT */
/*
 * The configuration: file, environment and flags -> one sorted set of checked settings.
 * From: cli, which loads; every room, which reads its part. Next: conf_lua.c evaluates,
 * conf_check.c judges, conf_mention.c says where secrets are kept, conf_pack.c carries a part to a
 * child, conf_env.c hides secrets. Fails with one sentence that names file and line. Invariant:
 * entries are sorted and have no repeats, so that lookups are binary searches.
 */
#include "base/conf.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf_set.h"
#include "base/file.h"
#include "base/password.h"

/* --- the set -----------------------------------------------------------------------------------
 */

struct conf *conf_new(void)
{
	return calloc(1, sizeof(struct conf));
}

static void entry_done(struct conf_entry *e)
{
	if (e->value != NULL && e->secret)
		explicit_bzero(e->value, strlen(e->value));
	free(e->key);
	free(e->value);
	free(e->origin);
	free(e->second);
}

void conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->n; i++)
		entry_done(&conf->entries[i]);
	free(conf->entries);
	conf_mentions_done(conf);
	free(conf);
}

/* The place of key, or where it would be. */
static size_t lower_bound(const struct conf *conf, const char *key)
{
	size_t low = 0, high = conf->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(conf->entries[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct conf_entry *find(const struct conf *conf, const char *key)
{
	size_t i = lower_bound(conf, key);
	return i < conf->n && strcmp(conf->entries[i].key, key) == 0 ? &conf->entries[i] : NULL;
}

static enum rc grow(struct conf *conf)
{
	if (conf->n < conf->cap)
		return RC_OK;
	if (conf->n >= 2 * CONF_SETTINGS_MAX)
		return RC_TOO_LARGE;
	size_t cap = conf->cap != 0 ? 2 * conf->cap : 64;
	struct conf_entry *p = realloc(conf->entries, cap * sizeof(*p));
	if (p == NULL)
		return RC_NOMEM;
	conf->entries = p;
	conf->cap = cap;
	return RC_OK;
}

/* "source.twenty.scheme" -> "twenty" */
static char *second_word(const char *key)
{
	const char *dot = strchr(key, '.');
	const char *word = dot != NULL ? dot + 1 : "";
	return strndup(word, strcspn(word, "."));
}

enum rc conf_put(struct conf *conf, const struct conf_setting *setting, struct err *err)
{
	enum rc rc = grow(conf);
	if (rc != RC_OK)
		return err_set(err, rc, "the configuration is %s", rc_text(rc));
	struct conf_entry e = {.key = strdup(setting->key),
		.value = strdup(setting->value),
		.origin = strdup(setting->origin),
		.second = second_word(setting->key),
		.secret = setting->secret};
	if (e.key == NULL || e.value == NULL || e.origin == NULL || e.second == NULL) {
		entry_done(&e);
		return err_set(err, RC_NOMEM, "no memory for the configuration");
	}
	size_t i = lower_bound(conf, setting->key);
	if (i < conf->n && strcmp(conf->entries[i].key, setting->key) == 0) {
		entry_done(&conf->entries[i]);
	} else {
		memmove(&conf->entries[i + 1], &conf->entries[i],
			(conf->n - i) * sizeof(*conf->entries));
		conf->n++;
	}
	conf->entries[i] = e;
	return RC_OK;
}

void conf_remove(struct conf *conf, const char *key)
{
	size_t n = strlen(key), out = 0;
	for (size_t i = 0; i < conf->n; i++) {
		const char *k = conf->entries[i].key;
		if (strncmp(k, key, n) == 0 && (k[n] == '\0' || k[n] == '.'))
			entry_done(&conf->entries[i]);
		else
			conf->entries[out++] = conf->entries[i];
	}
	conf->n = out;
}

/* --- reading -----------------------------------------------------------------------------------
 */

const char *conf_text(const struct conf *conf, const char *key)
{
	const struct conf_entry *e = find(conf, key);
	return e != NULL ? e->value : NULL;
}

int64_t conf_int(const struct conf *conf, const char *key)
{
	const char *text = conf_text(conf, key);
	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool conf_bool(const struct conf *conf, const char *key)
{
	const char *text = conf_text(conf, key);
	return text != NULL && strcmp(text, "true") == 0;
}

const char *conf_item(const struct conf *conf, const char *key, size_t n)
{
	char item[CONF_KEY_N + 24];
	int len = snprintf(item, sizeof(item), "%s.%zu", key, n);
	return len > 0 && len < (int)sizeof(item) ? conf_text(conf, item) : NULL;
}

static struct conf_setting setting_of(const struct conf_entry *e)
{
	return (struct conf_setting){
		.key = e->key, .value = e->value, .origin = e->origin, .secret = e->secret};
}

/* The first entry below "prefix."; *ret_prefix_n counts its bytes with the dot. */
static size_t first_below(const struct conf *conf, const char *prefix, size_t *ret_prefix_n)
{
	char start[CONF_KEY_N + 2];
	int n = snprintf(start, sizeof(start), "%s.", prefix);
	if (n < 0 || n >= (int)sizeof(start))
		return conf->n;
	*ret_prefix_n = (size_t)n;
	return lower_bound(conf, start);
}

bool conf_below(
	const struct conf *conf, const char *prefix, size_t i, struct conf_setting *ret_setting)
{
	size_t n = 0, at = first_below(conf, prefix, &n);
	if (i >= conf->n - at)
		return false;
	const struct conf_entry *e = &conf->entries[at + i];
	if (strncmp(e->key, prefix, n - 1) != 0 || e->key[n - 1] != '.')
		return false;
	*ret_setting = setting_of(e);
	return true;
}

const char *conf_name(const struct conf *conf, const char *prefix, size_t n)
{
	size_t skip = 0, at = first_below(conf, prefix, &skip);
	const struct conf_entry *last = NULL;
	for (; at < conf->n; at++) {
		const struct conf_entry *e = &conf->entries[at];
		if (strncmp(e->key, prefix, skip - 1) != 0 || e->key[skip - 1] != '.')
			break;
		if (last != NULL && strcmp(last->second, e->second) == 0)
			continue;
		last = e;
		if (n-- == 0)
			return e->second;
	}
	return NULL;
}

size_t conf_n(const struct conf *conf)
{
	return conf->n;
}

void conf_at(const struct conf *conf, size_t i, struct conf_setting *ret_setting)
{
	*ret_setting = setting_of(&conf->entries[i]);
}

/* --- loading -----------------------------------------------------------------------------------
 */

static enum rc take_file(struct conf *conf, const struct conf_tables *tables,
	const struct conf_file *file, struct err *err)
{
	for (size_t i = 0; i < file->raws_n; i++) {
		const struct conf_raw *raw = &file->raws[i];
		char origin[256];
		snprintf(origin, sizeof(origin), "%.200s:%d", file->path, raw->line);
		struct conf_given g = {
			.key = raw->key, .text = raw->text, .kind = raw->kind, .origin = origin};
		enum rc rc = conf_take(conf, tables, &g, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* "twenty.url" -> "MOONHOOK_TWENTY_URL" */
static void variable_of(const char *key, char *out, size_t out_n)
{
	int n = snprintf(out, out_n, "MOONHOOK_%s", key);
	for (int i = 9; i < n && (size_t)i < out_n; i++)
		out[i] = out[i] == '.' ? '_' : (char)toupper((unsigned char)out[i]);
}

static enum rc take_variable(struct conf *conf, const struct conf_option *o, const char *key,
	const char *variable, struct err *err)
{
	const char *value = conf_env_read(variable);
	if (value == NULL)
		return RC_OK;
	char origin[CONF_KEY_N + 32];
	snprintf(origin, sizeof(origin), "environment %s", variable);
	struct conf_given g = {.key = key, .text = value, .kind = CONF_KIND_TEXT, .origin = origin};
	return conf_take_text(conf, o, &g, err);
}

/* secrets.NAME from MOONHOOK_SECRETS_NAME: the names are those of the environment. */
static enum rc take_map(struct conf *conf, const struct conf_option *o, struct err *err)
{
	char prefix[CONF_KEY_N + 16];
	variable_of(o->key, prefix, sizeof(prefix) - 1);
	size_t n = strlen(prefix);
	prefix[n++] = '_';
	prefix[n] = '\0';
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		char variable[CONF_KEY_N], key[2 * CONF_KEY_N];
		if (strncmp(*e, prefix, n) != 0 || strcspn(*e, "=") >= sizeof(variable))
			continue;
		snprintf(variable, sizeof(variable), "%.*s", (int)strcspn(*e, "="), *e);
		snprintf(key, sizeof(key), "%s.%s", o->key, variable + n);
		enum rc rc = strlen(key) < CONF_KEY_N ? take_variable(conf, o, key, variable, err)
						      : RC_OK;
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc take_environment(
	struct conf *conf, const struct conf_tables *tables, struct err *err)
{
	for (size_t t = 0; t < tables->n; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n; i++) {
			const struct conf_option *o = &tables->tables[t].options[i];
			char variable[CONF_KEY_N];
			if (strchr(o->key, '*') != NULL)
				continue;
			variable_of(o->key, variable, sizeof(variable));
			enum rc rc = o->type == CONF_MAP || o->type == CONF_FLAGS
					     ? take_map(conf, o, err)
					     : take_variable(conf, o, o->key, variable, err);
			if (rc != RC_OK)
				return rc;
		}
	}
	return RC_OK;
}

static enum rc take_flag(
	struct conf *conf, const struct conf_tables *tables, const char *flag, struct err *err)
{
	char key[CONF_KEY_N], origin[CONF_KEY_N + 16];
	size_t n = strcspn(flag, "=");
	if (flag[n] != '=' || n >= sizeof(key))
		return err_set(err, RC_INVALID, "`%s` is no setting; write key=value", flag);
	snprintf(key, sizeof(key), "%.*s", (int)n, flag);
	snprintf(origin, sizeof(origin), "flag --%s", key);
	const struct conf_option *o = conf_option_find(tables->tables, tables->n, key);
	struct conf_given g = {
		.key = key, .text = flag + n + 1, .kind = CONF_KIND_TEXT, .origin = origin};
	if (o != NULL &&
		(o->type == CONF_SECRET || o->type == CONF_SECRETS || o->type == CONF_MAP)) {
		char variable[CONF_KEY_N];
		variable_of(key, variable, sizeof(variable));
		return err_set(err, RC_INVALID,
			"`%s` is a secret, and everybody can read a program's flags; use the "
			"environment (%s)",
			key, variable);
	}
	if (o != NULL && o->type == CONF_TEXT && password_within(g.text))
		return err_set(err, RC_INVALID,
			"`%s` has a password in it, and everybody can read a program's flags; "
			"leave "
			"it out there",
			key);
	if (o != NULL && strcmp(o->key, key) == 0)
		return conf_take_text(conf, o, &g, err);
	return conf_take(conf, tables, &g, err);
}

struct load {
	struct conf_file file;
	struct conf_tables tables;
	const char *const *overrides;
	size_t overrides_n;
};

static enum rc load_all(struct load *l, struct slice text, struct conf *conf, struct err *err)
{
	enum rc rc = conf_file_run(&l->file, text, err);
	if (rc == RC_OK)
		rc = take_file(conf, &l->tables, &l->file, err);
	if (rc == RC_OK)
		rc = conf_mentions_take(conf, &l->file, err);
	if (rc == RC_OK)
		rc = take_environment(conf, &l->tables, err);
	for (size_t i = 0; i < l->overrides_n && rc == RC_OK; i++)
		rc = take_flag(conf, &l->tables, l->overrides[i], err);
	if (rc == RC_OK)
		rc = conf_take_defaults(conf, &l->tables, err);
	if (rc == RC_OK && !l->file.partial)
		rc = conf_take_required(conf, &l->tables, &l->file, err);
	return rc;
}

static enum rc load(struct load *l, struct conf **ret_conf, struct err *err)
{
	struct buf text;
	buf_init(&text, CONF_FILE_MAX);
	struct conf *conf = conf_new();
	enum rc rc = file_read(AT_FDCWD, l->file.path, FILE_LINKS_FOLLOWED, &text, err);
	if (rc != RC_OK) {
		rc = RC_IO;
		if (err != NULL)
			err->code = rc;
	} else if (conf == NULL) {
		rc = err_set(err, RC_NOMEM, "no memory for the configuration");
	} else {
		rc = load_all(l, buf_slice(&text), conf, err);
	}
	buf_done(&text);
	conf_file_done(&l->file);
	if (rc != RC_OK) {
		conf_free(conf);
		return rc;
	}
	*ret_conf = conf;
	return RC_OK;
}

enum rc conf_load(const char *path, const struct conf_table *tables, size_t tables_n,
	const char *const *overrides, size_t overrides_n, struct conf **ret_conf, struct err *err)
{
	struct load l = {.file = {.path = path},
		.tables = {tables, tables_n},
		.overrides = overrides,
		.overrides_n = overrides_n};
	return load(&l, ret_conf, err);
}

enum rc conf_load_partial(const char *path, const struct conf_table *tables, size_t tables_n,
	const char *const *overrides, size_t overrides_n, struct conf **ret_conf, struct err *err)
{
	struct load l = {.file = {.path = path, .partial = true},
		.tables = {tables, tables_n},
		.overrides = overrides,
		.overrides_n = overrides_n};
	return load(&l, ret_conf, err);
}
