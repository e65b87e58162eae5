/* SPDX-License-Identifier: MIT */
/*
 * A worker that says anything at any time about a run of its own: calls with paths that no block
 * has, the same one twice, ends before their calls, silence. The runner lives, and the run ends.
 * From: frames in the name of a real worker. To: runner/assign.c, runner/call.c, runner/outcome.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "runner/assign.h"
#include "tests/unit/runner_stage.h"

#define ROUNDS 40
#define FRAMES 60

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_frames, .init = open_stage, .fini = close_stage, .timeout = 240);

static uint64_t random_bits = 88172645463325252u;

static unsigned any(unsigned n)
{
	random_bits ^= random_bits << 13;
	random_bits ^= random_bits >> 7;
	random_bits ^= random_bits << 17;
	return (unsigned)(random_bits >> 33) % n;
}

static struct run *live_run(void)
{
	for (size_t i = 0; i < s.runner->runs.slots_n; i++)
		if (s.runner->runs.slots[i].state == RUN_ACTIVE ||
			s.runner->runs.slots[i].state == RUN_SUSPENDED)
			return &s.runner->runs.slots[i];
	return NULL;
}

static bool is_live(struct stage *stage, long n)
{
	(void)stage, (void)n;
	return live_run() != NULL && live_run()->journal.n > 1;
}

static struct slice call_text(char *out, size_t n)
{
	static const char *const paths[] = {"1", "2", "1.1", "1.1.1", "1.2.1", "1.2.2", "1.", ".1",
		"..", "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", "01", "0",
		"99999999999999999999999", "1.3.1", "", "a"};
	static const struct {
		const char *method, *object, *args;
	} calls[] = {{"now", "", "{}"}, {"random", "", "{}"},
		{"create", "notes", "{\"data\":{\"title\":\"t\"}}"}, {"list", "people", "{}"},
		{"get", "people", "{\"id\":\"x\"}"}, {"nothing", "people", "{}"},
		{"create", "notes", "7"}, {"graphql", "graphql", "{\"query\":\"{a}\"}"},
		{"update_many", "people", "{\"list\":[]}"}, {"", "", "null"}};
	unsigned i = any(40) == 0 ? 9 : any(9);
	char path[64];
	snprintf(path, sizeof(path), "%u.%u.%u", any(9), any(9), any(9));
	bool odd = any(12) == 0;
	int used = snprintf(out, n,
		"{\"path\":\"%s\",\"method\":\"%s\",\"object\":\"%s\",\"args\":%s}",
		odd ? paths[any(ARRAY_N(paths))] : path, calls[i].method, calls[i].object,
		calls[i].args);
	return (struct slice){out, (size_t)used};
}

static void say_something(struct run *run)
{
	static const char *const ends[] = {"{\"outcome\":\"done\"}", "{\"outcome\":\"skip\"}", "{}",
		"{\"outcome\":\"error\",\"error\":{\"code\":\"rule\",\"message\":\"x\"}}", "["};
	char text[512];
	struct frame frame = {.run = run->slot, .generation = run->generation};
	unsigned what = any(40);
	frame.kind = what < 19   ? FRAME_SIDE
		     : what < 31 ? FRAME_CALL
		     : what < 36 ? FRAME_BEAT
		     : what < 39 ? FRAME_LOG
				 : FRAME_END;
	frame.payload = frame.kind == FRAME_END ? slice_of(ends[any(ARRAY_N(ends))])
			: frame.kind == FRAME_LOG
				? slice_of("{\"level\":\"info\",\"text\":\"\\n\"}")
			: frame.kind == FRAME_BEAT ? slice_of("{}")
						   : call_text(text, sizeof(text));
	if (any(16) == 0)
		frame.generation += 1;
	assign_frame(s.runner, run->worker, &frame);
}

Test(runner_frames, whatever_a_worker_says_of_its_run_the_run_ends_once)
{
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", retry = { max = 1 }, run = function(event)\n"
		"  parallel(function() twenty.notes:create { title = \"a\" } end,\n"
		"    function() twenty.people:list {} now() end)\n"
		"end }");
	stage_start(&s, STAGE_SLOW_TWIN, "limits = { calls = 50 }");
	log_start("test", LOG_JSON, LOG_ERROR);
	for (int i = 0; i < ROUNDS; i++) {
		stage_someone(&s, "x");
		stage_until(&s, is_live, 0);
		for (int k = 0; k < FRAMES; k++) {
			struct run *run = live_run();
			if (run == NULL || run->worker == NULL)
				break;
			say_something(run);
			if (any(6) == 0)
				stage_turn(&s, 1);
		}
		cr_assert_eq(s.runner->fatal, RC_OK);
		stage_until(&s, stage_ended, i + 1);
	}
}
