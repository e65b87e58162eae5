/* SPDX-License-Identifier: MIT */
/*
 * Civil time by ICU.
 * From: whoever has a time and the name of a zone. Fails by saying that a name or time is none. The
 * calendar is Gregorian at all times; the machine's own zone and language count for nothing.
 */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicode/ucal.h>
#include <unicode/uenum.h>
#include <unicode/ustring.h>

#include "base/attr.h"
#include "base/conf.h"

#define ID_N 64
#define ZONES_MAX 1200
#define HOUR_MS 3600000
#define FIRST_MS INT64_C(-30610224000000) /* the year 1000 */
#define LAST_MS INT64_C(253402300799999)  /* the end of 9999 */

struct zone {
	UCalendar *calendar;
	char id[ID_N];
};

const char *const zone_units[ZONE_UNIT_N + 1] = {
	"hour", "day", "week", "month", "quarter", "year", NULL};

static UCalendar *open_calendar(const UChar *id)
{
	UErrorCode status = U_ZERO_ERROR;
	UCalendar *c = ucal_open(id, -1, "en_US", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status))
		return NULL;
	ucal_setGregorianChange(c, -8.64e15, &status);
	ucal_setAttribute(c, UCAL_FIRST_DAY_OF_WEEK, UCAL_MONDAY);
	ucal_setAttribute(c, UCAL_MINIMAL_DAYS_IN_FIRST_WEEK, 4);
	ucal_setAttribute(c, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
	ucal_setAttribute(c, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
	return c;
}

enum rc zone_warm(struct err *err)
{
	struct zone *zone = NULL;
	int64_t ms;
	enum rc rc = zone_open("Europe/Paris", &zone, err);
	if (rc == RC_OK && !zone_start(zone, ZONE_WEEK, 0, &ms))
		rc = err_set(err, RC_INVALID, "the library of time zones does not work");
	zone_free(zone);
	return rc;
}

/* --- names ----------------------------------------------------------------------------------- */

static void free_names(char **names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

/* Copies of all names, NULL behind them; NULL where there is no memory. */
static char **list_names(void)
{
	UErrorCode status = U_ZERO_ERROR;
	UEnumeration *all = ucal_openTimeZones(&status);
	char **names = calloc(ZONES_MAX + 1, sizeof(*names));
	const char *name = "";
	for (size_t n = 0; names != NULL && name != NULL && n < ZONES_MAX && U_SUCCESS(status);) {
		name = uenum_next(all, NULL, &status);
		if (name != NULL && (names[n++] = strdup(name)) == NULL)
			break;
	}
	uenum_close(all);
	return names;
}

/* "new york" is the end of America/New_York. */
static bool is_end(const char *name, const char *word)
{
	size_t n = strlen(name), m = strlen(word);
	if (m == 0 || n <= m || name[n - m - 1] != '/')
		return false;
	for (size_t i = 0; i < m; i++) {
		char c = word[i] == ' ' ? '_' : word[i];
		if (strncasecmp(&name[n - m + i], &c, 1) != 0)
			return false;
	}
	return true;
}

static enum rc unknown(const char *id, struct err *err)
{
	char **names = list_names();
	const char *near = NULL;
	for (size_t i = 0; names != NULL && names[i] != NULL && near == NULL; i++)
		if (is_end(names[i], id) || strcasecmp(names[i], id) == 0)
			near = names[i];
	if (near == NULL && names != NULL)
		near = conf_nearest(id, (const char *const *)names);
	if (near != NULL)
		err_set(err, RC_INVALID, "there is no time zone \"%.40s\", did you mean \"%s\"?",
			id, near);
	else
		err_set(err, RC_INVALID,
			"there is no time zone \"%.40s\", they are like \"Europe/Paris\" and "
			"\"UTC\"",
			id);
	free_names(names);
	return RC_INVALID;
}

static bool is_known(const char *id, UChar wide[static ID_N])
{
	UChar canonical[ID_N];
	UErrorCode status = U_ZERO_ERROR;
	UBool system = false;
	size_t n = strlen(id);
	if (n == 0 || n >= ID_N)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if ((unsigned char)id[i] >= 0x80)
			return false;
		wide[i] = (UChar)id[i];
	}
	ucal_getCanonicalTimeZoneID(wide, -1, canonical, ID_N, &system, &status);
	return U_SUCCESS(status) && system && strcmp(id, UCAL_UNKNOWN_ZONE_ID) != 0;
}

enum rc zone_open(const char *id, struct zone **ret_zone, struct err *err)
{
	UChar wide[ID_N];
	if (!is_known(id, wide))
		return unknown(id, err);
	struct zone *zone = calloc(1, sizeof(*zone));
	if (zone != NULL)
		zone->calendar = open_calendar(wide);
	if (zone == NULL || zone->calendar == NULL) {
		free(zone);
		return err_set(err, RC_NOMEM, "no memory for a time zone");
	}
	snprintf(zone->id, sizeof(zone->id), "%s", id);
	*ret_zone = zone;
	return RC_OK;
}

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	ucal_close(zone->calendar);
	free(zone);
}

const char *zone_id(const struct zone *zone)
{
	return zone->id;
}

/* --- times ----------------------------------------------------------------------------------- */

struct date {
	int year, month, day; /* month and day from 1 */
	int weekday;          /* days since Monday */
};

static bool read_date(struct zone *zone, int64_t ms, struct date *ret_date)
{
	UErrorCode status = U_ZERO_ERROR;
	if (ms < FIRST_MS || ms > LAST_MS)
		return false;
	ucal_setMillis(zone->calendar, (UDate)ms, &status);
	struct date d = {
		.year = ucal_get(zone->calendar, UCAL_EXTENDED_YEAR, &status),
		.month = ucal_get(zone->calendar, UCAL_MONTH, &status) + 1,
		.day = ucal_get(zone->calendar, UCAL_DATE, &status),
		.weekday = (ucal_get(zone->calendar, UCAL_DAY_OF_WEEK, &status) + 5) % 7,
	};
	if (U_FAILURE(status) || d.year < 1000 || d.year > 9999)
		return false;
	*ret_date = d;
	return true;
}

/* The first moment of a date; days before the first of a month count back from it. */
static bool find_date(struct zone *zone, int year, int month, int day, int64_t *ret_ms)
{
	UErrorCode status = U_ZERO_ERROR;
	ucal_clear(zone->calendar);
	ucal_setDateTime(zone->calendar, year, month - 1, day, 0, 0, 0, &status);
	UDate ms = ucal_getMillis(zone->calendar, &status);
	if (U_FAILURE(status) || ms < (UDate)FIRST_MS || ms > (UDate)LAST_MS)
		return false;
	*ret_ms = (int64_t)ms;
	return true;
}

static int64_t floor_to(int64_t ms, int64_t step)
{
	int64_t rest = ms % step;
	return ms - (rest < 0 ? rest + step : rest);
}

static bool find_hour(struct zone *zone, int64_t ms, int64_t *ret_ms)
{
	UErrorCode status = U_ZERO_ERROR;
	UDate jump;
	ucal_setMillis(zone->calendar, (UDate)ms, &status);
	int64_t offset = ucal_get(zone->calendar, UCAL_ZONE_OFFSET, &status) +
			 ucal_get(zone->calendar, UCAL_DST_OFFSET, &status);
	int64_t at = floor_to(ms + offset, HOUR_MS) - offset;
	bool jumps = ucal_getTimeZoneTransitionDate(
		zone->calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &jump, &status);
	if (U_FAILURE(status) || at < FIRST_MS)
		return false;
	*ret_ms = jumps && (int64_t)jump > at ? (int64_t)jump : at;
	return true;
}

bool zone_day(struct zone *zone, int64_t ms, char ret_text[static ZONE_DAY_N])
{
	struct date d;
	if (!read_date(zone, ms, &d))
		return false;
	snprintf(ret_text, ZONE_DAY_N, "%04u-%02u-%02u", (unsigned)d.year % 10000,
		(unsigned)d.month % 100, (unsigned)d.day % 100);
	return true;
}

bool zone_start(struct zone *zone, enum zone_unit unit, int64_t ms, int64_t *ret_ms)
{
	struct date d;
	if (!read_date(zone, ms, &d))
		return false;
	switch (unit) {
	case ZONE_HOUR:
		return find_hour(zone, ms, ret_ms);
	case ZONE_DAY:
		return find_date(zone, d.year, d.month, d.day, ret_ms);
	case ZONE_WEEK:
		return find_date(zone, d.year, d.month, d.day - d.weekday, ret_ms);
	case ZONE_MONTH:
		return find_date(zone, d.year, d.month, 1, ret_ms);
	case ZONE_QUARTER:
		return find_date(zone, d.year, (d.month - 1) / 3 * 3 + 1, 1, ret_ms);
	case ZONE_YEAR:
		return find_date(zone, d.year, 1, 1, ret_ms);
	case ZONE_UNIT_N:
		break;
	}
	return false;
}

bool zone_date(struct zone *zone, int year, int month, int day, int64_t *ret_ms)
{
	int64_t ms;
	struct date d;
	if (year < 1000 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	if (!find_date(zone, year, month, day, &ms) || !read_date(zone, ms, &d))
		return false;
	/* 30 February is no date; one that a zone left out begins with the next. */
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (day > days[month - 1] + (month == 2 && leap))
		return false;
	*ret_ms = ms;
	return true;
}

bool zone_wall(struct zone *zone, int64_t ms, struct zone_wall *ret_wall)
{
	UErrorCode status = U_ZERO_ERROR;
	struct date d;
	if (!read_date(zone, ms, &d))
		return false;
	struct zone_wall wall = {
		.year = d.year,
		.month = d.month,
		.day = d.day,
		.hour = ucal_get(zone->calendar, UCAL_HOUR_OF_DAY, &status),
		.minute = ucal_get(zone->calendar, UCAL_MINUTE, &status),
		.weekday = (d.weekday + 1) % 7,
	};
	if (U_FAILURE(status))
		return false;
	*ret_wall = wall;
	return true;
}

bool zone_moment(struct zone *zone, const struct zone_wall *wall, int64_t *ret_ms)
{
	UErrorCode status = U_ZERO_ERROR;
	ucal_clear(zone->calendar);
	ucal_setDateTime(zone->calendar, wall->year, wall->month - 1, wall->day, wall->hour,
		wall->minute, 0, &status);
	UDate ms = ucal_getMillis(zone->calendar, &status);
	if (U_FAILURE(status) || ms < (UDate)FIRST_MS || ms > (UDate)LAST_MS)
		return false;
	*ret_ms = (int64_t)ms;
	return true;
}
