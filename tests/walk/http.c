/* SPDX-License-Identifier: MIT */
/*
 * A rule that calls another server, in a whole house: the call is made with its secret, the journal
 * shows it without, and a rule in shadow mode makes none. The other server is the twin, by its
 * address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/harness/house.h"

#define CANARY "canary-of-the-house" /* sent along with the key */

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_http, .fini = close_house, .timeout = 120);

static void open_house(const char *mode)
{
	static const char *const env[] = {"HTTP_KEY=" HOUSE_KEY, "CANARY=" CANARY, NULL};
	char rule[1200];
	struct house_conf conf = {.no_daemon = true, .env = env};
	cr_assert(house_open(&h, &conf));
	FILE *config = fopen(h.config, "a");
	cr_assert_not_null(config);
	fprintf(config,
		"\nhttp = { allow = { \"%s\" } }\n"
		"secrets = { KEY = env \"HTTP_KEY\", CANARY = env \"CANARY\" }\n",
		h.twin_url);
	cr_assert_eq(fclose(config), 0);
	snprintf(rule, sizeof(rule),
		"rule \"tell\" { on = \"person.created\", mode = \"%s\", run = function(event)\n"
		"  local key = { Authorization = \"Bearer \" .. secret \"KEY\",\n"
		"    [\"X-Canary\"] = secret \"CANARY\" }\n"
		"  local people = http.get(\"%s/rest/people\", { headers = key })\n"
		"  local note = http.post(\"%s/rest/notes\", { headers = key,\n"
		"    json = { title = \"of \" .. #people.json.data.people } })\n"
		"  log.info(note.status, secret \"CANARY\")\n"
		"end }\n",
		mode, h.twin_url, h.twin_url);
	cr_assert(house_rule(&h, "tell.lua", rule));
	cr_assert(house_start(&h));
	int status = 0;
	json_decref(house_api(&h, "POST", "/rest/people",
		"{\"name\":{\"firstName\":\"Ann\",\"lastName\":\"Lee\"}}", &status));
	cr_assert_eq(status, 201);
	cr_assert(house_await_runs(&h, NULL, 1, 30000));
}

static size_t notes_n(void)
{
	json_t *list = house_records(&h, "notes");
	size_t n = json_array_size(list);
	json_decref(list);
	return n;
}

/* What `runs show` says of the one run. GIVES. */
static char *shown(void)
{
	json_t *runs = house_runs(&h);
	cr_assert_eq(json_array_size(runs), 1);
	const char *id = json_string_value(json_object_get(json_array_get(runs, 0), "id"));
	const char *const args[] = {"runs", "show", id, "-o", "json", NULL};
	int status = 0;
	char *text = house_command(&h, args, &status);
	json_decref(runs);
	cr_assert_eq(status, 0);
	return text;
}

Test(walk_http, a_rule_calls_another_server_and_its_secret_is_nowhere_to_be_read)
{
	open_house("live");
	char *text = shown();
	cr_expect_eq(notes_n(), 1, "%s", text);
	cr_expect_not_null(strstr(text, "\"done\""), "%s", text);
	cr_expect_not_null(strstr(text, "secret CANARY"), "%s", text);
	cr_expect_null(strstr(text, CANARY), "%s", text);
	cr_expect_null(strstr(text, HOUSE_KEY), "%s", text);
	free(text);
}

Test(walk_http, a_rule_in_shadow_mode_reads_and_sends_nothing)
{
	open_house("shadow");
	char *text = shown();
	cr_expect_eq(notes_n(), 0, "%s", text);
	cr_expect_not_null(strstr(text, "\"not sent\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"shadow\""), "%s", text);
	free(text);
	const char *const args[] = {"runs", "list", NULL};
	int status = 0;
	text = house_command(&h, args, &status);
	cr_expect_not_null(strstr(text, "shadow"), "%s", text);
	free(text);
}
