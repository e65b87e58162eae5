/* SPDX-License-Identifier: MIT */
/* What the configuration says about running rules, as numbers. */
#ifndef MOONHOOK_RUNNER_SETTINGS_H
#define MOONHOOK_RUNNER_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "queue/queue.h"

struct settings {
	char rules[4096];        /* folder of the rule files */
	size_t workers;          /* processes that run rules */
	size_t runs_max;         /* live runs at once */
	int64_t cpu_ms, wall_ms; /* of one run, where its rule names none */
	int64_t memory_bytes;    /* of one run */
	int calls_max, logs_max; /* of one run */
	int64_t gap_every_ms;    /* between two looks for what no webhook told of; 0: never */
	int64_t gap_sweep_ms;    /* between two sweeps of an object; 0: never */
	int64_t gap_grace_ms;    /* what is younger is left to its webhook */
	struct queue_retention keep;
};

/* Reads them from conf, which has checked their bounds. RC_INVALID: the folder's name is too long.
 */
enum rc settings_read(
	const struct conf *conf, struct settings *ret_settings, struct err *err) must_check;

#endif
