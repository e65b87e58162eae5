/* SPDX-License-Identifier: MIT */
/* JSON in rules: nothing is changed in silence; and the reader of JSON text by itself. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "runner/worker/json_text.h"
#include "tests/unit/worker_rig.h"

static const struct worker_rig_text written[] = {
	{"1", "1"},
	{"-0", "0"},
	{"1.0", "1.0"},
	{"-0.0", "-0.0"},
	{"0.1", "0.1"},
	{"0.1 + 0.2", "0.30000000000000004"},
	{"1e300", "1e+300"},
	{"2^53", "9007199254740992.0"},
	{"9007199254740993", "9007199254740993"},
	{"math.mininteger", "-9223372036854775808"},
	{"true", "true"},
	{"nil", "null"},
	{"json.null", "null"},
	{"'a\\\"\\\\b\\n\\t\\0\\127é€😀'", "\"a\\\"\\\\b\\n\\t\\u0000\\u007fé€😀\""},
	{"{}", "{}"},
	{"json.array()", "[]"},
	{"json.array {}", "[]"},
	{"json.array { 1, { a = 2 } }", "[1,{\"a\":2}]"},
	{"{ 1, 2, 3 }", "[1,2,3]"},
	{"{ b = 1, a = { 2 }, ['é'] = 3 }", "{\"a\":[2],\"b\":1,\"é\":3}"},
	{"json.decode('[]')", "[]"},
	{"json.decode('[1,null,3]')", "[1,null,3]"},
	{"json.decode('{\"a\":[],\"b\":{}}')", "{\"a\":[],\"b\":{}}"},
	{"event.record",
		"{\"emails\":{\"primaryEmail\":\"ann@acme.example\"},\"id\":\"r\",\"name\":"
		"{\"firstName\":\"Ann\",\"lastName\":\"Lee\"}}"},
};

Test(worker_json, values_are_written_as_they_are)
{
	worker_rig_say_all("json.encode", written, ARRAY_N(written));
}

static const struct {
	const char *lua, *why;
} unwritable[] = {
	{"0/0", "json.encode: the value is not a number (NaN)"},
	{"{ record = { amount = 1/0 } }", "json.encode: record.amount is infinite"},
	{"{ list = { 1, { -1/0 } } }", "json.encode: list[2][1] is infinite"},
	{"{ f = pairs }", "json.encode: f is a function"},
	{"{ a = '\\xff' }", "json.encode: a is text that is not UTF-8"},
	{"{ ['\\xed\\xa0\\x80'] = 1 }", "is text that is not UTF-8"},
	{"{ 1, nil, 3 }", "json.encode: the value is a list with holes"},
	{"{ a = { [2] = 1 } }", "json.encode: a is a list with holes"},
	{"{ 1, a = 2 }", "json.encode: the value is a table with both positions and names"},
	{"json.array { a = 2 }", "both positions and names"},
	{"{ [1.5] = 1 }", "a key that is neither text nor position"},
	{"{ [true] = 1 }", "a key that is neither text nor position"},
	{"(function() local t = {} t.a = { b = t } return t end)()",
		"json.encode: a.b is a table that contains itself"},
	{"(function() local t = {} for i = 1, 100 do t = { t } end return t end)()",
		"deeper than 64 levels"},
};

WORKER_TEST(worker_json, what_json_cannot_say_is_refused_with_its_path)
{
	for (size_t i = 0; i < ARRAY_N(unwritable); i++) {
		char body[512];
		snprintf(body, sizeof(body), "json.encode(%s)", unwritable[i].lua);
		char *error = worker_rig_error(rig, body);
		cr_expect(strstr(error, unwritable[i].why) != NULL, "%s gave %s", unwritable[i].lua,
			error);
		free(error);
	}
}

static const char *const read_back[] = {
	"local v = json.decode('{\"a\":1,\"b\":1.0,\"c\":null,\"d\":[1,null]}')\n"
	"assert(math.type(v.a) == 'integer' and math.type(v.b) == 'float' and v.c == nil)\n"
	"assert(#v.d == 2 and v.d[2] == json.null)",
	"assert(json.decode('9223372036854775807') == math.maxinteger)",
	"assert(math.type(json.decode('9223372036854775808')) == 'float')",
	"assert(json.decode('-0') == 0 and 1 / json.decode('-0') < 0)",
	"assert(json.decode('null') == nil and json.decode(' true ') == true)",
	"assert(json.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\\\\n\"') == 'é😀\\n')",
	"assert(json.decode('{\"a\":1,\"a\":2}').a == 2)",
	"local t = { x = { 1, 2.5, 'é', true, { y = {} } }, z = json.null }\n"
	"assert(json.encode(json.decode(json.encode(t))) == "
	"'{\"x\":[1,2.5,\"é\",true,{\"y\":{}}]}')",
	"for _, bad in ipairs { '', '{', '[1,]', '{\"a\":1,}', '{a:1}', '01', '1.', '.5', '+1', "
	"'nul',\n"
	"  '\"\\n\"', '\"\\xff\"', '\"\\\\x\"', '\"\\\\ud800\"', '1 2', '[1 2]', '{\"a\" 1}', "
	"'NaN', "
	"'[' .. ('['):rep(200), '1e999', '\"abc' } do\n"
	"  local ok, why = pcall(json.decode, bad) assert(not ok, bad) assert(why:find('not "
	"JSON'), why)\n"
	"end",
	"assert(event.record.companyId == nil and event.record.email == 'ann@acme.example')",
	"assert(getmetatable(event.record) == false and rawget(event.record, 'email') == nil)",
	"assert(not pcall(setmetatable, event.record, {}))",
	"assert(event.record.nothing == nil and event.nothing == nil)",
};

Test(worker_json, what_is_read_is_what_was_written)
{
	worker_rig_hold_all(read_back, ARRAY_N(read_back));
}

Test(worker_json, members_are_found_without_a_tree)
{
	static const char *const names[] = {"a", "b", "c"};
	struct slice v[3];
	cr_assert(json_text_members(
		slice_of(" {\"x\":{\"a\":9},\"a\" : 12 ,\"b\":\"t\\u0041\",\"c\":null} "), names, v,
		3));
	cr_expect_eq(json_text_int(v[0], -1), 12);
	cr_expect(slice_equal(v[1], slice_of("\"t\\u0041\"")));
	cr_expect_eq(v[2].n, 0);
	struct buf out;
	buf_init(&out, 2);
	cr_expect_eq(json_text_copy(v[1], &out), RC_TOO_LARGE);
	buf_done(&out);
	buf_init(&out, 100);
	cr_expect_eq(json_text_copy(v[1], &out), RC_OK);
	cr_expect_str_eq(out.p, "tA");
	cr_expect_eq(json_text_copy(v[0], &out), RC_PARSE);
	buf_done(&out);
}

Test(worker_json, broken_text_has_no_members)
{
	static const char *const names[] = {"a"};
	static const char *const broken[] = {"", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":1",
		"{\"a\":1}x", "{\"a\":\"\\", "{\"a\":tru}", "{\"a\":-}", "{\"a\":1e}", "nul",
		"{,}"};
	struct slice v[1];
	for (size_t i = 0; i < ARRAY_N(broken); i++) {
		size_t n = strlen(broken[i]);
		char *copy = malloc(n + 1);
		cr_assert_not_null(copy);
		memcpy(copy, broken[i], n);
		cr_expect_not(
			json_text_members((struct slice){copy, n}, names, v, 1), "%s", broken[i]);
		free(copy);
	}
}
