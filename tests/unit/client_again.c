/* SPDX-License-Identifier: MIT */
/*
 * A process died after it had sent an effect and before it had the answer. Its successor makes the
 * same call and says so: what happened is recognised, what did not is done. For each effect, in
 * both dialects, against a live twin that counts.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/client_rig.h"

static const char *const dialects[] = {"core", "docs"};

#define IN_BOTH(name)                                                                              \
	static void name##_in(struct rig *rig, bool core);                                         \
	Test(client_again, name, .timeout = 120)                                                   \
	{                                                                                          \
		for (int i = 0; i < 2; i++) {                                                      \
			struct rig rig;                                                            \
			cr_assert(rig_open(&rig, &(struct rig_conf){.twin = dialects[i]}));        \
			name##_in(&rig, i == 0);                                                   \
			rig_close(&rig);                                                           \
		}                                                                                  \
	}                                                                                          \
	static void name##_in(struct rig *rig, bool core)

static int64_t began_ms;

/* In the first life (call "n" is new), or in one after it. */
enum life { FIRST, AFTER };

static struct rig_answer call(struct rig *rig, enum life life, enum client_op op,
	const char *object, json_t *args, const char *name)
{
	if (life == FIRST || began_ms == 0)
		began_ms = clock_wall_ms();
	rig->since_ms = life == AFTER ? began_ms : 0;
	struct rig_answer a = rig_call(rig, op, object, args, name);
	rig->since_ms = 0;
	return a;
}

/* It goes well; the text at path. */
static const char *well(struct rig *rig, enum life life, enum client_op op, const char *object,
	json_t *args, const char *name, const char *path)
{
	static char text[2][256];
	static int turn;
	char *out = text[turn++ % 2];
	struct rig_answer a = call(rig, life, op, object, args, name);
	cr_assert_eq(a.code, RC_OK, "%s %s: %s", client_op_name(op), a.name, a.message);
	snprintf(out, sizeof(text[0]), "%s", rig_text(a.value, path));
	rig_answer_done(&a);
	return out;
}

static void badly(struct rig *rig, enum client_op op, const char *object, json_t *args, enum rc rc)
{
	struct rig_answer a = call(rig, AFTER, op, object, args, "n");
	cr_expect_eq(a.code, rc, "%s: %s, %s", client_op_name(op), a.name, a.message);
	cr_expect_eq(a.unknown, rc == RC_UNKNOWN);
	rig_answer_done(&a);
}

/* Records that are there, deleted ones too. */
static size_t rows(struct rig *rig, const char *object)
{
	char path[64];
	snprintf(path, sizeof(path), "/_twin/records/%s", object);
	json_t *all = rig_api(rig, "GET", path, NULL);
	json_t *list = json_is_array(all) ? all : json_object_get(all, object);
	size_t n = json_array_size(list);
	json_decref(all);
	return n;
}

static int writes(struct rig *rig)
{
	return rig_logged(rig, "PATCH", "/rest/") + rig_logged(rig, "DELETE", "/rest/");
}

static void make(struct rig *rig, const char *data, char ret_id[static 37])
{
	struct rig_answer a = rig_call(
		rig, CLIENT_CREATE, "people", json_pack("{s:o}", "data", rig_json(data)), "");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	snprintf(ret_id, 37, "%s", rig_text(a.value, "id"));
	rig_answer_done(&a);
}

static json_t *data_args(const char *data)
{
	return json_pack("{s:o}", "data", rig_json(data));
}

static json_t *id_args(const char *id)
{
	return json_pack("{s:s}", "id", id);
}

static json_t *update_args(const char *id, const char *data, const char *only_if)
{
	return json_pack("{s:s, s:o, s:o}", "id", id, "data", rig_json(data), "only_if",
		only_if != NULL ? rig_json(only_if) : json_null());
}

#define ANN "{'firstName':'Ann','lastName':'Lee','email':'ann@x.example'}"
#define BOB "{'firstName':'Bob','lastName':'Ray','email':'bob@x.example'}"

/* ---- create ---- */

IN_BOTH(a_record_is_made_once)
{
	(void)core;
	const char *first = well(rig, FIRST, CLIENT_CREATE, "people", data_args(ANN), "n", "id");
	const char *again = well(rig, AFTER, CLIENT_CREATE, "people", data_args(ANN), "n", "id");
	cr_expect_str_eq(first, again);
	cr_expect_eq(rows(rig, "people"), 1);
	well(rig, AFTER, CLIENT_CREATE, "people", data_args(BOB), "m", "id");
	cr_expect_eq(rows(rig, "people"), 2, "one that was not made is made");
}

Test(client_again, where_ids_are_the_servers_an_older_record_alike_is_another_one)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "docs"}));
	well(&rig, FIRST, CLIENT_CREATE, "notes", data_args("{'title':'t'}"), "n", "id");
	began_ms += 3600000;
	well(&rig, AFTER, CLIENT_CREATE, "notes", data_args("{'title':'t'}"), "n", "id");
	cr_expect_eq(rows(&rig, "notes"), 2);
	rig_close(&rig);
}

IN_BOTH(a_task_and_its_link_are_made_once)
{
	char ann[37], data[128];
	(void)core;
	make(rig, ANN, ann);
	snprintf(data, sizeof(data), "{'title':'call her','about':{'person':'%s'}}", ann);
	const char *first = well(rig, FIRST, CLIENT_CREATE, "tasks", data_args(data), "n", "id");
	const char *again = well(rig, AFTER, CLIENT_CREATE, "tasks", data_args(data), "n", "id");
	cr_expect_str_eq(first, again);
	cr_expect_eq(rows(rig, "tasks"), 1);
	cr_expect_eq(rows(rig, "taskTargets"), 1);
}

Test(client_again, an_id_of_the_rules_own_is_recognised_by_what_the_record_holds)
{
	struct rig rig;
	const char *data = "{'id':'11111111-2222-4333-8444-555555555555','title':'mine'}";
	const char *other = "{'id':'11111111-2222-4333-8444-555555555555','title':'other'}";
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	well(&rig, FIRST, CLIENT_CREATE, "notes", data_args(data), "n", "id");
	well(&rig, AFTER, CLIENT_CREATE, "notes", data_args(data), "n", "id");
	badly(&rig, CLIENT_CREATE, "notes", data_args(other), RC_DUPLICATE);
	struct rig_answer a = rig_call(&rig, CLIENT_CREATE, "notes", data_args(data), "n");
	cr_expect_eq(a.code, RC_DUPLICATE, "a new call finds somebody else's");
	rig_answer_done(&a);
	rig_close(&rig);
}

#define THREE                                                                                      \
	"{'list':[{'firstName':'Bat','lastName':'One'},{'firstName':'Bat','lastName':'Two'},"      \
	"{'firstName':'Bat','lastName':'Two'}]}"

IN_BOTH(many_records_are_made_once)
{
	const char *first =
		well(rig, FIRST, CLIENT_CREATE_MANY, "people", rig_json(THREE), "n", "0.id");
	const char *again =
		well(rig, AFTER, CLIENT_CREATE_MANY, "people", rig_json(THREE), "n", "0.id");
	cr_expect_str_eq(first, again);
	cr_expect_eq(rows(rig, "people"), 3);
	well(rig, AFTER, CLIENT_CREATE_MANY, "people",
		rig_json("{'list':[{'firstName':'Bat','lastName':'Six'}]}"), "m", "0.id");
	cr_expect_eq(rows(rig, "people"), 4);
	(void)core;
}

Test(client_again, of_many_records_those_are_made_that_are_missing)
{
	struct rig rig;
	char id[37];
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "docs"}));
	began_ms = clock_wall_ms();
	make(&rig, "{'firstName':'Bat','lastName':'Two'}", id); /* the first of two alike */
	well(&rig, AFTER, CLIENT_CREATE_MANY, "people", rig_json(THREE), "n", "0.id");
	cr_expect_eq(rows(&rig, "people"), 3);
	rig_close(&rig);
}

IN_BOTH(what_was_ensured_is_there_once_and_still_called_new)
{
	const char *args = "{'where':{'email':'ann@x.example'},'data':{'firstName':'Ann'}}";
	(void)core;
	const char *first =
		well(rig, FIRST, CLIENT_ENSURE, "people", rig_json(args), "n", "record.id");
	const char *again =
		well(rig, AFTER, CLIENT_ENSURE, "people", rig_json(args), "n", "record.id");
	cr_expect_str_eq(first, again);
	cr_expect_str_eq(
		well(rig, AFTER, CLIENT_ENSURE, "people", rig_json(args), "n", "created"), "true");
	cr_expect_str_eq(
		well(rig, FIRST, CLIENT_ENSURE, "people", rig_json(args), "m", "created"), "false");
	cr_expect_eq(rows(rig, "people"), 1);
}

/* ---- update ---- */

IN_BOTH(a_change_that_shows_is_not_written_again)
{
	char ann[37];
	(void)core;
	make(rig, ANN, ann);
	well(rig, FIRST, CLIENT_UPDATE, "people", update_args(ann, "{'jobTitle':'CTO'}", NULL), "n",
		"id");
	int n = writes(rig);
	cr_expect_str_eq(well(rig, AFTER, CLIENT_UPDATE, "people",
				 update_args(ann, "{'jobTitle':'CTO'}", NULL), "n", "jobTitle"),
		"CTO");
	cr_expect_eq(writes(rig), n);
	cr_expect_str_eq(well(rig, AFTER, CLIENT_UPDATE, "people",
				 update_args(ann, "{'jobTitle':'CEO'}", NULL), "n", "jobTitle"),
		"CEO");
	cr_expect_eq(writes(rig), n + 1, "one that does not show is written");
}

IN_BOTH(a_conditional_change_that_may_have_been_anybodys_is_not_claimed)
{
	char ann[37];
	(void)core;
	make(rig, ANN, ann);
	const char *if_ann = "{'lastName':'Lee'}";
	well(rig, AFTER, CLIENT_UPDATE, "people", update_args(ann, "{'lastName':'Ray'}", if_ann),
		"n", "id");
	int n = writes(rig);
	badly(rig, CLIENT_UPDATE, "people", update_args(ann, "{'lastName':'Ray'}", if_ann),
		RC_UNKNOWN);
	badly(rig, CLIENT_UPDATE, "people", update_args(ann, "{'lastName':'Sun'}", if_ann),
		RC_CONFLICT);
	cr_expect_eq(writes(rig), n);
}

IN_BOTH(many_changes_that_show_are_not_written_again)
{
	char ann[37], bob[37];
	(void)core;
	make(rig, ANN, ann);
	make(rig, BOB, bob);
	for (int i = 0; i < 2; i++) {
		json_t *args = json_pack("{s:[{s:s,s:s},{s:s,s:s}]}", "list", "id", ann, "jobTitle",
			"A", "id", bob, "jobTitle", "B");
		cr_expect_str_eq(well(rig, i == 0 ? FIRST : AFTER, CLIENT_UPDATE_MANY, "people",
					 args, "n", "1.jobTitle"),
			"B");
		cr_expect_eq(writes(rig), 2);
	}
	for (int i = 0; i < 2; i++) {
		json_t *args = rig_json("{'where':{'firstName':['Ann','Bob']},"
					"'data':{'jobTitle':'C'},'max':5}");
		cr_expect_str_eq(well(rig, i == 0 ? FIRST : AFTER, CLIENT_UPDATE_WHERE, "people",
					 args, "n", "0.jobTitle"),
			"C");
		cr_expect_eq(writes(rig), 4);
	}
}

/* ---- delete, restore, destroy, merge ---- */

IN_BOTH(what_was_deleted_and_restored_is_recognised)
{
	char ann[37];
	(void)core;
	make(rig, ANN, ann);
	well(rig, FIRST, CLIENT_DELETE, "people", id_args(ann), "n", "id");
	cr_expect_str_eq(well(rig, AFTER, CLIENT_DELETE, "people", id_args(ann), "n", "id"), ann);
	cr_expect_eq(rows(rig, "people"), 1, "it lies in the bin");
	int n = writes(rig);
	well(rig, AFTER, CLIENT_RESTORE, "people", id_args(ann), "n", "id");
	cr_expect_eq(writes(rig), n + 1, "one that was not restored is");
	cr_expect_str_eq(well(rig, AFTER, CLIENT_RESTORE, "people", id_args(ann), "n", "id"), ann);
	cr_expect_eq(writes(rig), n + 1);
	cr_expect_str_eq(well(rig, FIRST, CLIENT_GET, "people", id_args(ann), "g", "id"), ann);
}

Test(client_again, what_was_destroyed_is_recognised)
{
	struct rig rig;
	char ann[37];
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	make(&rig, ANN, ann);
	well(&rig, AFTER, CLIENT_DESTROY, "people", id_args(ann), "n", "id");
	cr_expect_eq(rows(&rig, "people"), 0, "one that was there is destroyed");
	int n = writes(&rig);
	cr_expect_str_eq(well(&rig, AFTER, CLIENT_DESTROY, "people", id_args(ann), "n", "id"), ann);
	cr_expect_eq(writes(&rig), n);
	struct rig_answer a = rig_call(&rig, CLIENT_DESTROY, "people", id_args(ann), "m");
	cr_expect_eq(a.code, RC_NOT_FOUND, "a new call says that there is none");
	rig_answer_done(&a);
	rig_close(&rig);
}

IN_BOTH(what_was_merged_is_recognised_and_the_rest_is_merged)
{
	char ann[37], bob[37], eve[37];
	(void)core;
	make(rig, ANN, ann);
	make(rig, BOB, bob);
	make(rig, "{'firstName':'Eve','lastName':'Fox'}", eve);
	well(rig, AFTER, CLIENT_MERGE, "people", json_pack("{s:s,s:[s]}", "into", ann, "from", bob),
		"n", "id");
	cr_expect_eq(rows(rig, "people"), 2, "one that was there is merged away");
	int n = writes(rig);
	cr_expect_str_eq(well(rig, AFTER, CLIENT_MERGE, "people",
				 json_pack("{s:s,s:[s]}", "into", ann, "from", bob), "n", "id"),
		ann);
	cr_expect_eq(writes(rig), n);
	cr_expect_str_eq(
		well(rig, AFTER, CLIENT_MERGE, "people",
			json_pack("{s:s,s:[s,s]}", "into", ann, "from", bob, eve), "n", "id"),
		ann);
	cr_expect_eq(writes(rig), n + 1, "the one that is left");
	cr_expect_eq(rows(rig, "people"), 1);
	badly(rig, CLIENT_MERGE, "people", json_pack("{s:s,s:[s]}", "into", bob, "from", ann),
		RC_NOT_FOUND);
}

/* ---- graphql ---- */

Test(client_again, a_mutation_that_may_have_been_done_is_never_sent_again)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	int n = rig_logged(&rig, "POST", "/graphql");
	began_ms = clock_wall_ms();
	badly(&rig, CLIENT_GRAPHQL, "graphql",
		rig_json("{'query':'mutation { deletePerson(id: 1) { id } }'}"), RC_UNKNOWN);
	cr_expect_eq(rig_logged(&rig, "POST", "/graphql"), n);
	rig_close(&rig);
}
