/* SPDX-License-Identifier: MIT */
/* A server that answers 200 with something else than was asked for is not believed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/uuid.h"
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

TestSuite(client_lies, .fini = close_all, .timeout = 60);

static void is_refused(enum client_op op, const char *args, const char *says)
{
	struct rig_answer a = rig_call(&rig, op, "people", rig_json(args), "k");
	cr_expect_eq(a.code, RC_UPSTREAM, "%s: %s", args, rc_name(a.code));
	cr_expect(strstr(a.message, says) != NULL, "%s: %s", args, a.message);
	rig_answer_done(&a);
}

static bool merges_into_another(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"mergePeople\":{\"id\":\"" OTHER "\",\"deletedAt\":null}}}");
}

Test(client_lies, a_merge_into_another_record)
{
	open_towards(merges_into_another);
	is_refused(CLIENT_MERGE, "{'into':'" ID "','from':['" OTHER "']}", "another record");
}

/* Pages of one record, always the same; the cursor moves. */
static bool begins_again(int fd, const char *request, struct fake_shared *shared)
{
	char body[512];
	(void)request;
	snprintf(body, sizeof(body),
		"{\"data\":{\"people\":[{\"id\":\"" ID "\",\"deletedAt\":null}]},\"totalCount\":9,"
		"\"pageInfo\":{\"startCursor\":\"a\",\"endCursor\":\"c%d\",\"hasNextPage\":true}}",
		atomic_load(&shared->hits));
	return fake_answer(fd, 200, "", body);
}

Test(client_lies, a_second_page_that_is_the_first)
{
	open_towards(begins_again);
	is_refused(CLIENT_LIST, "{'limit':5}", "began again");
}

#define PAGE(records)                                                                              \
	"{\"data\":{\"people\":[" records "]},\"totalCount\":3,\"pageInfo\":{\"startCursor\":"     \
	"\"a\",\"endCursor\":\"b\",\"hasNextPage\":false}}"

static bool answers_three(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		PAGE("{\"id\":\"" ID "\",\"deletedAt\":null},{\"id\":\"" OTHER
		     "\",\"deletedAt\":null},{\"id\":\"22222222-2222-4333-8444-555555555555\","
		     "\"deletedAt\":null}"));
}

Test(client_lies, more_records_than_the_limit)
{
	open_towards(answers_three);
	is_refused(CLIENT_LIST, "{'limit':2}", "ignored the limit");
}

static bool answers_deleted(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		PAGE("{\"id\":\"" ID "\",\"deletedAt\":\"2026-11-23T00:00:00.000Z\"}"));
}

Test(client_lies, a_deleted_record_among_the_living)
{
	open_towards(answers_deleted);
	is_refused(CLIENT_LIST, "{}", "ignored");
}

static void derived(int n, struct uuid *ret_id)
{
	char name[16];
	snprintf(name, sizeof(name), "k/%d", n);
	if (uuid_derive(slice_of(name), ret_id) != RC_OK)
		ret_id->text[0] = '\0';
}

static bool answers_backwards(int fd, const char *request, struct fake_shared *shared)
{
	struct uuid first, second;
	char body[512];
	(void)request, (void)shared;
	derived(0, &first);
	derived(1, &second);
	snprintf(body, sizeof(body),
		"{\"data\":{\"createPeople\":[{\"id\":\"%s\"},{\"id\":\"%s\"}]}}", second.text,
		first.text);
	return fake_answer(fd, 201, "", body);
}

/* No lie: a server may answer a batch in its own order. */
Test(client_lies, a_batch_is_put_into_its_order_again)
{
	struct uuid id;
	open_towards(answers_backwards);
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE_MANY, "people",
		rig_json("{'list':[{'firstName':'One'},{'firstName':'Two'}]}"), "k");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	derived(0, &id);
	cr_expect_str_eq(rig_text(a.value, "0.id"), id.text);
	derived(1, &id);
	cr_expect_str_eq(rig_text(a.value, "1.id"), id.text);
	rig_answer_done(&a);
}

static bool sends_elsewhere(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 302, "Location: /rest/people/" OTHER "\r\n", "");
}

/* The key would go along. */
Test(client_lies, a_redirect_is_an_error_and_not_followed)
{
	open_towards(sends_elsewhere);
	struct rig_answer a =
		rig_call(&rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_expect_neq(a.code, RC_OK);
	cr_expect_null(strstr(fake.shared->last, OTHER), "%s", fake.shared->last);
	rig_answer_done(&a);
}

#define DELETED "\"deletedAt\":\"2026-11-23T00:00:00.000Z\""

static bool answers_another(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", "{\"data\":{\"person\":{\"id\":\"" OTHER "\"}}}");
}

Test(client_lies, another_record_than_was_asked_for)
{
	open_towards(answers_another);
	is_refused(CLIENT_GET, "{'id':'" ID "'}", "another record");
	is_refused(CLIENT_UPDATE, "{'id':'" ID "','data':{'jobTitle':'x'}}", "another record");
	is_refused(CLIENT_DESTROY, "{'id':'" ID "'}", "another record");
	is_refused(CLIENT_RESTORE, "{'id':'" ID "'}", "did not restore");
}

static bool answers_one_deleted(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", "{\"data\":{\"person\":{\"id\":\"" ID "\"," DELETED "}}}");
}

Test(client_lies, a_record_that_was_only_deleted_or_still_is)
{
	open_towards(answers_one_deleted);
	is_refused(CLIENT_DESTROY, "{'id':'" ID "'}", "not destroyed");
	is_refused(CLIENT_RESTORE, "{'id':'" ID "'}", "did not restore");
}

static bool restores_two(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"restorePeople\":[{\"id\":\"" ID
		"\",\"deletedAt\":null},{\"id\":\"" OTHER "\",\"deletedAt\":null}]}}");
}

Test(client_lies, more_was_restored_than_the_record)
{
	open_towards(restores_two);
	is_refused(CLIENT_RESTORE, "{'id':'" ID "'}", "other records");
}

static bool counts_nobody(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", PAGE(""));
}

Test(client_lies, a_total_of_three_without_a_record)
{
	open_towards(counts_nobody);
	is_refused(CLIENT_COUNT, "{'where':{'jobTitle':'CEO'}}", "does not fit");
}

/* What deletedAt is does not matter where no deleted record can come. */
Test(client_lies, a_condition_on_deletedAt_that_could_never_be_met_is_refused)
{
	static const struct {
		enum client_op op;
		const char *args;
	} cases[] = {
		{CLIENT_LIST, "{'where':{'deletedAt':{'empty':false}}}"},
		{CLIENT_COUNT, "{'where':{'deletedAt':{'empty':false}}}"},
		{CLIENT_GROUP_BY, "{'field':'jobTitle','where':{'deletedAt':{'empty':false}}}"},
		{CLIENT_UPDATE_WHERE,
			"{'where':{'deletedAt':{'empty':false}},'data':{'jobTitle':'x'},'max':5}"},
	};
	open_towards(counts_nobody);
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct rig_answer a =
			rig_call(&rig, cases[i].op, "people", rig_json(cases[i].args), "k");
		cr_expect_eq(a.code, RC_INVALID, "%s: %s", cases[i].args, rc_name(a.code));
		rig_answer_done(&a);
	}
	cr_expect_eq(atomic_load(&fake.shared->hits), 0, "%s", fake.shared->last);
}
