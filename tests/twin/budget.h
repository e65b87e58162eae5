/* SPDX-License-Identifier: MIT */
/* The API budget of a workspace: a token bucket with the refill rule of a real server. */
#ifndef MOONHOOK_TESTS_TWIN_BUDGET_H
#define MOONHOOK_TESTS_TWIN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct budget {
	int64_t per_minute; /* 0: unlimited */
	int64_t tokens;
	int64_t last_ms; /* mono; the last accepted call */
};

/* Reads "100/m" or "none". */
bool budget_parse(struct budget *b, const char *text) must_check;
/* Takes one token. The refill is floor(elapsed * N / 60000) since the last accepted call, so calls
 * closer than 60000 / N ms never refill. */
bool budget_take(struct budget *b, int64_t mono_ms);
/* Tokens there would be now. */
int64_t budget_tokens(const struct budget *b, int64_t mono_ms);
/* Milliseconds until the bucket is full. */
int64_t budget_full_in_ms(const struct budget *b, int64_t mono_ms);

#endif
