/* SPDX-License-Identifier: MIT */
/*
 * "0 9 * * 1-5": minute, hour, day of the month, month, weekday, as crontab(5) has them. A field is
 * *, a number, a range, or a list of such, each with a step where it is a range or *; months and
 * weekdays may have their English names (jan, MON); weekdays are 0 to 7, both ends Sunday.
 */
#ifndef MOONHOOK_RUNNER_CRON_H
#define MOONHOOK_RUNNER_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CRON_TEXT_MAX 200 /* bytes */

struct cron {             /* bit n: that value is in it */
	uint64_t minutes; /* 0 to 59 */
	uint32_t hours;   /* 0 to 23 */
	uint32_t days;    /* 1 to 31 */
	uint16_t months;  /* 1 to 12 */
	uint8_t weekdays; /* 0 to 6, 0 is Sunday */
	bool day_any;     /* the day's field begins with * */
	bool weekday_any; /* the weekday's does */
};

/*
 * Reads and checks one. RC_INVALID with a sentence that names the field and what may stand there,
 * or says that no day is such (30 February). Pure; the worker calls it, too.
 */
enum rc cron_parse(const char *text, struct cron *ret_cron, struct err *err) must_check;
/*
 * Is this day one of them? Where both the day and the weekday are restricted, one of them is
 * enough; where one of the fields begins with *, both must fit.
 */
bool cron_day(const struct cron *cron, int month, int day, int weekday);

#endif
