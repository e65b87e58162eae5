/* SPDX-License-Identifier: MIT */
/* The examples of moonhook-rules(7) do at the twin what they say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/help.h"
#include "tests/harness/example.h"
#include "tests/harness/house.h"

static struct house h;

static void make(const char *path, const char *body, char ret_id[static 64])
{
	int status = 0;
	json_t *answer = house_api(&h, "POST", path, body, &status);
	json_t *data = json_object_get(answer, "data");
	json_t *record = json_object_iter_value(json_object_iter(data));
	const char *id = json_string_value(json_object_get(record, "id"));
	cr_assert(status == 201 && id != NULL, "POST %s: %d", path, status);
	snprintf(ret_id, 64, "%s", id);
	json_decref(answer);
}

static void write_examples(void)
{
	const char *at = help_rules();
	char *source, file[32];
	for (int n = 0; (source = example_next(&at)) != NULL; n++) {
		snprintf(file, sizeof(file), "example_%d.lua", n);
		cr_assert(house_rule(&h, file, source));
		free(source);
	}
}

/* Each of them has done something. */
static bool all_did(void *ctx)
{
	static const char *const names[] = {
		"welcome", "big deal", "open deals", "company of a person"};
	json_t *runs = house_runs(&h), *run;
	size_t i, done = 0;
	(void)ctx;
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		bool did = false;
		json_array_foreach(runs, i, run) did =
			did ||
			(strcmp(json_string_value(json_object_get(run, "rule")), names[k]) == 0 &&
				strcmp(json_string_value(json_object_get(run, "state")), "done") ==
					0);
		done += did;
	}
	json_decref(runs);
	return done == sizeof(names) / sizeof(*names);
}

Test(manual, its_examples_do_what_they_say, .timeout = 90)
{
	char company[64], deal[64], person[64], body[256];
	write_examples();
	cr_assert(house_open(&h, &(struct house_conf){.dialect = NULL}));
	make("/rest/companies", "{\"name\":\"Acme\"}", company);
	snprintf(body, sizeof(body),
		"{\"name\":\"Big\",\"companyId\":\"%s\",\"amount\":"
		"{\"amountMicros\":60000000000,\"currencyCode\":\"EUR\"}}",
		company);
	make("/rest/opportunities", body, deal);
	make("/rest/people",
		"{\"name\":{\"firstName\":\"Ann\"},\"emails\":{\"primaryEmail\":\"ann@manual."
		"example\"}}",
		person);
	cr_expect(process_await(all_did, NULL, 20000));
	cr_expect_eq(house_runs_n(&h, "dead"), 0);
	json_t *people = house_records(&h, "people"), *each;
	size_t i;
	json_array_foreach(people, i, each)
	{
		if (strcmp(json_string_value(json_object_get(each, "id")), person) == 0)
			cr_expect(json_is_string(json_object_get(each, "companyId")));
	}
	json_decref(people);
	house_close(&h);
}
