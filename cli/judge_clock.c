/* SPDX-License-Identifier: MIT */
/*
 * Is Twenty's clock ours? A delivery from beyond the time window is kept, but not run.
 * From: doctor.c. Deliveries tell it to the millisecond, Twenty's answers to the second.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/judge.h"

#define WARN_MS 60000

static int64_t size_of(int64_t ms)
{
	return ms < 0 ? -ms : ms;
}

/* "14 ms", "1.2 s", "90 s" */
static void span(int64_t ms, char ret_text[static 32])
{
	if (ms < 1000)
		snprintf(ret_text, 32, "%" PRId64 " ms", ms);
	else if (ms < 10000)
		snprintf(ret_text, 32, "%.1f s", (double)ms / 1000);
	else
		snprintf(ret_text, 32, "%" PRId64 " s", ms / 1000);
}

/* The least skew that its answers allow; 0 where they allow none. */
static int64_t told_ms(const struct clock_facts *facts)
{
	if (!facts->told || (facts->least_ms <= 0 && facts->most_ms >= 0))
		return 0;
	return facts->least_ms > 0 ? facts->least_ms : facts->most_ms;
}

static void put_good(struct findings *f, const struct clock_facts *facts, int64_t told)
{
	char text[32];
	struct finding *row;
	if (facts->timed_n != 0 && size_of(facts->ahead_ms) >= size_of(told)) {
		span(size_of(facts->ahead_ms), text);
		row = finding_put(f, "clock", FINDING_OK, "clock skew %s", text);
	} else if (told != 0) {
		span(size_of(told), text);
		row = finding_put(f, "clock", FINDING_OK, "clock skew %s", text);
	} else {
		int64_t bound =
			-facts->least_ms > facts->most_ms ? -facts->least_ms : facts->most_ms;
		span(bound, text);
		row = finding_put(f, "clock", FINDING_OK, "clock skew below %s", text);
	}
	row->brief = true;
}

void judge_clock(struct findings *findings, const struct clock_facts *facts)
{
	char text[32], window[32];
	int64_t told = told_ms(facts);
	bool by_hooks = facts->timed_n != 0 && size_of(facts->ahead_ms) > size_of(told);
	int64_t ahead = by_hooks ? facts->ahead_ms : told;
	if (facts->told || facts->timed_n != 0) {
		bool fails = size_of(ahead) >= facts->window_ms / 10 * 8;
		if (!fails && size_of(ahead) <= WARN_MS) {
			put_good(findings, facts, told);
		} else {
			span(size_of(ahead), text);
			span(facts->window_ms, window);
			struct finding *row = finding_put(findings, "clock",
				fails ? FINDING_FAIL : FINDING_WARN,
				"Twenty's clock is %s %s ours%s; beyond %s a delivery is kept in "
				"quarantine, and no rule runs",
				text, ahead > 0 ? "ahead of" : "behind",
				by_hooks ? ", as its deliveries say" : "", window);
			finding_fix(row, "have both machines set their clocks: timedatectl set-ntp "
					 "true");
		}
	}
	if (facts->skewed_n == 0)
		return;
	struct finding *row = finding_put(findings, "clock", FINDING_WARN,
		"%zu of the last deliveries are in quarantine: their time was not ours",
		facts->skewed_n);
	finding_fix(row, "moonhook events list state:quarantined");
}
