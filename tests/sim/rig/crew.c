/* SPDX-License-Identifier: MIT */
/*
 * A table with one row, and clients around it.
 * From: tests. To: client_purse_came, half a way after the row was looked at. Without memory it
 * aborts.
 */
#include "tests/sim/rig/crew.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/time.h"

#define WAY_US 2000
#define MINUTE_US INT64_C(60000000)

static char *copy(struct slice bytes)
{
	char *p = malloc(bytes.n + 1);
	if (p == NULL)
		abort();
	if (bytes.n > 0)
		memcpy(p, bytes.p, bytes.n);
	return p;
}

static void arm(struct crew_seat *seat)
{
	int64_t way_us = seat->crew->way_us / 2;
	sd_event_source_set_time(seat->timer,
		(uint64_t)(time_us() + (int64_t)time_dice((uint64_t)way_us + 1) + way_us / 2));
	sd_event_source_set_enabled(seat->timer, SD_EVENT_ONESHOT);
}

static void look_at_table(struct crew_seat *seat)
{
	struct crew *crew = seat->crew;
	seat->swapped = seat->version >= 0 && seat->version == crew->version;
	if (seat->swapped) {
		free(crew->state);
		crew->state = copy((struct slice){seat->state, seat->state_n});
		crew->state_n = seat->state_n;
		crew->version++;
	}
	crew->swaps += seat->swapped ? 1 : 0;
	crew->misses += !seat->swapped && seat->version >= 0 ? 1 : 0;
	free(seat->state);
	seat->state = copy((struct slice){crew->state, crew->state_n});
	seat->state_n = crew->state_n;
	seat->version = crew->version;
	seat->now_ms = time_us() / 1000 + crew->ahead_ms;
	seat->there = true;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	(void)source, (void)usec;
	struct crew_seat *seat = ctx;
	if (!seat->asked || seat->crew->silent)
		return 0;
	if (!seat->there) {
		look_at_table(seat);
		arm(seat);
		return 0;
	}
	seat->asked = seat->there = false;
	struct client_purse_answer answer = {.swapped = seat->swapped,
		.version = seat->version,
		.state = {seat->state, seat->state_n},
		.now_ms = seat->now_ms};
	char *state = seat->state;
	seat->state = NULL;
	if (seat->client != NULL)
		client_purse_came(seat->client, &answer);
	free(state);
	return 0;
}

static void swap(void *ctx, int64_t version, struct slice state)
{
	struct crew_seat *seat = ctx;
	if (seat->asked)
		abort(); /* one at a time, says the contract */
	seat->asked = true;
	seat->version = version;
	seat->state = copy(state);
	seat->state_n = state.n;
	arm(seat);
}

bool crew_open(struct crew *crew, const struct sim_conf *conf, unsigned n)
{
	struct err err;
	*crew = (struct crew){.way_us = WAY_US, .ahead_ms = 1795424400000, .version = 1};
	bool ok = n <= CREW_MAX && sim_open(&crew->sim, conf);
	for (unsigned i = 0; ok && i < n; i++) {
		struct crew_seat *seat = &crew->seats[crew->n++];
		seat->crew = crew;
		seat->client = crew->sim.client;
		ok = sd_event_add_time(crew->sim.loop, &seat->timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
			     on_timer, seat) >= 0;
		if (ok && i > 0)
			ok = client_new(crew->sim.conf, crew->sim.loop, &seat->client, &err) ==
			     RC_OK;
		if (ok)
			client_purse_share(
				seat->client, &(struct client_purse){.ctx = seat, .swap = swap});
	}
	return ok;
}

void crew_answer(struct crew *crew)
{
	crew->silent = false;
	for (unsigned i = 0; i < crew->n; i++)
		if (crew->seats[i].asked)
			arm(&crew->seats[i]);
}

void crew_kill(struct crew *crew, unsigned i)
{
	client_free(crew->seats[i].client);
	crew->seats[i].client = NULL;
	if (i == 0)
		crew->sim.client = NULL;
}

void crew_close(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n; i++) {
		crew_kill(crew, i);
		sd_event_source_disable_unref(crew->seats[i].timer);
		free(crew->seats[i].state);
	}
	free(crew->state);
	sim_close(&crew->sim);
}

void crew_submit(
	struct crew *crew, unsigned i, struct sim_answer *answer, const struct client_call *call)
{
	struct client *first = crew->sim.client;
	crew->sim.client = crew->seats[i].client;
	sim_submit(&crew->sim, answer, call);
	crew->sim.client = first;
}

void crew_lose(struct crew *crew)
{
	free(crew->state);
	crew->state = NULL;
	crew->state_n = 0;
	crew->version = 0;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int crew_most_a_minute(size_t from)
{
	size_t n = 0, first = 0, most = 0;
	int64_t *at = malloc((wire_request_n() + 1) * sizeof(*at));
	if (at == NULL)
		abort();
	for (size_t i = from; i < wire_request_n(); i++)
		if (wire_request(i)->arrived_us != 0)
			at[n++] = wire_request(i)->arrived_us;
	qsort(at, n, sizeof(*at), by_time);
	for (size_t i = 0; i < n; i++) {
		while (at[first] < at[i] - MINUTE_US)
			first++;
		most = i + 1 - first > most ? i + 1 - first : most;
	}
	free(at);
	return (int)most;
}
