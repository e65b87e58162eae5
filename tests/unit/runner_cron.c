/* SPDX-License-Identifier: MIT */
/* Cron lines: what they mean, and what is said of wrong ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "runner/cron.h"

static struct cron parsed(const char *text)
{
	struct cron cron = {0};
	struct err err = {0};
	cr_assert_eq(cron_parse(text, &cron, &err), RC_OK, "%s: %s", text, err.msg);
	return cron;
}

static uint64_t bits(int first, int last, int step)
{
	uint64_t set = 0;
	for (int i = first; i <= last; i += step)
		set |= UINT64_C(1) << i;
	return set;
}

Test(runner_cron, nine_on_weekdays_is_nine_on_weekdays)
{
	struct cron cron = parsed("0 9 * * 1-5");
	cr_expect_eq(cron.minutes, bits(0, 0, 1));
	cr_expect_eq(cron.hours, bits(9, 9, 1));
	cr_expect_eq(cron.days, bits(1, 31, 1));
	cr_expect_eq(cron.months, bits(1, 12, 1));
	cr_expect_eq(cron.weekdays, bits(1, 5, 1));
	cr_expect(cron.day_any);
	cr_expect(!cron.weekday_any);
}

Test(runner_cron, lists_ranges_steps_and_names_are_sets)
{
	struct cron cron = parsed("  */15\t8-18/2,20 1,15 JAN-mar,Dec fri-sun ");
	cr_expect_eq(cron.minutes, bits(0, 59, 15));
	cr_expect_eq(cron.hours, bits(8, 18, 2) | bits(20, 20, 1));
	cr_expect_eq(cron.days, bits(1, 1, 1) | bits(15, 15, 1));
	cr_expect_eq(cron.months, bits(1, 3, 1) | bits(12, 12, 1));
	cr_expect_eq(cron.weekdays, bits(5, 6, 1) | bits(0, 0, 1));
	cr_expect_eq(parsed("0 0 * * 7").weekdays, 1);
	cr_expect_eq(parsed("0 0 * * 0-7").weekdays, 0x7f);
	cr_expect_eq(parsed("0-59/59 0 * * *").minutes, bits(0, 59, 59));
}

Test(runner_cron, a_day_or_a_weekday_is_enough_where_both_are_named)
{
	struct cron both = parsed("0 0 13 * fri"), star = parsed("0 0 */2 * fri"),
		    days = parsed("0 0 13 6 *");
	cr_expect(cron_day(&both, 6, 13, 2));
	cr_expect(cron_day(&both, 6, 14, 5));
	cr_expect(!cron_day(&both, 6, 14, 4));
	cr_expect(cron_day(&star, 6, 13, 5));
	cr_expect(!cron_day(&star, 6, 14, 5), "of a * both must fit");
	cr_expect(!cron_day(&star, 6, 13, 4));
	cr_expect(cron_day(&days, 6, 13, 4));
	cr_expect(!cron_day(&days, 7, 13, 4));
}

Test(runner_cron, a_wrong_line_is_told_with_what_is_right)
{
	static const struct {
		const char *text, *why;
	} wrongs[] = {
		{"", "\"\" has 0 fields, there are five: minute, hour, day, month, weekday"},
		{"0 9 * *", "has 4 fields"},
		{"0 0 9 * * 1-5", "has at least 6 fields"},
		{"@daily", "\"@daily\" is written \"0 0 * * *\""},
		{"60 * * * *", "the minute 60 is not one of 0 to 59"},
		{"0 24 * * *", "the hour 24 is not one of 0 to 23"},
		{"0 0 0 * *", "the day 0 is not one of 1 to 31"},
		{"0 0 * 13 *", "the month 13 is not one of 1 to 12"},
		{"0 0 * * 8", "the weekday 8 is not one of 0 to 7"},
		{"0 9 * * mno", "\"mno\" is no weekday, did you mean \"mon\"?"},
		{"0 9 * * monday", "did you mean \"mon\"?"},
		{"0 9 * Junes *", "\"Junes\" is no month, did you mean \"jun\"?"},
		{"0 9 * * ?", "\"?\" is no weekday: it is a number from 0 to 7, sun to sat, or *"},
		{"x * * * *", "\"x\" is no minute: it is a number from 0 to 59, or *"},
		{"-1 * * * *", "\"\" is no minute"},
		{"0x5 * * * *", "\"0x5\" is no minute"},
		{"99999999999 * * * *", "is no minute"},
		{"0 22-6 * * *", "the hour 22-6 goes backwards, write 22-23,0-6"},
		{"*/0 * * * *", "the step \"/0\" of the minute is a number from 1 to 59"},
		{"*/60 * * * *", "the step \"/60\" of the minute"},
		{"*/x * * * *", "the step \"/x\" of the minute"},
		{"*/5/5 * * * *", "the step \"/5/5\" of the minute"},
		{"5/15 * * * *", "a step follows * or a range, write 5-59/15"},
		{"/5 * * * *", "minute /5: write */5"},
		{"1,,2 * * * *", "the minute \"1,,2\" has an empty member"},
		{"1, * * * *", "has an empty member"},
		{"*5 * * * *", "\"*5\" is no minute"},
		{"0 0 30 2 *", "never comes: no such month has that day"},
		{"0 0 31 4,6,9,11 *", "never comes"},
	};
	for (size_t i = 0; i < ARRAY_N(wrongs); i++) {
		struct cron cron = {.hours = 77};
		struct err err = {0};
		cr_expect_eq(
			cron_parse(wrongs[i].text, &cron, &err), RC_INVALID, "%s", wrongs[i].text);
		cr_expect(strstr(err.msg, wrongs[i].why) != NULL, "%s\n  gave %s\n  not  %s",
			wrongs[i].text, err.msg, wrongs[i].why);
		cr_expect_eq(cron.hours, 77, "written on failure");
	}
}

Test(runner_cron, a_leap_day_and_a_weekday_beside_an_impossible_day_come)
{
	parsed("0 0 29 2 *");
	parsed("0 0 31 4 mon");
}
