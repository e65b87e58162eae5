/* SPDX-License-Identifier: MIT */
/* Subscriptions of the world. */
#ifndef MOONHOOK_TESTS_TWIN_WEBHOOKS_H
#define MOONHOOK_TESTS_TWIN_WEBHOOKS_H

#include "tests/twin/world.h"

/* Adds a webhook for everything. secret: "" sends unsigned. False: out of memory. */
bool webhooks_add(struct world *w, const char *url, const char *secret) must_check;

#endif
