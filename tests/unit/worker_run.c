/* SPDX-License-Identifier: MIT */
/* Runs: outcomes, errors, limits, many at once, answers that come late. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct {
	const char *body, *end;
} outcomes[] = {
	{"", "{\"outcome\":\"done\"}"},
	{"return false, 'x'", "{\"outcome\":\"done\"}"},
	{"skip('no need')", "{\"outcome\":\"skip\",\"why\":\"no need\"}"},
	{"skip()", "{\"outcome\":\"skip\",\"why\":\"\"}"},
	{"reject('never')", "{\"outcome\":\"reject\",\"why\":\"never\"}"},
	{"retry_after('5m', 'later')",
		"{\"outcome\":\"retry_after\",\"why\":\"later\",\"delay_ms\":300000}"},
	{"pcall(skip, 'through') error('not reached')",
		"{\"outcome\":\"skip\",\"why\":\"through\"}"},
	{"xpcall(function() reject('through') end, function() error('no') end)",
		"{\"outcome\":\"reject\",\"why\":\"through\"}"},
	{"while true do pcall(pcall, pcall, skip, 'deep') end",
		"{\"outcome\":\"skip\",\"why\":\"deep\"}"},
	{"setmetatable({}, { __index = function() skip('meta') end }).x = nil\n"
	 "return setmetatable({}, { __index = function() skip('meta') end }).x",
		"{\"outcome\":\"skip\",\"why\":\"meta\"}"},
	{"skip('a\\nb\\27[31m')", "{\"outcome\":\"skip\",\"why\":\"a\\\\x0ab\\\\x1b[31m\"}"},
};

WORKER_TEST(worker_run, outcomes_pass_through_everything)
{
	for (size_t i = 0; i < ARRAY_N(outcomes); i++) {
		json_t *outcome = worker_rig_run(rig, outcomes[i].body, "[]");
		json_t *end = json_object_get(outcome, "end");
		cr_expect(json_integer_value(json_object_get(end, "memory")) > 1000);
		json_object_del(end, "cpu_us");
		json_object_del(end, "memory");
		char *text = json_dumps(end, JSON_COMPACT);
		cr_expect(
			worker_rig_is(end, outcomes[i].end), "%s gave %s", outcomes[i].body, text);
		free(text);
		json_decref(outcome);
	}
}

static const struct {
	const char *body, *code, *message, *trace;
	int line;
} errors[] = {
	{"local t\nreturn t.x", "rule", "rig.lua:3: attempt to index a nil value (local 't')",
		"rig.lua:3: in", 3},
	{"error('mine')", "rule", "rig.lua:2: mine", "rig.lua:2: in", 2},
	{"error('bare', 0)", "rule", "rig.lua:2: bare", "rig.lua:2: in", 2},
	{"error(nil)", "rule", "rig.lua:2: the rule raised a nil", "", 2},
	{"error({})", "rule", "rig.lua:2: the rule raised a table", "", 2},
	{"error(function() end)", "rule", "rig.lua:2: the rule raised a function", "", 2},
	{"error(42)", "rule", "rig.lua:2: 42", "", 2},
	{"error(setmetatable({}, { __tostring = function() while true do end end }))", "rule",
		"the rule raised a table", "", 2},
	{"local function f()\n error('deep') end\nlocal function g() f() end\ng()", "rule",
		"rig.lua:3: deep", "rig.lua:3: in f\nrig.lua:4: in g\nrig.lua:5: in", 3},
	{"nothing.x = 1", "rule", "attempt to index a nil value (global 'nothing')", "", 2},
	{"skippp('x')", "rule", "attempt to call a nil value (global 'skippp')", "", 2},
	{"print('x')", "rule",
		"rig.lua:2: attempt to call a nil value (global 'print'): use log.info", "", 2},
	{"local t = os.time()", "rule",
		"a nil value (global 'os'): rules have no os; now() gives the time", "", 2},
	{"io.open('x')", "rule", "(global 'io'): rules have no io;", "", 2},
	{"require 'x'", "rule", "(global 'require'): rules have no require;", "", 2},
	{"load('x')", "rule", "(global 'load'): rules have no load;", "", 2},
	{"skp('x')", "rule", "(global 'skp'): did you mean `skip`?", "", 2},
	{"twnety.people:list()", "rule", "(global 'twnety'): did you mean `twenty`?", "", 2},
	{"error(\"attempt to call a nil value (global 'print') today\")", "rule",
		"rig.lua:2: attempt to call a nil value (global 'print') today", "", 2},
	{"('x'):bad()", "rule", "attempt to call a nil value (method 'bad')", "", 2},
	{"retry_after('soon')", "rule", "\"soon\" is no duration", "", 2},
	{"while true do end", "cpu", "rig.lua:2: more than 2000 ms of processor time",
		"rig.lua:2: in", 2},
	{"local s = 'x'\nwhile true do\n s = s .. s end", "memory",
		"rig.lua:4: out of memory, a run may use 16384 kB", "", 4},
	{"while true do log.info('x') end", "quota", "rig.lua:2: more than 1000 log lines", "", 2},
	{"error('a\\27[31mb\\xff')", "rule", "rig.lua:2: a\\x1b[31mb\\xff", "", 2},
};

WORKER_TEST(worker_run, an_error_says_what_and_where_in_the_rules_own_words)
{
	for (size_t i = 0; i < ARRAY_N(errors); i++) {
		json_t *outcome = worker_rig_run(rig, errors[i].body, "[]");
		const json_t *end = json_object_get(outcome, "end");
		const json_t *error = json_object_get(end, "error");
		char *text = json_dumps(end, JSON_COMPACT);
		cr_expect_str_eq(json_string_value(json_object_get(end, "outcome")), "error");
		cr_expect_str_eq(json_string_value(json_object_get(error, "code")), errors[i].code,
			"%s gave %s", errors[i].body, text);
		cr_expect(strstr(json_string_value(json_object_get(error, "message")),
				  errors[i].message) != NULL,
			"%s gave %s", errors[i].body, text);
		char *frames = worker_rig_frames(error);
		cr_expect_not_null(
			strstr(frames, errors[i].trace), "%s gave %s", errors[i].body, text);
		free(frames);
		cr_expect_eq(json_integer_value(json_object_get(error, "line")), errors[i].line,
			"%s gave %s", errors[i].body, text);
		cr_expect_null(strstr(text, "prelude"), "%s", text);
		cr_expect_null(strstr(text, "0x"), "%s", text);
		free(text);
		json_decref(outcome);
	}
}

WORKER_TEST(worker_run, a_global_that_is_not_there_is_nil_until_it_is_used)
{
	worker_rig_holds(rig,
		"assert(print == nil and os == nil and not test and skippp == nil)\n"
		"local ok, why = pcall(function() nothing_like_it() end)\n"
		"assert(not ok and why:find \"nil value %(global 'nothing_like_it'%)$\", why)");
	char *why = worker_rig_error(rig, "nothing_like_it()");
	cr_expect(strstr(why, "(global 'nothing_like_it')") != NULL);
	cr_expect_null(strstr(why, "'):"), "%s", why);
	free(why);
}

WORKER_TEST(worker_run, an_uncaught_error_of_a_call_keeps_its_code_status_and_chance)
{
	json_t *outcome = worker_rig_run(rig, "local x\ntwenty.people:get('i')",
		"[{\"error\":{\"status\":429,\"code\":\"limited\",\"message\":\"slow down\","
		"\"retryable\":true}}]");
	json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
	json_object_del(error, "frames");
	cr_expect(worker_rig_is(error,
		"{\"code\":\"limited\",\"message\":\"rig.lua:3: slow down\",\"line\":3,"
		"\"call\":\"1 people:get\",\"status\":429,\"retryable\":true}"));
	json_decref(outcome);
}

WORKER_TEST(worker_run, a_look_alike_of_a_calls_error_is_an_error_of_the_rule)
{
	json_t *outcome = worker_rig_run(
		rig, "error { code = 'limited', status = 429, retryable = true }", "[]");
	const json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
	cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "rule");
	cr_expect_null(json_object_get(error, "retryable"));
	json_decref(outcome);
}

WORKER_TEST(worker_run, log_lines_are_one_line_cut_and_clean)
{
	json_t *outcome = worker_rig_run(rig,
		"log.info('a', 1, 2.5, nil, true, { x = 1 }, json.null, json.array())\n"
		"log.warn('b\\n\\27]0;x\\7', '\\xff', 'é')\n"
		"log.error(('y'):rep(10000))\n"
		"log.info(tostring({}), tostring(print or skip), setmetatable({}, { __tostring = "
		"function() return 'mine' end }))\n"
		"log.info()",
		"[]");
	const json_t *log = json_object_get(outcome, "log");
	cr_assert_eq(json_array_size(log), 5);
	cr_expect_str_eq(json_string_value(json_array_get(log, 0)),
		"info a 1 2.5 nil true {\"x\":1} null []");
	cr_expect_str_eq(
		json_string_value(json_array_get(log, 1)), "warn b\\x0a\\x1b]0;x\\x07 \\xff é");
	cr_expect_leq(json_string_length(json_array_get(log, 2)), 4096 + 6);
	cr_expect_geq(json_string_length(json_array_get(log, 2)), 4000);
	cr_expect_str_eq(json_string_value(json_array_get(log, 3)), "info table function mine");
	cr_expect_str_eq(json_string_value(json_array_get(log, 4)), "info ");
	json_decref(outcome);
}

static void send_start(struct peer *p, uint32_t slot, uint32_t gen, const char *more)
{
	json_t *start = json_pack(
		"{s:s, s:s, s:o}", "hash", "file", "rule", "rig", "event", worker_rig_event());
	json_t *extra = json_loads(more, 0, NULL);
	json_object_update(start, extra);
	json_decref(extra);
	cr_assert(peer_send(p, FRAME_START, slot, gen, start));
}

static void expect_frame(struct peer *p, enum frame_kind kind, uint32_t slot, uint32_t gen)
{
	struct peer_frame f;
	cr_assert(peer_receive(p, RIG_WAIT_MS, &f), "no frame");
	char *text = json_dumps(f.payload, JSON_COMPACT);
	cr_expect(f.kind == kind && f.run == slot && f.generation == gen,
		"kind %d run %u generation %u: %s", f.kind, f.run, f.generation, text);
	free(text);
	json_decref(f.payload);
}

static void send_resume(struct peer *p, uint32_t slot, uint32_t gen, const char *path)
{
	cr_assert(peer_send(p, FRAME_RESUME, slot, gen,
		json_pack("{s:s, s:{s:s}}", "path", path, "value", "id", "x")));
}

static void load(struct worker_rig *rig, const char *body)
{
	char source[1024];
	snprintf(source, sizeof(source),
		"rule 'rig' { on = 'person.created', run = function(event)\n%s\nend }", body);
	json_t *head = worker_rig_head(rig, source);
	cr_assert_not_null(json_object_get(head, "rules"));
	json_decref(head);
}

WORKER_TEST(worker_run, many_runs_are_suspended_at_once_and_resumed_in_any_order)
{
	enum { N = 300 };
	load(rig, "for i = 1, 2 do twenty.people:get('a') end");
	for (uint32_t i = 0; i < N; i++)
		send_start(&rig->peer, i, 1, "{}");
	for (uint32_t i = 0; i < N; i++)
		expect_frame(&rig->peer, FRAME_CALL, i, 1);
	for (uint32_t i = N; i-- > 0;)
		send_resume(&rig->peer, i, 1, "1");
	for (uint32_t i = N; i-- > 0;)
		expect_frame(&rig->peer, FRAME_CALL, i, 1);
	for (uint32_t i = 0; i < N; i++)
		send_resume(&rig->peer, i, 1, "2");
	for (uint32_t i = 0; i < N; i++)
		expect_frame(&rig->peer, FRAME_END, i, 1);
}

WORKER_TEST(worker_run, an_answer_for_another_generation_or_call_is_dropped_and_that_is_said)
{
	load(rig, "twenty.people:get('a')");
	send_start(&rig->peer, 4, 10, "{}");
	expect_frame(&rig->peer, FRAME_CALL, 4, 10);
	send_resume(&rig->peer, 4, 9, "1");  /* an earlier holder of the slot */
	send_resume(&rig->peer, 4, 10, "2"); /* another call */
	send_resume(&rig->peer, 5, 10, "1"); /* no such run */
	send_resume(&rig->peer, 4, 10, "1");
	expect_frame(&rig->peer, FRAME_BEAT, 4, 9);
	expect_frame(&rig->peer, FRAME_BEAT, 4, 10);
	expect_frame(&rig->peer, FRAME_BEAT, 5, 10);
	expect_frame(&rig->peer, FRAME_END, 4, 10);
	send_resume(&rig->peer, 4, 10, "1"); /* over */
	expect_frame(&rig->peer, FRAME_BEAT, 4, 10);
	send_start(&rig->peer, 4, 11, "{}");
	expect_frame(&rig->peer, FRAME_CALL, 4, 11);
}

WORKER_TEST(worker_run, a_cancelled_run_says_nothing_more)
{
	load(rig, "twenty.people:get('a')");
	send_start(&rig->peer, 1, 1, "{}");
	expect_frame(&rig->peer, FRAME_CALL, 1, 1);
	cr_assert(peer_send(&rig->peer, FRAME_CANCEL, 1, 2, json_object())); /* not this one */
	send_start(&rig->peer, 2, 1, "{}");
	expect_frame(&rig->peer, FRAME_CALL, 2, 1);
	cr_assert(peer_send(&rig->peer, FRAME_CANCEL, 1, 1, json_object()));
	send_resume(&rig->peer, 1, 1, "1");
	send_resume(&rig->peer, 2, 1, "1");
	expect_frame(&rig->peer, FRAME_BEAT, 1, 1);
	expect_frame(&rig->peer, FRAME_END, 2, 1);
}

WORKER_TEST(worker_run, processor_time_counts_over_all_parts_of_a_run)
{
	struct peer_frame f;
	load(rig, "while true do for i = 1, 3e6 do end twenty.people:get('a') end");
	send_start(&rig->peer, 1, 1, "{\"cpu_ms\":100}");
	int calls = 0;
	for (;;) {
		cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
		if (f.kind == FRAME_END)
			break;
		json_decref(f.payload);
		char path[16];
		snprintf(path, sizeof(path), "%d", ++calls);
		cr_assert_lt(calls, 1000);
		send_resume(&rig->peer, 1, 1, path);
	}
	cr_expect_geq(calls, 1);
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(f.payload, "error"), "code")),
		"cpu");
	json_decref(f.payload);
}

/* Nearly all of its time goes to calls and their answers, whose reading is cut short when it is up:
 * what is read is not to blame. */
WORKER_TEST(worker_run, an_answer_that_is_read_when_the_time_is_up_is_not_called_wrong)
{
	load(rig, "while true do twenty.people:get('a') end");
	for (uint32_t slot = 1; slot <= 8; slot++) {
		struct peer_frame f;
		char path[16];
		send_start(&rig->peer, slot, 1, "{\"cpu_ms\":2}");
		for (int calls = 1; calls < 10000; calls++) {
			cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
			if (f.kind == FRAME_END)
				break;
			json_decref(f.payload);
			snprintf(path, sizeof(path), "%d", calls);
			send_resume(&rig->peer, slot, 1, path);
		}
		cr_assert_eq(f.kind, FRAME_END);
		const json_t *error = json_object_get(f.payload, "error");
		cr_expect_str_eq(json_string_value(json_object_get(error, "code")), "cpu", "%s",
			json_string_value(json_object_get(error, "message")));
		json_decref(f.payload);
	}
}

WORKER_TEST(worker_run, a_worker_that_was_busy_says_when_it_is_back)
{
	load(rig, "for i = 1, 3e6 do end twenty.people:get('a')");
	rig->peer.beats = 0;
	send_start(&rig->peer, 1, 1, "{}");
	expect_frame(&rig->peer, FRAME_CALL, 1, 1);
	send_resume(&rig->peer, 1, 1, "1");
	expect_frame(&rig->peer, FRAME_END, 1, 1);
	cr_expect_geq(
		rig->peer.beats, 1); /* one for each frame that took long, on a busy machine */
}

Test(worker_run, a_run_that_never_comes_back_has_told_its_log)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	load(&rig, "log.info('one') for i = 1, 3e6 do end log.info('two') while true do end");
	send_start(&rig.peer, 1, 1, "{\"cpu_ms\":600000}");
	expect_frame(&rig.peer, FRAME_LOG, 1, 1);
	expect_frame(&rig.peer, FRAME_LOG, 1, 1);
	int status = peer_kill(&rig.peer);
	cr_expect(WIFSIGNALED(status), "%x", status);
}

WORKER_TEST(worker_run, quotas_come_with_the_start)
{
	load(rig, "log.info('1') log.info('2') log.info('3')");
	send_start(&rig->peer, 1, 1, "{\"logs\":2}");
	expect_frame(&rig->peer, FRAME_LOG, 1, 1);
	expect_frame(&rig->peer, FRAME_LOG, 1, 1);
	expect_frame(&rig->peer, FRAME_END, 1, 1);
	load(rig, "while true do pcall(now) end");
	send_start(&rig->peer, 1, 2, "{\"calls\":1}");
	expect_frame(&rig->peer, FRAME_CALL, 1, 2);
	send_resume(&rig->peer, 1, 2, "1");
	expect_frame(&rig->peer, FRAME_END, 1, 2);
}

WORKER_TEST(worker_run, each_run_starts_from_untouched_globals)
{
	worker_rig_holds(rig, "x = 1 string.rep = nil twenty.people.get = 5 _G.json = nil");
	worker_rig_holds(rig, "assert(x == nil and string.rep and json.encode)\n"
			      "assert(type(twenty.people.get) == 'function')");
}

WORKER_TEST(worker_run, a_file_the_worker_does_not_have_is_said_so)
{
	struct peer_frame f;
	load(rig, "");
	cr_assert(peer_send(&rig->peer, FRAME_DROP, 0, 0, json_pack("{s:s}", "hash", "file")));
	send_start(&rig->peer, 1, 1, "{}");
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
	cr_expect_eq(f.kind, FRAME_END);
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(f.payload, "error"), "code")),
		"worker");
	json_decref(f.payload);
}

static const struct {
	const char *head, *answer;
} questions[] = {
	{"when = function(e) return e.record.firstName == 'Ann' end",
		"{\"match\":true,\"key\":null}"},
	{"when = function(e) return nil end, key = function(e) return 'k' end",
		"{\"match\":false,\"key\":null}"},
	{"key = function(e) return e.record.companyId or e.record.id end",
		"{\"match\":true,\"key\":\"r\"}"},
	{"when = function(e) e.record.id = 'changed' return true end, key = function(e) return "
	 "e.record.id end",
		"{\"match\":true,\"key\":\"r\"}"},
	{"key = function(e) return 12 end", "{\"match\":true,\"key\":\"12\"}"},
	{"key = function(e) return nil end", "{\"match\":true,\"key\":null}"},
};

static json_t *ask(struct worker_rig *rig, const char *head)
{
	char source[512];
	struct peer_frame f;
	snprintf(source, sizeof(source),
		"rule 'rig' { on = 'person.created', run = function() end,\n%s }", head);
	json_decref(worker_rig_head(rig, source));
	cr_assert(peer_send(&rig->peer, FRAME_WHEN, 3, 4,
		json_pack("{s:s, s:s, s:o}", "hash", "file", "rule", "rig", "event",
			worker_rig_event())));
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
	cr_assert(f.kind == FRAME_WHEN && f.run == 3 && f.generation == 4);
	return f.payload;
}

WORKER_TEST(worker_run, when_and_key_are_asked_about_an_event)
{
	for (size_t i = 0; i < ARRAY_N(questions); i++) {
		json_t *answer = ask(rig, questions[i].head);
		char *text = json_dumps(answer, JSON_COMPACT);
		cr_expect(worker_rig_is(answer, questions[i].answer), "%s gave %s",
			questions[i].head, text);
		free(text);
		json_decref(answer);
	}
}

static json_t *ask_rest(struct worker_rig *rig, const char *source, const char *rest)
{
	struct peer_frame f;
	json_decref(worker_rig_head(rig, source));
	cr_assert(peer_send(&rig->peer, FRAME_WHEN, 3, 4,
		json_pack("{s:s, s:s, s:o, s:o}", "hash", "file", "rule", "rig", "event",
			worker_rig_event(), "when", json_loads(rest, JSON_DECODE_ANY, NULL))));
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
	cr_assert(f.kind == FRAME_WHEN && f.run == 3 && f.generation == 4);
	return f.payload;
}

WORKER_TEST(worker_run, what_is_left_of_a_predicate_is_decided_by_its_functions)
{
	static const struct {
		const char *rest, *answer;
	} cases[] = {
		{"{\"ask\":1}", "{\"match\":true,\"key\":\"k\"}"},
		{"{\"ask\":2}", "{\"match\":false,\"key\":null}"},
		{"{\"all\":[{\"ask\":1},{\"ask\":1}]}", "{\"match\":true,\"key\":\"k\"}"},
		{"{\"all\":[{\"ask\":1},null]}", "{\"match\":false,\"key\":null}"},
		{"{\"all\":[{\"ask\":2},{\"ask\":3}]}", "{\"match\":false,\"key\":null}"},
		{"{\"any\":[null,{\"ask\":1},{\"ask\":3}]}", "{\"match\":true,\"key\":\"k\"}"},
		{"{\"any\":[{\"ask\":2},{\"none\":[{\"ask\":2}]}]}",
			"{\"match\":true,\"key\":\"k\"}"},
		{"{\"none\":[{\"ask\":1},{\"all\":[{\"ask\":3}]}]}",
			"{\"match\":false,\"key\":null}"},
		{"{\"none\":[{\"ask\":2},null]}", "{\"match\":false,\"key\":null}"},
	};
	static const char source[] =
		"local w = all { function(e) return e.record.firstName == 'Ann' end,\n"
		"  any { function(e) return nil end, function(e) error('must not be asked') end } }"
		"rule 'rig' { on = 'person.created', when = w, run = function() end,\n"
		"  key = function() return 'k' end }";
	/* the inner ones are numbered first */
	static const char turned[] =
		"local function f(e) return e.record.firstName == 'Ann' end\n"
		"local w = all { f, function(e) return nil end, function(e) error('asked') end }\n"
		"rule 'rig' { on = 'person.created', when = w, run = function() end,\n"
		"  key = function() return 'k' end }";
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		json_t *answer = ask_rest(rig, turned, cases[i].rest);
		char *text = json_dumps(answer, JSON_COMPACT);
		cr_expect(
			worker_rig_is(answer, cases[i].answer), "%s gave %s", cases[i].rest, text);
		free(text);
		json_decref(answer);
	}
	json_t *answer = ask_rest(rig, source, "{\"ask\":3}");
	cr_expect(worker_rig_is(answer, "{\"match\":true,\"key\":\"k\"}"));
	json_decref(answer);
	answer = ask_rest(rig, turned, "{\"any\":[{\"ask\":3}]}");
	const char *message =
		json_string_value(json_object_get(json_object_get(answer, "error"), "message"));
	cr_expect(message != NULL && strstr(message, "rig.lua:2: asked") != NULL, "%s", message);
	json_decref(answer);
}

static const struct {
	const char *head, *code, *message;
} bad_questions[] = {
	{"when = function(e) while true do end end", "cpu", "rig.lua:2: more than 100 ms"},
	{"when = function(e) return e.x.y end", "rule", "rig.lua:2: attempt to index"},
	{"key = function(e) return {} end", "rule", "must answer a text or a number, not a table"},
	{"key = function(e) return ('x'):rep(1000) end", "rule", "longer than 500 bytes"},
	{"when = function(e) return twenty.people:get('x') end", "rule",
		"`when` and `key` see the event only"},
	{"when = function(e) skip('x') end", "rule", "skip belongs into `run`"},
};

WORKER_TEST(worker_run, a_when_that_fails_is_an_error_with_its_line)
{
	for (size_t i = 0; i < ARRAY_N(bad_questions); i++) {
		json_t *answer = ask(rig, bad_questions[i].head);
		const json_t *error = json_object_get(answer, "error");
		const char *message = json_string_value(json_object_get(error, "message"));
		cr_assert_not_null(message, "%s", bad_questions[i].head);
		cr_expect_str_eq(json_string_value(json_object_get(error, "code")),
			bad_questions[i].code, "%s", message);
		cr_expect(strstr(message, bad_questions[i].message) != NULL, "%s", message);
		json_decref(answer);
	}
}

Test(worker_run, a_broken_frame_ends_the_worker_with_1)
{
	static const char *const broken[] = {"\xff\xff\xff\xff", "\x0b\0\0\0\x63\0\0\0\0\0\0\0\0{}",
		"\x0b\0\0\0\x04\0\0\0\0\0\0\0\0{}"};
	static const size_t broken_n[] = {4, 15, 15};
	for (size_t i = 0; i < ARRAY_N(broken); i++) {
		struct worker_rig rig;
		struct peer_frame f;
		worker_rig_open(&rig);
		cr_assert(peer_send_bytes(&rig.peer, (struct slice){broken[i], broken_n[i]}));
		cr_expect_not(peer_receive(&rig.peer, RIG_WAIT_MS, &f));
		int status = peer_stop(&rig.peer);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%zu: %x", i, status);
	}
}
