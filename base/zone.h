/* SPDX-License-Identifier: MIT */
/* Days and their beginnings in the time zones of the world, by ICU's copy of the IANA database. */
#ifndef MOONHOOK_BASE_ZONE_H
#define MOONHOOK_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define ZONE_DAY_N 11 /* "2026-11-24" and its NUL */

struct zone;

enum zone_unit {
	ZONE_HOUR,
	ZONE_DAY,
	ZONE_WEEK, /* begins on Monday */
	ZONE_MONTH,
	ZONE_QUARTER,
	ZONE_YEAR,
	ZONE_UNIT_N,
};

/* Loads what every zone needs, so that later no file is read. RC_INVALID: ICU is broken. */
enum rc zone_warm(struct err *err) must_check;
/* id: "UTC", "Europe/Paris". GIVES (zone_free). RC_INVALID: there is no such zone, with what was
 * probably meant; RC_NOMEM. Not shared between threads. */
enum rc zone_open(const char *id, struct zone **ret_zone, struct err *err) must_check;
void zone_free(struct zone *zone);
const char *zone_id(const struct zone *zone);
/* The word of a unit, "month"; NULL behind the last. STATIC. */
extern const char *const zone_units[ZONE_UNIT_N + 1];

/* The date at this time. False outside the years 1000 to 9999. */
bool zone_day(struct zone *zone, int64_t ms, char ret_text[static ZONE_DAY_N]);
/*
 * The beginning of the hour, day .. that ms lies in. A day begins at the first moment that bears
 * its date, which is not midnight where clocks jump over that. An hour begins no earlier than the
 * last jump of the clock. False as zone_day.
 */
bool zone_start(struct zone *zone, enum zone_unit unit, int64_t ms, int64_t *ret_ms);
/* The first moment of the date; month and day from 1. False where it is no date. */
bool zone_date(struct zone *zone, int year, int month, int day, int64_t *ret_ms);

struct zone_wall {            /* what a clock on the wall shows */
	int year, month, day; /* month and day from 1 */
	int hour, minute;
	int weekday; /* 0 is Sunday; of zone_moment not read */
};
/* False as zone_day. */
bool zone_wall(struct zone *zone, int64_t ms, struct zone_wall *ret_wall);
/* The moment at which the clock shows this: the first where it does so twice, that of its jump
 * where it jumps over it. False outside the years 1000 to 9999. */
bool zone_moment(struct zone *zone, const struct zone_wall *wall, int64_t *ret_ms);

#endif
