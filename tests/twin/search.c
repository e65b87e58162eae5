/* SPDX-License-Identifier: MIT */
/*
 * Makes a text that looks like PostgreSQL's tsvector of the row: 'doe':2 'jane':1.
 * From: change.c. Cannot fail; past WORDS_MAX words the rest is left out.
 * Does not split e-mail addresses and URLs into their parts as PostgreSQL does.
 */
#include "tests/twin/search.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/value.h"

#define WORDS_MAX 24
#define WORD_MAX 64

struct word {
	char text[WORD_MAX];
	int position;
};

static bool field_searched(const struct field *f)
{
	static const char *const names[] = {
		"name", "title", "emails", "jobTitle", "domainName", "userEmail"};
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		if (strcmp(f->name, names[i]) == 0)
			return true;
	}
	return false;
}

static int words_add(struct word *words, int n, const char *text)
{
	while (text != NULL && *text != '\0' && n < WORDS_MAX) {
		size_t skip = strcspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789");
		text += skip;
		size_t len = strcspn(text, " \t\r\n,;()<>\"'!?");
		if (len == 0)
			break;
		size_t keep = len < WORD_MAX - 1 ? len : WORD_MAX - 1;
		for (size_t i = 0; i < keep; i++)
			words[n].text[i] = (char)tolower((unsigned char)text[i]);
		words[n].text[keep] = '\0';
		words[n].position = n + 1;
		n++;
		text += len;
	}
	return n;
}

static int word_compare(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int c = strcmp(x->text, y->text);
	return c != 0 ? c : x->position - y->position;
}

static int words_collect(const struct object *o, const json_t *rec, struct word *words)
{
	int n = 0;
	for (size_t i = 0; i < o->field_n; i++) {
		const struct field *f = &o->fields[i];
		if (!field_searched(f))
			continue;
		const json_t *value = json_object_get(rec, f->name);
		if (json_is_string(value))
			n = words_add(words, n, json_string_value(value));
		for (const struct sub *s = value_subs(f->type); s != NULL && s->name != NULL; s++)
			n = words_add(words, n, json_string_value(json_object_get(value, s->name)));
	}
	return n;
}

static bool search_changed(const struct object *o, const json_t *rec, const json_t *before)
{
	for (size_t i = 0; i < o->field_n; i++) {
		const char *name = o->fields[i].name;
		if (field_searched(&o->fields[i]) &&
			json_object_get(rec, name) != json_object_get(before, name))
			return true;
	}
	return false;
}

void search_vector_set(const struct object *o, json_t *rec, const json_t *before)
{
	if (json_object_get(o->blank, "searchVector") == NULL)
		return;
	if (before != NULL && !search_changed(o, rec, before))
		return;
	struct word words[WORDS_MAX];
	int n = words_collect(o, rec, words);
	qsort(words, (size_t)n, sizeof(words[0]), word_compare);
	char text[WORDS_MAX * (WORD_MAX + 8)];
	size_t len = 0;
	text[0] = '\0';
	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s'%s':%d",
			i != 0 ? " " : "", words[i].text, words[i].position);
	json_t *value = json_string(text); /* NULL where a word was cut inside a character */
	if (value != NULL)
		json_object_set_new(rec, "searchVector", value);
}
