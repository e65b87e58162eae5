/* SPDX-License-Identifier: MIT */
/*
 * The rules of the one budget, one wish after another on a clock of the test: who gets how many
 * places, when; what goes back; what bytes are believed.
 */
#include "client/purse.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOW INT64_C(1795424400000)
#define PER_HOUR 6000
#define INTERVAL 600

static const struct purse_news nothing = {.notice = {-1, -1, -1, -1}};

static struct purse_slice wish_with(struct purse *p, uint64_t id, int64_t now_ms, int64_t n,
	int64_t lane, const struct purse_news *news)
{
	struct purse_slice slice;
	struct purse_wish wish = {.id = id,
		.now_ms = now_ms,
		.n = n,
		.most = n < 8 ? n : 8,
		.lane = lane,
		.news = news};
	purse_serve(p, &wish, &slice);
	return slice;
}

static struct purse_slice wish(struct purse *p, uint64_t id, int64_t now_ms, int64_t n)
{
	return wish_with(p, id, now_ms, n, 0, &nothing);
}

/* Half of what a minute has may go at once: then one after the other. */
static void spend_the_rest(struct purse *p, uint64_t id, int64_t now_ms)
{
	for (int i = 0; i < 50; i += 8)
		(void)wish(p, id, now_ms, 50 - i < 8 ? 50 - i : 8);
	(void)wish(p, id, now_ms, 0);
}

/* Long after a burst, with an empty bucket: one place after each interval. */
static void paced(struct purse *p)
{
	purse_init(p, PER_HOUR, NOW - 120000);
	p->budget.tokens = 0;
	p->budget.last_ms = p->place_ms = NOW;
}

Test(client_purse, a_rest_gives_half_a_minutes_worth_at_once_and_then_one_after_the_other)
{
	struct purse p;
	purse_init(&p, PER_HOUR, NOW);
	int got = 0;
	for (int i = 0; i < 20; i++)
		got += (int)wish(&p, 1, NOW, 8).n;
	cr_assert(got == 50 || got == 51, "%d", got);
	cr_assert_gt(purse_next_ms(&p, NOW), NOW + INTERVAL);
	cr_assert_lt(purse_next_ms(&p, NOW), NOW + 3 * INTERVAL);
}

Test(client_purse, any_minute_has_a_minutes_worth_whatever_is_wished)
{
	struct purse p;
	static int64_t at[2000];
	size_t n = 0;
	uint64_t dice = 1;
	purse_init(&p, PER_HOUR, NOW);
	for (int64_t now = NOW; now < NOW + 600000; now += 20) {
		dice = dice * 6364136223846793005u + 1442695040888963407u;
		bool rests = (now / 45000) % 2 == 1;
		struct purse_slice s =
			wish(&p, 1 + (dice >> 40) % 5, now, rests ? 0 : (int64_t)(dice >> 60));
		for (size_t i = 0; i < s.n; i++)
			at[n++] = s.places[i].at_ms;
	}
	cr_assert_gt(n, 400);
	for (size_t i = 0, first = 0; i < n; i++) {
		while (at[first] <= at[i] - 60000)
			first++;
		cr_assert_leq(
			i + 1 - first, 100, "in the minute before %lld", (long long)(at[i] - NOW));
	}
}

Test(client_purse, places_of_all_stand_on_one_grid)
{
	struct purse p;
	int64_t last = NOW;
	int turns[5] = {0};
	paced(&p);
	for (int64_t now = NOW; now < NOW + 60000; now += 5) {
		uint64_t id = 1 + (uint64_t)(now / 5) % 5;
		struct purse_slice s = wish(&p, id, now, 10);
		for (size_t i = 0; i < s.n; i++) {
			cr_assert_gt(s.places[i].at_ms - last, INTERVAL);
			last = s.places[i].at_ms;
			turns[id - 1]++;
		}
	}
	for (int i = 0; i < 5; i++)
		cr_assert(turns[i] >= 18 && turns[i] <= 21, "client %d: %d", i, turns[i]);
}

Test(client_purse, who_asks_more_often_gets_no_more)
{
	struct purse p;
	int turns[2] = {0};
	paced(&p);
	for (int64_t now = NOW; now < NOW + 60000; now += 1) {
		turns[0] += (int)wish(&p, 1, now, 1000).n;
		if (now % 40 == 0)
			turns[1] += (int)wish(&p, 2, now, 1).n;
	}
	cr_assert_leq(abs(turns[0] - turns[1]), 2, "%d and %d", turns[0], turns[1]);
	cr_assert_geq(turns[0] + turns[1], 95);
}

Test(client_purse, who_does_not_come_when_told_to_is_not_waited_for)
{
	struct purse p;
	paced(&p);
	(void)wish(&p, 1, NOW, 10); /* and is never seen again */
	struct purse_slice s = {.n = 0};
	int64_t now = NOW, begun = purse_next_ms(&p, NOW);
	for (; s.n == 0 && now < NOW + 5000; now = s.due_ms)
		s = wish(&p, 2, now, 10);
	cr_assert_eq(s.n, 1);
	cr_assert_leq(s.places[0].at_ms, begun + 100);
	int n = 1;
	for (now = s.due_ms; now<NOW + 60000; now = s.due_ms> now ? s.due_ms : now + 1) {
		s = wish(&p, 2, now, 10);
		n += (int)s.n;
	}
	cr_assert_geq(n, 95);
}

Test(client_purse, who_was_away_has_saved_no_turns)
{
	struct purse p;
	paced(&p);
	int64_t now = NOW;
	for (; now < NOW + 30000; now += 10)
		(void)wish(&p, 1, now, 10);
	int turns[2] = {0};
	for (; now < NOW + 60000; now += 10) {
		turns[0] += (int)wish(&p, 1, now, 10).n;
		turns[1] += (int)wish(&p, 2, now, 10).n;
	}
	cr_assert_leq(abs(turns[0] - turns[1]), 2, "%d and %d", turns[0], turns[1]);
}

Test(client_purse, a_better_lane_goes_first)
{
	struct purse p;
	int got = 0, live = 0;
	paced(&p);
	for (int64_t now = NOW; now < NOW + 10000; now += 10) {
		live += (int)wish_with(&p, 1, now, 10, 0, &nothing).n;
		got += (int)wish_with(&p, 2, now, 10, 3, &nothing).n;
	}
	cr_assert_eq(got, 0);
	cr_assert_geq(live, 15);
}

Test(client_purse, a_place_that_was_not_used_is_given_again)
{
	struct purse p;
	paced(&p);
	int64_t at = purse_next_ms(&p, NOW);
	struct purse_slice s = wish(&p, 1, at - 100, 1);
	cr_assert_eq(s.n, 1);
	cr_assert_gt(purse_next_ms(&p, at), at + INTERVAL);
	struct purse_news news = nothing;
	news.spare[news.spare_n++] = s.places[0];
	(void)wish_with(&p, 1, at, 0, 0, &news);
	cr_assert_leq(purse_next_ms(&p, at), at);
}

Test(client_purse, what_was_saved_and_not_used_is_saved_again)
{
	struct purse p;
	purse_init(&p, PER_HOUR, NOW);
	struct purse_slice s = wish(&p, 1, NOW, 8);
	double before = purse_tokens(&p, NOW);
	struct purse_news news = nothing;
	for (size_t i = 0; i < s.n; i++)
		news.spare[news.spare_n++] = s.places[i];
	(void)wish_with(&p, 1, NOW + 10, 0, 0, &news);
	cr_assert_eq(s.n, 8);
	cr_assert_float_eq(purse_tokens(&p, NOW + 10), before + 8, 0.01);
}

Test(client_purse, a_request_that_went_late_moves_the_next_place)
{
	struct purse p;
	paced(&p);
	int64_t at = purse_next_ms(&p, NOW);
	cr_assert_eq(wish(&p, 1, at - 100, 1).n, 1);
	struct purse_news news = nothing;
	news.used_ms = at + 120;
	(void)wish_with(&p, 1, at + 121, 0, 0, &news);
	cr_assert_gt(purse_next_ms(&p, at + 121), at + 120 + INTERVAL);
}

Test(client_purse, a_refusal_stops_all_and_lets_one_try_first)
{
	struct purse p;
	paced(&p);
	struct purse_news news = nothing;
	news.refused = true;
	news.refusal = (struct purse_refusal){NOW + 100, {5000, -1, -1, -1}, 50, 60000};
	(void)wish_with(&p, 1, NOW + 101, 3, 0, &news);
	cr_assert_eq(wish(&p, 2, NOW + 4000, 3).n, 0);
	int64_t at = purse_next_ms(&p, NOW + 5100);
	cr_assert_eq(wish(&p, 2, at, 3).n, 1);
	cr_assert_eq(wish(&p, 1, at + 2000, 3).n, 0, "another's trial is on its way");
	struct purse_news good = nothing;
	good.ended = good.accepted = 1;
	good.accepted_ms = at;
	(void)wish_with(&p, 2, at + 2100, 0, 0, &good);
	cr_assert_geq(wish(&p, 1, at + 2200, 3).n, 1);
	cr_assert_float_eq(budget_rate(&p.budget), 50, 0.1, "as the refusal said");
}

Test(client_purse, an_answer_from_before_a_refusal_does_not_end_the_trial)
{
	struct purse p;
	paced(&p);
	struct purse_news news = nothing, old = nothing;
	news.refused = true;
	news.refusal = (struct purse_refusal){NOW + 100, {-1, -1, -1, -1}, 0, 0};
	(void)wish_with(&p, 1, NOW + 101, 0, 0, &news);
	old.accepted = 1;
	old.accepted_ms = NOW + 50;
	(void)wish_with(&p, 2, NOW + 110, 0, 0, &old);
	cr_assert(p.budget.trial);
	old.accepted_ms = NOW + 1000;
	(void)wish_with(&p, 2, NOW + 1050, 0, 0, &old);
	cr_assert(!p.budget.trial);
}

Test(client_purse, more_clients_than_it_has_room_for_are_served_all_the_same)
{
	struct purse p;
	char bytes[PURSE_BYTES_MAX];
	int got = 0;
	paced(&p);
	for (int64_t i = 0; i < 20000; i++) {
		got += (int)wish(&p, 1 + (uint64_t)i % 200, NOW + i * 5, 10).n;
		cr_assert_leq(p.sharers_n, PURSE_SHARERS);
		cr_assert_gt(purse_write(&p, bytes), 0);
	}
	cr_assert_geq(got, 150);
}

Test(client_purse, a_clock_that_goes_back_is_followed)
{
	struct purse p;
	purse_init(&p, PER_HOUR, NOW);
	spend_the_rest(&p, 1, NOW);
	int64_t back = NOW - 86400000, got = 0;
	for (int64_t now = back; now < back + 60000; now += 10)
		got += (int64_t)wish(&p, 1, now, 10).n;
	cr_assert_geq(got, 90);
}

Test(client_purse, what_is_written_is_read_again)
{
	struct purse p, q;
	char bytes[PURSE_BYTES_MAX], again[PURSE_BYTES_MAX];
	purse_init(&p, PER_HOUR, NOW);
	spend_the_rest(&p, 0xFEDCBA9876543210u, NOW);
	(void)wish_with(&p, 7, NOW + 50, 1000000, 3, &nothing);
	size_t n = purse_write(&p, bytes);
	cr_assert_gt(n, 0);
	purse_read(&q, (struct slice){bytes, n}, PER_HOUR, NOW + 100);
	cr_assert_eq(purse_write(&q, again), n);
	cr_assert_eq(memcmp(bytes, again, n), 0);
	cr_assert_eq(purse_next_ms(&q, NOW + 100), purse_next_ms(&p, NOW + 100));
}

Test(client_purse, damaged_bytes_are_as_good_as_lost_and_harm_nobody)
{
	struct purse p, q;
	char bytes[PURSE_BYTES_MAX];
	uint64_t dice = 1;
	purse_init(&p, PER_HOUR, NOW);
	spend_the_rest(&p, 1, NOW);
	(void)wish(&p, 2, NOW + 50, 1000);
	size_t n = purse_write(&p, bytes);
	for (size_t cut = 1; cut < n; cut++) {
		purse_read(&q, (struct slice){bytes, cut}, PER_HOUR, NOW);
		cr_assert_lt(purse_tokens(&q, NOW), 1, "a half is no purse");
	}
	for (int i = 0; i < 20000; i++) {
		char bad[PURSE_BYTES_MAX];
		memcpy(bad, bytes, n);
		for (int flips = 0; flips < 1 + i % 4; flips++) {
			dice = dice * 6364136223846793005u + 1442695040888963407u;
			bad[(dice >> 33) % n] = (char)(dice >> 25);
		}
		purse_read(&q, (struct slice){bad, n}, PER_HOUR, NOW + 100);
		(void)wish(&q, 1, NOW + 100, 10);
		(void)wish(&q, 3, NOW + 200, 10);
		int64_t next = purse_next_ms(&q, NOW + 200);
		cr_assert(next >= NOW + 200 && next <= NOW + 200 + 5 * PURSE_MINUTE_MS);
		cr_assert_geq(budget_rate(&q.budget), 0.9);
		cr_assert_leq(budget_rate(&q.budget), 100.1);
	}
}

Test(client_purse, a_new_configuration_holds_for_what_was_there)
{
	struct purse p, q;
	char bytes[PURSE_BYTES_MAX];
	purse_init(&p, 3000, NOW);
	size_t n = purse_write(&p, bytes);
	purse_read(&q, (struct slice){bytes, n}, PER_HOUR, NOW);
	cr_assert_float_eq(budget_rate(&q.budget), 100, 0.1, "more is allowed");
	n = purse_write(&q, bytes);
	purse_read(&q, (struct slice){bytes, n}, 1200, NOW);
	cr_assert_float_eq(budget_rate(&q.budget), 20, 0.1, "less is allowed");
}
