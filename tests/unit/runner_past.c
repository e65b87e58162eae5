/* SPDX-License-Identifier: MIT */
/*
 * What a record was before: compared with its copy, kept as a short row, and made whole again.
 * From: texts as dump.h writes them. To: runner/member.c, runner/past.c.
 */
#include "runner/past.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/dump.h"
#include "runner/member.h"

static struct buf row, out, list;
static json_t *fields;
static struct err err;

static void setup(void)
{
	buf_init(&row, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&list, 1 << 20);
}

static void teardown(void)
{
	buf_done(&row);
	buf_done(&out);
	buf_done(&list);
	json_decref(fields);
}

TestSuite(runner_past, .init = setup, .fini = teardown);

/* "a=1 b={..}" of a walk, "!" behind it where the text is bad. */
static const char *walk(const char *text)
{
	struct member_walk at;
	struct member m;
	buf_clear(&list);
	member_begin(&at, slice_of(text));
	while (member_next(&at, &m))
		cr_assert_eq(buf_printf(&list, "%.*s=%.*s ", (int)m.name.n, m.name.p,
				     (int)m.value.n, m.value.p),
			RC_OK);
	cr_assert_eq(buf_put_text(&list, at.bad ? "!" : ""), RC_OK);
	return list.p;
}

Test(runner_past, members_are_walked_without_a_look_into_their_values)
{
	cr_expect_str_eq(walk("{}"), "");
	cr_expect_str_eq(walk("{\"a\":1}"), "a=1 ");
	cr_expect_str_eq(walk("{\"a\":{\"x\":[1,{\"y\":\"}\"}]},\"b\":\"q\\\"},\",\"c\":null}"),
		"a={\"x\":[1,{\"y\":\"}\"}]} b=\"q\\\"},\" c=null ");
	cr_expect_str_eq(walk("{\"\":1,\"a\":[]}"), "=1 a=[] ");
}

Test(runner_past, a_text_that_is_no_object_of_ours_is_bad)
{
	static const char *const bad[] = {"", "{", "}", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":1",
		"{\"a\":1,}", "{,}", "{\"a\" :1}", "{ }", "{\"a\":\"x}", "{\"a\":[1}", "{\"a\":1}}",
		"{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"a\\u0062\":1}", "{a:1}", "{\"a\":1]",
		"{\"a\":{}", "{\"a\":\"\\\"}"};
	for (size_t i = 0; i < ARRAY_N(bad); i++) {
		const char *text = walk(bad[i]);
		cr_expect(text[strlen(text) - 1] == '!', "%s gave %s", bad[i], text);
	}
}

/* Every cut and every changed byte of a text: some answer, and no byte outside of it is read. */
Test(runner_past, a_damaged_text_is_walked_without_harm)
{
	static const char whole[] =
		"{\"a\":{\"x\":[1,\"\\\"\"]},\"b\":\"q\\\\\",\"c\":[{}],\"d\":1}";
	static const char bytes[] = "\"\\{}[],:x";
	size_t n = sizeof(whole) - 1;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++) {
			char *text = malloc(i + 1); /* exact, so that a sanitizer sees its end */
			struct member_walk at;
			struct member m;
			cr_assert_not_null(text);
			memcpy(text, whole, i + 1);
			text[i] = bytes[k];
			member_begin(&at, (struct slice){text, i + 1});
			size_t members = 0;
			while (member_next(&at, &m))
				cr_assert(++members < 10 && m.value.p + m.value.n <= text + i + 1);
			free(text);
		}
	}
}

static const char *without(const char *text, const char *name)
{
	buf_clear(&list);
	if (member_put_without(&list, slice_of(text), name) != RC_OK)
		return "bad";
	return list.p;
}

Test(runner_past, one_member_can_be_left_out)
{
	cr_expect_str_eq(without("{\"a\":1,\"b\":2,\"c\":3}", "a"), "{\"b\":2,\"c\":3}");
	cr_expect_str_eq(without("{\"a\":1,\"b\":2,\"c\":3}", "b"), "{\"a\":1,\"c\":3}");
	cr_expect_str_eq(without("{\"a\":1,\"b\":2,\"c\":3}", "c"), "{\"a\":1,\"b\":2}");
	cr_expect_str_eq(without("{\"a\":1}", "a"), "{}");
	cr_expect_str_eq(without("{\"a\":1}", "b"), "{\"a\":1}");
	cr_expect_str_eq(without("{\"a\":1", "b"), "bad");
	struct slice found = member_find(slice_of("{\"a\":1,\"b\":[2]}"), "b");
	cr_expect(slice_equal(found, slice_of("[2]")));
	cr_expect_eq(member_find(slice_of("{\"a\":1}"), "b").n, 0u);
}

/* The names that differ, as JSON; the row is in `row`. */
static const char *compare(const char *record, const char *before, const char *sent)
{
	struct past past = {0};
	json_t *names = sent != NULL ? json_loads(sent, 0, NULL) : NULL;
	enum rc rc = past_compare(slice_of(record), slice_of(before), names, &past);
	json_decref(names);
	if (rc != RC_OK)
		return rc_text(rc);
	buf_clear(&row);
	buf_clear(&list);
	cr_assert_eq(past_put(&row, &past, past.names), RC_OK);
	cr_assert_eq(dump_value(&list, past.names), RC_OK);
	past_done(&past);
	return list.p;
}

/* What the row gives back of the record before. */
static const char *restored(const char *record)
{
	buf_clear(&out);
	json_decref(fields);
	fields = NULL;
	enum rc rc = past_open(buf_slice(&row), slice_of(record), &out, &fields, &err);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	return out.n > 0 ? out.p : "";
}

#define BEFORE                                                                                     \
	"{\"amount\":{\"amountMicros\":1},\"companyId\":null,\"id\":\"1\",\"name\":\"x\","         \
	"\"stage\":\"NEW\",\"updatedAt\":\"1\",\"updatedBy\":{\"name\":\"a\"}}"

Test(runner_past, only_what_differs_is_named_and_kept)
{
	static const char record[] =
		"{\"amount\":{\"amountMicros\":2},\"companyId\":\"c\",\"id\":\"1\",\"name\":\"x\","
		"\"searchVector\":\"long\",\"stage\":\"WON\",\"updatedAt\":\"2\",\"updatedBy\":{}}";
	cr_expect_str_eq(compare(record, BEFORE, "[\"name\",\"stage\"]"),
		"[\"amount\",\"companyId\",\"stage\"]");
	cr_expect_str_eq(row.p,
		"{\"before\":{\"amount\":{\"amountMicros\":1},\"companyId\":null,"
		"\"stage\":\"NEW\",\"updatedAt\":\"1\",\"updatedBy\":{\"name\":\"a\"}},"
		"\"fields\":[\"amount\",\"companyId\",\"stage\"]}");
	cr_expect_str_eq(restored(record), BEFORE);
	cr_expect_eq(json_array_size(fields), 3u);
}

Test(runner_past, a_record_that_did_not_change_has_an_empty_row)
{
	cr_expect_str_eq(compare(BEFORE, BEFORE, "[\"stage\"]"), "[]");
	cr_expect_str_eq(row.p, "{\"before\":{},\"fields\":[]}");
	cr_expect_str_eq(restored(BEFORE), BEFORE);
	cr_expect_eq(json_array_size(fields), 0u);
}

/* A field was made or removed in the workspace: that is no change of the record. */
Test(runner_past, members_that_only_one_side_has_are_changed_where_twenty_says_so)
{
	static const char record[] = "{\"a\":1,\"id\":\"1\",\"new\":\"\",\"newer\":\"x\"}";
	static const char before[] = "{\"gone\":\"y\",\"id\":\"1\",\"old\":2}";
	cr_expect_str_eq(compare(record, before, "[\"newer\",7,\"gone\"]"), "[\"gone\",\"newer\"]");
	cr_expect_str_eq(restored(record), before);
	cr_expect_str_eq(compare(record, before, NULL), "[]");
	cr_expect_str_eq(restored(record), before);
	cr_expect_str_eq(compare("{}", before, NULL), "[]");
	cr_expect_str_eq(restored("{}"), before);
	cr_expect_str_eq(compare(before, "{}", NULL), "[]");
	cr_expect_str_eq(restored(before), "{}");
}

Test(runner_past, a_row_may_know_fields_only_or_before_only)
{
	json_t *names = json_pack("[s]", "stage");
	cr_assert_eq(past_put(&row, NULL, names), RC_OK);
	cr_expect_str_eq(row.p, "{\"fields\":[\"stage\"]}");
	json_decref(names);
	cr_expect_str_eq(restored(BEFORE), "");
	cr_expect_eq(json_array_size(fields), 1u);
	buf_clear(&row);
	cr_assert_eq(buf_put_text(&row, "{\"before\":{\"stage\":\"x\"},\"fields\":null}"), RC_OK);
	cr_expect_str_eq(restored("{\"stage\":\"y\"}"), "{\"stage\":\"x\"}");
	cr_expect_null(fields);
}

Test(runner_past, what_is_no_such_text_is_said)
{
	static const char *const rows[] = {"?", "", "{\"fields\":7}", "{\"fields\":[}",
		"{\"before\":[],\"fields\":[]}", "{\"before\":{},\"fields\":[],\"new\":{}}"};
	cr_expect_str_eq(compare(BEFORE, "{", NULL), rc_text(RC_PARSE));
	cr_expect_str_eq(compare("?", BEFORE, NULL), rc_text(RC_PARSE));
	for (size_t i = 0; i < ARRAY_N(rows); i++) {
		buf_clear(&out);
		cr_expect_eq(past_open(slice_of(rows[i]), slice_of(BEFORE), &out, &fields, &err),
			RC_PARSE, "%s", rows[i]);
		cr_expect_str_eq(
			err.msg, "what is stored of the record before the event is damaged");
	}
}
