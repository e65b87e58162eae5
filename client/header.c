/* SPDX-License-Identifier: MIT */
/*
 * What an answer says about our budget, and what time it is there.
 * From: transport.c, line by line, hostile. To: budget.c, client_now_ms. Fails silently: a line
 * that is rubbish counts as absent. Does not decide how long anybody waits.
 */
#include "client/header.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/attr.h"

#define VALUE_MAX 64

static int64_t whole(const char *text)
{
	if (*text < '0' || *text > '9')
		return -1;
	char *end;
	long long n = strtoll(text, &end, 10);
	while (*end == ' ' || *end == '\t')
		end++;
	return *end == '\0' && n <= INT64_C(100000000000000) ? (int64_t)n : -1;
}

static int64_t retry_after_ms(const char *text, int64_t wall_ms)
{
	int64_t seconds = whole(text);
	if (seconds >= 0)
		return seconds > 86400 ? 86400000 : seconds * 1000;
	time_t at = curl_getdate(text, NULL);
	if (at <= 0)
		return -1;
	int64_t ms = (int64_t)at * 1000 - wall_ms;
	return ms < 0 ? 0 : ms;
}

/* Seconds since 1970 as a real server writes it, or seconds from now; milliseconds too. */
static int64_t reset_in_ms(const char *text, int64_t wall_ms)
{
	int64_t n = whole(text);
	if (n < 0)
		return -1;
	if (n < 1000000000)
		return n * 1000;
	int64_t at_ms = n < INT64_C(100000000000) ? n * 1000 : n;
	return at_ms > wall_ms ? at_ms - wall_ms : 0;
}

/* Without the blanks around it. False: it is too long. */
static bool value_of(struct slice line, size_t name_n, char value[static VALUE_MAX])
{
	const char *p = line.p + name_n, *end = line.p + line.n;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	size_t n = (size_t)(end - p);
	if (n >= VALUE_MAX)
		return false;
	memcpy(value, p, n);
	value[n] = '\0';
	return true;
}

void header_parse(struct slice line, int64_t wall_ms, struct budget_notice *notice)
{
	if (line.n >= 5 && memcmp(line.p, "HTTP/", 5) == 0) {
		*notice = (struct budget_notice){-1, -1, -1, -1};
		return;
	}
	static const char *const names[] = {"retry-after:", "x-ratelimit-limit:",
		"x-ratelimit-remaining:", "x-ratelimit-reset:"};
	if (line.n < 12 || (*line.p != 'R' && *line.p != 'r' && *line.p != 'X' && *line.p != 'x'))
		return;
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		size_t n = strlen(names[i]);
		if (line.n <= n || strncasecmp(line.p, names[i], n) != 0)
			continue;
		char value[VALUE_MAX];
		if (!value_of(line, n, value))
			return;
		if (i == 0)
			notice->retry_after_ms = retry_after_ms(value, wall_ms);
		else if (i == 1)
			notice->limit = whole(value);
		else if (i == 2)
			notice->remaining = whole(value);
		else
			notice->reset_in_ms = reset_in_ms(value, wall_ms);
		return;
	}
}

int64_t header_date(struct slice line)
{
	static const char name[] = "date:";
	char value[VALUE_MAX];
	if (line.n < sizeof(name) || strncasecmp(line.p, name, sizeof(name) - 1) != 0 ||
		!value_of(line, sizeof(name) - 1, value))
		return -1;
	time_t at = curl_getdate(value, NULL);
	return at > 0 ? (int64_t)at * 1000 : -1;
}
