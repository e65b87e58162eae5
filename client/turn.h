/* SPDX-License-Identifier: MIT */
/* One call at a time of those that would get in each other's way: they wait for their turn. */
#ifndef MOONHOOK_CLIENT_TURN_H
#define MOONHOOK_CLIENT_TURN_H

#include "client/call.h"

/*
 * From the first step of a call, whose work this becomes. what: what it is about, in one JSON
 * value; TAKES it (NULL: out of memory). *ret_mine: go on; else the call is blocked and begins
 * again later. The turn ends with the call.
 */
enum rc turn_take(struct call *call, json_t *what, bool *ret_mine, struct err *err) must_check;

#endif
