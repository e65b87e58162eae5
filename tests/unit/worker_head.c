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
		"[{\"name\":\"a\",\"line\":1,\"on\":[\"person.created\"]},"
		"{\"name\":\"b\",\"line\":2,\"on\":[\"*.*\"],\"key\":true,\"echo\":true}]");
}

/* One option and what HEAD says of it. `on = 'person.created'` stands beside it where it is no
 * clock. */
static const struct {
	const char *option, *data;
} rights[] = {
	{"on = 'timer'", "{\"on\":[\"timer\"]}"},
	{"on = { 'hook:my-Source_2', 'timer', 'person.created' }",
		"{\"on\":[\"hook:my-Source_2\",\"timer\",\"person.created\"]}"},
	{"every = '1h'", "{\"on\":[],\"every_ms\":3600000}"},
	{"cron = '0 9 * * 1-5'", "{\"on\":[],\"cron\":\"0 9 * * 1-5\"}"},
	{"cron = '*/5 8-18 * jan-MAR mon,fri', tz = 'America/Argentina/Buenos_Aires'",
		"{\"on\":[],\"cron\":\"*/5 8-18 * jan-MAR mon,fri\",\"tz\":\"America/Argentina/"
		"Buenos_Aires\"}"},
	{"every = '1m', when = function() return true end, lane = 'live'",
		"{\"on\":[],\"every_ms\":60000,\"when\":true,\"lane\":\"live\"}"},
	{"E, settle = '20s'", "{\"settle_ms\":20000}"},
	{"E, settle = '20s', max_settle = '5m'", "{\"settle_ms\":20000,\"max_settle_ms\":300000}"},
	{"E, settle = '5m', max_settle = '5m'", "{\"settle_ms\":300000,\"max_settle_ms\":300000}"},
	{"E, batch = '30s'", "{\"batch\":{\"every_ms\":30000,\"max\":0}}"},
	{"E, batch = { every = '10m', max = 200 }",
		"{\"batch\":{\"every_ms\":600000,\"max\":200}}"},
	{"E, batch = { every = '10m' }", "{\"batch\":{\"every_ms\":600000,\"max\":0}}"},
	{"E, key = 'companyId'", "{\"key\":\"companyId\"}"},
	{"E, key = function(event) return event.id end", "{\"key\":true}"},
	{"E, concurrency = 3", "{\"concurrency\":3}"},
	{"E, timeout = '2m'", "{\"timeout_ms\":120000}"},
	{"E, cpu = '250ms'", "{\"cpu_ms\":250}"},
	{"E, retry = { max = 8 }", "{\"retry_max\":8}"},
	{"E, echo = 'others'", "{\"echo\":null}"},
	{"E, echo = true", "{\"echo\":true}"},
	{"E, echo = false", "{\"echo\":false}"},
	{"E, fresh = true", "{\"fresh\":{\"depth\":0}}"},
	{"E, fresh = { depth = 1 }", "{\"fresh\":{\"depth\":1}}"},
	{"on = { 'a.deleted', 'a.updated' }, fresh = true",
		"{\"on\":[\"a.deleted\",\"a.updated\"],\"fresh\":{\"depth\":0}}"},
	{"E, lane = 'background'", "{\"lane\":\"background\"}"},
	{"E, max_writes = '1000/h'", "{\"max_writes\":{\"n\":1000,\"per_ms\":3600000}}"},
	{"E, max_writes = '5/s'", "{\"max_writes\":{\"n\":5,\"per_ms\":1000}}"},
	{"E, max_writes = '60/m'", "{\"max_writes\":{\"n\":60,\"per_ms\":60000}}"},
	{"E, max_writes = '999999999/d'", "{\"max_writes\":{\"n\":999999999,\"per_ms\":86400000}}"},
	{"E, mode = 'shadow'", "{\"shadow\":true}"},
	{"E, mode = 'live'", "{\"shadow\":false}"},
	{"E, was = 'old name'", "{\"was\":\"old name\"}"},
};

WORKER_TEST(worker_head, each_option_is_told_as_data)
{
	for (size_t i = 0; i < ARRAY_N(rights); i++) {
		char source[300];
		bool event = rights[i].option[0] == 'E';
		snprintf(source, sizeof(source), "\nrule 'a' { %s%s, " RUN " }",
			event ? "on = 'person.created'" : "", rights[i].option + event);
		json_t *head = worker_rig_head(rig, source);
		json_t *rule = json_array_get(json_object_get(head, "rules"), 0);
		cr_expect_eq(json_integer_value(json_object_get(rule, "line")), 2);
		json_object_del(rule, "name");
		json_object_del(rule, "line");
		if (event)
			json_object_del(rule, "on");
		cr_expect(worker_rig_is(rule, rights[i].data), "%s: %s", rights[i].option,
			json_string_value(json_object_get(head, "error")));
		json_decref(head);
	}
}

/* One mistake in the head of a rule on line 2. */
static const struct {
	const char *options, *error;
} mistakes[] = {
	{"on = 'tmer'", "on: \"tmer\": did you mean \"timer\"?"},
	{"on = 'person:created'", "on: \"person:created\": did you mean \"person.created\"?"},
	{"on = 'hok:stripe'", "on: \"hok:stripe\": did you mean \"hook:stripe\"?"},
	{"on = 'hook:'", "on: \"hook:\" names no source"},
	{"on = 'hook:str ipe'", "on: \"hook:str ipe\" names no source: letters, digits, _ and -"},
	{"on = true", "on must be a text or a list of texts, it is a boolean"},
	{"every = 5", "every must be a duration like \"1h\", it is a number"},
	{"every = 'hour'", "every: \"hour\" is no duration"},
	{"every = '10ms'", "every is at least 1 s"},
	{"every = '1000d'", "every is at most 31622400 s"},
	{"every = '1h', on = 'person.created'", "on and every: a rule runs on events or by the"},
	{"cron = '0 9 * * *', on = 'timer'", "on and cron: a rule runs on events or by the clock"},
	{"cron = '0 9 * * *', every = '1h'", "every and cron: one of them says when it runs"},
	{"cron = 9", "cron must be a text like \"0 9 * * 1-5\", it is a number"},
	{"cron = ''", "cron must be a text of 1 to 200 bytes"},
	{"cron = '0 9 * *'", "cron: \"0 9 * *\" has 4 fields, there are five: minute, hour"},
	{"cron = '0 25 * * *'", "cron: the hour 25 is not one of 0 to 23"},
	{"cron = '0 9 * * mno'", "cron: \"mno\" is no weekday, did you mean \"mon\"?"},
	{"cron = '0 9 * * *', tz = 'Europe Paris'", "tz: \"Europe Paris\" is no time zone"},
	{"cron = '0 9 * * *', tz = '/etc/passwd'", "is no time zone, write one like"},
	{"cron = '0 9 * * *', tz = 1", "tz must be a text like \"Europe/Paris\", it is a number"},
	{"every = '1h', tz = 'Europe/Paris'", "tz without cron: it is the time zone of cron"},
	{"E, tz = 'Europe/Paris'", "tz without cron"},
	{"every = '1h', settle = '5s'",
		"settle with every: settle gathers the changes of a record"},
	{"cron = '0 9 * * *', settle = '5s', max_settle = '9s'", "settle with cron"},
	{"every = '1h', batch = '5s'", "batch with every: batch gathers events, and the clock"},
	{"every = '1h', key = 'id'", "key with every: key keeps runs of one record apart"},
	{"every = '1h', echo = true", "echo with every: echo is about who changed a record"},
	{"every = '1h', fresh = true", "fresh with every: fresh reads the record of an event"},
	{"every = '1h', when = changed 'stage'", "when with every: the clock brings no record"},
	{"E, settle = 20", "settle must be a duration like \"20s\", it is a number"},
	{"E, settle = '0s'", "settle: \"0s\" is no duration"},
	{"E, settle = '2d'", "settle is at most 86400 s"},
	{"E, settle = '6m', max_settle = '5m'", "settle is longer than max_settle"},
	{"E, max_settle = '5m'", "max_settle without settle: write settle = \"20s\", too"},
	{"E, settle = '5s', batch = '5s'", "settle and batch: settle makes one run of the changes"},
	{"on = 'timer', settle = '5s'", "settle with \"timer\": a timer is no change"},
	{"on = { 'person.created', 'timer' }, batch = '5s'", "batch with \"timer\""},
	{"E, batch = 30", "batch must be a table like { every = \"10m\", max = 200 }, it is a num"},
	{"E, batch = { max = 5 }", "batch says not how long it gathers: { every = \"10m\""},
	{"E, batch = { every = '5s', mx = 5 }", "batch: unknown option 'mx', did you mean 'max'?"},
	{"E, batch = { every = '5s', size = 5 }", "batch knows only every or max, as in { every"},
	{"E, batch = { every = '5s', max = 0 }", "batch.max is a whole number from 1 to 1000"},
	{"E, batch = { every = 5 }", "batch must be a duration like \"30s\", it is a number"},
	{"E, batch = '5s', fresh = true", "batch and fresh: the events of a batch have many"},
	{"E, batch = '5s', concurrency = 2", "batch and concurrency: one run of a batch"},
	{"E, concurrency = 0", "concurrency is a whole number from 1 to 1000"},
	{"E, concurrency = 2.5", "concurrency is a whole number from 1 to 1000"},
	{"E, concurrency = '2'", "concurrency is a whole number"},
	{"E, retry = {}", "retry.max is a whole number from 1 to 100"},
	{"E, retry = { mox = 1 }", "retry: unknown option 'mox', did you mean 'max'?"},
	{"E, echo = 'mine'", "echo is \"others\" (what people and other rules write), true"},
	{"E, fresh = false", "fresh is true or { depth = 1 }; leave it out"},
	{"E, fresh = 1", "fresh is true or { depth = 1 }"},
	{"E, fresh = { depth = 2 }", "fresh.depth is a whole number from 0 to 1"},
	{"E, fresh = { deph = 1 }", "fresh: unknown option 'deph', did you mean 'depth'?"},
	{"on = 'hook:stripe', fresh = true", "fresh with \"hook:\": what another source sends"},
	{"on = { 'person.deleted', '*.destroyed' }, fresh = true",
		"fresh with a record that is deleted: it is gone by then"},
	{"E, lane = 'backgroud'", "lane: \"backgroud\": did you mean \"background\"?"},
	{"E, lane = 'slow'", "lane is \"live\" or \"background\", not \"slow\""},
	{"E, lane = 1", "lane is \"live\" or \"background\", not a number"},
	{"E, max_writes = 1000", "max_writes must be a text like \"1000/h\", it is a number"},
	{"E, max_writes = '1000'", "max_writes: \"1000\" is no rate, write a number from 1 to"},
	{"E, max_writes = '1000/w'", "is no rate"},
	{"E, max_writes = '0/h'", "is no rate"},
	{"E, max_writes = '-5/h'", "is no rate"},
	{"E, max_writes = '99999999999999999999/h'", "is no rate"},
	{"E, mode = 'shado'", "mode: \"shado\": did you mean \"shadow\"?"},
	{"E, mode = 'dry'", "mode is \"live\" or \"shadow\", not \"dry\""},
	{"E, was = 'a'", "was: that is its name now, was says what it was before"},
	{"E, was = 5", "was must be a text like \"old name\", it is a number"},
	{"E, was = ''", "was must be a text of 1 to 120 bytes"},
	{"E, settel = '5s'", "unknown option 'settel', did you mean 'settle'?"},
	{"E, maxwrites = '5/s'", "unknown option 'maxwrites', did you mean 'max_writes'?"},
	{"E, colour = 'red'", "unknown option 'colour', there are on, every, cron, tz, when, key"},
};

WORKER_TEST(worker_head, each_mistake_in_a_head_is_told_with_its_line_and_what_is_right)
{
	for (size_t i = 0; i < ARRAY_N(mistakes); i++) {
		char source[300];
		bool event = mistakes[i].options[0] == 'E';
		snprintf(source, sizeof(source), "\nrule 'a' { %s%s, " RUN " }",
			event ? "on = 'person.created'" : "", mistakes[i].options + event);
		json_t *head = worker_rig_head(rig, source);
		const char *error = json_string_value(json_object_get(head, "error"));
		cr_expect(error != NULL && strncmp(error, "rig.lua:2: rule \"a\": ", 21) == 0 &&
				  strstr(error, mistakes[i].error) != NULL,
			"%s\n  gave %s\n  not  %s", mistakes[i].options, error, mistakes[i].error);
		json_decref(head);
	}
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
		{"has 'email'", "{\"has\":[\"email\"]}"},
		{"has { 'email', 'phones.primaryPhoneNumber' }",
			"{\"has\":[\"email\",\"phones.primaryPhoneNumber\"]}"},
		{"is { stage = 'NEW', amount = { gte = 5 } }",
			"{\"is\":{\"amount\":{\"gte\":5},\"stage\":\"NEW\"}}"},
		{"is { any = { { city = 'Paris' }, { city = json.null } } }",
			"{\"is\":{\"any\":[{\"city\":\"Paris\"},{\"city\":null}]}}"},
		{"all { changed 'stage', any { has 'email', has 'phone' } }",
			"{\"all\":[{\"changed\":{\"stage\":{}}},{\"any\":[{\"has\":[\"email\"]},"
			"{\"has\":[\"phone\"]}]}]}"},
		{"none { is { vip = true } }", "{\"none\":[{\"is\":{\"vip\":true}}]}"},
		{"all { function() end, none { function() end } }",
			"{\"all\":[{\"ask\":2},{\"none\":[{\"ask\":1}]}]}"},
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
	static const struct {
		const char *body, *error;
	} cases[] = {
		{"return changed 'stage'",
			"changed is what `when` of a rule may be, as in when = changed \"stage\"; "
			"within a function, look at event.fields and event.before"},
		{"return has 'email'", "has is what `when` of a rule may be, as in when = has {"},
		{"return is { a = 1 }", "is is what `when` of a rule may be, as in when = is {"},
		{"return all {}", "all is what `when` of a rule may be, as in when = all {"},
		{"return any {}", "any is what `when` of a rule may be"},
		{"return none {}", "none is what `when` of a rule may be"},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char *error = worker_rig_error(rig, cases[i].body);
		cr_expect_not_null(strstr(error, cases[i].error), "%s", error);
		free(error);
	}
}

WORKER_TEST(worker_head, an_object_of_the_workspace_may_have_any_name_of_its_own)
{
	expect_rules(rig,
		"rule 'a' { on = { 'rocket.created', 'news.updated', 'sales.*', 'peoples.created' "
		"}, " RUN " }",
		"[{\"name\":\"a\",\"line\":1,\"on\":[\"rocket.created\",\"news.updated\","
		"\"sales.*\",\"peoples.created\"]}]");
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
	{"rule 'a' { on = 'person.created', wen = 1, " RUN " }",
		"unknown option 'wen', did you mean 'when'?", 1},
	{"rule 'a' { 'person.created', " RUN " }", "an option has no name", 1},
	{"rule 'a' { on = 'person.created', when = 'stage', " RUN " }",
		"rig.lua:1: rule \"a\": when = \"stage\": write when = changed \"stage\"", 1},
	{"rule 'a' { on = 'person.created', when = {}, " RUN " }",
		"when must be a function of the event, or changed \"field\"; it is a table", 1},
	{"\nrule 'a' { on = 'person.created', when = changed, " RUN " }\nchanged()",
		"rig.lua:3: changed: name a field, as in changed \"stage\", or a list of them", 3},
	{"\nlocal w = changed { 'x y' }", "rig.lua:2: changed: \"x y\" is no name of a field", 2},
	{"changed 'a..b'", "changed: \"a..b\" is no name of a field, nor a path", 1},
	{"changed 'a.b.c.d.e.f.g.h.i'", "is no name of a field", 1},
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
	{"\nhas()", "rig.lua:2: has: name the fields that have a value, as in has {", 2},
	{"has {}", "has: a list has 1 to 64 fields", 1},
	{"has { email = true }", "has takes a list, as in has { \"email\", \"phone\" }", 1},
	{"has { 'a b' }", "has: \"a b\" is no name of a field, nor a path", 1},
	{"has { 1 }", "has: a field is a text like \"stage\", not a number", 1},
	{"has('a', 'b')", "has: name the fields that have a value", 1},
	{"\nis 'stage'", "rig.lua:2: is: write a condition on the record, as in is { stage", 2},
	{"is {}", "is: the condition is empty, which every record meets", 1},
	{"is(changed 'stage')", "is takes a condition, is { stage = \"NEW\" }", 1},
	{"is { n = 0/0 }", "is.n is not a number (NaN)", 1},
	{"is { n = pcall }", "is.n is a function", 1},
	{"\nall()", "rig.lua:2: all takes a list of predicates, as in all { changed \"stage\"", 2},
	{"any {}", "any: a list has 1 to 64 predicates", 1},
	{"none { 'stage' }", "none: \"stage\": write changed \"stage\" or has { \"stage\" }", 1},
	{"all { stage = 'NEW' }",
		"all takes a list of predicates; a condition on the record is written is { stage "
		"= .. }",
		1},
	{"all { { stage = 'NEW' } }", "all: a condition on the record is written is { .. }", 1},
	{"all { true }", "all: a member is a predicate or a function of the event, not a bool", 1},
	{"any(changed 'stage')", "any takes a list of predicates", 1},
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
