/* SPDX-License-Identifier: MIT */
/* twenty.<objects>: the CALL that each method makes, what it returns, what it refuses to send. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct {
	const char *body, *call;
} calls[] = {
	{"twenty.people:get('i')",
		"{\"method\":\"get\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"twenty.people:get('i', { depth = 1, fields = { 'name' } })",
		"{\"method\":\"get\",\"object\":\"people\",\"args\":{\"id\":\"i\",\"depth\":1,"
		"\"fields\":[\"name\"]}}"},
	{"twenty.rockets:list()", "{\"method\":\"list\",\"object\":\"rockets\",\"args\":{}}"},
	{"twenty.people:list { where = { email = 'a', stage = { 'A', 'B' }, n = { gte = 1 } }, "
	 "order = "
	 "'-createdAt', limit = 5, after = 'c', depth = 1, fields = {}, deleted = 'only' }",
		"{\"method\":\"list\",\"object\":\"people\",\"args\":{\"where\":{\"email\":\"a\","
		"\"stage\":[\"A\",\"B\"],\"n\":{\"gte\":1}},\"order\":[\"-createdAt\"],\"limit\":5,"
		"\"after\":\"c\",\"depth\":1,\"deleted\":\"only\"}}"},
	{"twenty.people:create { name = { firstName = 'A' }, tags = json.array(), x = json.null }",
		"{\"method\":\"create\",\"object\":\"people\",\"args\":{\"data\":{\"name\":"
		"{\"firstName\":\"A\"},\"tags\":[],\"x\":null}}}"},
	{"twenty.people:create {}",
		"{\"method\":\"create\",\"object\":\"people\",\"args\":{\"data\":{}}}"},
	{"twenty.people:create_many { { a = 1 }, { a = 2 } }",
		"{\"method\":\"create_many\",\"object\":\"people\",\"args\":{\"list\":[{\"a\":1},"
		"{\"a\":2}]}}"},
	{"twenty.companies:ensure({ domain = 'a.io' }, { name = 'A' })",
		"{\"method\":\"ensure\",\"object\":\"companies\",\"args\":{\"where\":{\"domain\":"
		"\"a.io\"},\"data\":{\"name\":\"A\"}}}"},
	{"twenty.companies:ensure { domain = 'a.io' }",
		"{\"method\":\"ensure\",\"object\":\"companies\",\"args\":{\"where\":{\"domain\":"
		"\"a.io\"},\"data\":{}}}"},
	{"twenty.people:update('i', { companyId = json.null, amount = money(0.1, 'EUR') })",
		"{\"method\":\"update\",\"object\":\"people\",\"args\":{\"id\":\"i\",\"data\":"
		"{\"companyId\":null,\"amount\":{\"amountMicros\":100000,\"currencyCode\":\"EUR\"}}"
		"}}"},
	{"twenty.people:update('i', { a = 1 }, { only_if = { stage = 'NEW' } })",
		"{\"method\":\"update\",\"object\":\"people\",\"args\":{\"id\":\"i\",\"data\":"
		"{\"a\":1},\"only_if\":{\"stage\":\"NEW\"}}}"},
	{"twenty.people:update_many { { id = 'i', a = 1 }, { id = 'j', a = 2 } }",
		"{\"method\":\"update_many\",\"object\":\"people\",\"args\":{\"list\":[{\"id\":"
		"\"i\","
		"\"a\":1},{\"id\":\"j\",\"a\":2}]}}"},
	{"twenty.people:update_where({ stage = 'NEW' }, { a = 1 }, { max = 5 })",
		"{\"method\":\"update_where\",\"object\":\"people\",\"args\":{\"where\":"
		"{\"stage\":\"NEW\"},\"data\":{\"a\":1},\"max\":5}}"},
	{"twenty.people:restore('i')",
		"{\"method\":\"restore\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"twenty.people:destroy('i')",
		"{\"method\":\"destroy\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"twenty.people:count()", "{\"method\":\"count\",\"object\":\"people\",\"args\":{}}"},
	{"twenty.people:count { where = { a = 1 }, deleted = 'also' }",
		"{\"method\":\"count\",\"object\":\"people\",\"args\":{\"where\":{\"a\":1},"
		"\"deleted\":\"also\"}}"},
	{"twenty.people:group_by { field = { 'a', 'b' }, sum = 'c', by = 'day' }",
		"{\"method\":\"group_by\",\"object\":\"people\",\"args\":{\"field\":[\"a\",\"b\"],"
		"\"sum\":\"c\",\"by\":\"day\"}}"},
	{"twenty.graphql('{ people { totalCount } }', { a = 1 })",
		"{\"method\":\"graphql\",\"object\":\"graphql\",\"args\":{\"query\":"
		"\"{ people { totalCount } }\",\"variables\":{\"a\":1}}}"},
	{"twenty.member 'ann@acme.io'",
		"{\"method\":\"member\",\"object\":\"workspaceMembers\",\"args\":{\"email\":"
		"\"ann@acme.io\"}}"},
	{"twenty.people:delete('i')",
		"{\"method\":\"delete\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"twenty.people:duplicates('i')",
		"{\"method\":\"duplicates\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"twenty.people:duplicates(event.record)",
		"{\"method\":\"duplicates\",\"object\":\"people\",\"args\":{\"id\":\"r\"}}"},
	{"twenty.people:duplicates { email = 'a@b.io' }",
		"{\"method\":\"duplicates\",\"object\":\"people\",\"args\":{\"record\":{\"email\":"
		"\"a@b.io\"}}}"},
	{"twenty.people:duplicates { 'i', event.record, { email = 'a@b.io' } }",
		"{\"method\":\"duplicates\",\"object\":\"people\",\"args\":{\"list\":[\"i\",\"r\","
		"{\"email\":\"a@b.io\"}]}}"},
	{"twenty.people:merge { into = 'i', from = { 'j', 'k' }, preview = true }",
		"{\"method\":\"merge\",\"object\":\"people\",\"args\":{\"into\":\"i\",\"from\":["
		"\"j\","
		"\"k\"],\"preview\":true}}"},
	{"local o = twenty.people o.object = '../metadata' o:get('i')",
		"{\"method\":\"get\",\"object\":\"people\",\"args\":{\"id\":\"i\"}}"},
	{"now()", "{\"method\":\"now\",\"object\":\"\",\"args\":{}}"},
};

WORKER_TEST(worker_calls, each_method_makes_its_call)
{
	for (size_t i = 0; i < ARRAY_N(calls); i++) {
		json_t *outcome = worker_rig_run(
			rig, calls[i].body, "[{\"value\":{\"id\":\"x\",\"records\":[]}}]");
		json_t *call = json_array_get(json_object_get(outcome, "calls"), 0);
		cr_expect_str_eq(
			json_string_value(json_object_get(call, "path")), "1", "%s", calls[i].body);
		json_object_del(call, "path");
		char *text = json_dumps(call, JSON_COMPACT);
		cr_expect(worker_rig_is(call, calls[i].call), "%s gave %s", calls[i].body, text);
		free(text);
		json_decref(outcome);
	}
}

static const struct {
	const char *body, *answers;
} answered[] = {
	{"local p = twenty.people:get('i') assert(p.email == 'a@b.io' and p.firstName == 'A')",
		"[{\"value\":{\"id\":\"i\",\"emails\":{\"primaryEmail\":\"a@b.io\"},\"name\":"
		"{\"firstName\":\"A\"}}}]"},
	{"assert(twenty.people:get('i') == nil)", "[{\"value\":null}]"},
	{"local l, page = twenty.people:list() assert(#l == 2 and l[2].id == 'b' and page.next == "
	 "'n' "
	 "and page.total == 7)",
		"[{\"value\":{\"records\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"next\":\"n\",\"total\":"
		"7}}]"},
	{"local r, created = twenty.people:ensure({ email = 'x' }) assert(r.id == 'a' and created)",
		"[{\"value\":{\"record\":{\"id\":\"a\"},\"created\":true}}]"},
	{"local l = twenty.people:create_many { { a = 1 } } assert(#l == 1 and l[1].id == 'a')",
		"[{\"value\":[{\"id\":\"a\"}]}]"},
	{"assert(#twenty.people:create_many {} == 0)", "[]"},
	{"local l = twenty.people:duplicates { 'a', 'b' } assert(#l == 2 and #l[1] == 0 and "
	 "l[2][1].id "
	 "== 'c')",
		"[{\"value\":[[],[{\"id\":\"c\"}]]}]"},
	{"local ids = {} for p in twenty.people:each { where = { a = 1 } } do ids[#ids + 1] = p.id "
	 "end "
	 "assert(table.concat(ids) == 'abc')",
		"[{\"value\":{\"records\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"next\":\"n\"}},"
		"{\"value\":{\"records\":[{\"id\":\"c\"}]}}]"},
	{"local ids = {} for p in twenty.people:each { limit = 3 } do ids[#ids + 1] = p.id end "
	 "assert(table.concat(ids) == 'abc')",
		"[{\"value\":{\"records\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"next\":\"n\"}},"
		"{\"value\":{\"records\":[{\"id\":\"b\"}],\"next\":\"m\"}},"
		"{\"value\":{\"records\":[{\"id\":\"a\"},{\"id\":\"c\"},{\"id\":\"d\"}]}}]"},
	{"local n = 0 for p in twenty.people:each { limit = 1 } do n = n + 1 end assert(n == 1)",
		"[{\"value\":{\"records\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"next\":\"n\"}}]"},
	{"assert(now() == '2026-11-23T18:20:54.425Z')",
		"[{\"value\":\"2026-11-23T18:20:54.425Z\"}]"},
	{"assert(random() == 0.5 and random(10) == 6 and math.random(3, 4) == 4)",
		"[{\"value\":0.5},{\"value\":0.5},{\"value\":0.999}]"},
	{"assert(twenty.people:get('i').phone == '+33612')",
		"[{\"value\":{\"id\":\"i\",\"phones\":{\"primaryPhoneNumber\":\"612\","
		"\"primaryPhoneCallingCode\":\"+33\"}}}]"},
	{"local c = twenty.people:get('i', { depth = 1 }).company assert(c.domain == "
	 "'https://a.io')",
		"[{\"value\":{\"id\":\"i\",\"company\":{\"id\":\"c\",\"domainName\":"
		"{\"primaryLinkUrl\":\"https://a.io\"}}}}]"},
	{"local ok, e = pcall(twenty.people.get, twenty.people, 'i') assert(not ok and e.status == "
	 "404 "
	 "and e.code == 'not_found' and e.retryable == false and e.message == 'none' and "
	 "tostring(e) "
	 "== 'none' and 'x: ' .. e == 'x: none')",
		"[{\"error\":{\"status\":404,\"code\":\"not_found\",\"message\":\"none\","
		"\"retryable\":false}}]"},
	{"for i = 1, 3 do local ok = pcall(function() twenty.people:get('i') end) assert(ok == (i "
	 "~= "
	 "2)) end",
		"[{\"value\":null},{\"error\":{\"message\":\"x\"}},{\"value\":null}]"},
	{"local ok, v = xpcall(function() return twenty.people:get('i').id end, tostring) "
	 "assert(ok "
	 "and v == 'i')",
		"[{\"value\":{\"id\":\"i\"}}]"},
	{"local t = setmetatable({}, { __index = function(_, k) return twenty.people:get(k).id end "
	 "}) "
	 "assert(t.a == 'z')",
		"[{\"value\":{\"id\":\"z\"}}]"},
};

WORKER_TEST(worker_calls, the_answer_is_what_the_rule_gets)
{
	for (size_t i = 0; i < ARRAY_N(answered); i++) {
		json_t *outcome = worker_rig_run(rig, answered[i].body, answered[i].answers);
		char *text = json_dumps(json_object_get(outcome, "end"), JSON_COMPACT);
		cr_expect(strstr(text, "\"outcome\":\"done\"") != NULL, "%s\n  %s",
			answered[i].body, text);
		free(text);
		json_decref(outcome);
	}
}

WORKER_TEST(worker_calls, the_paths_of_a_run_count_up)
{
	json_t *outcome = worker_rig_run(rig,
		"for i = 1, 12 do twenty.people:get('i') end now() twenty.people:delete('x')",
		"[]");
	const json_t *made = json_object_get(outcome, "calls");
	cr_assert_eq(json_array_size(made), 14);
	for (size_t i = 0; i < 14; i++) {
		char path[8];
		snprintf(path, sizeof(path), "%zu", i + 1);
		cr_expect_str_eq(
			json_string_value(json_object_get(json_array_get(made, i), "path")), path);
	}
	json_decref(outcome);
}

static const struct {
	const char *body, *error;
} refused[] = {
	{"twenty.people:get(nil)", "twenty.people:get: the id is nil"},
	{"twenty.people:get('')", "twenty.people:get: the id is empty"},
	{"twenty.people:get(event.record)", "the id is a table, pass its .id"},
	{"twenty.people:update('', { a = 1 })", "twenty.people:update: the id is empty"},
	{"twenty.people:update('i')", "data must be a table, it is nil"},
	{"twenty.people:update('i', {}, { only_if = {} })",
		"twenty.people:update: the condition only_if is empty"},
	{"twenty.people:update('i', {}, { onlyif = {} })",
		"unknown option 'onlyif', did you mean 'only_if'?"},
	{"twenty.people:update_many { { id = 'i' }, { a = 1 } }", "the id of element 2 is nil"},
	{"twenty.people:update_many { id = 'i' }", "expects a list of tables with ids"},
	{"twenty.people:update_where({}, { a = 1 }, { max = 1 })", "the condition is empty"},
	{"twenty.people:update_where({ a = need(nil, 'a') }, { a = 1 }, { max = 1 })",
		"a is needed and is nil"},
	{"twenty.people:update_where({ a = 1 }, { a = 2 })", "max is needed, a whole number"},
	{"twenty.people:update_where({ a = 1 }, { a = 2 }, { max = 0.5 })", "max is needed"},
	{"twenty.people:count { stage = 'NEW' }", "unknown option 'stage'"},
	{"twenty.people:group_by { sum = 'amount' }", "field must be a name or a list of names"},
	{"twenty.people:count { where = 'a = 1' }", "where must be a table, it is a string"},
	{"twenty.people:count { stage = 'NEW' }", "conditions go into where = { .. }"},
	{"twenty.people:get('i', { depth = 2 })", "twenty.people:get: depth is 0 or 1"},
	{"twenty.people:get('i', { fields = 1 })",
		"fields must be a list of names, it is a number"},
	{"twenty.people:list { limit = '5' }", "limit must be a whole number, it is a string"},
	{"twenty.people:update_where({ a = 1 }, { a = 2 }, { most = 1 })",
		"the only option is max"},
	{"twenty.people:group_by 'stage'", "write { field = \"stage\" }"},
	{"twenty.graphql { query = 'x' }", "the query must be a text, it is a table"},
	{"twenty:member 'ann@acme.io'", "write twenty.member(\"ann@acme.io\"), with a dot"},
	{"twenty.people:group_by()", "what to group by must be a table, it is nil"},
	{"twenty.people:restore('')", "twenty.people:restore: the id is empty"},
	{"twenty.people:destroy(nil)", "twenty.people:destroy: the id is nil"},
	{"twenty.graphql('')", "twenty.graphql: the query is empty"},
	{"twenty.graphql('{ people }', 1)", "the variables must be a table, they are a number"},
	{"twenty.member(nil)", "twenty.member: the e-mail address is nil"},
	{"twenty.people:delete()", "the id is nil"},
	{"twenty.people:ensure({}, {})", "twenty.people:ensure: the condition is empty"},
	{"twenty.people:list { wher = {} }", "unknown option 'wher', did you mean 'where'?"},
	{"twenty.people:list { limit = 1.5 }", "limit must be a whole number"},
	{"twenty.people:create_many { a = 1 }", "expects a list of tables"},
	{"twenty.people:create_many { 1 }", "element 1 must be a table, it is a number"},
	{"twenty.people:duplicates {}", "the record is empty"},
	{"twenty.people:merge { into = 'a', from = {} }", "from must be a list of ids"},
	{"twenty.people:merge { into = 'a', from = { 'b', 'a' } }",
		"the survivor is also in from[2]"},
	{"twenty.people:merge { from = { 'b' } }", "the id of the survivor (into) is nil"},
	{"twenty.people.get('x')", "write twenty.<objects>:get(..), with a colon"},
	{"twenty.people:updat('x')", "twenty.people has no 'updat', did you mean 'update'?"},
	{"twenty['../metadata']:list()", "\"../metadata\" is no object's name"},
	{"twenty.people:create { amount = 0/0 }",
		"twenty.people:create: data.amount is not a number (NaN)"},
	{"twenty.people:create { a = { b = { 1, nil, 3 } } }", "data.a.b is a list with holes"},
	{"twenty.people:create { f = print or function() end }", "data.f is a function"},
	{"twenty.people:create { ['a\\xff'] = 1 }", "is text that is not UTF-8"},
	{"twenty.people:create { jobTitle = 'a\\0b' }",
		"twenty.people:create: data.jobTitle is text with a NUL byte"},
	{"twenty.people:create { ['a\\0b'] = 1 }",
		"twenty.people:create: data.a is text with a NUL byte"},
	{"twenty.people:get('a\\0b')", "twenty.people:get: id is text with a NUL byte"},
	{"local t = {} for i = 1, 210000 do t[i] = i end twenty.people:create { x = t }",
		"is where the call gets too large"},
	{"local t = {} for i = 1, 62 do t = { t } end twenty.people:create { x = t }",
		"is deeper than"},
	{"twenty.people.get({ object = '../metadata' }, 'x')", "write twenty.<objects>:get(..)"},
	{"twenty[('x'):rep(64)]:list()", "is no object's name"},
	{"table.sort({ 2, 1 }, function() twenty.people:get('x') end)",
		"people:get cannot be called from within table.sort"},
	{"math.random(2, 1)", "the interval is empty"},
	{"need(event.record.companyId, 'the company')", "the company is needed and is nil"},
	{"need('', 'the name')", "the name is needed and is empty"},
	{"need(json.null)", "a value is needed and is nil"},
};

WORKER_TEST(worker_calls, what_makes_no_sense_is_not_sent)
{
	for (size_t i = 0; i < ARRAY_N(refused); i++) {
		json_t *outcome = worker_rig_run(rig, refused[i].body, "[]");
		const json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
		const char *message = json_string_value(json_object_get(error, "message"));
		cr_expect(message != NULL && strstr(message, refused[i].error) != NULL,
			"%s\n  gave %s", refused[i].body, message);
		cr_expect(
			message != NULL && strncmp(message, "rig.lua:2: ", 11) == 0, "%s", message);
		cr_expect_eq(json_array_size(json_object_get(outcome, "calls")), 0, "%s",
			refused[i].body);
		json_decref(outcome);
	}
}

WORKER_TEST(worker_calls, a_call_past_the_frame_is_an_error_that_the_rule_may_catch)
{
	worker_rig_holds(rig,
		"local s, list = ('x'):rep(1 << 20), {} for i = 1, 20 do list[i] = { a = s } end\n"
		"local ok, why = pcall(function() return twenty.people:create_many(list) end)\n"
		"assert(not ok and why:find('too large'), why)");
}
