/* SPDX-License-Identifier: MIT */
/*
 * Is the daemon there, and what is it unhappy with?
 * From: doctor.c, with the answer of its control socket, or with what the store tells instead.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

static int64_t number_at(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

void judge_age(int64_t ms, char ret_text[static 24])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
	for (size_t i = 0; i < ARRAY_N(units); i++) {
		if (ms < 2 * units[i].ms && i + 1 < ARRAY_N(units))
			continue;
		snprintf(ret_text, 24, "%" PRId64 " %s", ms / units[i].ms, units[i].unit);
		return;
	}
}

static void judge_absence(struct findings *f, const struct queue_health *h)
{
	struct finding *row;
	int pid = h != NULL ? h->receiver_pid != 0 ? h->receiver_pid : h->runner_pid : 0;
	if (pid != 0) {
		row = finding_put(f, "daemon", FINDING_FAIL,
			"process %d works on this store, but nobody answers at its control socket",
			pid);
		finding_fix(row, "is `control` the same in both configurations? see its log, or "
				 "restart it");
		return;
	}
	row = finding_put(f, "daemon", FINDING_WARN,
		"the daemon is not running: what Twenty sends meanwhile is lost, and is looked for "
		"at its next start");
	finding_fix(row, "moonhook serve");
}

static void judge_processes(struct findings *f, const json_t *processes)
{
	size_t i;
	json_t *p;
	json_array_foreach((json_t *)(uintptr_t)processes, i, p)
	{
		int64_t restarts = number_at(p, "restarts");
		if (restarts == 0)
			continue;
		struct finding *row = finding_put(f, "daemon", FINDING_WARN,
			"its %s has been restarted %" PRId64 " time%s", text_at(p, "name"),
			restarts, restarts == 1 ? "" : "s");
		finding_fix(row, "the log says why");
	}
}

static void judge_api(struct findings *f, const json_t *api)
{
	const char *problem = text_at(api, "problem");
	if (problem[0] == '\0')
		return;
	struct finding *row =
		finding_put(f, "daemon", FINDING_FAIL, "the daemon says: %s", problem);
	if (json_is_true(json_object_get(api, "refused")))
		finding_fix(row, "restart it, so that it reads the key again");
}

/* What the receiver has turned away since it was started. */
static void judge_refusals(struct findings *f, const json_t *deliveries)
{
	int64_t bad = number_at(deliveries, "unauthorized"),
		unknown = number_at(deliveries, "unknown_source");
	int64_t busy = number_at(deliveries, "unavailable");
	struct finding *row;
	if (bad > 0) {
		row = finding_put(f, "deliveries", FINDING_WARN,
			"%" PRId64 " deliver%s refused since the start: unsigned, or signed with "
			"another secret",
			bad, bad == 1 ? "y was" : "ies were");
		finding_fix(row, "moonhook webhook list");
	}
	if (unknown > 0) {
		row = finding_put(f, "deliveries", FINDING_WARN,
			"%" PRId64 " deliver%s refused since the start: the path names no source",
			unknown, unknown == 1 ? "y was" : "ies were");
		finding_fix(row, "moonhook webhook list");
	}
	if (busy > 0) {
		row = finding_put(f, "deliveries", FINDING_WARN,
			"%" PRId64
			" deliver%s refused with 503 since the start, and Twenty sends none "
			"again",
			busy, busy == 1 ? "y was" : "ies were");
		finding_fix(row, "the log says why");
	}
}

/* What is acknowledged and lies on this machine alone until the database has it. */
static void judge_spool(struct findings *f, const json_t *spool)
{
	int64_t n = number_at(spool, "deliveries"), outages = number_at(spool, "outages");
	struct finding *row;
	if (json_is_true(json_object_get(spool, "used")) || n > 0) {
		row = finding_put(f, "spool", FINDING_WARN,
			"%" PRId64 " deliver%s wait%s in the spool of this machine (%.1f MB) for "
			"the database",
			n, n == 1 ? "y" : "ies", n == 1 ? "s" : "",
			(double)number_at(spool, "bytes") / 1e6);
		finding_fix(row, "let the database take writes; keep `spool.folder` until they are "
				 "there, and mind `spool.max`");
	} else if (spool != NULL) {
		finding_put(f, "spool", FINDING_OK,
			"the spool is empty; %" PRId64 " deliver%s went by it since the start, in "
			"%" PRId64 " outage%s",
			number_at(spool, "spooled"), number_at(spool, "spooled") == 1 ? "y" : "ies",
			outages, outages == 1 ? "" : "s");
	}
}

void judge_daemon(
	struct findings *findings, const json_t *status, const struct queue_health *health)
{
	char up[24];
	if (status == NULL) {
		judge_absence(findings, health);
		return;
	}
	judge_age(number_at(status, "uptime_ms"), up);
	int64_t workers = number_at(status, "workers");
	finding_put(findings, "daemon", FINDING_OK, "daemon %s, up %s, %" PRId64 " worker%s",
		text_at(status, "version"), up, workers, workers == 1 ? "" : "s");
	const char *store = text_at(status, "store_problem");
	if (store[0] != '\0')
		finding_put(findings, "daemon", FINDING_FAIL, "the daemon says: %s", store);
	judge_api(findings, json_object_get(status, "api"));
	judge_processes(findings, json_object_get(status, "processes"));
	judge_refusals(findings, json_object_get(status, "deliveries"));
	judge_spool(findings, json_object_get(status, "spool"));
}
