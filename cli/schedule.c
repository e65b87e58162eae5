/* SPDX-License-Identifier: MIT */
/*
 * When a rule by the clock runs next, reckoned from what the store knows of its last tick.
 * From: timers.c, rules.c. Pure.
 */
#include "cli/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "runner/cron_next.h"

/* "cron 0 9 * * 1-5 Europe/Paris" */
static bool next_of_cron(const char *text, int64_t last_ms, int64_t *ret_ms)
{
	char line[CRON_TEXT_MAX + 1];
	struct cron cron;
	struct zone *zone = NULL;
	struct err err;
	const char *end = strrchr(text, ' ');
	if (end == NULL || (size_t)(end - text) >= sizeof(line))
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
	bool found = cron_parse(line, &cron, &err) == RC_OK &&
		     zone_open(end + 1, &zone, &err) == RC_OK &&
		     cron_next(&cron, zone, last_ms, ret_ms);
	zone_free(zone);
	return found;
}

int64_t schedule_next_ms(const struct queue_tick *t)
{
	int64_t next = 0;
	if (strncmp(t->schedule, "every ", 6) == 0)
		return t->last_ms + strtoll(t->schedule + 6, NULL, 10);
	if (strncmp(t->schedule, "cron ", 5) == 0 &&
		!next_of_cron(t->schedule + 5, t->last_ms, &next))
		return 0;
	return next;
}
