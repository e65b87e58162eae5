/* SPDX-License-Identifier: MIT */
/*
 * Order at length: 1,000,000 events over 10,000 records in memory, 100,000 in SQLite, 64 runs at
 * once, and the control without keys. Ends with 1 where one run was out of order, or the control
 * was not.
 *
 * Usage: bench-order [seed]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/harness/order.h"
#include "tests/harness/process.h"

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
	return status;
}
