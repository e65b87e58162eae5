/* SPDX-License-Identifier: MIT */
/*
 * Counting, grouping, members and GraphQL against a live twin, in both dialects; and against
 * servers that lie.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "client/document.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

static const char *const dialects[] = {"core", "docs"};

#define IN_BOTH(name)                                                                              \
	static void name##_in(struct rig *rig, bool core);                                         \
	Test(client_ops_read, name, .timeout = 120)                                                \
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

/* Four deals and the company of two of them; its id. */
static void make_deals(struct rig *rig, char ret_company[static 37])
{
	struct rig_answer a = rig_call(rig, CLIENT_CREATE, "companies",
		rig_json("{'data':{'name':'Acme','domain':'acme.example','employees':7}}"), "c");
	OK(a);
	snprintf(ret_company, 37, "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
	json_t *list = rig_json("[{'name':'a','stage':'NEW','amount':1000.5},"
				"{'name':'b','stage':'NEW','amount':2000},"
				"{'name':'c','stage':'MEETING','amount':500},"
				"{'name':'d (x)','stage':'MEETING'}]");
	for (size_t i = 0; i < 2; i++)
		json_object_set_new(json_array_get(list, i), "companyId", json_string(ret_company));
	a = rig_call(
		rig, CLIENT_CREATE_MANY, "opportunities", json_pack("{s:o}", "list", list), "d");
	OK(a);
	rig_answer_done(&a);
}

static void expect_count(struct rig *rig, const char *args, int want, int requests)
{
	struct rig_answer a = rig_call(rig, CLIENT_COUNT, "opportunities", rig_json(args), "n");
	cr_expect_eq(a.code, RC_OK, "%s: %s", args, a.message);
	cr_expect_eq(json_integer_value(a.value), want, "%s: %lld", args,
		(long long)json_integer_value(a.value));
	if (requests > 0)
		cr_expect_eq(a.requests, requests, "%s: %d requests", args, a.requests);
	rig_answer_done(&a);
}

IN_BOTH(records_are_counted_whatever_the_server_can_say)
{
	char company[37], where[128];
	make_deals(rig, company);
	expect_count(rig, "{}", 4, 1);
	expect_count(rig, "{'where':{'stage':'NEW'}}", 2, 1);
	expect_count(rig, "{'where':{'stage':'SCREENING'}}", 0, 1);
	expect_count(rig, "{'where':{'amount':{'gte':1000}}}", 2, 1);
	expect_count(rig, "{'where':{'name':{'contains':'(x'}}}", 1, 1);
	expect_count(rig, "{'where':{'any':[{'name':'a'},{'amount':500}]}}", 2, 1);
	snprintf(where, sizeof(where), "{'where':{'companyId':'%s'}}", company);
	expect_count(rig, where, 2, 1);
	struct rig_answer a =
		rig_call(rig, CLIENT_COUNT, "opportunities", rig_json("{'deleted':'only'}"), "n");
	cr_expect_eq(a.code, core ? RC_OK : RC_UNSUPPORTED, "%s", a.message);
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_COUNT, "oportunities", json_object(), "n");
	cr_expect_eq(a.code, RC_REJECTED);
	rig_answer_done(&a);
}

IN_BOTH(a_count_that_is_made_here_goes_over_all_pages)
{
	json_t *list = json_array();
	for (int i = 0; i < 230; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:s}", "title", json_sprintf("task %d", i), "status",
				      i % 2 == 0 ? "DONE" : "IN_PROGRESS"));
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE_MANY, "tasks", json_pack("{s:o}", "list", list), "t");
	OK(a);
	rig_answer_done(&a);
	static const struct {
		const char *args;
		int want;
	} cases[] = {{"{}", 230}, {"{'where':{'status':'DONE'}}", 115},
		{"{'where':{'title':{'neq':'a(b'},'status':'DONE'}}", 115}};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		a = rig_call(rig, CLIENT_COUNT, "tasks", rig_json(cases[i].args), "t");
		OK(a);
		cr_expect_eq(json_integer_value(a.value), cases[i].want, "%s", cases[i].args);
		cr_expect_eq(a.requests,
			core     ? 1
			: i == 0 ? 5
				 : 3,
			"%s: %d", cases[i].args, a.requests);
		rig_answer_done(&a);
	}
}

/* The row whose field has that value; NULL. */
static const json_t *row_of(const struct rig_answer *a, const char *field, const char *value)
{
	size_t i;
	json_t *row;
	json_array_foreach(a->value, i, row)
	{
		json_t *found = json_object_get(row, field);
		if (found != NULL && strcmp(rig_text(found, ""), value) == 0)
			return row;
	}
	return NULL;
}

static struct rig_answer group(struct rig *rig, const char *object, const char *args)
{
	struct rig_answer a = rig_call(rig, CLIENT_GROUP_BY, object, rig_json(args), "g");
	cr_assert_eq(a.code, RC_OK, "%s: %s: %s", args, a.name, a.message);
	return a;
}

#define ROW(a, field, value, count_text)                                                           \
	cr_expect_str_eq(rig_text(row_of(&(a), field, value), "count"), count_text, "%s %s",       \
		value, rig_text(row_of(&(a), field, value), "count"))

IN_BOTH(records_are_grouped_and_summed_in_currency_units)
{
	char company[37];
	make_deals(rig, company);
	struct rig_answer a = group(rig, "opportunities", "{'field':'stage','sum':'amount'}");
	cr_expect_eq(json_array_size(a.value), 2);
	cr_expect_eq(a.requests, 1);
	ROW(a, "stage", "NEW", "2");
	ROW(a, "stage", "MEETING", "2");
	cr_expect_str_eq(rig_text(row_of(&a, "stage", "NEW"), "sum.amount"), "3000.5");
	cr_expect_str_eq(rig_text(row_of(&a, "stage", "MEETING"), "sum.amount"), "500");
	rig_answer_done(&a);
	a = group(rig, "opportunities",
		"{'field':['stage'],'where':{'amount':{'gte':1000}},'sum':['amount']}");
	cr_expect_eq(json_array_size(a.value), 1);
	cr_expect_eq(a.requests, core ? 2 : 1, "core: the counts are held against a list");
	cr_expect_str_eq(rig_text(row_of(&a, "stage", "NEW"), "sum.amount"), "3000.5");
	rig_answer_done(&a);
	a = group(rig, "opportunities", "{'field':['companyId','stage']}");
	cr_expect_eq(json_array_size(a.value), 2);
	ROW(a, "companyId", company, "2");
	cr_expect_str_eq(rig_text(row_of(&a, "companyId", company), "stage"), "NEW");
	cr_expect_null(json_object_get(row_of(&a, "companyId", company), "sum"));
	rig_answer_done(&a);
	a = group(rig, "opportunities", "{'field':'company.name'}");
	ROW(a, "company.name", "Acme", "2");
	ROW(a, "company.name", "", "2");
	rig_answer_done(&a);
	a = group(rig, "opportunities", "{'field':'company'}");
	ROW(a, "company", core ? company : "", "2");
	rig_answer_done(&a);
	a = group(rig, "opportunities", "{'field':'amount'}");
	ROW(a, "amount", "1000.5", "1");
	ROW(a, "amount", "", "1");
	rig_answer_done(&a);
	a = group(rig, "companies", "{'field':'domain','sum':'employees'}");
	cr_expect_str_eq(
		rig_text(row_of(&a, "domain", "https://acme.example"), "sum.employees"), "7");
	rig_answer_done(&a);
	/* the server cannot say this condition */
	a = group(rig, "opportunities",
		"{'field':'stage','sum':'amount','where':{'name':{'contains':'(x'}}}");
	cr_expect_eq(json_array_size(a.value), 1);
	ROW(a, "stage", "MEETING", "1");
	cr_expect_str_eq(rig_text(row_of(&a, "stage", "MEETING"), "sum.amount"), "0");
	rig_answer_done(&a);
}

IN_BOTH(times_are_grouped_by_their_day_or_month)
{
	static const struct {
		const char *by, *first, *second;
	} cases[] = {{"day", "2026-01-01", "2026-03-31"}, {"week", "2025-12-29", "2026-03-30"},
		{"month", "2026-01-01", "2026-03-01"}, {"quarter", "2026-01-01", ""},
		{"year", "2026-01-01", ""}};
	struct rig_answer a = rig_call(rig, CLIENT_CREATE_MANY, "opportunities",
		rig_json("{'list':[{'name':'a','closeDate':'2026-01-01T10:00:00.000Z'},"
			 "{'name':'b','closeDate':'2026-03-31T23:30:00.000Z'},{'name':'c'}]}"),
		"t");
	OK(a);
	rig_answer_done(&a);
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		a = rig_call(rig, CLIENT_GROUP_BY, "opportunities",
			json_pack("{s:s, s:s}", "field", "closeDate", "by", cases[i].by), "t");
		OK(a);
		bool one = *cases[i].second == '\0';
		ROW(a, "closeDate", cases[i].first, one ? "2" : "1");
		if (!one)
			ROW(a, "closeDate", cases[i].second, "1");
		ROW(a, "closeDate", "", "1");
		rig_answer_done(&a);
	}
	a = rig_call(rig, CLIENT_GROUP_BY, "opportunities",
		rig_json("{'field':'closeDate','by':'month','zone':'Europe/Paris'}"), "t");
	cr_expect_eq(a.code, core ? RC_OK : RC_UNSUPPORTED, "%s", a.message);
	if (core)
		ROW(a, "closeDate", "2026-04-01", "1");
	rig_answer_done(&a);
}

IN_BOTH(more_groups_than_a_server_tells_of_are_made_here)
{
	json_t *list = json_array();
	for (int i = 0; i < 205; i++)
		json_array_append_new(
			list, json_pack("{s:o}", "title", json_sprintf("task %d", i)));
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE_MANY, "tasks", json_pack("{s:o}", "list", list), "t");
	OK(a);
	rig_answer_done(&a);
	a = group(rig, "tasks", "{'field':'title'}");
	cr_expect_eq(json_array_size(a.value), 205);
	cr_expect_eq(a.requests, core ? 3 : 1, "%d", a.requests);
	rig_answer_done(&a);
}

IN_BOTH(a_member_is_found_by_address)
{
	(void)core;
	struct rig_answer a = rig_call(rig, CLIENT_LIST, "workspaceMembers", json_object(), "m");
	OK(a);
	char email[128], id[37];
	snprintf(email, sizeof(email), "%s", rig_text(a.value, "records.0.userEmail"));
	snprintf(id, sizeof(id), "%s", rig_text(a.value, "records.0.id"));
	cr_assert_str_neq(email, "");
	rig_answer_done(&a);
	for (int i = 0; i < 2; i++) {
		a = rig_call(rig, CLIENT_MEMBER, "workspaceMembers",
			json_pack("{s:s}", "email", email), "m");
		OK(a);
		cr_expect_str_eq(rig_text(a.value, "id"), id);
		cr_expect_eq(a.requests, 1);
		rig_answer_done(&a);
		email[0] = (char)(email[0] & ~0x20); /* a capital letter */
	}
	a = rig_call(rig, CLIENT_MEMBER, "workspaceMembers",
		rig_json("{'email':'nobody@x.example'}"), "m");
	OK(a);
	cr_expect(json_is_null(a.value));
	rig_answer_done(&a);
}

static struct rig_answer ask(struct rig *rig, const char *query)
{
	return rig_call(rig, CLIENT_GRAPHQL, "graphql", json_pack("{s:s}", "query", query), "q");
}

IN_BOTH(graphql_gives_its_data_and_raises_its_errors)
{
	(void)core;
	struct rig_answer a = rig_call(rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'firstName':'Ann','lastName':'Lee'}}"), "c");
	OK(a);
	rig_answer_done(&a);
	a = ask(rig, "{ people(first: 1) { totalCount edges { node { name { firstName } } } } }");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "people.totalCount"), "1");
	cr_expect_str_eq(rig_text(a.value, "people.edges.0.node.name.firstName"), "Ann");
	rig_answer_done(&a);
	a = ask(rig, "{ nope }");
	cr_expect_eq(a.code, RC_REJECTED);
	cr_expect_eq(a.status, 200);
	cr_expect(strstr(a.message, "Cannot query field \"nope\"") != NULL, "%s", a.message);
	cr_expect_not(a.retryable);
	rig_answer_done(&a);
	a = ask(rig,
		"{ person(filter: {id: {eq: \"00000000-0000-4000-8000-000000000000\"}}) { id } }");
	cr_expect_eq(a.code, RC_NOT_FOUND, "%s %s", a.name, a.message);
	rig_answer_done(&a);
}

Test(client_ops_read, a_query_over_the_budget_waits_as_other_calls_do, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(
		&rig, &(struct rig_conf){
			      .twin = "core", .twin_args = "--budget 60/m", .budget = "60/m"}));
	for (int i = 0; i < 59; i++) /* somebody else */
		json_decref(rig_api(&rig, "GET", "/rest/people?limit=1", NULL));
	struct rig_answer a = ask(&rig, "{ people(first: 1) { totalCount } }");
	OK(a);
	cr_expect_str_eq(rig_text(a.value, "people.totalCount"), "0");
	cr_expect_gt(a.requests, 1);
	rig_answer_done(&a);
	rig_close(&rig);
}

Test(client_ops_read, only_a_document_of_queries_is_a_read)
{
	static const struct {
		const char *text;
		bool reads;
	} cases[] = {
		{"{ people { totalCount } }", true},
		{"query { people { totalCount } }", true},
		{"\n# mutation\nquery A($x: ID = \"}\") { person(id: $x) { id } }", true},
		{"query A($f: F = {a: \"{\"}) { a(f: $f) }\nfragment B on P { c }", true},
		{"fragment B on P { c } { a { ...B } }", true},
		{"query { a(t: \"\"\" } mutation { \\\"\"\" \"\"\") }", true},
		{"\xEF\xBB\xBF{ a }", true},
		{"mutation { deletePerson(id: 1) { id } }", false},
		{"query A { a } mutation B { b }", false},
		{"{ a } mutation { b }", false},
		{"query A { a(t: \"{\") } mutation B { b }", false},
		{"query A { a(t: \"\\\"}\") } mutation B { b }", false},
		{"query A { a(t: \"\"\"\"}\"\"\") } mutation B { b }", false},
		{"query A @x(a: {b: 1}) { a } mutation B { b }", false},
		{"subscription { a }", false},
		{"fragment B on P { c }", false},
		{"{ a", false},
		{"{ a } }", false},
		{"{ a(t: \"x) }", false},
		{"", false},
		{"querymutation { a }", false},
		{"\"query\" { a }", false},
		{"{ a } extend type X { b }", false},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		json_t *args = json_pack("{s:s}", "query", cases[i].text);
		cr_expect_eq(document_reads(cases[i].text), cases[i].reads, "%s", cases[i].text);
		cr_expect_eq(client_call_effect(CLIENT_GRAPHQL, args), !cases[i].reads);
		json_decref(args);
	}
	cr_expect(client_call_effect(CLIENT_UPDATE, NULL));
	cr_expect_not(client_call_effect(CLIENT_GET, NULL));
}

/* ---- lies ---- */

static bool closes_mutations(int fd, const char *request, struct fake_shared *shared)
{
	if (strncmp(request, "POST /graphql", 13) != 0)
		return fake_answer(fd, 500, "", "{}");
	return atomic_load(&shared->hits) == 1
		       ? false
		       : fake_answer(fd, 200, "", "{\"data\":{\"people\":{\"totalCount\":1}}}");
}

Test(client_ops_read, a_mutation_whose_answer_is_lost_is_never_repeated, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, closes_mutations, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a = ask(&rig, "mutation { createPerson(data: {}) { id } }");
	cr_expect_eq(a.code, RC_UNKNOWN, "%s", a.message);
	cr_expect(a.unknown);
	cr_expect_not(a.retryable);
	cr_expect_eq(atomic_load(&fake.shared->hits), 1);
	rig_answer_done(&a);
	atomic_store(&fake.shared->hits, 0);
	a = ask(&rig, "{ people { totalCount } }");
	OK(a);
	cr_expect_eq(atomic_load(&fake.shared->hits), 2, "a query is a read");
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}

#define PERSON "{\"id\":\"11111111-2222-4333-8444-555555555555\",\"jobTitle\":\"CTO\"}"

static bool ignores_filters(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strstr(request, "/groupBy") != NULL)
		return fake_answer(fd, 200, "",
			"[{\"totalCount\":\"7\",\"groupByDimensionValues\":[\"CEO\"]}]");
	bool filter = atomic_load(&shared->mode) == 1;
	return fake_answer(fd, 200, "",
		filter ? "{\"data\":{\"people\":[" PERSON "]},\"totalCount\":1,\"pageInfo\":"
			 "{\"hasNextPage\":false}}"
		       : "{\"data\":{\"people\":[" PERSON "]},\"totalCount\":7,\"pageInfo\":"
			 "{\"hasNextPage\":true,\"endCursor\":\"x\"}}");
}

Test(client_ops_read, a_server_that_ignores_the_condition_is_not_believed, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, ignores_filters, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a = rig_call(
		&rig, CLIENT_COUNT, "people", rig_json("{'where':{'jobTitle':'CEO'}}"), "n");
	cr_expect_eq(a.code, RC_UPSTREAM, "%s", a.message);
	rig_answer_done(&a);
	/* its groups are of everything, its lists are right: grouped here */
	atomic_store(&fake.shared->mode, 1);
	a = rig_call(&rig, CLIENT_GROUP_BY, "people",
		rig_json("{'field':'jobTitle','where':{'jobTitle':'CTO'}}"), "n");
	OK(a);
	cr_expect_eq(json_array_size(a.value), 1);
	cr_expect_str_eq(rig_text(a.value, "0.jobTitle"), "CTO");
	cr_expect_str_eq(rig_text(a.value, "0.count"), "1");
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_ops_read, what_makes_no_sense_is_refused_before_anything_is_sent, .timeout = 60)
{
	static const struct {
		enum client_op op;
		const char *object, *args;
		enum rc code;
	} cases[] = {
		{CLIENT_COUNT, "people", "{'deleted':true}", RC_INVALID},
		{CLIENT_COUNT, "people", "{'where':{'a),or(b':1}}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':[]}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':['a','b','c','d','e']}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':['a','a']}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'count'}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'phone'}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'x]&y'}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'city','sum':7}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'city','by':'day'}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'createdAt','by':'hour'}", RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'createdAt','by':'day','zone':'a b'}",
			RC_INVALID},
		{CLIENT_GROUP_BY, "people", "{'field':'createdAt','zone':'UTC'}", RC_INVALID},
		{CLIENT_MEMBER, "workspaceMembers", "{'email':''}", RC_DENIED},
		{CLIENT_MEMBER, "people", "{'email':'a@b.io'}", RC_INVALID},
		{CLIENT_GRAPHQL, "graphql", "{'query':''}", RC_INVALID},
		{CLIENT_GRAPHQL, "graphql", "{'query':'{a}','variables':7}", RC_INVALID},
		{CLIENT_GRAPHQL, "people", "{'query':'{a}'}", RC_INVALID},
		{CLIENT_LIST, "graphql", "{}", RC_DENIED},
	};
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = "http://127.0.0.1:9"}));
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct rig_answer a;
		rig_submit(&rig, &a, cases[i].op, cases[i].object, rig_json(cases[i].args), "x");
		cr_expect_eq(a.submitted, cases[i].code, "%s %s: %s %s",
			client_op_name(cases[i].op), cases[i].args, rc_name(a.submitted),
			a.message);
		if (a.submitted == RC_OK)
			client_cancel(rig.client, a.ticket);
	}
	rig_close(&rig);
}
