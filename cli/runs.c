/* SPDX-License-Identifier: MIT */
/*
 * The verbs `runs list` and `runs show`.
 * From: main.c. Next: reading.c, with what to ask the store and how its answer looks.
 */
#include "cli/runs.h"

#include <stdio.h>
#include <string.h>

#include "cli/detail.h"
#include "cli/filter.h"
#include "cli/reading.h"

static const struct rows_column columns[] = {{"started_at", "STARTED"}, {"id", "RUN"},
	{"event", "EVENT"}, {"rule", "RULE"}, {"state", "STATE"}, {"attempt", "TRY"},
	{"api_calls", "CALLS"}, {"error", "ERROR"}};

json_t *runs_row(const struct queue_run_row *r)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:i, s:o, s:i, s:o, s:o, s:o}", "id",
		rows_text(r->id), "event", rows_text(r->event), "rule", rows_text(r->rule), "state",
		queue_state_name(r->state), "attempt", r->attempt, "error", rows_text(r->error),
		"api_calls", r->api_calls, "started_at", rows_time(r->started_ms), "ended_at",
		rows_time(r->ended_ms), "error_code", rows_text(r->error_code));
}

static enum rc put_row(void *ctx, const struct queue_run_row *r, struct err *err)
{
	if (rows_put(ctx, runs_row(r)) != RC_OK)
		return err_set(err, RC_NOMEM, "no memory for a row");
	return RC_OK;
}

static enum rc each_row(
	struct queue *queue, const struct queue_filter *filter, struct rows *rows, struct err *err)
{
	return queue_run_each(queue, filter, put_row, rows, err);
}

static int run_list(const struct args *args)
{
	static const struct reading_list list = {columns, ARRAY_N(columns), "no runs", each_row};
	return reading_list(args, &list);
}

/* --- one -------------------------------------------------------------------------------------- */

struct one {
	json_t *row;
	int64_t seq;
};

static enum rc take_one(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct one *one = ctx;
	json_t *row = runs_row(r);
	json_t *more = json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "detail",
		rows_text(r->detail), "key", rows_text(r->key), "deaths", r->deaths, "source",
		rows_text(r->source_hash), "created_at", rows_time(r->created_ms), "due_at",
		rows_time(r->due_ms), "log", detail_lines(r->log));
	int failed = row == NULL || more == NULL || json_object_update(row, more) != 0;
	json_decref(more);
	if (failed != 0) {
		json_decref(row);
		return err_set(err, RC_NOMEM, "no memory for the run");
	}
	one->row = row;
	one->seq = r->seq;
	return RC_OK;
}

/* JSON text as a value; what is empty or broken is null. */
static json_t *value_of(struct slice text)
{
	json_t *v = text.n != 0 ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
	return v != NULL ? v : json_null();
}

static json_t *call_row(const struct queue_call *c)
{
	return json_pack("{s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:i}", "path",
		rows_text(c->path), "method", rows_text(c->method), "object", rows_text(c->object),
		"effect", c->effect, "code", c->answer.n != 0 ? rc_name(c->code) : "unknown",
		"request", value_of(c->request), "answer", value_of(c->answer), "started_at",
		rows_time(c->started_ms), "ended_at", rows_time(c->ended_ms), "requests",
		c->requests);
}

static enum rc add_calls(struct queue *queue, struct one *one, struct err *err)
{
	struct queue_call *calls = NULL;
	size_t n = 0;
	enum rc rc = queue_calls_load(queue, one->seq, &calls, &n, err);
	if (rc != RC_OK)
		return rc;
	json_t *list = json_array();
	int failed = list == NULL;
	for (size_t i = 0; i < n && !failed; i++)
		failed = json_array_append_new(list, call_row(&calls[i]));
	queue_calls_free(calls, n);
	if (json_object_set_new(one->row, "calls", list) != 0 || failed)
		return err_set(err, RC_NOMEM, "no memory for the run's calls");
	return RC_OK;
}

static enum rc read_one(struct queue *queue, const char *id, json_t **ret, struct err *err)
{
	struct one one = {.row = NULL};
	enum rc rc = queue_run_get(queue, id, take_one, &one, err);
	if (rc == RC_OK)
		rc = add_calls(queue, &one, err);
	if (rc == RC_OK)
		*ret = one.row;
	else
		json_decref(one.row);
	return rc;
}

static int run_show(const struct args *args)
{
	static const struct reading_one one = {"name one run: moonhook runs show ID", read_one};
	return reading_one(args, &one);
}

static const struct verb_flag flags[] = {FILTER_FLAGS};

const struct verb verb_runs_list = {
	.noun = "runs",
	.name = "list",
	.operands = FILTER_OPERANDS,
	.summary = "what the rules did, oldest first",
	.text = "Filters: state: rule: event: record: object: error: id:. Lists are complete when\n"
		"standard output is no terminal, the last 50 on one.",
	.examples = {"moonhook runs list state:dead --since 2h",
		"moonhook runs list 'rule:enrich people' --limit 10",
		"moonhook runs list -o jsonl | jq -r 'select(.error) | .error'"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_list,
};

const struct verb verb_runs_show = {
	.noun = "runs",
	.name = "show",
	.operands = "ID",
	.summary = "one run: its log, its API calls, its error",
	.text = "The start of an id is enough where it fits one run only.",
	.examples = {"moonhook runs show 01kavq", "moonhook runs show 01kavq -o json | jq .calls",
		"moonhook runs show 01kavq -o json | jq -r '.log[]'"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_show,
};
