/* SPDX-License-Identifier: MIT */
/* A call from its first step to its answer: where it is, and where it goes. */
#ifndef MOONHOOK_CLIENT_LIFE_H
#define MOONHOOK_CLIENT_LIFE_H

#include "client/engine.h"

/* Does anybody wait for its answer? */
bool life_wanted(const struct call *call);
/* Is its request, or the one that it rides with, on its way? */
bool life_is_out(const struct call *call);

/* A call that is in no list: into its lane (one that nobody wants ends instead), .. */
void life_queue(struct engine *e, struct call *call);
/* .. or not before so many milliseconds. */
void life_delay(struct engine *e, struct call *call, int64_t ms);
/* Out of its lane. */
void life_unqueue(struct engine *e, struct call *call);
/* Out of whatever list it is in. */
void life_detach(struct engine *e, struct call *call);

/* The first step of a call in a lane: it costs nothing, and may end the call. One that wants to
 * send keeps its place. ENDED: somebody was told, and other calls may have gone, too. */
enum life_begun { LIFE_STAYS, LIFE_ENDED };
enum life_begun life_begin(struct engine *e, struct call *call);
void life_begin_all(struct engine *e);
/* Hands a reply to a call that is in no list; it goes on as its step says. */
void life_deliver(struct engine *e, struct call *call, const struct reply *reply);
/* What a step left behind decides where the call goes. */
void life_settle(struct engine *e, struct call *call, enum rc rc, struct err *err);
/* Gives the answer and the call back to nothing. It is in no list any more. */
void life_finish(struct engine *e, struct call *call, enum rc code, const char *message);
/* Forgets what its steps have gathered. */
void life_reset(struct call *call);

#endif
