/* SPDX-License-Identifier: MIT */
/*
 * Decodes query strings. From: app.c. Fails only when out of memory.
 */
#include "tests/twin/query.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; "+" is a space. */
static void decode(char *text)
{
	char *out = text;
	for (const char *p = text; *p != '\0'; p++) {
		int hi = p[0] == '%' ? hex_digit(p[1]) : -1;
		int lo = hi >= 0 ? hex_digit(p[2]) : -1;
		if (lo >= 0) {
			*out++ = (char)(hi * 16 + lo);
			p += 2;
		} else {
			*out++ = *p == '+' ? ' ' : *p;
		}
	}
	*out = '\0';
}

bool query_parse(struct query *q, const char *text)
{
	*q = (struct query){0};
	q->text = strdup(text);
	if (q->text == NULL)
		return false;
	char *p = q->text;
	while (p != NULL && *p != '\0' && q->n < QUERY_MAX) {
		char *next = strchr(p, '&');
		if (next != NULL)
			*next++ = '\0';
		char *eq = strchr(p, '=');
		if (eq != NULL)
			*eq++ = '\0';
		decode(p);
		if (eq != NULL)
			decode(eq);
		q->pairs[q->n].key = p;
		q->pairs[q->n].value = eq != NULL ? eq : "";
		q->n++;
		p = next;
	}
	return true;
}

void query_done(struct query *q)
{
	free(q->text);
	*q = (struct query){0};
}

const char *query_find(const struct query *q, const char *key)
{
	const char *found = NULL;
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->pairs[i].key, key) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = q->pairs[i].value;
	}
	return found;
}
