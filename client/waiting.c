/* SPDX-License-Identifier: MIT */
/*
 * What do calls wait for?
 * From: client_status. To: the runner, which shows it. Reads the engine and changes nothing. Cannot
 * fail.
 */
#include "client/waiting.h"

struct look { /* at the calls that are not on the wire */
	int64_t ready, delayed;
	int64_t next_ms; /* mono: when the first delayed one goes on */
};

static struct look look(const struct engine *e, int64_t lanes[static CLIENT_LANE_N])
{
	struct look seen = {.next_ms = INT64_MAX};
	for (const struct call *c = e->all; c != NULL; c = c->all_next) {
		if (c->state == CALL_ON_WIRE || c->state == CALL_DONE)
			continue;
		lanes[c->lane] += c->bundle == NULL; /* no carriers */
		seen.ready += c->state == CALL_READY;
		if (c->state != CALL_DELAYED)
			continue;
		seen.delayed++;
		if (c->not_before_ms < seen.next_ms)
			seen.next_ms = c->not_before_ms;
	}
	return seen;
}

static int64_t left_ms(int64_t at_ms, int64_t now_ms)
{
	return at_ms > now_ms ? at_ms - now_ms : 0;
}

void waiting_read(const struct engine *e, int64_t now_ms, struct client_status *status)
{
	int64_t in_flight = e->on_wire + e->probe.on_wire;
	int64_t held_ms = ration_wait_ms(&e->ration, now_ms, in_flight);
	bool up = e->line.state == LINE_UP;
	struct look seen = look(e, status->lanes);
	status->rate = ration_rate(&e->ration);
	status->waiting_for = "";
	if (e->waiting == 0)
		return;
	if (!up && (held_ms == 0 || e->line.problem[0] != '\0')) {
		status->waiting_for = "twenty";
		status->next_ms = left_ms(e->line.probe_at_ms, now_ms);
	} else if (held_ms > 0 && (!up || seen.ready > 0)) {
		status->waiting_for = "budget";
		status->next_ms = held_ms;
	} else if (seen.delayed > 0) {
		status->waiting_for = "twenty";
		status->next_ms = left_ms(seen.next_ms, now_ms);
	}
}
