/* SPDX-License-Identifier: MIT */
/* The header lines of an answer that matter: Retry-After and X-RateLimit-*, which speak of the
 * budget, and Date. */
#ifndef MOONHOOK_CLIENT_HEADER_H
#define MOONHOOK_CLIENT_HEADER_H

#include <stdint.h>

#include "base/slice.h"
#include "client/budget.h"

/* Reads one line, line end included; a status line forgets what came before it (1xx answers). Every
 * other line and every value that makes no sense is passed over. wall_ms: now, for lines that name
 * a time. */
void header_parse(struct slice line, int64_t wall_ms, struct budget_notice *notice);
/* What a Date line says, wall ms; -1: it is another line, or makes no sense. */
int64_t header_date(struct slice line);

#endif
