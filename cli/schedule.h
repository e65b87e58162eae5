/* SPDX-License-Identifier: MIT */
/* The schedule of a rule by the clock. */
#ifndef MOONHOOK_CLI_SCHEDULE_H
#define MOONHOOK_CLI_SCHEDULE_H

#include <stdint.h>

#include "queue/timer.h"

/* Wall time of the tick behind the last one; 0: there is none. Past: it waits for the run before
 * it, or for the daemon. */
int64_t schedule_next_ms(const struct queue_tick *tick);

#endif
