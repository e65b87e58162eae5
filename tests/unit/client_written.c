/* SPDX-License-Identifier: MIT */
/*
 * What calls say that they changed, in both dialects, against a live twin.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

struct heard { /* of one call */
	bool done;
	enum rc code;
	json_t *value;
	struct client_write p[16];
	size_t n;
};

static void take(void *ctx, const struct client_answer *a)
{
	struct heard *h = ctx;
	h->done = true;
	h->code = a->code;
	h->value = a->code == RC_OK ? json_incref(a->value) : NULL;
	for (h->n = 0; h->n < a->writes_n && h->n < ARRAY_N(h->p); h->n++) {
		h->p[h->n] = a->writes[h->n];
		json_incref(h->p[h->n].fields);
		json_incref(h->p[h->n].others);
		h->p[h->n].by = NULL;
	}
}

static bool is_done(void *ctx)
{
	return ((struct heard *)ctx)->done;
}

static struct heard call(struct rig *rig, enum client_op op, const char *object, json_t *args)
{
	struct heard h = {.done = false};
	struct err err = {0};
	uint64_t ticket;
	static int count;
	char name[32];
	snprintf(name, sizeof(name), "call %d", count++);
	struct client_call c = {
		.op = op, .object = object, .args = args, .name = name, .done = take, .ctx = &h};
	cr_assert_eq(client_submit(rig->client, &c, &ticket, &err), RC_OK, "%s", err.msg);
	json_decref(args);
	cr_assert(rig_until(rig, is_done, &h, 30000));
	return h;
}

static void heard_done(struct heard *h)
{
	for (size_t i = 0; i < h->n; i++) {
		json_decref(h->p[i].fields);
		json_decref(h->p[i].others);
	}
	json_decref(h->value);
}

static const char *text(const json_t *fields, const char *name)
{
	const char *t = json_string_value(json_object_get(fields, name));
	return t != NULL ? t : "";
}

static void make(struct rig *rig, const char *data, char ret_id[static 37])
{
	struct heard h =
		call(rig, CLIENT_CREATE, "people", json_pack("{s:o}", "data", rig_json(data)));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_CREATED);
	cr_assert_str_eq(h.p[0].object, "person");
	cr_assert_str_eq(h.p[0].record, rig_text(h.value, "id"));
	cr_assert_gt(h.p[0].at_ms, 0);
	snprintf(ret_id, 37, "%.36s", h.p[0].record);
	heard_done(&h);
}

static const char *const dialects[] = {"core", "docs"};

#define IN_BOTH(name)                                                                              \
	static void name##_in(struct rig *rig, bool core);                                         \
	Test(client_written, name, .timeout = 120)                                                 \
	{                                                                                          \
		for (int i = 0; i < 2; i++) {                                                      \
			struct rig rig;                                                            \
			cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialects[i]}));        \
			name##_in(&rig, i == 0);                                                   \
			rig_close(&rig);                                                           \
		}                                                                                  \
	}                                                                                          \
	static void name##_in(struct rig *rig, bool core)

IN_BOTH(an_update_names_its_fields_as_a_webhook_does_with_the_values_that_were_answered)
{
	(void)core;
	char id[37];
	make(rig, "{'firstName': 'Ann'}", id);
	struct heard h = call(rig, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:o}", "id", id, "data",
			rig_json("{'email': 'Ann.LEE@Acme.Example', 'jobTitle': 'Boss'}")));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_UPDATED);
	cr_assert_str_eq(h.p[0].record, id);
	cr_assert_gt(h.p[0].at_ms, 0);
	cr_assert_eq(json_object_size(h.p[0].fields), 2u);
	cr_assert_str_eq(text(h.p[0].fields, "jobTitle"), "Boss");
	cr_assert_str_eq(text(json_object_get(h.p[0].fields, "emails"), "primaryEmail"),
		rig_text(h.value, "emails.primaryEmail"));
	heard_done(&h);
}

IN_BOTH(a_relation_has_both_of_its_names)
{
	(void)core;
	char id[37];
	struct heard c = call(rig, CLIENT_CREATE, "companies",
		json_pack("{s:o}", "data", rig_json("{'name': 'Acme'}")));
	cr_assert_eq(c.code, RC_OK);
	make(rig, "{'firstName': 'Ann'}", id);
	struct heard h = call(rig, CLIENT_UPDATE, "people",
		json_pack(
			"{s:s, s:{s:s}}", "id", id, "data", "companyId", rig_text(c.value, "id")));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_str_eq(text(h.p[0].fields, "companyId"), rig_text(c.value, "id"));
	cr_assert_str_eq(text(h.p[0].fields, "company"), rig_text(c.value, "id"));
	heard_done(&h);
	heard_done(&c);
}

IN_BOTH(what_was_not_changed_is_not_written)
{
	char id[37];
	make(rig, "{'firstName': 'Ann', 'jobTitle': 'x'}", id);
	struct heard h = call(rig, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:o, s:o}", "id", id, "data", rig_json("{'jobTitle': 'y'}"),
			"only_if", rig_json("{'jobTitle': 'z'}")));
	cr_assert_eq(h.code, RC_CONFLICT);
	cr_assert_eq(h.n, 0u);
	heard_done(&h);
	h = call(rig, CLIENT_GET, "people", json_pack("{s:s}", "id", id));
	cr_assert_eq(h.n, 0u);
	heard_done(&h);
	json_t *args = json_pack("{s:o, s:o}", "where", rig_json("{'jobTitle': 'x'}"), "data",
		rig_json("{'jobTitle': 'x'}"));
	h = call(rig, CLIENT_ENSURE, "people", args);
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 0u, "it was there");
	heard_done(&h);
	(void)core;
}

IN_BOTH(ensure_and_create_many_tell_of_new_records)
{
	(void)core;
	json_t *args = json_pack("{s:o, s:o}", "where", rig_json("{'jobTitle': 'new'}"), "data",
		rig_json("{'jobTitle': 'new'}"));
	struct heard h = call(rig, CLIENT_ENSURE, "people", args);
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_CREATED);
	heard_done(&h);
	h = call(rig, CLIENT_CREATE_MANY, "people",
		json_pack("{s:o}", "list",
			rig_json("[{'firstName': 'A'}, {'firstName': 'B'}, {'firstName': 'C'}]")));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 3u);
	for (size_t i = 0; i < h.n; i++)
		cr_assert_eq(h.p[i].action, CLIENT_CREATED);
	heard_done(&h);
}

IN_BOTH(many_updates_are_told_one_by_one_even_where_one_of_them_failed)
{
	(void)core;
	char a[37], b[37];
	make(rig, "{'jobTitle': 'many', 'firstName': 'A'}", a);
	make(rig, "{'jobTitle': 'many', 'firstName': 'B'}", b);
	struct heard h = call(rig, CLIENT_UPDATE_WHERE, "people",
		json_pack("{s:o, s:o, s:i}", "where", rig_json("{'jobTitle': 'many'}"), "data",
			rig_json("{'jobTitle': 'more'}"), "max", 5));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 2u);
	cr_assert_str_eq(text(h.p[1].fields, "jobTitle"), "more");
	heard_done(&h);
	h = call(rig, CLIENT_UPDATE_MANY, "people",
		json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "list", "id", a, "jobTitle", "one", "id",
			"00000000-0000-4000-8000-000000000000", "jobTitle", "two"));
	cr_assert_neq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u, "the one that was changed and stays so");
	cr_assert_str_eq(h.p[0].record, a);
	heard_done(&h);
}

IN_BOTH(deletions_restorations_and_destructions_are_told)
{
	char id[37];
	make(rig, "{'firstName': 'Ann'}", id);
	struct heard h = call(rig, CLIENT_DELETE, "people", json_pack("{s:s}", "id", id));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_DELETED);
	cr_assert_str_eq(text(h.p[0].fields, "deletedAt"), rig_text(h.value, "deletedAt"));
	heard_done(&h);
	h = call(rig, CLIENT_RESTORE, "people", json_pack("{s:s}", "id", id));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.p[0].action, CLIENT_RESTORED);
	heard_done(&h);
	if (!core) /* it cannot destroy */
		return;
	h = call(rig, CLIENT_DESTROY, "people", json_pack("{s:s}", "id", id));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_DESTROYED);
	cr_assert_str_eq(h.p[0].record, id);
	heard_done(&h);
}

IN_BOTH(a_merge_changes_the_winner_and_destroys_the_rest)
{
	(void)core;
	char a[37], b[37];
	make(rig, "{'firstName': 'A'}", a);
	make(rig, "{'firstName': 'B', 'jobTitle': 'x'}", b);
	struct heard h =
		call(rig, CLIENT_MERGE, "people", json_pack("{s:s, s:[s]}", "into", a, "from", b));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 2u);
	cr_assert_eq(h.p[0].action, CLIENT_UPDATED);
	cr_assert_str_eq(h.p[0].record, a);
	cr_assert_null(h.p[0].fields, "whatever a merge changes");
	cr_assert_eq(h.p[1].action, CLIENT_DESTROYED);
	cr_assert_str_eq(h.p[1].record, b);
	heard_done(&h);
}

Test(client_written, a_task_about_somebody_makes_its_link_too, .timeout = 60)
{
	struct rig rig;
	char id[37];
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	make(&rig, "{'firstName': 'Ann'}", id);
	struct heard h = call(&rig, CLIENT_CREATE, "tasks",
		json_pack("{s:{s:s, s:{s:s}}}", "data", "title", "call", "about", "person", id));
	cr_assert_eq(h.code, RC_OK);
	size_t links = 0, tasks = 0;
	for (size_t i = 0; i < h.n; i++) {
		links += strcmp(h.p[i].object, "taskTarget") == 0;
		tasks += strcmp(h.p[i].object, "task") == 0;
	}
	cr_assert_eq(links, 1u);
	cr_assert_geq(tasks, 1u);
	heard_done(&h);
	rig_close(&rig);
}

static bool mutates(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"a\":{\"id\":\"36D4ADF0-ec41-4587-a1b6-1523f9b5f092\","
		"\"updatedAt\":\"2026-11-23T18:25:02.057Z\",\"person\":{\"id\":"
		"\"7f1c2f4e-0a3d-4c0e-9d8e-3b6b1c8d2a11\",\"updatedAt\":"
		"\"2026-11-23T18:25:01.000Z\"}},\"b\":{\"id\":"
		"\"ea3cacbf-d741-4a02-8704-f74ab11dafff\"},\"c\":[{\"node\":{\"id\":\"x\","
		"\"updatedAt\":\"2026-11-23T18:25:02.057Z\"}}]}}");
}

/* Without its time a record cannot be known again, nor without an id; a related one was not
 * changed: its time is that of somebody else's change. */
Test(client_written, a_mutation_tells_of_what_its_answer_shows, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, mutates, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct heard h = call(&rig, CLIENT_GRAPHQL, "graphql",
		json_pack("{s:s}", "query", "mutation { a: x { id updatedAt } b: y { id } }"));
	cr_assert_eq(h.code, RC_OK);
	cr_assert_eq(h.n, 1u);
	cr_assert_eq(h.p[0].action, CLIENT_CHANGED);
	cr_assert_str_eq(h.p[0].record, "36d4adf0-ec41-4587-a1b6-1523f9b5f092");
	cr_assert_eq(h.p[0].at_ms, 1795458302057);
	heard_done(&h);
	rig_close(&rig);
	fake_close(&fake);
}
