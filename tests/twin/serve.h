/* SPDX-License-Identifier: MIT */
/* The listener: one thread, its own loop, answers that can wait without holding a thread. */
#ifndef MOONHOOK_TESTS_TWIN_SERVE_H
#define MOONHOOK_TESTS_TWIN_SERVE_H

#include <stdint.h>

#include "base/err.h"
#include "tests/twin/world.h"

struct serve_conf {
	const char *listen; /* "127.0.0.1:3000"; port 0: any free one */
	int64_t latency_ms; /* every answer of the API waits that long */
};

/* Serves until SIGTERM or SIGINT. Prints "listening on http://ADDR:PORT" on stdout when it is
 * ready. RC_IO when it cannot listen. */
enum rc serve_run(struct world *w, const struct serve_conf *conf, struct err *err) must_check;

#endif
