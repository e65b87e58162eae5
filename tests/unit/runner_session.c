/* SPDX-License-Identifier: MIT */
/* Several events that are one run: what its rule is given. */
#include "runner/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "runner/dump.h"

static struct buf text;
static struct session *session;

static void begin(enum session_kind kind)
{
	session_free(session);
	session = session_new(kind);
	cr_assert_not_null(session);
}

static void setup(void)
{
	buf_init(&text, 1 << 20);
	begin(SESSION_SETTLE);
}

static void teardown(void)
{
	session_free(session);
	buf_done(&text);
}

TestSuite(runner_session, .init = setup, .fini = teardown);

static printf_like(1, 2) void add(const char *format, ...)
{
	char event[2048];
	va_list ap;
	va_start(ap, format);
	vsnprintf(event, sizeof(event), format, ap);
	va_end(ap);
	json_t *tree = json_loads(event, 0, NULL);
	cr_assert_not_null(tree, "%s", event);
	cr_assert_eq(session_add(session, tree), RC_OK);
	json_decref(tree);
}

/* An event of person p at a second of the day, with fields ("stage","name" ..). */
static void edit(const char *action, int second, const char *fields)
{
	add("{\"id\":\"e%d\",\"via\":\"hook\",\"at\":\"t%d\",\"object\":\"person\","
	    "\"action\":\"%s\",\"name\":\"person.%s\",\"actor\":{\"name\":\"a%d\"},"
	    "\"record\":{\"id\":\"p\",\"n\":%d,\"updatedAt\":\"2026-11-24T09:00:%02d.000Z\"},"
	    "\"fields\":[%s],\"before\":{\"n\":%d}}",
		second, second, action, action, second, second, second, fields, second - 1);
}

static const char *event(void)
{
	json_t *tree = session_event(session);
	cr_assert_not_null(tree);
	buf_clear(&text);
	cr_assert_eq(dump_value(&text, tree), RC_OK);
	json_decref(tree);
	return text.p;
}

static const char *member(const char *name)
{
	static char value[512];
	json_t *tree = session_event(session);
	cr_assert_not_null(tree);
	json_t *one = json_object_get(tree, name);
	buf_clear(&text);
	if (one != NULL)
		cr_assert_eq(dump_value(&text, one), RC_OK);
	snprintf(value, sizeof(value), "%s", one != NULL ? text.p : "nil");
	json_decref(tree);
	return value;
}

Test(runner_session, one_event_alone_is_what_it_was)
{
	edit("updated", 2, "\"stage\"");
	cr_assert_str_eq(event(),
		"{\"action\":\"updated\",\"actor\":{\"name\":\"a2\"},\"at\":\"t2\","
		"\"before\":{\"n\":1},\"fields\":[\"stage\"],\"id\":\"e2\","
		"\"name\":\"person.updated\",\"object\":\"person\",\"record\":{\"id\":\"p\","
		"\"n\":2,\"updatedAt\":\"2026-11-24T09:00:02.000Z\"},\"via\":\"hook\"}");
}

Test(runner_session, edits_are_one_with_the_union_of_fields_the_first_before_and_the_last_record)
{
	edit("updated", 2, "\"stage\"");
	edit("updated", 3, "\"name\",\"stage\"");
	edit("updated", 4, "\"amount\"");
	cr_assert_eq(session_n(session), 3u);
	cr_assert_str_eq(event(),
		"{\"action\":\"updated\",\"actor\":{\"name\":\"a4\"},\"at\":\"t4\","
		"\"before\":{\"n\":1},\"fields\":[\"stage\",\"name\",\"amount\"],\"id\":\"e4\","
		"\"name\":\"person.updated\",\"object\":\"person\",\"record\":{\"id\":\"p\","
		"\"n\":4,\"updatedAt\":\"2026-11-24T09:00:04.000Z\"},\"via\":\"hook\"}");
}

static const char *sum(const char *const *actions)
{
	begin(SESSION_SETTLE);
	for (int i = 0; actions[i] != NULL; i++)
		edit(actions[i], i + 1, "\"x\"");
	return member("name");
}

#define SUM(...) sum((const char *const[]){__VA_ARGS__, NULL})

Test(runner_session, the_name_is_the_sum_of_all)
{
	cr_assert_str_eq(SUM("created", "updated"), "\"person.created\"");
	cr_assert_str_eq(SUM("created", "updated", "deleted"), "\"person.deleted\"");
	cr_assert_str_eq(SUM("created", "deleted", "restored"), "\"person.created\"");
	cr_assert_str_eq(SUM("updated", "deleted"), "\"person.deleted\"");
	cr_assert_str_eq(SUM("deleted", "restored"), "\"person.updated\"");
	cr_assert_str_eq(SUM("deleted", "restored", "updated"), "\"person.updated\"");
	cr_assert_str_eq(SUM("restored", "updated"), "\"person.restored\"");
	cr_assert_str_eq(SUM("deleted", "updated"), "\"person.deleted\"");
	cr_assert_str_eq(SUM("updated", "deleted", "destroyed"), "\"person.destroyed\"");
	cr_assert_str_eq(SUM("updated", "updated"), "\"person.updated\"");
}

Test(runner_session, what_is_created_has_no_before)
{
	edit("created", 1, "");
	edit("updated", 2, "\"stage\"");
	cr_assert_str_eq(member("before"), "nil");
	cr_assert_str_eq(member("action"), "\"created\"");
}

Test(runner_session, an_event_that_comes_late_is_not_the_newest)
{
	edit("updated", 5, "\"stage\"");
	edit("updated", 3, "\"name\"");
	cr_assert_str_eq(member("id"), "\"e5\"");
	cr_assert_str_eq(member("before"), "{\"n\":4}", "that of the first to come");
	cr_assert_str_eq(member("fields"), "[\"stage\",\"name\"]");
}

Test(runner_session, a_creation_that_comes_behind_an_update_is_still_a_creation)
{
	edit("updated", 5, "\"stage\"");
	edit("created", 3, "");
	cr_assert_str_eq(member("name"), "\"person.created\"");
	cr_assert_str_eq(member("id"), "\"e5\"");
	cr_assert_str_eq(member("before"), "nil");
}

Test(runner_session, a_destroyed_record_ends_it_although_its_time_is_older)
{
	edit("updated", 5, "\"stage\"");
	edit("destroyed", 3, "");
	cr_assert_str_eq(member("name"), "\"person.destroyed\"");
	cr_assert_str_eq(member("id"), "\"e3\"");
}

Test(runner_session, fields_are_unknown_where_those_of_an_update_are)
{
	edit("updated", 2, "\"stage\"");
	add("{\"id\":\"x\",\"object\":\"person\",\"action\":\"updated\",\"record\":{}}");
	cr_assert_str_eq(member("fields"), "nil");
	cr_assert_str_eq(member("id"), "\"x\"", "without a time the last to come is the newest");
}

Test(runner_session, a_batch_lists_its_events_and_says_what_they_have_in_common)
{
	begin(SESSION_BATCH);
	add("{\"id\":\"a\",\"at\":\"1\",\"via\":\"hook\",\"object\":\"person\","
	    "\"action\":\"created\",\"name\":\"person.created\",\"record\":{\"id\":\"p\"}}");
	cr_assert_str_eq(member("name"), "\"person.created\"");
	add("{\"id\":\"b\",\"at\":\"2\",\"via\":\"gap\",\"object\":\"person\","
	    "\"action\":\"updated\",\"name\":\"person.updated\",\"record\":{\"id\":\"q\"}}");
	cr_assert_str_eq(event(),
		"{\"at\":\"2\",\"batch\":[{\"action\":\"created\",\"at\":\"1\",\"id\":\"a\","
		"\"name\":\"person.created\",\"object\":\"person\",\"record\":{\"id\":\"p\"},"
		"\"via\":\"hook\"},{\"action\":\"updated\",\"at\":\"2\",\"id\":\"b\","
		"\"name\":\"person.updated\",\"object\":\"person\",\"record\":{\"id\":\"q\"},"
		"\"via\":\"gap\"}],\"id\":\"b\",\"object\":\"person\",\"via\":\"gap\"}");
}

Test(runner_session, of_nothing_there_is_no_event)
{
	cr_assert_null(session_event(session));
	begin(SESSION_BATCH);
	cr_assert_null(session_event(session));
}
