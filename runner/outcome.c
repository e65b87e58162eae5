/* SPDX-License-Identifier: MIT */
/*
 * The end of a run, or of an attempt.
 * From: assign.c (END frames), call.c, watch.c, drain.c. To: queue_finish, the log, the metrics.
 * The fate of a code decides between retry and dead letter, and nothing else does. What a worker
 * says is hostile: words it may not say end the worker. Fails by ending the process where the store
 * fails.
 */
#include "runner/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/assign.h"
#include "runner/call.h"
#include "runner/issue.h"
#include "runner/report.h"
#include "runner/retry.h"
#include "runner/scan.h"
#include "runner/state.h"

#define DELAY_MIN_MS 1000 /* of retry_after: it uses up no attempt, so it must not spin */
#define DELAY_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

static void count(const struct run *run, const struct queue_outcome *o)
{
	static const struct {
		enum queue_state state;
		enum metric metric;
	} ends[] = {
		{QUEUE_DONE, METRIC_RUN_DONE},
		{QUEUE_SKIPPED, METRIC_RUN_SKIPPED},
		{QUEUE_DEAD, METRIC_RUN_DEAD},
		{QUEUE_QUARANTINED, METRIC_RUN_QUARANTINED},
	};
	for (size_t i = 0; i < ARRAY_N(ends); i++) {
		if (ends[i].state == o->state)
			metrics_add(ends[i].metric, 1);
	}
	if (o->attempt_used)
		metrics_add(METRIC_RUN_RETRY, 1);
	if (queue_state_ended(o->state))
		metrics_observe(
			METRIC_RUN_EFFECT, o->ended_ms > run->q.event_received_ms
						   ? (o->ended_ms - run->q.event_received_ms) * 1000
						   : 0);
}

static void count_abort(enum rc code)
{
	if (code == RC_CPU)
		metrics_add(METRIC_ABORT_CPU, 1);
	else if (code == RC_MEMORY)
		metrics_add(METRIC_ABORT_MEMORY, 1);
	else if (code == RC_WALL)
		metrics_add(METRIC_ABORT_WALL, 1);
}

static void tell(const struct run *run, const struct queue_outcome *o)
{
	bool ended = queue_state_ended(o->state);
	bool well = o->state == QUEUE_DONE || o->state == QUEUE_SKIPPED || o->state == QUEUE_ECHO;
	struct log_fields f = {
		.source = run->q.event_source,
		.event = run->q.event.text,
		.run = run->q.id.text,
		.rule = run->q.rule,
		.object = run->event != NULL ? run->event->object : NULL,
		.record = run->event != NULL ? run->event->record_id : NULL,
		.attempt = run->q.attempt,
		.outcome = queue_state_name(o->state),
		.dur_ms = o->ended_ms - o->started_ms,
		.api_calls = o->api_calls,
		.cause = o->code != RC_OK ? rc_name(o->code) : NULL,
		.report = o->code != RC_LOOP ? o->detail : NULL, /* a chain names people */
	};
	/* A drain says how many; others wait for an answer, which takes no time. */
	bool resting = !ended && o->code == RC_OK;
	log_line(resting ? LOG_DEBUG
		 : well  ? LOG_INFO
		 : ended ? LOG_ERROR
			 : LOG_WARN,
		&f, "%s%s%s", run->event != NULL ? run->event->name : "run",
		o->error != NULL ? ": " : "", o->error != NULL ? o->error : "");
}

/* The one way out of a slot. What the worker still holds of the run is forgotten there. */
static void leave(struct runner *r, struct run *run)
{
	struct worker *worker = run->ended ? NULL : run->worker;
	uint32_t slot = run->slot, generation = run->generation;
	call_forget(r, run);
	run_free(&r->runs, run);
	if (worker != NULL)
		assign_cancel(worker, slot, generation);
}

void outcome_abandon(struct runner *r, struct run *run)
{
	struct log_fields f = {
		.event = run->q.event.text,
		.run = run->q.id.text,
		.rule = run->q.rule,
		.attempt = run->q.attempt,
		.cause = rc_name(RC_STALE),
	};
	log_warn(&f, "the run was claimed again elsewhere; it is left to whoever has it now");
	leave(r, run);
}

/* Keeps an outcome and its texts with the run, which no worker executes any more. False: there is
 * no memory. */
static bool put_off(struct runner *r, struct run *run, const struct queue_outcome *o)
{
	size_t error_n = o->error != NULL ? strlen(o->error) + 1 : 0;
	size_t detail_n = o->detail != NULL ? strlen(o->detail) + 1 : 0;
	struct queue_outcome *later = malloc(sizeof(*later) + error_n + detail_n);
	if (later == NULL)
		return false;
	char *at = (char *)(later + 1);
	*later = *o;
	if (error_n != 0)
		later->error = memcpy(at, o->error, error_n);
	if (detail_n != 0)
		later->detail = memcpy(at + error_n, o->detail, detail_n);
	struct worker *worker = run->ended ? NULL : run->worker;
	uint32_t slot = run->slot, generation = run->generation;
	run->later = later;
	run_leave(&r->runs, run);
	if (worker != NULL)
		assign_cancel(worker, slot, generation);
	return true;
}

static void write_end(struct runner *r, struct run *run, struct queue_outcome *o)
{
	struct err err = {0};
	bool ended = queue_state_ended(o->state);
	call_forget(r, run);
	o->started_ms = run->started_ms;
	o->ended_ms = clock_wall_ms();
	o->api_calls = run->api_calls;
	o->log = run->log.n != 0 ? run->log.p : NULL;
	o->forget_journal = !ended && !journal_effect(&run->journal);
	enum rc rc = queue_finish(r->queue, run->q.seq, run->q.epoch, o, &err);
	gate_wrote(&r->gate);
	if (rc == RC_STALE) {
		outcome_abandon(r, run);
		return;
	}
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	count(run, o);
	tell(run, o);
	issue_run(r, &run->q, o);
	if (!ended && o->state == QUEUE_WAITING)
		upkeep_expect(r, o->due_ms);
	if (!ended)
		r->route.behind_n++;
	if (r->route.behind_n > 0)
		r->route.backlog = true;
	leave(r, run);
}

/* A run may end while effects of its branches are under way. What becomes of them belongs into its
 * journal, so that no retry repeats one of which we could have known. */
static void finish(struct runner *r, struct run *run, struct queue_outcome *o)
{
	bool at_work = run->state == RUN_ACTIVE || run->state == RUN_SUSPENDED;
	if (!at_work || !call_effect(run) || !put_off(r, run, o))
		write_end(r, run, o);
}

void outcome_settle(struct runner *r, struct run *run)
{
	if (call_effect(run))
		return;
	struct queue_outcome o = *run->later;
	write_end(r, run, &o);
}

void outcome_fail(
	struct runner *r, struct run *run, enum rc code, const char *error, const char *detail)
{
	char text[512];
	struct queue_outcome o = {.state = QUEUE_DEAD, .code = code, .detail = detail};
	int64_t now = jump_now_ms(r);
	bool left = run->q.attempt < run->q.attempts_max;
	snprintf(text, sizeof(text), "%s", error);
	o.error = text;
	switch (rc_fate(code)) {
	case RC_FATE_RETRY:
		if (!left) {
			snprintf(text, sizeof(text), "%s (after %d attempts)", error,
				run->q.attempt);
			break;
		}
		o.state = QUEUE_WAITING;
		o.due_ms = now + retry_delay_ms(run->q.attempt, (uint32_t)runner_chance(r));
		o.attempt_used = true;
		break;
	case RC_FATE_WAIT:
		o.state = QUEUE_WAITING;
		o.due_ms = now + retry_wait_ms((uint32_t)runner_chance(r));
		break;
	case RC_FATE_DONE:
	case RC_FATE_DEAD:
		break;
	}
	count_abort(code);
	finish(r, run, &o);
}

void outcome_killed(struct runner *r, struct run *run, const char *error)
{
	struct queue_outcome o = {.state = QUEUE_DEAD, .code = RC_CPU, .error = error};
	metrics_add(METRIC_ABORT_KILLED, 1);
	finish(r, run, &o);
}

void outcome_died(struct runner *r, struct run *run, const char *error)
{
	bool enough = run->q.deaths + 1 >= RUN_DEATHS_MAX;
	struct queue_outcome o = {
		.state = enough ? QUEUE_QUARANTINED : QUEUE_DUE,
		.code = RC_WORKER,
		.error = error,
		.died = true,
	};
	finish(r, run, &o);
}

void outcome_echo(struct runner *r, struct run *run)
{
	struct queue_outcome o = {.state = QUEUE_ECHO};
	metrics_add(METRIC_ECHO, 1);
	write_end(r, run, &o);
}

void outcome_skip(struct runner *r, struct run *run, const char *why)
{
	struct queue_outcome o = {.state = QUEUE_SKIPPED, .error = why};
	write_end(r, run, &o);
}

void outcome_wait(struct runner *r, struct run *run, int64_t ms)
{
	struct queue_outcome o = {.state = QUEUE_WAITING, .due_ms = clock_wall_ms() + ms};
	write_end(r, run, &o);
}

void outcome_pause(struct runner *r, struct run *run)
{
	struct queue_outcome o = {.state = QUEUE_DUE};
	finish(r, run, &o);
}

void outcome_release(struct runner *r, struct run *run)
{
	struct queue_outcome due = {.state = QUEUE_DUE, .code = RC_OK};
	struct queue_outcome o = run->later != NULL ? *run->later : due;
	if (!call_withdraw(r, run))
		return;
	write_end(r, run, &o);
}

/* The code of an error that a rule did not catch: by its name where we have one of that name, as
 * the client gave it where the call failed, else by what the error says of itself. */
static enum rc code_of(const struct run *run, const json_t *error)
{
	const char *name = json_string_value(json_object_get(error, "code"));
	if (name != NULL && run->failed != RC_OK && strcmp(name, run->failed_name) == 0)
		return run->failed;
	enum rc recorded = name != NULL ? journal_code(&run->journal, name) : RC_OK;
	if (recorded != RC_OK)
		return recorded;
	enum rc code = name != NULL ? rc_find(name) : RC_N;
	if (code != RC_N && code != RC_OK)
		return code;
	if (json_is_true(json_object_get(error, "retryable")))
		return RC_UPSTREAM;
	return json_object_get(error, "status") != NULL ? RC_REJECTED : RC_RULE;
}

void outcome_error(struct runner *r, struct run *run, const json_t *error)
{
	char headline[REPORT_HEADLINE_N];
	struct buf text;
	struct report report = {
		.file = run->source->file,
		.text = {run->source->text, run->source->text_n},
		.error = error,
		.event = run->event->name,
		.record = run->event->record_id,
		.event_id = run->q.event.text,
	};
	report_headline(&report, headline);
	buf_init(&text, REPORT_BYTES + 1);
	if (report_put(&report, &text) != RC_OK)
		buf_clear(&text);
	outcome_fail(r, run, code_of(run, error), headline, text.n != 0 ? text.p : NULL);
	buf_done(&text);
}

static void end_later(struct runner *r, struct run *run, const json_t *tree, const char *why)
{
	int64_t delay = json_integer_value(json_object_get(tree, "delay_ms"));
	if (delay < DELAY_MIN_MS)
		delay = DELAY_MIN_MS;
	if (delay > DELAY_MAX_MS)
		delay = DELAY_MAX_MS;
	struct queue_outcome o = {
		.state = QUEUE_WAITING,
		.code = RC_LATER,
		.error = why,
		.due_ms = jump_now_ms(r) + delay,
	};
	const char *path = json_string_value(json_object_get(tree, "path"));
	if (path == NULL || call_later(r, run, path))
		finish(r, run, &o);
}

/* The rule says that it is through, and effects of an earlier attempt are left over. */
static void say_missed(struct runner *r, struct run *run, const struct journal_entry *e)
{
	char text[320];
	snprintf(text, sizeof(text),
		"the rule did something else on its retry: it did not repeat call %s (%s %s), "
		"which was made before",
		e->path, e->method, e->object);
	outcome_fail(r, run, RC_REPLAY, text, NULL);
}

static enum rc end_as(struct runner *r, struct run *run, const json_t *tree)
{
	const char *word = json_string_value(json_object_get(tree, "outcome"));
	const char *why = json_string_value(json_object_get(tree, "why"));
	struct queue_outcome o = {.code = RC_OK, .error = why};
	if (word == NULL)
		return RC_PARSE;
	if (strcmp(word, "done") == 0) {
		o.state = QUEUE_DONE;
	} else if (strcmp(word, "skip") == 0) {
		o.state = QUEUE_SKIPPED;
	} else if (strcmp(word, "reject") == 0) {
		o.state = QUEUE_DEAD;
		o.code = RC_REJECTED;
	} else if (strcmp(word, "retry_after") == 0) {
		end_later(r, run, tree, why);
		return RC_OK;
	} else if (strcmp(word, "error") == 0) {
		outcome_error(r, run, json_object_get(tree, "error"));
		return RC_OK;
	} else {
		return RC_PARSE;
	}
	enum journal_scope scope = o.state == QUEUE_DONE ? JOURNAL_ALL : JOURNAL_OUTSIDE_BRANCHES;
	const struct journal_entry *missed = journal_missed(&run->journal, run->generation, scope);
	if (missed != NULL)
		say_missed(r, run, missed);
	else
		finish(r, run, &o);
	return RC_OK;
}

void outcome_end(struct runner *r, struct run *run, const struct frame *frame)
{
	json_t *tree = NULL;
	struct err err = {0};
	struct worker *worker = run->worker;
	enum rc rc = scan_parse(frame->payload, &tree, &err);
	run->ended = rc == RC_OK;
	if (rc == RC_OK && end_as(r, run, tree) != RC_OK) {
		run->ended = false;
		rc = err_set(&err, RC_PARSE, "it ended a run without an outcome");
	}
	if (rc != RC_OK)
		pool_kill(worker, &err);
	json_decref(tree);
}
