/* SPDX-License-Identifier: MIT */
/*
 * Counts how requests end and logs those that were refused.
 * From: listen.c. To: metrics and the log. What an attacker sends as fast as he
 * can must not fill the disk with lines, so lines are limited per outcome. Never logs a body, a
 * header value or a path. It refuses nothing itself.
 */
#include "receiver/refusal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define LINES_MAX 5
#define WINDOW_MS 10000

static const struct {
	unsigned status;
	enum metric metric;
	const char *name;
} outcomes[] = {
#define X(code, status, metric, name) {status, metric, name},
	OUTCOME_TABLE(X)
#undef X
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards lines */
static struct {
	int64_t since_ms;
	unsigned n;
	uint64_t left_out;
} lines[OUTCOME_N + 2]; /* the last are for what is kept: skewed, timeless */

unsigned outcome_status(enum outcome o)
{
	return outcomes[o].status;
}

void refusal_count(enum outcome o)
{
	metrics_add(outcomes[o].metric, 1);
}

/* May a line be written? ret_left_out: how many were not since the last one. */
static bool may_log(size_t kind, uint64_t *ret_left_out)
{
	int64_t now = clock_mono_ms();
	pthread_mutex_lock(&lock);
	if (lines[kind].n == 0 || now - lines[kind].since_ms >= WINDOW_MS) {
		lines[kind].since_ms = now;
		lines[kind].n = 0;
	}
	bool may = lines[kind].n < LINES_MAX;
	if (may) {
		lines[kind].n++;
		*ret_left_out = lines[kind].left_out;
		lines[kind].left_out = 0;
	} else {
		lines[kind].left_out++;
	}
	pthread_mutex_unlock(&lock);
	return may;
}

static void format_left_out(uint64_t n, char text[static 64])
{
	text[0] = '\0';
	if (n != 0)
		snprintf(text, 64, " (and %" PRIu64 " more like it before)", n);
}

void refusal_log(enum outcome o, const char *source, const char *why)
{
	uint64_t left_out = 0;
	char more[64];
	refusal_count(o);
	if (!may_log(o, &left_out))
		return;
	format_left_out(left_out, more);
	log_warn(&(struct log_fields){.source = source, .outcome = outcomes[o].name},
		"refused: %s%s", why, more);
}

enum { KEPT_SKEWED = OUTCOME_N, KEPT_TIMELESS };

void refusal_log_skew(const char *source, int64_t skew_ms, int64_t window_ms)
{
	uint64_t left_out = 0;
	char more[64];
	metrics_add(METRIC_HOOK_SKEWED, 1);
	if (!may_log(KEPT_SKEWED, &left_out))
		return;
	format_left_out(left_out, more);
	log_warn(&(struct log_fields){.source = source, .outcome = "quarantined"},
		"a correctly signed delivery is %" PRId64
		" ms %s this machine's clock (the window is %" PRId64
		" ms); it was kept in quarantine, check both clocks%s",
		skew_ms < 0 ? -skew_ms : skew_ms, skew_ms < 0 ? "behind" : "ahead of", window_ms,
		more);
}

void refusal_log_timeless(const char *source)
{
	uint64_t left_out = 0;
	char more[64];
	metrics_add(METRIC_HOOK_SKEWED, 1);
	if (!may_log(KEPT_TIMELESS, &left_out))
		return;
	format_left_out(left_out, more);
	log_warn(&(struct log_fields){.source = source, .outcome = "quarantined"},
		"a correctly signed delivery has a malformed timestamp, no number; "
		"it was kept in quarantine, look at what sent it%s",
		more);
}
