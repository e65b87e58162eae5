/* SPDX-License-Identifier: MIT */
/*
 * Each effect under each passing trouble: it ends well, and it happened once. Printed: how many
 * requests each effect took. One test a trouble, since most of the time is spent waiting.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/client_rig.h"

#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)

static size_t people_n(struct rig *rig)
{
	json_t *all = rig_api(rig, "GET", "/_twin/records/people", NULL);
	json_t *list = json_is_array(all) ? all : json_object_get(all, "people");
	size_t n = json_array_size(list);
	json_decref(all);
	return n;
}

/* Another person, made before the trouble begins. */
static char *other_person(struct rig *rig)
{
	struct rig_answer a = rig_call(rig, CLIENT_CREATE, "people",
		rig_json("{'data':{'firstName':'Other','email':'o@x.example'}}"), "other");
	OK(a);
	char *id = strdup(rig_text(a.value, "id"));
	rig_answer_done(&a);
	return id;
}

struct trouble {
	struct rig rig;
	const char *fault;
};

/* From here on the fault hits the first requests that match, and then stops. */
static void begins(struct trouble *t, const char *match)
{
	char spec[128];
	snprintf(spec, sizeof(spec), "%s,match=%s", t->fault, match);
	cr_assert(rig_fault(&t->rig, spec));
}

static struct rig_answer effect(
	struct trouble *t, const char *match, enum client_op op, json_t *args, const char *derived)
{
	begins(t, match);
	struct rig_answer a = rig_call(&t->rig, op, "people", args, derived);
	OK(a);
	return a;
}

static void passes(const char *dialect, const char *fault)
{
	struct trouble t = {.fault = fault};
	struct rig_answer a[5];
	cr_assert(rig_open(&t.rig, &(struct rig_conf){.twin = dialect, .timeout = "700ms"}));
	char *other = other_person(&t.rig);
	a[0] = effect(&t, "POST /rest/people", CLIENT_CREATE,
		rig_json("{'data':{'firstName':'Ann','lastName':'Lee','email':'ann@x.example'}}"),
		"e/r/1");
	cr_assert_eq(people_n(&t.rig), 2);
	const char *id = rig_text(a[0].value, "id");
	a[1] = effect(&t, "PATCH /rest/people", CLIENT_UPDATE,
		json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", "CTO"), "e/r/2");
	cr_assert_str_eq(rig_text(a[1].value, "jobTitle"), "CTO");
	a[2] = effect(&t, "PATCH /rest/people", CLIENT_MERGE,
		json_pack("{s:s, s:[s]}", "into", id, "from", other), "e/r/3");
	cr_assert_str_eq(rig_text(a[2].value, "id"), id);
	cr_assert_eq(people_n(&t.rig), 1);
	a[3] = effect(&t, "DELETE", CLIENT_DELETE, json_pack("{s:s}", "id", id), "e/r/4");
	a[4] = effect(&t, "POST /rest/batch", CLIENT_CREATE_MANY,
		rig_json("{'list':[{'firstName':'Bat','lastName':'One'},"
			 "{'firstName':'Bat','lastName':'Two'},"
			 "{'firstName':'Bat','lastName':'Two'}]}"),
		"e/r/5");
	cr_assert_eq(json_array_size(a[4].value), 3);
	cr_assert_str_neq(rig_text(a[4].value, "1.id"), "");
	cr_assert_str_eq(rig_text(a[4].value, "2.name.lastName"), "Two");
	cr_assert_eq(people_n(&t.rig), 4);
	printf("%-27s %s: create %d, update %d, delete %d, merge %d, many %d requests\n", fault,
		dialect, a[0].requests, a[1].requests, a[3].requests, a[2].requests, a[4].requests);
	for (int k = 0; k < 5; k++)
		rig_answer_done(&a[k]);
	free(other);
	rig_close(&t.rig);
}

#define ONCE(name, dialect, fault)                                                                 \
	Test(client_once, name, .timeout = 120)                                                    \
	{                                                                                          \
		passes(dialect, fault);                                                            \
	}

ONCE(core_unavailable, "core", "status=503:2")
ONCE(core_broken, "core", "status=500:2")
ONCE(core_bad_gateway, "core", "status=502:3")
ONCE(core_reset, "core", "reset=2")
ONCE(core_cut, "core", "cut=2")
ONCE(core_hanging, "core", "hang=1")
ONCE(core_over_budget, "core", "status=429:2")
ONCE(core_over_budget_for_a_second, "core", "status=429:2,retry-after=1")
ONCE(core_slow, "core", "slow=2000:1")
ONCE(docs_unavailable, "docs", "status=503:2")
ONCE(docs_broken, "docs", "status=500:2")
ONCE(docs_reset, "docs", "reset=2")
ONCE(docs_cut, "docs", "cut=1")
ONCE(docs_hanging, "docs", "hang=1")
ONCE(docs_over_budget_for_no_time, "docs", "status=429:2,retry-after=0")
ONCE(docs_slow, "docs", "slow=2000:1")
