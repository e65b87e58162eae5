/* SPDX-License-Identifier: MIT */
/* Heads of rule files: good ones as data, bad ones as one sentence with its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

#define RUN "run = function(event) end"

static void expect_rules(struct worker_rig *rig, const char *source, const char *rules)
{
	json_t *head = worker_rig_head(rig, source);
	char *text = json_dumps(head, JSON_COMPACT);
	cr_expect(worker_rig_is(json_object_get(head, "rules"), rules), "%s", text);
	cr_expect_str_eq(json_string_value(json_object_get(head, "hash")), "file");
	free(text);
	json_decref(head);
}

WORKER_TEST(worker_head, a_rule_with_everything_is_told_as_data)
{
	expect_rules(rig,
		"local x = 1\n\n"
		"rule 'whole' { on = { 'person.created', '*.deleted', 'company.*', 'hook:stripe' "
		"},\n"
		"  when = function(e) return true end, key = 'companyId',\n"
		"  echo = false, timeout = '2m', cpu = '250ms', retry = { max = 3 }, " RUN " }",
		"[{\"name\":\"whole\",\"line\":3,\"on\":[\"person.created\",\"*.deleted\","
		"\"company.*\",\"hook:stripe\"],\"when\":true,\"key\":\"companyId\",\"echo\":false,"
		"\"timeout_ms\":120000,\"cpu_ms\":250,\"retry_max\":3}]");
}

WORKER_TEST(worker_head, a_bare_rule_has_the_defaults_and_a_file_may_hold_several)
{
	expect_rules(rig,
		"rule 'a' { on = 'person.created', " RUN " }\n"
		"rule 'b' { on = '*.*', echo = true, key = function(e) return e.id end, " RUN " }",
		"[{\"name\":\"a\",\"line\":1,\"on\":[\"person.created\"],\"when\":false,\"key\":"
		"null,\"echo\":null,"
		"\"timeout_ms\":0,\"cpu_ms\":0,\"retry_max\":0},"
		"{\"name\":\"b\",\"line\":2,\"on\":[\"*.*\"],\"when\":false,\"key\":true,\"echo\":"
		"true,"
		"\"timeout_ms\":0,\"cpu_ms\":0,\"retry_max\":0}]");
}

WORKER_TEST(worker_head, a_predicate_is_told_as_data)
{
	static const struct {
		const char *when, *data;
	} cases[] = {
		{"changed 'stage'", "{\"changed\":{\"stage\":{}}}"},
		{"changed { 'email', 'name.firstName' }",
			"{\"changed\":{\"email\":{},\"name.firstName\":{}}}"},
		{"changed { stage = { from = 'NEW', to = { 'WON', 'LOST' } } }",
			"{\"changed\":{\"stage\":{\"from\":[\"NEW\"],\"to\":[\"WON\",\"LOST\"]}}}"},
		{"changed { 'email', n = { to = { 1, 2.5, true, json.null } } }",
			"{\"changed\":{\"email\":{},\"n\":{\"to\":[1,2.5,true,null]}}}"},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char source[300];
		snprintf(source, sizeof(source),
			"local w = %s\nrule 'a' { on = 'person.updated', when = w, " RUN " }",
			cases[i].when);
		json_t *head = worker_rig_head(rig, source);
		const json_t *rule = json_array_get(json_object_get(head, "rules"), 0);
		cr_expect(worker_rig_is(json_object_get(rule, "when"), cases[i].data), "%s: %s",
			cases[i].when, json_string_value(json_object_get(head, "error")));
		json_decref(head);
	}
}

WORKER_TEST(worker_head, a_predicate_is_not_for_a_function)
{
	char *error = worker_rig_error(rig, "return changed 'stage'");
	cr_expect_not_null(
		strstr(error, "changed is what `when` of a rule may be, as in when = "
			      "changed \"stage\"; within a function, look at event.fields "
			      "and event.before"),
		"%s", error);
	free(error);
}

WORKER_TEST(worker_head, an_object_of_the_workspace_may_have_any_name_of_its_own)
{
	expect_rules(rig,
		"rule 'a' { on = { 'rocket.created', 'news.updated', 'sales.*', 'peoples.created' "
		"}, " RUN " }",
		"[{\"name\":\"a\",\"line\":1,\"on\":[\"rocket.created\",\"news.updated\","
		"\"sales.*\",\"peoples.created\"],\"when\":false,\"key\":null,\"echo\":null,"
		"\"timeout_ms\":0,"
		"\"cpu_ms\":0,\"retry_max\":0}]");
}

WORKER_TEST(worker_head, a_byte_order_mark_a_shell_line_and_crlf_do_no_harm)
{
	static const char *const sources[] = {
		"\xef\xbb\xbfrule 'a' { on = 'person.created', " RUN " }",
		"#!/usr/bin/moonhook\nrule 'a' { on = 'person.created', " RUN " }",
		"rule 'a' {\r\n on = 'person.created',\r\n " RUN "\r\n}\r\n",
	};
	for (size_t i = 0; i < ARRAY_N(sources); i++) {
		json_t *head = worker_rig_head(rig, sources[i]);
		cr_expect_not_null(json_object_get(head, "rules"), "%zu: %s", i,
			json_string_value(json_object_get(head, "error")));
		json_decref(head);
	}
}

static const struct {
	const char *source, *error;
	int line;
} wrongs[] = {
	{"rule 'a' {\n on = \n}", "rig.lua:3: unexpected symbol near '}'", 3},
	{"x = = 1", "rig.lua:1: unexpected symbol near '='", 1},
	{"", "rig.lua:1: there is no rule in this file", 1},
	{"local a\n\nerror('mine')", "rig.lua:3: mine", 3},
	{"local t\nprint(t.x)", "rig.lua:2: attempt to index a nil value (local 't')", 2},
	{"\nwhile true do end", "rig.lua:2: reading the file took more than 500 ms", 2},
	{"local s = 'x' while true do s = s .. s end", "rig.lua:1: out of memory", 1},
	{"twenty.people:get('x')", "people:get belongs into `run`", 1},
	{"now()", "now belongs into `run`", 1},
	{"skip('x')", "skip belongs into `run`", 1},
	{"rule { on = 'person.created' }", "rig.lua:1: a rule has a name", 1},
	{"rule '' {}", "a rule's name has 1 to", 1},
	{"rule 'a' 'b'", "rule \"a\" lacks its table", 1},
	{"rule 'a' { " RUN " }", "rig.lua:1: rule \"a\": it says not when it runs", 1},
	{"rule 'a' { on = 'person.created' }", "it has no run = function(event) .. end", 1},
	{"rule 'a' { on = 'person.created', run = 1 }", "run must be a function", 1},
	{"\n\nrule 'a' { on = 'person.create', " RUN " }",
		"rig.lua:3: rule \"a\": on: \"person.create\": did you mean \"person.created\"?",
		3},
	{"rule 'a' { on = 'person', " RUN " }", "names no action", 1},
	{"rule 'a' { on = 'people.created', " RUN " }",
		"rig.lua:1: rule \"a\": on: \"people.created\": events are named by the singular: "
		"\"person.created\"",
		1},
	{"rule 'a' { on = { 'person.created', 'companies.*' }, " RUN " }",
		"events are named by the singular: \"company.*\"", 1},
	{"rule 'a' { on = 'Opportunities.updated', " RUN " }",
		"events are named by the singular: \"opportunity.updated\"", 1},
	{"rule 'a' { on = 'Person.created', " RUN " }",
		"on: \"Person.created\": did you mean \"person.created\"?", 1},
	{"rule 'a' { on = 'WorkspaceMember.*', " RUN " }", "did you mean \"workspaceMember.*\"?",
		1},
	{"\nrule('a', { on = 'person.created', " RUN " })",
		"rig.lua:2: write rule \"a\" { on = .., run = .. }, without parentheses and comma",
		2},
	{"rules 'a' { on = 'person.created', " RUN " }",
		"attempt to call a nil value (global 'rules'): did you mean `rule`?", 1},
	{"print 'x'", "(global 'print'): use log.info", 1},
	{"rule 'a' { on = '../x.created', " RUN " }", "an object is like person", 1},
	{"rule 'a' { on = {}, " RUN " }", "on: a list has 1 to 64 patterns", 1},
	{"rule 'a' { on = { 1 }, " RUN " }", "a pattern is a text", 1},
	{"rule 'a' { on = 'timer', " RUN " }", "not there in this version", 1},
	{"rule 'a' { on = 'person.created', wen = 1, " RUN " }",
		"unknown option 'wen', did you mean 'when'?", 1},
	{"rule 'a' { on = 'person.created', settle = '5s', " RUN " }",
		"the option 'settle' is not there in this version", 1},
	{"rule 'a' { 'person.created', " RUN " }", "an option has no name", 1},
	{"rule 'a' { on = 'person.created', when = 'stage', " RUN " }",
		"rig.lua:1: rule \"a\": when = \"stage\": write when = changed \"stage\"", 1},
	{"rule 'a' { on = 'person.created', when = {}, " RUN " }",
		"when must be a function of the event, or changed \"field\"; it is a table", 1},
	{"\nrule 'a' { on = 'person.created', when = changed, " RUN " }\nchanged()",
		"rig.lua:3: changed: name a field, as in changed \"stage\", or a list of them", 3},
	{"\nlocal w = changed { 'x y' }", "rig.lua:2: changed: \"x y\" is no name of a field", 2},
	{"changed 'a..b'", "changed: \"a..b\" is no name of a field, nor a path", 1},
	{"changed 'a.b.c.d'", "is no name of a field", 1},
	{"changed ''", "changed: \"\" is no name of a field", 1},
	{"changed('a', 'b')", "several fields are a list, changed { \"email\", \"phone\" }", 1},
	{"changed {}", "changed: the list is empty", 1},
	{"changed { 7 }", "changed: a field is a text like \"stage\", not a number", 1},
	{"changed { [true] = {} }", "changed: a field is a text like \"stage\", not a boolean", 1},
	{"changed { 'a', a = { to = 1 } }", "changed: \"a\" is named twice", 1},
	{"changed { 'a', 'a' }", "changed: \"a\" is named twice", 1},
	{"changed { stage = 'WON' }", "changed: write stage = { to = .. }, or { from = .., to", 1},
	{"changed { stage = {} }", "changed: stage says neither from nor to", 1},
	{"changed { stage = { form = 'NEW' } }",
		"changed: stage: unknown option 'form', did you mean 'from'?", 1},
	{"changed { stage = { is = 'NEW' } }",
		"changed: stage: unknown option 'is', there are from and to", 1},
	{"changed { stage = { 'NEW', 'WON' } }", "changed: write stage = { from = .., to", 1},
	{"changed { stage = { to = {} } }", "changed: stage.to: a list has 1 to 64 values", 1},
	{"changed { stage = { to = { { 'WON' } } } }",
		"changed: stage.to is a text, a number, true, false or json.null", 1},
	{"changed { stage = { from = pcall } }", "or a list of such, not a function", 1},
	{"changed { n = { to = 0/0 } }", "changed.n.to[1] is not a number (NaN)", 1},
	{"changed { n = { to = '\\xff' } }", "changed.n.to[1] is text that is not UTF-8", 1},
	{"changd 'stage'", "(global 'changd'): did you mean `changed`?", 1},
	{"rule 'a' { on = 'person.created', key = {}, " RUN " }", "key must be", 1},
	{"rule 'a' { on = 'person.created', timeout = 30, " RUN " }",
		"timeout must be a duration like \"30s\", it is a number", 1},
	{"rule 'a' { on = 'person.created', timeout = 'soon', " RUN " }",
		"timeout: \"soon\" is no duration", 1},
	{"rule 'a' { on = 'person.created', cpu = '2h', " RUN " }", "cpu is at most 60 s", 1},
	{"rule 'a' { on = 'person.created', retry = 3, " RUN " }", "retry must be a table", 1},
	{"rule 'a' { on = 'person.created', retry = { max = 0 }, " RUN " }", "from 1 to 100", 1},
	{"rule 'a' { on = 'person.created', retry = { times = 3 }, " RUN " }", "only max", 1},
	{"rule 'a' { on = 'person.created', " RUN " }\nrule 'a' { on = 'person.created', " RUN " }",
		"rig.lua:2: rule \"a\": the file has another rule of this name", 2},
};

WORKER_TEST(worker_head, a_wrong_file_is_one_sentence_with_its_line)
{
	for (size_t i = 0; i < ARRAY_N(wrongs); i++) {
		json_t *head = worker_rig_head(rig, wrongs[i].source);
		const char *error = json_string_value(json_object_get(head, "error"));
		cr_expect(error != NULL && strstr(error, wrongs[i].error) != NULL,
			"%s\n  gave %s\n  not  %s", wrongs[i].source, error, wrongs[i].error);
		cr_expect_eq(json_integer_value(json_object_get(head, "line")), wrongs[i].line,
			"%s", wrongs[i].source);
		json_decref(head);
	}
}

WORKER_TEST(worker_head, bytecode_is_no_rule)
{
	json_t *head = worker_rig_head(rig, "\x1bLuaT");
	cr_expect(strstr(json_string_value(json_object_get(head, "error")), "binary chunk") != NULL,
		"%s", json_string_value(json_object_get(head, "error")));
	json_decref(head);
}

WORKER_TEST(worker_head, a_broken_newer_version_leaves_the_older_one_in_use)
{
	worker_rig_holds(rig, "return 1");
	json_decref(worker_rig_head(rig, "broken ("));
	cr_assert(peer_send(&rig->peer, FRAME_START, 7, 99,
		json_pack("{s:s, s:s, s:o}", "hash", "file", "rule", "rig", "event",
			worker_rig_event())));
	struct peer_frame f;
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f));
	cr_expect_eq(f.kind, FRAME_END);
	cr_expect_str_eq(json_string_value(json_object_get(f.payload, "outcome")), "done");
	json_decref(f.payload);
}
