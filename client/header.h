/* SPDX-License-Identifier: MIT */
/* The header lines of an answer that speak of the budget: Retry-After and X-RateLimit-*. */
#ifndef MOONHOOK_CLIENT_HEADER_H
#define MOONHOOK_CLIENT_HEADER_H

#include <stdint.h>

#include "base/slice.h"
#include "client/budget.h"

/* Reads one line, line end included; a status line forgets what came before it (1xx answers). Every
 * other line and every value that makes no sense is passed over. wall_ms: now, for lines that name
 * a time. */
void header_parse(struct slice line, int64_t wall_ms, struct budget_notice *notice);

#endif
