/* SPDX-License-Identifier: MIT */
/* Answers that no twin gives, and that a real server gives now and then. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"

static struct fake fake;
static struct rig rig;

static void open_towards(fake_handler handler)
{
	cr_assert(fake_open(&fake, handler, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
}

static void close_all(void)
{
	rig_close(&rig);
	fake_close(&fake);
}

TestSuite(client_seldom, .fini = close_all, .timeout = 60);

static struct rig_answer ask(enum client_op op, const char *object, const char *args)
{
	return rig_call(&rig, op, object, rig_json(args), "k");
}

static bool finds_the_loser_deleted(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strncmp(request, "GET ", 4) != 0)
		return fake_answer(
			fd, 404, "", "{\"statusCode\":404,\"messages\":[\"Record not found\"]}");
	return fake_answer(fd, 200, "",
		"{\"data\":{\"people\":[{\"id\":\"" ID "\",\"deletedAt\":null},{\"id\":\"" OTHER
		"\",\"deletedAt\":\"2026-11-23T00:00:00.000Z\"}]},\"totalCount\":2,"
		"\"pageInfo\":{\"endCursor\":\"b\",\"hasNextPage\":false}}");
}

/* It can still come back: to call the merge done would be wrong. */
Test(client_seldom, a_record_that_is_deleted_is_not_merged_away)
{
	open_towards(finds_the_loser_deleted);
	struct rig_answer a = ask(CLIENT_MERGE, "people", "{'into':'" ID "','from':['" OTHER "']}");
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", rc_name(a.code));
	cr_expect_not_null(strstr(a.message, "is deleted"), "%s", a.message);
	rig_answer_done(&a);
}

Test(client_seldom, a_merge_that_takes_several_requests_cannot_be_tried_out)
{
	open_towards(finds_the_loser_deleted);
	json_t *from = json_array();
	for (int i = 0; i < 9; i++)
		json_array_append_new(
			from, json_sprintf("9999999%d-2222-4333-8444-555555555555", i));
	struct rig_answer a = rig_call(&rig, CLIENT_MERGE, "people",
		json_pack("{s:s, s:o, s:b}", "into", ID, "from", from, "preview", 1), "k");
	cr_expect_eq(a.code, RC_UNSUPPORTED, "%s", rc_name(a.code));
	cr_expect_eq(atomic_load(&fake.shared->hits), 0, "%s", fake.shared->last);
	rig_answer_done(&a);
}

static bool limits_half(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"a\":{\"id\":\"" ID "\"},\"b\":null},\"errors\":[{\"message\":\"Limit "
		"reached\",\"extensions\":{\"subCode\":\"LIMIT_REACHED\"}}]}");
}

Test(client_seldom, a_mutation_that_was_done_in_part_is_not_sent_again)
{
	open_towards(limits_half);
	struct rig_answer a = ask(CLIENT_GRAPHQL, "graphql", "{'query':'mutation { a b }'}");
	cr_expect_eq(a.code, RC_UNKNOWN, "%s: %s", rc_name(a.code), a.message);
	cr_expect(a.unknown);
	cr_expect_eq(atomic_load(&fake.shared->hits), 1);
	rig_answer_done(&a);
}

static bool has_old_names(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "POST /rest/taskTargets", 22) == 0 &&
		atomic_fetch_add(&shared->mode, 1) == 0)
		return fake_answer(fd, 400, "",
			"{\"statusCode\":400,\"messages\":[\"Object taskTarget doesn't have any "
			"\\\"targetPersonId\\\" field.\"]}");
	if (strncmp(request, "POST /rest/taskTargets", 22) == 0)
		return fake_answer(
			fd, 201, "", "{\"data\":{\"createTaskTarget\":{\"id\":\"" OTHER "\"}}}");
	return fake_answer(fd, 201, "", "{\"data\":{\"createTask\":{\"id\":\"" ID "\"}}}");
}

Test(client_seldom, a_task_is_linked_where_links_have_their_older_names)
{
	open_towards(has_old_names);
	struct rig_answer a = ask(
		CLIENT_CREATE, "tasks", "{'data':{'title':'x','about':{'person':'" OTHER "'}}}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_str_eq(rig_text(a.value, "id"), ID);
	cr_expect_eq(atomic_load(&fake.shared->mode), 2);
	rig_answer_done(&a);
}

static bool finds_one_twice(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":[{\"personDuplicates\":[{\"id\":\"" ID "\"},{\"id\":\"" ID "\"}]}]}");
}

Test(client_seldom, a_duplicate_comes_once)
{
	open_towards(finds_one_twice);
	struct rig_answer a =
		ask(CLIENT_DUPLICATES, "people", "{'record':{'email':'a@example.com'}}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(json_array_size(a.value), 1);
	rig_answer_done(&a);
}

Test(client_seldom, names_of_two_letters_are_nobodys_criterion)
{
	open_towards(finds_one_twice);
	struct rig_answer a = ask(CLIENT_DUPLICATES, "people",
		"{'list':[{'firstName':'Al','lastName':'Bo'},{'firstName':'Albert','lastName':''}]"
		"}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(json_array_size(a.value), 2);
	cr_expect_eq(json_array_size(json_array_get(a.value, 0)), 0);
	cr_expect_eq(atomic_load(&fake.shared->hits), 0, "%s", fake.shared->last);
	rig_answer_done(&a);
}

static bool compares_too_few(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(
		fd, 200, "", "{\"data\":[{\"personDuplicates\":[{\"id\":\"" ID "\"}]}]}");
}

/* Whose duplicates are those? */
Test(client_seldom, an_answer_for_one_record_is_none_for_two)
{
	open_towards(compares_too_few);
	struct rig_answer a = ask(CLIENT_DUPLICATES, "people",
		"{'list':[{'email':'a@example.com'},{'email':'b@example.com'}]}");
	cr_expect_eq(a.code, RC_UPSTREAM, "%s", rc_name(a.code));
	rig_answer_done(&a);
}

static bool changes_anybody(int fd, const char *request, struct fake_shared *shared)
{
	char body[128];
	(void)shared;
	snprintf(body, sizeof(body), "{\"data\":{\"updatePerson\":{\"id\":\"%.36s\"}}}",
		strncmp(request, "PATCH /rest/people/", 19) == 0 ? request + 19 : ID);
	return fake_answer(fd, 200, "", body);
}

Test(client_seldom, what_is_done_in_several_requests_counts_them_all)
{
	open_towards(changes_anybody);
	struct rig_answer a = ask(CLIENT_UPDATE_MANY, "people",
		"{'list':[{'id':'" ID "','jobTitle':'x'},{'id':'" OTHER "','jobTitle':'y'}]}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_str_eq(rig_text(a.value, "1.id"), OTHER);
	cr_expect_eq(a.requests, 2, "%d", a.requests);
	rig_answer_done(&a);
}
