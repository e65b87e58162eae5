/* SPDX-License-Identifier: MIT */
/*
 * ago, ahead, day and start: times around a time.
 * From: rules. To: base/zone.c. Where no time is given it is now(), which the runner is asked for,
 * so that a retry gets the same again. Times are ISO texts in UTC; a date alone is its first moment
 * in the zone. A duration is that long on a stopwatch, whatever clocks do meanwhile.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define FIRST_MS INT64_C(-30610224000000) /* the year 1000 */
#define LAST_MS INT64_C(253402300799999)  /* the end of 9999 */

/* --- arguments ------------------------------------------------------------------------------- */

/* The zone at index, "UTC" where it is not given; raises. The kit keeps it. */
static struct zone *check_zone(lua_State *L, const char *function, int index)
{
	struct kit *kit = state_of(L)->kit;
	struct err err;
	struct zone *zone = NULL;
	if (lua_isnoneornil(L, index))
		return kit->utc;
	if (lua_type(L, index) != LUA_TSTRING)
		state_raise(L, "%s: the time zone is a %s, they are like \"Europe/Paris\"",
			function, luaL_typename(L, index));
	const char *id = lua_tostring(L, index);
	if (kit->zone != NULL && strcmp(zone_id(kit->zone), id) == 0)
		return kit->zone;
	if (zone_open(id, &zone, &err) != RC_OK)
		state_raise(L, "%s: %s", function, err.msg);
	zone_free(kit->zone);
	kit->zone = zone;
	return zone;
}

/* One that is longer than all years there are is just that long, so that no sum overflows. */
static int64_t check_duration(lua_State *L, const char *function)
{
	if (lua_type(L, 1) == LUA_TSTRING) {
		int64_t ms = conf_parse_duration(lua_tostring(L, 1));
		if (ms >= 0)
			return ms < LAST_MS - FIRST_MS ? ms : LAST_MS - FIRST_MS + 1;
		state_raise(L,
			"%s: \"%.40s\" is no duration, they are like \"90s\", \"5m\", \"2h\", "
			"\"3d\"",
			function, lua_tostring(L, 1));
	}
	state_raise(L, "%s: the duration is a %s, write \"90s\", \"5m\", \"2h\" or \"3d\"",
		function, luaL_typename(L, 1));
}

static enum zone_unit check_unit(lua_State *L)
{
	const char *word = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
	for (int i = 0; word != NULL && i < ZONE_UNIT_N; i++)
		if (strcmp(zone_units[i], word) == 0)
			return (enum zone_unit)i;
	const char *near = word != NULL ? conf_nearest(word, zone_units) : NULL;
	if (near != NULL)
		state_raise(L, "start: there is no \"%.40s\", did you mean \"%s\"?", word, near);
	state_raise(L, "start: what begins is \"hour\", \"day\", \"week\", \"month\", "
		       "\"quarter\" or \"year\"");
}

/* Reads n digits; -1 where they are none. */
static int read_number(const char *text, int n)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

/* What stands behind a date: "T09:00[:00[.000]]Z" or with "+02:00"; milliseconds of it. */
static bool read_clock(const char *text, int64_t *ret_ms)
{
	int hour, minute, second = 0, at = 6;
	int64_t ms = 0;
	if (strlen(text) < 7 || (text[0] != 'T' && text[0] != ' ') || text[3] != ':')
		return false;
	hour = read_number(text + 1, 2);
	minute = read_number(text + 4, 2);
	if (text[at] == ':') {
		second = strlen(text) >= 9 ? read_number(text + 7, 2) : -1;
		at = 9;
	}
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	if (text[at] == '.') {
		int64_t unit = 100;
		for (at++; text[at] >= '0' && text[at] <= '9'; at++, unit /= 10)
			ms += (text[at] - '0') * unit;
	}
	ms += ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000;
	const char *zone = text + at;
	if (strcmp(zone, "Z") != 0) {
		bool off = strlen(zone) == 6 && (*zone == '+' || *zone == '-') && zone[3] == ':';
		hour = off ? read_number(zone + 1, 2) : -1;
		minute = off ? read_number(zone + 4, 2) : -1;
		if (hour < 0 || hour > 18 || minute < 0 || minute > 59)
			return false;
		int64_t offset = ((int64_t)hour * 60 + minute) * 60000;
		ms += *zone == '+' ? -offset : offset;
	}
	*ret_ms = ms;
	return true;
}

static bool read_time(
	lua_State *L, const char *text, const char *function, int zone, int64_t *ret_ms)
{
	int64_t clock = 0, date = 0;
	size_t n = strlen(text);
	if (n < 10 || text[4] != '-' || text[7] != '-')
		return false;
	int year = read_number(text, 4), month = read_number(text + 5, 2),
	    day = read_number(text + 8, 2);
	struct zone *whose = check_zone(L, function, n == 10 ? zone : 5); /* none: UTC */
	if ((n > 10 && !read_clock(text + 10, &clock)) ||
		!zone_date(whose, year, month, day, &date))
		return false;
	*ret_ms = date + clock;
	return true;
}

bool time_read(lua_State *L, const char *function, const char *text, int64_t *ret_ms)
{
	return read_time(L, text, function, 5, ret_ms);
}

/* The time at index; raises. zone: where its zone is, 5 where it has none. */
static int64_t check_time(lua_State *L, const char *function, int index, int zone)
{
	int64_t ms = 0;
	if (lua_type(L, index) != LUA_TSTRING)
		state_raise(L,
			"%s: the time is a %s, they are texts like \"2026-11-24T09:00:00.000Z\"",
			function, json_is_null(L, index) ? "null" : luaL_typename(L, index));
	if (!read_time(L, lua_tostring(L, index), function, zone, &ms))
		state_raise(L,
			"%s: \"%.40s\" is no time, they are like \"2026-11-24T09:00:00.000Z\"",
			function, lua_tostring(L, index));
	return ms;
}

/* --- answers --------------------------------------------------------------------------------- */

static int push_time(lua_State *L, const char *function, int64_t ms)
{
	char text[CLOCK_TEXT_N];
	if (ms < FIRST_MS || ms > LAST_MS)
		state_raise(L, "%s: that is outside the years 1000 to 9999", function);
	clock_format(ms, text);
	lua_pushstring(L, text);
	return 1;
}

/* Goes on when the time at `index` is there: at once, or when the runner has said what is now. */
static int when_known(lua_State *L, int index, lua_KFunction then)
{
	lua_settop(L, 4);
	if (!lua_isnil(L, index))
		return then(L, LUA_OK, 0);
	return twenty_suspend(L, "now", "", slice_of("{}"), index, then);
}

static void take_now(lua_State *L, lua_KContext index)
{
	if (index == 0)
		return;
	twenty_push_answer(L);
	lua_replace(L, (int)index);
	lua_settop(L, 4);
}

static int ago(lua_State *L, int status, lua_KContext asked)
{
	(void)status;
	take_now(L, asked);
	int64_t t = check_time(L, "ago", 2, 5);
	return push_time(L, "ago", t - check_duration(L, "ago"));
}

static int time_ago(lua_State *L)
{
	check_duration(L, "ago");
	return when_known(L, 2, ago);
}

static int ahead(lua_State *L, int status, lua_KContext asked)
{
	(void)status;
	take_now(L, asked);
	int64_t t = check_time(L, "ahead", 2, 5);
	return push_time(L, "ahead", t + check_duration(L, "ahead"));
}

static int time_ahead(lua_State *L)
{
	check_duration(L, "ahead");
	return when_known(L, 2, ahead);
}

static int day(lua_State *L, int status, lua_KContext asked)
{
	char text[ZONE_DAY_N];
	(void)status;
	take_now(L, asked);
	int64_t t = check_time(L, "day", 1, 2);
	if (!zone_day(check_zone(L, "day", 2), t, text))
		state_raise(L, "day: that is outside the years 1000 to 9999");
	lua_pushstring(L, text);
	return 1;
}

static int time_day(lua_State *L)
{
	check_zone(L, "day", 2);
	return when_known(L, 1, day);
}

static int start(lua_State *L, int status, lua_KContext asked)
{
	int64_t from;
	(void)status;
	take_now(L, asked);
	int64_t t = check_time(L, "start", 2, 3);
	if (!zone_start(check_zone(L, "start", 3), check_unit(L), t, &from))
		state_raise(L, "start: that is outside the years 1000 to 9999");
	return push_time(L, "start", from);
}

static int time_start(lua_State *L)
{
	check_unit(L);
	check_zone(L, "start", 3);
	return when_known(L, 2, start);
}

const luaL_Reg time_functions[] = {
	{"ago", time_ago},
	{"ahead", time_ahead},
	{"day", time_day},
	{"start", time_start},
	{NULL, NULL},
};
