/* SPDX-License-Identifier: MIT */
/*
 * Conditional updates, many updates, restoring and destroying against a live twin, in both
 * dialects; lost answers; servers that are old, newer or lie.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"

static const char *const dialects[] = {"core", "docs"};

#define IN_BOTH(name)                                                                              \
	static void name##_in(struct rig *rig, bool core);                                         \
	Test(client_ops_write, name, .timeout = 120)                                               \
	{                                                                                          \
		for (int i = 0; i < 2; i++) {                                                      \
			struct rig rig;                                                            \
			cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialects[i]}));        \
			name##_in(&rig, i == 0);                                                   \
			rig_close(&rig);                                                           \
		}                                                                                  \
	}                                                                                          \
	static void name##_in(struct rig *rig, bool core)

#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)

static void make(struct rig *rig, const char *object, const char *data, char ret_id[static 37])
{
	struct rig_answer a = rig_call(
		rig, CLIENT_CREATE, object, json_pack("{s:o}", "data", rig_json(data)), "");
	OK(a);
	snprintf(ret_id, 37, "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
}

static struct rig_answer by_id(
	struct rig *rig, enum client_op op, const char *object, const char *id)
{
	return rig_call(rig, op, object, json_pack("{s:s}", "id", id), "x");
}

static json_t *update_args(const char *id, const char *data, const char *only_if)
{
	return json_pack("{s:s, s:o, s:o}", "id", id, "data", rig_json(data), "only_if",
		only_if != NULL ? rig_json(only_if) : json_null());
}

static struct rig_answer update(
	struct rig *rig, const char *object, const char *id, const char *data, const char *only_if)
{
	return rig_call(rig, CLIENT_UPDATE, object, update_args(id, data, only_if), "u");
}

static void expect_text(
	struct rig *rig, const char *object, const char *id, const char *path, const char *want)
{
	struct rig_answer a = by_id(rig, CLIENT_GET, object, id);
	OK(a);
	cr_expect_str_eq(rig_text(a.value, path), want, "%s", rig_text(a.value, path));
	rig_answer_done(&a);
}

/* ---- only_if ---- */

IN_BOTH(an_update_with_a_condition_changes_only_what_meets_it)
{
	char deal[37];
	make(rig, "opportunities", "{'name':'deal','stage':'NEW','amount':10}", deal);
	struct rig_answer a =
		update(rig, "opportunities", deal, "{'stage':'MEETING'}", "{'stage':'NEW'}");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "stage"), "MEETING");
	cr_expect_eq(a.requests, core ? 1 : 2);
	rig_answer_done(&a);
	a = update(rig, "opportunities", deal, "{'name':'x'}", "{'stage':'NEW'}");
	cr_expect_eq(a.code, RC_CONFLICT, "%s", a.message);
	cr_expect_str_eq(a.name, "conflict");
	cr_expect_not(a.retryable);
	expect_text(rig, "opportunities", deal, "name", "deal");
	a = update(rig, "opportunities", deal, "{'name':'y'}",
		"{'amount':{'gte':10},'any':[{'stage':'MEETING'},{'stage':'NEW'}]}");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "name"), "y");
	rig_answer_done(&a);
	a = update(rig, "opportunities", NOBODY, "{'name':'x'}", "{'stage':'NEW'}");
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	a = by_id(rig, CLIENT_DELETE, "opportunities", deal);
	OK(a);
	rig_answer_done(&a);
	a = update(rig, "opportunities", deal, "{'name':'x'}", "{'stage':'MEETING'}");
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
}

IN_BOTH(of_many_that_claim_a_record_one_gets_it)
{
	char deal[37];
	struct rig_answer a[8];
	int got = 0, lost = 0;
	(void)core;
	make(rig, "opportunities", "{'name':'free','stage':'NEW'}", deal);
	for (int i = 0; i < 8; i++) {
		char data[40];
		snprintf(data, sizeof(data), "{'name':'claimed by %d'}", i);
		rig_submit(rig, &a[i], CLIENT_UPDATE, "opportunities",
			update_args(deal, data, "{'name':'free'}"), "u");
	}
	cr_assert(rig_await(rig, a, 8, 30000));
	for (int i = 0; i < 8; i++) {
		got += a[i].code == RC_OK;
		lost += a[i].code == RC_CONFLICT;
		if (a[i].code == RC_OK)
			expect_text(
				rig, "opportunities", deal, "name", rig_text(a[i].value, "name"));
		rig_answer_done(&a[i]);
	}
	cr_expect_eq(got, 1, "%d", got);
	cr_expect_eq(lost, 7, "%d", lost);
}

Test(client_ops_write, a_condition_that_a_server_cannot_check_in_one_step_is_refused, .timeout = 60)
{
	struct rig rig;
	char deal[37];
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	make(&rig, "opportunities", "{'name':'a (b)'}", deal);
	struct rig_answer a =
		update(&rig, "opportunities", deal, "{'stage':'NEW'}", "{'name':'a (b)'}");
	cr_expect_eq(a.code, RC_UNSUPPORTED, "%s", a.message);
	cr_expect_eq(rig_logged(&rig, "PATCH", "/rest/"), 0);
	rig_close(&rig);
}

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"
#define RECORD(stage) "{\"id\":\"" ID "\",\"stage\":\"" stage "\",\"deletedAt\":null}"

static bool changes_everything(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"updatePeople\":[" RECORD("A") ",{\"id\":\"" NOBODY "\"}]}}");
}

Test(client_ops_write, a_server_that_ignores_only_if_is_found_out, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, changes_everything, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a = update(&rig, "people", ID, "{'stage':'A'}", "{'stage':'B'}");
	cr_expect_eq(a.code, RC_UNSUPPORTED);
	cr_expect(strstr(a.message, "changed 2 records") != NULL, "%s", a.message);
	rig_close(&rig);
	fake_close(&fake);
}

/* ---- lost answers ---- */

enum { LOST_DONE, LOST_NOT_DONE, LOST_GONE };

/* The answer to the first PATCH is cut off; what a GET says then depends on the mode. */
static bool loses_the_answer(int fd, const char *request, struct fake_shared *shared)
{
	static atomic_int patches;
	bool patch = strncmp(request, "PATCH", 5) == 0;
	if (patch && atomic_fetch_add(&patches, 1) == 0) { /* cut off */
		static const char part[] = "HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n{";
		(void)fake_write(fd, part, sizeof(part) - 1);
		return false;
	}
	if (patch && strstr(request, "filter=") != NULL)
		return fake_answer(fd, 200, "", "{\"data\":{\"updatePeople\":[" RECORD("A") "]}}");
	if (patch)
		return fake_answer(fd, 200, "", "{\"data\":{\"updatePerson\":" RECORD("A") "}}");
	switch (atomic_load(&shared->mode)) {
	case LOST_DONE:
		return fake_answer(fd, 200, "", "{\"data\":{\"person\":" RECORD("A") "}}");
	case LOST_NOT_DONE:
		return fake_answer(fd, 200, "", "{\"data\":{\"person\":" RECORD("B") "}}");
	default:
		return fake_answer(fd, 404, "",
			"{\"statusCode\":404,\"error\":\"x\",\"messages\":[\"Record not found\"]}");
	}
}

static const struct {
	int mode;
	const char *only_if;
	enum rc code;
	int hits; /* requests that came */
} losses[] = {
	{LOST_DONE, NULL, RC_OK, 2},
	{LOST_NOT_DONE, NULL, RC_OK, 3},
	{LOST_GONE, NULL, RC_NOT_FOUND, 2},
	{LOST_DONE, "{'stage':'B'}", RC_UNKNOWN, 2},
	{LOST_NOT_DONE, "{'stage':'B'}", RC_OK, 3},
	{LOST_NOT_DONE, "{'stage':'C'}", RC_CONFLICT, 2},
	{LOST_GONE, "{'stage':'B'}", RC_NOT_FOUND, 2},
};

Test(client_ops_write, after_a_lost_answer_the_record_is_read_before_anything_is_repeated,
	.timeout = 60)
{
	for (size_t i = 0; i < ARRAY_N(losses); i++) {
		struct fake fake;
		struct rig rig;
		cr_assert(fake_open(&fake, loses_the_answer, FAKE_CORE));
		atomic_store(&fake.shared->mode, losses[i].mode);
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
		struct rig_answer a =
			update(&rig, "people", ID, "{'stage':'A'}", losses[i].only_if);
		cr_expect_eq(a.code, losses[i].code, "%zu: %s %s", i, a.name, a.message);
		cr_expect_eq(a.unknown, losses[i].code == RC_UNKNOWN);
		cr_expect_eq(atomic_load(&fake.shared->hits), losses[i].hits, "%zu: %d", i,
			atomic_load(&fake.shared->hits));
		if (a.code == RC_OK)
			cr_expect_str_eq(rig_text(a.value, "stage"), "A");
		rig_answer_done(&a);
		rig_close(&rig);
		fake_close(&fake);
	}
}

/* Each effect once, whatever becomes of the first answer to it. */
static void passes(const char *dialect, const char *fault)
{
	struct rig rig;
	char id[37], spec[128];
	bool core = strcmp(dialect, "core") == 0;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialect, .timeout = "700ms"}));
	make(&rig, "people", "{'firstName':'Ann','jobTitle':'CTO'}", id);
	struct rig_answer a = by_id(&rig, CLIENT_DELETE, "people", id);
	OK(a);
	rig_answer_done(&a);
	snprintf(spec, sizeof(spec), "%s,match=PATCH /rest/", fault);
	cr_assert(rig_fault(&rig, spec));
	a = by_id(&rig, CLIENT_RESTORE, "people", id);
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "name.firstName"), "Ann");
	rig_answer_done(&a);
	cr_assert(rig_fault(&rig, spec));
	a = update(&rig, "people", id, "{'lastName':'Lee'}", "{'jobTitle':'CTO'}");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "name.lastName"), "Lee");
	rig_answer_done(&a);
	if (core) {
		snprintf(spec, sizeof(spec), "%s,match=DELETE", fault);
		cr_assert(rig_fault(&rig, spec));
		a = by_id(&rig, CLIENT_DESTROY, "people", id);
		OK(a);
		cr_expect_str_eq(rig_text(a.value, "id"), id);
		rig_answer_done(&a);
	}
	rig_close(&rig);
}

#define ONCE(name, dialect, fault)                                                                 \
	Test(client_ops_write, name, .timeout = 120)                                               \
	{                                                                                          \
		passes(dialect, fault);                                                            \
	}

ONCE(core_broken, "core", "status=500:1")
ONCE(core_reset, "core", "reset=1")
ONCE(core_cut, "core", "cut=1")
ONCE(core_slow, "core", "slow=2000:1")
ONCE(docs_cut, "docs", "cut=1")
ONCE(docs_slow, "docs", "slow=2000:1")

/* ---- restore, destroy ---- */

IN_BOTH(what_was_deleted_can_be_restored_and_what_is_destroyed_cannot)
{
	char id[37];
	make(rig, "people", "{'firstName':'Ann','lastName':'Lee','email':'ann@x.example'}", id);
	struct rig_answer a = by_id(rig, CLIENT_DELETE, "people", id);
	OK(a);
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_RESTORE, "people", id);
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "emails.primaryEmail"), "ann@x.example");
	cr_expect_str_eq(rig_text(a.value, "deletedAt"), "");
	cr_expect_eq(a.requests, 1);
	rig_answer_done(&a);
	expect_text(rig, "people", id, "name.firstName", "Ann");
	a = by_id(rig, CLIENT_RESTORE, "people", id);
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "id"), id, "one that is not deleted stays as it is");
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_RESTORE, "people", NOBODY);
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	a = by_id(rig, CLIENT_DESTROY, "people", id);
	cr_expect_eq(a.code, core ? RC_OK : RC_UNSUPPORTED, "%s", a.message);
	cr_expect_eq(rig_logged(rig, "DELETE", "/rest/people/"), core ? 2 : 1);
	rig_answer_done(&a);
	if (!core) {
		expect_text(rig, "people", id, "name.firstName", "Ann");
		return;
	}
	a = by_id(rig, CLIENT_RESTORE, "people", id);
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	a = by_id(rig, CLIENT_DESTROY, "people", id);
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	make(rig, "people", "{'firstName':'Bob'}", id);
	a = by_id(rig, CLIENT_DELETE, "people", id);
	OK(a);
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_DESTROY, "people", id);
	OK(a);
	rig_answer_done(&a);
}

Test(client_ops_write, an_old_server_is_asked_for_no_delete_that_would_destroy, .timeout = 60)
{
	struct rig rig;
	char id[37];
	cr_assert(rig_open(
		&rig, &(struct rig_conf){.twin = "core", .twin_args = "--budget none --age old"}));
	make(&rig, "people", "{'firstName':'Ann'}", id);
	struct rig_answer a = by_id(&rig, CLIENT_DELETE, "people", id);
	cr_expect_eq(a.code, RC_UNSUPPORTED, "%s: %s", a.name, a.message);
	a = by_id(&rig, CLIENT_RESTORE, "people", id);
	cr_expect_eq(a.code, RC_UNSUPPORTED, "%s: %s", a.name, a.message);
	cr_expect_eq(rig_logged(&rig, "DELETE", "/rest/"), 0);
	cr_expect_eq(rig_logged(&rig, "PATCH", "/rest/"), 0);
	expect_text(&rig, "people", id, "name.firstName", "Ann");
	a = by_id(&rig, CLIENT_DESTROY, "people", id);
	OK(a);
	rig_answer_done(&a);
	rig_close(&rig);
}

Test(client_ops_write, a_newer_server_is_asked_to_restore_in_its_own_way, .timeout = 60)
{
	struct rig rig;
	char id[37];
	cr_assert(rig_open(&rig,
		&(struct rig_conf){.twin = "core", .twin_args = "--budget none --age newer"}));
	make(&rig, "people", "{'firstName':'Ann'}", id);
	struct rig_answer a = by_id(&rig, CLIENT_DELETE, "people", id);
	OK(a);
	rig_answer_done(&a);
	a = by_id(&rig, CLIENT_RESTORE, "people", id);
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "name.firstName"), "Ann");
	rig_answer_done(&a);
	cr_expect_eq(rig_logged(&rig, "PATCH", "/restore\""), 1);
	a = by_id(&rig, CLIENT_RESTORE, "people", NOBODY);
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
	rig_close(&rig);
}

Test(client_ops_write, a_server_that_does_not_describe_itself_is_asked_and_checked, .timeout = 60)
{
	struct rig rig;
	char id[37];
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	cr_assert(rig_fault(&rig, "status=500:100%,match=GET /rest/open-api"));
	make(&rig, "people", "{'firstName':'Ann'}", id);
	struct rig_answer a = by_id(&rig, CLIENT_DELETE, "people", id);
	OK(a);
	cr_expect_str_neq(rig_text(a.value, "deletedAt"), "");
	rig_answer_done(&a);
	cr_expect_leq(rig_logged(&rig, "GET", "/rest/open-api"), 3);
	rig_close(&rig);
}

/* ---- relations ---- */

static bool connects_nothing(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	return strncmp(request, "POST /rest/batch", 16) == 0
		       ? fake_answer(fd, 201, "",
				 "{\"data\":{\"createPeople\":[{\"id\":\"" ID
				 "\",\"companyId\":null}]}}")
		       : fake_answer(fd, 201, "",
				 "{\"data\":{\"createPerson\":{\"id\":\"" ID
				 "\",\"companyId\":null}}}");
}

Test(client_ops_write, a_record_that_was_made_without_its_company_is_an_error, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, connects_nothing, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'companyId':'" NOBODY "'}}"), "c");
	cr_expect_eq(a.code, RC_UNSUPPORTED);
	cr_expect(strstr(a.message, "did not connect its company") != NULL, "%s", a.message);
	a = rig_call(&rig, CLIENT_CREATE_MANY, "people",
		rig_json("{'list':[{'id':'" ID "','companyId':'" NOBODY "'}]}"), "c");
	cr_expect_eq(a.code, RC_UNSUPPORTED, "%s", a.message);
	rig_close(&rig);
	fake_close(&fake);
}

/* ---- many ---- */

IN_BOTH(many_updates_answer_their_records_in_order)
{
	char id[3][37];
	for (int i = 0; i < 3; i++)
		make(rig, "people", "{'firstName':'Ann','lastName':'Lee'}", id[i]);
	(void)core;
	struct rig_answer a = rig_call(rig, CLIENT_UPDATE_MANY, "people",
		json_pack("{s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}", "list", "id", id[2],
			"jobTitle", "C", "id", id[0], "jobTitle", "A", "id", id[1], "firstName",
			"Bob"),
		"m");
	OK(a);
	cr_expect_eq(json_array_size(a.value), 3);
	cr_expect_str_eq(rig_text(a.value, "0.id"), id[2]);
	cr_expect_str_eq(rig_text(a.value, "0.jobTitle"), "C");
	cr_expect_str_eq(rig_text(a.value, "1.id"), id[0]);
	cr_expect_str_eq(rig_text(a.value, "2.name.firstName"), "Bob");
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_UPDATE_MANY, "people", rig_json("{'list':[]}"), "m");
	OK(a);
	cr_expect_eq(json_array_size(a.value), 0);
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_UPDATE_MANY, "people",
		json_pack("{s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}", "list", "id", id[0],
			"jobTitle", "X", "id", NOBODY, "jobTitle", "Y", "id", id[1], "jobTitle",
			"Z"),
		"m");
	cr_expect_eq(a.code, RC_NOT_FOUND);
	cr_expect_not(a.retryable);
	cr_expect(strstr(a.message, "element 2: ") != NULL &&
			  strstr(a.message, "2 of 3 are changed") != NULL,
		"%s", a.message);
	expect_text(rig, "people", id[0], "jobTitle", "X");
	expect_text(rig, "people", id[1], "jobTitle", "Z");
}

static struct rig_answer update_where(struct rig *rig, const char *where, int max)
{
	return rig_call(rig, CLIENT_UPDATE_WHERE, "tasks",
		json_pack("{s:o, s:{s:s}, s:i}", "where", rig_json(where), "data", "body", "seen",
			"max", max),
		"w");
}

IN_BOTH(updates_by_condition_have_an_upper_bound)
{
	json_t *list = json_array();
	for (int i = 0; i < 70; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:s}", "title", json_sprintf("task (%d)", i),
				      "status", i < 65 ? "DONE" : "IN_PROGRESS"));
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE_MANY, "tasks", json_pack("{s:o}", "list", list), "t");
	OK(a);
	rig_answer_done(&a);
	a = update_where(rig, "{'status':'DONE'}", 64);
	cr_expect_eq(a.code, RC_DENIED);
	cr_expect(strstr(a.message, "65 ") != NULL || !core, "%s", a.message);
	cr_expect(strstr(a.message, "nothing was changed") != NULL, "%s", a.message);
	cr_expect_eq(rig_logged(rig, "PATCH", "/rest/"), 0);
	a = update_where(rig, "{'status':'DONE','title':{'endsWith':'7)'}}", 7);
	OK(a);
	cr_expect_eq(json_array_size(a.value), 6, "%zu", json_array_size(a.value));
	rig_answer_done(&a);
	a = update_where(rig, "{'status':'DONE'}", 65);
	OK(a);
	cr_expect_eq(json_array_size(a.value), 65);
	rig_answer_done(&a);
	a = update_where(rig, "{'status':'NONE','title':'x'}", 65);
	cr_expect(a.code == RC_OK || a.code == RC_REJECTED, "%s", a.message);
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_COUNT, "tasks", rig_json("{'where':{'body':'seen'}}"), "t");
	OK(a);
	cr_expect_eq(json_integer_value(a.value), 65);
	rig_answer_done(&a);
}

Test(client_ops_write, what_makes_no_sense_is_refused_before_anything_is_sent, .timeout = 60)
{
	static const struct {
		enum client_op op;
		const char *args;
		enum rc code;
	} cases[] = {
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'a':1},'only_if':{}}", RC_DENIED},
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'a':1},'only_if':[]}", RC_DENIED},
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'a':1},'only_if':{'email':''}}", RC_DENIED},
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'a':1},'only_if':7}", RC_INVALID},
		{CLIENT_COUNT, "{'where':'jobTitle = x'}", RC_INVALID},
		{CLIENT_GROUP_BY, "{'field':'city','sum':'jobTitle'}", RC_INVALID},
		{CLIENT_UPDATE, "{'id':'" ID "','data':{'id':'" OTHER "','a':1}}", RC_INVALID},
		{CLIENT_UPDATE_MANY, "{}", RC_INVALID},
		{CLIENT_UPDATE_MANY, "{'list':[{'jobTitle':'x'}]}", RC_DENIED},
		{CLIENT_UPDATE_MANY, "{'list':[{'id':''}]}", RC_DENIED},
		{CLIENT_UPDATE_MANY, "{'list':[{'id':'" ID "'}]}", RC_INVALID},
		{CLIENT_UPDATE_MANY, "{'list':['" ID "']}", RC_INVALID},
		{CLIENT_UPDATE_MANY, "{'list':[{'id':'" ID "','a':1},{'id':'" ID "','a':2}]}",
			RC_INVALID},
		{CLIENT_UPDATE_MANY,
			"{'list':[{'id':'a1b2c3d4-e5f6-7890-abcd-ef1234567890','a':1},"
			"{'id':'A1B2C3D4-E5F6-7890-ABCD-EF1234567890','a':2}]}",
			RC_INVALID},
		{CLIENT_UPDATE_WHERE, "{'where':{},'data':{'a':1},'max':5}", RC_DENIED},
		{CLIENT_UPDATE_WHERE, "{'data':{'a':1},'max':5}", RC_DENIED},
		{CLIENT_UPDATE_WHERE, "{'where':{'email':''},'data':{'a':1},'max':5}", RC_DENIED},
		{CLIENT_UPDATE_WHERE, "{'where':{'b':1},'data':{'a':1}}", RC_INVALID},
		{CLIENT_UPDATE_WHERE, "{'where':{'b':1},'data':{'a':1},'max':0}", RC_INVALID},
		{CLIENT_UPDATE_WHERE, "{'where':{'b':1},'data':{'a':1},'max':1e9}", RC_INVALID},
		{CLIENT_UPDATE_WHERE, "{'where':{'b':1},'data':{},'max':5}", RC_INVALID},
		{CLIENT_UPDATE_WHERE, "{'where':{'b':1},'data':{'id':'" ID "'},'max':5}",
			RC_INVALID},
		{CLIENT_RESTORE, "{'id':''}", RC_DENIED},
		{CLIENT_RESTORE, "{'id':'x?filter='}", RC_DENIED},
		{CLIENT_DESTROY, "{}", RC_DENIED},
		{CLIENT_DESTROY, "{'id':'../people'}", RC_DENIED},
	};
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = "http://127.0.0.1:9"}));
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct rig_answer a;
		rig_submit(&rig, &a, cases[i].op, "people", rig_json(cases[i].args), "x");
		cr_expect_eq(a.submitted, cases[i].code, "%s %s: %s %s",
			client_op_name(cases[i].op), cases[i].args, rc_name(a.submitted),
			a.message);
		if (a.submitted == RC_OK)
			client_cancel(rig.client, a.ticket);
	}
	rig_close(&rig);
}
