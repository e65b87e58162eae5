/* SPDX-License-Identifier: MIT */
/*
 * Every operation against a live twin, in both dialects: the same answers.
 * From: client.h's table. A test of both dialects says so in its name by saying nothing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/client_rig.h"

#define NOBODY "00000000-0000-4000-8000-000000000000"

static const char *const dialects[] = {"core", "docs"};

#define IN_BOTH(name)                                                                              \
	static void name##_in(struct rig *rig, bool core);                                         \
	Test(client_ops, name, .timeout = 120)                                                     \
	{                                                                                          \
		for (int i = 0; i < 2; i++) {                                                      \
			struct rig rig;                                                            \
			cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialects[i]}));        \
			name##_in(&rig, i == 0);                                                   \
			struct client_status status;                                               \
			client_status(rig.client, &status);                                        \
			cr_assert_str_eq(status.dialect, dialects[i]);                             \
			rig_close(&rig);                                                           \
		}                                                                                  \
	}                                                                                          \
	static void name##_in(struct rig *rig, bool core)

#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)

/* Makes a record and answers its id. */
static void make(struct rig *rig, const char *object, const char *data, const char *name,
	char ret_id[static 37])
{
	struct rig_answer a = rig_call(
		rig, CLIENT_CREATE, object, json_pack("{s:o}", "data", rig_json(data)), name);
	OK(a);
	snprintf(ret_id, 37, "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
}

static struct rig_answer by_id(
	struct rig *rig, enum client_op op, const char *object, const char *id)
{
	return rig_call(rig, op, object, json_pack("{s:s}", "id", id), "x");
}

/* Makes a record and deletes it. */
static void make_deleted(struct rig *rig, const char *object, const char *data, const char *name,
	char ret_id[static 37])
{
	make(rig, object, data, name, ret_id);
	struct rig_answer a = by_id(rig, CLIENT_DELETE, object, ret_id);
	OK(a);
	rig_answer_done(&a);
}

/* The texts at a path of each record of a list, a blank between. */
static void texts(const struct rig_answer *a, const char *path, char ret_text[static 256])
{
	size_t i, n = 0;
	json_t *each;
	ret_text[0] = '\0';
	json_array_foreach(json_object_get(a->value, "records"), i, each)
	{
		n += (size_t)snprintf(
			ret_text + n, 256 - n, "%s%s", i > 0 ? " " : "", rig_text(each, path));
		cr_assert_lt(n, 256);
	}
}

IN_BOTH(a_record_is_made_with_short_names_read_changed_and_deleted_softly)
{
	char id[37];
	make(rig, "people",
		"{'firstName':'Ann','lastName':'Lee','email':'Ann.Lee@Example.com',"
		"'phone':'+33612345678','jobTitle':'CTO'}",
		"e/r/1", id);
	struct rig_answer a = by_id(rig, CLIENT_GET, "people", id);
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "name.firstName"), "Ann");
	cr_assert_str_eq(rig_text(a.value, "emails.primaryEmail"), "ann.lee@example.com");
	cr_assert_str_eq(rig_text(a.value, "phones.primaryPhoneNumber"), "612345678");
	cr_assert_str_eq(rig_text(a.value, "phones.primaryPhoneCallingCode"), "+33");
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:{s:s, s:s}}", "id", id, "data", "jobTitle", "CEO", "lastName",
			"Ray"),
		"e/r/2");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "jobTitle"), "CEO");
	cr_assert_str_eq(rig_text(a.value, "name.lastName"), "Ray");
	cr_assert_str_eq(rig_text(a.value, "name.firstName"), "Ann");
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_DELETE, "people", id);
	OK(a);
	cr_assert_str_neq(rig_text(a.value, "deletedAt"), "");
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_GET, "people", id);
	OK(a);
	cr_assert(json_is_null(a.value));
	a = by_id(rig, CLIENT_DELETE, "people", id);
	cr_assert_eq(a.code, core ? RC_OK : RC_NOT_FOUND,
		"deleting again says the same, where "
		"deleted records can be seen");
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", "x"), "e/r/4");
	cr_assert_eq(a.code, RC_NOT_FOUND);
	cr_assert_str_eq(a.name, "not_found");
	cr_assert_not(a.retryable);
	if (core)
		cr_assert_eq(rig_logged(rig, "DELETE", "soft_delete=true"), 2);
}

IN_BOTH(a_relation_is_an_id_and_null_ends_it)
{
	char company[37], person[37];
	(void)core;
	make(rig, "companies", "{'name':'Acme','domain':'acme.example'}", "e/r/1", company);
	json_t *data = json_pack("{s:s, s:s}", "firstName", "Bo", "companyId", company);
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE, "people", json_pack("{s:o}", "data", data), "e/r/2");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "companyId"), company);
	snprintf(person, sizeof(person), "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_LIST, "people",
		json_pack("{s:{s:s}}", "where", "companyId", company), "e/r/3");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "records.0.id"), person);
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:{s:n}}", "id", person, "data", "companyId"), "e/r/4");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "companyId"), "");
	rig_answer_done(&a);
}

IN_BOTH(lists_meet_their_condition_whatever_the_server_can_say)
{
	static const struct {
		const char *where;
		const char *found; /* first names in order, blank between */
	} cases[] = {
		{"{'lastName':'Zed'}", "Ann Bob Cid Dee"},
		{"{'lastName':'Zed','firstName':'Ann'}", "Ann"},
		{"{'lastName':'Zed','firstName':['Ann','Dee','X']}", "Ann Dee"},
		{"{'lastName':'Zed','firstName':{'neq':'Bob'}}", "Ann Cid Dee"},
		{"{'lastName':'Zed','jobTitle':{'contains':'CHIEF'}}", "Ann Bob"},
		{"{'lastName':'Zed','jobTitle':{'startsWith':'Chief'}}", "Ann"},
		{"{'lastName':'Zed','jobTitle':{'endsWith':'(x)'}}", "Bob"},
		{"{'lastName':'Zed','jobTitle':'chief, \\\"the\\\" (x)'}", "Bob"},
		{"{'lastName':'Zed','jobTitle':{'empty':true}}", "Cid"},
		{"{'lastName':'Zed','jobTitle':{'empty':false}}", "Ann Bob Dee"},
		{"{'lastName':'Zed','jobTitle':{'like':'%50_'}}", "Dee"},
		{"{'lastName':'Zed','jobTitle':{'contains':'100%'}}", "Dee"},
		{"{'lastName':'Zed','any':[{'firstName':'Ann'},{'jobTitle':{'contains':'(x)'}}]}",
			"Ann Bob"},
		{"{'lastName':'Zed','none':[{'firstName':'Ann'},{'jobTitle':{'empty':true}}]}",
			"Bob Dee"},
		{"{'lastName':'Zed','email':'ANN@Zed.example'}", "Ann"},
		{"{'lastName':'Zed','phone':'+33612345678'}", "Bob"},
		{"{'lastName':'Zed','createdAt':{'gt':'2020-01-01'},'jobTitle':{'neq':'x'}}",
			"Ann Bob Cid Dee"},
		{"{'lastName':'Zed','createdAt':{'gte':'2999-01-01'}}", ""},
	};
	char id[37];
	(void)core;
	make(rig, "people",
		"{'firstName':'Ann','lastName':'Zed','jobTitle':'Chief of "
		"all','email':'ann@zed.example'}",
		"l/1", id);
	make(rig, "people",
		"{'firstName':'Bob','lastName':'Zed','jobTitle':'chief, \\\"the\\\" (x)',"
		"'phone':'+33612345678'}",
		"l/2", id);
	make(rig, "people", "{'firstName':'Cid','lastName':'Zed'}", "l/3", id);
	make(rig, "people", "{'firstName':'Dee','lastName':'Zed','jobTitle':'100% of 50s'}", "l/4",
		id);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_answer a = rig_call(rig, CLIENT_LIST, "people",
			json_pack("{s:o, s:[s]}", "where", rig_json(cases[i].where), "order",
				"firstName"),
			"l/x");
		cr_expect_eq(a.code, RC_OK, "%s: %s: %s", cases[i].where, a.name, a.message);
		char found[256];
		texts(&a, "name.firstName", found);
		cr_expect_str_eq(found, cases[i].found, "%s (%s): found %s, not %s", cases[i].where,
			core ? "core" : "docs", found, cases[i].found);
		rig_answer_done(&a);
	}
}

IN_BOTH(a_list_goes_over_pages_and_gives_a_cursor_that_fits_its_end)
{
	json_t *list = json_array();
	for (int i = 0; i < 130; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:s, s:s}", "title", json_sprintf("task %03d", i),
				"status", "IN_PROGRESS", "body", i % 3 == 0 ? "third" : "other"));
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE_MANY, "tasks", json_pack("{s:o}", "list", list), "p/1");
	OK(a);
	cr_assert_eq(json_array_size(a.value), 130);
	cr_assert_str_eq(rig_text(a.value, "129.title"), "task 129");
	cr_assert_eq(a.requests, 3);
	rig_answer_done(&a);
	/* filtered by us, because of the parenthesis; cut in the middle of a page */
	const char *where[] = {
		"{'title':{'startsWith':'task '}}", "{'body':'third','title':{'neq':'a(b'}}"};
	size_t all[] = {130, 44};
	for (int w = 0; w < 2; w++) {
		size_t seen = 0;
		char last[64] = "", *after = NULL;
		for (int page = 0; page < 20; page++) {
			a = rig_call(rig, CLIENT_LIST, "tasks",
				json_pack("{s:o, s:[s], s:i, s:s?}", "where", rig_json(where[w]),
					"order", "title", "limit", 25, "after", after),
				"p/2");
			OK(a);
			size_t k;
			json_t *each;
			json_array_foreach(json_object_get(a.value, "records"), k, each)
			{
				cr_assert_gt(strcmp(rig_text(each, "title"), last), 0);
				snprintf(last, sizeof(last), "%s", rig_text(each, "title"));
				seen++;
			}
			free(after);
			const char *next = rig_text(a.value, "next");
			after = *next != '\0' ? strdup(next) : NULL;
			rig_answer_done(&a);
			if (after == NULL)
				break;
		}
		cr_assert_null(after);
		cr_assert_eq(seen, all[w], "%s: %zu", where[w], seen);
	}
	a = rig_call(rig, CLIENT_LIST, "tasks", rig_json("{'limit':1000}"), "p/3");
	OK(a);
	cr_assert_eq(json_array_size(json_object_get(a.value, "records")), 130);
	if (core)
		cr_assert_str_eq(rig_text(a.value, "total"), "130");
	rig_answer_done(&a);
}

IN_BOTH(only_the_fields_that_were_asked_for_come_back)
{
	char id[37];
	(void)core;
	make(rig, "people", "{'firstName':'Ann','lastName':'Lee','jobTitle':'CTO'}", "f/1", id);
	struct rig_answer a = rig_call(rig, CLIENT_GET, "people",
		json_pack("{s:s, s:[s, s]}", "id", id, "fields", "firstName", "jobTitle"), "f/2");
	OK(a);
	json_t *want = json_pack(
		"{s:s, s:{s:s}, s:s}", "id", id, "name", "firstName", "Ann", "jobTitle", "CTO");
	cr_assert(json_equal(a.value, want));
	json_decref(want);
	rig_answer_done(&a);
}

IN_BOTH(with_depth_1_a_record_brings_what_it_is_related_to)
{
	char company[37], person[37];
	make(rig, "companies", "{'name':'Acme'}", "h/1", company);
	json_t *data = json_pack("{s:s, s:s}", "firstName", "Bo", "companyId", company);
	struct rig_answer a =
		rig_call(rig, CLIENT_CREATE, "people", json_pack("{s:o}", "data", data), "h/2");
	OK(a);
	snprintf(person, sizeof(person), "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
	for (int depth = core ? 0 : 1; depth < 2; depth++) { /* docs: always */
		const char *name = depth == 1 ? "Acme" : "";
		a = rig_call(rig, CLIENT_GET, "people",
			json_pack("{s:s, s:i}", "id", person, "depth", depth), "h/3");
		OK(a);
		cr_expect_str_eq(rig_text(a.value, "company.name"), name);
		rig_answer_done(&a);
		a = rig_call(rig, CLIENT_LIST, "people", json_pack("{s:i}", "depth", depth), "h/4");
		OK(a);
		cr_expect_str_eq(rig_text(a.value, "records.0.company.name"), name);
		rig_answer_done(&a);
	}
}

IN_BOTH(ensure_finds_or_makes_one)
{
	(void)core;
	const char *args =
		"{'where':{'domain':'acme.example'},'data':{'name':'Acme','employees':7}}";
	struct rig_answer a = rig_call(rig, CLIENT_ENSURE, "companies", rig_json(args), "n/1");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "created"), "true");
	cr_assert_str_eq(
		rig_text(a.value, "record.domainName.primaryLinkUrl"), "https://acme.example");
	rig_answer_done(&a);
	a = rig_call(rig, CLIENT_ENSURE, "companies", rig_json(args), "n/2");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "created"), "false");
	cr_assert_str_eq(rig_text(a.value, "record.name"), "Acme");
	rig_answer_done(&a);
}

IN_BOTH(alike_ensures_at_once_make_one)
{
	(void)core;
	struct rig_answer a[20];
	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "s/%d", i);
		rig_submit(rig, &a[i], CLIENT_ENSURE, "tasks",
			rig_json("{'where':{'title':'only once'},'data':{'status':'IN_PROGRESS'}}"),
			name);
	}
	cr_assert(rig_await(rig, a, 20, 30000));
	int created = 0;
	char id[37] = "";
	for (int i = 0; i < 20; i++) {
		OK(a[i]);
		created += strcmp(rig_text(a[i].value, "created"), "true") == 0;
		if (i == 0)
			snprintf(id, sizeof(id), "%s", rig_text(a[i].value, "record.id"));
		cr_assert_str_eq(rig_text(a[i].value, "record.id"), id);
		rig_answer_done(&a[i]);
	}
	cr_assert_eq(created, 1);
}

IN_BOTH(duplicates_answer_each_input_in_its_place)
{
	char a_id[37], b_id[37], c_id[37];
	(void)core;
	make(rig, "people", "{'firstName':'Alpha','lastName':'Betty','email':'a@x.example'}", "d/1",
		a_id);
	make(rig, "people", "{'firstName':'Alpha','lastName':'Betty','email':'b@x.example'}", "d/2",
		b_id);
	make(rig, "people", "{'firstName':'Ce','lastName':'Ta'}", "d/3", c_id);
	struct rig_answer a = by_id(rig, CLIENT_DUPLICATES, "people", a_id);
	OK(a);
	cr_assert_eq(json_array_size(a.value), 1);
	cr_assert_str_eq(rig_text(a.value, "0.id"), b_id);
	rig_answer_done(&a);
	json_t *list =
		json_pack("[s, s, {s:s}, s, {s:s}]", c_id, "00000000-0000-4000-8000-000000000000",
			"email", "b@x.example", b_id, "jobTitle", "x");
	a = rig_call(rig, CLIENT_DUPLICATES, "people", json_pack("{s:o}", "list", list), "d/4");
	OK(a);
	cr_assert_eq(json_array_size(a.value), 5);
	cr_assert_eq(json_array_size(json_array_get(a.value, 0)), 0);
	cr_assert_eq(json_array_size(json_array_get(a.value, 1)), 0);
	cr_assert_str_eq(rig_text(a.value, "2.0.id"), b_id);
	cr_assert_eq(json_array_size(json_array_get(a.value, 2)), 1);
	cr_assert_str_eq(rig_text(a.value, "3.0.id"), a_id);
	cr_assert_eq(json_array_size(json_array_get(a.value, 4)), 0);
	rig_answer_done(&a);
	a = by_id(rig, CLIENT_DUPLICATES, "people", "00000000-0000-4000-8000-000000000000");
	OK(a);
	cr_assert_eq(json_array_size(a.value), 0);
	rig_answer_done(&a);
}

IN_BOTH(a_merge_of_many_keeps_the_survivor)
{
	char into[37], id[37];
	json_t *from = json_array();
	make(rig, "people", "{'firstName':'Sur','lastName':'Vivor','email':'s@x.example'}", "m/0",
		into);
	for (int i = 0; i < 11; i++) {
		char data[128], name[16];
		snprintf(data, sizeof(data),
			"{'firstName':'Lo','lastName':'Ser','email':'l%d@x.example'}", i);
		snprintf(name, sizeof(name), "m/%d", i + 1);
		make(rig, "people", data, name, id);
		json_array_append_new(from, json_string(id));
	}
	struct rig_answer a = rig_call(rig, CLIENT_MERGE, "people",
		json_pack("{s:s, s:[O], s:b}", "into", into, "from", json_array_get(from, 0),
			"preview", 1),
		"m/p");
	cr_assert_eq(a.code, core ? RC_OK : RC_UNSUPPORTED, "%s", a.message);
	if (core)
		cr_assert_str_eq(rig_text(a.value, "id"), into);
	rig_answer_done(&a);
	json_t *args = json_pack("{s:s, s:O}", "into", into, "from", from);
	a = rig_call(rig, CLIENT_MERGE, "people", json_incref(args), "m/x");
	OK(a);
	cr_assert_eq(a.requests, core ? 2 : 11);
	cr_assert_str_eq(rig_text(a.value, "id"), into);
	cr_assert_str_eq(rig_text(a.value, "name.firstName"), "Sur");
	rig_answer_done(&a);
	for (size_t i = 0; i < 11; i++) {
		a = by_id(rig, CLIENT_GET, "people", json_string_value(json_array_get(from, i)));
		OK(a);
		cr_assert(json_is_null(a.value));
	}
	a = rig_call(rig, CLIENT_MERGE, "people", args, "m/x");
	OK(a);
	cr_assert_str_eq(rig_text(a.value, "id"), into, "a repeat finds it done");
	rig_answer_done(&a);
	json_decref(from);
}

IN_BOTH(money_is_counted_in_units_in_conditions)
{
	char id[37];
	(void)core;
	make(rig, "opportunities", "{'name':'small','amount':900.5,'stage':'NEW'}", "a/1", id);
	make(rig, "opportunities", "{'name':'big','amount':25000,'stage':'NEW'}", "a/2", id);
	struct rig_answer a = rig_call(rig, CLIENT_LIST, "opportunities",
		rig_json("{'where':{'amount':{'gte':25000},'stage':'NEW'}}"), "a/3");
	OK(a);
	cr_assert_eq(json_array_size(json_object_get(a.value, "records")), 1);
	cr_assert_str_eq(rig_text(a.value, "records.0.name"), "big");
	cr_assert_str_eq(rig_text(a.value, "records.0.amount.amountMicros"), "25000000000");
	rig_answer_done(&a);
}

IN_BOTH(a_task_about_a_deal_is_linked_to_it)
{
	char deal[37];
	make(rig, "opportunities", "{'name':'deal','stage':'NEW'}", "t/1", deal);
	json_t *data = json_pack("{s:s, s:{s:s}}", "title", "call", "about", "opportunity", deal);
	json_t *args = json_pack("{s:o}", "data", data);
	struct rig_answer a = rig_call(rig, CLIENT_CREATE, "tasks", json_incref(args), "t/2");
	OK(a);
	rig_answer_done(&a);
	if (core) { /* where ids are ours, the same call makes nothing twice */
		a = rig_call(rig, CLIENT_CREATE, "tasks", json_incref(args), "t/2");
		OK(a);
		rig_answer_done(&a);
	}
	json_decref(args);
	a = rig_call(rig, CLIENT_LIST, "taskTargets",
		json_pack("{s:{s:s}}", "where", "targetOpportunityId", deal), "t/3");
	OK(a);
	cr_assert_eq(json_array_size(json_object_get(a.value, "records")), 1);
	rig_answer_done(&a);
}

Test(client_ops, deleted_records_are_listed_where_the_server_can, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char gone[37], here[37];
	make_deleted(&rig, "people", "{'firstName':'Go','lastName':'Ne'}", "b/1", gone);
	make(&rig, "people", "{'firstName':'He','lastName':'Re'}", "b/2", here);
	static const struct {
		const char *args;
		const char *found;
	} cases[] = {{"{}", "Re"}, {"{'deleted':'only'}", "Ne"},
		{"{'deleted':'also','order':['-lastName']}", "Re Ne"}};
	for (int i = 0; i < 3; i++) {
		struct rig_answer a =
			rig_call(&rig, CLIENT_LIST, "people", rig_json(cases[i].args), "b/3");
		OK(a);
		char found[256];
		texts(&a, "name.lastName", found);
		cr_assert_str_eq(found, cases[i].found);
		rig_answer_done(&a);
	}
	rig_close(&rig);
}

Test(client_ops, ensure_revives_nothing, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char id[37];
	make_deleted(&rig, "people", "{'email':'old@x.example','firstName':'Old'}", "r/1", id);
	struct rig_answer a = rig_call(&rig, CLIENT_ENSURE, "people",
		rig_json("{'where':{'email':'old@x.example'},'data':{'firstName':'New'}}"), "r/2");
	cr_assert_eq(a.code, RC_DUPLICATE, "%s", a.message);
	cr_assert_not_null(strstr(a.message, "only a deleted record"), "%s", a.message);
	a = by_id(&rig, CLIENT_GET, "people", id);
	OK(a);
	cr_assert(json_is_null(a.value));
	rig_close(&rig);
}

Test(client_ops, a_repeated_create_is_the_same_record_and_a_unique_value_is_an_error, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char first[37], again[37];
	make(&rig, "people", "{'email':'one@x.example'}", "event/rule/1", first);
	make(&rig, "people", "{'email':'one@x.example'}", "event/rule/1", again);
	cr_assert_str_eq(first, again);
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'email':'one@x.example'}}"), "event/rule/2");
	cr_assert_eq(a.code, RC_DUPLICATE);
	cr_assert_str_eq(a.name, "duplicate");
	cr_assert_not(a.retryable);
	json_t *list = rig_json("[{'firstName':'A'},{'firstName':'B'}]");
	a = rig_call(&rig, CLIENT_CREATE_MANY, "people", json_pack("{s:O}", "list", list), "x/y/1");
	OK(a);
	struct rig_answer b = rig_call(
		&rig, CLIENT_CREATE_MANY, "people", json_pack("{s:o}", "list", list), "x/y/1");
	OK(b);
	cr_assert_str_eq(rig_text(b.value, "1.name.firstName"), "B");
	cr_assert(json_equal(a.value, b.value));
	rig_answer_done(&a);
	rig_answer_done(&b);
	rig_close(&rig);
}

Test(client_ops, what_makes_no_sense_is_refused_before_anything_is_sent, .timeout = 60)
{
	static const struct {
		enum client_op op;
		const char *object, *args;
		enum rc code;
	} cases[] = {
		{CLIENT_GET, "people", "{'id':''}", RC_DENIED},
		{CLIENT_GET, "people", "{}", RC_DENIED},
		{CLIENT_GET, "../../metadata", "{'id':'00000000-0000-4000-8000-000000000000'}",
			RC_DENIED},
		{CLIENT_GET, "people?x", "{'id':'00000000-0000-4000-8000-000000000000'}",
			RC_DENIED},
		{CLIENT_GET, "", "{'id':'00000000-0000-4000-8000-000000000000'}", RC_DENIED},
		{CLIENT_GET, "people", "{'id':'../metadata'}", RC_DENIED},
		{CLIENT_UPDATE, "people", "{'id':'','data':{'jobTitle':'x'}}", RC_DENIED},
		{CLIENT_UPDATE, "people", "{'id':'00000000-0000-4000-8000-000000000000','data':{}}",
			RC_INVALID},
		{CLIENT_DELETE, "people", "{'id':null}", RC_DENIED},
		{CLIENT_MERGE, "people", "{'into':'','from':['x']}", RC_DENIED},
		{CLIENT_MERGE, "people",
			"{'into':'00000000-0000-4000-8000-000000000000',"
			"'from':['00000000-0000-4000-8000-000000000000']}",
			RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{},'data':{'jobTitle':'x'}}", RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{'email':''},'data':{}}", RC_DENIED},
		{CLIENT_CREATE, "people", "{'data':{'na[me':1}}", RC_INVALID},
		{CLIENT_CREATE, "people", "{'data':'x'}", RC_INVALID},
		{CLIENT_LIST, "people", "{'where':{'email':{'nope':1}}}", RC_INVALID},
		{CLIENT_LIST, "people", "{'where':{'email':[]}}", RC_INVALID},
		{CLIENT_LIST, "people", "{'where':{'a),or(b':1}}", RC_INVALID},
		{CLIENT_LIST, "people", "{'limit':-1}", RC_INVALID},
		{CLIENT_LIST, "people", "{'order':['x[y']}", RC_INVALID},
		{CLIENT_LIST, "people", "{'order':5}", RC_INVALID},
		{CLIENT_LIST, "people", "{'limit':1.5}", RC_INVALID},
		{CLIENT_LIST, "people", "{'fields':'name'}", RC_INVALID},
		{CLIENT_LIST, "people", "{'fields':[7]}", RC_INVALID},
		{CLIENT_LIST, "people", "{'deleted':'all'}", RC_INVALID},
		{CLIENT_GET, "people", "{'id':'00000000-0000-4000-8000-000000000000','fields':'a'}",
			RC_INVALID},
		{CLIENT_CREATE, "people", "{'data':{'id':'mine','jobTitle':'x'}}", RC_DENIED},
		{CLIENT_CREATE, "people", "{'data':{'id':'','jobTitle':'x'}}", RC_DENIED},
		{CLIENT_ENSURE, "people", "{'where':{'email':null},'data':{}}", RC_DENIED},
		{CLIENT_DUPLICATES, "people", "{'id':''}", RC_DENIED},
	};
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = "http://127.0.0.1:9"}));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_answer a;
		rig_submit(&rig, &a, cases[i].op, cases[i].object, rig_json(cases[i].args), "x");
		cr_expect_eq(a.submitted, cases[i].code, "%s %s: %s %s",
			client_op_name(cases[i].op), cases[i].args, rc_name(a.submitted),
			a.message);
		cr_expect_str_neq(a.message, "");
		if (a.submitted == RC_OK)
			client_cancel(rig.client, a.ticket);
	}
	rig_close(&rig);
}

IN_BOTH(an_object_that_is_misspelt_is_named_whatever_is_asked_of_it)
{
	static const struct {
		enum client_op op;
		const char *args;
	} calls[] = {
		{CLIENT_GET, "{'id':'" NOBODY "'}"},
		{CLIENT_LIST, "{}"},
		{CLIENT_COUNT, "{}"},
		{CLIENT_GROUP_BY, "{'field':'stage'}"},
		{CLIENT_CREATE, "{'data':{'name':'x'}}"},
		{CLIENT_CREATE_MANY, "{'list':[{'name':'x'}]}"},
		{CLIENT_ENSURE, "{'where':{'name':'x'},'data':{}}"},
		{CLIENT_UPDATE, "{'id':'" NOBODY "','data':{'name':'x'}}"},
		{CLIENT_UPDATE, "{'id':'" NOBODY "','data':{'name':'x'},'only_if':{'name':'y'}}"},
		{CLIENT_UPDATE_MANY, "{'list':[{'id':'" NOBODY "','name':'x'}]}"},
		{CLIENT_UPDATE_WHERE, "{'where':{'name':'y'},'data':{'name':'x'},'max':3}"},
		{CLIENT_RESTORE, "{'id':'" NOBODY "'}"},
		{CLIENT_DELETE, "{'id':'" NOBODY "'}"},
		{CLIENT_DUPLICATES, "{'id':'" NOBODY "'}"},
		{CLIENT_DUPLICATES, "{'record':{'name':'Acme'}}"},
		{CLIENT_MERGE,
			"{'into':'" NOBODY "','from':['11111111-1111-4111-8111-111111111111']}"},
	};
	(void)core;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char object[16]; /* another one each time: nothing is remembered of it */
		snprintf(object, sizeof(object), "peple%zu", i);
		struct rig_answer a =
			rig_call(rig, calls[i].op, object, rig_json(calls[i].args), "x");
		char wanted[64];
		snprintf(wanted, sizeof(wanted), "object '%s' not found", object);
		cr_expect_eq(a.code, RC_REJECTED, "%s: %s %s", client_op_name(calls[i].op), a.name,
			a.message);
		cr_expect(strstr(a.message, wanted) != NULL, "%s: %s", client_op_name(calls[i].op),
			a.message);
		cr_expect_not(a.retryable);
		rig_answer_done(&a);
	}
}

IN_BOTH(a_record_that_is_not_there_is_still_none)
{
	static const char *const objects[] = {"people", "companies", "tasks"};
	(void)core;
	for (int i = 0; i < 3; i++) {
		struct rig_answer a = by_id(rig, CLIENT_GET, objects[i], NOBODY);
		OK(a);
		cr_expect(json_is_null(a.value));
		cr_expect_eq(a.requests, 1);
		rig_answer_done(&a);
		a = by_id(rig, CLIENT_DELETE, objects[i], NOBODY);
		cr_expect_eq(a.code, RC_NOT_FOUND, "%s", a.message);
		rig_answer_done(&a);
	}
	struct rig_answer a = by_id(rig, CLIENT_DUPLICATES, "tasks", NOBODY);
	cr_expect(a.code == RC_OK || core, "%s", a.message);
	rig_answer_done(&a);
}

Test(client_ops, a_server_that_says_something_twice_is_quoted_once, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "docs"}));
	struct rig_answer a =
		rig_call(&rig, CLIENT_CREATE, "people", rig_json("{'data':{'frstName':'x'}}"), "x");
	cr_expect_eq(a.code, RC_REJECTED);
	cr_expect_str_eq(a.message, "Unknown field \"frstName\"");
	rig_answer_done(&a);
	rig_close(&rig);
}
