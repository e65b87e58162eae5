/* SPDX-License-Identifier: MIT */
/* Calls that wait for the budget: the figures, and one line in the log when it begins to matter and
 * one when it is over. That Twenty is down or refuses the key is said by the client. */
#ifndef MOONHOOK_RUNNER_WAITING_H
#define MOONHOOK_RUNNER_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

struct waiting {          /* zeroed: nobody waits */
	int64_t from_ms;  /* mono: since when, 0: nobody does */
	int64_t last_ms;  /* mono: when somebody was last seen waiting */
	int64_t most;     /* calls at a time */
	int64_t requests; /* sent before */
	bool told;
	int64_t rate; /* requests a minute that the log knows of; 0: none yet, -1: unlimited */
};

/* One look at the client, several times a second. */
void waiting_look(struct waiting *w, const struct client_status *now, int64_t mono_ms);

#endif
