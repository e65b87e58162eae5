/* SPDX-License-Identifier: MIT */
/* The ticks of cron lines in time zones: days, ends of months, clocks that are set. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "runner/cron_next.h"

static struct cron line_of(const char *text)
{
	struct cron cron;
	struct err err;
	cr_assert_eq(cron_parse(text, &cron, &err), RC_OK, "%s: %s", text, err.msg);
	return cron;
}

static struct zone *zone_of(const char *id)
{
	struct zone *zone = NULL;
	struct err err;
	cr_assert_eq(zone_open(id, &zone, &err), RC_OK, "%s", err.msg);
	return zone;
}

/* The times of the next n ticks, each behind the one before. */
static void ticks(const char *line, const char *id, const char *after, int n, char *ret_text)
{
	struct cron cron = line_of(line);
	struct zone *zone = zone_of(id);
	int64_t at = clock_parse(after);
	cr_assert_geq(at, 0, "%s", after);
	ret_text[0] = '\0';
	for (int i = 0; i < n; i++) {
		char text[CLOCK_TEXT_N];
		if (!cron_next(&cron, zone, at, &at))
			break;
		clock_format(at, text);
		text[16] = '\0';
		snprintf(ret_text + strlen(ret_text), 32, "%s%s", i > 0 ? " " : "", text);
	}
	zone_free(zone);
}

static const struct {
	const char *line, *zone, *after, *next;
} cases[] = {
	/* the same minute is not the next one */
	{"0 9 * * *", "UTC", "2026-11-24T09:00:00.000Z", "2026-11-25T09:00 2026-11-26T09:00"},
	{"0 9 * * *", "UTC", "2026-11-24T08:59:59.999Z", "2026-11-24T09:00 2026-11-25T09:00"},
	{"*/20 9,17 * * *", "UTC", "2026-11-24T09:30:00.000Z", "2026-11-24T09:40 2026-11-24T17:00"},
	{"* * * * *", "UTC", "2026-12-31T23:58:30.000Z", "2026-12-31T23:59 2027-01-01T00:00"},
	/* days of the week and of the month */
	{"0 9 * * 1-5", "UTC", "2026-11-27T09:00:00.000Z", "2026-11-30T09:00 2026-12-01T09:00"},
	{"0 0 31 * *", "UTC", "2026-03-31T00:00:00.000Z", "2026-05-31T00:00 2026-07-31T00:00"},
	{"0 0 29 2 *", "UTC", "2096-03-01T00:00:00.000Z", "2104-02-29T00:00 2108-02-29T00:00"},
	{"0 0 13 * 5", "UTC", "2026-11-06T00:00:00.000Z", "2026-11-13T00:00 2026-11-20T00:00"},
	/* a zone without summer time, half an hour off */
	{"0 9 * * *", "Asia/Kolkata", "2026-06-01T03:29:00.000Z",
		"2026-06-01T03:30 2026-06-02T03:30"},
	/* Paris: 29 March 2026 jumps from 2 to 3 (1:00Z), 25 October shows 2 to 3 twice */
	{"30 2 * * *", "Europe/Paris", "2026-03-28T00:00:00.000Z",
		"2026-03-28T01:30 2026-03-29T01:00 2026-03-30T00:30"},
	{"0 3 * * *", "Europe/Paris", "2026-03-28T12:00:00.000Z",
		"2026-03-29T01:00 2026-03-30T01:00"},
	{"*/30 * * * *", "Europe/Paris", "2026-03-29T00:15:00.000Z",
		"2026-03-29T00:30 2026-03-29T01:00 2026-03-29T01:30"},
	{"30 2 * * *", "Europe/Paris", "2026-10-24T01:00:00.000Z",
		"2026-10-25T00:30 2026-10-26T01:30"},
	{"*/30 * * * *", "Europe/Paris", "2026-10-24T23:45:00.000Z",
		"2026-10-25T00:00 2026-10-25T00:30 2026-10-25T02:00"},
	/* in the hour that comes again nothing fires once more */
	{"30 2 * * *", "Europe/Paris", "2026-10-25T01:10:00.000Z", "2026-10-26T01:30"},
	/* Sao Paulo: 4 November 2018 had no midnight, 17 February 2019 was 23 h to 24 h twice */
	{"0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00.000Z",
		"2018-11-04T03:00 2018-11-05T02:00"},
	{"30 23 * * *", "America/Sao_Paulo", "2019-02-16T12:00:00.000Z",
		"2019-02-17T01:30 2019-02-18T02:30"},
	{"0 9 * * *", "America/Sao_Paulo", "2026-01-10T00:00:00.000Z", "2026-01-10T12:00"},
	/* Lord Howe jumps half an hour, Samoa left out a whole day */
	{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00.000Z",
		"2026-10-03T15:30 2026-10-04T15:15"},
	{"0 12 * * *", "Pacific/Apia", "2011-12-28T23:00:00.000Z",
		"2011-12-29T22:00 2011-12-30T10:00 2011-12-30T22:00"},
};

Test(runner_cron_next, ticks_are_where_a_clock_on_the_wall_shows_them)
{
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char text[256];
		int n = 1;
		for (const char *p = cases[i].next; (p = strchr(p, ' ')) != NULL; p++)
			n++;
		ticks(cases[i].line, cases[i].zone, cases[i].after, n, text);
		cr_expect_str_eq(text, cases[i].next, "%s in %s after %s: %s, not %s",
			cases[i].line, cases[i].zone, cases[i].after, text, cases[i].next);
	}
}

/* Against the plainest way to find them: every minute of two years is asked what the wall shows. */
static void hold_against_every_minute(const char *line, const char *id)
{
	struct cron cron = line_of(line);
	struct zone *zone = zone_of(id);
	int64_t from = clock_parse("2025-12-31T22:00:00.000Z"), next = from;
	int64_t to = from + INT64_C(800) * 86400000;
	int last = -1, wrong = 0;
	struct zone_wall wall;
	cr_assert(cron_next(&cron, zone, from, &next));
	for (int64_t ms = from + 60000; ms < to; ms += 60000) {
		cr_assert(zone_wall(zone, ms, &wall));
		int day = (wall.month * 32 + wall.day) * 1440,
		    now = day + wall.hour * 60 + wall.minute;
		bool fits = cron_day(&cron, wall.month, wall.day, wall.weekday) &&
			    (cron.hours >> wall.hour & 1) != 0 &&
			    (cron.minutes >> wall.minute & 1) != 0;
		bool again = now / 1440 == last / 1440 && now <= last; /* it was shown before */
		bool is = ms == next;
		last = again ? last : now;
		/* Ticks that are jumped over are those of the table above. */
		wrong += (fits && !again) != is && !(is && !fits);
		if (is)
			cr_assert(cron_next(&cron, zone, ms, &next));
	}
	cr_expect_eq(wrong, 0, "%s in %s: %d", line, id, wrong);
	zone_free(zone);
}

Test(runner_cron_next, no_tick_is_missed_or_made_up_in_two_years)
{
	hold_against_every_minute("*/30 * * * *", "Europe/Paris");
	hold_against_every_minute("5 2,3 * * 0,6", "America/New_York");
	hold_against_every_minute("0 0 1,15 * *", "Asia/Kolkata");
}

static int64_t last_of(const char *line, const char *id, const char *after, const char *now)
{
	struct cron cron = line_of(line);
	struct zone *zone = zone_of(id);
	int64_t ms = -1;
	if (!cron_last(&cron, zone, clock_parse(after), clock_parse(now), &ms))
		ms = -1;
	zone_free(zone);
	return ms;
}

Test(runner_cron_next, of_many_missed_ticks_the_last_is_found)
{
	cr_expect_eq(
		last_of("* * * * *", "UTC", "2016-01-01T00:00:00.000Z", "2026-01-01T00:00:30.000Z"),
		clock_parse("2026-01-01T00:00:00.000Z"));
	cr_expect_eq(last_of("0 9 * * 1", "Europe/Paris", "2026-01-05T08:00:00.000Z",
			     "2026-01-20T00:00:00.000Z"),
		clock_parse("2026-01-19T08:00:00.000Z"));
	cr_expect_eq(last_of("0 0 29 2 *", "UTC", "2001-01-01T00:00:00.000Z",
			     "2026-01-20T00:00:00.000Z"),
		clock_parse("2024-02-29T00:00:00.000Z"));
	cr_expect_eq(
		last_of("0 9 * * *", "UTC", "2026-01-20T09:00:00.000Z", "2026-01-21T08:59:59.999Z"),
		-1, "none since");
	cr_expect_eq(
		last_of("0 9 * * *", "UTC", "2026-01-20T09:00:00.000Z", "2026-01-21T09:00:00.000Z"),
		clock_parse("2026-01-21T09:00:00.000Z"));
}

Test(runner_cron_next, a_line_that_never_fits_has_no_tick)
{
	struct cron cron = line_of("0 0 * * *");
	struct zone *zone = zone_of("UTC");
	int64_t ms;
	cron.months = 0;
	cr_expect(!cron_next(&cron, zone, clock_parse("2026-01-01T00:00:00.000Z"), &ms));
	zone_free(zone);
}
