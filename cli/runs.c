/* SPDX-License-Identifier: MIT */
/*
 * The verbs `runs list` and `runs show`.
 * From: main.c. Next: reading.c, with what to ask the store and how its answer looks.
 */
#include "cli/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "cli/because.h"
#include "cli/detail.h"
#include "cli/filter.h"
#include "cli/reading.h"

#define RULES_MAX 200 /* names that are looked at for one that was meant */
#define BRIEF_MAX 60  /* characters of arguments and answers */

static const struct rows_column columns[] = {{"started_at", "STARTED"}, {"id", "RUN"},
	{"event", "EVENT"}, {"rule", "RULE"}, {"state", "STATE"}, {"mode", "MODE"},
	{"attempt", "TRY"}, {"api_calls", "CALLS"}, {"error", "ERROR"}};

json_t *runs_row(const struct queue_run_row *r)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:i, s:o, s:i, s:o, s:o, s:o, s:s?}", "id",
		rows_text(r->id), "event", rows_text(r->event), "rule", rows_text(r->rule), "state",
		queue_state_name(r->state), "attempt", r->attempt, "error", rows_text(r->error),
		"api_calls", r->api_calls, "started_at", rows_time(r->started_ms), "ended_at",
		rows_time(r->ended_ms), "error_code", rows_text(r->error_code), "mode",
		r->shadow ? "shadow" : NULL);
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

struct search { /* for a rule's name */
	const char *wanted;
	const char *words[RULES_MAX + 1];
	char *names[RULES_MAX];
	size_t n;
	bool found;
};

static enum rc take_name(void *ctx, const struct queue_rule *rule, struct err *err)
{
	struct search *s = ctx;
	(void)err;
	s->found = s->found || strcmp(rule->name, s->wanted) == 0;
	if (rule->name[0] != '\0' && s->n < RULES_MAX && (s->names[s->n] = strdup(rule->name)))
		s->words[s->n] = s->names[s->n], s->n++;
	return RC_OK;
}

static enum rc take_any(void *ctx, const struct queue_run_row *r, struct err *err)
{
	(void)r;
	(void)err;
	*(bool *)ctx = true;
	return RC_OK;
}

/* A name that no rule has, and none that has run here had, is probably mistyped. */
static void missed(struct queue *queue, const struct queue_filter *filter)
{
	struct search s = {.wanted = filter->rule};
	struct queue_filter runs = {.rule = filter->rule, .limit = 1};
	struct err err = {.msg = ""};
	if (filter->rule == NULL)
		return;
	if (queue_rule_each(queue, take_name, &s, &err) == RC_OK && !s.found &&
		queue_run_each(queue, &runs, take_any, &s.found, &err) == RC_OK && !s.found) {
		const char *near = conf_nearest(filter->rule, s.words);
		(void)args_fail(CLI_OK, "no rule named \"%s\" is known%s%s%s", filter->rule,
			near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
			near != NULL ? "\"?" : "; `moonhook status` lists them");
	}
	for (size_t i = 0; i < s.n; i++)
		free(s.names[i]);
}

static int run_list(const struct args *args)
{
	static const struct reading_list list = {
		columns, ARRAY_N(columns), "no runs", missed, each_row};
	return reading_list(args, &list);
}

/* --- one -------------------------------------------------------------------------------------- */

struct one {
	json_t *row;
	int64_t seq;
	bool ended;
};

static enum rc take_one(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct one *one = ctx;
	json_t *row = runs_row(r);
	json_t *more = json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:b, s:o, s:o, s:i}", "detail",
		rows_text(r->detail), "key", rows_text(r->key), "deaths", r->deaths, "source",
		rows_text(r->source_hash), "created_at", rows_time(r->created_ms), "due_at",
		rows_time(r->due_ms > 0 ? r->due_ms : 0), "parked",
		r->state == QUEUE_WAITING && r->due_ms < 0 && r->due_ms != QUEUE_LIMITED, "log",
		detail_lines(r->log), "cause", rows_text(r->cause), "depth", r->depth);
	int failed =
		row == NULL || more == NULL || json_object_update(row, more) != 0 ||
		json_object_set_new(row, "limited", json_boolean(r->due_ms == QUEUE_LIMITED)) != 0;
	json_decref(more);
	if (failed != 0) {
		json_decref(row);
		return err_set(err, RC_NOMEM, "no memory for the run");
	}
	one->row = row;
	one->seq = r->seq;
	one->ended = r->ended_ms != 0;
	return RC_OK;
}

/* JSON text as a value; what is empty or broken is null. */
static json_t *value_of(struct slice text)
{
	json_t *v = text.n != 0 ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
	return v != NULL ? v : json_null();
}

/* What is asked has no answer yet; of a run that has ended, nobody knows it. */
static const char *call_code(const struct queue_call *c, bool ended)
{
	if (c->requests == QUEUE_NOT_SENT)
		return "not sent";
	return c->answer.n != 0 ? rc_name(c->code) : ended ? "unknown" : "waiting";
}

static json_t *call_row(const struct queue_call *c, bool ended)
{
	return json_pack("{s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:i}", "path",
		rows_text(c->path), "method", rows_text(c->method), "object", rows_text(c->object),
		"effect", c->effect, "code", call_code(c, ended), "request", value_of(c->request),
		"answer", value_of(c->answer), "started_at", rows_time(c->started_ms), "ended_at",
		rows_time(c->ended_ms), "requests", c->requests > 0 ? c->requests : 0);
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
		failed = json_array_append_new(list, call_row(&calls[i], one->ended));
	queue_calls_free(calls, n);
	if (json_object_set_new(one->row, "calls", list) != 0 || failed)
		return err_set(err, RC_NOMEM, "no memory for the run's calls");
	return RC_OK;
}

static enum rc take_joined(void *ctx, const struct queue_joined *e, struct err *err)
{
	json_t *one = json_pack("{s:o, s:o, s:o, s:o}", "id", rows_text(e->id), "name",
		rows_text(e->name), "received_at", rows_time(e->received_ms), "hidden",
		rows_text(e->hidden));
	return json_array_append_new(ctx, one) == 0
		       ? RC_OK
		       : err_set(err, RC_NOMEM, "no memory for the run's events");
}

/* Those that a run stands for (settle, batch); of most runs there is one. */
static enum rc add_events(struct queue *queue, struct one *one, struct err *err)
{
	json_t *list = json_array();
	enum rc rc = queue_joined_each(queue, one->seq, take_joined, list, err);
	if (json_object_set_new(one->row, "events", list) != 0 && rc == RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for the run's events");
	return rc;
}

static enum rc is_event(void *ctx, const struct queue_event_row *e, struct err *err)
{
	(void)ctx;
	(void)e;
	(void)err;
	return RC_OK;
}

static enum rc read_one(struct queue *queue, const char *id, json_t **ret, struct err *err)
{
	struct one one = {.row = NULL};
	enum rc rc = queue_run_get(queue, id, take_one, &one, err);
	struct err other;
	if (rc == RC_NOT_FOUND && queue_event_get(queue, id, is_event, NULL, &other) == RC_OK)
		return err_set(err, RC_NOT_FOUND,
			"\"%.40s\" is an event, not a run: moonhook events show %.40s", id, id);
	if (rc == RC_OK)
		rc = add_calls(queue, &one, err);
	if (rc == RC_OK)
		rc = add_events(queue, &one, err);
	const char *cause = detail_text(one.row, "cause");
	if (rc == RC_OK)
		(void)json_object_set_new(
			one.row, "because", because_read(queue, cause != NULL ? cause : ""));
	if (rc == RC_OK)
		*ret = one.row;
	else
		json_decref(one.row);
	return rc;
}

/* --- for people ------------------------------------------------------------------------------- */

static void show_events(const json_t *events)
{
	size_t n = json_array_size(events);
	if (n < 2)
		return;
	detail_printf("events", "%zu are this one run, the last is %s; all of them: -o json", n,
		detail_text(json_array_get(events, n - 1), "id"));
}

static void show_head(const json_t *run)
{
	const char *state = detail_text(run, "state"), *code = detail_text(run, "error_code");
	const char *ended = detail_text(run, "ended_at"), *began = detail_text(run, "started_at");
	bool bad =
		state != NULL && (strcmp(state, "dead") == 0 || strcmp(state, "quarantined") == 0);
	json_int_t deaths = json_integer_value(json_object_get(run, "deaths"));
	int64_t ms = detail_ms(run, "started_at", "ended_at");
	char span[32] = "", rule[160];
	if (ms >= 0)
		detail_span(ms, span);
	snprintf(rule, sizeof(rule), "\"%.150s\"", detail_text(run, "rule"));
	detail_line("run", detail_text(run, "id"));
	detail_line("rule", rule);
	detail_printf("state", "%s%s%s%s", state, code != NULL ? " (" : "",
		code != NULL ? code : "", code != NULL ? ")" : "");
	if (detail_text(run, "mode") != NULL)
		detail_line("mode", "shadow: its effects are recorded here, none was sent");
	detail_line(bad ? "error" : "reason", detail_text(run, "error"));
	bool loops = code != NULL && strcmp(code, "loop") == 0;
	detail_line(loops ? "chain" : "where", detail_text(run, "detail"));
	detail_printf("attempt", "%" JSON_INTEGER_FORMAT,
		json_integer_value(json_object_get(run, "attempt")));
	detail_line("event", detail_text(run, "event"));
	show_events(json_object_get(run, "events"));
	detail_line("key", detail_text(run, "key"));
	detail_line("created", detail_text(run, "created_at"));
	if (json_is_true(json_object_get(run, "parked")))
		detail_line("parked", "its rule is paused: moonhook rules list");
	if (json_is_true(json_object_get(run, "limited")))
		detail_line("waits", "as many runs of its rule as `concurrency` says are at work");
	detail_line("due", ended == NULL ? detail_text(run, "due_at") : NULL);
	if (began != NULL)
		detail_printf("started", "%s%s%s", began, ms >= 0 ? ", took " : "", span);
	if (deaths != 0)
		detail_printf("deaths", "%" JSON_INTEGER_FORMAT " workers died under it", deaths);
}

/* A call as its table shows it. GIVES. */
static json_t *brief_call(const json_t *call)
{
	int64_t ms = detail_ms(call, "started_at", "ended_at");
	return json_pack("{s:O, s:O, s:O, s:O, s:o, s:O, s:o, s:o}", "path",
		json_object_get(call, "path"), "method", json_object_get(call, "method"), "object",
		json_object_get(call, "object"), "code", json_object_get(call, "code"), "ms",
		ms >= 0 ? json_integer(ms) : json_null(), "requests",
		json_object_get(call, "requests"), "args",
		detail_brief(json_object_get(call, "request"), BRIEF_MAX), "answer",
		detail_brief(json_object_get(call, "answer"), BRIEF_MAX));
}

static void show_one(const json_t *run)
{
	static const struct rows_column call_columns[] = {{"path", "CALL"}, {"method", "METHOD"},
		{"object", "OBJECT"}, {"code", "STATUS"}, {"ms", "MS"}, {"requests", "REQUESTS"},
		{"args", "ARGUMENTS"}, {"answer", "ANSWER"}};
	const json_t *calls = json_object_get(run, "calls");
	json_t *table = json_array();
	show_head(run);
	because_show(json_object_get(run, "because"));
	for (size_t i = 0; i < json_array_size(calls); i++) {
		json_t *row = brief_call(json_array_get(calls, i));
		(void)json_array_append_new(table, row);
	}
	detail_table("calls", call_columns, ARRAY_N(call_columns), table);
	detail_list("log", json_object_get(run, "log"));
	if (strcmp(detail_text(run, "state"), "running") == 0)
		fputs("\nwhether calls wait, and for what: moonhook status\n", stderr);
	fflush(stdout);
	if (json_array_size(calls) != 0)
		fprintf(stderr, "\narguments and answers whole: moonhook runs show %s -o json\n",
			detail_text(run, "id"));
}

static int run_show(const struct args *args)
{
	static const struct reading_one one = {
		"name one run: moonhook runs show ID", read_one, show_one};
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
	.text = "The start of an id is enough where it fits one run only. The status of a call is "
		"ok,\n"
		"waiting (it has no answer yet), not sent (its rule is in shadow mode), unknown "
		"(nobody\n"
		"knows whether it was done), or the code of its error. MS is its time with "
		"waiting; one\n"
		"of its REQUESTS may have served calls of other runs, too.",
	.examples = {"moonhook runs show 01kavq", "moonhook runs show 01kavq -o json | jq .calls",
		"moonhook runs show 01kavq -o json | jq -r '.log[]'"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_show,
};
