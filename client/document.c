/* SPDX-License-Identifier: MIT */
/*
 * Reading the first word of each definition of a GraphQL document.
 * From: op_graphql.c and client.c, which must know whether a repeat could do harm. Knows no more of
 * the language than where texts, comments and brackets begin and end. Errs on the side of a change.
 */
#include "client/document.h"

#include <string.h>

struct scan {
	const char *at;
	int braces, others; /* open ones; others: () and [] */
	bool fresh;         /* a definition begins here */
	bool query;         /* one was seen */
	bool bad;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Behind the text that begins here. */
static void skip_text(struct scan *s)
{
	bool block = strncmp(s->at, "\"\"\"", 3) == 0;
	s->at += block ? 3 : 1;
	for (; *s->at != '\0'; s->at++) {
		if (block && strncmp(s->at, "\\\"\"\"", 4) == 0) {
			s->at += 3;
			continue;
		}
		if (block && strncmp(s->at, "\"\"\"", 3) == 0) {
			s->at += 3;
			return;
		}
		if (block)
			continue;
		if (*s->at == '\\' && s->at[1] != '\0')
			s->at++;
		else if (*s->at == '\n')
			break;
		else if (*s->at == '"') {
			s->at++;
			return;
		}
	}
	s->bad = true;
}

static void read_word(struct scan *s)
{
	size_t n = 0;
	while (is_word(s->at[n]))
		n++;
	if (s->fresh) {
		bool query = n == 5 && strncmp(s->at, "query", 5) == 0;
		s->query = s->query || query;
		s->bad = !query && !(n == 8 && strncmp(s->at, "fragment", 8) == 0);
		s->fresh = false;
	}
	s->at += n;
}

static void read_bracket(struct scan *s)
{
	switch (*s->at++) {
	case '{':
		s->query = s->query || s->fresh;
		s->fresh = false;
		s->braces++;
		break;
	case '}':
		s->bad = --s->braces < 0;
		s->fresh = s->braces == 0 && s->others == 0;
		break;
	case '(':
	case '[':
		s->bad = s->fresh;
		s->others++;
		break;
	default:
		s->bad = s->fresh || --s->others < 0;
		break;
	}
}

bool document_reads(const char *text)
{
	struct scan s = {.at = text, .fresh = true};
	if (strncmp(s.at, "\xEF\xBB\xBF", 3) == 0)
		s.at += 3;
	while (*s.at != '\0' && !s.bad) {
		if (*s.at == '#')
			s.at += strcspn(s.at, "\r\n");
		else if (*s.at == '"' && !s.fresh)
			skip_text(&s);
		else if (is_word(*s.at))
			read_word(&s);
		else if (strchr("{}()[]", *s.at) != NULL)
			read_bracket(&s);
		else if (s.fresh && strchr(" \t\r\n,", *s.at) == NULL)
			s.bad = true;
		else
			s.at++;
	}
	return !s.bad && s.query && s.fresh && s.braces == 0 && s.others == 0;
}
