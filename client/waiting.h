/* SPDX-License-Identifier: MIT */
/* Who waits, and for what: the part of client_status that people ask for when nothing moves. */
#ifndef MOONHOOK_CLIENT_WAITING_H
#define MOONHOOK_CLIENT_WAITING_H

#include "client/engine.h"

/* Fills rate, lanes, waiting_for and next_ms. Walks the calls: for a look now and then. */
void waiting_read(const struct engine *e, int64_t now_ms, struct client_status *status);

#endif
