/* SPDX-License-Identifier: MIT */
/*
 * The rules of the one budget.
 * From: ration.c, with what a client wants and has seen. To: the places that it gets. Believes no
 * time beyond what a wait can be: the clock of a store may be set back. A place whose client has
 * died counts as used: nobody knows.
 */
#include "client/purse.h"

#include <string.h>

#define AHEAD_MS 250  /* a place is given that long before its time, at most, */
#define AHEAD_SHARE 3 /* and for that part of an interval */
#define GRACE_MS 50   /* whoever comes that much too late is not waited for */
#define RANK_MS 15    /* those who wait for one place come one after the other */
#define FORGET_MS 10000
#define TRIAL_MS 10000 /* then its request is given up */
#define LOOK_MS 200    /* while a trial is on the wire */
#define LOOK_MAX_MS 5000
#define MARGIN_MS 50

/* --- the minute ------------------------------------------------------------------------------- */

static int64_t slot_of(int64_t ms)
{
	return ms / PURSE_SLOT_MS;
}

/* The first moment at which what is in the slot is of another minute. */
static int64_t slot_end_ms(int64_t slot)
{
	return (slot + 1) * PURSE_SLOT_MS + PURSE_MINUTE_MS;
}

static int64_t oldest_slot(const struct purse *p)
{
	int64_t oldest = p->slot - PURSE_SLOTS + 1;
	return oldest > 0 ? oldest : 0;
}

static void count(struct purse *p, int64_t at_ms, int64_t n)
{
	int64_t slot = slot_of(at_ms);
	if (slot - p->slot >= PURSE_SLOTS)
		memset(p->slots, 0, sizeof(p->slots));
	else
		for (int64_t i = p->slot + 1; i <= slot; i++)
			p->slots[i % PURSE_SLOTS] = 0;
	p->slot = slot > p->slot ? slot : p->slot;
	if (slot < oldest_slot(p))
		return;
	int64_t *place = &p->slots[slot % PURSE_SLOTS];
	*place = *place + n > 0 ? *place + n : 0;
}

/* A minute's worth by configuration. */
static int64_t minute_n(const struct purse *p)
{
	int64_t n = (int64_t)(60000 / p->budget.least_interval_ms + 1e-6);
	return n > 1 ? n : 1;
}

static int64_t counted(const struct purse *p, int64_t at_ms)
{
	int64_t n = 0;
	for (int64_t i = oldest_slot(p); i <= p->slot; i++)
		n += slot_end_ms(i) > at_ms ? p->slots[i % PURSE_SLOTS] : 0;
	return n;
}

/* How much of a minute's worth is left at that time. */
static int64_t left_at(const struct purse *p, int64_t at_ms)
{
	return minute_n(p) - counted(p, at_ms);
}

/* What is left may go at this distance without ever running out, until what went is of another
 * minute. */
static double pace_ms(const struct purse *p, int64_t at_ms, int64_t left)
{
	double pace = 0;
	for (int64_t i = oldest_slot(p); i <= p->slot; i++) {
		int64_t n = p->slots[i % PURSE_SLOTS];
		if (n == 0 || slot_end_ms(i) <= at_ms)
			continue;
		double even = (double)(slot_end_ms(i) - at_ms) / (double)left;
		pace = even > pace ? even : pace;
		left += n;
	}
	return pace;
}

/* The first time from at_ms on at which the minute has room, and the calls of the rest of it, too.
 */
static int64_t within_minute(const struct purse *p, int64_t at_ms)
{
	int64_t left = left_at(p, at_ms);
	for (int64_t i = oldest_slot(p); i <= p->slot && left < 1; i++) {
		if (p->slots[i % PURSE_SLOTS] == 0 || slot_end_ms(i) <= at_ms)
			continue;
		at_ms = slot_end_ms(i);
		left = left_at(p, at_ms);
	}
	if (2 * left > minute_n(p))
		return at_ms;
	int64_t paced = p->place_ms + (int64_t)pace_ms(p, at_ms, left);
	return paced > at_ms ? paced : at_ms;
}

/* --- the bucket ------------------------------------------------------------------------------- */

static int64_t trial_n(const struct purse *p, int64_t now_ms)
{
	return p->trial_ms != 0 && now_ms < p->trial_ms + TRIAL_MS ? 1 : 0;
}

int64_t purse_next_ms(const struct purse *p, int64_t now_ms)
{
	int64_t in_flight = trial_n(p, now_ms), at_ms = now_ms;
	for (int i = 0; i < 3; i++) { /* what a refusal blocks, then the interval */
		int64_t wait = budget_wait_ms(&p->budget, at_ms, in_flight);
		at_ms += wait;
		if (wait == 0)
			break;
	}
	return within_minute(p, at_ms);
}

int64_t purse_pace_ms(const struct purse *p, int64_t now_ms)
{
	int64_t least = (int64_t)p->budget.interval_ms + 1 + p->budget.slack_ms;
	int64_t left = left_at(p, now_ms);
	if (2 * left > minute_n(p))
		return least;
	double pace = pace_ms(p, now_ms, left > 1 ? left : 1);
	return pace > (double)least ? (int64_t)pace : least;
}

/* The server may see it that much later than it was sent; as budget.c does with a request that is
 * alone on the wire. */
static int64_t trip_of(const struct purse *p, int64_t trip_ms)
{
	int64_t most = (int64_t)(p->budget.interval_ms / 2);
	return trip_ms < most ? trip_ms : most;
}

static int64_t step_ms(const struct purse *p)
{
	return (int64_t)p->budget.interval_ms + 1 + p->budget.slack_ms;
}

static struct purse_place take(struct purse *p, int64_t at_ms, int64_t trip_ms)
{
	struct budget *b = &p->budget;
	struct purse_place place = {.at_ms = at_ms};
	int64_t last_ms = b->last_ms;
	double tokens = b->tokens;
	budget_take(b, at_ms);
	place.saved = tokens >= 1 || b->tokens >= 1;
	at_ms += trip_of(p, trip_ms);
	b->last_ms = at_ms > last_ms ? at_ms : last_ms;
	place.last_ms = b->last_ms;
	count(p, place.at_ms, 1);
	p->place_ms = place.at_ms > p->place_ms ? place.at_ms : p->place_ms;
	p->trial_ms = b->trial ? place.at_ms : 0;
	return place;
}

static void give_back(struct purse *p, const struct purse_place *place)
{
	struct budget *b = &p->budget;
	count(p, place->at_ms, -1);
	if (place->at_ms <= p->refused_ms) /* since then nothing is left that it was part of */
		return;
	if (place->saved)
		b->tokens = b->tokens + 1 < b->burst ? b->tokens + 1 : b->burst;
	else if (b->last_ms == place->last_ms) /* the newest: the one before it is the last again */
		b->last_ms -= step_ms(p) + (place->last_ms - place->at_ms);
	if (p->place_ms == place->at_ms)
		p->place_ms -= (int64_t)b->interval_ms;
	if (p->trial_ms == place->at_ms)
		p->trial_ms = 0;
}

static void take_accepted(struct purse *p, const struct purse_news *news, int64_t now_ms)
{
	static const struct budget_notice silent = {-1, -1, -1, -1};
	struct budget *b = &p->budget;
	int64_t last_ms = b->last_ms;
	if (news->accepted_ms <= p->refused_ms) /* says nothing about the time since */
		return;
	/* 1: others are on the wire as well, perhaps */
	for (int64_t i = 0; i < news->accepted && i < 64; i++)
		budget_accepted(b, now_ms, 1, i == 0 ? &news->notice : &silent);
	b->last_ms = b->last_ms > last_ms ? b->last_ms : last_ms;
}

static void take_news(struct purse *p, const struct purse_wish *wish)
{
	const struct purse_news *news = wish->news;
	struct budget *b = &p->budget;
	int64_t last_ms = b->last_ms;
	for (size_t i = news->spare_n; i > 0; i--)
		give_back(p, &news->spare[i - 1]);
	int64_t used_ms = news->used_ms + trip_of(p, wish->trip_ms);
	if (news->used_ms != 0 && used_ms > b->last_ms && news->used_ms <= wish->now_ms)
		b->last_ms = used_ms;
	if (news->ended > 0)
		p->trial_ms = 0;
	take_accepted(p, news, wish->now_ms);
	if (!news->refused)
		return;
	const struct purse_refusal *r = &news->refusal;
	budget_refused(b, r->at_ms, &r->notice, r->limit, r->window_ms);
	b->last_ms = b->last_ms > last_ms ? b->last_ms : last_ms;
	p->refused_ms = r->at_ms;
	p->trial_ms = 0;
}

/* A clock that was set back, or bytes that lie. */
static void believe(struct purse *p, int64_t now_ms)
{
	struct budget *b = &p->budget;
	double longest_ms =
		b->interval_ms > BUDGET_WAIT_MAX_MS ? b->interval_ms : BUDGET_WAIT_MAX_MS;
	int64_t latest_ms = now_ms + (int64_t)longest_ms + PURSE_MINUTE_MS;
	if (b->last_ms > latest_ms || p->slot > slot_of(latest_ms)) {
		memset(p->slots, 0, sizeof(p->slots));
		p->slot = slot_of(now_ms);
		p->place_ms = b->last_ms = now_ms;
		b->tokens = 0;
	}
	if (p->refused_ms > now_ms)
		p->refused_ms = now_ms;
	if (p->place_ms > latest_ms)
		p->place_ms = now_ms;
	if (p->trial_ms > latest_ms)
		p->trial_ms = 0;
	if (b->blocked_until_ms > latest_ms)
		b->blocked_until_ms = now_ms;
}

/* --- the sharers ------------------------------------------------------------------------------ */

static bool is_waiting(const struct purse_sharer *s, int64_t now_ms)
{
	int64_t early_ms = s->due_ms - now_ms;
	return s->n > 0 && early_ms >= -GRACE_MS && early_ms <= LOOK_MAX_MS + GRACE_MS;
}

static void drop_sharer(struct purse *p, size_t i)
{
	p->sharers[i] = p->sharers[--p->sharers_n];
}

/* Makes room: those that have been away for long, or who was told to come first. */
static void forget(struct purse *p, int64_t now_ms)
{
	size_t first = 0;
	for (size_t i = p->sharers_n; i > 0; i--)
		if (p->sharers[i - 1].due_ms + FORGET_MS < now_ms)
			drop_sharer(p, i - 1);
	for (size_t i = 1; i < p->sharers_n; i++)
		if (p->sharers[i].due_ms < p->sharers[first].due_ms)
			first = i;
	if (p->sharers_n == PURSE_SHARERS)
		drop_sharer(p, first);
}

/* The fewest places that any of those has had which go before a call of that lane, or with it. */
static int64_t least_turn(const struct purse *p, const struct purse_sharer *me, int64_t now_ms)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < p->sharers_n; i++) {
		const struct purse_sharer *s = &p->sharers[i];
		if (s != me && is_waiting(s, now_ms) && s->lane == me->lane && s->turn < least)
			least = s->turn;
	}
	return least;
}

static struct purse_sharer *sharer_of(struct purse *p, const struct purse_wish *wish)
{
	struct purse_sharer *me = NULL;
	for (size_t i = 0; i < p->sharers_n; i++)
		if (p->sharers[i].id == wish->id)
			me = &p->sharers[i];
	if (me == NULL) {
		forget(p, wish->now_ms);
		me = &p->sharers[p->sharers_n++];
		*me = (struct purse_sharer){.id = wish->id};
	}
	bool back = !is_waiting(me, wish->now_ms) || me->lane != wish->lane;
	me->n = wish->n;
	me->lane = wish->lane;
	int64_t least = least_turn(p, me, wish->now_ms);
	if (back && least != INT64_MAX && me->turn < least)
		me->turn = least; /* who was away has saved nothing */
	return me;
}

struct purse_before {     /* who else waits */
	int64_t better_n; /* calls in better lanes */
	int64_t equals;   /* clients with calls in this lane, this one included */
	int64_t before;   /* clients whose turn comes before */
	int64_t rank;     /* the same, and some order of those whose turn is the same */
	int64_t due_ms;   /* the last of those before was told to come then */
};

static struct purse_before look(
	const struct purse *p, const struct purse_sharer *me, int64_t now_ms)
{
	struct purse_before q = {.equals = 1, .due_ms = now_ms};
	for (size_t i = 0; i < p->sharers_n; i++) {
		const struct purse_sharer *s = &p->sharers[i];
		if (s == me || !is_waiting(s, now_ms) || s->lane > me->lane)
			continue;
		q.better_n += s->lane < me->lane ? s->n : 0;
		q.equals += s->lane == me->lane ? 1 : 0;
		bool same = s->lane == me->lane && s->turn >= me->turn;
		q.rank += !same || (s->turn == me->turn && s->id < me->id) ? 1 : 0;
		if (same)
			continue;
		q.before++;
		q.due_ms = s->due_ms > q.due_ms ? s->due_ms : q.due_ms;
	}
	return q;
}

int64_t purse_others(const struct purse *p, uint64_t id, int64_t now_ms, int64_t *ret_clients)
{
	int64_t n = 0;
	*ret_clients = 0;
	for (size_t i = 0; i < p->sharers_n; i++) {
		const struct purse_sharer *s = &p->sharers[i];
		bool counts = s->id != id && is_waiting(s, now_ms);
		n += counts ? s->n : 0;
		*ret_clients += counts ? 1 : 0;
	}
	return n;
}

/* --- serving ---------------------------------------------------------------------------------- */

double purse_tokens(const struct purse *p, int64_t now_ms)
{
	double tokens = budget_tokens(&p->budget, now_ms);
	double left = (double)left_at(p, now_ms) - (double)minute_n(p) / 2;
	tokens = tokens < left ? tokens : left;
	return tokens > 0 ? tokens : 0;
}

static int64_t ahead_ms(const struct purse *p, const struct purse_wish *wish)
{
	int64_t ahead = step_ms(p) / AHEAD_SHARE;
	ahead = ahead > AHEAD_MS ? AHEAD_MS : ahead;
	return ahead + wish->ahead_ms;
}

/* How many it may get of what can be given now, where others wait as well. */
static int64_t allowed(const struct purse *p, const struct purse_sharer *me,
	const struct purse_before *q, const struct purse_wish *wish)
{
	int64_t now = wish->now_ms, there = (int64_t)purse_tokens(p, now);
	if (there < 1)
		there = ahead_ms(p, wish) / step_ms(p) + 1;
	there -= q->better_n;
	if (there < 1)
		return 0;
	int64_t least = least_turn(p, me, now), part = there / q->equals;
	if (least == INT64_MAX)
		return there < wish->most ? there : wish->most;
	int64_t most = least + (part > 1 ? part : 1) - me->turn;
	return most < wish->most ? most : wish->most;
}

/* When to come again, with nothing in hand. */
static int64_t due_ms(
	const struct purse *p, const struct purse_sharer *me, const struct purse_wish *wish)
{
	int64_t now = wish->now_ms;
	struct purse_before q = look(p, me, now);
	int64_t at = purse_next_ms(p, now) - ahead_ms(p, wish) + 1;
	if (trial_n(p, now) > 0)
		return now + LOOK_MS;
	if (at <= now && q.before > 0) /* it is another's */
		at = q.due_ms + GRACE_MS;
	at = (at > now ? at : now) + q.rank * RANK_MS + 1;
	return at < now + LOOK_MAX_MS ? at : now + LOOK_MAX_MS;
}

/* So late that the next place, which is given when it is near, can still be moved. */
static int64_t late_ms(const struct purse *p, const struct purse_wish *wish)
{
	int64_t late = step_ms(p) - ahead_ms(p, wish) - MARGIN_MS;
	int64_t least = 10 + p->budget.slack_ms;
	late = late > PURSE_LATE_MS ? PURSE_LATE_MS : late;
	return late > least ? late : least;
}

void purse_serve(struct purse *p, const struct purse_wish *wish, struct purse_slice *ret_slice)
{
	int64_t now = wish->now_ms;
	*ret_slice = (struct purse_slice){.late_ms = late_ms(p, wish)};
	believe(p, now);
	take_news(p, wish);
	struct purse_sharer *me = sharer_of(p, wish);
	struct purse_before q = look(p, me, now);
	int64_t most = wish->n > 0 ? allowed(p, me, &q, wish) : 0;
	while (ret_slice->n < PURSE_PLACES && (int64_t)ret_slice->n < most) {
		int64_t at = purse_next_ms(p, now);
		if (at > now + ahead_ms(p, wish))
			break;
		ret_slice->places[ret_slice->n++] = take(p, at, wish->trip_ms);
	}
	me->turn += (int64_t)ret_slice->n;
	me->n -= (int64_t)ret_slice->n;
	size_t n = ret_slice->n;
	ret_slice->due_ms = n > 0 && me->n == 0 ? ret_slice->places[n - 1].at_ms
			    : me->n > 0         ? due_ms(p, me, wish)
						: now + LOOK_MAX_MS;
	me->due_ms = ret_slice->due_ms;
}

void purse_init(struct purse *p, int64_t per_hour, int64_t now_ms)
{
	*p = (struct purse){.per_hour = per_hour, .slot = slot_of(now_ms)};
	budget_init(&p->budget, per_hour, now_ms);
	p->place_ms = now_ms - (int64_t)p->budget.interval_ms;
}

void purse_init_unknown(struct purse *p, int64_t per_hour, int64_t now_ms)
{
	purse_init(p, per_hour, now_ms);
	p->budget.tokens = 0;
	count(p, now_ms, minute_n(p) / 2);
	p->place_ms = now_ms;
}
