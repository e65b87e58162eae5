/* SPDX-License-Identifier: MIT */
/* One worker outside the daemon: heads of files, and what happens when it does not answer. */
#include "runner/solo.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"

#define GOOD "rule 'a' { on = 'person.created', run = function(event) end }"

static struct solo *open_solo(const char *exe)
{
	struct solo *solo = NULL;
	struct err err = {0};
	cr_assert_eq(solo_open(exe, &solo, &err), RC_OK, "%s", err.msg);
	return solo;
}

static enum rc load(struct solo *solo, const char *text, json_t **ret_head, struct err *err)
{
	return solo_load_text(solo, "rules/a.lua", slice_of(text), ret_head, err);
}

static void expect_loads(struct solo *solo)
{
	json_t *head = NULL;
	struct err err = {0};
	cr_assert_eq(load(solo, GOOD, &head, &err), RC_OK, "%s", err.msg);
	json_t *rule = json_array_get(json_object_get(head, "rules"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(rule, "name")), "a");
	json_decref(head);
}

Test(runner_solo, a_file_is_answered_with_its_head_by_one_worker_for_all)
{
	struct solo *solo = open_solo("/proc/self/exe");
	cr_expect_eq(solo_workers(solo), 0u);
	for (int i = 0; i < 3; i++)
		expect_loads(solo);
	cr_expect_eq(solo_workers(solo), 1u);
	solo_close(solo);
}

Test(runner_solo, a_broken_file_is_an_answer_with_its_line)
{
	struct solo *solo = open_solo("/proc/self/exe");
	json_t *head = NULL;
	struct err err = {0};
	cr_assert_eq(load(solo, "\n\nrule 'a' {{", &head, &err), RC_OK, "%s", err.msg);
	const char *error = json_string_value(json_object_get(head, "error"));
	cr_assert_not_null(error);
	cr_expect_not_null(strstr(error, "rules/a.lua:3:"), "%s", error);
	cr_expect_eq(json_integer_value(json_object_get(head, "line")), 3);
	json_decref(head);
	solo_close(solo);
}

Test(runner_solo, a_file_that_kills_or_hangs_its_worker_is_an_error_and_the_next_gets_another)
{
	/* A pattern that backs up for ever: C code that no hook ends. */
	static const char hang[] =
		"local s = ('a'):rep(3e5) local p = ('a-'):rep(30) .. 'b' s:find(p)\n" GOOD;
	struct solo *solo = open_solo("/proc/self/exe");
	json_t *head = NULL;
	struct err err = {0};
	expect_loads(solo);
	cr_assert_eq(load(solo, hang, &head, &err), RC_CPU, "%s", err.msg);
	cr_expect_str_eq(err.msg, "rules/a.lua: reading it ended its worker: it used more than "
				  "1000 ms of processor time and did not stop");
	cr_expect_null(head);
	expect_loads(solo);
	cr_expect_eq(solo_workers(solo), 2u);
	solo_close(solo);
}

Test(runner_solo, a_program_that_is_no_worker_is_an_error_with_a_sentence)
{
	struct solo *solo = open_solo("/bin/false");
	json_t *head = NULL;
	struct err err = {0};
	cr_expect_eq(load(solo, GOOD, &head, &err), RC_CLOSED);
	cr_expect_not_null(strstr(err.msg, "cannot start a worker: it ended without an answer"),
		"%s", err.msg);
	solo_close(solo);
	solo_close(NULL);
}

Test(runner_solo, text_that_is_no_utf8_is_an_error)
{
	struct solo *solo = open_solo("/proc/self/exe");
	json_t *head = NULL;
	struct err err = {0};
	cr_expect_eq(load(solo, "\xff", &head, &err), RC_PARSE);
	cr_expect_str_eq(err.msg, "rules/a.lua is not UTF-8 text");
	solo_close(solo);
}
