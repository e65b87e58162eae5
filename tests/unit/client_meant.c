/* SPDX-License-Identifier: MIT */
/*
 * Writes that would reach other records than were meant: conditions that compare with nothing
 * without looking so, servers that mind no condition and hide it, mutations of which a part was
 * done.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"

Test(client_meant, no_write_goes_by_a_value_that_is_missing, .timeout = 60)
{
	static const struct {
		enum client_op op;
		const char *object, *args;
		enum rc code;
	} cases[] = {
		{CLIENT_ENSURE, "companies", "{'where':{'domain':''}}", RC_DENIED},
		{CLIENT_ENSURE, "companies", "{'where':{'domain':['','a.example']}}", RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{'email':['a@b.example','']}}", RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{'email':['a@b.example',null]}}", RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{'phone':''}}", RC_DENIED},
		{CLIENT_ENSURE, "companies", "{'where':{'domain':'a.example'}}", RC_OK},
		{CLIENT_UPDATE_WHERE, "companies",
			"{'where':{'domain':''},'data':{'name':'x'},'max':9}", RC_DENIED},
		{CLIENT_UPDATE_WHERE, "people",
			"{'where':{'email':{'in':['','a@b.example']}},'data':{'city':'x'},'max':9}",
			RC_DENIED},
		{CLIENT_UPDATE_WHERE, "companies",
			"{'where':{'domain':{'empty':true}},'data':{'name':'x'},'max':9}", RC_OK},
		{CLIENT_UPDATE, "companies",
			"{'id':'" ID "','data':{'name':'x'},'only_if':{'domain':''}}", RC_DENIED},
		{CLIENT_UPDATE_WHERE, "people",
			"{'where':{'none':[{'email':''}]},'data':{'city':'x'},'max':9}", RC_OK},
	};
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = "http://127.0.0.1:9"}));
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct rig_answer a;
		rig_submit(&rig, &a, cases[i].op, cases[i].object, rig_json(cases[i].args), "x");
		cr_expect_eq(a.submitted, cases[i].code, "%s: %s %s", cases[i].args,
			rc_name(a.submitted), a.message);
		if (a.submitted == RC_OK)
			client_cancel(rig.client, a.ticket);
	}
	rig_close(&rig);
}

/* ---- a condition on what records do not show ---- */

#define PAGE "{\"data\":{\"people\":[%s]},\"totalCount\":1,\"pageInfo\":{\"hasNextPage\":false}}"
#define RECORD "{\"id\":\"" ID "\",\"companyId\":null,\"jobTitle\":\"B\",\"deletedAt\":null}"

static bool minds_no_filter(int fd, const char *request, struct fake_shared *shared)
{
	char page[1024];
	snprintf(page, sizeof(page), PAGE, RECORD);
	if (strncmp(request, "GET", 3) == 0)
		return fake_answer(fd, 200, "", page);
	atomic_fetch_add(&shared->mode, 1);
	return fake_answer(fd, 200, "", "{\"data\":{\"updatePerson\":{\"id\":\"" ID "\"}}}");
}

static const struct {
	enum client_op op;
	const char *args;
	enum rc code;
} unseen[] = {
	{CLIENT_UPDATE_WHERE, "{'where':{'company.name':'Acme'},'data':{'city':'x'},'max':9}",
		RC_UNSUPPORTED},
	{CLIENT_UPDATE_WHERE,
		"{'where':{'none':[{'company.name':'Acme'}]},'data':{'city':'x'},'max':9}",
		RC_UNSUPPORTED},
	{CLIENT_UPDATE_WHERE, "{'where':{'vip':true},'data':{'city':'x'},'max':9}", RC_UNSUPPORTED},
	{CLIENT_UPDATE_WHERE,
		"{'where':{'jobTitle':{'gt':'A'},'vip':true},'data':{'city':'x'},'max':9}",
		RC_UNSUPPORTED},
	{CLIENT_ENSURE, "{'where':{'vip':true}}", RC_UNSUPPORTED},
};

Test(client_meant, records_that_do_not_show_the_condition_are_not_changed, .timeout = 60)
{
	for (size_t i = 0; i < ARRAY_N(unseen); i++) {
		struct fake fake;
		struct rig rig;
		cr_assert(fake_open(&fake, minds_no_filter, FAKE_CORE));
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
		struct rig_answer a =
			rig_call(&rig, unseen[i].op, "people", rig_json(unseen[i].args), "w");
		cr_expect_eq(
			a.code, unseen[i].code, "%s: %s %s", unseen[i].args, a.name, a.message);
		cr_expect_eq(atomic_load(&fake.shared->mode), 0, "%s", unseen[i].args);
		rig_answer_done(&a);
		rig_close(&rig);
		fake_close(&fake);
	}
}

/* ---- part of a mutation ---- */

static const struct {
	const char *reply;
	enum rc code;
	bool unknown;
} partly[] = {
	{"{'data':{'a':{'id':'1'},'b':null},'errors':[{'message':'duplicate entry','path':['b']}]}",
		RC_UNKNOWN, true},
	{"{'data':{'a':{'id':'1'},'b':null},'errors':[{'message':'no','path':['b'],"
	 "'extensions':{'code':'FORBIDDEN'}}]}",
		RC_UNKNOWN, true},
	{"{'data':{'a':null},'errors':[{'message':'no','path':['a','company'],"
	 "'extensions':{'code':'FORBIDDEN'}}]}",
		RC_UNKNOWN, true},
	{"{'data':{'a':null},'errors':[{'message':'Limit reached','path':['a','company']}]}",
		RC_UNKNOWN, true},
	{"{'data':{'a':null},'errors':[{'message':'duplicate entry','path':['a']}]}", RC_DUPLICATE,
		false},
	{"{'errors':[{'message':'Cannot query field','extensions':{'code':'X'}}]}", RC_REJECTED,
		false},
};

static bool replays(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	return fake_answer(fd, 200, "", shared->reply);
}

Test(client_meant, a_mutation_of_which_a_part_was_done_is_not_said_to_have_failed, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, replays, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	for (size_t i = 0; i < ARRAY_N(partly); i++) {
		size_t n = strlen(partly[i].reply);
		for (size_t k = 0; k <= n; k++)
			fake.shared->reply[k] =
				partly[i].reply[k] == '\'' ? '"' : partly[i].reply[k];
		atomic_store(&fake.shared->hits, 0);
		struct rig_answer a = rig_call(&rig, CLIENT_GRAPHQL, "graphql",
			json_pack("{s:s}", "query", "mutation { a: x { id } b: y { id } }"), "q");
		cr_expect_eq(a.code, partly[i].code, "%zu: %s %s", i, a.name, a.message);
		cr_expect_eq(a.unknown, partly[i].unknown, "%zu", i);
		cr_expect_eq(atomic_load(&fake.shared->hits), 1, "%zu", i);
		rig_answer_done(&a);
	}
	rig_close(&rig);
	fake_close(&fake);
}
