/* SPDX-License-Identifier: MIT */
/* Webhooks on their way back to the client: late, in another order, twice, or never. */
#ifndef MOONHOOK_TESTS_SIM_ECHO_H
#define MOONHOOK_TESTS_SIM_ECHO_H

#include "tests/sim/rig/sim.h"

struct echo;

struct echoes {
	struct sim *sim;           /* open */
	int64_t least_ms, most_ms; /* each takes that long, by chance */
	unsigned twice;            /* percent of them come again, a while later */
	bool lost;                 /* none comes from now on */
	int came;                  /* deliveries so far */
	sd_event_source *timer;
	struct echo *first;
};

/* Where sim_conf.event leads; what is on its way already goes on when `lost` is set. */
void echoes_put(struct echoes *echoes, const char *name, const json_t *body);
/* Before sim_close. */
void echoes_close(struct echoes *echoes);

#endif
