/* SPDX-License-Identifier: MIT */
/* The lines of `status` about changes that no webhook told of. */
#ifndef MOONHOOK_CLI_GAPS_H
#define MOONHOOK_CLI_GAPS_H

#include <jansson.h>
#include <stdbool.h>

/* One line that sums up, and one for each object that cannot be asked. Nothing where nothing is
 * asked. gap: of the daemon's status. */
void gaps_put(const json_t *gap, void (*label)(const char *text));
/* Do changes come without their webhooks? The alarm. */
bool gaps_alarm(const json_t *gap);

#endif
