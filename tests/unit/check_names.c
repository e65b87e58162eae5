/* SPDX-License-Identifier: MIT */
/* Findings about syntax and names, by their places and words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_rig.h"

Test(check_names, syntax_is_told_at_the_place_where_something_has_to_change)
{
	check_expect("rule 'a' {\n  on = 'x.created'\n  run = f,\n}",
		"2:19: syntax: a comma is missing");
	check_expect("x = {\n  1,\n  2,\ny = 3\n",
		"1:5: syntax: the '{' that is opened here is never closed");
	check_expect("local function f()\n  if x then\n    g()\nend\n\nlocal function h()\nend\n",
		"2:3: syntax: 'if' that begins here seems to have no 'end' of its own");
	check_expect(
		"if x = 1 then end", "1:6: syntax: '=' assigns, it does not compare; write ==");
	check_expect("if x != 1 then end", "1:6: syntax: '!=' is not Lua; write ~=");
	check_expect("local t = { end = 1 }",
		"1:13: syntax: 'end' is a word of Lua; as a key, write [\"end\"]");
	check_expect("x = 1\nx += 1\n", "2:3: syntax: Lua has no '+='; write x = x + ..");
	check_expect("for i = 1, 2 do\n continue\nend",
		"2:2: syntax: 'continue' is not Lua; Lua has no continue: write goto");
	check_expect("local s = \"a\nlocal t = 1",
		"1:11: syntax: the text that begins here is not closed");
	check_expect("local s = \xe2\x80\x9c"
		     "a\xe2\x80\x9d",
		"1:11: syntax: this is a typographic quote; write \"");
	check_expect("-- \xc3\xa4\xc3\xb6\nlocal \xc3\xa4 = 1",
		"2:7: syntax: this character has no place");
	check_expect("x = 1 && 2", "1:7: syntax: '&&' is not Lua; write and");
	check_expect("x = 5m", "1:5: syntax: this is no number");
	check_expect("end", "1:1: syntax: there is one 'end' too many");
}

Test(check_names, a_nul_byte_and_what_is_no_utf8_are_told_by_their_place)
{
	check_expect_bytes(
		(struct slice){"x = 1\n'\0'", 9}, "2:2: syntax: a NUL byte has no place");
	check_expect("-- a\n-- \xff", "2:4: syntax: this byte is no UTF-8 text");
}

Test(check_names, a_name_that_is_not_there_is_told_with_the_one_that_was_meant)
{
	check_expect("local count = 1\nlog.info(coutn)",
		"2:10: unknown-global: there is no 'coutn'; did you mean 'count'?");
	check_expect("retry_afer('5m')",
		"1:1: unknown-global: there is no 'retry_afer'; did you mean 'retry_after'?");
	check_expect("log.info(event.record)",
		"1:10: unknown-global: there is no 'event'; it is the parameter");
	check_expect("log.inf('x')", "1:5: unknown-member: log has no 'inf'; did you mean 'info'?");
	check_expect("kv.shared.gett('x')",
		"1:11: unknown-member: kv.shared has no 'gett'; did you mean 'get'?");
	check_expect(
		"log:info('x')", "1:4: colon: log.info is called with a dot; write log.info(..)");
}

Test(check_names, what_a_rule_does_not_have_is_told_with_what_there_is_instead)
{
	check_expect("local t = os.time()",
		"1:11: unknown-global: there is no 'os.time'; a rule's time is now()");
	check_expect("print('x')", "1:1: unknown-global: there is no 'print'; write log.info(..)");
	check_expect("local m = require 'm'",
		"1:11: unknown-global: there is no 'require'; write use \"module\"");
	check_expect("io.open('x')",
		"1:1: unknown-global: there is no 'io'; a rule reads and writes no files");
	check_expect("prnt('x')", "1:1: unknown-global: there is no 'prnt'; write log.info(..)");
}

Test(check_names, a_global_that_is_made_is_known_and_is_told_as_a_warning)
{
	check_expect("function helper() end\nhelper()",
		"1:10: assigned-global: this makes a global of 'helper'; write local helper");
	check_expect("_G.x = 1\nlog.info(_G.x)", NULL);
	check_expect("string.trim = function() end\nlog.info(string.trim(' '))", NULL);
	check_expect("local string = {}\nstring.foo()", NULL);
}

/* --- hostile ---------------------------------------------------------------------------------- */

static char *repeat(const char *text, size_t n, size_t *ret_n)
{
	size_t m = strlen(text);
	char *p = malloc(n * m + 1);
	cr_assert_not_null(p);
	for (size_t i = 0; i < n; i++)
		memcpy(p + i * m, text, m);
	*ret_n = n * m;
	return p;
}

Test(check_names, a_hostile_text_of_a_megabyte_ends_in_findings)
{
	static const char *const pieces[] = {"(", "{", "a.", "-", "not ", "f{", "[[", "a=a ",
		"x=1+", "local a ", "::a::", "goto a ", "if x then ", "function() ", "\"\\", "a;",
		"\xf0\x9f", "é", "rule 'x' {", "twenty.people:get(", "a'b'", "{},"};
	for (size_t i = 0; i < ARRAY_N(pieces); i++) {
		struct slice text;
		struct check_findings findings = {0};
		char *p = repeat(pieces[i], (1u << 20) / strlen(pieces[i]), &text.n);
		text.p = p;
		check_all(text, NULL, &findings);
		cr_assert_leq(findings.n, CHECK_FINDINGS_MAX);
		check_findings_done(&findings);
		free(p);
	}
}
