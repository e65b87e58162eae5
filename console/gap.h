/* SPDX-License-Identifier: MIT */
/* What was found by asking that no webhook told of, and how far Twenty has been asked. */
#ifndef MOONHOOK_CONSOLE_GAP_H
#define MOONHOOK_CONSOLE_GAP_H

#include <jansson.h>

#include "base/err.h"

struct queue;

/* {running, stopped, late, requests, objects: [{object, until, asked_ms, swept_ms, problem}]}. The
 * counts are of this daemon's life. GIVES. RC_NOMEM, and as the store fails. */
enum rc gap_describe(struct queue *q, json_t **ret_gap, struct err *err) must_check;

#endif
