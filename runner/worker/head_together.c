/* SPDX-License-Identifier: MIT */
/*
 * Options that mean nothing together, or nothing without another.
 * From: head.c, when each option is right by itself. Two tables; a sentence says what to write.
 */
#include <string.h>

#include "base/conf.h"
#include "runner/worker/binding.h"
#include "runner/worker/head_part.h"

static const struct {
	const char *one, *other, *why;
} clashes[] = {
	{"on", "every",
		"on and every: a rule runs on events or by the clock; make two rules of it"},
	{"on", "cron", "on and cron: a rule runs on events or by the clock; make two rules of it"},
	{"every", "cron", "every and cron: one of them says when it runs"},
	{"settle", "batch",
		"settle and batch: settle makes one run of the changes of one record, "
		"batch one of many records; write one of them"},
	{"batch", "fresh",
		"batch and fresh: the events of a batch have many records; read those "
		"that matter with get"},
	{"batch", "concurrency", "batch and concurrency: one run of a batch is at work at a time"},
};

/* What an event has and a tick of the clock has not. */
static const struct {
	const char *option, *why;
} of_events[] = {
	{"settle", "settle gathers the changes of a record"},
	{"max_settle", "max_settle ends the gathering of changes"},
	{"batch", "batch gathers events"},
	{"key", "key keeps runs of one record apart, ticks never overlap"},
	{"echo", "echo is about who changed a record"},
	{"fresh", "fresh reads the record of an event"},
};

static const struct {
	const char *option, *needs, *why;
} needs[] = {
	{"tz", "cron", "tz without cron: it is the time zone of cron"},
	{"max_settle", "settle", "max_settle without settle: write settle = \"20s\", too"},
};

static void check_clock(const struct head *h)
{
	const char *clock = head_has(h, "every") ? "every" : head_has(h, "cron") ? "cron" : NULL;
	if (clock == NULL)
		return;
	for (size_t i = 0; i < ARRAY_N(of_events); i++)
		if (head_has(h, of_events[i].option))
			head_wrong(h, "%s with %s: %s, and the clock brings none",
				of_events[i].option, clock, of_events[i].why);
	head_push(h, "when");
	if (predicate_text(h->L, -1) != NULL)
		head_wrong(h,
			"when with %s: the clock brings no record that it could be about; ask in "
			"run",
			clock);
	lua_pop(h->L, 1);
}

/* The target of after() runs for one record at its time. */
static void check_timer(const struct head *h)
{
	if (head_timer(h) == HEAD_NO_TIMER)
		return;
	if (head_has(h, "settle") || head_has(h, "batch"))
		head_wrong(h,
			"%s with \"timer\": a timer is no change that could be gathered; make two "
			"rules of it",
			head_has(h, "settle") ? "settle" : "batch");
}

static bool is_hook(const char *pattern)
{
	return strncmp(pattern, "hook:", 5) == 0;
}

static bool is_end(const char *pattern)
{
	const char *dot = strchr(pattern, '.');
	return dot != NULL && (strcmp(dot, ".deleted") == 0 || strcmp(dot, ".destroyed") == 0);
}

/* What could be read again? */
static void check_fresh(const struct head *h)
{
	if (!head_has(h, "fresh"))
		return;
	if (head_each_on(h, is_hook))
		head_wrong(h, "fresh with \"hook:\": what another source sends is no record of "
			      "Twenty's that could be read again");
	if (head_each_on(h, is_end))
		head_wrong(h, "fresh with a record that is deleted: it is gone by then, and each "
			      "run would be skipped");
}

static int64_t duration_of(const struct head *h, const char *option)
{
	head_push(h, option);
	int64_t ms = conf_parse_duration(lua_tostring(h->L, -1));
	lua_pop(h->L, 1);
	return ms;
}

void head_check_together(const struct head *h)
{
	if (!head_has(h, "on") && !head_has(h, "every") && !head_has(h, "cron"))
		head_wrong(h, "it says not when it runs, write on = \"person.created\"");
	for (size_t i = 0; i < ARRAY_N(clashes); i++)
		if (head_has(h, clashes[i].one) && head_has(h, clashes[i].other))
			head_wrong(h, "%s", clashes[i].why);
	for (size_t i = 0; i < ARRAY_N(needs); i++)
		if (head_has(h, needs[i].option) && !head_has(h, needs[i].needs))
			head_wrong(h, "%s", needs[i].why);
	check_clock(h);
	check_timer(h);
	check_fresh(h);
	if (head_has(h, "max_settle") && duration_of(h, "settle") > duration_of(h, "max_settle"))
		head_wrong(h, "settle is longer than max_settle");
	if (!head_has(h, "run"))
		head_wrong(h, "it has no run = function(event) .. end");
}
