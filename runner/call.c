/* SPDX-License-Identifier: MIT */
/*
 * A run's call: checked, looked up in the journal, done, answered.
 * From: assign.c (CALL and SIDE frames). To: client.h, and back to the worker through reply.c. An
 * effect is written down first and sent when that is durable (gate.c); a read is sent at once; what
 * the runner knows itself (local.h) is answered here. Fails towards the rule, as a structured error
 * it can catch; a frame that no honest worker sends ends the run that it names, at once and for
 * good. Does not decide what becomes of a failed run (outcome.c).
 */
#include "runner/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "client/client.h"
#include "runner/asked.h"
#include "runner/dump.h"
#include "runner/gate.h"
#include "runner/local.h"
#include "runner/lost.h"
#include "runner/outcome.h"
#include "runner/payload.h"
#include "runner/reply.h"
#include "runner/scan.h"
#include "runner/shadow.h"
#include "runner/state.h"

struct call { /* under way; in the list of its run */
	struct runner *r;
	struct run *run;
	struct call *next, **at;
	struct gate_item gate;
	struct flight flight; /* of an effect */
	size_t entry;         /* of the journal */
	enum client_op op;
	json_t *args;
	char *request;      /* args as text */
	uint64_t ticket;    /* 0: not sent yet */
	int64_t started_ms; /* as journal_time says */
	int64_t started_us; /* mono */
};

static_assert(FRAME_MARKS_MAX == SCAN_MARKS_MAX && FRAME_DEPTH_MAX == SCAN_DEPTH_MAX &&
		      FRAME_WORD_MAX == JOURNAL_WORD_N - 1,
	"a worker refuses what is refused here");

static void free_call(struct call *call)
{
	flight_end(&call->r->flights, &call->flight);
	*call->at = call->next;
	if (call->next != NULL)
		call->next->at = call->at;
	json_decref(call->args);
	free(call->request);
	free(call);
}

bool call_effect(const struct run *run)
{
	for (const struct call *call = run->calls; call != NULL; call = call->next)
		if (run->journal.entries[call->entry].effect)
			return true;
	return false;
}

void call_forget(struct runner *r, struct run *run)
{
	lost_forget(r, run);
	while (run->calls != NULL) {
		struct call *call = run->calls;
		if (call->ticket != 0)
			client_cancel(r->client, call->ticket);
		else
			gate_leave(&r->gate, &call->gate);
		free_call(call);
	}
}

bool call_later(struct runner *r, struct run *run, const char *path)
{
	struct err err = {0};
	int64_t now_ms = journal_time(&run->journal, clock_wall_ms());
	if (!asked_word(path, ASKED_PATH, 1) || !journal_effect(&run->journal))
		return true;
	struct queue_call mark = {
		.path = path,
		.method = "retry_after",
		.object = "",
		.request = slice_of("{}"),
		.answer = slice_of("{\"code\":\"later\"}"),
		.code = RC_LATER,
		.started_ms = now_ms,
		.ended_ms = now_ms,
	};
	enum rc rc = queue_call_put(r->queue, run->q.seq, run->q.epoch, &mark, &err);
	gate_wrote(&r->gate);
	if (rc == RC_STALE)
		outcome_abandon(r, run);
	else if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK;
}

bool call_withdraw(struct runner *r, struct run *run)
{
	struct call *next;
	for (struct call *call = run->calls; call != NULL; call = next) {
		struct journal_entry *e = &run->journal.entries[call->entry];
		next = call->next;
		if (!e->effect || e->since_ms != 0 ||
			(call->ticket != 0 && client_acted(r->client, call->ticket)))
			continue;
		static const char text[] =
			"{\"code\":\"closed\",\"message\":\"it was not sent\",\"retryable\":true}";
		struct err err;
		enum rc rc = journal_answer(&run->journal, call->entry, RC_CLOSED, false,
			(struct slice){text, sizeof(text) - 1});
		if (rc != RC_OK) {
			err_set(&err, rc, "no memory for an answer");
			runner_fatal(r, &err);
			return false;
		}
		if (!reply_write(r, run, call->entry, call->request, call->started_ms, 0))
			return false;
	}
	return true;
}

static void note_first(struct run *run, const struct client_answer *answer)
{
	if (run->called || answer->started_us == 0)
		return;
	run->called = true;
	int64_t ago_us = clock_mono_us() - answer->started_us;
	int64_t us = (clock_wall_ms() - run->q.event_received_ms) * 1000 - ago_us;
	if (run->q.attempt <= 1)
		metrics_observe(METRIC_RUN_FIRST_CALL, us > 0 ? us : 0);
}

static void on_answer(void *ctx, const struct client_answer *answer)
{
	struct call *call = ctx;
	struct runner *r = call->r;
	struct run *run = call->run;
	size_t entry = call->entry;
	char *request = call->request;
	int64_t waited_us = clock_mono_us() - call->started_us - answer->wire_us;
	struct reply_answer ours = {
		.code = answer->code,
		.unknown = answer->unknown,
		.requests = answer->requests,
		.started_ms = call->started_ms,
		.from = answer,
	};
	int64_t wrote = run->journal.entries[entry].effect ? spend_told(call->op, answer) : 0;
	bool erased =
		call->op == CLIENT_ERASE && (answer->code == RC_OK || answer->code == RC_NOT_FOUND);
	bool broken =
		erased && !erasure_want(r, json_string_value(json_object_get(call->args, "id")));
	call->request = NULL;
	free_call(call);
	if (broken || (wrote > 1 && !spend_note(r, run, wrote - 1))) {
		free(request);
		return;
	}
	note_first(run, answer);
	run_count(run, answer->wire_us);
	metrics_observe(METRIC_API_WAIT, waited_us > 0 ? waited_us : 0);
	run->api_calls += answer->requests;
	struct buf text;
	buf_init(&text, ASKED_TEXT_MAX);
	enum rc dumped = answer->value != NULL || answer->code == RC_OK
				 ? dump_value(&text, answer->value)
				 : RC_OK;
	if (answer->code == RC_OK)
		ours.code = dumped;
	if (ours.code == RC_OK) {
		ours.text = buf_slice(&text);
		reply_give(r, run, entry, request, &ours);
	} else {
		struct payload_error error = {answer->status,
			answer->name != NULL ? answer->name : rc_name(ours.code),
			answer->message != NULL ? answer->message : rc_text(ours.code),
			answer->retryable, answer->unknown, {NULL, 0}};
		if (answer->code != RC_OK && dumped == RC_OK)
			error.answer = buf_slice(&text);
		reply_fail(r, run, entry, request, &ours, &error);
	}
	buf_done(&text);
	free(request);
}

/* Of no other call, nor of a part of one: a rule may be named as another's call ("a/1"). Control
 * characters are in no rule's name. */
static void name_call(const struct run *run, const char *path, char *ret_name, size_t n)
{
	const char *rule = run->q.born != NULL ? run->q.born : run->q.rule;
	int at = snprintf(ret_name, n, "%s/", run->q.event.text);
	int used = snprintf(ret_name + at, n - (size_t)at, "%s", rule);
	for (char *slash = ret_name + at; (slash = strchr(slash, '/')) != NULL;)
		*slash = '\x1f';
	at += used;
	snprintf(ret_name + at, n - (size_t)at, "/%s", path);
}

/* To the client; what it refuses at once is answered at once. */
static void send_call(void *ctx)
{
	struct call *call = ctx;
	struct runner *r = call->r;
	struct run *run = call->run;
	const struct journal_entry *e = &run->journal.entries[call->entry];
	struct err err = {0};
	char name[ID_N + RULESET_NAME_MAX + JOURNAL_PATH_N + 8];
	name_call(run, e->path, name, sizeof(name));
	struct client_call to = {
		.op = call->op,
		.object = e->object,
		.args = call->args,
		.name = name,
		.lane = run->background      ? CLIENT_BACKFILL
			: run->q.attempt > 1 ? CLIENT_RETRY
					     : CLIENT_LIVE,
		.since_ms = e->since_ms,
		.done = on_answer,
		.ctx = call,
	};
	enum rc rc = client_submit(r->client, &to, &call->ticket, &err);
	if (rc == RC_OK)
		return;
	struct reply_answer answer = {.code = rc, .started_ms = call->started_ms};
	struct payload_error error = {
		.code = rc_name(rc), .message = err.msg, .retryable = rc_fate(rc) != RC_FATE_DEAD};
	size_t entry = call->entry;
	char *request = call->request;
	call->request = NULL;
	free_call(call);
	reply_fail(r, run, entry, request, &answer, &error);
	free(request);
}

static void start_call(struct runner *r, struct run *run, size_t i, struct asked *asked)
{
	struct err err;
	struct call *call = calloc(1, sizeof(*call));
	if (call == NULL) {
		err_set(&err, RC_NOMEM, "no memory for a call");
		runner_fatal(r, &err);
		return;
	}
	call->r = r;
	call->run = run;
	call->entry = i;
	call->op = client_op_find(asked->method);
	call->args = json_incref(asked->args);
	call->request = asked->request.p;
	buf_init(&asked->request, ASKED_TEXT_MAX);
	call->started_ms = journal_time(&run->journal, clock_wall_ms());
	call->started_us = clock_mono_us();
	call->gate = (struct gate_item){NULL, send_call, call};
	call->at = &run->calls;
	call->next = run->calls;
	if (call->next != NULL)
		call->next->at = &call->next;
	run->calls = call;
	if (run->journal.entries[i].effect)
		flight_begin(&r->flights, &call->flight, call->op, run->journal.entries[i].object,
			call->args, &call->ticket);
	if (!asked->side)
		run_suspend(run);
	if (!run->journal.entries[i].effect)
		send_call(call);
	else if ((run->journal.entries[i].since_ms != 0 ||
			 spend_note(r, run, spend_size(call->op, call->args))) &&
		 reply_write(r, run, i, call->request, call->started_ms, 0))
		gate_hold(&r->gate, &call->gate);
}

/* An effect in shadow mode. */
static void answer_shadow(struct runner *r, struct run *run, size_t i, const struct asked *asked)
{
	struct buf out;
	struct err err;
	bool local = local_find(asked->object, asked->method) != NULL;
	struct reply_answer answer = {.started_ms = journal_time(&run->journal, clock_wall_ms()),
		.requests = QUEUE_NOT_SENT};
	json_t *value =
		shadow_answer(r, run, local ? CLIENT_OP_N : client_op_find(asked->method), asked);
	buf_init(&out, ASKED_TEXT_MAX);
	answer.code = value != NULL ? dump_value(&out, value) : RC_NOMEM;
	json_decref(value);
	answer.text = buf_slice(&out);
	if (answer.code == RC_OK) {
		reply_give(r, run, i, asked->request.p, &answer);
	} else {
		err_set(&err, answer.code, "no memory for an answer");
		runner_fatal(r, &err);
	}
	buf_done(&out);
}

/* What the runner answers itself. */
static void answer_local(struct runner *r, struct run *run, size_t i, const struct asked *asked,
	const struct local_method *method)
{
	struct err err = {0};
	struct buf out;
	struct reply_answer answer = {.started_ms = journal_time(&run->journal, clock_wall_ms())};
	struct local_ask ask = {.r = r,
		.run = run,
		.path = asked->path,
		.object = asked->object,
		.args = asked->args,
		.now_ms = answer.started_ms};
	buf_init(&out, ASKED_TEXT_MAX);
	answer.code = method->answer(&ask, &out, &err);
	answer.text = buf_slice(&out);
	if (answer.code == RC_IO) {
		runner_fatal(r, &err);
	} else if (answer.code == RC_STALE) {
		outcome_abandon(r, run);
	} else if (answer.code != RC_OK) {
		struct payload_error error = {.code = rc_name(answer.code), .message = err.msg};
		reply_fail(r, run, i, asked->request.p, &answer, &error);
	} else {
		reply_give(r, run, i, asked->request.p, &answer);
	}
	buf_done(&out);
}

/* What cannot be done is answered at once. */
static void refuse_call(struct runner *r, struct run *run, size_t i, const struct asked *asked,
	enum rc code, const char *message)
{
	struct reply_answer answer = {
		.code = code, .started_ms = journal_time(&run->journal, clock_wall_ms())};
	struct payload_error error = {.code = rc_name(code), .message = message};
	reply_fail(r, run, i, asked->request.p, &answer, &error);
}

static void perform(struct runner *r, struct run *run, size_t i, struct asked *asked)
{
	const struct local_method *local = local_find(asked->object, asked->method);
	struct journal_entry *e = &run->journal.entries[i];
	enum client_op op = client_op_find(asked->method);
	char message[JOURNAL_WORD_N + 64];
	struct err why;
	if (e->effect && shadow_is(r, run)) {
		answer_shadow(r, run, i, asked);
		return;
	}
	if (local != NULL) {
		answer_local(r, run, i, asked, local);
		return;
	}
	bool known = op != CLIENT_OP_N;
	if (known && e->effect &&
		spend_ask(r, run, spend_size(op, asked->args), &why) == SPEND_NEVER) {
		refuse_call(r, run, i, asked, RC_QUOTA, why.msg);
		return;
	}
	if (known && json_is_object(asked->args)) {
		start_call(r, run, i, asked);
		return;
	}
	snprintf(message, sizeof(message),
		known ? "%s was called without arguments" : "there is no call named %s",
		asked->method);
	refuse_call(r, run, i, asked, known ? RC_INVALID : RC_UNSUPPORTED, message);
}

/* A new effect that its rule has to wait with: the rule is paused, and the run has gone. */
static bool over_limit(struct runner *r, struct run *run, const struct journal_call *call,
	const struct asked *asked)
{
	struct err why;
	enum client_op op = client_op_find(asked->method);
	if (!call->effect || local_find(asked->object, asked->method) != NULL ||
		shadow_is(r, run) ||
		spend_ask(r, run, spend_size(op, asked->args), &why) != SPEND_OVER)
		return false;
	spend_stop(r, run);
	return true;
}

/* True: the run has used up its calls, and was told. */
static bool over_quota(struct runner *r, struct run *run, const char *path)
{
	struct buf out;
	char message[64];
	if (++run->calls_n <= r->settings.calls_max)
		return false;
	snprintf(
		message, sizeof(message), "the run made more than %d calls", r->settings.calls_max);
	if (run->calls_n == r->settings.calls_max + 1)
		metrics_add(METRIC_ABORT_QUOTA, 1);
	if (run->calls_n > r->settings.calls_max + CALL_QUOTA_PATIENCE) {
		outcome_fail(r, run, RC_QUOTA, message, NULL);
		return true;
	}
	struct payload_error error = {.code = rc_name(RC_QUOTA), .message = message};
	run->failed = RC_QUOTA;
	snprintf(run->failed_name, sizeof(run->failed_name), "%s", error.code);
	buf_init(&out, 1024);
	if (payload_error(&out, &error) == RC_OK)
		reply_resume(r, run, path, PAYLOAD_ERROR, buf_slice(&out));
	buf_done(&out);
	return true;
}

/* What cannot be taken would not be taken a second time either; the worker may live on. */
static void refuse(struct runner *r, struct run *run, const struct err *why)
{
	char text[320];
	enum rc code = why->code == RC_NOMEM       ? RC_NOMEM
		       : why->code == RC_TOO_LARGE ? RC_QUOTA
						   : RC_INVALID;
	snprintf(text, sizeof(text), "the run made a call that was refused: %s", why->msg);
	if (code == RC_QUOTA)
		metrics_add(METRIC_ABORT_QUOTA, 1);
	outcome_fail(r, run, code, text, NULL);
}

static void say_differs(
	struct runner *r, struct run *run, const struct journal_entry *was, const struct asked *now)
{
	char text[320];
	bool same = strcmp(was->method, now->method) == 0 && strcmp(was->object, now->object) == 0;
	snprintf(text, sizeof(text),
		"the rule did something else on its retry: call %s was %s %s, now it is %s %s%s",
		was->path, was->method, was->object, now->method, now->object,
		same ? " with other arguments" : "");
	outcome_fail(r, run, RC_REPLAY, text, NULL);
}

static void decide(struct runner *r, struct run *run, struct asked *asked)
{
	size_t i = 0;
	struct err err = {0};
	enum client_op op = client_op_find(asked->method);
	const struct local_method *local = local_find(asked->object, asked->method);
	struct journal_call call = {
		.path = asked->path,
		.method = asked->method,
		.object = asked->object,
		.digest = asked->digest,
		.effect = local != NULL ? local->effect
					: op != CLIENT_OP_N && client_call_effect(op, asked->args),
		.generation = run->generation,
	};
	switch (journal_ask(&run->journal, asked->path, asked->digest, run->generation, &i)) {
	case JOURNAL_NEW:
		if (over_limit(r, run, &call, asked))
			return;
		if (journal_add(&run->journal, &call, &i) == RC_OK)
			perform(r, run, i, asked);
		else
			outcome_fail(r, run, RC_NOMEM, "no memory for a call", NULL);
		return;
	case JOURNAL_AGAIN:
		perform(r, run, i, asked);
		return;
	case JOURNAL_WAIT:
		if (!asked->side)
			run_suspend(run);
		return;
	case JOURNAL_REPLAY:
		reply_hand_over(r, run, i);
		return;
	case JOURNAL_DIFFERS:
		say_differs(r, run, &run->journal.entries[i], asked);
		return;
	case JOURNAL_TWICE:
		err_set(&err, RC_PARSE, "it was made before");
		refuse(r, run, &err);
		return;
	}
}

void call_take(struct runner *r, struct run *run, const struct frame *frame)
{
	json_t *tree = NULL;
	struct asked asked = {0};
	struct err err = {0};
	enum rc rc = scan_parse(frame->payload, &tree, &err);
	if (rc == RC_OK)
		rc = asked_read(tree, &asked, &err);
	if (rc != RC_OK) {
		refuse(r, run, &err);
	} else if (!over_quota(r, run, asked.path)) {
		asked.side = frame->kind == FRAME_SIDE;
		if (!asked.side) /* it has read whatever it was sent */
			run->unread_n = 0;
		decide(r, run, &asked);
	}
	asked_done(&asked);
	json_decref(tree);
}

void call_own_read(
	struct runner *r, struct run *run, const char *path, const char *object, json_t *args)
{
	struct asked asked = {0};
	struct err err = {0};
	size_t i = 0;
	json_t *tree = json_pack("{s:s, s:s, s:s, s:O}", "path", path, "method", "get", "object",
		object, "args", args);
	enum rc rc = tree != NULL ? asked_read(tree, &asked, &err) : RC_NOMEM;
	struct journal_call call = {
		.path = path, .method = "get", .object = object, .digest = asked.digest};
	if (rc == RC_OK)
		rc = journal_add(&run->journal, &call, &i);
	asked.side = true; /* no worker waits for it */
	if (rc == RC_OK)
		start_call(r, run, i, &asked);
	else
		outcome_fail(r, run, rc, "no memory for a call", NULL);
	asked_done(&asked);
	json_decref(tree);
}
