/* SPDX-License-Identifier: MIT */
/* parallel(): calls side by side, their paths, what comes of results, errors, outcomes, limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

#define GET(id) "function() return twenty.people:get('" id "') end"

/* --- one frame after the other --------------------------------------------------------------- */

static void begin(struct worker_rig *rig, const char *body, const char *more)
{
	char source[2048];
	snprintf(source, sizeof(source),
		"rule 'rig' { on = 'person.created', run = function(event)\n%s\nend }", body);
	json_t *head = worker_rig_head(rig, source);
	cr_assert_not_null(json_object_get(head, "rules"), "%s",
		json_string_value(json_object_get(head, "error")));
	json_decref(head);
	json_t *start = json_pack(
		"{s:s, s:s, s:o}", "hash", "file", "rule", "rig", "event", worker_rig_event());
	json_t *extra = json_loads(more, 0, NULL);
	json_object_update(start, extra);
	json_decref(extra);
	cr_assert(peer_send(&rig->peer, FRAME_START, 1, 1, start));
}

/* Fails the test where the next frame is not of this kind; GIVES its payload. */
static json_t *next(struct worker_rig *rig, enum frame_kind kind)
{
	struct peer_frame f;
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f), "the worker is silent");
	char *text = json_dumps(f.payload, JSON_COMPACT);
	cr_assert(f.kind == kind && f.run == 1 && f.generation == 1, "kind %d: %s", f.kind, text);
	free(text);
	return f.payload;
}

static void asks(struct worker_rig *rig, enum frame_kind kind, const char *path)
{
	json_t *call = next(rig, kind);
	cr_expect_str_eq(json_string_value(json_object_get(call, "path")), path);
	json_decref(call);
}

static void is_silent(struct worker_rig *rig)
{
	json_decref(next(rig, FRAME_BEAT));
}

static void answer(struct worker_rig *rig, const char *path, const char *value)
{
	cr_assert(peer_send(&rig->peer, FRAME_RESUME, 1, 1,
		json_pack("{s:s, s:o}", "path", path, "value",
			json_loads(value, JSON_DECODE_ANY, NULL))));
}

static void fail(struct worker_rig *rig, const char *path, const char *code)
{
	cr_assert(peer_send(&rig->peer, FRAME_RESUME, 1, 1,
		json_pack("{s:s, s:{s:s, s:s, s:i, s:b}}", "path", path, "error", "code", code,
			"message", code, "status", 500, "retryable", 1)));
}

static void ends(struct worker_rig *rig, const char *outcome, const char *text)
{
	json_t *end = next(rig, FRAME_END);
	char *all = json_dumps(end, JSON_COMPACT);
	cr_expect_str_eq(json_string_value(json_object_get(end, "outcome")), outcome, "%s", all);
	cr_expect(strstr(all, text) != NULL, "%s", all);
	free(all);
	json_decref(end);
}

WORKER_TEST(worker_parallel, all_branches_have_asked_before_any_has_an_answer)
{
	begin(rig,
		"local a, b, c = parallel(" GET("a") ", " GET("b") ", " GET(
			"c") ")\n"
			     "skip(a.id .. b.id .. c.id)",
		"{}");
	asks(rig, FRAME_SIDE, "1.1.1");
	asks(rig, FRAME_SIDE, "1.2.1");
	asks(rig, FRAME_SIDE, "1.3.1");
	is_silent(rig);
	answer(rig, "1.3.1", "{\"id\":\"C\"}");
	is_silent(rig);
	answer(rig, "1.1.1", "{\"id\":\"A\"}");
	is_silent(rig);
	answer(rig, "1.2.1", "{\"id\":\"B\"}");
	ends(rig, "skip", "\"ABC\"");
}

WORKER_TEST(worker_parallel, a_path_says_the_branch_and_blocks_stand_in_each_other)
{
	begin(rig,
		"now()\n"
		"parallel(function() now() parallel(now, function() now() now() end) now() end,\n"
		"  function() random() end)\n"
		"parallel(now)\n"
		"now()",
		"{}");
	asks(rig, FRAME_CALL, "1");
	answer(rig, "1", "1");
	asks(rig, FRAME_SIDE, "2.1.1");
	asks(rig, FRAME_SIDE, "2.2.1");
	is_silent(rig);
	answer(rig, "2.1.1", "1");
	asks(rig, FRAME_SIDE, "2.1.2.1.1");
	asks(rig, FRAME_SIDE, "2.1.2.2.1");
	is_silent(rig);
	answer(rig, "2.1.2.2.1", "1");
	asks(rig, FRAME_SIDE, "2.1.2.2.2");
	is_silent(rig);
	answer(rig, "2.1.2.1.1", "1");
	is_silent(rig);
	answer(rig, "2.1.2.2.2", "1");
	asks(rig, FRAME_SIDE, "2.1.3");
	is_silent(rig);
	answer(rig, "2.1.3", "1");
	is_silent(rig);
	answer(rig, "2.2.1", "0.5");
	asks(rig, FRAME_SIDE, "3.1.1");
	is_silent(rig);
	answer(rig, "3.1.1", "1");
	asks(rig, FRAME_CALL, "4");
	answer(rig, "4", "1");
	ends(rig, "done", "");
}

WORKER_TEST(worker_parallel, an_answer_to_another_branch_or_a_second_one_is_dropped)
{
	begin(rig, "local a = parallel(" GET("a") ") skip(a.id)", "{}");
	asks(rig, FRAME_SIDE, "1.1.1");
	is_silent(rig);
	static const char *const strange[] = {"1", "1.1", "1.1.1.1", "1.2.1", "1.1.2", "", "\""};
	for (size_t i = 0; i < ARRAY_N(strange); i++) {
		answer(rig, strange[i], "{\"id\":\"wrong\"}");
		is_silent(rig);
	}
	answer(rig, "1.1.1", "{\"id\":\"right\"}");
	ends(rig, "skip", "right");
	answer(rig, "1.1.1", "{\"id\":\"late\"}");
	is_silent(rig);
}

/* --- errors ---------------------------------------------------------------------------------- */

WORKER_TEST(worker_parallel, the_others_end_before_the_error_of_the_first_in_order_is_raised)
{
	begin(rig,
		"parallel(" GET("a") ",\n"
				     "  " GET("b") ",\n"
						   "  function() now() twenty.notes:create {} end)",
		"{}");
	asks(rig, FRAME_SIDE, "1.1.1");
	asks(rig, FRAME_SIDE, "1.2.1");
	asks(rig, FRAME_SIDE, "1.3.1");
	is_silent(rig);
	fail(rig, "1.2.1", "upstream");
	is_silent(rig);
	fail(rig, "1.1.1", "limited");
	is_silent(rig);
	answer(rig, "1.3.1", "1");
	asks(rig, FRAME_SIDE, "1.3.2");
	is_silent(rig);
	answer(rig, "1.3.2", "{\"id\":\"n\"}");
	json_t *end = next(rig, FRAME_END);
	const json_t *error = json_object_get(end, "error");
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "limited");
	cr_expect_str_eq(
		json_string_value(json_object_get(error, "message")), "rig.lua:2: limited");
	cr_expect(json_is_true(json_object_get(error, "retryable")));
	json_decref(end);
}

WORKER_TEST(worker_parallel, an_outcome_in_a_branch_waits_for_what_was_asked_and_begins_nothing)
{
	begin(rig,
		"pcall(parallel, function() twenty.notes:create {} twenty.notes:create {} end,\n"
		"  function() pcall(function() now() retry_after('5m', 'why') end) end,\n"
		"  function() now() while true do end end)\n"
		"error('not reached')",
		"{}");
	asks(rig, FRAME_SIDE, "1.1.1");
	asks(rig, FRAME_SIDE, "1.2.1");
	asks(rig, FRAME_SIDE, "1.3.1");
	is_silent(rig);
	answer(rig, "1.2.1", "1");
	is_silent(rig);
	answer(rig, "1.3.1", "1");
	is_silent(rig);
	answer(rig, "1.1.1", "{\"id\":\"n\"}");
	ends(rig, "retry_after", "\"why\":\"why\",\"delay_ms\":300000");
}

WORKER_TEST(worker_parallel, a_limit_in_a_branch_ends_the_run_behind_what_was_asked)
{
	static const struct {
		const char *body, *more, *code;
	} limits[] = {
		{"while true do pcall(function() while true do end end) end", "{\"cpu_ms\":50}",
			"\"cpu\""},
		{"local s = 'x' while true do s = s .. s end", "{\"memory\":4000000}",
			"\"memory\""},
		{"while true do log.info('x') end", "{\"logs\":0}", "\"quota\""},
		{"while true do pcall(now) end", "{\"calls\":1}", "\"quota\""},
	};
	for (size_t i = 0; i < ARRAY_N(limits); i++) {
		char body[256];
		snprintf(body, sizeof(body),
			"parallel(function() twenty.notes:create {} end, function() %s end)",
			limits[i].body);
		begin(rig, body, limits[i].more);
		asks(rig, FRAME_SIDE, "1.1.1");
		is_silent(rig);
		answer(rig, "1.1.1", "{\"id\":\"n\"}");
		ends(rig, "error", limits[i].code);
	}
}

static const struct {
	const char *body, *message, *trace;
} errors[] = {
	{"local f = function()\n error('mine') end\nparallel(now, f)", "rig.lua:3: mine",
		"rig.lua:3: in the function of line 2\nrig.lua:4: in"},
	{"local f = function()\n local x = nil\n return x.y end\n"
	 "parallel(now, function() parallel(now, f) end)",
		"rig.lua:4: attempt to index", "rig.lua:4: in"},
	{"parallel(function() error('first') end, function() error('second') end)",
		"rig.lua:2: first", ""},
	{"parallel(function() error(nil) end)", "the rule raised a nil", ""},
	{"parallel(function() error({}) end)", "the rule raised a table", ""},
	{"parallel(now, nil)", "rig.lua:2: parallel: argument 2 is no function but a nil, write",
		""},
	{"parallel(twenty.people:get('x') or {})", "argument 1 is no function but a table", ""},
	{"local t = {} for i = 1, 1000 do t[i] = now end\nparallel(table.unpack(t))",
		"rig.lua:3: parallel: at most 100 functions run side by side in a run, these would "
		"be 1000",
		""},
	{"local t = {} for i = 1, 60 do t[i] = now end\n"
	 "parallel(function() parallel(table.unpack(t)) end,\n"
	 "  function() parallel(table.unpack(t)) end)",
		"rig.lua:4: parallel: at most 100 functions run side by side in a run, these would "
		"be 122",
		""},
	{"local function f() parallel(f) end\nf()", "rig.lua:2: parallel: at most 4 stand in each",
		""},
	{"table.sort({ 2, 1 }, function() parallel(now) end)",
		"rig.lua:2: parallel cannot be called from within table.sort", ""},
	{"local a, b = parallel(function() now() end, function() return b end)\nreturn a.x",
		"rig.lua:3: attempt to index a nil value (local 'a')", ""},
	{"coroutine.wrap(now)", "parallel makes several at once", ""},
};

WORKER_TEST(worker_parallel, an_error_says_where_it_came_up)
{
	for (size_t i = 0; i < ARRAY_N(errors); i++) {
		json_t *outcome = worker_rig_run(rig, errors[i].body, "[]");
		const json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
		const char *message = json_string_value(json_object_get(error, "message"));
		char *trace = worker_rig_frames(error);
		cr_expect(message != NULL && strstr(message, errors[i].message) != NULL,
			"%s\n  gave %s", errors[i].body, message);
		cr_expect(strstr(trace, errors[i].trace) != NULL, "%s\n  gave %s", errors[i].body,
			trace);
		free(trace);
		json_decref(outcome);
	}
}

/* --- what rules do with it ------------------------------------------------------------------- */

WORKER_TEST(worker_parallel, results_come_in_order_the_first_of_each)
{
	static const char *const bodies[] = {
		"assert(select('#', parallel()) == 0)",
		"local r = table.pack(parallel(function() return 1, 2 end, function() end,\n"
		"  function() now() return nil end, function() return 'd', 'e' end))\n"
		"assert(r.n == 4 and r[1] == 1 and r[2] == nil and r[3] == nil and r[4] == 'd')",
		"local a, b = parallel(function() return parallel(function() now() return 1 end) "
		"end,\n"
		"  function() return (parallel(now, function() return 2 end)) end)\n"
		"assert(a == 1 and b == nil)",
		"local ok, why = pcall(parallel, function() error('x', 0) end, now)\n"
		"assert(not ok and why == 'x')\n"
		"local ok, n = pcall(parallel, function() return 7 end) assert(ok and n == 7)",
		"local e = {} local ok, why = xpcall(parallel, function(m) return m end,\n"
		"  function() error(e) end) assert(not ok and why == e)",
		"local t = {} for i = 1, 100 do t[i] = function() now() return i end end\n"
		"for _ = 1, 3 do\n"
		"  local r = table.pack(parallel(table.unpack(t)))\n"
		"  for i = 1, 100 do assert(r[i] == i) end\n"
		"end",
		"for i = 1, 300 do pcall(parallel, now, function() error(i) end) end\n"
		"parallel(now, now)",
		"local n = parallel(function() local n = 0 for i = 1, 20 do\n"
		"  n = n + parallel(function() now() return 1 end, function() end) end return n "
		"end)\n"
		"assert(n == 20)",
		"local t = setmetatable({}, { __index = function(_, k)\n"
		"  return (parallel(function() now() return k end)) end })\n"
		"assert(t.a == 'a')",
		"assert(parallel(function() local ok, e = pcall(parallel, skip and error)\n"
		"  return ok == false and e == nil end))",
	};
	for (size_t i = 0; i < ARRAY_N(bodies); i++)
		worker_rig_holds(rig, bodies[i]);
}

WORKER_TEST(worker_parallel, it_has_its_place_in_run_and_nowhere_else)
{
	static const struct {
		const char *source, *error;
	} heads[] = {
		{"parallel(now)\nrule 'rig' { on = 'person.created', run = function() end }",
			"rig.lua:1: parallel belongs into `run`, not beside the rules"},
		{"parallel()", "parallel belongs into `run`, not beside the rules"},
	};
	for (size_t i = 0; i < ARRAY_N(heads); i++) {
		json_t *head = worker_rig_head(rig, heads[i].source);
		const char *error = json_string_value(json_object_get(head, "error"));
		cr_expect(error != NULL && strstr(error, heads[i].error) != NULL, "%s", error);
		json_decref(head);
	}
	struct peer_frame f;
	json_decref(worker_rig_head(rig,
		"rule 'rig' { on = 'person.created', when = function() parallel(now) end,\n"
		"run = function() end }"));
	cr_assert(peer_send(&rig->peer, FRAME_WHEN, 3, 4,
		json_pack("{s:s, s:s, s:o}", "hash", "file", "rule", "rig", "event",
			worker_rig_event())));
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
	const char *why =
		json_string_value(json_object_get(json_object_get(f.payload, "error"), "message"));
	cr_expect(why != NULL &&
			  strstr(why, "rig.lua:1: parallel belongs into `run`: `when`") != NULL,
		"%s", why);
	json_decref(f.payload);
}

WORKER_TEST(worker_parallel, a_cancelled_run_with_open_branches_leaves_nothing)
{
	for (int i = 0; i < 20; i++) {
		begin(rig, "parallel(now, function() parallel(now, now) end)", "{}");
		asks(rig, FRAME_SIDE, "1.1.1");
		asks(rig, FRAME_SIDE, "1.2.1.1.1");
		asks(rig, FRAME_SIDE, "1.2.1.2.1");
		is_silent(rig);
		cr_assert(peer_send(&rig->peer, FRAME_CANCEL, 1, 1, json_object()));
		answer(rig, "1.1.1", "1");
		is_silent(rig);
	}
}

WORKER_TEST(worker_parallel, processor_time_counts_over_all_branches)
{
	begin(rig,
		"local function f() while true do for i = 1, 2e6 do end now() end end\n"
		"parallel(f, f, f)",
		"{\"cpu_ms\":150}");
	int calls = 0;
	for (bool over = false; !over && calls < 1000;) {
		struct peer_frame f;
		cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
		const char *path = json_string_value(json_object_get(f.payload, "path"));
		if (f.kind == FRAME_SIDE) {
			answer(rig, path, "1");
			calls++;
		}
		over = f.kind == FRAME_END;
		if (over)
			cr_expect_str_eq(json_string_value(json_object_get(
						 json_object_get(f.payload, "error"), "code")),
				"cpu");
		json_decref(f.payload);
	}
	cr_expect(calls >= 1 && calls < 1000, "%d", calls);
}
