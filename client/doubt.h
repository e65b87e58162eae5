/* SPDX-License-Identifier: MIT */
/*
 * A 404 and what it is about: the record, the object, or a kind of request that the server does not
 * have. Where its words leave that open, the object is listed once before the answer is passed on.
 */
#ifndef MOONHOOK_CLIENT_DOUBT_H
#define MOONHOOK_CLIENT_DOUBT_H

#include "client/engine.h"

/* A request of this call was answered: its object is there. */
void doubt_answered(struct call *call);
/* Reads a 404. True: reply is what it means, with its message in fault. False: call->request is now
 * a question that has to go out first; its reply comes to call->step as any other does. RC_NOMEM
 * comes as a reply. */
bool doubt_read(struct call *call, struct fault *fault, struct reply *reply) must_check;

#endif
