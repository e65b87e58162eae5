/* SPDX-License-Identifier: MIT */
/*
 * Order at length: 1,000,000 events over 10,000 records in memory, 100,000 in SQLite, 64 runs at
 * once; 100,000 in PostgreSQL, by two receivers and three runners that are killed and stand still
 * in turn; and the controls without keys. Ends with 1 where one run was out of order, or a control
 * was not.
 *
 * Usage: bench-order [seed]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/crew.h"
#include "tests/harness/order.h"
#include "tests/harness/postgres.h"
#include "tests/harness/process.h"

static bool crew(const char *store, size_t events, bool keyless, uint64_t seed)
{
	size_t trouble = keyless ? 0 : events / 2000;
	struct crew_conf conf = {.store = store,
		.events = events,
		.records = events / 10,
		.receivers = 2,
		.runners = 3,
		.runs = 64,
		.kills = trouble,
		.freezes = trouble / 2,
		.seed = seed,
		.keyless = keyless};
	struct crew_result result;
	struct err err = {.msg = ""};
	if (crew_run(&conf, &result, &err) != RC_OK)
		fprintf(stderr, "order: %s\n", err.msg);
	crew_print(&conf, &result);
	return result.ended == events && (crew_wrong(&result) != 0) == keyless;
}

/* A server of its own, and a store of their own for each. */
static bool crews(uint64_t seed)
{
	struct postgres_server server;
	char store[160];
	bool ok = postgres_start(&server, false, NULL);
	if (ok) {
		snprintf(store, sizeof(store), "%s?schema=control", server.url);
		ok = crew(store, 5000, true, seed);
		snprintf(store, sizeof(store), "%s?schema=crew", server.url);
		ok = crew(store, 100000, false, seed) && ok;
	}
	postgres_stop(&server);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)clock_wall_ms();
	char dir[128];
	if (!process_folder(dir))
		return 1;
	const struct order_conf confs[] = {
		{"memory:control", 20000, 1000, 64, 500, seed, true},
		{dir, 100000, 10000, 64, 20000, seed, false},
		{"memory:order", 1000000, 10000, 64, 500, seed, false},
	};
	int status = 0;
	for (size_t i = 0; i < ARRAY_N(confs); i++) {
		struct order_result result;
		struct err err = {0};
		if (order_run(&confs[i], &result, &err) != RC_OK) {
			fprintf(stderr, "order: %s\n", err.msg);
			status = 1;
		}
		order_print(&confs[i], &result);
		fflush(stdout);
		bool disorder =
			result.inversions != 0 || result.overlaps != 0 || result.accepted != 0;
		if (disorder != confs[i].keyless || result.ended != confs[i].events)
			status = 1;
	}
	process_folder_remove(dir);
	return crews(seed) ? status : 1;
}
