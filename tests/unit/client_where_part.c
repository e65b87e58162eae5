/* SPDX-License-Identifier: MIT */
/* A list too long for one request: which are split, into how many parts, and that none is lost. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/where.h"
#include "tests/unit/client_rig.h"

/* Ids, or names of that many letters. GIVES. */
static json_t *members(int n, int letters)
{
	json_t *list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(
			list, letters > 0 ? json_sprintf("%0*d", letters, i)
					  : json_sprintf("%08d-2222-4333-8444-555555555555", i));
	return list;
}

/* How many parts a condition has. TAKES condition. */
static size_t parts_of(json_t *condition)
{
	struct where *where = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(where_parse(NULL, "people", condition, &where, &err), RC_OK, "%s", err.msg);
	size_t n = where_parts(where);
	where_free(where);
	json_decref(condition);
	return n;
}

Test(client_where_part, only_what_all_records_must_meet_is_split)
{
	cr_expect_eq(parts_of(json_pack("{s:o}", "id", members(200, 0))), 1);
	cr_expect_eq(parts_of(json_pack("{s:o}", "id", members(201, 0))), 2);
	cr_expect_eq(parts_of(json_pack(
			     "{s:[{s:o}, {s:s}]}", "all", "id", members(450, 0), "city", "x")),
		3);
	/* a piece of these would let through what the whole does not, or the other way round */
	cr_expect_eq(parts_of(json_pack(
			     "{s:[{s:o}, {s:s}]}", "any", "id", members(450, 0), "city", "x")),
		1);
	cr_expect_eq(parts_of(json_pack("{s:[{s:o}]}", "none", "id", members(450, 0))), 1);
}

/* The list of a condition that is nothing else. BORROWS. */
static json_t *list_of(const struct where *w)
{
	return w->kind == WHERE_TEST ? w->value : list_of(w->child[0]);
}

Test(client_where_part, long_members_make_more_parts_and_none_is_lost)
{
	struct where *where = NULL;
	struct err err;
	json_t *condition = json_pack("{s:o}", "jobTitle", members(100, 250));
	cr_assert_eq(where_parse(NULL, "people", condition, &where, &err), RC_OK);
	size_t parts = where_parts(where), n = 0;
	cr_expect_gt(parts, 2);
	for (size_t i = 0; i < parts; i++) {
		struct where *part = where_part(where, i);
		cr_assert_not_null(part);
		size_t here = json_array_size(list_of(part));
		cr_expect(here > 0 && here * 250 < 10000, "%zu members", here);
		cr_expect(json_equal(
			json_array_get(list_of(part), 0), json_array_get(list_of(where), n)));
		n += here;
		where_free(part);
	}
	cr_expect_eq(n, 100);
	where_free(where);
	json_decref(condition);
}

Test(client_where_part, what_one_part_did_not_want_the_next_one_may, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	struct rig_answer made = rig_call(&rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'firstName':'A','jobTitle':'axb'}}"), "made");
	cr_assert_eq(made.code, RC_OK, "%s", made.message);
	json_t *list = members(250, 8);
	json_array_insert_new(list, 0, json_string("a)b")); /* is asked for as a_b */
	json_array_append_new(list, json_string("axb"));    /* is in the second part */
	struct rig_answer found = rig_call(&rig, CLIENT_LIST, "people",
		json_pack("{s:{s:o}, s:i}", "where", "jobTitle", list, "limit", 100), "list");
	cr_assert_eq(found.code, RC_OK, "%s", found.message);
	cr_assert_eq(json_array_size(json_object_get(found.value, "records")), 1);
	rig_answer_done(&made);
	rig_answer_done(&found);
	rig_close(&rig);
}
