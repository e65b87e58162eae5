/* SPDX-License-Identifier: MIT */
/*
 * Lists against servers that answer 200 with something else than was asked for, and how few
 * requests a list takes where the filter grammar cannot say it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

static struct fake fake;
static struct rig rig;

static void close_all(void)
{
	rig_close(&rig);
	fake_close(&fake);
}

TestSuite(client_where_lies, .fini = close_all, .timeout = 60);

static void open_towards(fake_handler handler)
{
	cr_assert(fake_open(&fake, handler, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
}

static void open_twin(const char *dialect)
{
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialect}));
}

static struct rig_answer list_of(const char *object, const char *args)
{
	return rig_call(&rig, CLIENT_LIST, object, rig_json(args), "w/l");
}

static void is_refused(const char *args, const char *says)
{
	struct rig_answer a = list_of("people", args);
	cr_expect_eq(a.code, RC_UPSTREAM, "%s: %s: %s", args, rc_name(a.code), a.message);
	cr_expect(strstr(a.message, says) != NULL, "%s: %s", args, a.message);
	rig_answer_done(&a);
}

static void is_believed(const char *args, size_t n)
{
	struct rig_answer a = list_of("people", args);
	cr_expect_eq(a.code, RC_OK, "%s: %s", args, a.message);
	cr_expect_eq(json_array_size(json_object_get(a.value, "records")), n, "%s", args);
	rig_answer_done(&a);
}

/* ---- lies ---- */

#define ID "11111111-2222-4333-8444-55555555555"
#define PERSON(n, at, name, place)                                                                 \
	"{\"id\":\"" ID #n "\",\"deletedAt\":null,\"createdAt\":" at                               \
	",\"jobTitle\":\"x\",\"name\":{\"firstName\":\"" name "\"},\"position\":" place "}"
#define DAY(n) "\"2026-01-0" #n "T00:00:00.000Z\""

static bool answer_page(int fd, const char *records, const char *next)
{
	char body[4096], cursor[64];
	snprintf(cursor, sizeof(cursor), next != NULL ? "\"%s\"" : "%snull",
		next != NULL ? next : "");
	snprintf(body, sizeof(body),
		"{\"data\":{\"people\":[%s]},\"totalCount\":9,\"pageInfo\":{\"startCursor\":\"a\","
		"\"endCursor\":%s,\"hasNextPage\":%s,\"hasPreviousPage\":false}}",
		records, cursor, next != NULL ? "true" : "false");
	return fake_answer(fd, 200, "", body);
}

static bool answers_two(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return answer_page(
		fd, PERSON(1, DAY(2), "Bea", "2") "," PERSON(2, DAY(1), "Ada", "null"), NULL);
}

Test(client_where_lies, an_order_that_was_ignored_is_not_believed)
{
	open_towards(answers_two);
	is_refused("{'order':['createdAt']}", "ignored the order");
	is_refused("{'order':['firstName']}", "ignored the order");
	is_refused("{'order':['position']}", "ignored the order");
	is_refused("{'order':['-id']}", "ignored the order");
	is_refused("{'order':['jobTitle','createdAt']}", "ignored the order");
	is_believed("{'order':['-createdAt']}", 2);
	is_believed("{'order':['-firstName']}", 2);
	is_believed("{'order':['-position']}", 2);
	is_believed("{'order':['id']}", 2);
	is_believed("{'order':['jobTitle','-createdAt']}", 2);
	is_believed("{'order':['someField','createdAt']}", 2);
	is_believed("{}", 2);
}

/* Texts in an order that depends on the language, times that differ by less than is shown. */
static bool answers_unsure(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return answer_page(fd,
		PERSON(1, DAY(1), "de la Cruz", "1") "," PERSON(2, DAY(1), "Delacroix", "0"), NULL);
}

Test(client_where_lies, an_order_that_cannot_be_judged_is_believed)
{
	open_towards(answers_unsure);
	is_believed("{'order':['firstName']}", 2);
	is_believed("{'order':['-firstName']}", 2);
	is_believed("{'order':['createdAt','position']}", 2);
	is_refused("{'order':['position']}", "ignored the order");
}

/* Three pages of two; the second record of the first page comes again at the head of the second. */
static bool answers_moving(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strstr(request, "starting_after=c2") != NULL)
		return answer_page(
			fd, PERSON(5, DAY(5), "E", "5") "," PERSON(1, DAY(6), "A", "1"), NULL);
	if (strstr(request, "starting_after=c1") != NULL)
		return answer_page(
			fd, PERSON(2, DAY(2), "B", "2") "," PERSON(3, DAY(3), "C", "3"), "c2");
	return answer_page(fd, PERSON(1, DAY(1), "A", "1") "," PERSON(2, DAY(2), "B", "2"), "c1");
}

Test(client_where_lies, a_record_that_moves_between_pages_comes_once)
{
	open_towards(answers_moving);
	is_believed("{'limit':50}", 4);
	is_believed("{'limit':50,'order':['createdAt']}", 4);
}

/* Two pages that lead to each other for ever. */
static bool answers_in_circles(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strstr(request, "starting_after=c1") != NULL)
		return answer_page(fd, PERSON(2, DAY(2), "B", "2"), "c2");
	if (strstr(request, "starting_after=c2") != NULL)
		return answer_page(fd, PERSON(3, DAY(3), "C", "3"), "c1");
	return answer_page(fd, PERSON(1, DAY(1), "A", "1"), "c1");
}

Test(client_where_lies, pages_without_an_end_are_not_followed_for_ever)
{
	open_towards(answers_in_circles);
	is_refused("{'limit':50}", "cursor");
	cr_expect_lt(atomic_load(&fake.shared->hits), 10);
}

static bool answers_others(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"companies\":[{\"id\":\"" ID
		"1\",\"deletedAt\":null}]},\"totalCount\":1,\"pageInfo\":{\"startCursor\":null,"
		"\"endCursor\":null,\"hasNextPage\":false,\"hasPreviousPage\":false}}");
}

Test(client_where_lies, records_of_another_object_are_not_believed)
{
	open_towards(answers_others);
	struct rig_answer a = list_of("people", "{}");
	cr_expect_eq(a.code, RC_UPSTREAM, "%s", a.message);
	rig_answer_done(&a);
}

Test(client_where_lies, a_condition_that_was_ignored_is_not_believed)
{
	static const char *const where[] = {"{'jobTitle':'y'}", "{'createdAt':{'gt':'2027-01-01'}}",
		"{'firstName':{'contains':'zz'}}", "{'jobTitle':['y','z']}", "{'jobTitle':null}",
		"{'none':[{'jobTitle':'x'}]}", "{'deletedAt':{'empty':false}}"};
	open_towards(answers_two);
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		char args[200];
		snprintf(args, sizeof(args), "{'where':%s%s}", where[i],
			strstr(where[i], "deleted") != NULL ? ",'deleted':'only'" : "");
		is_refused(args, "ignored");
	}
	is_refused("{'deleted':'only'}", "ignored");
	is_believed("{'deleted':'also'}", 2);
}

/* ---- few requests ---- */

static void make_tasks(int n)
{
	json_t *list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:o}", "title",
				      json_sprintf("t%d%s", i, i % 50 == 0 ? " (a, b)" : "")));
	struct rig_answer a = rig_call(
		&rig, CLIENT_CREATE_MANY, "tasks", json_pack("{s:o}", "list", list), "w/make");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	rig_answer_done(&a);
}

static void takes(const char *args, size_t found, int requests)
{
	struct rig_answer a = list_of("tasks", args);
	cr_assert_eq(a.code, RC_OK, "%s: %s", args, a.message);
	cr_expect_eq(json_array_size(json_object_get(a.value, "records")), found, "%s: %zu", args,
		json_array_size(json_object_get(a.value, "records")));
	cr_expect_eq(a.requests, requests, "%s: %d requests", args, a.requests);
	rig_answer_done(&a);
}

Test(client_where_lies, what_the_grammar_cannot_say_does_not_read_everything)
{
	open_twin("core");
	make_tasks(600);
	takes("{'where':{'title':'t50 (a, b)'}}", 1, 1);
	takes("{'where':{'title':['t50 (a, b)','t1','t2','t3','t4']}}", 5, 1);
	takes("{'where':{'title':{'startsWith':'t100 ('}}}", 1, 1);
	takes("{'where':{'title':{'endsWith':'0 (a, b)'}}}", 12, 1);
	takes("{'where':{'title':{'contains':'(a, b)'}}}", 12, 1);
	takes("{'where':{'title':{'like':'t5_ (a%'}}}", 1, 1);
	takes("{'where':{'title':{'neq':'t50 (a, b)','startsWith':'t5'}},'limit':200}", 110, 1);
	takes("{'where':{'none':[{'title':['t50 (a, b)','t1']}]},'limit':10}", 10, 1);
	takes("{'where':{'any':[{'title':'t100 (a, b)'},{'title':'t7'}]}}", 2, 1);
	takes("{'where':{'status':'a)b'},'limit':1}", 0, 4);
}

Test(client_where_lies, a_long_list_goes_out_in_parts_and_over_pages)
{
	open_twin("core");
	make_tasks(300);
	json_t *titles = json_array(), *ids = json_array();
	for (int i = 0; i < 1000; i++)
		json_array_append_new(titles, json_sprintf("t%d", i / 2));
	struct rig_answer a = rig_call(&rig, CLIENT_LIST, "tasks",
		json_pack("{s:{s:O}, s:i}", "where", "title", titles, "limit", 1000), "w/t");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(json_array_size(json_object_get(a.value, "records")), 294);
	cr_expect_str_eq(rig_text(a.value, "total"), "294");
	cr_expect_leq(a.requests, 7, "%d", a.requests);
	size_t i;
	json_t *each;
	json_array_foreach(json_object_get(a.value, "records"), i, each)
		json_array_append(ids, json_object_get(each, "id"));
	rig_answer_done(&a);
	char *after = NULL;
	size_t found = 0;
	int requests = 0;
	json_t *seen = json_object();
	for (int page = 0; page < 20; page++) {
		a = rig_call(&rig, CLIENT_LIST, "tasks",
			json_pack("{s:{s:O}, s:i, s:s?}", "where", "id", ids, "limit", 60, "after",
				after),
			"w/i");
		cr_assert_eq(a.code, RC_OK, "%s", a.message);
		json_array_foreach(json_object_get(a.value, "records"), i, each)
			json_object_set_new(seen, rig_text(each, "id"), json_true());
		found += json_array_size(json_object_get(a.value, "records"));
		requests += a.requests;
		free(after);
		after = *rig_text(a.value, "next") != '\0' ? strdup(rig_text(a.value, "next"))
							   : NULL;
		rig_answer_done(&a);
		if (after == NULL)
			break;
	}
	cr_expect_null(after);
	cr_expect_eq(found, 294, "%zu", found);
	cr_expect_eq(json_object_size(seen), 294);
	cr_expect_leq(requests, 8, "%d", requests);
	a = rig_call(&rig, CLIENT_LIST, "tasks",
		json_pack("{s:{s:O}, s:s}", "where", "title", titles, "order", "title"), "w/o");
	cr_expect_eq(a.code, RC_INVALID);
	cr_expect(strstr(a.message, "order") != NULL, "%s", a.message);
	rig_answer_done(&a);
	json_decref(titles);
	json_decref(ids);
	json_decref(seen);
}

static void is_gone_through(const char *dialect, const char *where)
{
	open_twin(dialect);
	make_tasks(40);
	char *after = NULL, last[64] = "";
	json_t *seen = json_object();
	size_t twice = 0, i, round = 0;
	json_t *each;
	for (; round < 40; round++) {
		struct rig_answer a = rig_call(&rig, CLIENT_LIST, "tasks",
			json_pack("{s:o, s:i, s:s?}", "where", rig_json(where), "limit", 7, "after",
				after),
			"w/g");
		cr_assert_eq(a.code, RC_OK, "%s", a.message);
		json_array_foreach(json_object_get(a.value, "records"), i, each)
		{
			snprintf(last, sizeof(last), "%s", rig_text(each, "id"));
			twice += json_object_get(seen, last) != NULL;
			json_object_set_new(seen, last, json_true());
		}
		free(after);
		after = *rig_text(a.value, "next") != '\0' ? strdup(rig_text(a.value, "next"))
							   : NULL;
		rig_answer_done(&a);
		if (after == NULL)
			break;
		a = rig_call(&rig, CLIENT_DELETE, "tasks", json_pack("{s:s}", "id", last), "w/d");
		cr_assert_eq(a.code, RC_OK, "%s", a.message);
		rig_answer_done(&a);
	}
	cr_expect_lt(round, 40);
	cr_expect_eq(json_object_size(seen), 40, "%zu", json_object_size(seen));
	cr_expect_eq(twice, 0, "%zu", twice);
	json_decref(seen);
	rig_close(&rig);
	memset(&rig, 0, sizeof(rig));
}

/* The record that a cursor names is deleted before the next page is asked for. */
Test(client_where_lies, nothing_is_lost_or_doubled_where_records_go_between_pages)
{
	is_gone_through("core", "{'title':{'startsWith':'t'}}");
	is_gone_through("core", "{'title':{'neq':'(none)'}}");
	is_gone_through("docs", "{}");
}

/* ---- the edges of the arguments ---- */

Test(client_where_lies, a_cursor_that_is_none_is_refused)
{
	open_twin("core");
	make_tasks(3);
	static const char *const bad[] = {"garbage", "~", "~9~~", "~0", "~x~y~z", "~1~~abc",
		"~0~11111111-2222-4333-8444-55555555555511111111111~", "~-1~~"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig_answer a = rig_call(
			&rig, CLIENT_LIST, "tasks", json_pack("{s:s}", "after", bad[i]), "w/b");
		cr_expect(a.code == RC_INVALID || a.code == RC_REJECTED, "%s: %s", bad[i],
			rc_name(a.code));
		rig_answer_done(&a);
	}
	struct rig_answer a = list_of("tasks", "{'after':''}");
	cr_expect_eq(a.code, RC_INVALID);
	rig_answer_done(&a);
}

static void has_edges(const char *dialect)
{
	bool core = strcmp(dialect, "core") == 0;
	open_twin(dialect);
	make_tasks(450);
	struct rig_answer a = list_of("tasks", "{'limit':0}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(json_array_size(json_object_get(a.value, "records")), 0);
	cr_expect_str_eq(rig_text(a.value, "next"), "");
	cr_expect_str_eq(rig_text(a.value, "total"), core ? "450" : "");
	rig_answer_done(&a);
	a = list_of("tasks", "{'limit':0,'where':{'title':{'startsWith':'t5(0'}}}");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_str_eq(rig_text(a.value, "total"), "");
	cr_expect_eq(a.requests, 0);
	rig_answer_done(&a);
	takes("{'limit':430}", 430, core ? 3 : 9);
	takes("{'limit':450,'fields':['title']}", 450, core ? 3 : 9);
	a = list_of("tasks", "{'limit':1,'fields':['title','createdBy.source']}");
	const json_t *record = json_array_get(json_object_get(a.value, "records"), 0);
	cr_expect_eq(json_object_size(record), 3);
	cr_expect_str_eq(rig_text(record, "createdBy.source"), "API");
	rig_answer_done(&a);
	a = list_of("tasks", "{'limit':0,'deleted':'only'}");
	cr_expect_eq(a.code, core ? RC_OK : RC_UNSUPPORTED);
	cr_expect_eq(a.requests, core ? 1 : 0);
	rig_answer_done(&a);
	a = list_of("tasks", "{'deleted':'also','limit':1}");
	cr_expect_eq(a.code, core ? RC_OK : RC_UNSUPPORTED);
	cr_expect_eq(a.requests, core ? 1 : 0);
	rig_answer_done(&a);
}

Test(client_where_lies, limits_fields_and_deleted_at_their_edges_in_core)
{
	has_edges("core");
}

Test(client_where_lies, limits_fields_and_deleted_at_their_edges_in_docs)
{
	has_edges("docs");
}

Test(client_where_lies, an_order_may_name_several_parts_of_fields)
{
	open_twin("core");
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE_MANY, "people",
		rig_json("{'list':[{'firstName':'Ann','lastName':'Lee'},{'firstName':'Bob',"
			 "'lastName':'Lee'},{'firstName':'Cid','lastName':'Kay'}]}"),
		"w/p");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	rig_answer_done(&a);
	a = list_of("people", "{'order':['-name.lastName','firstName']}");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_str_eq(rig_text(a.value, "records.0.name.firstName"), "Ann");
	cr_expect_str_eq(rig_text(a.value, "records.1.name.firstName"), "Bob");
	cr_expect_str_eq(rig_text(a.value, "records.2.name.firstName"), "Cid");
	rig_answer_done(&a);
	a = list_of("people", "{'order':['a','b','c','d','e','f']}");
	cr_expect_eq(a.code, RC_INVALID);
	rig_answer_done(&a);
}

/* ---- the judge: what a real server refuses, the twin refuses ---- */

Test(client_where_lies, the_twin_refuses_filters_that_servers_do_not_understand)
{
	static const char *const bad[] = {"name.firstName%5Beq%5D:%22a)b%22",
		"name.firstName%5Beq%5D:%22a(b)%22", "name.firstName%5Beq%5D:%22(%22",
		"and(name.firstName%5Beq%5D:%22a(b)%22,jobTitle%5Beq%5D:%22x%22)",
		"name.firstName%5Bin%5D:%5B%22a,b%22,%22c%22%5D", "name.firstName%5Beq%5D:%22a",
		"and(jobTitle%5Beq%5D:%22O'Brien%22,jobTitle%5Beq%5D:%22x%22)",
		"jobTitle%5Beq%5D:%22a%0Ab%22", "jobTitle%5Beq%5D:%22a%E2%80%A8b%22", "nope",
		"and(id%5Beq%5D:1", "nope%5Beq%5D:1", "jobTitle%5Bcontains%5D:%22x%22",
		"not(jobTitle%5Beq%5D:%22x%22,jobTitle%5Beq%5D:%22y%22)", "jobTitle%5Beq%5D:"};
	open_twin("core");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char path[300];
		snprintf(path, sizeof(path), "/rest/people?limit=1&filter=%s", bad[i]);
		json_t *answer = rig_api(&rig, "GET", path, NULL);
		cr_expect_str_eq(rig_text(answer, "statusCode"), "400", "%s", bad[i]);
		json_decref(answer);
	}
	json_t *answer = rig_api(
		&rig, "GET", "/rest/people?limit=1&filter=name.firstName%5Beq%5D:%22a,b%22", NULL);
	cr_expect_str_eq(rig_text(answer, "totalCount"), "0");
	json_decref(answer);
}
