/* SPDX-License-Identifier: MIT */
/*
 * The verbs `events list` and `events show`.
 * From: main.c. Next: reading.c, with what to ask the store and how its answer looks.
 */
#include "cli/events.h"

#include <stdio.h>
#include <string.h>

#include "cli/because.h"
#include "cli/detail.h"
#include "cli/filter.h"
#include "cli/reading.h"
#include "cli/runs.h"

static const struct rows_column columns[] = {{"received_at", "RECEIVED"}, {"id", "EVENT"},
	{"source", "SOURCE"}, {"name", "NAME"}, {"record", "RECORD"}, {"via", "VIA"},
	{"state", "STATE"}};

json_t *events_row(const struct queue_event_row *e)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:i}", "id",
		rows_text(e->id), "source", rows_text(e->source), "name", rows_text(e->name),
		"object", rows_text(e->object), "record", rows_text(e->record), "via",
		rows_text(e->via), "state", queue_state_name(e->state), "received_at",
		rows_time(e->received_ms), "cause", rows_text(e->cause), "depth", e->depth);
}

static enum rc put_row(void *ctx, const struct queue_event_row *e, struct err *err)
{
	if (rows_put(ctx, events_row(e)) != RC_OK)
		return err_set(err, RC_NOMEM, "no memory for a row");
	return RC_OK;
}

static enum rc each_row(
	struct queue *queue, const struct queue_filter *filter, struct rows *rows, struct err *err)
{
	return queue_event_each(queue, filter, put_row, rows, err);
}

static int run_list(const struct args *args)
{
	static const struct reading_list list = {
		columns, ARRAY_N(columns), "no events", NULL, each_row};
	return reading_list(args, &list);
}

/* --- one -------------------------------------------------------------------------------------- */

/* The body as JSON where it is some, else as text. */
static json_t *body_of(struct slice body)
{
	json_t *value = json_loadb(body.p != NULL ? body.p : "", body.n, JSON_DECODE_ANY, NULL);
	if (value != NULL || body.n == 0)
		return value != NULL ? value : json_null();
	value = json_stringn(body.p, body.n);
	return value != NULL ? value : json_string("(bytes that are no text)");
}

static enum rc take_one(void *ctx, const struct queue_event_row *e, struct err *err)
{
	json_t **out = ctx;
	char headers[8192];
	snprintf(headers, sizeof(headers), "%.*s", (int)e->headers.n,
		e->headers.p != NULL ? e->headers.p : "");
	json_t *one = events_row(e);
	if (one == NULL || json_object_set_new(one, "reason", rows_text(e->reason)) != 0 ||
		json_object_set_new(one, "headers", detail_lines(headers)) != 0 ||
		json_object_set_new(one, "body", body_of(e->body)) != 0) {
		json_decref(one);
		return err_set(err, RC_NOMEM, "no memory for the event");
	}
	*out = one;
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	json_t *one = runs_row(r);
	if (one == NULL || json_array_append_new(ctx, one) != 0)
		return err_set(err, RC_NOMEM, "no memory for the event's runs");
	return RC_OK;
}

static enum rc is_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	(void)ctx;
	(void)r;
	(void)err;
	return RC_OK;
}

static enum rc read_one(struct queue *queue, const char *id, json_t **ret, struct err *err)
{
	json_t *one = NULL, *runs = json_array();
	enum rc rc = queue_event_get(queue, id, take_one, &one, err);
	struct err other;
	if (rc == RC_NOT_FOUND && queue_run_get(queue, id, is_run, NULL, &other) == RC_OK)
		rc = err_set(err, RC_NOT_FOUND,
			"\"%.40s\" is a run, not an event: moonhook runs show %.40s", id, id);
	if (rc == RC_OK) {
		struct queue_filter f = {.event = json_string_value(json_object_get(one, "id"))};
		rc = queue_run_each(queue, &f, take_run, runs, err);
	}
	const char *cause = json_string_value(json_object_get(one, "cause"));
	if (rc == RC_OK)
		(void)json_object_set_new(
			one, "because", because_read(queue, cause != NULL ? cause : ""));
	if (rc == RC_OK)
		(void)json_object_set(one, "runs", runs);
	json_decref(runs);
	if (rc != RC_OK) {
		json_decref(one);
		return rc;
	}
	*ret = one;
	return RC_OK;
}

/* --- for people ------------------------------------------------------------------------------- */

static void show_runs(const json_t *runs)
{
	static const struct rows_column run_columns[] = {{"id", "RUN"}, {"rule", "RULE"},
		{"state", "STATE"}, {"attempt", "TRY"}, {"api_calls", "CALLS"}, {"ms", "MS"},
		{"error", "ERROR"}};
	json_t *table = json_array();
	for (size_t i = 0; i < json_array_size(runs); i++) {
		json_t *row = json_copy(json_array_get(runs, i));
		int64_t ms = detail_ms(row, "started_at", "ended_at");
		(void)json_object_set_new(row, "ms", ms >= 0 ? json_integer(ms) : json_null());
		(void)json_array_append_new(table, row);
	}
	detail_table("runs", run_columns, ARRAY_N(run_columns), table);
}

static void show_one(const json_t *event)
{
	const char *object = detail_text(event, "object"), *record = detail_text(event, "record");
	const char *source = detail_text(event, "source"), *via = detail_text(event, "via");
	detail_line("event", detail_text(event, "id"));
	detail_line("name", detail_text(event, "name"));
	detail_line("state", detail_text(event, "state"));
	detail_line("reason", detail_text(event, "reason"));
	if (record != NULL)
		detail_printf("record", "%s%s%s", object != NULL ? object : "",
			object != NULL ? " " : "", record);
	detail_line("received", detail_text(event, "received_at"));
	if (source != NULL)
		detail_printf("source", "%s%s%s", source, via != NULL ? ", via " : "",
			via != NULL ? via : "");
	because_show(json_object_get(event, "because"));
	show_runs(json_object_get(event, "runs"));
	detail_list("headers", json_object_get(event, "headers"));
	detail_value("body", json_object_get(event, "body"));
}

static int run_show(const struct args *args)
{
	static const struct reading_one one = {
		"name one event: moonhook events show ID", read_one, show_one};
	return reading_one(args, &one);
}

static const struct verb_flag flags[] = {FILTER_FLAGS};

const struct verb verb_events_list = {
	.noun = "events",
	.name = "list",
	.operands = FILTER_OPERANDS,
	.summary = "what was received, oldest first",
	.text = "Filters: state: source: name: object: record: event: id:. Lists are complete "
		"when\n"
		"standard output is no terminal, the last 50 on one.",
	.examples = {"moonhook events list --since 2h",
		"moonhook events list state:quarantined source:twenty",
		"moonhook events list name:person.created -o jsonl | jq .record"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_list,
};

const struct verb verb_events_show = {
	.noun = "events",
	.name = "show",
	.operands = "ID",
	.summary = "one event: its headers, its body, its runs",
	.text = "The start of an id is enough where it fits one event only. Where the event came "
		"of\n"
		"what a rule wrote, the runs and events before it are shown, the nearest first.",
	.examples = {"moonhook events show 01kavq",
		"moonhook events show 01kavq -o json | jq .body",
		"moonhook events show 01kavq -o json | jq -r '.runs[].error'"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_show,
};
