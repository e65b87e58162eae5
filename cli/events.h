/* SPDX-License-Identifier: MIT */
/* An event as lists show it. */
#ifndef MOONHOOK_CLI_EVENTS_H
#define MOONHOOK_CLI_EVENTS_H

#include <jansson.h>

#include "queue/queue.h"

/* id source name object record via state received_at. GIVES; NULL: no memory. */
json_t *events_row(const struct queue_event_row *event);

#endif
