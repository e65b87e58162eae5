/* SPDX-License-Identifier: MIT */
/*
 * Order under load: many events over fewer records go through a queue, many runs at once, of random
 * length and outcome; a model of its own says for each start whether it was due.
 */
#ifndef MOONHOOK_TESTS_HARNESS_ORDER_H
#define MOONHOOK_TESTS_HARNESS_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct order_conf {        /* BORROWS */
	const char *store; /* a folder, or memory:name; empty */
	size_t events, records;
	size_t runs;    /* at once */
	size_t backlog; /* routed and not ended, at most */
	uint64_t seed;
	bool keyless; /* the control: runs hold no key, so nothing keeps them in order */
};

struct order_result {
	size_t ended, starts, retries, deaths;
	size_t taken_back; /* runs that were under way when their runner "died" */
	size_t refused;    /* writes with an old epoch, all of which have to be */
	size_t accepted;   /* .. those that were not */
	size_t inversions; /* starts while an older run of the same key had not ended */
	size_t overlaps;   /* starts while another run of the same key was at work */
	size_t most_open, most_live, mean_live;
	int64_t took_ms;
};

/* Runs it to its end, in simulated time. RC_IO and others where the queue fails or the run comes to
 * no end. */
enum rc order_run(const struct order_conf *conf, struct order_result *ret_result, struct err *err);
/* One line for people. */
void order_print(const struct order_conf *conf, const struct order_result *result);

#endif
