/* SPDX-License-Identifier: MIT */
/* What came of a request. */
#ifndef MOONHOOK_CLIENT_ANSWER_H
#define MOONHOOK_CLIENT_ANSWER_H

#include "client/engine.h"

/* Of a call's request; ctx: the call. */
void answer_came(void *ctx, const struct transport_answer *answer);
/* The JSON of an answer; NULL: it is none, or more than can be believed. GIVES. */
json_t *answer_parse(struct slice body);

#endif
