/* SPDX-License-Identifier: MIT */
/* A store that has something of everything: for what copies or checks a store as a whole. */
#ifndef MOONHOOK_TESTS_CONFORMANCE_QUEUE_FULL_H
#define MOONHOOK_TESTS_CONFORMANCE_QUEUE_FULL_H

#include "tests/conformance/queue_suite.h"

/* Deliveries routed and not, quarantined, with keys; runs in every state, with journals (an intent
 * without its answer, too), sessions, limits, pauses, timers, what rules keep, copies, ledger,
 * gaps, issues, audit, an erasure. Leaves one run claimed. */
void full_fill(struct suite *s);

#endif
