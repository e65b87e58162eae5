/* SPDX-License-Identifier: MIT */
/*
 * The token bucket. From: core.c, docs.c. Cannot fail.
 */
#include "tests/twin/budget.h"

#include <stdlib.h>
#include <string.h>

bool budget_parse(struct budget *b, const char *text)
{
	*b = (struct budget){0};
	if (strcmp(text, "none") == 0)
		return true;
	char *end;
	long long n = strtoll(text, &end, 10);
	if (end == text || n <= 0 || n > 10000000 || strcmp(end, "/m") != 0)
		return false;
	b->per_minute = b->tokens = n;
	return true;
}

int64_t budget_tokens(const struct budget *b, int64_t mono_ms)
{
	int64_t tokens = b->tokens + (mono_ms - b->last_ms) * b->per_minute / 60000;
	return tokens < b->per_minute ? tokens : b->per_minute;
}

bool budget_take(struct budget *b, int64_t mono_ms)
{
	if (b->per_minute == 0)
		return true;
	int64_t tokens = budget_tokens(b, mono_ms);
	if (tokens < 1)
		return false;
	b->tokens = tokens - 1;
	b->last_ms = mono_ms;
	return true;
}

int64_t budget_full_in_ms(const struct budget *b, int64_t mono_ms)
{
	if (b->per_minute == 0)
		return 0;
	int64_t left = (b->per_minute - b->tokens) * 60000 / b->per_minute - (mono_ms - b->last_ms);
	return left > 0 ? left : 0;
}
