/* SPDX-License-Identifier: MIT */
/*
 * Time.
 * From: everybody. Tests set it; nothing else in the program reads a clock of the system.
 */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t fixed_wall_ms, shifted_wall_ms;
static int64_t skipped_mono_ms;

static int64_t read_us(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return fixed_wall_ms != 0 ? fixed_wall_ms
				  : read_us(CLOCK_REALTIME) / 1000 + shifted_wall_ms;
}

int64_t clock_mono_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000 + skipped_mono_ms;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_BOOTTIME) + skipped_mono_ms * 1000;
}

int64_t clock_cpu_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_process_us(pid_t pid)
{
	clockid_t id;
	struct timespec ts;
	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &ts) != 0)
		return -1;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void clock_set_wall_ms(int64_t wall_ms)
{
	fixed_wall_ms = wall_ms;
}

void clock_shift_wall_ms(int64_t ms)
{
	shifted_wall_ms += ms;
}

void clock_skip_mono_ms(int64_t ms)
{
	skipped_mono_ms += ms;
}

void clock_format(int64_t wall_ms, char text[static CLOCK_TEXT_N])
{
	int64_t s = wall_ms / 1000, ms = wall_ms % 1000;
	if (ms < 0) {
		ms += 1000;
		s--;
	}
	time_t t = (time_t)s;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	size_t n = strftime(text, CLOCK_TEXT_N, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_N - n, ".%03dZ", (int)ms);
}

int64_t clock_parse(const char *text)
{
	struct tm tm = {0};
	int n = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6)
		return -1;
	int64_t ms = 0;
	if (text[n] == '.') {
		int64_t unit = 100;
		for (n++; text[n] >= '0' && text[n] <= '9'; n++, unit /= 10)
			ms += (text[n] - '0') * unit;
	}
	if (strcmp(text + n, "Z") != 0)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t t = timegm(&tm);
	return t == (time_t)-1 ? -1 : (int64_t)t * 1000 + ms;
}
