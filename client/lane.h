/* SPDX-License-Identifier: MIT */
/* Calls that wait, oldest first. */
#ifndef MOONHOOK_CLIENT_LANE_H
#define MOONHOOK_CLIENT_LANE_H

#include "client/engine.h"

/* A call that was there before keeps its place before younger ones. */
void lane_put(struct lane *lane, struct call *call);
void lane_drop(struct lane *lane, struct call *call);

#endif
