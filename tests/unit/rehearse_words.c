/* SPDX-License-Identifier: MIT */
/* What a test file can say, and what it cannot: its globals, and a worker that does not end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "runner/rehearse/script.h"
#include "runner/worker/test_words.h"
#include "tests/harness/process.h"

static struct solo *solo;
static struct script script;
static char dir[128], path[256];

static void open_script(void)
{
	struct err err = {0};
	cr_assert_eq(solo_open("/proc/self/exe", &solo, &err), RC_OK);
	cr_assert(process_folder(dir));
}

static void close_script(void)
{
	script_close(&script);
	solo_close(solo);
	process_folder_remove(dir);
}

TestSuite(rehearse_words, .init = open_script, .fini = close_script);

/* Loads the text of a test file; its tests, or NULL and what is wrong with it. GIVES. */
static json_t *load(const char *text, struct script_error *ret_error)
{
	json_t *tests = NULL;
	struct err err = {0};
	cr_assert(process_write(dir, "a_test.lua", text));
	snprintf(path, sizeof(path), "%s/a_test.lua", dir);
	script_close(&script);
	cr_assert_eq(script_open(&script, solo, path, &err), RC_OK, "%s", err.msg);
	enum rc rc = script_tests(&script, &tests, ret_error, &err);
	cr_assert(rc == RC_OK || rc == RC_RULE, "%s", err.msg);
	return rc == RC_OK ? tests : NULL;
}

static const char *name_of(const json_t *tests)
{
	return json_string_value(json_object_get(json_array_get(tests, 0), "name"));
}

#define MINE "test(table.concat(names, ' ')) { expect = {} }\n"

Test(rehearse_words, the_globals_of_a_test_file_are_those_of_the_list)
{
	struct script_error error = {.text = ""};
	char wanted[2048] = "";
	json_t *tests = load("local names = {}\nfor k in pairs(_G) do names[#names + 1] = k end\n"
			     "table.sort(names)\n" MINE,
		&error);
	cr_assert_not_null(tests, "%s", error.text);
	for (size_t i = 0; rehearsal_globals[i] != NULL; i++)
		snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%s",
			i > 0 ? " " : "", rehearsal_globals[i]);
	cr_expect_str_eq(name_of(tests), wanted);
	json_decref(tests);
}

Test(rehearse_words, what_would_come_out_differently_each_time_is_not_there)
{
	struct script_error error = {.text = ""};
	json_t *tests =
		load("local names = {}\n"
		     "for _, k in ipairs { 'rule', 'twenty', 'now', 'random', 'os', 'io', "
		     "'debug', 'load', 'require', 'coroutine', 'log', 'collectgarbage' } do\n"
		     "  assert(_G[k] == nil, k)\nend\n"
		     "assert(math.random == nil and string.dump == nil)\n"
		     "assert(pcall(setmetatable, {}, { __gc = function() end }) == false)\n"
		     "names[1] = 'fine'\n" MINE,
			&error);
	cr_assert_not_null(tests, "%s", error.text);
	cr_expect_str_eq(name_of(tests), "fine");
	json_decref(tests);
}

Test(rehearse_words, the_same_word_is_the_same_id_and_an_id_is_a_uuid)
{
	struct script_error error = {.text = ""};
	json_t *tests =
		load("local names, seen = { 'ids' }, {}\n"
		     "for i = 1, 5000 do\n"
		     "  local one = id('n' .. i)\n"
		     "  assert(any_id.fits(one) and one == id('n' .. i) and not seen[one])\n"
		     "  seen[one] = true\nend\n" MINE,
			&error);
	cr_assert_not_null(tests, "%s", error.text);
	json_decref(tests);
}

Test(rehearse_words, a_mistake_is_told_with_its_line_and_what_was_meant)
{
	static const struct {
		const char *text, *says;
		int line;
	} cases[] = {
		{"test 'a' { expct = {} }",
			"test \"a\": unknown word 'expct', did you mean 'expect'?", 1},
		{"\ntest 'a' { event = {} }",
			"test \"a\": expect = { .. } says what the rules must do", 2},
		{"test 'a' { expect = { 7 } }",
			"test \"a\": expect[1] is no effect; write update(..), create(..) or "
			"no_other_writes",
			1},
		{"test 'a' { expect = { run = 1 } }",
			"expect: unknown word 'run', did you mean 'runs'?", 1},
		{"\n\ntest 'a'\n",
			"there is no test in this file: test \"name\" { event = .., "
			"expect = { .. } }",
			1},
		{"test 'a' { expect = {} }\ntest 'a' { expect = {} }",
			"the file has another test \"a\"", 2},
		{"test 'a' { lasts = '1 day', expect = {} }",
			"lasts is a duration such as \"10s\", \"5m\", \"2h\" or \"3d\", it is \"1 "
			"day\"",
			1},
		{"event 'person.created.at'",
			"event(\"person.created\", { .. }): the first is the "
			"name of an event, it is a string",
			1},
		{"at('10', update('people', any, {}))",
			"at: the first is a duration such as \"10s\", \"5m\", \"2h\" or \"3d\", it "
			"is "
			"\"10\"",
			1},
		{"update({}, any, {})",
			"update(\"people\", ..): the first is the plural name of an "
			"object, it is a table",
			1},
		{"fail { stat = 1 }", "fail: unknown word 'stat', did you mean 'status'?", 1},
		{"fixture '../x'",
			"fixture \"name\" is the file fixtures/name.json: letters, "
			"digits, _ - and .",
			1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct script_error error = {.text = ""};
		cr_expect_null(load(cases[i].text, &error), "%s", cases[i].text);
		error.text[strcspn(error.text, "\n")] = '\0'; /* the source line is below */
		cr_expect_str_eq(error.text, cases[i].says);
		cr_expect_eq(error.line, cases[i].line, "%s: line %d", cases[i].text, error.line);
	}
}

Test(rehearse_words, nothing_that_a_test_file_does_to_its_globals_confuses_the_judge)
{
	struct script_error error = {.text = ""};
	struct err err = {0};
	json_t *tests =
		load("test 'a' { expect = { update('people', any, { x = 1 }) } }\n"
		     "for k in pairs(string) do string[k] = nil end\n"
		     "for k in pairs(table) do table[k] = nil end\n"
		     "for _, k in ipairs { 'pairs', 'type', 'next', 'tostring' } do _G[k] = nil "
		     "end\n",
			&error);
	cr_assert_not_null(tests, "%s", error.text);
	json_decref(tests);
	json_t *arg = json_pack("{s:i, s:{s:[{s:s, s:s, s:{s:s, s:{s:i}}, s:i}], s:[]}}", "index",
		1, "observed", "effects", "method", "update", "object", "people", "args", "id", "7",
		"data", "x", 2, "at_ms", 0, "runs");
	json_t *verdict = NULL;
	cr_assert_not_null(arg);
	cr_assert_eq(
		script_ask(&script, "judge", arg, &verdict, &error, &err), RC_OK, "%s", error.text);
	const json_t *failure = json_array_get(json_object_get(verdict, "failures"), 0);
	cr_assert_not_null(failure);
	cr_expect_not_null(
		strstr(json_string_value(json_object_get(failure, "text")), "x  expected 1"), "%s",
		json_string_value(json_object_get(failure, "text")));
	json_decref(verdict);
	json_decref(arg);
}
