/* SPDX-License-Identifier: MIT */
/*
 * Holds values against the option tables: is there such a setting, is its value one of its type,
 * within its range; what is missing.
 * From: conf.c with the leaves of the file, the environment and the flags. To: the set. Fails with
 * RC_INVALID and a sentence that starts with the value's origin. Reads nothing itself.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_set.h"
#include "base/password.h"

#define WORDS_MAX 512

/* Does key belong to pattern, where '*' stands for one name? *ret_rest: what follows, behind its
 * dot; "" where nothing does. */
static bool pattern_matches(const char *pattern, const char *key, const char **ret_rest)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '*') {
			size_t n = strcspn(key, ".");
			if (n == 0)
				return false;
			key += n;
		} else if (*pattern != *key++) {
			return false;
		}
	}
	if (*key != '\0' && *key != '.')
		return false;
	*ret_rest = *key == '.' ? key + 1 : key;
	return true;
}

static const struct conf_option *find_option(
	const struct conf_tables *tables, const char *key, const char **ret_rest)
{
	for (size_t t = 0; t < tables->n; t++)
		for (size_t i = 0; i < tables->tables[t].options_n; i++)
			if (pattern_matches(tables->tables[t].options[i].key, key, ret_rest))
				return &tables->tables[t].options[i];
	return NULL;
}

const struct conf_option *conf_option_find(
	const struct conf_table *tables, size_t tables_n, const char *key)
{
	const char *rest;
	return find_option(&(struct conf_tables){tables, tables_n}, key, &rest);
}

/* --- unknown settings ------------------------------------------------------------------------- */

/* Is key the start of some option's key, such as "twenty"? */
static bool is_group(const struct conf_tables *tables, const char *key)
{
	const char *rest;
	for (size_t t = 0; t < tables->n; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n; i++) {
			const char *k = tables->tables[t].options[i].key;
			size_t n = strlen(key);
			if (strncmp(k, key, n) == 0 && k[n] == '.')
				return true;
			if (strncmp(k, "source.*.", 9) == 0 &&
				pattern_matches("source.*", key, &rest) && *rest == '\0')
				return true;
		}
	}
	return strcmp(key, "source") == 0;
}

struct words { /* candidates for "did you mean" */
	char text[WORDS_MAX][CONF_KEY_N];
	const char *list[WORDS_MAX + 1];
	size_t n;
};

static void words_add(struct words *w, const char *text, size_t n)
{
	if (w->n == WORDS_MAX || n >= CONF_KEY_N)
		return;
	memcpy(w->text[w->n], text, n);
	w->text[w->n][n] = '\0';
	w->list[w->n] = w->text[w->n];
	w->list[++w->n] = NULL;
}

/* The option's key with the source's name of `like` in place of the star. */
static void words_add_option(struct words *w, const char *key, const char *like)
{
	const char *star = strchr(key, '*');
	const char *name = strchr(like, '.');
	char text[2 * CONF_KEY_N];
	if (star == NULL) {
		words_add(w, key, strlen(key));
		words_add(w, key, strcspn(key, "."));
	} else if (name != NULL) {
		int n = snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(star - key), key,
			(int)strcspn(name + 1, "."), name + 1, star + 1);
		words_add(w, text, n > 0 ? (size_t)n : 0);
	}
}

/* A known key that `key` is probably meant to be; NULL: none. GIVES (free). */
static char *guess(const struct conf_tables *tables, const char *key)
{
	struct words *w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	for (size_t t = 0; t < tables->n; t++)
		for (size_t i = 0; i < tables->tables[t].options_n; i++)
			words_add_option(w, tables->tables[t].options[i].key, key);
	words_add(w, "source", 6);
	const char *near = conf_nearest(key, w->list);
	char *found = near != NULL ? strdup(near) : NULL;
	/* A wrong group with right settings below it: the group is what is wrong. */
	char first[CONF_KEY_N];
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(key, "."), key);
	if (found == NULL && !is_group(tables, first)) {
		near = conf_nearest(first, w->list);
		found = near != NULL ? strdup(near) : NULL;
	}
	free(w);
	return found;
}

static enum rc refuse_unknown(
	const struct conf_tables *tables, const struct conf_given *g, struct err *err)
{
	if (is_group(tables, g->key)) {
		if (g->kind == CONF_KIND_EMPTY)
			return RC_OK;
		return err_set(err, RC_INVALID,
			"%s: `%s` is a group of settings; write %s = { .. }", g->origin, g->key,
			g->key);
	}
	char *near = guess(tables, g->key);
	enum rc rc =
		near != NULL
			? err_set(err, RC_INVALID, "%s: unknown setting `%s`; did you mean `%s`?",
				  g->origin, g->key, near)
			: err_set(err, RC_INVALID,
				  "%s: unknown setting `%s`; `moonhook config print` lists "
				  "what there is",
				  g->origin, g->key);
	free(near);
	return rc;
}

/* --- values ------------------------------------------------------------------------------------
 */

static bool is_listed(enum conf_type type)
{
	return type == CONF_LIST || type == CONF_SECRETS || type == CONF_MAP || type == CONF_FLAGS;
}

static bool is_secret(enum conf_type type)
{
	return type == CONF_SECRET || type == CONF_SECRETS || type == CONF_MAP;
}

static const char *wish(enum conf_type type)
{
	switch (type) {
	case CONF_TEXT:
	case CONF_SECRET:
		return "a text in quotes";
	case CONF_INT:
		return "a whole number";
	case CONF_BOOL:
		return "true or false";
	case CONF_DURATION:
		return "a duration such as \"90s\", \"5m\", \"2h\" or \"30d\"";
	case CONF_BYTES:
		return "a size such as \"64MB\" or \"10GB\"";
	case CONF_RATE:
		return "a rate such as \"100/m\", or \"none\"";
	case CONF_LIST:
	case CONF_SECRETS:
		return "a list of texts: { \"..\", \"..\" }";
	case CONF_MAP:
		return "a table of names and texts: { NAME = \"..\" }";
	case CONF_CHOICE:
		return "one of its words";
	case CONF_FLAGS:
		return "a table of names: { name = true }";
	}
	return "something else";
}

static enum rc refuse_type(const struct conf_option *o, const struct conf_given *g, struct err *err)
{
	static const char *const kinds[] = {
		[CONF_KIND_TEXT] = "a text",
		[CONF_KIND_INT] = "a number",
		[CONF_KIND_FLOAT] = "a number",
		[CONF_KIND_BOOL] = "a boolean",
		[CONF_KIND_EMPTY] = "an empty table",
	};
	if (is_secret(o->type) || g->kind == CONF_KIND_EMPTY)
		return err_set(err, RC_INVALID, "%s: `%s` wants %s, not %s", g->origin, g->key,
			wish(o->type), kinds[g->kind]);
	return err_set(err, RC_INVALID, "%s: `%s` wants %s, not %s %s", g->origin, g->key,
		wish(o->type), kinds[g->kind], g->text);
}

static bool in_words(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; n != 0 && p != NULL && *p != '\0';) {
		size_t len = strcspn(p, " ");
		if (len == n && memcmp(p, word, n) == 0)
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

static enum rc take_number(
	struct conf *conf, const struct conf_option *o, const struct conf_given *g, struct err *err)
{
	int64_t n;
	if (g->kind == CONF_KIND_BOOL || g->kind == CONF_KIND_FLOAT ||
		!conf_option_parse(o, g->text, &n))
		return refuse_type(o, g, err);
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, n);
	if ((o->min != 0 || o->max != 0) && (n < o->min || n > o->max)) {
		char low[32], high[32];
		snprintf(low, sizeof(low), "%" PRId64, o->min);
		snprintf(high, sizeof(high), "%" PRId64, o->max);
		char *from = conf_option_format(o, low), *to = conf_option_format(o, high);
		enum rc rc =
			err_set(err, RC_INVALID, "%s: `%s` is %s; it may be %s to %s", g->origin,
				g->key, g->text, from != NULL ? from : low, to != NULL ? to : high);
		free(from);
		free(to);
		return rc;
	}
	struct conf_setting s = {.key = g->key, .value = text, .origin = g->origin};
	return conf_put(conf, &s, err);
}

static enum rc refuse_choice(
	const struct conf_option *o, const struct conf_given *g, struct err *err)
{
	char words[160];
	const char *list[32];
	size_t n = 0;
	snprintf(words, sizeof(words), "%s", o->choices);
	char *save = NULL;
	for (char *w = strtok_r(words, " ", &save); w != NULL && n < ARRAY_N(list) - 1;
		w = strtok_r(NULL, " ", &save))
		list[n++] = w;
	list[n] = NULL;
	const char *near = conf_nearest(g->text, list);
	if (near != NULL)
		return err_set(err, RC_INVALID,
			"%s: `%s` cannot be \"%s\"; did you mean \"%s\"? (%s)", g->origin, g->key,
			g->text, near, o->choices);
	return err_set(err, RC_INVALID, "%s: `%s` cannot be \"%s\"; it is one of: %s", g->origin,
		g->key, g->text, o->choices);
}

/* One leaf whose option and place in it are known to fit. */
static enum rc take_leaf(
	struct conf *conf, const struct conf_option *o, const struct conf_given *g, struct err *err)
{
	bool truth = strcmp(g->text, "true") == 0 || strcmp(g->text, "false") == 0;
	switch (o->type) {
	case CONF_INT:
	case CONF_DURATION:
	case CONF_BYTES:
	case CONF_RATE:
		return take_number(conf, o, g, err);
	case CONF_BOOL:
		if (!truth)
			return refuse_type(o, g, err);
		break;
	case CONF_CHOICE:
		if (!in_words(o->choices, g->text))
			return refuse_choice(o, g, err);
		break;
	case CONF_FLAGS:
		if (!truth && o->choices != NULL && !in_words(o->choices, g->text))
			return refuse_choice(o, g, err);
		break;
	case CONF_TEXT:
	case CONF_SECRET:
	case CONF_LIST:
	case CONF_SECRETS:
	case CONF_MAP:
		if (g->kind != CONF_KIND_TEXT)
			return refuse_type(o, g, err);
		break;
	}
	struct conf_setting s = {.key = g->key,
		.value = g->text,
		.origin = g->origin,
		.secret = is_secret(o->type) || (o->type == CONF_TEXT && password_within(g->text))};
	return conf_put(conf, &s, err);
}

static enum rc take_default(
	struct conf *conf, const struct conf_option *o, const char *key, struct err *err);

/* A source of which nothing is said is there all the same, so that somebody can say what it lacks:
 * its defaults stand for it. */
static enum rc take_bare_source(
	struct conf *conf, const struct conf_tables *tables, const char *key, struct err *err)
{
	enum rc rc = RC_OK;
	const char *name = strncmp(key, "source.", 7) == 0 ? key + 7 : "";
	for (size_t t = 0; t < tables->n && name[0] != '\0'; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n && rc == RC_OK; i++) {
			const struct conf_option *o = &tables->tables[t].options[i];
			char own[CONF_KEY_N];
			if (strncmp(o->key, "source.*.", 9) != 0)
				continue;
			snprintf(own, sizeof(own), "source.%.*s%s", (int)strcspn(name, "."), name,
				o->key + 8);
			rc = take_default(conf, o, own, err);
		}
	}
	return rc;
}

static bool is_below(const struct conf_option *o, const char *group)
{
	size_t n = strlen(group);
	return strncmp(o->key, group, n) == 0 && o->key[n] == '.';
}

static bool can_be_off(const struct conf_option *o)
{
	return o->type == CONF_BOOL || (o->type == CONF_CHOICE && in_words(o->choices, "false"));
}

/* Can all of a group be switched off, and is that what was given: `coalesce = false`? */
static bool is_group_off(const struct conf_tables *tables, const struct conf_given *g)
{
	bool any = false;
	if (g->kind != CONF_KIND_BOOL || strcmp(g->text, "false") != 0)
		return false;
	for (size_t t = 0; t < tables->n; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n; i++) {
			const struct conf_option *o = &tables->tables[t].options[i];
			if (is_below(o, g->key) && !can_be_off(o))
				return false;
			any = any || is_below(o, g->key);
		}
	}
	return any;
}

static enum rc take_group_off(struct conf *conf, const struct conf_tables *tables,
	const struct conf_given *given, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t t = 0; t < tables->n; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n && rc == RC_OK; i++) {
			const struct conf_option *o = &tables->tables[t].options[i];
			struct conf_setting s = {
				.key = o->key, .value = "false", .origin = given->origin};
			if (is_below(o, given->key))
				rc = conf_put(conf, &s, err);
		}
	}
	return rc;
}

enum rc conf_take(struct conf *conf, const struct conf_tables *tables,
	const struct conf_given *given, struct err *err)
{
	const char *rest;
	if (given->kind == CONF_KIND_EMPTY) {
		enum rc rc = take_bare_source(conf, tables, given->key, err);
		if (rc != RC_OK)
			return rc;
	}
	const struct conf_option *o = find_option(tables, given->key, &rest);
	if (o == NULL && is_group_off(tables, given))
		return take_group_off(conf, tables, given, err);
	if (o == NULL)
		return refuse_unknown(tables, given, err);
	if (!is_listed(o->type)) {
		struct conf_given whole = *given;
		char key[CONF_KEY_N];
		if (*rest == '\0' && given->kind != CONF_KIND_EMPTY)
			return take_leaf(conf, o, given, err);
		snprintf(key, sizeof(key), "%.*s",
			(int)(strlen(given->key) - strlen(rest) - (*rest != '\0')), given->key);
		whole.key = key;
		return err_set(err, RC_INVALID, "%s: `%s` wants %s, not a table", given->origin,
			whole.key, wish(o->type));
	}
	bool numbered = isdigit((unsigned char)rest[0]) != 0;
	bool wants_number = o->type == CONF_LIST || o->type == CONF_SECRETS;
	if (given->kind == CONF_KIND_EMPTY && *rest == '\0')
		return RC_OK;
	if (*rest == '\0' && wants_number)
		return conf_take_text(conf, o, given, err);
	if (*rest == '\0' || strchr(rest, '.') != NULL || numbered != wants_number)
		return err_set(err, RC_INVALID, "%s: `%s` does not fit: wanted is %s",
			given->origin, given->key, wish(o->type));
	return take_leaf(conf, o, given, err);
}

enum rc conf_take_text(struct conf *conf, const struct conf_option *option,
	const struct conf_given *given, struct err *err)
{
	if (option->type != CONF_LIST && option->type != CONF_SECRETS)
		return take_leaf(conf, option, given, err);
	conf_remove(conf, given->key);
	size_t place = 0;
	for (const char *p = given->text + strspn(given->text, ", "); *p != '\0';) {
		size_t n = strcspn(p, ", ");
		char key[CONF_KEY_N];
		snprintf(key, sizeof(key), "%.*s.%zu", CONF_KEY_N - 24, given->key, ++place);
		char *word = strndup(p, n);
		if (word == NULL)
			return err_set(err, RC_NOMEM, "no memory for the configuration");
		struct conf_given one = {
			.key = key, .text = word, .kind = given->kind, .origin = given->origin};
		enum rc rc = take_leaf(conf, option, &one, err);
		free(word);
		if (rc != RC_OK)
			return rc;
		p += n;
		p += strspn(p, ", ");
	}
	return RC_OK;
}

/* --- defaults and what is missing --------------------------------------------------------------
 */

static bool is_set(const struct conf *conf, const char *key)
{
	struct conf_setting s;
	return conf_text(conf, key) != NULL || conf_below(conf, key, 0, &s);
}

static enum rc take_default(
	struct conf *conf, const struct conf_option *o, const char *key, struct err *err)
{
	if (o->fallback == NULL || strcmp(o->fallback, "!") == 0 || is_set(conf, key))
		return RC_OK;
	struct conf_given g = {
		.key = key, .text = o->fallback, .kind = CONF_KIND_TEXT, .origin = "default"};
	return conf_take_text(conf, o, &g, err);
}

typedef enum rc (*option_fn)(void *ctx, struct conf *conf, const struct conf_option *o,
	const char *key, struct err *err);

/* Calls fn for each option with its key; one with a star once for each source there is. */
static enum rc each_option(struct conf *conf, const struct conf_tables *tables, option_fn fn,
	void *ctx, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t t = 0; t < tables->n; t++) {
		for (size_t i = 0; i < tables->tables[t].options_n && rc == RC_OK; i++) {
			const struct conf_option *o = &tables->tables[t].options[i];
			const char *star = strchr(o->key, '*'), *name;
			if (star == NULL)
				rc = fn(ctx, conf, o, o->key, err);
			for (size_t n = 0; star != NULL && rc == RC_OK &&
					   (name = conf_name(conf, "source", n)) != NULL;
				n++) {
				char key[CONF_KEY_N];
				snprintf(key, sizeof(key), "%.*s%s%s", (int)(star - o->key), o->key,
					name, star + 1);
				rc = fn(ctx, conf, o, key, err);
			}
		}
	}
	return rc;
}

static enum rc default_each(
	void *ctx, struct conf *conf, const struct conf_option *o, const char *key, struct err *err)
{
	(void)ctx;
	return take_default(conf, o, key, err);
}

enum rc conf_take_defaults(struct conf *conf, const struct conf_tables *tables, struct err *err)
{
	return each_option(conf, tables, default_each, NULL, err);
}

static enum rc required_each(
	void *ctx, struct conf *conf, const struct conf_option *o, const char *key, struct err *err)
{
	const struct conf_file *file = ctx;
	if (o->fallback == NULL || strcmp(o->fallback, "!") != 0 || is_set(conf, key))
		return RC_OK;
	const struct conf_place *place = file != NULL ? conf_file_place(file, key) : NULL;
	const char *path = file != NULL ? file->path : "the configuration";
	if (place != NULL && place->variable[0] != '\0')
		return err_set(err, RC_INVALID,
			"%s:%d: `%s` is required, and the environment variable %s is not set; "
			"export %s=..",
			path, place->line, key, place->variable, place->variable);
	if (place != NULL)
		return err_set(err, RC_INVALID, "%s:%d: `%s` is required and is empty here", path,
			place->line, key);
	return err_set(err, RC_INVALID, "%s: `%s` is required and missing (%s)", path, key,
		o->help != NULL ? o->help : "");
}

enum rc conf_take_required(struct conf *conf, const struct conf_tables *tables,
	const struct conf_file *file, struct err *err)
{
	union {
		const void *in;
		void *out;
	} ctx = {file};
	return each_option(conf, tables, required_each, ctx.out, err);
}
