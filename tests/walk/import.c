/* SPDX-License-Identifier: MIT */
/*
 * An import within the budget: 60 people come at once, and for each of them a rule looks for
 * duplicates, gets the company and writes a text of its own. From: one batch at the twin. To: the
 * records that it holds, the requests in its log, what status says meanwhile.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/harness/house.h"

#define PEOPLE 60
#define COMPANIES 3
#define CALLS (PEOPLE * 3)
#define SPENT (COMPANIES * 14) /* requests that nothing can join, before the people come */
#define RUNS (COMPANIES + PEOPLE)

static const char rule_text[] =
	"rule \"spend\" {\n"
	"  on = \"company.created\",\n"
	"  run = function(event)\n"
	"    local looks = {}\n"
	"    for i = 1, 14 do\n"
	"      looks[i] = function()\n"
	"        return twenty.people:count { where = { jobTitle = event.record.name .. i } }\n"
	"      end\n"
	"    end\n"
	"    parallel(table.unpack(looks))\n"
	"  end,\n"
	"}\n"
	"rule \"import\" {\n"
	"  on = \"person.created\", max_writes = \"9999999/s\",\n"
	"  run = function(event)\n"
	"    local same = twenty.people:duplicates(event.record.id)\n"
	"    local company = twenty.companies:get(event.record.companyId)\n"
	"    twenty.people:update(event.record.id, {\n"
	"      jobTitle = company.name .. \"/\" .. event.record.firstName .. \"/\" .. #same,\n"
	"    })\n"
	"  end,\n"
	"}\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_import, .fini = close_house, .timeout = 180);

static void company_id(int i, char ret_id[static 40])
{
	snprintf(ret_id, 40, "c0000000-0000-4000-8000-00000000000%u", (unsigned)i % 10);
}

static void post(const char *path, json_t *body)
{
	int status = 0;
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(house_api(&h, "POST", path, text, &status));
	cr_assert_eq(status, 201, "POST %s answers %d", path, status);
	free(text);
	json_decref(body);
}

/* A batch each, so that the server sends all webhooks at once. */
static void bring_in(void)
{
	json_t *companies = json_array(), *people = json_array();
	char id[40];
	for (int i = 0; i < COMPANIES; i++) {
		company_id(i, id);
		json_array_append_new(companies,
			json_pack("{s:s, s:o}", "id", id, "name", json_sprintf("Acme %d", i)));
	}
	for (int i = 0; i < PEOPLE; i++) {
		company_id(i % COMPANIES, id);
		json_array_append_new(
			people, json_pack("{s:{s:o}, s:{s:o}, s:s}", "name", "firstName",
					json_sprintf("P%02d", i), "emails", "primaryEmail",
					json_sprintf("p%02d@import.example", i), "companyId", id));
	}
	post("/rest/batch/companies", companies);
	post("/rest/batch/people", people);
}

static bool has_counted(void *key)
{
	json_t *status = house_status(&h);
	json_int_t n = json_integer_value(json_object_get(json_object_get(status, "api"), key));
	json_decref(status);
	return n >= SPENT + CALLS;
}

static bool waits_for_budget(void *ctx)
{
	(void)ctx;
	json_t *status = house_status(&h);
	const char *reason =
		json_string_value(json_object_get(json_object_get(status, "api"), "waiting_for"));
	bool yes = reason != NULL && strcmp(reason, "budget") == 0;
	json_decref(status);
	return yes;
}

/* Requests in the twin's log with that text in their query and that status ("" and 0: any). */
static int logged(const char *query, int status)
{
	struct http_answer answer;
	char url[128];
	int n = 0;
	snprintf(url, sizeof(url), "%s/_twin/log", h.twin_url);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &answer));
	for (char *save = NULL, *line = strtok_r(answer.body, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		json_t *entry = json_loads(line, 0, NULL);
		const char *have = json_string_value(json_object_get(entry, "query"));
		n += have != NULL && strstr(have, query) != NULL &&
		     (status == 0 ||
			     json_integer_value(json_object_get(entry, "status")) == status);
		json_decref(entry);
	}
	http_answer_done(&answer);
	return n;
}

/* Every person has the text that its own run wrote. */
static void check_people(void)
{
	json_t *people = house_records(&h, "people"), *person;
	size_t i, n = 0;
	json_array_foreach(people, i, person)
	{
		int at;
		char want[64];
		const char *name = json_string_value(
			json_object_get(json_object_get(person, "name"), "firstName"));
		const char *title = json_string_value(json_object_get(person, "jobTitle"));
		if (name == NULL || sscanf(name, "P%d", &at) != 1)
			continue;
		n++;
		snprintf(want, sizeof(want), "Acme %d/%s/0", at % COMPANIES, name);
		cr_expect_str_eq(title != NULL ? title : "", want, "%s has \"%s\"", name, title);
		cr_expect(json_is_null(json_object_get(person, "deletedAt")), "%s", name);
	}
	cr_expect_eq(n, PEOPLE, "%zu people", n);
	json_decref(people);
}

Test(walk_import, within_the_budget_takes_far_fewer_requests_than_calls)
{
	/* people at work in Twenty have a part of its budget */
	struct house_conf conf = {.twin_args = "--budget 60/m", .budget = "40/m"};
	cr_assert(house_rule(&h, "import.lua", rule_text));
	cr_assert(house_open(&h, &conf));
	bring_in();
	cr_expect(process_await(waits_for_budget, NULL, 30000), "nothing waits for the budget");
	cr_expect(house_await_runs(&h, "done", RUNS, 120000), "runs are not done");
	cr_expect_eq(house_runs_n(&h, NULL), RUNS);
	char calls[] = "calls";
	cr_expect(process_await(has_counted, calls, 10000), "status has fewer calls");
	int requests = logged("", 0);
	cr_expect_leq(requests - SPENT, CALLS / 4, "%d requests", requests);
	cr_expect_not(has_counted((char[]){"requests"}), "status has as many requests as calls");
	cr_expect_eq(logged("", 429), 0);
	cr_expect_geq(logged("upsert=true", 201), 1, "updates did not go together");
	check_people();
}

Test(walk_import, with_coalescing_off_gives_the_same_records)
{
	struct house_conf conf = {.twin_args = "--budget none",
		.budget = "200/m",
		/* some calls wait */ .settings = "coalesce = false"};
	cr_assert(house_rule(&h, "import.lua", rule_text));
	cr_assert(house_open(&h, &conf));
	bring_in();
	cr_expect(house_await_runs(&h, "done", RUNS, 120000), "runs are not done");
	cr_expect_eq(house_runs_n(&h, NULL), RUNS);
	char requests[] = "requests";
	cr_expect(process_await(has_counted, requests, 10000), "status has fewer requests");
	cr_expect_geq(logged("", 0), SPENT + CALLS);
	cr_expect_eq(logged("upsert=true", 0), 0);
	cr_expect_eq(logged("id%5Bin%5D", 0), 0);
	check_people();
}
