/* SPDX-License-Identifier: MIT */
/* JSON text of trees: canonical, exact, and the same values when it is read again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/dump.h"

static struct buf out;

static void open_buf(void)
{
	buf_init(&out, 1 << 20);
}

static void close_buf(void)
{
	buf_done(&out);
}

TestSuite(runner_dump, .init = open_buf, .fini = close_buf);

static const char *dump_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	cr_assert(value != NULL, "%s", text);
	buf_clear(&out);
	cr_assert_eq(dump_value(&out, value), RC_OK);
	json_decref(value);
	return out.p;
}

Test(runner_dump, keys_are_sorted_at_every_depth)
{
	cr_assert_str_eq(dump_of("{ \"b\": 1, \"a\": { \"z\": [], \"y\": {} }, \"aa\": null }"),
		"{\"a\":{\"y\":{},\"z\":[]},\"aa\":null,\"b\":1}");
}

Test(runner_dump, numbers_stay_what_they_are)
{
	cr_assert_str_eq(dump_of("[0,-1,9007199254740993,9223372036854775807,0.1,12.5,1.0,1e300]"),
		"[0,-1,9007199254740993,9223372036854775807,0.1,12.5,1.0,1e+300]");
	json_t *again =
		json_loads(dump_of("[0.30000000000000004,2.2250738585072014e-308]"), 0, NULL);
	cr_assert(json_real_value(json_array_get(again, 0)) == 0.30000000000000004);
	cr_assert(json_real_value(json_array_get(again, 1)) == 2.2250738585072014e-308);
	json_decref(again);
}

Test(runner_dump, texts_are_escaped_as_little_as_needed)
{
	cr_assert_str_eq(dump_of("\"a\\\"b\\\\c\\n\\u0001\\u00e9\\ud83d\\ude00/\\u007f\""),
		"\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\xf0\x9f\x98\x80/\x7f\"");
	cr_assert_str_eq(dump_of("\"\""), "\"\"");
}

Test(runner_dump, an_object_of_many_keys_is_sorted_too)
{
	json_t *value = json_object();
	char key[16];
	for (int i = 999; i >= 0; i--) {
		snprintf(key, sizeof(key), "k%03d", i);
		json_object_set_new(value, key, json_integer(i));
	}
	cr_assert_eq(dump_value(&out, value), RC_OK);
	char *library = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	cr_assert_str_eq(out.p, library);
	free(library);
	json_decref(value);
}

Test(runner_dump, nothing_is_null)
{
	cr_assert_eq(dump_value(&out, NULL), RC_OK);
	cr_assert_str_eq(out.p, "null");
}

Test(runner_dump, depth_and_size_are_bounded)
{
	json_t *value = json_array();
	for (int i = 0; i < 600; i++) {
		json_t *outer = json_array();
		json_array_append_new(outer, value);
		value = outer;
	}
	cr_assert_eq(dump_value(&out, value), RC_TOO_LARGE);
	json_decref(value);
	struct buf small;
	buf_init(&small, 4);
	value = json_string("hello");
	cr_assert_eq(dump_value(&small, value), RC_TOO_LARGE);
	json_decref(value);
	buf_done(&small);
}
