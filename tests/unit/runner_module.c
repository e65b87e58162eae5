/* SPDX-License-Identifier: MIT */
/*
 * Modules: `use "name"` from the folder lib, as part of the version of each rule file that uses it.
 * From: rule files, modules and reloads. To: runner/module.c, runner/worker/lua_use.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "runner/uses.h"
#include "tests/unit/runner_stage.h"

static struct stage s;
static char lib[256];

static void open_stage(void)
{
	stage_open(&s);
	snprintf(lib, sizeof(lib), "%s/lib", s.dir);
	cr_assert_eq(mkdir(lib, 0700), 0);
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_module, .init = open_stage, .fini = close_stage, .timeout = 60);

static void module(const char *file, const char *text)
{
	cr_assert(process_write(lib, file, text));
}

static void says(const char *text)
{
	char answer[512];
	stage_reload(&s, answer);
	cr_assert(strstr(answer, text) != NULL, "\"%s\" lacks \"%s\"", answer, text);
}

static void rule(const char *file, const char *name, const char *top, const char *body)
{
	char text[1024];
	snprintf(text, sizeof(text),
		"%s\nrule \"%s\" { on = \"person.*\", run = function(event)\n%s\nend }\n", top,
		name, body);
	stage_rule(&s, file, text);
}

/* The run of a rule for the next event, when `ended` runs have ended in all. */
static const struct stage_run *run_of(const char *name, long ended)
{
	struct id id = stage_someone(&s, "x");
	stage_until(&s, stage_ended, ended);
	return stage_find(&s, name, &id);
}

Test(runner_module, a_rule_uses_the_value_that_a_module_returns_and_modules_use_others)
{
	module("numbers.lua", "return { one = 1 }");
	module("words.lua",
		"local n = use(\"numbers\")\nreturn function() return 'w' .. n.one end");
	rule("a.lua", "r", "local w = use \"words\"",
		"log.info(w(), use('words') == w, use [[numbers]].one)");
	stage_start(&s, STAGE_ALONE, NULL);
	const struct stage_run *run = run_of("r", 1);
	cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
	cr_expect_not_null(strstr(run->log, "w1 true 1"), "%s", run->log);
}

Test(runner_module, each_run_has_its_own_copy_in_the_same_sandbox)
{
	module("count.lua",
		"assert(io == nil and require == nil and string.dump == nil)\n"
		"local t = { n = 0 } function t.up() t.n = t.n + 1 return t.n end return t");
	rule("a.lua", "r", "", "log.info(\"n\", use \"count\".up(), use \"count\".up())");
	stage_start(&s, STAGE_ALONE, NULL);
	for (int i = 1; i <= 2; i++) {
		const struct stage_run *run = run_of("r", i);
		cr_expect_eq(run->state, QUEUE_DONE, "%s", run->error);
		cr_expect_not_null(strstr(run->log, "n 1 2"), "%s", run->log);
	}
}

Test(runner_module, a_module_that_is_not_there_is_told_with_the_line_and_the_one_that_was_meant)
{
	module("owners.lua", "return 1");
	rule("a.lua", "r",
		"-- use \"nothing\"\nlocal s = 'use \"nothing\"'\nlocal o = use \"owner\"", "");
	rule("b.lua", "good", "local o = use \"owners\"", "");
	stage_start(&s, STAGE_ALONE, NULL);
	says("a.lua:3: there is no module \"owner\" in lib, did you mean \"owners\"?");
	cr_expect_eq(s.runner->rules.live->n, 1, "the other file is live");
}

Test(runner_module, a_name_is_a_plain_word)
{
	static const char *const names[] = {"../rules/b", "/etc/passwd", "a.b", "", "a b", "a\\0b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	stage_start(&s, STAGE_ALONE, NULL);
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		char top[128];
		snprintf(top, sizeof(top), "local o = use \"%s\"", names[i]);
		rule("a.lua", "r", top, "");
		says("a.lua:1: a module's name is a plain word");
	}
	char outside[300], link[300];
	snprintf(outside, sizeof(outside), "%s/outside.lua", s.dir);
	snprintf(link, sizeof(link), "%s/out.lua", lib);
	cr_assert(process_write(s.dir, "outside.lua", "return 1"));
	cr_assert_eq(symlink(outside, link), 0);
	rule("a.lua", "r", "use \"out\"", "");
	says("lib/");
	cr_expect_eq(s.runner->rules.live->n, 0);
}

Test(runner_module, modules_that_use_each_other_in_a_circle_are_an_error)
{
	module("a.lua", "return use \"b\"");
	module("b.lua", "local x = 1\nreturn use \"c\"");
	module("c.lua", "return use \"a\"");
	rule("r.lua", "r", "use \"a\"", "");
	stage_start(&s, STAGE_ALONE, NULL);
	says("lib/c.lua:1: modules use each other in a circle: lib/a.lua -> lib/b.lua -> lib/c.lua "
	     "-> lib/a.lua");
	module("c.lua", "return 1");
	says("reloaded 1 rule live");
}

Test(runner_module, a_broken_module_leaves_the_rules_that_use_it_as_they_were)
{
	module("m.lua", "return 'old'");
	rule("a.lua", "r", "local m = use \"m\"", "log.info(m)");
	rule("b.lua", "other", "", "");
	stage_start(&s, STAGE_ALONE, NULL);
	char other[DIGEST_HEX_N];
	snprintf(
		other, sizeof(other), "%s", ruleset_find_file(s.runner->rules.live, "b.lua")->hash);
	module("m.lua", "local x = 1\nreturn = 2");
	says("lib/m.lua:2: unexpected symbol near '=' (used by a.lua)");
	cr_expect_not_null(strstr(run_of("r", 2)->log, "old"));
	module("m.lua", "local x = 1");
	says("lib/m.lua returns nothing");
	cr_expect_not_null(strstr(run_of("r", 4)->log, "old"));
	module("m.lua", "return 'new'");
	says("reloaded 2 rules live");
	cr_expect_not_null(strstr(run_of("r", 6)->log, "new"));
	cr_expect_str_eq(ruleset_find_file(s.runner->rules.live, "b.lua")->hash, other,
		"who does not use it stays what it was");
}

Test(runner_module, a_run_keeps_the_modules_it_began_with_over_a_change_and_a_restart)
{
	char hash[DIGEST_HEX_N], file[256];
	struct buf text;
	struct err err;
	module("m.lua", "return 'old'");
	rule("a.lua", "r", "",
		"if kv.incr(\"n\") == 1 then retry_after(\"2s\", \"later\") end\n"
		"log.info(\"m\", use \"m\")");
	stage_start(&s, STAGE_ALONE, NULL);
	struct id first = stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	snprintf(hash, sizeof(hash), "%s", stage_find(&s, "r", NULL)->source_hash);
	module("m.lua", "return 'new'");
	says("1 rule live");
	buf_init(&text, 65536);
	cr_assert_eq(queue_source_get(s.work, hash, &text, file, &err), RC_OK);
	cr_expect_str_eq(file, "a.lua");
	cr_expect_not_null(strstr(text.p, "-- moonhook version: 2 files\n"), "%s", text.p);
	cr_expect_not_null(strstr(text.p, "-- 12 bytes: lib/m.lua\nreturn 'old'\n"), "%s", text.p);
	buf_done(&text);
	stage_stop(&s);
	stage_again(&s);
	cr_expect_str_neq(s.runner->rules.live->files[0]->hash, hash);
	cr_expect_not_null(strstr(run_of("r", 2)->log, "m new"));
	cr_expect_not_null(strstr(stage_find(&s, "r", &first)->log, "m old"));
}

Test(runner_module, an_error_in_a_module_is_told_with_the_modules_own_line)
{
	module("m.lua", "local M = {}\nfunction M.name(p)\n  return p.nothing.x\nend\nreturn M");
	rule("a.lua", "r", "local m = use \"m\"", "log.info(m.name(event.record))");
	stage_start(&s, STAGE_ALONE, NULL);
	const struct stage_run *run = run_of("r", 1);
	cr_expect_eq(strncmp(run->error, "lib/m.lua:3: attempt to index", 29), 0, "%s", run->error);
	static const char wanted[] = "    3 |   return p.nothing.x\n"
				     "      |            ^^^^^^^\n"
				     "lib/m.lua:3: in name\n"
				     "a.lua:3: in ";
	cr_expect_eq(strncmp(run->detail, wanted, strlen(wanted)), 0, "%s", run->detail);
}

static const struct {
	const char *text, *found; /* "name:line .." */
} scans[] = {
	{"use 'a' use(\"b\")\nuse\n  [[c]]", "a:1 b:1 c:2 "},
	{"-- use 'a'\n--[[ use 'b' ]] local s = \"use 'c'\" .. [==[use 'd']==]", ""},
	{"x.use 'a' x:use 'b' local use = 1 function use() end", ""},
	{"reuse 'a' use = 'b' use(name) use 'c'", "c:1 "},
	{"t = { use 'a', ['x'] = use 'b' }", "a:1 b:1 "},
	{"use 'a' \"never closed\nuse 'b'", "a:1 "},
	{"", ""},
};

static enum rc note(void *ctx, struct slice name, int line, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 200 - n, "%.*s:%d ", (int)name.n, name.p, line);
	return RC_OK;
}

Test(runner_uses, the_names_are_found_where_lua_would_call_use)
{
	for (size_t i = 0; i < ARRAY_N(scans); i++) {
		char found[200] = "";
		struct err err;
		cr_assert_eq(uses_each("x.lua", slice_of(scans[i].text), note, found, &err), RC_OK);
		cr_expect_str_eq(found, scans[i].found, "%s", scans[i].text);
	}
}
