/* SPDX-License-Identifier: MIT */
/*
 * The token bucket.
 * From: engine.c, before each request and after each answer. To: the time at which the next request
 * may go. Learns the limit from refusals and from X-RateLimit-* lines, believes neither beyond
 * BUDGET_WAIT_MAX_MS, and uses none above the configured one. Cannot fail. Does not know lanes or
 * calls.
 */
#include "client/budget.h"

#define SLACK_MS 5 /* between two clocks a request may arrive earlier than it was sent later */
#define SLACK_STEP_MS 10
#define SLACK_LEAST_MAX_MS 250 /* it may always grow to this, else to the interval */
#define SMOOTH_N 64            /* accepted requests until the slack shrinks */
#define SMOOTH_MAX 4096
#define UNKNOWN_WAIT_MS 1000 /* refused without a word when no budget is known */
#define WINDOW_MS 60000
#define TRIP_MAX_MS 200 /* longer ones are the server's thinking, not the way there */
#define PATIENCE_MS 3600000
#define PATIENCE_MAX_MS 86400000
#define RAISE 1.25
#define LIMIT_MAX 1000000 /* what is above it is no limit that anybody means */
#define WINDOW_MAX_MS 86400000

static double now_tokens(const struct budget *b, int64_t now_ms)
{
	double rested_ms = (double)(now_ms - b->last_ms - b->slack_ms);
	double whole = (double)(int64_t)(rested_ms / b->interval_ms);
	double tokens = b->tokens + (whole > 0 ? whole : 0);
	return tokens < b->burst ? tokens : b->burst;
}

static double between(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

static bool is_below_most(const struct budget *b)
{
	return b->burst < b->most_burst || b->interval_ms > b->least_interval_ms;
}

/* Never more than configured, and never so little that nothing moves for longer than the longest
 * wait, whoever says it. */
static void set_rate(struct budget *b, double limit, double window_ms)
{
	double slowest_ms = b->least_interval_ms > BUDGET_WAIT_MAX_MS ? b->least_interval_ms
								      : BUDGET_WAIT_MAX_MS;
	b->burst = between(limit, 1, b->most_burst);
	b->interval_ms =
		between(window_ms / (limit < 1 ? 1 : limit), b->least_interval_ms, slowest_ms);
}

static void expect_more(struct budget *b, int64_t now_ms)
{
	b->raise_at_ms = is_below_most(b) ? now_ms + b->patience_ms : 0;
}

/* Nobody has complained for long: perhaps there is more by now. */
static void raise_rate(struct budget *b, int64_t now_ms)
{
	if (b->raise_at_ms == 0 || now_ms < b->raise_at_ms)
		return;
	b->burst = between((double)(int64_t)(b->burst * RAISE + 0.999), 1, b->most_burst);
	b->interval_ms = between(b->interval_ms / RAISE, b->least_interval_ms, b->interval_ms);
	b->raised = true;
	expect_more(b, now_ms);
}

void budget_init(struct budget *b, int64_t per_hour, int64_t now_ms)
{
	double hourly = per_hour > 0 ? (double)per_hour : 6000;
	*b = (struct budget){.unlimited = per_hour <= 0,
		.last_ms = now_ms,
		.patience_ms = PATIENCE_MS,
		.slack_ms = SLACK_MS,
		.smooth_n = SMOOTH_N};
	b->most_burst = b->burst = hourly < 60 ? 1 : hourly * WINDOW_MS / 3600000;
	b->least_interval_ms = b->interval_ms = 3600000 / hourly;
	b->tokens = b->burst;
}

int64_t budget_wait_ms(const struct budget *b, int64_t now_ms, int64_t in_flight)
{
	if (now_ms < b->blocked_until_ms)
		return b->blocked_until_ms - now_ms;
	if (b->trial && in_flight > 0)
		return BUDGET_WAIT_MAX_MS;
	if (b->unlimited || now_tokens(b, now_ms) >= 1)
		return 0;
	int64_t at = b->last_ms + (int64_t)b->interval_ms + 1 + b->slack_ms;
	return at - now_ms;
}

void budget_take(struct budget *b, int64_t now_ms)
{
	if (b->unlimited)
		return;
	b->sent++;
	raise_rate(b, now_ms);
	double tokens = now_tokens(b, now_ms);
	b->tokens = tokens >= 1 ? tokens - 1 : 0;
	b->last_ms = now_ms;
}

/* The server accepts what we send at this distance. */
static void count_smooth(struct budget *b)
{
	if (b->slack_ms <= SLACK_MS || ++b->smooth < b->smooth_n)
		return;
	b->smooth = 0;
	b->slack_ms = b->slack_ms / 2 > SLACK_MS ? b->slack_ms / 2 : SLACK_MS;
}

/* Refused for no reason that we know: the way there takes its time now so and now so, or others use
 * the same budget, or it is smaller than anybody says. */
static void widen(struct budget *b)
{
	int64_t most = (int64_t)between(b->interval_ms, SLACK_LEAST_MAX_MS, BUDGET_WAIT_MAX_MS);
	if (b->slack_ms > SLACK_MS && b->smooth_n < SMOOTH_MAX)
		b->smooth_n *= 2;
	b->slack_ms = 2 * b->slack_ms + SLACK_STEP_MS;
	b->slack_ms = b->slack_ms > most ? most : b->slack_ms;
	b->smooth = 0;
}

void budget_accepted(
	struct budget *b, int64_t now_ms, int64_t in_flight, const struct budget_notice *notice)
{
	bool lone = b->sent == 1 && in_flight == 0;
	b->refusals = 0;
	b->trial = false;
	b->sent = in_flight == 0 ? 0 : b->sent;
	count_smooth(b);
	/* the server counts from when it saw the request: somewhere between then and now */
	if (b->tokens < 1 && in_flight == 0 && now_ms > b->last_ms)
		b->last_ms += now_ms - b->last_ms < TRIP_MAX_MS ? now_ms - b->last_ms : TRIP_MAX_MS;
	if (b->unlimited)
		return;
	if (notice->limit > 0 && notice->limit < LIMIT_MAX) {
		set_rate(b, (double)notice->limit, WINDOW_MS);
		expect_more(b, now_ms);
	}
	if (notice->remaining < 0)
		return;
	/* answers overtake one another: only one that was alone can know of more than we do */
	double left = (double)(notice->remaining > in_flight ? notice->remaining - in_flight : 0);
	if (!lone && left >= now_tokens(b, now_ms))
		return;
	b->tokens = left < b->burst ? left : b->burst;
	b->last_ms = now_ms;
}

/* What a refusal says about the limit. True: it is less than was used here. */
static bool learn(struct budget *b, int64_t now_ms, double limit, double window_ms)
{
	double burst = b->burst, interval_ms = b->interval_ms;
	if (b->raised && b->patience_ms < PATIENCE_MAX_MS)
		b->patience_ms *= 2;
	b->patience_ms = b->patience_ms > PATIENCE_MAX_MS ? PATIENCE_MAX_MS : b->patience_ms;
	b->raised = false;
	set_rate(b, limit, window_ms);
	expect_more(b, now_ms);
	return b->burst < burst || b->interval_ms > interval_ms;
}

/* The first refusal of those that were on the wire together. */
static void note_refusal(struct budget *b, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms)
{
	bool explained = false, paced = b->tokens < 1;
	if (b->refusals < 16)
		b->refusals++;
	if (b->unlimited)
		return;
	if (limit > 0 && window_ms > 0 && limit < LIMIT_MAX && window_ms < WINDOW_MAX_MS)
		explained = learn(b, now_ms, (double)limit, (double)window_ms);
	else if (notice->limit > 0 && notice->limit < LIMIT_MAX)
		explained = learn(b, now_ms, (double)notice->limit, WINDOW_MS);
	if (!explained && paced)
		widen(b);
}

void budget_refused(struct budget *b, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms)
{
	if (now_ms >= b->blocked_until_ms)
		note_refusal(b, now_ms, notice, limit, window_ms);
	b->trial = true;
	b->tokens = 0;
	b->last_ms = now_ms;
	int64_t wait = b->unlimited ? UNKNOWN_WAIT_MS : (int64_t)b->interval_ms + 1 + b->slack_ms;
	int64_t most = wait > BUDGET_WAIT_MAX_MS ? wait : BUDGET_WAIT_MAX_MS;
	for (int i = 1; i < b->refusals && wait < most; i++)
		wait *= 2;
	if (notice->retry_after_ms > wait)
		wait = notice->retry_after_ms;
	else if (notice->retry_after_ms < 0 && b->refusals > 1 && notice->reset_in_ms > wait)
		wait = notice->reset_in_ms; /* a window that ends at once, no bucket */
	int64_t until = now_ms + (wait > most ? most : wait);
	if (until > b->blocked_until_ms)
		b->blocked_until_ms = until;
}

double budget_tokens(const struct budget *b, int64_t now_ms)
{
	if (b->unlimited)
		return -1;
	return now_ms < b->blocked_until_ms ? 0 : now_tokens(b, now_ms);
}

double budget_rate(const struct budget *b)
{
	return b->unlimited ? -1 : WINDOW_MS / b->interval_ms;
}
