/* SPDX-License-Identifier: MIT */
/*
 * The runner's part of the configuration.
 * From: runner.c, at start and at reload. Fails on a folder name that is too long; everything else
 * has been held against the table below when the file was read.
 */
#include "runner/settings.h"

#include <stdio.h>

#include "runner/run.h"
#include "runner/runner.h"

static const struct conf_option options[] = {
	{"rules", CONF_TEXT, "scripts/rules", 0, 0, NULL,
		"Folder of the rule files (*.lua); the modules they use are in lib beside it"},
	{"workers", CONF_INT, "2", 1, 64, NULL, "Processes that run rules"},
	{"limits.cpu", CONF_DURATION, "1s", 10, 600000, NULL,
		"Processor time of one run; a rule's cpu wins"},
	{"limits.wall", CONF_DURATION, "30s", 100, 86400000, NULL,
		"Time of one run, waiting for Twenty not counted; a rule's timeout wins"},
	{"limits.memory", CONF_BYTES, "64MB", 1 << 20, INT64_C(4) << 30, NULL, "Memory of one run"},
	{"limits.calls", CONF_INT, "1000", 1, 1000000, NULL, "API calls of one run"},
	{"limits.logs", CONF_INT, "1000", 1, 1000000, NULL, "Log lines of one run"},
	{"limits.lease", CONF_DURATION, "15s", 2000, 3600000, NULL,
		"A runner that gives no sign of life for so long is killed and started again"},
	{"limits.runs", CONF_INT, "1024", 1, RUN_SLOTS_MAX, NULL, "Runs at work at once"},
	{"gap.every", CONF_DURATION, "5m", 0, 86400000, NULL,
		"How often Twenty is asked for changes that no webhook told of; 0s: only on "
		"`moonhook reconcile`"},
	{"gap.grace", CONF_DURATION, "30s", 0, 3600000, NULL,
		"Changes younger than this are left to their webhooks"},
	{"gap.sweep", CONF_DURATION, "24h", 0, INT64_C(2592000000), NULL,
		"How often all ids are listed, to find records that were destroyed; 0s: never"},
};

const struct conf_table runner_conf_table = {"runner", options, ARRAY_N(options)};

enum rc settings_read(const struct conf *conf, struct settings *ret_settings, struct err *err)
{
	struct settings s = {
		.workers = (size_t)conf_int(conf, "workers"),
		.runs_max = (size_t)conf_int(conf, "limits.runs"),
		.cpu_ms = conf_int(conf, "limits.cpu"),
		.wall_ms = conf_int(conf, "limits.wall"),
		.memory_bytes = conf_int(conf, "limits.memory"),
		.calls_max = (int)conf_int(conf, "limits.calls"),
		.logs_max = (int)conf_int(conf, "limits.logs"),
		.gap_every_ms = conf_int(conf, "gap.every"),
		.gap_sweep_ms = conf_int(conf, "gap.sweep"),
		.gap_grace_ms = conf_int(conf, "gap.grace"),
		.keep =
			{
				.events_ms = conf_int(conf, "retain.events"),
				.runs_ms = conf_int(conf, "retain.runs"),
				.size_bytes = conf_int(conf, "retain.size"),
			},
	};
	const char *rules = conf_text(conf, "rules");
	int n = snprintf(s.rules, sizeof(s.rules), "%s", rules != NULL ? rules : "");
	if (n < 0 || (size_t)n >= sizeof(s.rules))
		return err_set(err, RC_INVALID, "the name of the rules folder is too long");
	*ret_settings = s;
	return RC_OK;
}
