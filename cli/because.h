/* SPDX-License-Identifier: MIT */
/* What an event came of: the runs and events before it, back to where it began. */
#ifndef MOONHOOK_CLI_BECAUSE_H
#define MOONHOOK_CLI_BECAUSE_H

#include <jansson.h>

#include "queue/queue.h"

/* From the run that caused an event on ("": none): [{run, rule, event, name, record, fields}, ..],
 * the nearest first. GIVES. Steps that retention has removed are left out, and so is what cannot be
 * read. */
json_t *because_read(struct queue *queue, const char *cause);
/* Prints them for people; nothing where there are none. */
void because_show(const json_t *because);

#endif
