/* SPDX-License-Identifier: MIT */
/* Every way a request can end: its status, its metric, its log line. */
#ifndef MOONHOOK_RECEIVER_REFUSAL_H
#define MOONHOOK_RECEIVER_REFUSAL_H

#include "base/metrics.h"

/* X(code, status, metric, outcome in the log) */
#define OUTCOME_TABLE(X)                                                                           \
	X(OUTCOME_STORED, 202, METRIC_HOOK_STORED, "stored")                                       \
	X(OUTCOME_REPEATED, 200, METRIC_HOOK_REPEATED, "repeated")                                 \
	X(OUTCOME_MALFORMED, 400, METRIC_HOOK_MALFORMED, "malformed")                              \
	X(OUTCOME_UNSIGNED, 401, METRIC_HOOK_UNSIGNED, "unauthorized")                             \
	X(OUTCOME_UNKNOWN, 404, METRIC_HOOK_UNKNOWN, "unknown_source")                             \
	X(OUTCOME_METHOD, 405, METRIC_HOOK_METHOD, "method")                                       \
	X(OUTCOME_TOO_LARGE, 413, METRIC_HOOK_TOO_LARGE, "too_large")                              \
	X(OUTCOME_UNAVAILABLE, 503, METRIC_HOOK_UNAVAILABLE, "unavailable")                        \
	X(OUTCOME_DEADLINE, 0, METRIC_HOOK_DEADLINE, "deadline") /* closed without an answer */

enum outcome {
#define X(code, status, metric, name) code,
	OUTCOME_TABLE(X)
#undef X
		OUTCOME_N,
};

unsigned outcome_status(enum outcome o);

/* Counts the outcome. */
void refusal_count(enum outcome o);
/* Counts it and says so in one line, with at most 5 lines per outcome in 10 s; how many were left
 * out is said with the next. source may be NULL. Any thread. */
void refusal_log(enum outcome o, const char *source, const char *why);
/* The line about a delivery that was kept although it was refused: its time is not now, or its
 * timestamp is malformed; counted and limited alike. */
void refusal_log_skew(const char *source, int64_t skew_ms, int64_t window_ms);
void refusal_log_timeless(const char *source);

#endif
