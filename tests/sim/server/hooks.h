/* SPDX-License-Identifier: MIT */
/* The sender of webhooks where nothing is sent: the body goes to whoever listens, at once. */
#ifndef MOONHOOK_TESTS_SIM_HOOKS_H
#define MOONHOOK_TESTS_SIM_HOOKS_H

#include "base/slice.h"
#include "tests/twin/hook.h"

struct hooks {
	void (*told)(void *ctx, struct slice body);
	void *ctx;
	struct hook_stats stats;
};

#endif
