/* SPDX-License-Identifier: MIT */
/* The engine's own questions to the server. */
#ifndef MOONHOOK_CLIENT_QUESTION_H
#define MOONHOOK_CLIENT_QUESTION_H

#include "client/engine.h"

/* Before any call: sends the question that is due. True: calls have to wait, and *ret_at is when to
 * look again (mono, ms). */
bool question_send(struct engine *e, int64_t now_ms, int64_t *ret_at);
/* Is there one to be sent? */
bool question_due(const struct engine *e, int64_t now_ms);

#endif
