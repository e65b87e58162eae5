/* SPDX-License-Identifier: MIT */
/*
 * "No such record" or "no such object": servers that say neither.
 * From: dialect docs, where both are 404 and their words are not fixed. What the twin says about
 * them is looked at in client_ops.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "client/objects.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "00000000-0000-4000-8000-000000000000"
#define EMPTY "{\"data\":[],\"pageInfo\":{\"hasNextPage\":false}}"
#define NOT_FOUND(text) "{\"statusCode\":404,\"message\":\"" text "\",\"error\":\"Not Found\"}"

enum words { BARE, ROUTE, RECORD, LIST_FAILS, LIST_FORBIDDEN };

/* Rockets and people are there, and no record of them; nothing else is. */
static bool answers(int fd, const char *request, struct fake_shared *shared)
{
	int words = atomic_load(&shared->mode);
	bool list = strncmp(request, "GET /rest/rockets?", 18) == 0;
	if (strncmp(request, "GET /rest/people?", 17) == 0)
		return fake_answer(fd, 200, "", EMPTY);
	if (list && words == LIST_FAILS)
		return fake_answer(fd, 500, "", "{\"statusCode\":500,\"message\":\"x\"}");
	if (list && words == LIST_FORBIDDEN)
		return fake_answer(fd, 400, "", "{\"statusCode\":400,\"message\":\"x\"}");
	if (list)
		return fake_answer(fd, 200, "", EMPTY);
	if (words == ROUTE)
		return fake_answer(fd, 404, "", NOT_FOUND("Cannot GET /rest/x"));
	if (words == RECORD)
		return fake_answer(fd, 404, "", NOT_FOUND("Record not found"));
	return fake_answer(fd, 404, "", NOT_FOUND("Resource not found"));
}

struct doubting {
	struct fake fake;
	struct rig rig;
};

static void begin(struct doubting *d, enum words words)
{
	cr_assert(fake_open(&d->fake, answers, FAKE_OWN));
	atomic_store(&d->fake.shared->mode, (int)words);
	cr_assert(rig_open(&d->rig, &(struct rig_conf){.url = d->fake.url, .dialect = "docs"}));
}

static void end(struct doubting *d)
{
	rig_close(&d->rig);
	fake_close(&d->fake);
}

/* Asks and answers how many requests that took. */
static int ask(struct doubting *d, enum client_op op, const char *object, const char *args,
	enum rc code, const char *message)
{
	struct rig_answer a = rig_call(&d->rig, op, object, rig_json(args), "x");
	cr_expect_eq(a.code, code, "%s %s: %s %s", client_op_name(op), object, a.name, a.message);
	cr_expect_str_eq(a.message, message);
	if (op == CLIENT_GET && code == RC_OK) {
		cr_expect(json_is_null(a.value));
		cr_expect_eq(a.status, 404, "of the answer, not of the question");
	}
	rig_answer_done(&a);
	return a.requests;
}

Test(client_doubt, a_404_without_a_word_about_records_is_asked_after_once, .timeout = 60)
{
	static const enum words words[] = {BARE, ROUTE};
	for (size_t i = 0; i < ARRAY_N(words); i++) {
		struct doubting d;
		begin(&d, words[i]);
		cr_expect_eq(ask(&d, CLIENT_GET, "rockets", "{'id':'" ID "'}", RC_OK, ""), 2);
		cr_expect_eq(ask(&d, CLIENT_GET, "rockets", "{'id':'" ID "'}", RC_OK, ""), 1);
		cr_expect_eq(ask(&d, CLIENT_GET, "people", "{'id':'" ID "'}", RC_OK, ""), 1,
			"the first question to a server was about people");
		cr_expect_eq(ask(&d, CLIENT_GET, "peple", "{'id':'" ID "'}", RC_REJECTED,
				     "object 'peple' not found"),
			2);
		cr_expect_eq(ask(&d, CLIENT_UPDATE, "peple", "{'id':'" ID "','data':{'a':1}}",
				     RC_REJECTED, "object 'peple' not found"),
			1);
		cr_expect_eq(ask(&d, CLIENT_LIST, "piple", "{}", RC_REJECTED,
				     "object 'piple' not found"),
			1, "a list needs no second one");
		end(&d);
	}
}

Test(client_doubt, a_404_about_a_record_needs_no_question, .timeout = 60)
{
	struct doubting d;
	begin(&d, RECORD);
	cr_expect_eq(ask(&d, CLIENT_GET, "rockets", "{'id':'" ID "'}", RC_OK, ""), 1);
	end(&d);
}

Test(client_doubt, what_an_object_cannot_do_is_no_missing_record, .timeout = 60)
{
	struct doubting d;
	begin(&d, ROUTE);
	ask(&d, CLIENT_CREATE_MANY, "rockets", "{'list':[{'name':'x'}]}", RC_UNSUPPORTED,
		"this server cannot do that with rockets");
	ask(&d, CLIENT_UPDATE, "rockets", "{'id':'" ID "','data':{'a':1}}", RC_NOT_FOUND,
		"there is no such record");
	end(&d);
}

Test(client_doubt, an_object_that_cannot_be_asked_after_is_not_taken_for_an_empty_one,
	.timeout = 60)
{
	struct doubting d;
	begin(&d, LIST_FAILS);
	struct rig_answer a =
		rig_call(&d.rig, CLIENT_GET, "rockets", rig_json("{'id':'" ID "'}"), "x");
	cr_expect_neq(a.code, RC_OK);
	cr_expect(a.retryable, "%s", a.name);
	cr_expect_not(a.unknown);
	rig_answer_done(&a);
	end(&d);
}

Test(client_doubt, an_object_whose_list_is_refused_is_there, .timeout = 60)
{
	struct doubting d;
	begin(&d, LIST_FORBIDDEN);
	ask(&d, CLIENT_GET, "rockets", "{'id':'" ID "'}", RC_OK, "");
	end(&d);
}

Test(client_doubt, what_is_known_of_objects_is_forgotten_in_time_and_by_number)
{
	struct objects objects = {0};
	objects_note(&objects, "people", OBJECT_THERE, 1000);
	objects_note(&objects, "peple", OBJECT_ABSENT, 1000);
	cr_expect_eq(objects_find(&objects, "people", 2000), OBJECT_THERE);
	cr_expect_eq(objects_find(&objects, "peple", 2000), OBJECT_ABSENT);
	cr_expect_eq(objects_find(&objects, "pets", 2000), OBJECT_UNKNOWN);
	cr_expect_eq(objects_find(&objects, "peple", 60000), OBJECT_UNKNOWN, "it may be made");
	cr_expect_eq(objects_find(&objects, "people", 60000), OBJECT_THERE);
	cr_expect_eq(objects_find(&objects, "people", 3600000), OBJECT_UNKNOWN);
	objects_note(&objects, "peple", OBJECT_THERE, 3000);
	cr_expect_eq(objects_find(&objects, "peple", 3000), OBJECT_THERE);
	for (int i = 0; i < OBJECTS_N; i++) {
		char name[16];
		snprintf(name, sizeof(name), "o%d", i);
		objects_note(&objects, name, OBJECT_THERE, 3000);
		cr_expect_eq(objects_find(&objects, name, 3000), OBJECT_THERE);
	}
	cr_expect_eq(objects_find(&objects, "people", 3000), OBJECT_UNKNOWN);
}
