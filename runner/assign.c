/* SPDX-License-Identifier: MIT */
/*
 * From the claim of a run to its start in a worker, and its frames from there.
 * From: route.c (claimed at birth), the store (claimed later). To: pool.c as START, call.c,
 * outcome.c. A run keeps the version of the rule file that it began with; one that is not live any
 * more is read from the store. Fails by ending the run with what was wrong. Does not decide which
 * events matter.
 */
#include "runner/assign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "runner/assembly.h"
#include "runner/call.h"
#include "runner/echo.h"
#include "runner/fresh.h"
#include "runner/issue.h"
#include "runner/lost.h"
#include "runner/outcome.h"
#include "runner/payload.h"
#include "runner/reply.h"
#include "runner/scan.h"
#include "runner/state.h"

#define CLAIM_MAX 64
#define LOG_TEXT_MAX 1000 /* bytes of one line */
#define SOURCE_BYTES (2u << 20)

/* What its rule, as it is now, says of how runs are carried out. */
static void note_manner(const struct runner *r, struct run *run)
{
	const struct rule *rule = ruleset_find(r->rules.live, run->q.rule);
	run->mannered = true;
	if (rule == NULL)
		return;
	if (rule->cpu_ms > 0)
		run->limits.cpu_ms = rule->cpu_ms;
	if (rule->timeout_ms > 0)
		run->limits.wall_ms = rule->timeout_ms;
	run->fresh = rule->fresh;
	run->fresh_depth = rule->fresh_depth;
	run->background = rule->background;
}

static enum rc find_source(
	struct runner *r, const struct queue_run *q, struct version **ret_source, struct err *err)
{
	struct version *s = version_find(&r->versions, q->source_hash);
	struct buf text;
	char file[256];
	if (s != NULL) {
		*ret_source = version_ref(s);
		return RC_OK;
	}
	buf_init(&text, SOURCE_BYTES);
	enum rc rc = queue_source_get(r->queue, q->source_hash, &text, file, err);
	if (rc == RC_OK)
		rc = version_add_stored(
			&r->versions, q->source_hash, file, buf_slice(&text), ret_source, err);
	buf_done(&text);
	return rc;
}

/* Effects that may have been done, with answers that never came. */
static enum rc load_lost(struct runner *r, struct run *run, const struct queue_call *calls,
	size_t n, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (calls[i].effect && calls[i].answer.n == 0)
			rc = lost_add(r, run, &calls[i], err);
	return rc;
}

static enum rc load_journal(struct runner *r, struct run *run, struct err *err)
{
	struct queue_call *calls = NULL;
	size_t n = 0;
	if (!run->q.has_journal)
		return RC_OK;
	enum rc rc = queue_calls_load(r->queue, run->q.seq, &calls, &n, err);
	if (rc != RC_OK)
		return rc;
	rc = journal_load(&run->journal, calls, n);
	if (rc != RC_OK)
		err_set(err, rc, "no memory for the journal of a run");
	else
		rc = load_lost(r, run, calls, n, err);
	queue_calls_free(calls, n);
	return rc;
}

/* Ends or releases a claimed run that takes no slot. */
static void put_away(struct runner *r, struct queue_run *q, struct queue_outcome *o)
{
	struct err err = {0};
	o->started_ms = o->ended_ms = clock_wall_ms();
	enum rc rc = queue_finish(r->queue, q->seq, q->epoch, o, &err);
	gate_wrote(&r->gate);
	if (rc != RC_OK && rc != RC_STALE)
		runner_fatal(r, &err);
}

static void bury(struct runner *r, struct queue_run *q, const struct queue_outcome *outcome)
{
	struct queue_outcome o = *outcome;
	struct log_fields f = {
		.event = q->event.text,
		.run = q->id.text,
		.rule = q->rule,
		.outcome = queue_state_name(o.state),
		.cause = rc_name(o.code),
		.report = o.code != RC_LOOP ? o.detail : NULL, /* a chain names people */
	};
	put_away(r, q, &o);
	issue_run(r, q, &o);
	metrics_add(o.state == QUEUE_DEAD ? METRIC_RUN_DEAD : METRIC_RUN_QUARANTINED, 1);
	log_error(&f, "%s", o.error);
	queue_run_done(q);
}

void assign_bury(
	struct runner *r, struct queue_run *q, enum rc code, const char *error, const char *detail)
{
	bury(r, q,
		&(struct queue_outcome){
			.state = QUEUE_DEAD, .code = code, .error = error, .detail = detail});
}

/* Each time a runner had to end, and everything that it had at hand waited. */
static void quarantine(struct runner *r, struct queue_run *q)
{
	char text[160];
	snprintf(text, sizeof(text),
		"the store refused what this run had to write, %d times; the log of the runners "
		"that ended says why",
		q->deaths);
	bury(r, q,
		&(struct queue_outcome){
			.state = QUEUE_QUARANTINED, .code = RC_WORKER, .error = text});
}

void assign_give_back(struct runner *r, struct queue_run *q)
{
	struct queue_outcome o = {.state = QUEUE_DUE};
	put_away(r, q, &o);
	r->route.behind_n++;
	r->route.backlog = true;
	queue_run_done(q);
}

/* NULL: it was ended, or the process ends. */
static struct run *take(struct runner *r, struct queue_run *q, const struct event *event)
{
	struct version *source = NULL;
	struct err err = {0};
	if (q->deaths >= RUN_DEATHS_MAX) {
		quarantine(r, q);
		return NULL;
	}
	enum rc rc = find_source(r, q, &source, &err);
	if (rc == RC_IO) {
		runner_fatal(r, &err);
		return NULL;
	}
	if (rc != RC_OK) {
		err_wrap(&err, "rule \"%s\" cannot be started", q->rule);
		assign_bury(r, q, err.code, err.msg, NULL);
		return NULL;
	}
	struct run_limits limits = {r->settings.cpu_ms, r->settings.wall_ms};
	struct event *own = event_ref((struct event *)(uintptr_t)event);
	struct run *run = run_new(&r->runs, q, own, source, &limits);
	if (run == NULL) {
		err_set(&err, RC_NOMEM, "more runs were claimed than there are slots");
		event_unref(own);
		version_unref(source);
		runner_fatal(r, &err);
		return NULL;
	}
	if (load_journal(r, run, &err) != RC_OK)
		runner_fatal(r, &err);
	return run;
}

void assign_take(
	struct runner *r, struct queue_run *q, const struct event *event, enum assign_when when)
{
	struct run *run = take(r, q, event);
	if (run == NULL)
		return;
	run->undecided = when == ASSIGN_DECIDED;
	if (when == ASSIGN_HELD)
		echo_hold(r, run);
}

/* The event of a run of the store, as it was when it was routed. */
static enum rc parse_again(const struct queue_run *q, const struct event_input *in,
	struct event **ret_event, struct err *err)
{
	struct event *event = NULL;
	enum rc rc = event_parse(in, &event, err);
	if (rc == RC_OK && q->past != NULL)
		rc = event_recall(event, (struct slice){q->past, q->past_n}, err);
	if (rc != RC_OK) {
		event_unref(event);
		return rc;
	}
	*ret_event = event;
	return RC_OK;
}

static void take_stored(struct runner *r, struct queue_run *q)
{
	struct event *event = NULL;
	struct err err = {0};
	struct event_input in = {
		.id = q->event,
		.source = q->event_source,
		.via = q->event_via,
		.form = route_form(r, q->event_source),
		.headers = {q->headers, q->headers != NULL ? strlen(q->headers) : 0},
		.body = {q->body, q->body_n},
		.received_ms = q->event_received_ms,
	};
	if (parse_again(q, &in, &event, &err) != RC_OK) {
		assign_bury(r, q, err.code, err.msg, NULL);
		return;
	}
	event_close(event);
	struct run *run = take(r, q, event);
	if (run != NULL && run->q.kind != 0)
		assembly_take(r, run);
	else if (run != NULL && echo_take(r, run, &err) != RC_OK)
		runner_fatal(r, &err);
	event_unref(event);
}

void assign_claim(struct runner *r)
{
	struct queue_run claimed[CLAIM_MAX];
	struct err err = {0};
	while (r->route.backlog && r->rules.loaded && !r->drain.on && r->fatal == RC_OK) {
		size_t room = r->runs.max - r->runs.live_n, n = 0;
		size_t most = room < CLAIM_MAX ? room : CLAIM_MAX;
		if (most == 0)
			return;
		if (queue_claim(r->queue, jump_now_ms(r), most, claimed, &n, &err) != RC_OK) {
			runner_fatal(r, &err);
			return;
		}
		if (n != 0)
			gate_wrote(&r->gate);
		r->abroad.stale = true;
		r->route.backlog = n == most;
		r->route.behind_n -=
			(int64_t)n < r->route.behind_n ? (int64_t)n : r->route.behind_n;
		for (size_t i = 0; i < n; i++)
			take_stored(r, &claimed[i]);
	}
}

static void start(struct runner *r, struct run *run, struct worker *worker)
{
	struct buf out;
	struct err err = {0};
	if (pool_load(worker, run->source, &err) != RC_OK)
		return;
	struct payload_start what = {
		.hash = run->source->hash,
		.rule = run->q.born != NULL ? run->q.born : run->q.rule,
		.event = {run->event->text, run->event->text_n},
		.cpu_ms = run->limits.cpu_ms,
		.memory_bytes = r->settings.memory_bytes,
		.logs_max = r->settings.logs_max,
		/* The runner's own limit comes first: its error is one that a rule can see. */
		.calls_max = r->settings.calls_max + CALL_QUOTA_PATIENCE + 1,
	};
	run_enter(&r->runs, run, worker);
	buf_init(&out, FRAME_MAX);
	what.when = slice_of(run->ask ? run->rest : NULL);
	enum rc rc = run->ask ? payload_when(&out, &what) : payload_start(&out, &what);
	if (rc == RC_OK) {
		struct frame frame = {run->ask ? FRAME_WHEN : FRAME_START, run->slot,
			run->generation, buf_slice(&out)};
		rc = pool_send(worker, &frame, run->ask ? ROUTE_CPU_MS : run->limits.cpu_ms, &err);
	}
	buf_done(&out);
	if (rc == RC_TOO_LARGE || rc == RC_NOMEM)
		outcome_fail(r, run, rc, "the event does not fit into a worker", NULL);
}

/* Is it to be started now? Else it waits, or has ended. */
static bool is_due(struct runner *r, struct run *run)
{
	if (run->later != NULL || (run->hold_us != 0 && echo_held(r, run)) ||
		(run->undecided && !echo_settle(r, run)) ||
		(run->guard && !run->ask && !assembly_guard(r, run)))
		return false;
	if (!run->mannered)
		note_manner(r, run);
	return run->ask || fresh_settle(r, run);
}

/* Suspects wait for a worker of their own and hold up nobody. Until the rules are read, nobody
 * knows how their runs are to be carried out. */
void assign_place(struct runner *r)
{
	struct run *next;
	r->undecided_n = 0;
	if (r->rules.live == NULL)
		return;
	for (struct run *run = r->runs.pending; run != NULL && r->fatal == RC_OK; run = next) {
		next = run->next;
		if (!is_due(r, run))
			continue;
		struct worker *worker =
			run->suspect ? pool_pick_empty(&r->pool) : pool_pick(&r->pool);
		if (worker != NULL)
			start(r, run, worker);
		else if (r->pool.n >= r->pool.base_n && !r->drain.on)
			pool_grow(&r->pool);
		if (worker == NULL && !run->suspect)
			return;
	}
}

void assign_cancel(struct worker *worker, uint32_t slot, uint32_t generation)
{
	struct err err;
	struct frame cancel = {FRAME_CANCEL, slot, generation, slice_of("{}")};
	/* Where it fails the worker is gone, and what it held is with it. */
	if (pool_send(worker, &cancel, 0, &err) != RC_OK)
		return;
}

/* One line, cut at the end of a character, control characters escaped. */
static enum rc put_line(struct buf *log, const char *level, const char *line)
{
	char at[CLOCK_TEXT_N];
	size_t n = strnlen(line, LOG_TEXT_MAX);
	while (n > 0 && line[n] != '\0' && ((unsigned char)line[n] & 0xc0) == 0x80)
		n--;
	clock_format(clock_wall_ms(), at);
	enum rc rc = buf_printf(log, "%s %-5s ", at, level);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		unsigned char c = (unsigned char)line[i];
		rc = c < 0x20 || c == 0x7f ? buf_printf(log, "\\u%04x", c)
					   : buf_put(log, line + i, 1);
	}
	return rc == RC_OK ? buf_put(log, "\n", 1) : rc;
}

static void keep_line(struct run *run, const char *level, const char *line)
{
	if (run->log_full)
		return;
	size_t before = run->log.n;
	if (before < RUN_LOG_BYTES && put_line(&run->log, level, line) == RC_OK)
		return;
	run->log_full = true;
	run->log.n = before;
	if (buf_put_text(&run->log, "(more lines were left out)\n") != RC_OK)
		buf_clear(&run->log);
}

static void take_log(struct runner *r, struct run *run, const struct frame *frame)
{
	json_t *tree = NULL;
	struct err err = {0};
	char text[96];
	if (++run->logs_n > r->settings.logs_max) {
		snprintf(text, sizeof(text), "the run wrote more than %d log lines",
			r->settings.logs_max);
		metrics_add(METRIC_ABORT_QUOTA, 1);
		outcome_fail(r, run, RC_QUOTA, text, NULL);
		return;
	}
	if (scan_parse(frame->payload, &tree, &err) != RC_OK) {
		pool_kill(run->worker, &err);
		return;
	}
	const char *level = json_string_value(json_object_get(tree, "level"));
	const char *line = json_string_value(json_object_get(tree, "text"));
	bool known = level != NULL && (strcmp(level, "info") == 0 || strcmp(level, "warn") == 0 ||
					      strcmp(level, "error") == 0);
	if (known && line != NULL)
		keep_line(run, level, line);
	json_decref(tree);
}

/* The worker was asked something of the run that it has not answered yet. */
static bool has_task(const struct run *run, const struct worker *worker)
{
	for (size_t i = 0; i < worker->tasks_n; i++) {
		const struct pool_task *t = pool_task_at(worker, i);
		if (t->run == run->slot && t->generation == run->generation)
			return true;
	}
	return false;
}

/* A START or RESUME is done with and the run goes on with nothing: then answers are on their way to
 * it, or it waits for calls, or its worker has lost it. */
static void take_silence(struct runner *r, struct run *run, struct worker *worker)
{
	struct err err;
	if (has_task(run, worker) || reply_go_on(r, run))
		return;
	if (run->calls != NULL) {
		run_suspend(run);
		return;
	}
	err_set(&err, RC_PARSE, "it has nothing to say to an answer that its run waits for");
	pool_kill(worker, &err);
}

void assign_when(struct runner *r, struct worker *worker, const struct frame *frame)
{
	json_t *answer = NULL;
	struct err err = {0};
	struct run *run = run_find(&r->runs, frame->run, frame->generation);
	if (run == NULL || run->worker != worker || !run->ask)
		return;
	if (scan_parse(frame->payload, &answer, &err) == RC_OK)
		assembly_when(r, run, answer);
	else
		pool_kill(worker, &err);
	json_decref(answer);
}

void assign_frame(struct runner *r, struct worker *worker, const struct frame *frame)
{
	struct run *run = run_find(&r->runs, frame->run, frame->generation);
	if (run == NULL || run->worker != worker)
		return;
	if (frame->kind == FRAME_LOG)
		take_log(r, run, frame);
	else if (frame->kind == FRAME_CALL || frame->kind == FRAME_SIDE)
		call_take(r, run, frame);
	else if (frame->kind == FRAME_END)
		outcome_end(r, run, frame);
	else if (frame->kind == FRAME_BEAT)
		take_silence(r, run, worker);
}
