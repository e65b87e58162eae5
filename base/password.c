/* SPDX-License-Identifier: MIT */
/*
 * Finds and hides passwords in addresses, as libpq reads them (PostgreSQL's manual, 34.1.1.2).
 * From: the configuration, whoever shows a setting. An address that is wrong hides more, not less:
 * a password with an @ of its own ends at the last one.
 */
#include "base/password.h"

#include <string.h>

#include "base/attr.h"
#include "base/slice.h"

#define MASK "********"

/* The password between user and host; n 0: none. */
static struct slice of_user(const char *text)
{
	const char *at = strstr(text, "://"), *end = NULL;
	if (at == NULL)
		return (struct slice){NULL, 0};
	at += 3;
	for (const char *p = at; *p != '\0' && *p != '/'; p++)
		if (*p == '@')
			end = p;
	const char *colon = end != NULL ? memchr(at, ':', (size_t)(end - at)) : NULL;
	if (colon == NULL)
		return (struct slice){NULL, 0};
	return (struct slice){colon + 1, (size_t)(end - colon - 1)};
}

/* The value of the next parameter that is a password, at or behind *from. */
static struct slice of_query(const char *from)
{
	static const char *const keys[] = {"password=", "sslpassword="};
	for (const char *p = from; p != NULL && *p != '\0'; p = strpbrk(p + 1, "?&")) {
		for (size_t i = 0; i < ARRAY_N(keys); i++) {
			size_t n = strlen(keys[i]);
			if ((*p == '?' || *p == '&') && strncmp(p + 1, keys[i], n) == 0)
				return (struct slice){p + 1 + n, strcspn(p + 1 + n, "&")};
		}
	}
	return (struct slice){NULL, 0};
}

static const char *query_of(const char *text)
{
	return strstr(text, "://") != NULL ? strchr(text, '?') : NULL;
}

bool password_within(const char *text)
{
	return of_user(text).n != 0 || of_query(query_of(text)).n != 0;
}

static void add(char *out, size_t out_n, size_t *at, struct slice text)
{
	for (size_t i = 0; i < text.n && *at + 1 < out_n; i++)
		out[(*at)++] = text.p[i];
}

void password_hide(const char *text, char *out, size_t out_n)
{
	size_t at = 0;
	const char *from = text;
	struct slice hidden = of_user(text);
	if (hidden.n == 0)
		hidden = of_query(query_of(text));
	while (hidden.n != 0) {
		add(out, out_n, &at, (struct slice){from, (size_t)(hidden.p - from)});
		add(out, out_n, &at, slice_of(MASK));
		from = hidden.p + hidden.n;
		hidden = of_query(query_of(text) < from ? strpbrk(from, "?&") : query_of(text));
	}
	add(out, out_n, &at, slice_of(from));
	if (out_n != 0)
		out[at] = '\0';
}
