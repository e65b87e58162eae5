/* SPDX-License-Identifier: MIT */
/*
 * Where does the file mention a key? A walk over the tokens of the source text, because Lua knows
 * only the line where a statement ends. Finds `key =`, `["key"] =`, `a.b =` and `source "name" {`
 * in their nesting, and the name in an `env "NAME"` or `file "path"` behind them.
 * From: conf_lua.c. To: the sentences about errors, and conf_reference. It guesses: a key that is
 * computed has no place, and the line of its statement is used instead. It decides nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_set.h"

#define DEPTH_MAX 16

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_MARK };

struct token {
	enum token_kind kind;
	char text[CONF_PATH_N + 1]; /* cut when longer */
	int line;
};

struct scanner {
	const char *p, *end;
	int line;
	struct conf_file *file;
	char path[DEPTH_MAX][CONF_KEY_N]; /* the table we are in; [0] is "" */
	size_t depth;                     /* may exceed DEPTH_MAX; deeper keys are not looked at */
	char key[CONF_KEY_N];             /* the key whose value comes next; "" in front of one */
	struct token last, before;        /* the two tokens before this one */
};

static void token_put(struct token *t, size_t *n, char c)
{
	if (*n < sizeof(t->text) - 1)
		t->text[(*n)++] = c;
	t->text[*n] = '\0';
}

static bool at(const struct scanner *s, size_t i, char c)
{
	return (size_t)(s->end - s->p) > i && s->p[i] == c;
}

/* The level of a long bracket at p + i: "[[" 0, "[=[" 1; -1: none. */
static int long_level(const struct scanner *s, size_t i)
{
	size_t n = 1;
	if (!at(s, i, '['))
		return -1;
	while (at(s, i + n, '='))
		n++;
	return at(s, i + n, '[') ? (int)n - 1 : -1;
}

/* Skips to behind the closing bracket of this level. */
static void skip_long(struct scanner *s, int level)
{
	for (; s->p < s->end; s->p++) {
		if (*s->p == '\n')
			s->line++;
		if (*s->p != ']')
			continue;
		size_t n = 1;
		while (at(s, n, '='))
			n++;
		if ((int)n - 1 == level && at(s, n, ']')) {
			s->p += n + 1;
			return;
		}
	}
}

static void skip_comment(struct scanner *s)
{
	s->p += 2;
	int level = long_level(s, 0);
	if (level >= 0) {
		skip_long(s, level);
		return;
	}
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static void skip_blank(struct scanner *s)
{
	while (s->p < s->end) {
		if (*s->p == '\n')
			s->line++;
		if (isspace((unsigned char)*s->p))
			s->p++;
		else if (at(s, 0, '-') && at(s, 1, '-'))
			skip_comment(s);
		else
			return;
	}
}

static void read_string(struct scanner *s, struct token *t)
{
	char quote = *s->p++;
	size_t n = 0;
	for (; s->p < s->end && *s->p != quote && *s->p != '\n'; s->p++) {
		if (*s->p == '\\' && s->end - s->p > 1)
			s->p++;
		token_put(t, &n, *s->p);
	}
	if (s->p < s->end)
		s->p++;
}

static void read_name(struct scanner *s, struct token *t)
{
	size_t n = 0;
	for (; s->p < s->end && (isalnum((unsigned char)*s->p) || *s->p == '_'); s->p++)
		token_put(t, &n, *s->p);
}

static struct token next(struct scanner *s)
{
	skip_blank(s);
	struct token t = {.kind = TOKEN_END, .line = s->line};
	if (s->p >= s->end)
		return t;
	int level = long_level(s, 0);
	if (level >= 0) {
		t.kind = TOKEN_STRING;
		skip_long(s, level);
	} else if (*s->p == '"' || *s->p == '\'') {
		t.kind = TOKEN_STRING;
		read_string(s, &t);
	} else if (isalnum((unsigned char)*s->p) || *s->p == '_') {
		t.kind = TOKEN_NAME;
		read_name(s, &t);
	} else {
		t.kind = TOKEN_MARK;
		t.text[0] = *s->p++;
		if (t.text[0] == '=' && at(s, 0, '=')) {
			t.text[1] = '=';
			s->p++;
		}
	}
	return t;
}

static bool is_mark(const struct token *t, const char *mark)
{
	return t->kind == TOKEN_MARK && strcmp(t->text, mark) == 0;
}

static const char *container(const struct scanner *s)
{
	return s->depth < DEPTH_MAX ? s->path[s->depth] : "";
}

static enum rc note(struct scanner *s, const char *key, int line, struct conf_place **ret_place)
{
	struct conf_file *f = s->file;
	*ret_place = NULL;
	if (f->places_n == CONF_SETTINGS_MAX || s->depth >= DEPTH_MAX)
		return RC_OK;
	if (f->places_n == f->places_cap) {
		size_t cap = f->places_cap != 0 ? 2 * f->places_cap : 32;
		struct conf_place *p = realloc(f->places, cap * sizeof(*p));
		if (p == NULL)
			return RC_NOMEM;
		f->places = p;
		f->places_cap = cap;
	}
	struct conf_place *p = &f->places[f->places_n++];
	*p = (struct conf_place){.line = line};
	snprintf(p->key, sizeof(p->key), "%s", key);
	*ret_place = p;
	return RC_OK;
}

/* The name behind env or file; one that is longer than it may be is none. */
static enum rc note_name(struct scanner *s, const struct token *t)
{
	struct conf_place *p;
	enum rc rc = note(s, s->key[0] != '\0' ? s->key : container(s), t->line, &p);
	bool env = strcmp(s->last.text, "env") == 0;
	if (p != NULL && env && strlen(t->text) < sizeof(p->variable))
		snprintf(p->variable, sizeof(p->variable), "%.63s", t->text);
	if (p != NULL && !env && strlen(t->text) < sizeof(p->file))
		snprintf(p->file, sizeof(p->file), "%.199s", t->text);
	return rc;
}

/* "a.b" from its parts; cut when too long, which then matches no key. */
static void join(char out[static CONF_KEY_N], const char *a, const char *b)
{
	char text[CONF_KEY_N];
	int n = snprintf(text, sizeof(text), "%s%s%s", a, a[0] != '\0' ? "." : "", b);
	if (n < 0)
		text[0] = '\0';
	memcpy(out, text, CONF_KEY_N);
}

static void open_table(struct scanner *s)
{
	const char *inner = s->key[0] != '\0' ? s->key : container(s);
	if (s->depth + 1 < DEPTH_MAX)
		memmove(s->path[s->depth + 1], inner, CONF_KEY_N);
	s->depth++;
	s->key[0] = '\0';
}

/* `name =`: the key so far is in s->key ("a" of a.b =) or empty. */
static enum rc take_assignment(struct scanner *s)
{
	const struct token *word = is_mark(&s->last, "]") ? &s->before : &s->last;
	char key[CONF_KEY_N];
	struct conf_place *place;
	join(key, s->key[0] != '\0' ? s->key : container(s), word->text);
	memcpy(s->key, key, sizeof(key));
	return note(s, key, word->line, &place);
}

static enum rc take(struct scanner *s, const struct token *t)
{
	char key[CONF_KEY_N];
	if (is_mark(t, "{")) {
		open_table(s);
	} else if (is_mark(t, "}")) {
		s->depth -= s->depth != 0;
		s->key[0] = '\0';
	} else if (is_mark(t, ",") || is_mark(t, ";")) {
		s->key[0] = '\0';
	} else if (is_mark(t, ".") && s->last.kind == TOKEN_NAME) {
		join(key, s->before.kind == TOKEN_MARK && is_mark(&s->before, ".") ? s->key : "",
			s->last.text);
		memcpy(s->key, key, sizeof(key));
	} else if (is_mark(t, "=")) {
		if (!is_mark(&s->last, "]") && !is_mark(&s->before, "."))
			s->key[0] = '\0';
		return take_assignment(s);
	} else if (t->kind == TOKEN_STRING && s->last.kind == TOKEN_NAME &&
		   (strcmp(s->last.text, "env") == 0 || strcmp(s->last.text, "file") == 0)) {
		return note_name(s, t);
	} else if (t->kind == TOKEN_STRING && s->depth == 0 &&
		   strcmp(s->last.text, "source") == 0) {
		struct conf_place *place;
		join(s->key, "source", t->text);
		return note(s, s->key, t->line, &place);
	}
	return RC_OK;
}

enum rc conf_file_scan(struct conf_file *file, struct slice text)
{
	struct scanner *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return RC_NOMEM;
	*s = (struct scanner){.p = text.p, .end = text.p + text.n, .line = 1, .file = file};
	enum rc rc = RC_OK;
	for (;;) {
		struct token t = next(s);
		if (t.kind == TOKEN_END || rc != RC_OK)
			break;
		if (is_mark(&t, "(") || is_mark(&t, ")"))
			continue;
		rc = take(s, &t);
		s->before = s->last;
		s->last = t;
	}
	free(s);
	return rc;
}

const struct conf_place *conf_file_place(const struct conf_file *file, const char *key)
{
	const struct conf_place *found = NULL;
	for (size_t i = 0; i < file->places_n; i++)
		if (strcmp(file->places[i].key, key) == 0)
			found = &file->places[i];
	return found;
}
