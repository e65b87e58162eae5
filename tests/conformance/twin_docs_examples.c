/* SPDX-License-Identifier: MIT */
/*
 * Every example of the published REST documentation, run as it is printed, by the interpreter it is
 * written for, against the twin in the docs dialect.
 * A row says what a reader has to fill in or put around an example, and what must then be true of
 * its answer and of the twin's records. The page leads: an example without a row fails, and so does
 * a row without an example. Where the page prints an answer below, the twin's has its shape.
 * One twin for all, in the order of the page; its records are DOCS_RECORDS_FILE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "base/attr.h"
#include "tests/conformance/docs_run.h"
#include "tests/unit/client_rig.h"

#define JOHN "a1b2c3d4-e5f6-7890-abcd-ef1234567890" /* as printed */
#define UPDATED "b0000001-0000-4000-8000-000000000000"
#define DELETED "b0000002-0000-4000-8000-000000000000"
#define TWICE "b0000003-0000-4000-8000-000000000000"
#define TARGET "b0000004-0000-4000-8000-000000000000"
#define SOURCE "b0000005-0000-4000-8000-000000000000"
#define RELATED "b0000007-0000-4000-8000-000000000000"
#define ACME "c0000001-0000-4000-8000-000000000000"
#define OTHER "c0000002-0000-4000-8000-000000000000"

struct scene {
	struct docs_twin *twin;
	const struct docs_block *block;
	const struct docs_result *result;
	json_t *answer; /* what was printed, where that is one JSON; else NULL */
	json_t *data;   /* of the answer; BORROWED from it */
};

struct example {
	enum docs_kind kind;
	const char *heading, *note;
	struct docs_recipe recipe;
	int status;        /* that curl is told; 0: another program */
	const char *fault; /* for the twin, before it runs; NULL: none */
	void (*holds)(struct scene *s);
};

/* ---- what the twin holds ---- */

/* The record, deleted or not; NULL where there is none. GIVES. */
static json_t *held(struct scene *s, const char *plural, const char *id)
{
	json_t *all = docs_twin_records(s->twin, plural), *each, *found = NULL;
	size_t i;
	json_array_foreach(all, i, each)
	{
		if (strcmp(rig_text(each, "id"), id) == 0)
			found = json_incref(each);
	}
	json_decref(all);
	return found;
}

static void holds_text(
	struct scene *s, const char *plural, const char *id, const char *path, const char *text)
{
	json_t *rec = held(s, plural, id);
	cr_expect_str_eq(rig_text(rec, path), text, "%s: %s of %s is \"%s\"", s->block->heading,
		path, id, rig_text(rec, path));
	json_decref(rec);
}

static const char *data_id(struct scene *s)
{
	return rig_text(s->data, "id");
}

static bool is_alive(const json_t *rec)
{
	return json_is_null(json_object_get(rec, "deletedAt"));
}

/* A list holds the living records that fit, at most limit of them, and nothing else. */
static void holds_only(struct scene *s, const json_t *list, const char *plural, size_t limit,
	bool (*fits)(const json_t *rec))
{
	json_t *all = docs_twin_records(s->twin, plural), *each;
	size_t i, living = 0, fit = 0;
	json_array_foreach(all, i, each)
	{
		living += is_alive(each);
		fit += is_alive(each) && fits(each);
	}
	json_decref(all);
	cr_expect(fit > 0 && fit < living, "%s: %zu of %zu show nothing", s->block->heading, fit,
		living);
	cr_expect_eq(json_array_size(list), fit < limit ? fit : limit, "%s, %s: %zu, not %zu",
		s->block->heading, s->block->note, json_array_size(list), fit);
	json_array_foreach((json_t *)(uintptr_t)list, i, each)
	{
		json_t *rec = held(s, plural, rig_text(each, "id"));
		cr_expect(rec != NULL && is_alive(rec) && fits(rec), "%s, %s: %s does not belong",
			s->block->heading, s->block->note, rig_text(each, "id"));
		json_decref(rec);
	}
}

/* ---- what must be true behind each example ---- */

static void listed(struct scene *s)
{
	cr_expect_eq(json_array_size(s->data), 50, "the documented default");
	cr_expect(json_is_true(
		json_object_get(json_object_get(s->answer, "pageInfo"), "hasNextPage")));
}

static void got(struct scene *s)
{
	cr_expect_str_eq(data_id(s), JOHN);
	cr_expect_str_eq(rig_text(s->data, "company.id"), ACME);
	cr_expect_str_eq(rig_text(s->data, "company.name"), "Acme Corp");
	cr_expect_str_eq(rig_text(s->data, "phone"), "+15550100");
}

static void created(struct scene *s)
{
	holds_text(s, "people", data_id(s), "name.firstName", "Jane");
	holds_text(s, "people", data_id(s), "name.lastName", "Smith");
	holds_text(s, "people", data_id(s), "emails.primaryEmail", "jane@example.com");
	holds_text(s, "people", data_id(s), "jobTitle", "Product Manager");
}

static void updated(struct scene *s)
{
	cr_expect_str_eq(data_id(s), UPDATED);
	holds_text(s, "people", UPDATED, "jobTitle", "Senior Product Manager");
	cr_expect_str_eq(rig_text(s->data, "phone"), "+1-555-0200", "as printed");
	holds_text(s, "people", UPDATED, "phones.primaryPhoneCallingCode", "+1");
	holds_text(s, "people", UPDATED, "name.firstName", "Ursula");
}

static void deleted(struct scene *s)
{
	int status = 0;
	cr_expect_str_eq(data_id(s), DELETED);
	holds_text(s, "people", DELETED, "deletedAt", rig_text(s->data, "deletedAt"));
	json_decref(docs_twin_json(s->twin, "GET", "/people/" DELETED, NULL, &status));
	cr_expect_eq(status, 404);
}

static void restored(struct scene *s)
{
	int status = 0;
	cr_expect_str_eq(data_id(s), DELETED);
	json_decref(docs_twin_json(s->twin, "GET", "/people/" DELETED, NULL, &status));
	cr_expect_eq(status, 200);
	holds_text(s, "people", DELETED, "deletedAt", "");
	holds_text(s, "people", DELETED, "emails.primaryEmail", "delia@elsewhere.example");
}

static bool at_example_com(const json_t *rec)
{
	return strstr(rig_text(rec, "emails.primaryEmail"), "example.com") != NULL;
}

static void filtered(struct scene *s)
{
	holds_only(s, s->data, "people", 50, at_example_com);
}

static bool is_engineer_with_email(const json_t *rec)
{
	return strcasestr(rig_text(rec, "jobTitle"), "engineer") != NULL &&
	       *rig_text(rec, "emails.primaryEmail") != '\0';
}

static void filtered_twice(struct scene *s)
{
	holds_only(s, s->data, "people", 50, is_engineer_with_email);
}

static bool is_of_2024(const json_t *rec)
{
	const char *at = rig_text(rec, "createdAt");
	return strcmp(at, "2024-01-01") >= 0 && strcmp(at, "2024-12-31T00:00:00.000Z") <= 0;
}

static void filtered_by_date(struct scene *s)
{
	holds_only(s, s->data, "opportunities", 50, is_of_2024);
}

static bool is_above_10000(const json_t *rec)
{
	return json_number_value(json_object_get(json_object_get(rec, "amount"), "amountMicros")) >
	       10000e6;
}

static void filtered_by_number(struct scene *s)
{
	holds_only(s, s->data, "opportunities", 50, is_above_10000);
}

static void sorted(struct scene *s)
{
	cr_expect_eq(json_array_size(s->data), 50);
	for (size_t i = 1; i < json_array_size(s->data); i++)
		cr_expect_geq(strcmp(rig_text(json_array_get(s->data, i - 1), "createdAt"),
				      rig_text(json_array_get(s->data, i), "createdAt")),
			0, "row %zu", i);
}

static void sorted_twice(struct scene *s)
{
	static const char *const order[] = {"Old Corp", "Acme Corp", "Beta Corp", "New Corp"};
	cr_assert_eq(json_array_size(s->data), ARRAY_N(order));
	for (size_t i = 0; i < ARRAY_N(order); i++)
		cr_expect_str_eq(rig_text(json_array_get(s->data, i), "name"), order[i]);
}

static void first_page(struct scene *s)
{
	cr_expect_eq(json_array_size(s->data), 10);
}

/* The ten behind the first ten. */
static void next_page(struct scene *s)
{
	json_t *twenty = docs_twin_json(s->twin, "GET", "/people?limit=20", NULL, NULL);
	json_t *both = json_object_get(twenty, "data");
	cr_assert_eq(json_array_size(both), 20);
	cr_assert_eq(json_array_size(s->data), 10);
	for (size_t i = 0; i < 10; i++)
		cr_expect_str_eq(rig_text(json_array_get(s->data, i), "id"),
			rig_text(json_array_get(both, 10 + i), "id"));
	cr_expect(json_is_true(
		json_object_get(json_object_get(s->answer, "pageInfo"), "hasPreviousPage")));
	json_decref(twenty);
}

static void chosen(struct scene *s)
{
	static const char *const fields[] = {"id", "firstName", "lastName", "email"};
	size_t i;
	json_t *each;
	cr_expect_eq(json_array_size(s->data), 50);
	json_array_foreach(s->data, i, each)
	{
		cr_expect_eq(json_object_size(each), ARRAY_N(fields));
		for (size_t k = 0; k < ARRAY_N(fields); k++)
			cr_expect_not_null(json_object_get(each, fields[k]));
	}
}

static void created_many(struct scene *s)
{
	static const char *const people[][2] = {
		{"Alice", "alice@example.com"}, {"Bob", "bob@example.com"}};
	cr_assert_eq(json_array_size(s->data), ARRAY_N(people));
	for (size_t i = 0; i < ARRAY_N(people); i++) {
		const char *id = rig_text(json_array_get(s->data, i), "id");
		holds_text(s, "people", id, "name.firstName", people[i][0]);
		holds_text(s, "people", id, "emails.primaryEmail", people[i][1]);
	}
}

static void found_duplicate(struct scene *s)
{
	cr_assert_eq(json_array_size(s->data), 1);
	cr_expect_str_eq(rig_text(s->data, "0.id"), TWICE);
	cr_expect_str_eq(rig_text(s->data, "0.email"), "dora@example.com");
}

static void merged(struct scene *s)
{
	int status = 0;
	cr_expect_str_eq(data_id(s), TARGET);
	json_decref(docs_twin_json(s->twin, "GET", "/people/" SOURCE, NULL, &status));
	cr_expect_eq(status, 404);
	holds_text(s, "people", TARGET, "name.firstName", "Theo");
	holds_text(s, "people", TARGET, "emails.primaryEmail", "theo@elsewhere.example");
	holds_text(s, "people", TARGET, "emails.additionalEmails.0", "teddy@elsewhere.example");
	holds_text(s, "people", TARGET, "jobTitle", "Buyer"); /* it had none */
}

static void grouped(struct scene *s)
{
	static const struct {
		const char *stage;
		int count, sum;
	} groups[] = {{"NEW", 2, 19000}, {"PROPOSAL", 2, 200000}, {"MEETING", 1, 20001}};
	size_t i;
	json_t *each;
	cr_expect_eq(json_array_size(s->data), ARRAY_N(groups));
	json_array_foreach(s->data, i, each)
	{
		size_t k = 0;
		while (k < ARRAY_N(groups) && strcmp(groups[k].stage, rig_text(each, "stage")) != 0)
			k++;
		cr_assert_lt(k, ARRAY_N(groups), "stage %s", rig_text(each, "stage"));
		cr_expect_eq(json_integer_value(json_object_get(each, "count")), groups[k].count);
		cr_expect_eq(
			json_integer_value(json_object_get(json_object_get(each, "sum"), "amount")),
			groups[k].sum);
	}
}

static void created_related(struct scene *s)
{
	holds_text(s, "people", data_id(s), "companyId", ACME);
	holds_text(s, "people", data_id(s), "emails.primaryEmail", "john.related@example.com");
}

static void related(struct scene *s)
{
	cr_expect_str_eq(data_id(s), RELATED);
	holds_text(s, "people", RELATED, "companyId", OTHER);
}

/* The text behind `label` up to the end of its line, as an id. */
static void printed_id(struct scene *s, const char *label, char ret_id[static 40])
{
	const char *at = strstr(s->result->out, label);
	cr_assert_not_null(at, "\"%s\" is not in %s", label, s->result->out);
	at += strlen(label);
	snprintf(ret_id, 40, "%.*s", (int)strcspn(at, "\n"), at);
	cr_expect_eq(strlen(ret_id), 36, "%s", ret_id);
}

static void script_ran(struct scene *s)
{
	char id[40];
	printed_id(s, "Created person: ", id);
	holds_text(s, "people", id, "emails.primaryEmail", "john.shell@example.com");
	holds_text(s, "people", id, "name.lastName", "Doe");
	json_t *shown = json_loads(strchr(s->result->out, '\n'), 0, NULL);
	cr_expect_str_eq(rig_text(shown, "id"), id);
	cr_expect_str_eq(rig_text(shown, "email"), "john.shell@example.com");
	json_decref(shown);
}

static void node_ran(struct scene *s)
{
	char company[40], person[40];
	printed_id(s, "Created company: ", company);
	printed_id(s, "Created person: ", person);
	cr_expect_not_null(strstr(s->result->out, "People at company: 1\n"), "%s", s->result->out);
	holds_text(s, "companies", company, "name", "Acme Corp");
	holds_text(s, "companies", company, "domainName.primaryLinkUrl", "https://acme.com");
	holds_text(s, "people", person, "companyId", company);
	holds_text(s, "people", person, "emails.primaryEmail", "john.node@example.com");
}

/* Both client classes: their usage, and their other methods on the person it made. */
static void class_ran(struct scene *s)
{
	const json_t *made = json_object_get(s->answer, "person");
	const char *id = rig_text(made, "data.id");
	holds_only(s, json_object_get(json_object_get(s->answer, "people"), "data"), "people", 10,
		at_example_com);
	cr_expect_str_eq(rig_text(made, "data.firstName"), "John");
	cr_expect_str_eq(rig_text(s->answer, "one.data.id"), id);
	cr_expect_str_eq(rig_text(s->answer, "changed.data.jobTitle"), "Buyer");
	cr_expect_str_neq(rig_text(s->answer, "gone.data.deletedAt"), "");
	holds_text(s, "people", id, "name.lastName", "Doe");
	holds_text(s, "people", id, "jobTitle", "Buyer");
	holds_text(s, "people", id, "deletedAt", rig_text(s->answer, "gone.data.deletedAt"));
}

/* The first answer is 429, and says when to come back; an address without a server is an error. */
static void retried(struct scene *s)
{
	const char *out = s->result->out, *wait = strstr(out, "Rate limited. Waiting ");
	char *end = NULL;
	cr_assert_not_null(wait, "%s", out);
	long wait_ms = strtol(wait + 22, &end, 10);
	cr_expect(end != wait + 22 && strncmp(end, "ms\n", 3) == 0, "%s", out);
	cr_expect(wait_ms > -5000 && wait_ms <= 2000, "%ld ms", wait_ms);
	cr_expect_not_null(strstr(out, "{\"status\":200,\"n\":2}\n"), "%s", out);
	cr_expect_not_null(strstr(s->result->err, "Request failed:"), "%s", s->result->err);
	cr_expect_not_null(strstr(out, "thrown\n"), "%s", out);
}

/* ---- the examples ---- */

#define RECIPE(...)                                                                                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define AS_PRINTED RECIPE(.before = NULL)
#define SWAP(from, to) RECIPE(.swaps = {{from, to}})
#define CURSOR "{cursor}" /* the end of the first ten, asked for when it is needed */

/* require and await stand side by side on the page, which only a function allows. */
static const char js_class_after[] =
	"const one = await client.findOne('people', person.data.id);\n"
	"const changed = await client.update('people', person.data.id, { jobTitle: 'Buyer' });\n"
	"const gone = await client.delete('people', person.data.id);\n"
	"console.log(JSON.stringify({ people, person, one, changed, gone }));\n"
	"})().catch((error) => { console.error(error.message); process.exitCode = 1; });\n";
static const char js_retry_after[] =
	"(async () => {\n"
	"  const url = 'https://api.twenty.com/rest/people?limit=2';\n"
	"  const options = { headers: { Authorization: 'Bearer YOUR_API_KEY' } };\n"
	"  const answer = await makeRequestWithRetry(url, options);\n"
	"  const n = (await answer.json()).data.length;\n"
	"  console.log(JSON.stringify({ status: answer.status, n }));\n"
	"  await makeRequestWithRetry(process.env.DEAD, options).catch(() => "
	"console.log('thrown'));\n"
	"})();\n";
/* The page uses os without importing it. */
static const char python_after[] =
	"import json\n"
	"one = client.find_one('people', person['data']['id'])\n"
	"changed = client.update('people', person['data']['id'], {'jobTitle': 'Buyer'})\n"
	"gone = client.delete('people', person['data']['id'])\n"
	"print(json.dumps({'people': people, 'person': person, 'one': one, 'changed': changed,\n"
	"                  'gone': gone}))\n";

static const struct example examples[] = {
	{DOCS_CURL, "List Records (GET)", "", AS_PRINTED, 200, NULL, listed},
	{DOCS_CURL, "Get One Record (GET)", "", AS_PRINTED, 200, NULL, got},
	{DOCS_CURL, "Create Record (POST)", "", RECIPE(.emails = {"jane@example.com"}), 201, NULL,
		created},
	{DOCS_CURL, "Update Record (PATCH)", "", SWAP("record-id", UPDATED), 200, NULL, updated},
	{DOCS_CURL, "Delete Record (DELETE)", "", SWAP("record-id", DELETED), 200, NULL, deleted},
	{DOCS_CURL, "Filtering", "Filter by field value", AS_PRINTED, 200, NULL, filtered},
	{DOCS_CURL, "Filtering", "Multiple filters", AS_PRINTED, 200, NULL, filtered_twice},
	{DOCS_CURL, "Sorting", "Sort by one field", AS_PRINTED, 200, NULL, sorted},
	{DOCS_CURL, "Sorting", "Sort by multiple fields", AS_PRINTED, 200, NULL, sorted_twice},
	{DOCS_CURL, "Pagination", "First page (default limit: 50)", AS_PRINTED, 200, NULL,
		first_page},
	{DOCS_CURL, "Pagination", "Next page using cursor",
		SWAP("cursor-from-previous-page", CURSOR), 200, NULL, next_page},
	{DOCS_CURL, "Select Fields", "", AS_PRINTED, 200, NULL, chosen},
	{DOCS_CURL, "Create Multiple Records", "",
		RECIPE(.emails = {"alice@example.com", "bob@example.com"}), 201, NULL,
		created_many},
	{DOCS_CURL, "Find Duplicates", "", RECIPE(.emails = {"dora@example.com"}), 200, NULL,
		found_duplicate},
	{DOCS_CURL, "Merge Records", "",
		RECIPE(.swaps = {{"duplicate-record-id", SOURCE}, {"primary-record-id", TARGET}}),
		200, NULL, merged},
	{DOCS_CURL, "Group By", "", AS_PRINTED, 200, NULL, grouped},
	{DOCS_CURL, "Restore Deleted Records", "", SWAP("record-id", DELETED), 200, NULL, restored},
	{DOCS_JAVASCRIPT, "JavaScript/TypeScript", "",
		RECIPE(.before = "(async () => {\n", .after = js_class_after,
			.emails = {"john.js@example.com"}),
		0, NULL, class_ran},
	{DOCS_PYTHON, "Python", "",
		RECIPE(.before = "import os\n", .after = python_after,
			.emails = {"john.py@example.com"}),
		0, NULL, class_ran},
	{DOCS_CURL, "Create with Relations", "",
		RECIPE(.swaps = {{"company-id", ACME}}, .emails = {"john.related@example.com"}),
		201, NULL, created_related},
	{DOCS_CURL, "Update Relations", "",
		RECIPE(.swaps = {{"person-id", RELATED}, {"new-company-id", OTHER}}), 200, NULL,
		related},
	{DOCS_CURL, "Complex Filtering", "AND conditions", AS_PRINTED, 200, NULL, filtered_twice},
	{DOCS_CURL, "Complex Filtering", "Date range", AS_PRINTED, 200, NULL, filtered_by_date},
	{DOCS_CURL, "Complex Filtering", "Numeric comparison", AS_PRINTED, 200, NULL,
		filtered_by_number},
	{DOCS_JAVASCRIPT, "Handle Rate Limits", "", RECIPE(.after = js_retry_after), 0,
		"status=429:1,match=GET /rest/people?limit=2", retried},
	{DOCS_SHELL, "Shell Script Integration", "", RECIPE(.emails = {"john.shell@example.com"}),
		201, NULL, script_ran},
	{DOCS_JAVASCRIPT, "Node.js Integration", "", RECIPE(.emails = {"john.node@example.com"}), 0,
		NULL, node_ran},
};

static const struct example *row_of(const struct docs_block *b)
{
	const struct example *found = NULL;
	for (size_t i = 0; i < ARRAY_N(examples); i++) {
		const struct example *e = &examples[i];
		if (e->kind != b->kind || strcmp(e->heading, b->heading) != 0 ||
			strcmp(e->note, b->note) != 0)
			continue;
		cr_assert_null(found, "two rows for %s", b->heading);
		found = e;
	}
	cr_assert_not_null(
		found, "line %d, %s %s: nobody runs this example", b->line, b->heading, b->note);
	return found;
}

/* The cursor behind the first ten people. GIVES (free). */
static char *cursor_of(struct docs_twin *t)
{
	json_t *page = docs_twin_json(t, "GET", "/people?limit=10", NULL, NULL);
	char *cursor = strdup(rig_text(page, "pageInfo.endCursor"));
	cr_assert(cursor != NULL && *cursor != '\0');
	json_decref(page);
	return cursor;
}

static void example_check(
	struct scene *s, const struct example *e, const struct docs_block *response)
{
	char why[200] = "";
	const struct docs_result *r = s->result;
	cr_expect_eq(r->exit, 0, "%s %s: ended with %d: %s%s", e->heading, e->note, r->exit, r->err,
		r->out);
	if (e->kind == DOCS_CURL)
		cr_expect_eq(r->status, e->status, "%s %s: %d, %s", e->heading, e->note, r->status,
			r->out);
	if (r->exit != 0)
		return;
	s->answer = json_loads(r->out, 0, NULL);
	s->data = json_object_get(s->answer, "data");
	cr_expect(e->kind != DOCS_CURL || s->data != NULL, "%s: %s", e->heading, r->out);
	if (response != NULL) {
		json_t *want = docs_sample(response);
		cr_assert_not_null(want, "line %d is no JSON", response->line);
		cr_expect(docs_has_shape(want, s->answer, "", why), "%s: %s in %s", e->heading, why,
			r->out);
		json_decref(want);
	}
	e->holds(s);
	json_decref(s->answer);
}

static void example_run(
	struct docs_twin *t, const struct docs_block *b, const struct docs_block *response)
{
	const struct example *e = row_of(b);
	struct docs_recipe recipe = e->recipe;
	struct docs_result result;
	char why[200] = "", *cursor = NULL;
	if (recipe.swaps[0].to != NULL && strcmp(recipe.swaps[0].to, CURSOR) == 0)
		recipe.swaps[0].to = cursor = cursor_of(t);
	if (e->fault != NULL)
		docs_twin_fault(t, e->fault);
	cr_assert(docs_run(t, b, &recipe, &result, why), "%s %s: %s", b->heading, b->note, why);
	struct scene s = {.twin = t, .block = b, .result = &result};
	example_check(&s, e, response);
	printf("%-10s %-26s %-30s %s\n", docs_kind_name(b->kind), b->heading, b->note,
		response != NULL ? "as printed" : "");
	if (e->fault != NULL)
		docs_twin_fault(t, "none");
	docs_result_done(&result);
	free(cursor);
}

Test(twin_docs_examples, each_runs_as_it_is_printed, .timeout = 100)
{
	struct docs_page page;
	size_t ran = 0, shown = 0, responses = 0;
	cr_assert(docs_page_open(&page));
	struct docs_twin *t = docs_twin_open("60000/m");
	for (size_t i = 0; i < page.n; i++) {
		const struct docs_block *b = &page.blocks[i], *response = NULL;
		responses += b->kind == DOCS_SAMPLE && b->response;
		if (!docs_kind_runs(b->kind))
			continue;
		response = docs_page_response(&page, b);
		example_run(t, b, response);
		ran++;
		shown += response != NULL;
	}
	cr_expect_eq(ran, ARRAY_N(examples), "%zu of %zu", ran, ARRAY_N(examples));
	cr_expect_eq(shown, responses, "%zu of %zu printed answers", shown, responses);
	docs_twin_close(t);
	docs_page_done(&page);
}

/* A test that runs what it is given is worth nothing where it could run something else. */
Test(twin_docs_examples, what_is_not_filled_in_does_not_run, .timeout = 60)
{
	struct docs_page page;
	struct docs_result result;
	char why[200] = "";
	cr_assert(docs_page_open(&page));
	struct docs_twin *t = docs_twin_open("none");
	const struct docs_block *b = docs_page_find(&page, DOCS_CURL, "Update Record (PATCH)", "");
	cr_assert_not_null(b);
	cr_expect_not(docs_run(t, b, &(struct docs_recipe){.before = NULL}, &result, why));
	cr_expect_str_eq(why, "\"record-id\" is still in it");
	cr_expect_not(docs_run(t, b, &(struct docs_recipe)SWAP("nothing", "x"), &result, why));
	cr_expect_str_eq(why, "\"nothing\" is not in it");
	cr_expect_not(docs_run(t, b,
		&(struct docs_recipe)RECIPE(.before = "curl https://twenty.com\n",
			.swaps = {{"record-id", "x"}}),
		&result, why));
	cr_expect_str_eq(why, "\"twenty.com\" is still in it");
	docs_twin_close(t);
	docs_page_done(&page);
}
