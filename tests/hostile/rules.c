/* SPDX-License-Identifier: MIT */
/*
 * Hostile rules inside the whole program: each ends at its limit, is recorded as what it was, and
 * the runs of other rules go on meanwhile, their effects happening once. From: deliveries to one
 * daemon with a good and a hostile rule. To: its runs and the twin's records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "tests/harness/house.h"
#include "tests/harness/sender.h"

#define GOOD_N 200

struct attack {
	const char *name, *body;
	const char *error; /* part of what its run says */
};

static const struct attack attacks[] = {
	{"an endless loop", "while true do end", "processor time"},
	{"an endless loop inside pcall",
		"while true do pcall(function() while true do end end) end", "processor time"},
	{"a pattern bomb",
		"local n = 30; return string.find(('a'):rep(n), ('a?'):rep(n) .. ('a'):rep(n) .. "
		"'b')",
		"processor time"},
	{"a table that grows for ever",
		"local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
		"out of memory"},
	{"a string that doubles for ever", "local s = 'x' while true do s = s .. s end",
		"out of memory"},
	{"allocation that swallows its refusal",
		"local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1 << 20) end) "
		"end",
		"out of memory"},
	{"branches that never stop asking",
		"local function f() while true do pcall(now) end end parallel(f, f, f)",
		"more than 1000 calls"},
	{"blocks of branches without end", "local function f() parallel(f, f) end f()",
		"hostile.lua:5: parallel: at most 4"},
	{"recursion without end", "local function f() return 1 + f() end; f()", "hostile.lua:5"},
};

static const char good_rule[] =
	"rule \"good\" {\n"
	"  on = \"person.created\",\n"
	"  run = function(event)\n"
	"    twenty.companies:get(\"00000000-0000-4000-8000-000000000000\")\n"
	"    twenty.notes:create { title = \"seen \" .. event.record.id }\n"
	"  end,\n"
	"}\n";

static struct house house;

static void close_house(void)
{
	house_close(&house);
}

static enum rc body(void *ctx, size_t i, struct buf *out)
{
	struct uuid id;
	struct err err;
	(void)ctx;
	enum rc rc = uuid_new(&id, &err);
	return rc != RC_OK
		       ? rc
		       : sender_person(out, i == GOOD_N / 4 ? "person.updated" : "person.created",
				 id.text, i, "someone@example.com");
}

static const char *error_of(json_t *runs, const char *rule, const char **ret_state)
{
	size_t i;
	json_t *run;
	json_array_foreach(runs, i, run)
	{
		const char *name = json_string_value(json_object_get(run, "rule"));
		if (name != NULL && strcmp(name, rule) == 0) {
			*ret_state = json_string_value(json_object_get(run, "state"));
			const char *error = json_string_value(json_object_get(run, "error"));
			return error != NULL ? error : "";
		}
	}
	*ret_state = "no run";
	return "";
}

static size_t notes_n(void)
{
	json_t *notes = house_records(&house, "notes");
	size_t n = json_array_size(notes);
	json_decref(notes);
	return n;
}

static void attack_one(const struct attack *attack)
{
	char rule[1024];
	house = (struct house){0};
	snprintf(rule, sizeof(rule),
		"rule \"hostile\" {\n  on = \"person.updated\",\n  cpu = \"500ms\",\n"
		"  run = function(event)\n%s\n  end,\n}\n",
		attack->body);
	cr_assert(house_rule(&house, "good.lua", good_rule));
	cr_assert(house_rule(&house, "hostile.lua", rule));
	struct house_conf conf = {.no_webhooks = true,
		.twin_args = "--budget none --latency 10",
		.budget = "none",
		.settings = "limits = { memory = \"32MB\" }\nlog = { level = \"error\" }"};
	cr_assert(house_open(&house, &conf));

	struct sender_conf sender = {.port = house.hook_port,
		.source = "twenty",
		.secret = HOUSE_SECRET,
		.n = GOOD_N,
		.connections = 8,
		.deadline_ms = 30000,
		.body = body};
	struct sender_result r;
	struct err err;
	int64_t start = clock_mono_ms();
	cr_assert_eq(sender_run(&sender, &r, &err), RC_OK);
	cr_assert_eq(r.stored, GOOD_N);
	cr_expect(house_await_runs(&house, "done", GOOD_N - 1, 30000),
		"%s: other runs did not go on: %ld done", attack->name,
		house_runs_n(&house, "done"));
	cr_expect(house_await_runs(&house, "dead", 1, 30000), "%s: never ended", attack->name);
	int64_t took = clock_mono_ms() - start;

	json_t *runs = house_runs(&house);
	const char *state = NULL, *error = error_of(runs, "hostile", &state);
	cr_expect_str_eq(state, "dead", "%s: %s", attack->name, state);
	cr_expect(strstr(error, attack->error) != NULL, "%s: recorded as: %s", attack->name, error);
	cr_expect_eq(notes_n(), GOOD_N - 1, "%s: %zu effects of %d runs", attack->name, notes_n(),
		GOOD_N - 1);
	cr_expect_lt(took, 20000);
	fprintf(stderr, "    %-40s %s after at most %lld ms\n", attack->name, error,
		(long long)took);
	json_decref(runs);
	house_close(&house);
}

/* Parameters travel to another process: an index does, a pointer would not. */
ParameterizedTestParameters(hostile_rules, each_ends_at_its_limit_and_others_go_on)
{
	static size_t index[ARRAY_N(attacks)];
	for (size_t i = 0; i < ARRAY_N(attacks); i++)
		index[i] = i;
	return cr_make_param_array(size_t, index, ARRAY_N(attacks));
}

ParameterizedTest(size_t *index, hostile_rules, each_ends_at_its_limit_and_others_go_on,
	.timeout = 120, .fini = close_house)
{
	attack_one(&attacks[*index]);
}
