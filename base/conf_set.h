/* SPDX-License-Identifier: MIT */
/*
 * What the files of conf share: the sorted set of settings, the raw outcome of the Lua file, the
 * remembered environment, units. Nobody outside base/conf*.c includes this.
 */
#ifndef MOONHOOK_BASE_CONF_SET_H
#define MOONHOOK_BASE_CONF_SET_H

#include "base/conf.h"

#define CONF_KEY_N 192       /* bytes of a key, NUL included */
#define CONF_PATH_N 200      /* bytes of a path in file "path", NUL included */
#define CONF_VALUE_MAX 65536 /* bytes of one value */
#define CONF_FILE_MAX 262144 /* bytes of the file */
#define CONF_SETTINGS_MAX 4096

/* --- the set (conf.c) ----------------------------------------------------------------------- */

struct conf_entry { /* all owned */
	char *key, *value, *origin;
	char *second; /* the second word of the key, "" where there is none */
	bool secret;
};

struct conf_mention { /* all owned; see conf_reference */
	char *key, *name;
	enum conf_place_kind kind;
	int line;
};

struct conf {
	struct conf_entry *entries; /* sorted by key */
	size_t n, cap;
	struct conf_mention *mentions; /* in the order of the file */
	size_t mentions_n;
};

/* GIVES (conf_free); NULL: no memory. */
struct conf *conf_new(void);
/* Adds or replaces one setting; the texts are copied. RC_NOMEM, RC_TOO_LARGE. */
enum rc conf_put(struct conf *conf, const struct conf_setting *setting, struct err *err) must_check;
/* Forgets `key` and everything below it. */
void conf_remove(struct conf *conf, const char *key);

/* --- the file (conf_lua.c, conf_scan.c) ------------------------------------------------------ */

enum conf_kind { CONF_KIND_TEXT, CONF_KIND_INT, CONF_KIND_FLOAT, CONF_KIND_BOOL, CONF_KIND_EMPTY };

struct conf_raw {         /* one leaf of the file */
	char *key, *text; /* owned */
	enum conf_kind kind;
	int line;
};

struct conf_place { /* where the source text mentions a key */
	char key[CONF_KEY_N];
	int line;
	char variable[64];      /* of env "NAME" behind it; "" where there is none */
	char file[CONF_PATH_N]; /* of file "path" behind it; "" where there is none */
};

struct conf_file {
	const char *path;      /* BORROWS */
	struct conf_raw *raws; /* sorted by line, then key */
	size_t raws_n, raws_cap;
	struct conf_place *places;
	size_t places_n, places_cap;
	bool partial; /* a file "x" that cannot be read is nil instead of an error */
};

/* Evaluates text. RC_INVALID with "path:line: sentence", RC_NOMEM. */
enum rc conf_file_run(struct conf_file *file, struct slice text, struct err *err) must_check;
void conf_file_done(struct conf_file *file);
/* Fills the places. RC_NOMEM. */
enum rc conf_file_scan(struct conf_file *file, struct slice text) must_check;
/* The last place that mentions key; NULL where none does. */
const struct conf_place *conf_file_place(const struct conf_file *file, const char *key);

/* --- what the file refers to (conf_mention.c) --------------------------------------------------
 */

/* Copies what the places name. RC_NOMEM. */
enum rc conf_mentions_take(
	struct conf *conf, const struct conf_file *file, struct err *err) must_check;
void conf_mentions_done(struct conf *conf);
/* `name` as seen from the file at path. GIVES; NULL: no memory. */
char *conf_path_beside(const char *path, const char *name);

/* --- checking against the tables (conf_check.c) ----------------------------------------------- */

struct conf_tables { /* BORROWS */
	const struct conf_table *tables;
	size_t n;
};

struct conf_given { /* one value somebody gave; BORROWS */
	const char *key, *text;
	enum conf_kind kind;
	const char *origin; /* also the start of the sentence when it is wrong */
};

/* Checks one value and puts it. RC_INVALID with "origin: sentence". */
enum rc conf_take(struct conf *conf, const struct conf_tables *tables,
	const struct conf_given *given, struct err *err) must_check;
/* As conf_take for one text that stands for a whole option: a list is split at commas and blanks,
 * and replaces what is there. */
enum rc conf_take_text(struct conf *conf, const struct conf_option *option,
	const struct conf_given *given, struct err *err) must_check;
/* Puts the defaults of what is not set. */
enum rc conf_take_defaults(
	struct conf *conf, const struct conf_tables *tables, struct err *err) must_check;
/* RC_INVALID for the first required setting that is missing. file may be NULL. */
enum rc conf_take_required(struct conf *conf, const struct conf_tables *tables,
	const struct conf_file *file, struct err *err) must_check;

/* --- units (conf_unit.c) --------------------------------------------------------------------- */

/* The counterpart of conf_option_format. False where text is no number of the option's type. */
bool conf_option_parse(const struct conf_option *option, const char *text, int64_t *ret_n);

/* --- the environment (conf_env.c) ------------------------------------------------------------ */

/* The value of a variable, NULL where it is unset; remembered for conf_scrub. BORROWS until
 * conf_forget. */
const char *conf_env_read(const char *name);

#endif
