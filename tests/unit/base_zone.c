/* SPDX-License-Identifier: MIT */
/* Days and their beginnings in every zone, and names of zones. */
#include <string.h>

#include <criterion/criterion.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/zone.h"

static struct zone *open_zone(const char *id)
{
	struct zone *zone = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(zone_open(id, &zone, &err), RC_OK, "%s: %s", id, err.msg);
	return zone;
}

/* The beginning is of the same date, and the moment before it is not. */
static void hold_day(struct zone *zone, int64_t ms)
{
	char at[CLOCK_TEXT_N], day[ZONE_DAY_N], first[ZONE_DAY_N], before[ZONE_DAY_N];
	int64_t from = 0, date = 0;
	clock_format(ms, at);
	cr_assert(zone_day(zone, ms, day) && zone_start(zone, ZONE_DAY, ms, &from));
	cr_assert(from <= ms && ms - from <= INT64_C(49) * 3600000, "%s %s", zone_id(zone), at);
	cr_assert(zone_day(zone, from, first) && zone_day(zone, from - 1, before));
	cr_assert_str_eq(first, day, "%s %s", zone_id(zone), at);
	cr_assert_str_neq(before, day, "%s %s", zone_id(zone), at);
	cr_assert(zone_date(zone, 2000, 1, 1, &date));
}

static void hold_units(struct zone *zone, int64_t ms)
{
	for (int unit = ZONE_DAY; unit < ZONE_UNIT_N; unit++) {
		int64_t from = 0, again = 0;
		cr_assert(zone_start(zone, (enum zone_unit)unit, ms, &from) && from <= ms);
		cr_assert(zone_start(zone, (enum zone_unit)unit, from, &again));
		cr_assert_eq(again, from, "%s: %s of %lld", zone_id(zone), zone_units[unit],
			(long long)ms);
	}
}

Test(base_zone, in_every_zone_a_day_begins_with_its_first_moment)
{
	UErrorCode status = U_ZERO_ERROR;
	UEnumeration *all = ucal_openTimeZones(&status);
	const char *id;
	int n = 0;
	while ((id = uenum_next(all, NULL, &status)) != NULL && U_SUCCESS(status)) {
		if (strcmp(id, UCAL_UNKNOWN_ZONE_ID) == 0)
			continue;
		struct zone *zone = open_zone(id);
		uint64_t seed = 42;
		for (int i = 0; i < 25; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			int64_t ms = -INT64_C(2200000000000) +
				     (int64_t)(seed >> 20) % INT64_C(4700000000000);
			hold_day(zone, ms);
			hold_units(zone, ms);
		}
		zone_free(zone);
		n++;
	}
	uenum_close(all);
	cr_assert_gt(n, 400);
}

Test(base_zone, a_name_that_is_none_is_answered_with_the_one_that_was_meant)
{
	static const struct {
		const char *id, *near;
	} cases[] = {{"Europe/Pariss", "Europe/Paris"}, {"Paris", "Europe/Paris"},
		{"new york", "America/New_York"}, {"europe/berlin", "Europe/Berlin"},
		{"utc", "UTC"}, {"", "Europe/Paris"}, {"GMT+5:30", NULL}, {"Etc/Unknown", NULL},
		{"Europe/\xc3\x84", NULL},
		{"../../etc/passwd/with/a/name/that/is/longer/than/any/zone/has/ever/been", NULL}};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct zone *zone = NULL;
		struct err err = {.msg = ""};
		cr_expect_eq(zone_open(cases[i].id, &zone, &err), RC_INVALID, "%s", cases[i].id);
		if (cases[i].near != NULL)
			cr_expect_not_null(strstr(err.msg, cases[i].near), "%s", err.msg);
	}
}

Test(base_zone, what_is_no_date_has_no_beginning)
{
	struct zone *zone = open_zone("Europe/Paris");
	int64_t ms = 0;
	char day[ZONE_DAY_N];
	cr_expect(!zone_date(zone, 2026, 2, 29, &ms));
	cr_expect(zone_date(zone, 2024, 2, 29, &ms));
	cr_expect(!zone_date(zone, 2026, 4, 31, &ms));
	cr_expect(!zone_date(zone, 2026, 13, 1, &ms));
	cr_expect(!zone_date(zone, 10000, 1, 1, &ms));
	cr_expect(!zone_day(zone, INT64_MAX, day));
	cr_expect(!zone_start(zone, ZONE_HOUR, INT64_MIN, &ms));
	zone_free(zone);
}
