/* SPDX-License-Identifier: MIT */
/*
 * What the daemon found by asking, for people.
 * From: status.c. A webhook that came after its change was found takes it back off the alarm.
 */
#include "cli/gaps.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/attr.h"
#include "cli/detail.h"
#include "cli/terminal.h"

static int64_t number(const json_t *of, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(of, key));
}

static int64_t alarm_n(const json_t *gap)
{
	int64_t n = number(gap, "running") - number(gap, "late");
	return n > 0 ? n : 0;
}

bool gaps_alarm(const json_t *gap)
{
	return alarm_n(gap) > 0;
}

/* Since when the object that was asked longest ago; -1: one never was. */
static int64_t oldest_ms(const json_t *objects)
{
	int64_t oldest = 0;
	size_t i;
	json_t *o;
	json_array_foreach(objects, i, o)
	{
		const json_t *ms = json_object_get(o, "asked_ms");
		if (!json_is_integer(ms))
			return -1;
		if (json_integer_value(ms) > oldest)
			oldest = (int64_t)json_integer_value(ms);
	}
	return oldest;
}

static void put_found(const json_t *gap)
{
	int64_t alarm = alarm_n(gap), stopped = number(gap, "stopped");
	if (stopped != 0)
		printf("%" PRId64 " change%s from while it was stopped found; ", stopped,
			stopped == 1 ? "" : "s");
	if (alarm == 0) {
		fputs(stopped != 0 ? "webhooks have told of everything else"
				   : "webhooks have told of everything",
			stdout);
		return;
	}
	terminal_tone(TERMINAL_BAD);
	printf("%" PRId64 " change%s came without a webhook: find out why with `moonhook doctor`",
		alarm, alarm == 1 ? "" : "s");
	terminal_tone(TERMINAL_PLAIN);
}

static void put_age(const json_t *objects)
{
	int64_t ms = oldest_ms(objects);
	char span[32];
	detail_span(ms > 0 ? ms : 0, span);
	if (ms < 0)
		puts("; not all is asked for yet");
	else
		printf("; asked %s ago\n", span);
}

void gaps_put(const json_t *gap, void (*label)(const char *text))
{
	const json_t *objects = json_object_get(gap, "objects");
	size_t i;
	json_t *o;
	if (json_array_size(objects) == 0)
		return;
	label("gaps");
	put_found(gap);
	put_age(objects);
	json_array_foreach(objects, i, o)
	{
		const char *problem = detail_text(o, "problem");
		if (problem == NULL)
			continue;
		label("");
		terminal_tone(TERMINAL_BAD);
		terminal_put(stdout, detail_text(o, "object"));
		fputs(" cannot be asked: ", stdout);
		terminal_put(stdout, problem);
		terminal_tone(TERMINAL_PLAIN);
		putchar('\n');
	}
}
