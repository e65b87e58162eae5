/* SPDX-License-Identifier: MIT */
/*
 * Configuration: one Lua file evaluated in an empty environment with `env "NAME"`, `file "path"`
 * and `source "name" { .. }`, held against the tables of options that the rooms declare. The
 * outcome is a flat, sorted list of settings: "twenty.url", "http.allow.1",
 * "source.stripe.secrets.1", ... Precedence: flag, MOONHOOK_* of the environment
 * ("MOONHOOK_TWENTY_URL" is twenty.url), file, default.
 */
#ifndef MOONHOOK_BASE_CONF_H
#define MOONHOOK_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum conf_type {
	CONF_TEXT,
	CONF_SECRET, /* text that is never shown */
	CONF_INT,
	CONF_BOOL,
	CONF_DURATION, /* "90s" "5m" "2h" "3d" "100ms"; milliseconds inside */
	CONF_BYTES,    /* "64MB" "10GB" "4kB"; powers of 1024 */
	CONF_RATE,     /* "100/m" s m h d; per hour inside; "none": 0 */
	CONF_LIST,     /* of texts: key.1, key.2, .. */
	CONF_SECRETS,  /* list of secrets */
	CONF_MAP,      /* name -> secret: key.NAME */
	CONF_CHOICE,   /* one of the words in `choices` */
	CONF_FLAGS,    /* per-kind booleans or choices kept as texts: key.NAME */
};

struct conf_option {     /* STATIC */
	const char *key; /* "limits.cpu"; "source.*.scheme" for every named source */
	enum conf_type type;
	const char *fallback; /* the default as one would write it; NULL: none, "!": required */
	int64_t min, max;     /* of numbers, both 0: unchecked */
	const char *choices;  /* CONF_CHOICE: words with a blank between */
	const char *help;     /* one line */
};

struct conf_table {
	const char *room;
	const struct conf_option *options;
	size_t options_n;
};

struct conf;

struct conf_setting { /* BORROWS from the conf */
	const char *key;
	const char *value;  /* canonical text: numbers in the unit above */
	const char *origin; /* "default", "conf/moonhook.lua:12", "environment MOONHOOK_X", "flag
			       --x" */
	bool secret;
};

/*
 * Reads and checks a file. tables: STATIC, every room's. overrides: "key=value" texts from flags.
 * RC_INVALID with "file:line: sentence; did you mean .." for anything wrong; RC_IO where the file
 * cannot be read. GIVES (conf_free). Names of environment variables that were read as secrets are
 * remembered for conf_scrub.
 */
enum rc conf_load(const char *path, const struct conf_table *tables, size_t tables_n,
	const char *const *overrides, size_t overrides_n, struct conf **ret_conf,
	struct err *err) must_check;
/* As conf_load, for commands that need only some of it: a required setting may be missing, and a
 * `file "path"` that cannot be read counts as not given. */
enum rc conf_load_partial(const char *path, const struct conf_table *tables, size_t tables_n,
	const char *const *overrides, size_t overrides_n, struct conf **ret_conf,
	struct err *err) must_check;
void conf_free(struct conf *conf);
/* The option that a key of a conf belongs to ("http.allow.1" -> "http.allow"); NULL: none. STATIC.
 */
const struct conf_option *conf_option_find(
	const struct conf_table *tables, size_t tables_n, const char *key);
/* A value of this option as one would write it: "64MB", "1s", "100/m". GIVES (free); NULL: no
 * memory. */
char *conf_option_format(const struct conf_option *option, const char *value);

/* Getters by key. The table's default counts, so a known key always has a value unless its fallback
 * is NULL; then text gives NULL and numbers 0. */
const char *conf_text(const struct conf *conf, const char *key);
int64_t conf_int(const struct conf *conf, const char *key);
bool conf_bool(const struct conf *conf, const char *key);
/* The n-th (from 1) element of a list, NULL behind its end. */
const char *conf_item(const struct conf *conf, const char *key, size_t n);
/* Settings below "prefix." in order of their keys: the i-th (from 0); false behind the end. */
bool conf_below(
	const struct conf *conf, const char *prefix, size_t i, struct conf_setting *ret_setting);
/* The n-th (from 0) distinct name between "prefix." and the next dot; prefix is one word, e.g.
 * "source". NULL at the end. */
const char *conf_name(const struct conf *conf, const char *prefix, size_t n);
enum conf_place_kind { CONF_PLACE_ENV, CONF_PLACE_FILE };
struct conf_reference { /* BORROWS from the conf */
	enum conf_place_kind kind;
	const char *name; /* of the variable; path of the file, as seen from the current folder */
	int line;
};
/* The i-th (from 0) `env "NAME"` or `file "path"` that the configuration file writes for a key, in
 * its order, whether or not there is anything; false behind the last. What a flag or MOONHOOK_* of
 * the environment says instead is not looked at. */
bool conf_reference(
	const struct conf *conf, const char *key, size_t i, struct conf_reference *ret_reference);
size_t conf_n(const struct conf *conf);
void conf_at(const struct conf *conf, size_t i, struct conf_setting *ret_setting);

/* The part of a conf that one child may know: settings whose key is, or lies below, one of
 * prefixes. */
enum rc conf_export(const struct conf *conf, const char *const *prefixes, size_t prefixes_n,
	struct buf *out, struct err *err) must_check;
/* Reads what conf_export wrote. GIVES (conf_free). */
enum rc conf_import(struct slice bytes, struct conf **ret_conf, struct err *err) must_check;

/* Overwrites, in this process's environment block, the values that env "NAME" has read, so that
 * /proc/PID/environ shows none; env "NAME" still answers them when the file is read again. */
void conf_scrub(void);
/* Forgets what conf_scrub kept; for a child after fork, before it goes on with less privilege. */
void conf_forget(void);

/* "90s" -> ms, "64MB" -> bytes; -1 where it is none. */
int64_t conf_parse_duration(const char *text);
int64_t conf_parse_bytes(const char *text);
/* "100/m" -> 6000 an hour, "none" -> 0; -1 where it is none. */
int64_t conf_parse_rate(const char *text);
/* The word nearest to `word` by edit distance, NULL when none is near. words: NULL-terminated. */
const char *conf_nearest(const char *word, const char *const *words);

#endif
