/* SPDX-License-Identifier: MIT */
/* What the live rules listen to, and which operations of a webhook bring it. */
#ifndef MOONHOOK_CLI_PATTERN_H
#define MOONHOOK_CLI_PATTERN_H

#include <jansson.h>

#include "queue/queue.h"

/* [{"rule": name, "on": pattern}, ..] of what Twenty can send; rules on timers and other sources
 * have no part. GIVES. */
enum rc patterns_read(struct queue *queue, json_t **ret_patterns, struct err *err) must_check;
/* The operations to ask Twenty for: all of each object that a rule listens to ("person.*"), since
 * what came before an event and what became of a write of ours are told by the others; "*.*" where
 * no rule says. GIVES; NULL: no memory. */
json_t *patterns_operations(const json_t *patterns);
/* "person.*,task.*" of --operations. RC_INVALID with a sentence. GIVES. */
enum rc patterns_parse(const char *text, json_t **ret_operations, struct err *err) must_check;
/* "person.*, task.*"; cut at out_n. */
void patterns_format(const json_t *operations, char *out, size_t out_n);

#endif
