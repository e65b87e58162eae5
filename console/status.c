/* SPDX-License-Identifier: MIT */
/*
 * Gathers the state of everything into one JSON object.
 * From: control.c. Reads the store through a reader of its own for each question, so that no old
 * snapshot holds the WAL. A store that cannot be read is part of the answer, not a failure.
 */
#include "console/status.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/version.h"
#include "console/gap.h"
#include "queue/cluster.h"
#include "queue/pause.h"
#include "queue/place.h"
#include "queue/server.h"

static json_t *count_states(const int64_t counts[static QUEUE_STATE_N])
{
	json_t *out = json_object();
	for (int i = 0; i < QUEUE_STATE_N && out != NULL; i++)
		if (json_object_set_new(out, queue_state_name((enum queue_state)i),
			    json_integer((json_int_t)counts[i])) != 0)
			break;
	return out;
}

/* Bytes that are no UTF-8 become null. */
static json_t *text(const char *s)
{
	json_t *t = s != NULL && s[0] != '\0' ? json_string(s) : NULL;
	return t != NULL ? t : json_null();
}

static enum rc add_rule(void *ctx, const struct queue_rule *r, struct err *err)
{
	json_t *one = json_pack("{s:o, s:o, s:i, s:o, s:o, s:o}", "name", text(r->name), "file",
		text(r->file), "line", r->line, "on", text(r->on), "state", text(r->state), "error",
		text(r->error));
	if (one == NULL || json_array_append_new(ctx, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for the list of rules");
	return RC_OK;
}

static enum rc add_issue(void *ctx, const struct queue_issue *issue, struct err *err)
{
	json_t *counts = ctx;
	json_int_t n = json_integer_value(json_object_get(counts, issue->kind));
	if (!issue->acknowledged &&
		json_object_set_new(counts, issue->kind, json_integer(n + 1)) != 0)
		return err_set(err, RC_NOMEM, "no memory for the list of issues");
	return RC_OK;
}

static enum rc add_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	json_t *one = json_pack("{s:o, s:o, s:I, s:b}", "rule", text(pause->rule), "why",
		text(pause->why), "since_ms", (json_int_t)pause->since_ms, "ending", pause->ending);
	if (one == NULL || json_array_append_new(ctx, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for the list of pauses");
	return RC_OK;
}

static bool is_paused(const json_t *pauses, const char *name)
{
	size_t k;
	json_t *pause;
	json_array_foreach(pauses, k, pause)
	{
		const char *of = json_string_value(json_object_get(pause, "rule"));
		bool ending = json_is_true(json_object_get(pause, "ending"));
		if (of != NULL && !ending && (strcmp(of, "*") == 0 || strcmp(of, name) == 0))
			return true;
	}
	return false;
}

/* What is paused is not "live". */
static void mark_paused(json_t *rules, const json_t *pauses)
{
	size_t i;
	json_t *rule;
	json_array_foreach(rules, i, rule)
	{
		const char *name = json_string_value(json_object_get(rule, "name"));
		const char *state = json_string_value(json_object_get(rule, "state"));
		bool live = state != NULL && strcmp(state, "live") == 0;
		if (live && name != NULL && is_paused(pauses, name))
			(void)json_object_set_new(rule, "state", json_string("paused"));
	}
}

static enum rc read_hand(struct queue *q, json_t *out, json_t *rules, struct err *err)
{
	json_t *issues = json_object(), *pauses = json_array();
	enum rc rc = queue_issue_each(q, add_issue, issues, err);
	if (rc == RC_OK)
		rc = queue_pause_each(q, add_pause, pauses, err);
	if (rc == RC_OK) {
		mark_paused(rules, pauses);
		(void)json_object_set(out, "issues", issues);
		(void)json_object_set(out, "pauses", pauses);
	}
	json_decref(issues);
	json_decref(pauses);
	return rc;
}

static enum rc add_runner(void *ctx, const struct queue_peer *p, struct err *err)
{
	json_t *one = json_pack("{s:o, s:b, s:I, s:I}", "name", text(p->name), "leads", p->leads,
		"quiet_ms", (json_int_t)p->quiet_ms, "running", (json_int_t)p->running_n);
	if (one == NULL || json_array_append_new(ctx, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for the list of runners");
	return RC_OK;
}

/* Of a store that is shared: who carries out its runs, on whatever machine. */
static enum rc read_runners(struct queue *q, json_t *out, struct err *err)
{
	if (!queue_shared(q))
		return RC_OK;
	json_t *runners = json_array();
	enum rc rc = queue_peer_each(q, add_runner, runners, err);
	if (rc == RC_OK)
		(void)json_object_set(out, "runners", runners);
	json_decref(runners);
	return rc;
}

static enum rc read_store(const struct queue_place *place, json_t *out, struct err *err)
{
	struct queue *q = NULL;
	struct queue_counts counts;
	json_t *rules = json_array(), *gap = NULL;
	enum rc rc = queue_place_open(place, QUEUE_READER, 0, &q, err);
	if (rc == RC_OK)
		rc = queue_count(q, &counts, err);
	if (rc == RC_OK)
		rc = queue_rule_each(q, add_rule, rules, err);
	if (rc == RC_OK)
		rc = read_hand(q, out, rules, err);
	if (rc == RC_OK)
		rc = gap_describe(q, &gap, err);
	if (rc == RC_OK)
		rc = read_runners(q, out, err);
	queue_close(q);
	if (rc == RC_OK) {
		int64_t oldest = counts.oldest_open_ms;
		(void)json_object_set_new(out, "events", count_states(counts.events));
		(void)json_object_set_new(out, "runs", count_states(counts.runs));
		(void)json_object_set_new(out, "oldest_ms",
			json_integer((json_int_t)(oldest != 0 ? clock_wall_ms() - oldest : 0)));
		(void)json_object_set(out, "rules", rules);
		(void)json_object_set(out, "gap", gap);
	}
	json_decref(rules);
	json_decref(gap);
	return rc;
}

/* Which calls wait, for what, and until when something moves again. */
static json_t *add_waiting(json_t *api)
{
	bool budget = metrics_value(METRIC_API_HELD_BUDGET) != 0;
	bool held = budget || metrics_value(METRIC_API_HELD_TWENTY) != 0;
	int64_t rate = metrics_value(METRIC_API_RATE);
	json_t *lanes = json_pack("{s:I, s:I, s:I, s:I}", "live",
		(json_int_t)metrics_value(METRIC_API_LANE_LIVE), "retry",
		(json_int_t)metrics_value(METRIC_API_LANE_RETRY), "gap",
		(json_int_t)metrics_value(METRIC_API_LANE_GAP), "backfill",
		(json_int_t)metrics_value(METRIC_API_LANE_BACKFILL));
	json_t *next =
		held ? json_integer((json_int_t)metrics_value(METRIC_API_NEXT)) : json_null();
	(void)json_object_set_new(api, "waiting_for",
		json_string(budget ? "budget"
			    : held ? "twenty"
				   : ""));
	(void)json_object_set_new(api, "next_ms", next);
	(void)json_object_set_new(
		api, "per_minute", rate > 0 ? json_integer((json_int_t)rate) : json_null());
	(void)json_object_set_new(api, "lanes", lanes);
	return api;
}

static json_t *describe_api(const json_t *daemon)
{
	static const char *const dialects[] = {"unknown", "core", "docs"};
	int64_t dialect = metrics_value(METRIC_API_DIALECT);
	bool refused = metrics_value(METRIC_API_REFUSED) != 0;
	bool unreachable = metrics_value(METRIC_API_UNREACHABLE) != 0;
	int64_t tokens = metrics_value(METRIC_API_TOKENS);
	const char *problem = json_string_value(json_object_get(daemon, "problem"));
	if ((problem == NULL || problem[0] == '\0') && refused)
		problem = "Twenty refuses the API key; put a valid one into twenty.key, then "
			  "restart moonhook";
	else if ((problem == NULL || problem[0] == '\0') && unreachable)
		problem = "Twenty cannot be reached; its calls wait until it answers";
	json_t *out = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:s, s:b, s:b, s:o}", "calls",
		(json_int_t)metrics_value(METRIC_API_CALLS), "requests",
		(json_int_t)metrics_value(METRIC_API_REQUESTS), "tokens",
		tokens >= 0 ? json_integer((json_int_t)tokens) : json_null(), "waiting",
		(json_int_t)metrics_value(METRIC_API_WAITING), "limited",
		(json_int_t)metrics_value(METRIC_API_LIMITED), "failed",
		(json_int_t)metrics_value(METRIC_API_FAILED), "dialect",
		dialects[dialect >= 0 && dialect <= 2 ? dialect : 0], "reachable", !unreachable,
		"refused", refused, "problem", text(problem));
	return add_waiting(out);
}

/* What keeps the store from being written; NULL: nothing. STATIC. */
static const char *store_problem(void)
{
	if (metrics_value(METRIC_STORE_FULL_RECEIVER) != 0)
		return "the disk of the store is full: deliveries are refused until there is room";
	if (metrics_value(METRIC_STORE_FULL_RUNNER) != 0)
		return "the disk of the store is full: runs wait until there is room";
	if (metrics_value(METRIC_STORE_FAILING) != 0)
		return "the store cannot be written";
	return NULL;
}

/* What became of deliveries since the start, by how they were answered. */
static json_t *describe_deliveries(void)
{
	static const struct {
		const char *name;
		enum metric metric;
	} outcomes[] = {{"stored", METRIC_HOOK_STORED}, {"repeated", METRIC_HOOK_REPEATED},
		{"malformed", METRIC_HOOK_MALFORMED}, {"unauthorized", METRIC_HOOK_UNSIGNED},
		{"unknown_source", METRIC_HOOK_UNKNOWN}, {"too_large", METRIC_HOOK_TOO_LARGE},
		{"unavailable", METRIC_HOOK_UNAVAILABLE}};
	json_t *out = json_object();
	for (size_t i = 0; i < ARRAY_N(outcomes); i++)
		(void)json_object_set_new(out, outcomes[i].name,
			json_integer((json_int_t)metrics_value(outcomes[i].metric)));
	return out;
}

static bool has_process(const json_t *processes, const char *name)
{
	size_t i;
	json_t *p;
	json_array_foreach((json_t *)(uintptr_t)processes, i, p)
	{
		const char *has = json_string_value(json_object_get(p, "name"));
		if (has != NULL && strcmp(has, name) == 0)
			return true;
	}
	return false;
}

/* Of a receiver whose store is in a database: what waits in the spool of this machine. */
static void add_spool(const struct queue_place *place, const json_t *processes, json_t *out)
{
	if (!has_process(processes, "receiver") || !queue_place_away(place))
		return;
	(void)json_object_set_new(out, "spool",
		json_pack("{s:b, s:I, s:I, s:I, s:I}", "used",
			metrics_value(METRIC_STORE_AWAY) != 0, "deliveries",
			(json_int_t)metrics_value(METRIC_SPOOL_DELIVERIES), "bytes",
			(json_int_t)metrics_value(METRIC_SPOOL_BYTES), "spooled",
			(json_int_t)metrics_value(METRIC_SPOOLED), "outages",
			(json_int_t)metrics_value(METRIC_STORE_OUTAGES)));
}

/* A receiver's user that may not read the work, as it should be on a machine with receivers alone?
 */
static bool is_kept_out(const struct queue_place *place, const json_t *processes)
{
	struct queue_server server;
	struct err err;
	return queue_place_away(place) && has_process(processes, "receiver") &&
	       !has_process(processes, "runner") &&
	       queue_server_read(place, QUEUE_SERVER_CONSOLE, &server, &err) == RC_OK &&
	       server.lacks[0] != '\0';
}

json_t *status_describe(const struct queue_place *place, const json_t *daemon)
{
	struct err err = {.msg = ""};
	json_t *uptime = json_object_get(daemon, "uptime_ms");
	json_t *processes = json_object_get(daemon, "processes");
	json_t *out = json_pack("{s:b, s:s, s:O?, s:O?, s:o, s:I, s:o, s:n, s:n, s:n}", "ok", 1,
		"version", version_text(), "uptime_ms", uptime, "processes", processes, "api",
		describe_api(daemon), "workers", (json_int_t)metrics_value(METRIC_WORKERS),
		"deliveries", describe_deliveries(), "events", "runs", "rules");
	if (out == NULL)
		return NULL;
	add_spool(place, processes, out);
	enum rc rc = read_store(place, out, &err);
	if (rc != RC_OK && is_kept_out(place, processes))
		(void)json_object_set_new(out, "store_unread",
			json_string("its user does not read the work: ask where a runner is"));
	else if (rc != RC_OK)
		(void)json_object_set_new(out, "store_problem", text(err.msg));
	else if (store_problem() != NULL)
		(void)json_object_set_new(out, "store_problem", json_string(store_problem()));
	return out;
}
