/* SPDX-License-Identifier: MIT */
/* Bodies of forms. */
#include "runner/form.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *body, const char *json)
{
	struct err err = {.msg = ""};
	json_t *form = NULL;
	cr_assert_eq(form_parse(slice_of(body), &form, &err), RC_OK, "%s: %s", body, err.msg);
	char *text = json_dumps(form, JSON_COMPACT | JSON_SORT_KEYS);
	cr_expect_str_eq(text, json, "%s", body);
	free(text);
	json_decref(form);
}

Test(runner_form, a_content_type_says_so)
{
	cr_expect(form_is(slice_of("a: b\ncontent-type: application/x-www-form-urlencoded\n")));
	cr_expect(form_is(slice_of(
		"Content-Type: Application/x-www-form-urlencoded; charset=utf-8\nx: y\n")));
	cr_expect_not(form_is(slice_of("")));
	cr_expect_not(form_is(slice_of("content-type: application/json\n")));
	cr_expect_not(form_is(slice_of("x: content-type: application/x-www-form-urlencoded\n")));
	cr_expect_not(form_is(slice_of("content-type: application/x-www-form-urlencodedx\n")));
}

Test(runner_form, fields_become_texts_and_repeated_ones_a_list)
{
	expect("a=1&b=x+y%21&c", "{\"a\":\"1\",\"b\":\"x y!\",\"c\":\"\"}");
	expect("&a=%C3%A9&&", "{\"a\":\"\xc3\xa9\"}");
	expect("a=1&a=2&a=3", "{\"a\":[\"1\",\"2\",\"3\"]}");
	expect("a=b=c", "{\"a\":\"b=c\"}");
}

Test(runner_form, a_lone_payload_that_is_json_is_the_record)
{
	expect("payload=%7B%22ref%22%3A%22main%22%7D", "{\"ref\":\"main\"}");
	expect("payload=%7B%22ref%22", "{\"payload\":\"{\\\"ref\\\"\"}");
	expect("payload=1&x=2", "{\"payload\":\"1\",\"x\":\"2\"}");
}

Test(runner_form, what_is_no_form_is_said_to_be_none)
{
	static const char *const bad[] = {
		"", "&&", "a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "%c3=1", "a=\xc3"};
	struct err err;
	json_t *form = NULL;
	for (size_t i = 0; i < ARRAY_N(bad); i++) {
		cr_expect_eq(form_parse(slice_of(bad[i]), &form, &err), RC_PARSE, "%s", bad[i]);
		cr_expect_str_eq(err.msg, "the body says it is a form, and is none");
	}
}

Test(runner_form, too_many_fields_are_refused_and_a_deep_payload_is_a_text)
{
	char *body = calloc(1, 4 * FORM_FIELDS_MAX + 64);
	struct err err;
	json_t *form = NULL;
	for (int i = 0; i < FORM_FIELDS_MAX; i++)
		memcpy(body + 4 * i, "a=1&", 4);
	cr_expect_eq(form_parse(slice_of(body), &form, &err), RC_OK);
	json_decref(form);
	memcpy(body + 4 * FORM_FIELDS_MAX, "b=2", 4);
	cr_expect_eq(form_parse(slice_of(body), &form, &err), RC_TOO_LARGE);
	memcpy(body, "payload=", 8);
	memset(body + 8, '[', 2000);
	body[2008] = '\0';
	cr_expect_eq(form_parse(slice_of(body), &form, &err), RC_OK);
	cr_expect_eq(json_string_length(json_object_get(form, "payload")), 2000);
	json_decref(form);
	free(body);
}
