/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait for budget and go together: each gets what it would have got alone, and what
 * leaves the client is what the kinds say.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rig/sim.h"

struct scene {
	struct sim sim;
	struct sim_conf conf;
	const char *method, *target; /* of the requests that the verdict strikes; NULL: none */
	int strikes;                 /* how many more */
	struct wire_verdict verdict;
	struct sim_answer a[512];
	size_t n;
};

static struct wire_verdict before(void *ctx, const struct wire_request *request)
{
	struct scene *s = ctx;
	if (s->strikes == 0 || s->method == NULL || strcmp(request->method, s->method) != 0 ||
		strstr(request->target, s->target) == NULL)
		return (struct wire_verdict){.fate = WIRE_PASS};
	s->strikes--;
	return s->verdict;
}

static void set(struct scene *s)
{
	s->conf.people = s->conf.people != 0 ? s->conf.people : 400;
	s->conf.budget = s->conf.budget != NULL ? s->conf.budget : "60/m";
	s->conf.allowance = "none";
	s->conf.before = before;
	s->conf.ctx = s;
	cr_assert(sim_open(&s->sim, &s->conf));
}

static const char *person(unsigned i)
{
	static char id[8][SERVER_ID_N];
	static int at;
	at = (at + 1) % 8;
	server_id("person", i, id[at]);
	return id[at];
}

static struct sim_answer *ask_in(
	struct scene *s, enum client_lane lane, enum client_op op, const char *object, json_t *args)
{
	char name[32];
	struct sim_answer *a = &s->a[s->n];
	snprintf(name, sizeof(name), "event-%zu/rule/1", s->n++);
	cr_assert_leq(s->n, 512);
	struct client_call call = {
		.op = op, .object = object, .args = args, .name = name, .lane = lane};
	sim_submit(&s->sim, a, &call);
	return a;
}

static struct sim_answer *ask(struct scene *s, enum client_op op, const char *object, json_t *args)
{
	return ask_in(s, CLIENT_LIVE, op, object, args);
}

static struct sim_answer *get(struct scene *s, const char *id)
{
	return ask(s, CLIENT_GET, "people", json_pack("{s:s}", "id", id));
}

static struct sim_answer *update(struct scene *s, const char *id, const char *field, json_t *value)
{
	return ask(s, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:{s:o}}", "id", id, "data", field, value));
}

static struct sim_answer *title(struct scene *s, const char *id, const char *text)
{
	return update(s, id, "jobTitle", json_string(text));
}

static struct sim_answer *create(struct scene *s, json_t *data)
{
	return ask(s, CLIENT_CREATE, "people", json_pack("{s:o}", "data", data));
}

static json_t *with_email(unsigned i)
{
	return json_pack("{s:{s:o},s:o}", "emails", "primaryEmail",
		json_sprintf("new.%u@example.com", i), "jobTitle", json_sprintf("new %u", i));
}

/* Reads that nobody asked for, so that the rest has to wait: budget for them all is used up. */
static void spend(struct scene *s)
{
	for (int i = 0; i < 60; i++)
		ask(s, CLIENT_COUNT, "companies",
			json_pack("{s:{s:o}}", "where", "name", json_sprintf("spent %d", i)));
	sim_sleep(&s->sim, 1000);
	for (int i = 0; i < 40; i++) /* and these wait for some time before them */
		ask(s, CLIENT_COUNT, "companies",
			json_pack("{s:{s:o}}", "where", "name", json_sprintf("spent %d", 60 + i)));
}

static void await_all(struct scene *s)
{
	cr_assert(sim_await(&s->sim, s->a, s->n, 3 * SIM_HOUR_MS));
	sim_sleep(&s->sim, 30000);
	for (size_t i = 0; i < s->n; i++)
		cr_assert_eq(s->a[i].times, 1, "%zu is answered %d times", i, s->a[i].times);
}

static void clear(struct scene *s)
{
	sim_close(&s->sim);
	for (size_t i = 0; i < s->n; i++)
		sim_answer_done(&s->a[i]);
	memset(s, 0, sizeof(*s));
}

static struct scene s; /* large; zero before and after each test */

static const char *text(const struct sim_answer *a, const char *key)
{
	const char *t = json_string_value(json_object_get(a->value, key));
	return t != NULL ? t : "";
}

static const char *there(const char *id, const char *key)
{
	const char *t =
		json_string_value(json_object_get(server_record(s.sim.server, "people", id), key));
	return t != NULL ? t : "";
}

#define ok(a) cr_assert_eq((a)->code, RC_OK, "%s", (a)->message)

/* ---- gets ---- */

Test(sim_bundles, gets_go_as_lists_of_ids_and_each_run_gets_its_own)
{
	struct sim_answer *own[200], *twice[10], *none, *gone, *loud, *deep;
	char capitals[SERVER_ID_N];
	set(&s);
	spend(&s);
	cr_assert(server_delete(s.sim.server, "people", person(390)));
	for (unsigned i = 0; i < 200; i++)
		own[i] = get(&s, person(i));
	for (unsigned i = 0; i < 10; i++)
		twice[i] = get(&s, person(i));
	none = get(&s, "01890000-0000-7000-8000-000000000000");
	gone = get(&s, person(390));
	snprintf(capitals, sizeof(capitals), "%s", person(5));
	for (char *p = capitals; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
	loud = get(&s, capitals);
	deep = ask(&s, CLIENT_GET, "people", json_pack("{s:s,s:i}", "id", person(6), "depth", 1));
	await_all(&s);
	for (unsigned i = 0; i < 200; i++) {
		ok(own[i]);
		cr_assert_str_eq(text(own[i], "id"), person(i));
	}
	for (unsigned i = 0; i < 10; i++)
		cr_assert_str_eq(text(twice[i], "id"), person(i));
	ok(none);
	cr_assert(json_is_null(none->value));
	ok(gone);
	cr_assert(json_is_null(gone->value));
	cr_assert_str_eq(text(loud, "id"), person(5));
	cr_assert_str_eq(text(deep, "id"), person(6));
	cr_assert_eq(sim_count("GET", "filter=id%5Bin%5D", 200), 2);
	cr_assert_eq(sim_count("GET", "/rest/people/", 0), 2, "in capitals, and at depth 1");
	clear(&s);
}

Test(sim_bundles, a_list_that_is_not_all_is_not_believed)
{
	char body[2000];
	set(&s);
	/* a server that gives no more than one record at once, and says so */
	snprintf(body, sizeof(body),
		"{\"data\":{\"people\":[{\"id\":\"%s\",\"deletedAt\":null}]},\"totalCount\":3,"
		"\"pageInfo\":{\"hasNextPage\":true,\"endCursor\":\"x\"}}",
		person(0));
	s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER, .status = 200, .body = body};
	s.method = "GET";
	s.target = "filter=id%5Bin%5D";
	s.strikes = -1;
	spend(&s);
	struct sim_answer *a[3];
	for (unsigned i = 0; i < 3; i++)
		a[i] = get(&s, person(i));
	await_all(&s);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_str_eq(text(a[i], "id"), person(i), "%u is taken for gone", i);
	clear(&s);
}

Test(sim_bundles, a_server_that_ignores_the_ids_is_asked_one_by_one)
{
	char body[2000];
	set(&s);
	snprintf(body, sizeof(body),
		"{\"data\":{\"people\":[{\"id\":\"%s\",\"deletedAt\":null}]},\"totalCount\":1,"
		"\"pageInfo\":{\"hasNextPage\":false,\"endCursor\":\"x\"}}",
		person(77));
	s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER, .status = 200, .body = body};
	s.method = "GET";
	s.target = "filter=id%5Bin%5D";
	s.strikes = -1;
	spend(&s);
	struct sim_answer *a[20];
	for (unsigned i = 0; i < 20; i++)
		a[i] = get(&s, person(i));
	await_all(&s);
	for (unsigned i = 0; i < 20; i++)
		cr_assert_str_eq(text(a[i], "id"), person(i));
	cr_assert_eq(sim_count("GET", "filter=id%5Bin%5D", 0), 1, "asked once, never again");
	cr_assert_eq(sim_count("GET", "/rest/people/", 200), 20);
	clear(&s);
}

Test(sim_bundles, identical_reads_are_one)
{
	set(&s);
	spend(&s);
	struct sim_answer *a[50];
	for (unsigned i = 0; i < 50; i++)
		a[i] = ask(&s, CLIENT_LIST, "people",
			sim_json("{'where':{'jobTitle':'nobody'},'limit':7}"));
	await_all(&s);
	for (unsigned i = 0; i < 50; i++) {
		ok(a[i]);
		cr_assert(json_is_array(json_object_get(a[i]->value, "records")));
	}
	cr_assert_eq(sim_count("GET", "limit=7", 0), 1);
	clear(&s);
}

Test(sim_bundles, identical_gets_are_one_also_where_ids_are_not_put_together)
{
	s.conf.settings = "coalesce = { get = false }";
	set(&s);
	spend(&s);
	struct sim_answer *a[20];
	for (unsigned i = 0; i < 20; i++)
		a[i] = get(&s, person(i / 10));
	await_all(&s);
	for (unsigned i = 0; i < 20; i++)
		cr_assert_str_eq(text(a[i], "id"), person(i / 10));
	cr_assert_eq(sim_count("GET", "/rest/people", 0), 3, "the probe, and one for each record");
	clear(&s);
}

/* ---- duplicates ---- */

Test(sim_bundles, searches_for_duplicates_are_one_read_and_one_search)
{
	set(&s);
	json_t *same = sim_json("{'emails':{'primaryEmail':'twin@example.com'},'name':{"
				"'firstName':'Ada','lastName':'Twin'}}");
	json_t *other = sim_json("{'name':{'firstName':'Ada','lastName':'Twin'}}");
	cr_assert(server_update(s.sim.server, "people", person(1), same));
	cr_assert(server_update(s.sim.server, "people", person(2), other));
	spend(&s);
	struct sim_answer *by_id[30], *by_record, *nobody;
	for (unsigned i = 0; i < 30; i++)
		by_id[i] =
			ask(&s, CLIENT_DUPLICATES, "people", json_pack("{s:s}", "id", person(i)));
	by_record = ask(&s, CLIENT_DUPLICATES, "people",
		sim_json("{'record':{'emails':{'primaryEmail':'twin@example.com'}}}"));
	nobody = ask(&s, CLIENT_DUPLICATES, "people",
		sim_json("{'record':{'emails':{'primaryEmail':'nobody@example.com'}}}"));
	await_all(&s);
	for (unsigned i = 0; i < 30; i++) {
		size_t k;
		json_t *each;
		ok(by_id[i]);
		json_array_foreach(by_id[i]->value, k, each) cr_assert_str_neq(
			json_string_value(json_object_get(each, "id")), person(i));
		if (i == 1 || i == 2) {
			cr_assert_eq(json_array_size(by_id[i]->value), 1, "%u", i);
			cr_assert_str_eq(json_string_value(json_object_get(
						 json_array_get(by_id[i]->value, 0), "id")),
				person(3 - i));
		}
	}
	cr_assert_eq(json_array_size(by_record->value), 1);
	cr_assert_eq(json_array_size(nobody->value), 0);
	cr_assert_leq(sim_count("POST", "/rest/people/duplicates", 0), 2);
	cr_assert_eq(sim_count("GET", "filter=id%5Bin%5D", 0), 1);
	json_decref(same);
	json_decref(other);
	clear(&s);
}

/* ---- creates ---- */

Test(sim_bundles, of_a_batch_of_creates_the_bad_rows_alone_fail)
{
	struct sim_answer *a[150];
	set(&s);
	spend(&s);
	json_t *taken = with_email(999);
	cr_assert(server_update(s.sim.server, "people", person(0), taken));
	for (unsigned i = 0; i < 150; i++) {
		json_t *data = i == 31 ? with_email(999) : with_email(i);
		if (i == 77)
			json_object_set_new(data, "workPreference", json_string("nonsense"));
		if (i == 120)
			json_object_set_new(data, "noSuchField", json_string("x"));
		a[i] = create(&s, data);
	}
	size_t n = server_record_n(s.sim.server, "people");
	await_all(&s);
	int failed = 0, posts = sim_count("POST", "/rest/", 0);
	for (unsigned i = 0; i < 150; i++) {
		failed += a[i]->code != RC_OK;
		if (i == 31 || i == 77 || i == 120)
			cr_assert_neq(a[i]->code, RC_OK, "%u", i);
		else {
			char want[32];
			snprintf(want, sizeof(want), "new %u", i);
			cr_assert_eq(a[i]->code, RC_OK, "%u: %s", i, a[i]->message);
			cr_assert_str_eq(text(a[i], "jobTitle"), want);
		}
	}
	fprintf(stderr, "3 bad rows of 150 creates: %d requests\n", posts);
	cr_assert_eq(failed, 3);
	cr_assert_eq(server_record_n(s.sim.server, "people"), n + 147);
	cr_assert_leq(posts, 1 + 3 * 16);
	json_decref(taken);
	clear(&s);
}

static void lose_a_batch(enum wire_fate fate)
{
	struct sim_answer *a[100];
	set(&s);
	s.method = "POST";
	s.target = "/rest/batch/people";
	s.strikes = 1;
	s.verdict = (struct wire_verdict){.fate = fate};
	spend(&s);
	size_t n = server_record_n(s.sim.server, "people");
	for (unsigned i = 0; i < 100; i++)
		a[i] = create(&s, with_email(i));
	await_all(&s);
	for (unsigned i = 0; i < 100; i++) {
		char want[32];
		snprintf(want, sizeof(want), "new %u", i);
		ok(a[i]);
		cr_assert_str_eq(text(a[i], "jobTitle"), want);
	}
	cr_assert_eq(server_record_n(s.sim.server, "people"), n + 100);
	cr_assert_leq(sim_count("POST", "/rest/", 0), 2);
	clear(&s);
}

Test(sim_bundles, after_a_lost_answer_nothing_is_made_twice)
{
	lose_a_batch(WIRE_BREAK_AFTER);
	lose_a_batch(WIRE_HANG_AFTER);
	lose_a_batch(WIRE_BREAK_BEFORE);
}

Test(sim_bundles, creates_of_an_earlier_process_are_recognised_among_new_ones)
{
	struct sim_answer early[50];
	set(&s);
	char name[32];
	/* the names that calls 100.. will have, see spend() */
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "event-%u/rule/1", 100 + 2 * i);
		sim_ask(&s.sim, &early[i], CLIENT_CREATE, "people",
			json_pack("{s:o}", "data", with_email(2 * i)), name);
	}
	cr_assert(sim_await(&s.sim, early, 50, SIM_HOUR_MS));
	sim_sleep(&s.sim, 120000);
	size_t n = server_record_n(s.sim.server, "people");
	int posts = sim_count("POST", "/rest/", 0);
	spend(&s);
	cr_assert_eq(s.n, 100);
	struct sim_answer *a[100];
	for (unsigned i = 0; i < 100; i++)
		a[i] = create(&s, with_email(i));
	await_all(&s);
	for (unsigned i = 0; i < 100; i++) {
		char want[32];
		snprintf(want, sizeof(want), "new %u", i);
		ok(a[i]);
		cr_assert_str_eq(text(a[i], "jobTitle"), want);
		if (i % 2 == 0)
			cr_assert_str_eq(text(a[i], "id"),
				json_string_value(json_object_get(early[i / 2].value, "id")));
	}
	cr_assert_eq(server_record_n(s.sim.server, "people"), n + 50);
	cr_assert_leq(sim_count("POST", "/rest/", 0) - posts, 2);
	for (unsigned i = 0; i < 50; i++)
		sim_answer_done(&early[i]);
	clear(&s);
}

/* An id that a rule chose is not proof that the record is its own. */
Test(sim_bundles, a_create_with_the_id_of_another_record_does_not_get_that_record)
{
	set(&s);
	spend(&s);
	json_t *data = with_email(1);
	json_object_set_new(data, "id", json_string(person(9)));
	struct sim_answer *bad = create(&s, data);
	struct sim_answer *good[5];
	for (unsigned i = 0; i < 5; i++)
		good[i] = create(&s, with_email(10 + i));
	data = with_email(20);
	json_object_set_new(data, "id", json_string("01890000-0000-7000-8000-00000000ABCD"));
	struct sim_answer *loud = create(&s, data);
	s.method = "POST"; /* also where the first answer was lost */
	s.target = "/rest/batch/people";
	s.strikes = 1;
	s.verdict = (struct wire_verdict){.fate = WIRE_BREAK_AFTER};
	await_all(&s);
	cr_assert_eq(bad->code, RC_DUPLICATE, "%s", bad->message);
	ok(loud);
	for (unsigned i = 0; i < 5; i++)
		ok(good[i]);
	clear(&s);
}

Test(sim_bundles, a_relation_that_was_not_made_is_told_as_it_is_alone)
{
	set(&s);
	struct sim_answer *a[4];
	char company[SERVER_ID_N];
	server_id("company", 1, company);
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			spend(&s);
		for (int i = 0; i < 2; i++) {
			json_t *data = with_email((unsigned)(round * 2 + i));
			json_object_set_new(
				data, "company", json_pack("{s:s}", "connect", company));
			a[round * 2 + i] = create(&s, data);
		}
		if (round == 0)
			cr_assert(sim_await(&s.sim, s.a, s.n, SIM_HOUR_MS));
	}
	await_all(&s);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(a[i]->code, a[0]->code, "%d: %s", i, a[i]->message);
	cr_assert_neq(a[0]->code, RC_OK);
	clear(&s);
}

/* ---- updates ---- */

Test(sim_bundles, the_same_change_of_many_is_one_request)
{
	struct sim_answer *a[100];
	set(&s);
	spend(&s);
	cr_assert(server_delete(s.sim.server, "people", person(7)));
	for (unsigned i = 0; i < 100; i++)
		a[i] = title(&s, person(i), "same");
	await_all(&s);
	for (unsigned i = 0; i < 100; i++) {
		cr_assert_eq(a[i]->code, i == 7 ? RC_NOT_FOUND : RC_OK, "%u: %s", i, a[i]->message);
		if (i != 7)
			cr_assert_str_eq(there(person(i), "jobTitle"), "same");
	}
	cr_assert_str_neq(there(person(7), "jobTitle"), "same");
	cr_assert_eq(sim_count("PATCH", "", 0), 1);
	clear(&s);
}

Test(sim_bundles, changes_of_one_record_are_one_and_the_later_field_wins)
{
	set(&s);
	spend(&s);
	struct sim_answer *a = title(&s, person(1), "first");
	struct sim_answer *b = ask(&s, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:o}", "id", person(1), "data",
			sim_json("{'intro':'hello','name':{'firstName':'Ada'}}")));
	struct sim_answer *c = ask(&s, CLIENT_UPDATE, "people",
		json_pack("{s:s,s:o}", "id", person(1), "data",
			sim_json("{'jobTitle':'last','name':{'lastName':'Byron'}}")));
	await_all(&s);
	ok(a);
	ok(b);
	ok(c);
	cr_assert_str_eq(there(person(1), "jobTitle"), "last");
	cr_assert_str_eq(there(person(1), "intro"), "hello");
	const json_t *name =
		json_object_get(server_record(s.sim.server, "people", person(1)), "name");
	cr_assert_str_eq(json_string_value(json_object_get(name, "firstName")), "Ada");
	cr_assert_str_eq(json_string_value(json_object_get(name, "lastName")), "Byron");
	cr_assert_eq(sim_count("PATCH", "", 0), 1);
	clear(&s);
}

Test(sim_bundles, two_relations_one_after_the_other_are_both_answered)
{
	char first[SERVER_ID_N], last[SERVER_ID_N];
	server_id("company", 1, first);
	server_id("company", 2, last);
	set(&s);
	spend(&s);
	struct sim_answer *a = update(&s, person(1), "companyId", json_string(first));
	struct sim_answer *b = update(&s, person(1), "companyId", json_string(last));
	await_all(&s);
	ok(a);
	ok(b);
	cr_assert_str_eq(there(person(1), "companyId"), last);
	clear(&s);
}

Test(sim_bundles, reads_of_a_record_keep_their_place_among_its_changes)
{
	char capitals[SERVER_ID_N];
	set(&s);
	spend(&s);
	title(&s, person(5), "two"); /* the later change of person 1 is alike */
	struct sim_answer *a = title(&s, person(1), "one");
	struct sim_answer *b = get(&s, person(1));
	snprintf(capitals, sizeof(capitals), "%s", person(1));
	for (char *p = capitals; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
	struct sim_answer *c = get(&s, capitals);
	struct sim_answer *d = title(&s, person(1), "two");
	struct sim_answer *e = get(&s, person(1));
	for (unsigned i = 10; i < 60; i++) { /* so that it stays short */
		title(&s, person(i), "two");
		get(&s, person(100 + i));
	}
	await_all(&s);
	ok(a);
	ok(d);
	cr_assert_str_eq(text(b, "jobTitle"), "one");
	cr_assert_str_eq(text(c, "jobTitle"), "one");
	cr_assert_str_eq(text(e, "jobTitle"), "two");
	cr_assert_str_eq(there(person(1), "jobTitle"), "two");
	clear(&s);
}

Test(sim_bundles, a_change_does_not_overtake_a_read_whose_id_is_in_capitals)
{
	char capitals[SERVER_ID_N];
	set(&s);
	spend(&s);
	snprintf(capitals, sizeof(capitals), "%s", person(1));
	for (char *p = capitals; *p != '\0'; p++)
		*p = *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
	title(&s, person(5), "same");
	struct sim_answer *read = get(&s, capitals);
	struct sim_answer *change = title(&s, person(1), "same");
	await_all(&s);
	ok(change);
	cr_assert_str_neq(text(read, "jobTitle"), "same");
	clear(&s);
}

Test(sim_bundles, a_change_that_is_tried_again_is_not_overtaken)
{
	set(&s);
	spend(&s);
	s.method = "PATCH";
	s.target = "";
	s.strikes = 5; /* it waits for longer than the budget takes for another request */
	s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER, .status = 500, .body = "{}"};
	struct sim_answer *a = title(&s, person(1), "one");
	struct sim_answer *b = get(&s, person(1));
	struct sim_answer *c = title(&s, person(1), "two");
	for (unsigned i = 10; i < 60; i++)
		get(&s, person(i));
	await_all(&s);
	ok(a);
	ok(c);
	cr_assert_str_eq(text(b, "jobTitle"), "one");
	cr_assert_str_eq(there(person(1), "jobTitle"), "two");
	clear(&s);
}

Test(sim_bundles, a_delete_keeps_its_place_among_changes)
{
	set(&s);
	spend(&s);
	struct sim_answer *a = title(&s, person(1), "one");
	struct sim_answer *b =
		ask(&s, CLIENT_DELETE, "people", json_pack("{s:s}", "id", person(1)));
	struct sim_answer *c = title(&s, person(1), "two");
	for (unsigned i = 10; i < 60; i++)
		title(&s, person(i), "two");
	await_all(&s);
	ok(a);
	ok(b);
	cr_assert_eq(c->code, RC_NOT_FOUND);
	cr_assert_str_eq(there(person(1), "jobTitle"), "one");
	cr_assert_str_neq(there(person(1), "deletedAt"), "");
	clear(&s);
}

Test(sim_bundles, without_webhooks_different_changes_go_one_by_one)
{
	set(&s);
	spend(&s);
	for (unsigned i = 0; i < 30; i++) {
		char t[16];
		snprintf(t, sizeof(t), "n %u", i);
		title(&s, person(i), t);
	}
	await_all(&s);
	cr_assert_eq(sim_count("POST", "upsert", 0), 0);
	cr_assert_eq(sim_count("PATCH", "", 200), 30);
	clear(&s);
}

Test(sim_bundles, a_change_that_always_fails_comes_to_an_end_and_takes_none_with_it)
{
	set(&s);
	spend(&s);
	s.method = "PATCH";
	s.target = "";
	s.strikes = -1;
	s.verdict = (struct wire_verdict){.fate = WIRE_ANSWER, .status = 500, .body = "{}"};
	struct sim_answer *a[4];
	for (unsigned i = 0; i < 4; i++)
		a[i] = title(&s, person(i), "same");
	await_all(&s);
	for (unsigned i = 0; i < 4; i++)
		cr_assert_neq(a[i]->code, RC_OK);
	cr_assert_leq(sim_count("PATCH", "", 0), 70);
	clear(&s);
}

/* ---- who rides with whom ---- */

Test(sim_bundles, a_bad_row_of_a_backfill_costs_a_live_call_no_request)
{
	set(&s);
	spend(&s);
	struct sim_answer *back[60], *live[2];
	for (unsigned i = 0; i < 60; i++) {
		json_t *data = with_email(i);
		if (i % 10 == 0)
			json_object_set_new(data, "workPreference", json_string("nonsense"));
		back[i] = ask_in(&s, CLIENT_BACKFILL, CLIENT_CREATE, "people",
			json_pack("{s:o}", "data", data));
	}
	for (unsigned i = 0; i < 2; i++)
		live[i] = create(&s, with_email(100 + i));
	await_all(&s);
	for (unsigned i = 0; i < 2; i++) {
		ok(live[i]);
		cr_assert_eq(live[i]->requests, 1);
	}
	for (unsigned i = 0; i < 60; i++) {
		cr_assert_eq(back[i]->code != RC_OK, i % 10 == 0, "%u: %s", i, back[i]->message);
		cr_assert_geq(back[i]->at_ms, live[0]->at_ms);
	}
	clear(&s);
}

Test(sim_bundles, a_background_read_rides_along_with_a_live_one)
{
	set(&s);
	spend(&s);
	struct sim_answer *back[20];
	for (unsigned i = 0; i < 20; i++)
		back[i] = ask_in(&s, CLIENT_BACKFILL, CLIENT_GET, "people",
			json_pack("{s:s}", "id", person(i)));
	struct sim_answer *live = get(&s, person(100));
	await_all(&s);
	cr_assert_eq(live->requests, 1);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert_str_eq(text(back[i], "id"), person(i));
		cr_assert_eq(back[i]->at_ms, live->at_ms);
	}
	clear(&s);
}

/* ---- off, or not needed ---- */

static void one_of_each(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		get(&s, person(i));
		title(&s, person(100 + i), "same");
		create(&s, with_email(i));
		ask(&s, CLIENT_LIST, "people",
			sim_json("{'where':{'jobTitle':'nobody'},'limit':7}"));
		ask(&s, CLIENT_DUPLICATES, "people",
			json_pack("{s:{s:{s:o}}}", "record", "emails", "primaryEmail",
				json_sprintf("d%u@example.com", i)));
	}
}

Test(sim_bundles, what_is_switched_off_goes_alone)
{
	static const struct {
		const char *settings, *method, *target;
		int n;
	} cases[] = {
		{"coalesce = false", "GET", "/rest/people/", 10},
		{"coalesce = false", "PATCH", "/rest/people/", 10},
		{"coalesce = false", "POST", "/rest/people", 20},
		{"coalesce = false", "GET", "limit=7", 10},
		{"coalesce = { get = false }", "GET", "/rest/people/", 10},
		{"coalesce = { update = false }", "PATCH", "/rest/people/", 10},
		{"coalesce = { create = false }", "POST", "/rest/people", 11},
		{"coalesce = { duplicates = false }", "POST", "/rest/people/duplicates", 10},
		{"coalesce = { read = false }", "GET", "limit=7", 10},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s.conf.settings = cases[i].settings;
		set(&s);
		spend(&s);
		one_of_each(10);
		await_all(&s);
		cr_assert_eq(sim_count(cases[i].method, cases[i].target, 0), cases[i].n,
			"%s: %d %s %s", cases[i].settings,
			sim_count(cases[i].method, cases[i].target, 0), cases[i].method,
			cases[i].target);
		clear(&s);
	}
}

Test(sim_bundles, with_free_budget_nothing_is_put_together_and_nothing_waits)
{
	s.conf.budget = "1000/m";
	set(&s);
	sim_sleep(&s.sim, 5000);
	size_t before_n = wire_request_n();
	one_of_each(10);
	await_all(&s);
	int64_t first_us = wire_request(before_n)->sent_us;
	cr_assert_eq(wire_request_n() - before_n, 50);
	for (size_t i = before_n; i < wire_request_n(); i++)
		cr_assert_eq(wire_request(i)->sent_us, first_us);
	clear(&s);
}

Test(sim_bundles, in_the_docs_dialect_the_same_reads_and_changes_of_one_record_are_one)
{
	s.conf.dialect = "docs";
	set(&s);
	spend(&s);
	struct sim_answer *reads[20], *writes[20], *made[5];
	for (unsigned i = 0; i < 20; i++) {
		char t[16];
		snprintf(t, sizeof(t), "n %u", i);
		reads[i] = get(&s, person(i / 10));
		writes[i] = title(&s, person(10 + i / 10), t);
	}
	for (unsigned i = 0; i < 5; i++)
		made[i] = create(&s, with_email(i));
	await_all(&s);
	for (unsigned i = 0; i < 20; i++) {
		ok(reads[i]);
		cr_assert_str_eq(text(reads[i], "id"), person(i / 10));
		ok(writes[i]);
	}
	for (unsigned i = 0; i < 5; i++) {
		char want[32];
		snprintf(want, sizeof(want), "new %u", i);
		ok(made[i]);
		cr_assert_str_eq(text(made[i], "jobTitle"), want);
	}
	cr_assert_str_eq(there(person(10), "jobTitle"), "n 9");
	cr_assert_str_eq(there(person(11), "jobTitle"), "n 19");
	cr_assert_eq(sim_count("PATCH", "", 0), 2);
	cr_assert_eq(sim_count("GET", "/rest/people/", 0), 2);
	cr_assert_eq(sim_count("POST", "/rest/people", 0), 5);
	clear(&s);
}

Test(sim_bundles, nothing_overtakes_what_waits_for_a_call_on_the_wire)
{
	set(&s);
	spend(&s);
	s.method = "PATCH";
	s.target = person(1);
	s.strikes = 1;
	s.verdict = (struct wire_verdict){.slow_ms = 8000};
	struct sim_answer *a = title(&s, person(1), "one");
	struct sim_answer *b = ask(&s, CLIENT_MERGE, "people",
		json_pack("{s:s,s:[s]}", "into", person(1), "from", person(2)));
	struct sim_answer *c = title(&s, person(2), "two");
	for (unsigned i = 10; i < 30; i++)
		ask(&s, CLIENT_LIST, "people",
			json_pack("{s:{s:o}}", "where", "jobTitle", json_sprintf("n %u", i)));
	await_all(&s);
	ok(a);
	ok(b);
	cr_assert_eq(c->code, RC_NOT_FOUND, "the merge was asked for first, and took it away");
	clear(&s);
}
