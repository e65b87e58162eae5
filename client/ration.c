/* SPDX-License-Identifier: MIT */
/*
 * Places in hand, and asking for more.
 * From: engine.c, which tells who waits and takes what may go; answer.c, what came of it; the owner
 * of the client, the purse as it is. To: the purse, one question at a time: the next value in the
 * place of the one that is known. Another may have been faster: then the same again with what it
 * has left. Cannot fail; where no answer comes nothing goes.
 */
#include "client/ration.h"

#include <string.h>

#include "base/clock.h"

#define MOST 8           /* places asked for at once: alike calls go as one, and need fewer */
#define QUIET_MS 100     /* before others are told that nothing is wanted any more: more may come */
#define TOLD_LATER_MS 20 /* used that much too late: the next place may have to move */
#define SILENT_MS 1000   /* to look again while an answer is awaited */
#define TRIP_MAX_US 200000 /* longer ones are the server's thinking, not the way there */
#define TRIP_SHARE 8
#define DRIFT 2000 /* two clocks are apart by another millisecond after so many */

static const struct budget_notice silent = {-1, -1, -1, -1};

/* --- two clocks ------------------------------------------------------------------------------- */

static int64_t offset_ms(const struct ration *r)
{
	return (r->clock.least_ms + r->clock.most_ms) / 2;
}

static int64_t store_ms(const struct ration *r, int64_t mono_ms)
{
	return mono_ms + offset_ms(r);
}

static int64_t own_ms(const struct ration *r, int64_t at_ms)
{
	return at_ms - offset_ms(r);
}

/* The store read its clock between question and answer. */
static void compare_clocks(struct ration *r, int64_t store_now_ms, int64_t now_ms)
{
	struct ration_clock *c = &r->clock;
	int64_t least = store_now_ms - now_ms, most = store_now_ms - r->asked_ms + 1;
	int64_t drift = (now_ms - c->at_ms) / DRIFT;
	bool apart = least > c->most_ms + drift || most < c->least_ms - drift;
	if (c->at_ms == 0 || apart) { /* it was set */
		*c = (struct ration_clock){least, most, now_ms};
		return;
	}
	c->least_ms = least > c->least_ms - drift ? least : c->least_ms - drift;
	c->most_ms = most < c->most_ms + drift ? most : c->most_ms + drift;
	c->at_ms = now_ms - (now_ms - c->at_ms) % DRIFT;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void clear_news(struct purse_news *news)
{
	*news = (struct purse_news){.notice = silent};
}

static bool has_news(const struct purse_news *n)
{
	return n->used_ms != 0 || n->spare_n > 0 || n->accepted > 0 || n->refused;
}

/* What this client wants and has seen, on top of what the purse says. */
static void propose(struct ration *r, int64_t now_ms)
{
	char bytes[PURSE_BYTES_MAX];
	int64_t way_ms = now_ms - r->asked_ms;
	struct purse_wish wish = {.id = r->id,
		.now_ms = store_ms(r, now_ms),
		.n = r->wants,
		.most = r->wants < MOST ? r->wants : MOST,
		.lane = r->lane,
		.trip_ms = r->trip_us / 1000,
		.ahead_ms = 2 * (r->clock.most_ms - r->clock.least_ms + way_ms),
		.news = &r->telling};
	wish.ahead_ms = wish.ahead_ms < BUDGET_WAIT_MAX_MS ? wish.ahead_ms : BUDGET_WAIT_MAX_MS;
	r->next = r->purse;
	purse_serve(&r->next, &wish, &r->slice);
	r->said_n = r->wants;
	r->said_lane = r->lane;
	r->sated = (int64_t)r->slice.n >= wish.most;
	r->asking = r->proposed = true;
	r->asked_ms = now_ms;
	size_t n = purse_write(&r->next, bytes);
	r->door.swap(r->door.ctx, r->version, (struct slice){bytes, n});
}

static void ask(struct ration *r, int64_t now_ms)
{
	r->asking = true;
	r->urgent = false;
	r->asked_ms = now_ms;
	if (!r->known) {
		r->proposed = false;
		r->door.swap(r->door.ctx, CLIENT_PURSE_LOOK, (struct slice){"", 0});
		return;
	}
	r->telling = r->news;
	clear_news(&r->news);
	propose(r, now_ms);
}

static void take_slice(struct ration *r)
{
	for (size_t i = 0; i < r->slice.n && r->places_n < ARRAY_N(r->places); i++) {
		size_t at = r->places_n++;
		for (; at > 0 && r->places[at - 1].at_ms > r->slice.places[i].at_ms; at--)
			r->places[at] = r->places[at - 1];
		r->places[at] = r->slice.places[i];
	}
	r->late_ms = r->slice.late_ms;
	r->due_ms = own_ms(r, r->slice.due_ms) + 1;
}

void ration_came(struct ration *r, const struct client_purse_answer *a, int64_t now_ms)
{
	if (!r->shared || !r->asking)
		return;
	bool first = !r->known;
	compare_clocks(r, a->now_ms, now_ms);
	r->asking = false;
	if (r->proposed && a->swapped) {
		r->version++;
		r->purse = r->next;
		r->seen_ms = store_ms(r, r->asked_ms);
		clear_news(&r->telling);
		take_slice(r);
		return;
	}
	int64_t store_now_ms = r->seen_ms = store_ms(r, now_ms);
	if (a->version == 0)
		purse_init_unknown(&r->purse, r->per_hour, store_now_ms);
	else
		purse_read(&r->purse, a->state, r->per_hour, store_now_ms);
	r->version = a->version;
	r->known = true;
	if (first && r->wants == 0)
		return;
	propose(r, now_ms);
}

/* Places whose time is over go back. */
static void drop_late(struct ration *r, int64_t now_ms)
{
	int64_t at_ms = store_ms(r, now_ms);
	size_t late = 0;
	while (late < r->places_n && r->places[late].at_ms + r->late_ms < at_ms)
		late++;
	for (size_t i = 0; i < late && r->news.spare_n < PURSE_PLACES; i++)
		r->news.spare[r->news.spare_n++] = r->places[i];
	r->places_n -= late;
	memmove(r->places, r->places + late, r->places_n * sizeof(r->places[0]));
}

static void drop_all(struct ration *r)
{
	for (size_t i = 0; i < r->places_n && r->news.spare_n < PURSE_PLACES; i++)
		r->news.spare[r->news.spare_n++] = r->places[i];
	r->places_n = 0;
}

/* When it is time to ask. */
static int64_t ask_at(struct ration *r, int64_t now_ms)
{
	bool trial = r->news.ended > 0 && r->purse.budget.trial;
	if (!r->known || r->news.refused || trial || r->urgent)
		return now_ms;
	if (r->places_n > 0 && r->wants == 0 && r->quiet_ms == 0) /* all have one */
		return own_ms(r, r->places[0].at_ms + r->late_ms) + 1;
	if (r->wants > 0) {
		bool at_once = r->said_n == 0 || r->sated || r->lane < r->said_lane;
		return at_once || r->due_ms < now_ms ? now_ms : r->due_ms;
	}
	if (r->said_n == 0 && r->places_n == 0 && !has_news(&r->news))
		return INT64_MAX;
	return r->quiet_ms + QUIET_MS;
}

int64_t ration_tend(struct ration *r, int64_t now_ms, int64_t n, int64_t lane)
{
	if (!r->shared)
		return INT64_MAX;
	drop_late(r, now_ms);
	if (n > 0)
		r->quiet_ms = 0;
	else if (r->quiet_ms == 0)
		r->quiet_ms = now_ms;
	int64_t in_hand = (int64_t)r->places_n;
	r->wants = n > in_hand ? n - in_hand : 0;
	r->lane = lane;
	if (r->asking)
		return INT64_MAX;
	int64_t at_ms = ask_at(r, now_ms);
	if (at_ms > now_ms)
		return at_ms;
	if (n == 0)
		drop_all(r);
	ask(r, now_ms);
	return INT64_MAX;
}

/* --- the door --------------------------------------------------------------------------------- */

void ration_init(struct ration *r, int64_t per_hour, int64_t now_ms)
{
	*r = (struct ration){.per_hour = per_hour, .late_ms = PURSE_LATE_MS};
	budget_init(&r->own, per_hour, now_ms);
	clear_news(&r->news);
	clear_news(&r->telling);
}

void ration_share(struct ration *r, const struct client_purse *door, uint64_t id)
{
	r->shared = !r->own.unlimited;
	r->door = *door;
	r->id = id;
}

int64_t ration_wait_ms(const struct ration *r, int64_t now_ms, int64_t in_flight)
{
	if (!r->shared)
		return budget_wait_ms(&r->own, now_ms, in_flight);
	int64_t at_ms = store_ms(r, now_ms);
	for (size_t i = 0; i < r->places_n; i++) {
		if (r->places[i].at_ms + r->late_ms < at_ms)
			continue;
		return r->places[i].at_ms > at_ms ? r->places[i].at_ms - at_ms : 0;
	}
	if (r->asking || r->due_ms <= now_ms)
		return SILENT_MS;
	return r->due_ms - now_ms;
}

void ration_take(struct ration *r, int64_t now_ms)
{
	if (!r->shared) {
		budget_take(&r->own, now_ms);
		return;
	}
	drop_late(r, now_ms);
	if (r->places_n == 0)
		return;
	r->news.used_ms = store_ms(r, now_ms);
	r->urgent = r->urgent || r->news.used_ms > r->places[0].at_ms + TOLD_LATER_MS;
	r->places_n--;
	memmove(r->places, r->places + 1, r->places_n * sizeof(r->places[0]));
}

void ration_ended(struct ration *r, int64_t now_ms, int64_t wire_us)
{
	if (!r->shared)
		return;
	int64_t trip_us = wire_us < TRIP_MAX_US ? wire_us : TRIP_MAX_US;
	r->trip_us = r->trip_us == 0 ? trip_us : r->trip_us + (trip_us - r->trip_us) / TRIP_SHARE;
	r->sent_ms = store_ms(r, now_ms - wire_us / 1000);
	r->news.ended++;
}

void ration_accepted(
	struct ration *r, int64_t now_ms, int64_t in_flight, const struct budget_notice *notice)
{
	if (!r->shared) {
		budget_accepted(&r->own, now_ms, in_flight, notice);
		return;
	}
	r->news.accepted++;
	r->news.accepted_ms = r->sent_ms;
	if (notice->limit > 0 || notice->remaining >= 0)
		r->news.notice = *notice;
}

void ration_refused(struct ration *r, int64_t now_ms, const struct budget_notice *notice,
	int64_t limit, int64_t window_ms)
{
	if (!r->shared) {
		budget_refused(&r->own, now_ms, notice, limit, window_ms);
		return;
	}
	drop_all(r); /* they would be refused as well */
	if (r->news.refused)
		return;
	r->news.refused = true;
	r->news.refusal = (struct purse_refusal){store_ms(r, now_ms), *notice, limit, window_ms};
}

double ration_tokens(const struct ration *r, int64_t now_ms)
{
	if (!r->shared)
		return budget_tokens(&r->own, now_ms);
	return r->known ? purse_tokens(&r->purse, store_ms(r, now_ms)) : 0;
}

bool ration_short(const struct ration *r, int64_t now_ms, int64_t ready_n)
{
	double tokens = ration_tokens(r, now_ms);
	int64_t clients = 0;
	if (r->shared && r->known) {
		tokens += (double)r->places_n;
		ready_n += purse_others(&r->purse, r->id, r->seen_ms, &clients);
	}
	return tokens >= 0 && tokens < (double)ready_n;
}

double ration_rate(const struct ration *r)
{
	return budget_rate(r->shared && r->known ? &r->purse.budget : &r->own);
}

int64_t ration_turn_ms(const struct ration *r, int64_t now_ms)
{
	int64_t clients = 0;
	if (!r->shared || !r->known)
		return (int64_t)r->own.interval_ms + r->own.slack_ms;
	(void)purse_others(&r->purse, r->id, r->seen_ms, &clients);
	int64_t pace_ms = purse_pace_ms(&r->purse, store_ms(r, now_ms));
	return (pace_ms + r->trip_us / 1000) * (clients + 1);
}
