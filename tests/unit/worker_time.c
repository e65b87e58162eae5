/* SPDX-License-Identifier: MIT */
/* now, ago, ahead, day, start: in rules, behind the worker's walls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <unicode/ucal.h>
#include <unicode/uenum.h>

#include "base/attr.h"
#include "base/buf.h"
#include "tests/unit/worker_rig.h"

#define PARIS ", 'Europe/Paris')"

static const struct worker_rig_text texts[] = {
	{"ago('14d', '2026-11-24T09:00:00.000Z')", "2026-11-10T09:00:00.000Z"},
	{"ago('90s', '2026-03-01T00:00:00Z')", "2026-02-28T23:58:30.000Z"},
	{"ahead('2d', '2024-02-28T12:00:00.250Z')", "2024-03-01T12:00:00.250Z"},
	{"ahead('5m', '2026-11-24')", "2026-11-24T00:05:00.000Z"},
	{"ahead('2h', '2026-11-24T09:00:00+02:00')", "2026-11-24T09:00:00.000Z"},
	/* a duration is that long, whatever the clocks do */
	{"ahead('1d', '2026-03-28T12:00:00.000Z')", "2026-03-29T12:00:00.000Z"},
	{"ago('1d', '1969-12-31T23:59:59.999Z')", "1969-12-30T23:59:59.999Z"},
	{"day('2026-11-24T23:30:00.000Z')", "2026-11-24"},
	{"day('2026-11-24T23:30:00.000Z'" PARIS, "2026-11-25"},
	{"day('2026-11-24T03:30:00.000Z', 'America/New_York')", "2026-11-23"},
	{"day('2026-11-24', 'America/New_York')", "2026-11-24"},
	{"day('1500-02-28T12:00:00Z')", "1500-02-28"},
	{"start('day', '2026-11-24T09:00:00.000Z')", "2026-11-24T00:00:00.000Z"},
	{"start('day', '2026-11-24T09:00:00.000Z'" PARIS, "2026-11-23T23:00:00.000Z"},
	{"start('day', '2026-07-24T09:00:00.000Z'" PARIS, "2026-07-23T22:00:00.000Z"},
	{"start('month', '2026-11-24T09:00:00.000Z'" PARIS, "2026-10-31T23:00:00.000Z"},
	{"start('month', '2026-04-24T09:00:00.000Z'" PARIS, "2026-03-31T22:00:00.000Z"},
	{"start('month', '2026-03-31T23:00:00.000Z'" PARIS, "2026-03-31T22:00:00.000Z"},
	{"start('quarter', '2026-05-02T00:00:00.000Z'" PARIS, "2026-03-31T22:00:00.000Z"},
	{"start('year', '2026-05-02T00:00:00.000Z'" PARIS, "2025-12-31T23:00:00.000Z"},
	{"start('week', '2026-11-24T09:00:00.000Z')", "2026-11-23T00:00:00.000Z"}, /* a Tuesday */
	{"start('week', '2026-11-29T23:59:59.999Z')", "2026-11-23T00:00:00.000Z"},
	{"start('week', '2026-01-01T00:00:00.000Z')", "2025-12-29T00:00:00.000Z"},
	{"start('hour', '2026-11-24T09:59:59.999Z')", "2026-11-24T09:00:00.000Z"},
	{"start('hour', '2026-11-24T09:15:00.000Z', 'Asia/Kolkata')", "2026-11-24T08:30:00.000Z"},
	/* the day on which clocks jump has 23 hours, or 25 */
	{"start('day', '2026-03-29T22:00:00.000Z'" PARIS, "2026-03-29T22:00:00.000Z"},
	{"start('day', '2026-03-29T21:59:59.999Z'" PARIS, "2026-03-28T23:00:00.000Z"},
	{"start('day', '2026-10-25T22:59:59.999Z'" PARIS, "2026-10-24T22:00:00.000Z"},
	/* the hour that comes twice is two */
	{"start('hour', '2026-10-25T00:30:00.000Z'" PARIS, "2026-10-25T00:00:00.000Z"},
	{"start('hour', '2026-10-25T01:30:00.000Z'" PARIS, "2026-10-25T01:00:00.000Z"},
	/* half an hour is left out, or comes again */
	{"start('hour', '2026-10-03T15:45:00.000Z', 'Australia/Lord_Howe')",
		"2026-10-03T15:30:00.000Z"},
	/* midnight comes twice: the first */
	{"start('day', '2026-11-01T12:00:00.000Z', 'America/Havana')", "2026-11-01T04:00:00.000Z"},
	{"start('day', '2026-11-01T04:30:00.000Z', 'America/Havana')", "2026-11-01T04:00:00.000Z"},
	/* where midnight is left out, a day begins at one; a whole day was left out */
	{"start('day', '2018-11-04T12:00:00.000Z', 'America/Sao_Paulo')",
		"2018-11-04T03:00:00.000Z"},
	{"start('day', '2011-12-31T12:00:00.000Z', 'Pacific/Apia')", "2011-12-31T10:00:00.000Z"},
	{"start('day', '2011-12-30T09:00:00.000Z', 'Pacific/Apia')", "2011-12-29T10:00:00.000Z"},
};

Test(worker_time, ago_ahead_day_and_start_know_calendars_zones_and_clock_changes)
{
	worker_rig_say_all("tostring", texts, ARRAY_N(texts));
}

/* Each body raises a sentence that holds the text. */
static const struct {
	const char *body, *wanted;
} wrong[] = {
	{"day(nil, 'Europe/Pariss')", "did you mean \"Europe/Paris\"?"},
	{"day('2026-11-24', 'Mars')", "there is no time zone \"Mars\""},
	{"day('2026-11-24', 5)", "day: the time zone is a number"},
	{"start('moth')", "start: there is no \"moth\", did you mean \"month\"?"},
	{"start(nil)", "\"quarter\" or \"year\""},
	{"ago('3 days')", "ago: \"3 days\" is no duration"},
	{"ahead(3)", "ahead: the duration is a number"},
	{"ago('3d', 'yesterday')", "ago: \"yesterday\" is no time"},
	{"ago('3d', '2026-02-30')", "is no time"},
	{"ago('3d', '2026-02-20T25:00:00Z')", "is no time"},
	{"ago('3d', '2026-02-20T10:00:00')", "is no time"},
	{"ago('3d', 1764000000)", "ago: the time is a number"},
	{"ago('3d', json.null)", "ago: the time is a null"},
	{"ahead('3d', '9999-12-31T00:00:00Z')", "outside the years"},
	{"ahead('106751991167d', '2026-02-20')", "ahead: that is outside the years"},
	{"ago('106751991167d', '1500-02-20')", "ago: that is outside the years"},
	{"ahead('300000000d', '2026-12-31T00:00:00Z')", "ahead: "},
};

WORKER_TEST(worker_time, a_wrong_time_duration_unit_or_zone_is_told_with_its_line)
{
	for (size_t i = 0; i < ARRAY_N(wrong); i++) {
		char *error = worker_rig_error(rig, wrong[i].body);
		cr_expect_not_null(
			strstr(error, wrong[i].wanted), "%s said: %s", wrong[i].body, error);
		cr_expect_not_null(strstr(error, ".lua:"), "%s", error);
		free(error);
	}
}

WORKER_TEST(worker_time, without_a_time_it_is_now_which_the_runner_is_asked_for)
{
	json_t *ran = worker_rig_run(rig,
		"log.info(now(), ago('1d'), ahead('1h'), day(nil, 'Asia/Tokyo'), start('year'))",
		"[{\"value\":\"2026-11-24T20:00:00.000Z\"},{\"value\":\"2026-11-24T20:00:00.000Z\"}"
		","
		"{\"value\":\"2026-11-24T20:00:00.000Z\"},{\"value\":\"2026-11-24T20:00:00.000Z\"},"
		"{\"value\":\"2026-11-24T20:00:00.000Z\"}]");
	cr_expect(worker_rig_is(json_object_get(ran, "log"),
		"[\"info 2026-11-24T20:00:00.000Z 2026-11-23T20:00:00.000Z "
		"2026-11-24T21:00:00.000Z 2026-11-25 2026-01-01T00:00:00.000Z\"]"));
	cr_expect_eq(json_array_size(json_object_get(ran, "calls")), 5);
	json_decref(ran);
}

WORKER_TEST(worker_time, every_time_zone_works_behind_the_walls)
{
	struct buf body;
	UErrorCode status = U_ZERO_ERROR;
	UEnumeration *all = ucal_openTimeZones(&status);
	const char *id;
	int n = 0;
	buf_init(&body, 1 << 20);
	cr_assert_eq(buf_put_text(&body, "local n = 0 for id in ([["), RC_OK);
	while ((id = uenum_next(all, NULL, &status)) != NULL)
		if (strcmp(id, UCAL_UNKNOWN_ZONE_ID) != 0) {
			cr_assert_eq(buf_printf(&body, "%s ", id), RC_OK);
			n++;
		}
	uenum_close(all);
	cr_assert_eq(buf_printf(&body,
			     "]]):gmatch('%%S+') do n = n + 1 "
			     "local t = '2026-07-01T11:00:00.000Z' "
			     "assert(day(t, id):find('^2026%%-0[67]%%-[03]'), id) "
			     "assert(start('month', t, id) <= t, id) end assert(n == %d)",
			     n),
		RC_OK);
	worker_rig_holds(rig, body.p);
	buf_done(&body);
}
