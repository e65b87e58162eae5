/* SPDX-License-Identifier: MIT */
/* A run as lists show it. */
#ifndef MOONHOOK_CLI_RUNS_H
#define MOONHOOK_CLI_RUNS_H

#include <jansson.h>

#include "queue/queue.h"

/* id event rule state attempt error api_calls started_at ended_at. GIVES; NULL: no memory. */
json_t *runs_row(const struct queue_run_row *run);

#endif
