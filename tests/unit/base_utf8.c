/* SPDX-License-Identifier: MIT */
/* Texts with rubbish in them, and texts that were cut within a character. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/utf8.h"

Test(base_utf8, what_is_no_character_becomes_a_question_mark)
{
	static const struct {
		const char *was, *is;
		size_t n;
	} cases[] = {
		{"", "", 0},
		{"m\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "m\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80",
			0},
		{"\xc3", "?", 1},
		{"a\x80z\xff", "a?z?", 2},
		{"\xed\xa0\x80", "???", 3},
		{"\xc0\x80", "??", 2},
		{"\xf4\x90\x80\x80", "????", 4},
		{"\xe2\x82z\xc3\xbc", "??z\xc3\xbc", 2},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char text[32];
		snprintf(text, sizeof(text), "%s", cases[i].was);
		cr_expect_eq(utf8_span(text, strlen(text)) == strlen(text), cases[i].n == 0);
		cr_expect_eq(utf8_repair(text, strlen(text)), cases[i].n, "%zu", i);
		cr_expect_str_eq(text, cases[i].is);
	}
}

Test(base_utf8, a_text_that_was_cut_ends_with_a_whole_character)
{
	static const char *const whole[] = {"ab", "a\xc3\xbc", "a\xe2\x82\xac", "a\xf0\x9f\x98\x80",
		"\xc3\xbc\xc3\xbc", "\xe2\x82\xac\xe2\x82\xac"};
	for (size_t i = 0; i < ARRAY_N(whole); i++) {
		for (size_t n = 0; n <= strlen(whole[i]); n++) {
			char text[32];
			snprintf(text, sizeof(text), "%.*s", (int)n, whole[i]);
			utf8_close(text);
			size_t left = strlen(text);
			cr_expect_eq(utf8_span(text, left), left);
			cr_expect_eq(left, utf8_span(whole[i], n), "no more than that");
		}
	}
	char stray[] = "a\x80\x80\x80\x80";
	utf8_close(stray);
	cr_expect_eq(strlen(stray), 5u, "rubbish is not its");
}

Test(base_err, a_sentence_that_is_too_long_is_cut_between_characters)
{
	char name[400];
	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		snprintf(name + i, sizeof(name) - i, "\xc3\xbc");
	for (int pad = 0; pad < 2; pad++) {
		struct err err;
		(void)!err_set(&err, RC_RULE, "%*s%s", pad, "", name);
		size_t n = strlen(err.msg);
		cr_expect_eq(utf8_span(err.msg, n), n);
		cr_expect_geq(n + 2, sizeof(err.msg) - 1);
		(void)!err_wrap(&err, "a%s", "b");
		n = strlen(err.msg);
		cr_expect_eq(utf8_span(err.msg, n), n);
	}
}
