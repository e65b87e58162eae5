/* SPDX-License-Identifier: MIT */
/*
 * Runs: from START to END, through any number of calls.
 * From: worker.c (START, RESUME, CANCEL, WHEN). To: the runner, as CALL, LOG and END. Every entry
 * into Lua is protected and limited; whatever a rule does ends in one END or one CALL. A RESUME for
 * a run that is not there any more, or that waits for another call, is answered with BEAT. Decides
 * nothing about retries.
 */
#include "runner/worker/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/clock.h"
#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/outbox.h"
#include "runner/worker/rule.h"
#include "runner/worker/trace.h"

#define CPU_MS 1000 /* where START does not say */
#define MEMORY_BYTES (64 << 20)
#define MEMORY_LEAST (1 << 20)
#define LOGS 1000
#define CALLS 1000
#define ASK_CPU_MS 100         /* of `when` and `key` */
#define FLUSH_US 1000          /* a run this long at work lets its log out at once */
#define FLUSH_BYTES (1u << 20) /* calls of branches do not gather beyond this */

/* --- the table of runs ----------------------------------------------------------------------- */

static struct worker_run **find(struct worker_runs *runs, uint32_t slot)
{
	struct worker_run **at = &runs->buckets[slot % WORKER_RUN_BUCKETS];
	while (*at != NULL && (*at)->slot != slot)
		at = &(*at)->next;
	return at;
}

static void forget(struct worker_runs *runs, struct worker_run **at)
{
	struct worker_run *run = *at;
	*at = run->next;
	runs->n--;
	state_close(&run->state);
	free(run);
}

void worker_run_cancel(struct worker_runs *runs, const struct frame *frame)
{
	struct worker_run **at = find(runs, frame->run);
	if (*at != NULL && (*at)->generation == frame->generation)
		forget(runs, at);
}

void worker_runs_done(struct worker_runs *runs)
{
	for (size_t i = 0; i < WORKER_RUN_BUCKETS; i++)
		while (runs->buckets[i] != NULL)
			forget(runs, &runs->buckets[i]);
}

/* --- what a run says ------------------------------------------------------------------------- */

static bool said(struct worker_run *run, enum frame_kind kind, enum rc rc)
{
	if (rc == RC_OK)
		rc = outbox_put(run->box, kind, run->slot, run->generation);
	return rc == RC_OK;
}

bool worker_run_log(struct worker_run *run, const char *level, struct slice text)
{
	struct buf *out = &run->box->text;
	if (++run->logs_n > run->logs_max) {
		snprintf(run->why, sizeof(run->why), "more than %" PRId64 " log lines",
			run->logs_max);
		return false;
	}
	buf_clear(out);
	enum rc rc = buf_printf(out, "{\"level\":\"%s\",\"text\":", level);
	if (rc == RC_OK)
		rc = json_text_put(out, text);
	if (rc == RC_OK)
		rc = buf_put(out, "}", 1);
	bool ok = said(run, FRAME_LOG, rc);
	if (clock_mono_us() - run->box->since_us > FLUSH_US)
		ok = outbox_flush(run->box, NULL) == RC_OK && ok;
	return ok;
}

bool worker_run_call(
	struct worker_run *run, const char *method, const char *object, struct slice args)
{
	struct buf *out = &run->box->text;
	struct branch *b = run->at;
	char path[BRANCH_PATH_N];
	b->n++;
	if (++run->calls_n > run->calls_max || !branch_path(b, path)) {
		snprintf(run->why, sizeof(run->why), "more than %" PRId64 " calls", run->calls_max);
		return false;
	}
	buf_clear(out);
	enum rc rc = buf_printf(out,
		"{\"path\":\"%s\",\"method\":\"%s\",\"object\":\"%s\",\"args\":", path, method,
		object);
	if (rc == RC_OK)
		rc = buf_put(out, args.p, args.n);
	if (rc == RC_OK)
		rc = buf_put(out, "}", 1);
	bool ok = said(run, b->parent == NULL ? FRAME_CALL : FRAME_SIDE, rc);
	if (ok && run->box->out.n > FLUSH_BYTES)
		ok = outbox_flush(run->box, NULL) == RC_OK;
	if (!ok) {
		snprintf(run->why, sizeof(run->why), "a call that is too large");
		return false;
	}
	snprintf(b->call, sizeof(b->call), "%s %s%s%s", path, object, *object != '\0' ? ":" : "",
		method);
	b->state = BRANCH_ASKING;
	run->asking_n++;
	return true;
}

/* The sentence for the limit that was passed. */
static const char *limit_text(struct worker_run *run)
{
	if (run->state.end == STATE_CPU)
		snprintf(run->why, sizeof(run->why), "more than %" PRId64 " ms of processor time",
			run->cpu_ms);
	return run->why;
}

static enum rc put_outcome(struct buf *out, const struct worker_run *run)
{
	static const char *const names[] = {"done", "skip", "retry_after", "reject"};
	enum rc rc = buf_printf(out, "{\"outcome\":\"%s\"", names[run->outcome]);
	if (rc == RC_OK && run->outcome != WORKER_DONE) {
		rc = buf_put_text(out, ",\"why\":");
		if (rc == RC_OK)
			rc = json_text_put(out, slice_of(run->why));
	}
	if (rc == RC_OK && run->outcome == WORKER_RETRY_AFTER)
		rc = buf_printf(out, ",\"delay_ms\":%" PRId64, run->delay_ms);
	if (rc == RC_OK && run->outcome == WORKER_RETRY_AFTER && run->later_path[0] != '\0')
		rc = buf_printf(out, ",\"path\":\"%s\"", run->later_path);
	return rc;
}

/* END of a run whose Lua thread L came to an end with this status. */
static enum rc put_end(struct worker_run *run, lua_State *L, int status, struct err *err)
{
	struct buf *out = &run->box->text;
	enum rc rc;
	buf_clear(out);
	if (status == LUA_OK || run->state.end == STATE_OUTCOME) {
		rc = put_outcome(out, run);
	} else {
		rc = buf_put_text(out, "{\"outcome\":\"error\",\"error\":");
		if (rc == RC_OK)
			rc = trace_put(out, L, status, limit_text(run));
	}
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"cpu_us\":%" PRId64 ",\"memory\":%zu}",
			run->cpu_ms * 1000 - run->cpu_left_us, run->state.arena.peak);
	if (rc == RC_OK)
		rc = outbox_put(run->box, FRAME_END, run->slot, run->generation);
	return rc != RC_OK ? err_set(err, rc, "no room for the end of a run") : RC_OK;
}

static enum rc put_refusal(struct outbox *box, const struct frame *frame, const char *code,
	const char *text, struct err *err)
{
	bool asked = frame->kind == FRAME_WHEN;
	buf_clear(&box->text);
	enum rc rc = buf_put_text(
		&box->text, asked ? "{\"error\":" : "{\"outcome\":\"error\",\"error\":");
	if (rc == RC_OK)
		rc = trace_put_plain(&box->text, code, text);
	if (rc == RC_OK)
		rc = buf_put(&box->text, "}", 1);
	if (rc == RC_OK)
		rc = outbox_put(box, asked ? FRAME_WHEN : FRAME_END, frame->run, frame->generation);
	return rc != RC_OK ? err_set(err, rc, "no room for an answer") : RC_OK;
}

/* --- start ----------------------------------------------------------------------------------- */

struct order { /* the members of START and WHEN */
	struct worker_rule_file *file;
	struct slice event, when;
	char rule[256];
	int64_t cpu_ms, memory, logs, calls;
	bool key_only;
};

/* RC_NOT_FOUND: the file is not here. */
static enum rc read_order(const struct worker_rules *rules, const struct frame *frame,
	struct order *ret_order, struct err *err)
{
	static const char *const names[] = {
		"hash", "rule", "event", "cpu_ms", "memory", "logs", "calls", "when", "key_only"};
	struct slice v[ARRAY_N(names)];
	struct buf rule;
	buf_init(&rule, sizeof(ret_order->rule) - 1);
	if (!json_text_members(frame->payload, names, v, ARRAY_N(names)) || v[2].n == 0)
		return err_set(err, RC_PARSE, "a START or WHEN without an event");
	enum rc rc = json_text_copy(v[1], &rule);
	if (rc != RC_OK)
		return err_set(err, rc, "a START or WHEN without a rule");
	struct order order = {
		.file = worker_rules_find(rules, v[0]),
		.event = v[2],
		.when = v[7],
		.cpu_ms = json_text_int(v[3], CPU_MS),
		.memory = json_text_int(v[4], MEMORY_BYTES),
		.logs = json_text_int(v[5], LOGS),
		.calls = json_text_int(v[6], CALLS),
		.key_only = slice_equal(v[8], slice_of("true")),
	};
	snprintf(order.rule, sizeof(order.rule), "%s", rule.p != NULL ? rule.p : "");
	buf_done(&rule);
	if (order.memory < MEMORY_LEAST)
		order.memory = MEMORY_LEAST;
	*ret_order = order;
	return order.file != NULL ? RC_OK : RC_NOT_FOUND;
}

/* Pushes one function of the rule's head, nil where it has none. */
static void push_function(lua_State *L, const struct order *order, const char *name)
{
	rule_push_head(L, slice_of(order->rule));
	if (!lua_istable(L, -1))
		luaL_error(L,
			"%s:1: the rule \"%s\" is not declared any more: what a file declares "
			"must be the same each time",
			order->file->file, order->rule);
	lua_pushstring(L, name);
	lua_rawget(L, -2);
	lua_remove(L, -2);
}

static void furnish(lua_State *L, const struct order *order)
{
	kit_furnish(L);
	rule_declare(L, order->file);
}

/* Where a tail call leaves no frame of the rule, its function is named as the place. */
static void note_function(lua_State *L, struct state *state)
{
	lua_Debug ar;
	lua_pushvalue(L, -1);
	lua_getinfo(L, ">S", &ar);
	state_place(state, ar.short_src, ar.linedefined);
}

/* Makes the thread the rule runs in, the function and its event on it; protected. */
static int set_up(lua_State *L)
{
	const struct order *order = lua_touserdata(L, 1);
	struct state *state = state_of(L);
	furnish(L, order);
	lua_State *co = lua_newthread(L);
	push_function(L, order, "run");
	note_function(L, state);
	json_decode(L, order->event, JSON_RECORDS, "the event");
	lua_xmove(L, co, 2);
	state->run->own.co = co;
	return 1;
}

static enum rc put_nothing(struct outbox *box, const struct frame *frame, struct err *err)
{
	buf_clear(&box->text);
	enum rc rc = buf_put_text(&box->text, "{}");
	if (rc == RC_OK)
		rc = outbox_put(box, FRAME_BEAT, frame->run, frame->generation);
	return rc != RC_OK ? err_set(err, rc, "no room for an answer") : RC_OK;
}

/* Nothing of the run can go on: its CALL or END is the last word to the frame, or there is none. */
static enum rc settle(struct worker_runs *runs, struct worker_run **at, const struct frame *frame,
	struct err *err)
{
	struct worker_run *run = *at;
	if (run->own.state == BRANCH_ASKING)
		return RC_OK;
	if (run->over == NULL || run->asking_n > 0)
		return put_nothing(run->box, frame, err);
	enum rc rc = put_end(run, run->over, run->over_status, err);
	forget(runs, at);
	return rc;
}

static enum rc execute(struct worker_runs *runs, struct worker_run **at, const struct frame *frame,
	struct err *err)
{
	struct worker_run *run = *at;
	int status = lua_pcall(run->state.L, 1, 1, 1);
	if (status == LUA_OK) {
		branch_go_on(run);
	} else {
		run->over = run->state.L;
		run->over_status = status;
	}
	run->cpu_left_us -= limit_leave();
	return settle(runs, at, frame, err);
}

enum rc worker_run_start(struct worker_runs *runs, struct kit *kit,
	const struct worker_rules *rules, struct outbox *box, const struct frame *frame,
	struct err *err)
{
	struct order order;
	enum rc rc = read_order(rules, frame, &order, err);
	if (rc == RC_NOT_FOUND)
		return put_refusal(
			box, frame, "worker", "the worker does not have the rule's file", err);
	if (rc != RC_OK)
		return rc;
	struct worker_run **at = find(runs, frame->run);
	if (*at != NULL)
		forget(runs, at);
	struct worker_run *run = calloc(1, sizeof(*run));
	if (run == NULL ||
		state_open(&run->state, kit, STATE_RUN, (size_t)order.memory, err) != RC_OK) {
		free(run);
		return put_refusal(box, frame, "nomem", "this worker is out of memory", err);
	}
	run->slot = frame->run;
	run->generation = frame->generation;
	run->box = box;
	run->state.run = run;
	state_place(&run->state, order.file->file, 1);
	run->cpu_ms = order.cpu_ms;
	run->cpu_left_us = order.cpu_ms * 1000;
	run->logs_max = order.logs;
	run->calls_max = order.calls;
	run->own.prefix = "";
	at = &runs->buckets[run->slot % WORKER_RUN_BUCKETS];
	run->next = *at;
	*at = run;
	runs->n++;
	lua_pushcfunction(run->state.L, trace_note);
	lua_pushcfunction(run->state.L, set_up);
	lua_pushlightuserdata(run->state.L, &order);
	limit_enter(run->state.L, run->cpu_left_us);
	return execute(runs, at, frame, err);
}

/* --- resume ---------------------------------------------------------------------------------- */

enum rc worker_run_resume(
	struct worker_runs *runs, struct outbox *box, const struct frame *frame, struct err *err)
{
	static const char *const names[] = {"path", "value", "error"};
	struct slice v[ARRAY_N(names)];
	struct worker_run **at = find(runs, frame->run);
	struct worker_run *run = *at;
	if (!json_text_members(frame->payload, names, v, ARRAY_N(names)))
		return err_set(err, RC_PARSE, "a RESUME is no object");
	struct branch *b = run != NULL && run->generation == frame->generation
				   ? branch_find(&run->own, v[0])
				   : NULL;
	if (b == NULL)
		return put_nothing(box, frame, err);
	b->state = BRANCH_READY;
	run->asking_n--;
	run->answer = v[1].n != 0 ? v[1] : slice_of("null");
	run->answer_error = v[2];
	limit_enter(b->co, run->cpu_left_us);
	branch_go_on(run);
	run->cpu_left_us -= limit_leave();
	run->answer = run->answer_error = (struct slice){NULL, 0};
	return settle(runs, at, frame, err);
}

/* --- when and key ---------------------------------------------------------------------------- */

struct question {
	const struct order *order;
	bool match;
	struct buf *key; /* JSON */
};

/* Pushes a copy of the event for one of the functions, so that neither sees what the other did. */
static void ask_function(lua_State *L, const struct question *q)
{
	json_decode(L, q->order->event, JSON_RECORDS, "the event");
	lua_call(L, 1, 1);
}

static void take_key(lua_State *L, struct question *q)
{
	int type = lua_type(L, -1);
	if (type == LUA_TNIL)
		return;
	if (type != LUA_TSTRING && type != LUA_TNUMBER)
		state_raise(L, "key of \"%s\" must answer a text or a number, not a %s",
			q->order->rule, lua_typename(L, type));
	struct slice key;
	key.p = lua_tolstring(L, -1, &key.n);
	if (key.n > 500)
		state_raise(L, "key of \"%s\" is longer than 500 bytes", q->order->rule);
	if (strlen(key.p) != key.n)
		state_raise(L, "key of \"%s\" has a NUL byte", q->order->rule);
	buf_clear(q->key);
	if (json_text_put(q->key, key) != RC_OK)
		luaL_error(L, "no room for a key");
}

static int ask(lua_State *L)
{
	struct question *q = lua_touserdata(L, 1);
	furnish(L, q->order);
	push_function(L, q->order, "when");
	q->match = true;
	if (!q->order->key_only && lua_isfunction(L, -1)) {
		ask_function(L, q);
		q->match = lua_toboolean(L, -1);
	} else if (q->order->when.n > 0) {
		q->match = predicate_rest(L, q->order->when, q->order->event);
	}
	push_function(L, q->order, "key");
	if (q->match && lua_isfunction(L, -1)) {
		note_function(L, state_of(L));
		ask_function(L, q);
		take_key(L, q);
	}
	return 0;
}

static enum rc put_reply(struct outbox *box, const struct frame *frame, const struct question *q)
{
	buf_clear(&box->text);
	enum rc rc = buf_printf(&box->text, "{\"match\":%s,\"key\":%s}",
		q->match ? "true" : "false", q->key->n != 0 ? q->key->p : "null");
	return rc == RC_OK ? outbox_put(box, FRAME_WHEN, frame->run, frame->generation) : rc;
}

static enum rc put_failure(
	struct worker_run *run, const struct frame *frame, int status, struct err *err)
{
	struct buf *out = &run->box->text;
	buf_clear(out);
	enum rc rc = buf_put_text(out, "{\"error\":");
	if (rc == RC_OK)
		rc = trace_put(out, run->state.L, status, limit_text(run));
	if (rc == RC_OK)
		rc = buf_put(out, "}", 1);
	if (rc == RC_OK)
		rc = outbox_put(run->box, FRAME_WHEN, frame->run, frame->generation);
	return rc != RC_OK ? err_set(err, rc, "no room for an answer") : RC_OK;
}

enum rc worker_run_ask(struct kit *kit, const struct worker_rules *rules, struct outbox *box,
	const struct frame *frame, struct err *err)
{
	struct order order;
	struct worker_run run = {.box = box, .cpu_ms = ASK_CPU_MS};
	struct buf key;
	buf_init(&key, 4096);
	enum rc rc = read_order(rules, frame, &order, err);
	if (rc == RC_NOT_FOUND)
		return put_refusal(
			box, frame, "worker", "the worker does not have the rule's file", err);
	if (rc != RC_OK)
		return rc;
	if (state_open(&run.state, kit, STATE_WHEN, (size_t)order.memory, err) != RC_OK)
		return put_refusal(box, frame, "nomem", "this worker is out of memory", err);
	struct question question = {.order = &order, .key = &key};
	state_place(&run.state, order.file->file, 1);
	run.state.run = &run;
	lua_pushcfunction(run.state.L, trace_note);
	lua_pushcfunction(run.state.L, ask);
	lua_pushlightuserdata(run.state.L, &question);
	limit_enter(run.state.L, ASK_CPU_MS * 1000);
	int status = lua_pcall(run.state.L, 1, 0, 1);
	limit_leave();
	if (status == LUA_OK)
		rc = put_reply(box, frame, &question);
	else
		rc = put_failure(&run, frame, status, err);
	state_close(&run.state);
	buf_done(&key);
	return rc;
}
