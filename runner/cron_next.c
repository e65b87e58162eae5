/* SPDX-License-Identifier: MIT */
/*
 * Cron lines against the calendar.
 * From: clock.c. To: the moment of a tick. Days are reckoned here; only a time of a day that fits
 * is asked of the time zone. Pure. Fails by finding none.
 */
#include "runner/cron_next.h"

#include <stddef.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define DAYS_MAX (50 * 366)
/* No clock jumps further, so that what the wall showed longer ago is past. */
#define JUMP_MINUTES 180

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static void go_to_next_day(struct zone_wall *day)
{
	day->weekday = (day->weekday + 1) % 7;
	if (++day->day <= days_of(day->year, day->month))
		return;
	day->day = 1;
	if (++day->month <= 12)
		return;
	day->month = 1;
	day->year++;
}

/* The first tick of a day that is later than after_ms; from: minute of the day to begin at. */
static bool find_in_day(const struct cron *cron, struct zone *zone, const struct zone_wall *day,
	int from, int64_t after_ms, int64_t *ret_ms)
{
	for (int minute = from; minute < 24 * 60; minute++) {
		struct zone_wall wall = *day;
		wall.hour = minute / 60;
		wall.minute = minute % 60;
		if ((cron->hours >> wall.hour & 1) == 0) {
			minute += 59 - wall.minute;
			continue;
		}
		if ((cron->minutes >> wall.minute & 1) == 0)
			continue;
		int64_t ms;
		if (!zone_moment(zone, &wall, &ms))
			return false;
		if (ms <= after_ms)
			continue;
		*ret_ms = ms;
		return true;
	}
	return false;
}

bool cron_next(const struct cron *cron, struct zone *zone, int64_t after_ms, int64_t *ret_ms)
{
	struct zone_wall day;
	if (!zone_wall(zone, after_ms, &day))
		return false;
	int from = day.hour * 60 + day.minute - JUMP_MINUTES;
	from = from > 0 ? from : 0;
	for (int i = 0; i < DAYS_MAX; i++) {
		if (cron_day(cron, day.month, day.day, day.weekday) &&
			find_in_day(cron, zone, &day, from, after_ms, ret_ms))
			return true;
		from = 0;
		go_to_next_day(&day);
	}
	return false;
}

/* Few ticks lie in the shortest of these that has any. */
bool cron_last(const struct cron *cron, struct zone *zone, int64_t after_ms, int64_t now_ms,
	int64_t *ret_ms)
{
	static const int64_t spans[] = {HOUR_MS, DAY_MS, 31 * DAY_MS, 366 * DAY_MS, INT64_MAX};
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		bool whole = spans[i] >= now_ms - after_ms;
		int64_t at, from = whole ? after_ms : now_ms - spans[i];
		bool found = false;
		for (at = from; cron_next(cron, zone, at, &at) && at <= now_ms;) {
			*ret_ms = at;
			found = true;
		}
		if (found || whole)
			return found;
	}
	return false;
}
