/* SPDX-License-Identifier: MIT */
/* Orders on their way from the console to the runner, and their answers on the way back. */
#ifndef MOONHOOK_CLI_RELAY_H
#define MOONHOOK_CLI_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "cli/child.h"

#define RELAY_MAX 64 /* orders under way */

struct relay { /* zeroed: none */
	struct relay_order {
		uint64_t number; /* ours, towards the runner */
		char token[24];  /* the console's */
	} orders[RELAY_MAX];
	size_t n;
	uint64_t last;
};

/* An order of the console: "TOKEN UID JSON". It is passed on to the runner (NULL: not selected), or
 * refused at once. */
void relay_order(
	struct relay *relay, struct child *console, struct child *runner, struct slice text);
/* The runner's answer: "NUMBER JSON". One that nobody waits for any more is dropped. */
void relay_answer(struct relay *relay, struct child *console, struct slice text);
/* The runner ended: everybody who waits for it is told. */
void relay_lost(struct relay *relay, struct child *console);
/* The console ended, and everybody who waits with it. */
void relay_forget(struct relay *relay);

#endif
