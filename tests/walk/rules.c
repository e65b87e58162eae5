/* SPDX-License-Identifier: MIT */
/*
 * The shipped rules at work, in both dialects of Twenty: the same things happen at the twin,
 * and the same records must come out. From: changes made through the twin's own API. To: the
 * records it holds afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/harness/shipped.h"

enum dialect { CORE, DOCS, DIALECT_N };

static const char *const dialect_names[] = {"core", "docs"};

/* One person, as each dialect writes it. */
static char *person_text(enum dialect d, const char *first, const char *last, const char *email)
{
	json_t *json = d == CORE ? json_pack("{s:{s:s,s:s},s:{s:s}}", "name", "firstName", first,
					   "lastName", last, "emails", "primaryEmail", email)
				 : json_pack("{s:s,s:s,s:s}", "firstName", first, "lastName", last,
					   "email", email);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

/* The id of the record that an answer of either dialect brings. */
static void id_of(json_t *answer, char ret_id[static 64])
{
	json_t *data = json_object_get(answer, "data");
	json_t *id = json_object_get(data, "id");
	if (id == NULL)
		id = json_object_get(json_object_iter_value(json_object_iter(data)), "id");
	snprintf(ret_id, 64, "%s", json_string_value(id) != NULL ? json_string_value(id) : "");
}

static void make(struct house *h, const char *path, const char *body, char ret_id[static 64])
{
	int status = 0;
	json_t *answer = house_api(h, "POST", path, body, &status);
	cr_assert_eq(status, 201, "POST %s answers %d", path, status);
	id_of(answer, ret_id);
	json_decref(answer);
}

static void make_person(struct house *h, enum dialect d, const char *first, const char *last,
	const char *email, char ret_id[static 64])
{
	char *body = person_text(d, first, last, email);
	make(h, "/rest/people", body, ret_id);
	free(body);
}

static void change(struct house *h, const char *path, const char *body)
{
	int status = 0;
	json_decref(house_api(h, "PATCH", path, body, &status));
	cr_assert_eq(status, 200, "PATCH %s answers %d", path, status);
}

struct asked {
	struct house *house;
	const char *plural, *field;
	const char *id;
	long n;
};

static json_t *record_of(json_t *list, const char *id)
{
	size_t i;
	json_t *record;
	json_array_foreach(list, i, record)
	{
		const char *have = json_string_value(json_object_get(record, "id"));
		if (have != NULL && strcmp(have, id) == 0)
			return record;
	}
	return NULL;
}

/* A top-level field of a record has a value. */
static bool has_value(void *ctx)
{
	struct asked *a = ctx;
	json_t *list = house_records(a->house, a->plural);
	json_t *value = json_object_get(record_of(list, a->id), a->field);
	bool yes = json_is_string(value) && json_string_length(value) > 0;
	json_decref(list);
	return yes;
}

static bool is_gone(void *ctx)
{
	struct asked *a = ctx;
	json_t *list = house_records(a->house, a->plural);
	bool yes = record_of(list, a->id) == NULL;
	json_decref(list);
	return yes;
}

static bool has_n(void *ctx)
{
	struct asked *a = ctx;
	json_t *list = house_records(a->house, a->plural);
	bool yes = (long)json_array_size(list) >= a->n;
	json_decref(list);
	return yes;
}

/* No run is open and none has been for as long as it takes the last webhook to come. */
static bool is_quiet(void *ctx)
{
	struct house *h = ctx;
	json_t *status = house_status(h), *runs = json_object_get(status, "runs");
	json_int_t open = json_integer_value(json_object_get(runs, "due")) +
			  json_integer_value(json_object_get(runs, "running")) +
			  json_integer_value(json_object_get(runs, "waiting"));
	bool yes = status != NULL && open == 0;
	json_decref(status);
	return yes;
}

static void settle(struct house *h)
{
	/* Ten times in a row, which takes longer than a webhook: what one run writes may start
	 * another. */
	for (int quiet = 0; quiet < 10; quiet++)
		cr_assert(process_await(is_quiet, h, 60000), "runs never end");
}

static void story(struct house *h, enum dialect d)
{
	char ann[64], free_mail[64], bob[64], again[64], deal[64], shared[64], path[128];
	make_person(h, d, "", "", "ann.lee@northwind-labs.example", ann);
	cr_expect(
		process_await(has_value, &(struct asked){h, "people", "companyId", ann, 0}, 20000),
		"ann has no company");
	make_person(h, d, "Zoe", "Ray", "zoe.ray@gmail.com", free_mail);
	make_person(h, d, "Robert", "Hill", "bob@northwind-labs.example", bob);
	cr_expect(
		process_await(has_value, &(struct asked){h, "people", "companyId", bob, 0}, 20000),
		"bob has no company");
	make_person(h, d, "Robert", "Hill", "bob+fair@northwind-labs.example", again);
	cr_expect(process_await(is_gone, &(struct asked){h, "people", NULL, again, 0}, 20000),
		"bob's duplicate is still there");
	make_person(h, d, "Info", "Desk", "info@northwind-labs.example", shared);
	make_person(h, d, "Info", "Desk", "info+2@northwind-labs.example", shared);

	make(h, "/rest/opportunities",
		d == CORE ? "{\"name\":\"Rollout\",\"stage\":\"NEW\",\"amount\":{\"amountMicros\":"
			    "25000000000,\"currencyCode\":\"EUR\"}}"
			  : "{\"name\":\"Rollout\",\"stage\":\"NEW\",\"amount\":25000}",
		deal);
	cr_expect(process_await(has_n, &(struct asked){h, "taskTargets", NULL, NULL, 1}, 20000),
		"no task for NEW");
	snprintf(path, sizeof(path), "/rest/opportunities/%s", deal);
	change(h, path, "{\"stage\":\"PROPOSAL\"}");
	cr_expect(process_await(has_n, &(struct asked){h, "taskTargets", NULL, NULL, 2}, 20000),
		"no task for PROPOSAL");
	change(h, path, "{\"stage\":\"NEW\"}");
	settle(h);
	change(h, path, "{\"stage\":\"PROPOSAL\"}");
	settle(h);
}

static const char *text_at(json_t *record, const char *a, const char *b)
{
	json_t *value = json_object_get(record, a);
	if (b != NULL)
		value = json_object_get(value, b);
	return json_is_string(value) ? json_string_value(value) : "";
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One line for each record of an object, sorted: what matters of it, ids resolved to names. */
static char *picture(struct house *h, const char *plural)
{
	json_t *list = house_records(h, plural), *companies = house_records(h, "companies"),
	       *members = house_records(h, "workspaceMembers"), *tasks = house_records(h, "tasks"),
	       *deals = house_records(h, "opportunities");
	size_t n = json_array_size(list), size = 0;
	char **lines = calloc(n + 1, sizeof(*lines)), *text = NULL;
	for (size_t i = 0; i < n; i++) {
		json_t *r = json_array_get(list, i);
		char line[1024];
		snprintf(line, sizeof(line), "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s",
			text_at(r, "name", "firstName"), text_at(r, "name", "lastName"),
			text_at(r, "name", NULL), text_at(r, "emails", "primaryEmail"),
			text_at(r, "domainName", "primaryLinkUrl"), text_at(r, "stage", NULL),
			text_at(r, "title", NULL),
			text_at(record_of(companies, text_at(r, "companyId", NULL)), "name", NULL),
			text_at(record_of(members, text_at(r, "ownerId", NULL)), "userEmail", NULL),
			text_at(record_of(tasks, text_at(r, "taskId", NULL)), "title", NULL),
			text_at(record_of(deals, text_at(r, "targetOpportunityId", NULL)), "name",
				NULL));
		lines[i] = strdup(line);
	}
	qsort(lines, n, sizeof(*lines), by_text);
	FILE *f = open_memstream(&text, &size);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%s: %s\n", plural, lines[i]);
		free(lines[i]);
	}
	fclose(f);
	free(lines);
	json_decref(list);
	json_decref(companies);
	json_decref(members);
	json_decref(tasks);
	json_decref(deals);
	return text;
}

static const char *const pictured[] = {
	"people", "companies", "opportunities", "tasks", "taskTargets", "notes"};

Test(walk_rules, the_shipped_rules_give_the_same_records_in_both_dialects, .timeout = 240)
{
	char *pictures[DIALECT_N][ARRAY_N(pictured)];
	for (int d = 0; d < DIALECT_N; d++) {
		struct house house = {0};
		struct house_conf conf = {.dialect = dialect_names[d],
			.twin_args = "--budget none",
			.budget = "none"};
		cr_assert(shipped_copy(&house));
		cr_assert(shipped_edit(&house, "rules/route_opportunities.lua", "settle = \"5s\"",
			"settle = \"200ms\""));
		cr_assert(house_open(&house, &conf));
		story(&house, (enum dialect)d);
		cr_expect_eq(house_runs_n(&house, "dead"), 0, "%s: dead runs", dialect_names[d]);
		for (size_t i = 0; i < ARRAY_N(pictured); i++)
			pictures[d][i] = picture(&house, pictured[i]);
		house_close(&house);
	}
	for (size_t i = 0; i < ARRAY_N(pictured); i++)
		cr_expect_str_eq(pictures[CORE][i], pictures[DOCS][i], "%s differ:\n%s---\n%s",
			pictured[i], pictures[CORE][i], pictures[DOCS][i]);

	cr_expect(strstr(pictures[CORE][0],
			  "Ann|Lee||ann.lee@northwind-labs.example||||Northwind Labs|") != NULL,
		"ann was not enriched:\n%s", pictures[CORE][0]);
	cr_expect(strstr(pictures[CORE][0], "Zoe|Ray||zoe.ray@gmail.com|||||") != NULL,
		"a free-mail address got a company:\n%s", pictures[CORE][0]);
	cr_expect(strstr(pictures[CORE][0], "info+2@") != NULL, "a shared mailbox was merged:\n%s",
		pictures[CORE][0]);
	cr_expect(strstr(pictures[CORE][2], "|PROPOSAL|||jane.austen@apple.dev|") != NULL,
		"the deal has the wrong owner:\n%s", pictures[CORE][2]);
	size_t tasks_n = 0;
	for (const char *p = pictures[CORE][3]; (p = strstr(p, "tasks: ")) != NULL; p++)
		tasks_n++;
	cr_expect_eq(tasks_n, 2, "one task for each of two stages:\n%s", pictures[CORE][3]);
	for (int d = 0; d < DIALECT_N; d++)
		for (size_t i = 0; i < ARRAY_N(pictured); i++)
			free(pictures[d][i]);
}
