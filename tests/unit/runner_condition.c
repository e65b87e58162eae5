/* SPDX-License-Identifier: MIT */
/*
 * `when` as data: has and is on the record of an event, groups of predicates, functions in groups.
 * From: records as webhooks bring them. To: runner/predicate.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "client/schema.h"
#include "runner/predicate.h"

#define PERSON                                                                                     \
	"{\"id\":\"1\",\"name\":{\"firstName\":\"Ann\",\"lastName\":\"\"},\"score\":7,"            \
	"\"emails\":{\"primaryEmail\":\"Ann@Acme.io\",\"additionalEmails\":[]},"                   \
	"\"phones\":{\"primaryPhoneNumber\":\"612345678\",\"primaryPhoneCallingCode\":\"+33\"},"   \
	"\"city\":\"Paris\",\"intro\":null,\"jobTitle\":\"\",\"companyId\":null,\"vip\":false,"    \
	"\"workPreference\":[\"REMOTE\",\"HYBRID\"],\"tags\":[],"                                  \
	"\"createdAt\":\"2026-11-01T10:00:00.000Z\","                                              \
	"\"budget\":{\"amountMicros\":7500000,\"currencyCode\":\"EUR\"},"                          \
	"\"linkedinLink\":{\"primaryLinkUrl\":\"\",\"primaryLinkLabel\":\"\",\"secondaryLinks\":"  \
	"null}}"
#define PAYMENT                                                                                    \
	"{\"id\":\"evt_1\",\"type\":\"payment_intent.succeeded\",\"livemode\":false,\"data\":"     \
	"{\"object\":{\"amount_total\":4200,\"customer_details\":{\"address\":{\"city\":"          \
	"\"Oslo\"}},\"email\":null}}}"

static struct schema *schema;
static char lack[256];

static struct predicate *made(const char *text)
{
	struct predicate *predicate = NULL;
	struct err err = {0};
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);
	cr_assert_not_null(json, "%s: %s", text, why.text);
	cr_assert_eq(predicate_new(json, &predicate, &err), RC_OK, "%s: %s", text, err.msg);
	json_decref(json);
	return predicate;
}

static enum predicate_answer decided(const char *text, const char *object, const char *record)
{
	struct err told;
	json_t *tree = json_loads(record, 0, NULL);
	cr_assert_not_null(tree);
	struct predicate *predicate = made(text);
	struct predicate_ask ask = {
		.predicate = predicate,
		.schema = schema,
		.schema_n = schema != NULL,
		.object = object,
		.action = object[0] != '\0' ? "updated" : "",
		.record = tree,
	};
	enum predicate_answer answer = predicate_decide(&ask, &told);
	cr_expect_eq(predicate_decide(&ask, &told), answer, "twice the same: %s", text);
	snprintf(lack, sizeof(lack), "%s", told.code == RC_OK ? "" : told.msg);
	predicate_free(predicate);
	json_decref(tree);
	return answer;
}

struct of {
	const char *text;
	enum predicate_answer answer;
};

static void expect_all(const struct of *cases, size_t n, const char *object, const char *record)
{
	for (size_t i = 0; i < n; i++) {
		enum predicate_answer answer = decided(cases[i].text, object, record);
		cr_expect_eq(answer, cases[i].answer, "%s: %d, not %d (%s)", cases[i].text, answer,
			cases[i].answer, lack);
		cr_expect(answer != PREDICATE_UNSURE || lack[0] != '\0', "%s: %s", cases[i].text,
			lack);
	}
}

Test(runner_condition, has_is_a_value_that_is_neither_null_nor_empty)
{
	static const struct of cases[] = {
		{"{\"has\":[\"city\"]}", PREDICATE_YES},
		{"{\"has\":[\"email\"]}", PREDICATE_YES},
		{"{\"has\":[\"emails\"]}", PREDICATE_YES},
		{"{\"has\":[\"emails.primaryEmail\",\"phone\",\"score\"]}", PREDICATE_YES},
		{"{\"has\":[\"vip\"]}", PREDICATE_YES}, /* false is a value */
		{"{\"has\":[\"name\"]}", PREDICATE_YES},
		{"{\"has\":[\"firstName\"]}", PREDICATE_YES},
		{"{\"has\":[\"lastName\"]}", PREDICATE_NO},
		{"{\"has\":[\"intro\"]}", PREDICATE_NO},
		{"{\"has\":[\"jobTitle\"]}", PREDICATE_NO},
		{"{\"has\":[\"tags\"]}", PREDICATE_NO},
		{"{\"has\":[\"workPreference\"]}", PREDICATE_YES},
		{"{\"has\":[\"linkedin\"]}", PREDICATE_NO},
		{"{\"has\":[\"linkedinLink\"]}", PREDICATE_NO},
		{"{\"has\":[\"company\"]}", PREDICATE_NO},
		{"{\"has\":[\"companyId\"]}", PREDICATE_NO},
		{"{\"has\":[\"budget\"]}", PREDICATE_YES},
		{"{\"has\":[\"emails.additionalEmails\"]}", PREDICATE_NO},
		{"{\"has\":[\"email\",\"intro\"]}", PREDICATE_NO}, /* all of them */
		{"{\"has\":[\"emial\"]}", PREDICATE_UNSURE},
		{"{\"has\":[\"emial\",\"intro\"]}", PREDICATE_NO},
	};
	expect_all(cases, ARRAY_N(cases), "person", PERSON);
	decided("{\"has\":[\"emial\"]}", "person", PERSON);
	cr_expect_str_eq(lack, "has \"emial\" is no field of person: that does not hold");
}

Test(runner_condition, is_takes_what_where_takes)
{
	static const struct of cases[] = {
		{"{\"is\":{\"city\":\"Paris\"}}", PREDICATE_YES},
		{"{\"is\":{\"city\":\"paris\"}}", PREDICATE_NO},
		{"{\"is\":{\"city\":[\"Lyon\",\"Paris\"]}}", PREDICATE_YES},
		{"{\"is\":{\"city\":{\"neq\":\"Lyon\"},\"score\":7}}", PREDICATE_YES},
		{"{\"is\":{\"city\":\"Paris\",\"score\":8}}", PREDICATE_NO},
		{"{\"is\":{\"city\":{\"contains\":\"ARI\"}}}", PREDICATE_YES},
		{"{\"is\":{\"city\":{\"startsWith\":\"Pa\",\"endsWith\":\"is\"}}}", PREDICATE_YES},
		{"{\"is\":{\"city\":{\"startsWith\":\"pa\"}}}", PREDICATE_NO},
		{"{\"is\":{\"city\":{\"like\":\"P%r_s\"}}}", PREDICATE_YES},
		{"{\"is\":{\"email\":\"ann@acme.io\"}}", PREDICATE_YES},
		{"{\"is\":{\"email\":{\"contains\":\"@ACME\"}}}", PREDICATE_YES},
		{"{\"is\":{\"phone\":\"+33612345678\"}}", PREDICATE_YES},
		{"{\"is\":{\"phone\":\"+33612345679\"}}", PREDICATE_NO},
		{"{\"is\":{\"firstName\":\"Ann\"}}", PREDICATE_YES},
		{"{\"is\":{\"score\":{\"gt\":6,\"lte\":7}}}", PREDICATE_YES},
		{"{\"is\":{\"score\":{\"lt\":7}}}", PREDICATE_NO},
		{"{\"is\":{\"createdAt\":{\"gte\":\"2026-11-01\"}}}", PREDICATE_YES},
		{"{\"is\":{\"createdAt\":{\"lt\":\"2026-11-01T09:00:00Z\"}}}", PREDICATE_NO},
		{"{\"is\":{\"intro\":null}}", PREDICATE_YES},
		{"{\"is\":{\"jobTitle\":{\"empty\":true}}}", PREDICATE_YES},
		{"{\"is\":{\"city\":{\"empty\":true}}}", PREDICATE_NO},
		{"{\"is\":{\"email\":{\"empty\":false}}}", PREDICATE_YES},
		{"{\"is\":{\"companyId\":null}}", PREDICATE_YES},
		{"{\"is\":{\"vip\":false}}", PREDICATE_YES},
		{"{\"is\":{\"workPreference\":\"REMOTE\"}}", PREDICATE_YES},
		{"{\"is\":{\"any\":[{\"city\":\"Lyon\"},{\"score\":{\"gt\":5}}]}}", PREDICATE_YES},
		{"{\"is\":{\"none\":[{\"city\":\"Lyon\"},{\"score\":7}]}}", PREDICATE_NO},
		{"{\"is\":{\"all\":[{\"city\":\"Paris\"},{\"vip\":false}]}}", PREDICATE_YES},
		{"{\"is\":{\"intro\":{\"gt\":\"a\"}}}", PREDICATE_NO},
		{"{\"is\":{\"citty\":\"Paris\"}}", PREDICATE_UNSURE},
		{"{\"is\":{\"citty\":{\"empty\":true}}}", PREDICATE_UNSURE},
		{"{\"is\":{\"citty\":\"Paris\",\"score\":8}}", PREDICATE_NO},
		{"{\"is\":{\"city\":{\"gt\":\"Lyon\"}}}", PREDICATE_UNSURE},
		{"{\"is\":{\"some_thing\":1}}", PREDICATE_UNSURE},
	};
	expect_all(cases, ARRAY_N(cases), "person", PERSON);
	decided("{\"is\":{\"citty\":{\"empty\":true}}}", "person", PERSON);
	cr_expect_str_eq(lack, "is \"citty\" is no field of person: that does not hold");
	decided("{\"is\":{\"some_thing\":1}}", "person", PERSON);
	cr_expect_str_eq(lack, "is: \"some_thing\" is no name of a field: that does not hold");
}

static struct schema *recorded(void)
{
	json_t *body = json_load_file("tests/data/twenty/rest/metadata-objects-all.body", 0, NULL);
	struct err err = {0};
	struct schema *read = NULL;
	cr_assert_eq(schema_read(body, &read, &err), RC_OK, "%s", err.msg);
	json_decref(body);
	return read;
}

Test(runner_condition, what_the_workspace_has_and_the_record_does_not_say_is_null)
{
	static const struct of cases[] = {
		{"{\"is\":{\"jobTitle\":{\"empty\":true}}}", PREDICATE_YES},
		{"{\"is\":{\"jobTitle\":\"CEO\"}}", PREDICATE_NO},
		{"{\"has\":[\"jobTitle\"]}", PREDICATE_NO},
		{"{\"none\":[{\"has\":[\"company\"]}]}", PREDICATE_YES},
		{"{\"is\":{\"company\":null,\"city\":\"Paris\"}}", PREDICATE_YES},
		{"{\"is\":{\"jobTitel\":{\"empty\":true}}}", PREDICATE_UNSURE},
		{"{\"has\":[\"jobTitel\"]}", PREDICATE_UNSURE},
		{"{\"changed\":{\"jobTitel\":{}}}", PREDICATE_UNSURE},
		{"{\"none\":[{\"changed\":{\"jobTitle\":{}}}]}", PREDICATE_YES},
	};
	schema = recorded();
	expect_all(cases, ARRAY_N(cases), "person", "{\"id\":\"1\",\"city\":\"Paris\"}");
	schema_free(schema);
	schema = NULL;
}

Test(runner_condition, of_other_sources_paths_go_as_deep_as_the_body)
{
	static const struct of cases[] = {
		{"{\"is\":{\"type\":\"payment_intent.succeeded\"}}", PREDICATE_YES},
		{"{\"is\":{\"type\":{\"startsWith\":\"payment_intent.\"}}}", PREDICATE_YES},
		{"{\"is\":{\"data.object.amount_total\":{\"gte\":4200}}}", PREDICATE_YES},
		{"{\"is\":{\"data.object.amount_total\":{\"gt\":4200}}}", PREDICATE_NO},
		{"{\"is\":{\"data.object.customer_details.address.city\":\"Oslo\"}}",
			PREDICATE_YES},
		{"{\"is\":{\"data.object.email\":{\"empty\":true}}}", PREDICATE_YES},
		{"{\"is\":{\"deleted\":{\"empty\":true}}}", PREDICATE_YES}, /* no such member */
		{"{\"has\":[\"data.object.customer_details.address.city\"]}", PREDICATE_YES},
		{"{\"has\":[\"data.object.email\"]}", PREDICATE_NO},
		{"{\"has\":[\"email\"]}", PREDICATE_NO}, /* no short names */
		{"{\"changed\":{\"type\":{}}}", PREDICATE_YES},
		{"{\"changed\":{\"livemode\":{\"to\":[true]}}}", PREDICATE_NO},
		{"{\"changed\":{\"livemode\":{\"from\":[true]}}}", PREDICATE_NO},
	};
	expect_all(cases, ARRAY_N(cases), "", PAYMENT);
}

Test(runner_condition, a_condition_is_read_for_each_object)
{
	struct predicate *predicate = made("{\"is\":{\"domain\":\"acme.io\"}}");
	json_t *company = json_loads(
		"{\"domainName\":{\"primaryLinkUrl\":\"https://www.acme.io\"}}", 0, NULL);
	json_t *person = json_loads("{\"domain\":\"acme.io\"}", 0, NULL);
	struct err told;
	for (int i = 0; i < 3; i++) {
		struct predicate_ask ask = {.predicate = predicate,
			.object = "company",
			.action = "created",
			.record = company};
		cr_expect_eq(predicate_decide(&ask, &told), PREDICATE_YES, "%s", told.msg);
		ask.object = "rocket";
		ask.record = person;
		cr_expect_eq(predicate_decide(&ask, &told), PREDICATE_YES, "%s", told.msg);
		ask.record = company;
		cr_expect_eq(predicate_decide(&ask, &told), PREDICATE_UNSURE);
	}
	predicate_free(predicate);
	json_decref(company);
	json_decref(person);
}

Test(runner_condition, groups_hold_with_all_any_and_none_of_their_members)
{
#define YES "{\"is\":{\"score\":7}}"
#define NO "{\"has\":[\"intro\"]}"
#define OPEN "{\"ask\":1}"
#define UNSURE "{\"has\":[\"emial\"]}"
	static const struct of cases[] = {
		{"{\"all\":[" YES "," YES "]}", PREDICATE_YES},
		{"{\"all\":[" YES "," NO "]}", PREDICATE_NO},
		{"{\"any\":[" NO "," YES "]}", PREDICATE_YES},
		{"{\"any\":[" NO "," NO "]}", PREDICATE_NO},
		{"{\"none\":[" NO "," NO "]}", PREDICATE_YES},
		{"{\"none\":[" NO "," YES "]}", PREDICATE_NO},
		{"{\"all\":[{\"any\":[" NO "," YES "]},{\"none\":[" NO "]}]}", PREDICATE_YES},
		{"{\"none\":[{\"all\":[" YES "," YES "]}]}", PREDICATE_NO},
		{"{\"all\":[{\"changed\":{\"city\":{}}}," YES "]}", PREDICATE_YES},
		{"{\"none\":[" UNSURE "]}", PREDICATE_UNSURE},
		{"{\"all\":[" UNSURE "," YES "]}", PREDICATE_UNSURE},
	};
	static const struct of open[] = {
		{OPEN, PREDICATE_OPEN},
		{"{\"all\":[" YES "," OPEN "]}", PREDICATE_OPEN},
		{"{\"all\":[" OPEN "," NO "]}", PREDICATE_NO},
		{"{\"any\":[" OPEN "," YES "]}", PREDICATE_YES},
		{"{\"none\":[" OPEN "," NO "]}", PREDICATE_OPEN},
	};
	expect_all(cases, ARRAY_N(cases), "person", PERSON);
	expect_all(open, ARRAY_N(open), "person", PERSON);
}

Test(runner_condition, too_deep_and_too_large_ones_are_refused)
{
	char text[6000] = "";
	struct err err = {0};
	struct predicate *predicate = NULL;
	size_t n = 0;
	for (int i = 0; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"all\":[");
	n += (size_t)snprintf(text + n, sizeof(text) - n, YES);
	for (int i = 0; i < 9; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "]}");
	json_t *json = json_loads(text, 0, NULL);
	cr_expect_eq(predicate_new(json, &predicate, &err), RC_INVALID);
	cr_expect_str_eq(err.msg, "`when` has more than 8 groups in groups");
	json_decref(json);
	json = json_pack("{s:[]}", "all");
	for (int i = 0; i < 100; i++)
		json_array_append_new(json_object_get(json, "all"),
			json_pack("{s:[{s:[s]}]}", "any", "has", "city"));
	cr_expect_eq(predicate_new(json, &predicate, &err), RC_INVALID);
	cr_expect_str_eq(err.msg, "`when` has more than 200 parts");
	json_decref(json);
	json = json_pack("{s:[{s:{s:[]}}, {s:{s:[]}}]}", "all", "is", "any", "is", "any");
	for (int i = 0; i < 202; i++) { /* each comparison counts */
		json_t *is = json_array_get(json_object_get(json, "all"), (size_t)i % 2);
		json_array_append_new(json_object_get(json_object_get(is, "is"), "any"),
			json_pack("{s:i}", "score", i));
	}
	cr_expect_eq(predicate_new(json, &predicate, &err), RC_INVALID);
	cr_expect_str_eq(err.msg, "`when` has more than 200 parts");
	json_decref(json);
}

/* --- random trees, and an oracle that knows nothing of short cuts ------------------------------
 */

#define FUNCTIONS 4

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

static json_t *random_tree(unsigned *seed, int depth)
{
	static const char *const groups[] = {"all", "any", "none"};
	static const char *const leaves[] = {YES, NO, UNSURE};
	unsigned kind = draw(seed, depth > 0 ? 7 : 4);
	if (kind < 3)
		return json_loads(leaves[kind], 0, NULL);
	if (kind == 3)
		return json_pack("{s:i}", "ask", 1 + (int)draw(seed, FUNCTIONS));
	json_t *list = json_array();
	for (unsigned i = 1 + draw(seed, 4); i > 0; i--)
		json_array_append_new(list, random_tree(seed, depth - 1));
	return json_pack("{s:o}", groups[kind - 4], list);
}

/* -1 no, 0 unsure, 1 yes: all is the least, any the most, none the opposite of any. */
static int oracle(const json_t *tree, unsigned functions)
{
	const char *kind =
		json_is_null(tree)
			? ""
			: json_object_iter_key(json_object_iter((json_t *)(uintptr_t)tree));
	const json_t *data = json_object_get(tree, kind);
	if (json_is_null(tree))
		return 0;
	if (strcmp(kind, "ask") == 0)
		return functions >> json_integer_value(data) & 1 ? 1 : -1;
	if (strcmp(kind, "is") == 0)
		return 1;
	if (strcmp(kind, "has") == 0)
		return strcmp(json_string_value(json_array_get(data, 0)), "intro") == 0 ? -1 : 0;
	int least = 1, most = -1;
	for (size_t i = 0; i < json_array_size(data); i++) {
		int one = oracle(json_array_get(data, i), functions);
		least = one < least ? one : least;
		most = one > most ? one : most;
	}
	return strcmp(kind, "all") == 0 ? least : strcmp(kind, "any") == 0 ? most : -most;
}

static void expect_tree(json_t *tree, json_t *record, unsigned functions)
{
	struct predicate *predicate = NULL;
	struct err err = {0};
	struct buf rest;
	char *text = json_dumps(tree, 0);
	buf_init(&rest, 1 << 16);
	cr_assert_eq(predicate_new(tree, &predicate, &err), RC_OK, "%s: %s", text, err.msg);
	struct predicate_ask ask = {
		.predicate = predicate, .object = "person", .action = "updated", .record = record};
	int wanted = oracle(tree, functions), found = 0;
	switch (predicate_decide(&ask, &err)) {
	case PREDICATE_NO:
		found = -1;
		break;
	case PREDICATE_YES:
		found = 1;
		break;
	case PREDICATE_UNSURE:
		found = 0;
		break;
	case PREDICATE_OPEN:
		cr_assert_eq(predicate_put_rest(&ask, &rest), RC_OK);
		json_t *left = json_loadb(rest.p, rest.n, 0, NULL);
		cr_assert_not_null(left, "%s", rest.p);
		cr_expect_not(predicate_asks(predicate) == false);
		found = oracle(left, functions);
		json_decref(left);
	}
	cr_expect_eq(found, wanted, "%s with %x: %d, not %d; rest %s", text, functions, found,
		wanted, rest.p != NULL ? rest.p : "none");
	buf_done(&rest);
	free(text);
	predicate_free(predicate);
}

Test(runner_condition, any_tree_is_decided_as_if_all_of_it_were_asked)
{
	unsigned seed = 7;
	json_t *record = json_loads(PERSON, 0, NULL);
	for (int i = 0; i < 3000; i++) {
		json_t *tree = random_tree(&seed, 4);
		expect_tree(tree, record, draw(&seed, 1 << (FUNCTIONS + 1)));
		json_decref(tree);
	}
	json_decref(record);
}
