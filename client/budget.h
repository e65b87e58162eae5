/* SPDX-License-Identifier: MIT */
/*
 * How many requests may go out now. A mirror of the server's own bucket, whose refill counts whole
 * requests since the last one it accepted: calls closer than one interval never refill it, one call
 * per interval runs for ever. Pure: time comes in, nothing is waited for here.
 *
 * The configuration is the most that is ever used. A server that allows less says so ("Limit
 * reached (50 tokens per 60000 ms)", X-RateLimit-Limit), and that is used until it says something
 * else; after an hour without a refusal a quarter more is tried, again and again until a refusal
 * takes it back. Each such refusal doubles the hour, up to a day. A refusal that explains nothing,
 * while requests go out one by one, makes the distance between them larger; hundreds of accepted
 * ones make it smaller again.
 */
#ifndef MOONHOOK_CLIENT_BUDGET_H
#define MOONHOOK_CLIENT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Whatever a server asks for, one request tries again after this. Nothing of Twenty's own takes
 * longer; a proxy that says an hour and means it gets one request a minute. */
#define BUDGET_WAIT_MAX_MS 60000

struct budget {
	bool unlimited;     /* by configuration: not paced, but refusals are obeyed */
	double burst;       /* requests that may go out at once after a rest */
	double interval_ms; /* one request per this many ms for ever */
	double most_burst, least_interval_ms; /* by configuration */
	double tokens;
	int64_t sent;             /* since nothing was on the wire */
	int64_t last_ms;          /* mono: when the last request went out */
	int64_t blocked_until_ms; /* mono: nothing goes before, after a refusal */
	int refusals;             /* in a row */
	bool trial;               /* refused lately: one request at a time until one is accepted */
	int64_t raise_at_ms;  /* mono: when more than was learned is tried; 0: nothing learned */
	int64_t patience_ms;  /* until then, after each refusal */
	bool raised;          /* more was tried since the last refusal */
	int64_t slack_ms;     /* added to the interval */
	int smooth, smooth_n; /* accepted since the slack changed; until it shrinks */
};

struct budget_notice { /* what an answer's header lines say; -1: nothing */
	int64_t retry_after_ms;
	int64_t limit, remaining; /* requests per window, left in it */
	int64_t reset_in_ms;      /* until the window ends */
};

/* per_hour 0: unlimited. */
void budget_init(struct budget *b, int64_t per_hour, int64_t now_ms);
/* Milliseconds until the next request may go; 0: now. in_flight: requests on the wire. */
int64_t budget_wait_ms(const struct budget *b, int64_t now_ms, int64_t in_flight);
void budget_take(struct budget *b, int64_t now_ms);
/* The server accepted a request; in_flight: those still on the wire. */
void budget_accepted(
	struct budget *b, int64_t now_ms, int64_t in_flight, const struct budget_notice *notice);
/* The server refused one with 429. limit and window_ms as its message says them, 0: it did not. */
void budget_refused(struct budget *b, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms);
/* -1: unlimited. */
double budget_tokens(const struct budget *b, int64_t now_ms);
/* Requests a minute at the pace in force; -1: unlimited. */
double budget_rate(const struct budget *b);

#endif
