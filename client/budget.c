/* SPDX-License-Identifier: MIT */
/*
 * The token bucket.
 * From: engine.c, before each request and after each answer. To: the time at which the next request
 * may go. Learns the limit from refusals and from X-RateLimit-* lines, believes neither beyond
 * WAIT_MAX_MS. Cannot fail. Does not know lanes or calls.
 */
#include "client/budget.h"

#define WAIT_MAX_MS 60000 /* whatever the server asks for: then one request tries again */
#define SLACK_MS 5 /* between two clocks a request may arrive earlier than it was sent later */
#define UNKNOWN_WAIT_MS 1000 /* refused without a word when no budget is known */
#define WINDOW_MS 60000
#define TRIP_MAX_MS 200 /* longer ones are the server's thinking, not the way there */

static double now_tokens(const struct budget *b, int64_t now_ms)
{
	double whole = (double)(int64_t)((double)(now_ms - b->last_ms) / b->interval_ms);
	double tokens = b->tokens + (whole > 0 ? whole : 0);
	return tokens < b->burst ? tokens : b->burst;
}

static void set_rate(struct budget *b, double limit, double window_ms)
{
	b->burst = limit < 1 ? 1 : limit;
	b->interval_ms = window_ms / b->burst;
}

void budget_init(struct budget *b, int64_t per_hour, int64_t now_ms)
{
	*b = (struct budget){.unlimited = per_hour <= 0, .last_ms = now_ms};
	double hourly = per_hour > 0 ? (double)per_hour : 6000;
	set_rate(b, hourly / 60, WINDOW_MS);
	b->interval_ms = 3600000 / hourly;
	b->tokens = b->burst;
}

int64_t budget_wait_ms(const struct budget *b, int64_t now_ms, int64_t in_flight)
{
	if (now_ms < b->blocked_until_ms)
		return b->blocked_until_ms - now_ms;
	if (b->trial && in_flight > 0)
		return WAIT_MAX_MS;
	if (b->unlimited || now_tokens(b, now_ms) >= 1)
		return 0;
	int64_t at = b->last_ms + (int64_t)b->interval_ms + SLACK_MS;
	return at > now_ms ? at - now_ms : 0;
}

void budget_take(struct budget *b, int64_t now_ms)
{
	if (b->unlimited)
		return;
	double tokens = now_tokens(b, now_ms);
	b->tokens = tokens >= 1 ? tokens - 1 : 0;
	b->last_ms = now_ms;
}

static int64_t capped(int64_t ms)
{
	return ms < 0 ? 0 : ms > WAIT_MAX_MS ? WAIT_MAX_MS : ms;
}

void budget_accepted(
	struct budget *b, int64_t now_ms, int64_t in_flight, const struct budget_notice *notice)
{
	b->refusals = 0;
	b->trial = false;
	/* the server counts from when it saw the request: somewhere between then and now */
	if (b->tokens < 1 && in_flight == 0 && now_ms > b->last_ms)
		b->last_ms += now_ms - b->last_ms < TRIP_MAX_MS ? now_ms - b->last_ms : TRIP_MAX_MS;
	if (b->unlimited || notice->remaining < 0)
		return;
	if (notice->limit > 0 && (double)notice->limit < b->burst)
		set_rate(b, (double)notice->limit, WINDOW_MS);
	double left = (double)(notice->remaining > in_flight ? notice->remaining - in_flight : 0);
	b->tokens = left < b->burst ? left : b->burst;
	b->last_ms = now_ms;
}

void budget_refused(struct budget *b, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms)
{
	if (limit > 0 && window_ms > 0 && limit < 1000000 && window_ms < 86400000 && !b->unlimited)
		set_rate(b, (double)limit, (double)window_ms);
	if (now_ms >= b->blocked_until_ms && b->refusals < 16)
		b->refusals++; /* those that were on the wire when the first was refused count once
				*/
	b->trial = true;
	b->tokens = 0;
	b->last_ms = now_ms;
	int64_t wait = b->unlimited ? UNKNOWN_WAIT_MS : (int64_t)b->interval_ms + SLACK_MS;
	for (int i = 1; i < b->refusals && wait < WAIT_MAX_MS; i++)
		wait *= 2;
	if (notice->retry_after_ms > wait)
		wait = notice->retry_after_ms;
	else if (notice->retry_after_ms < 0 && b->refusals > 1 && notice->reset_in_ms > wait)
		wait = notice->reset_in_ms; /* a window that ends at once, not a bucket that refills
					     */
	int64_t until = now_ms + capped(wait);
	if (until > b->blocked_until_ms)
		b->blocked_until_ms = until;
}

double budget_tokens(const struct budget *b, int64_t now_ms)
{
	if (b->unlimited)
		return -1;
	return now_ms < b->blocked_until_ms ? 0 : now_tokens(b, now_ms);
}
