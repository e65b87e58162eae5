/* SPDX-License-Identifier: MIT */
/*
 * `make run` with a Twenty of one's own: nothing is merged before its owner has said so. The twin
 * is the Twenty; the script of `make run` serves it on the ports and the store of the house.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "tests/harness/house.h"

static struct house h;

static void setup(void)
{
	h = (struct house){.dir = ""};
	cr_assert(house_open(&h, &(struct house_conf){.dialect = NULL}));
	cr_assert_eq(house_stop(&h), 0);
}

static void teardown(void)
{
	house_close(&h);
}

TestSuite(make_run, .init = setup, .fini = teardown, .timeout = 120);

/* Starts the script; further is one more "NAME=value" or NULL. */
static void serve(const char *further)
{
	char url[96], hook[64], console[64], store[160];
	const char *argv[] = {".ci/demo", NULL};
	const char *env[] = {url, "TWENTY_API_KEY=" HOUSE_KEY,
		"TWENTY_WEBHOOK_SECRET=" HOUSE_SECRET, hook, console, store, further, NULL};
	snprintf(url, sizeof(url), "TWENTY_URL=%s", h.twin_url);
	snprintf(hook, sizeof(hook), "MOONHOOK_LISTEN=127.0.0.1:%d", h.hook_port);
	snprintf(console, sizeof(console), "MOONHOOK_CONSOLE_LISTEN=127.0.0.1:%d", h.console_port);
	snprintf(store, sizeof(store), "MOONHOOK_STORE=%s/store", h.dir);
	cr_assert(process_start(&h.daemon, h.dir, "make-run", argv, env));
	if (process_await(house_ready, &h, 20000))
		return;
	char *out = process_read(h.daemon.out), *err = process_read(h.daemon.err);
	cr_assert(false, "not ready: %s%s", out, err);
}

static void says(const char *sentence)
{
	char *out = process_read(h.daemon.out);
	cr_expect(strstr(out, sentence) != NULL, "said:   %s\nwanted: %s", out, sentence);
	free(out);
}

static void maria(const char *email)
{
	char body[256];
	int status = 0;
	snprintf(body, sizeof(body),
		"{\"name\":{\"firstName\":\"Maria\",\"lastName\":\"Silva\"},"
		"\"emails\":{\"primaryEmail\":\"%s\"}}",
		email);
	json_decref(house_api(&h, "POST", "/rest/people", body, &status));
	cr_assert_eq(status, 201);
}

static size_t people_n(void)
{
	json_t *people = house_records(&h, "people");
	size_t n = json_array_size(people);
	json_decref(people);
	return n;
}

struct wanted {
	const char *state;
	size_t n;
};

/* So many runs of the rule that merges ended in this state. */
static bool dedupe_ran(void *ctx)
{
	const struct wanted *w = ctx;
	json_t *runs = house_runs(&h), *run;
	size_t i, n = 0;
	json_array_foreach(runs, i, run)
	{
		const char *rule = json_string_value(json_object_get(run, "rule"));
		const char *state = json_string_value(json_object_get(run, "state"));
		n += rule != NULL && strcmp(rule, "dedupe on ingest") == 0 &&
		     strcmp(state, w->state) == 0;
	}
	json_decref(runs);
	return n >= w->n;
}

/* As its owner does in an editor. */
static void go_live(void)
{
	char dir[200], path[256];
	snprintf(dir, sizeof(dir), "%s/store/rules", h.dir);
	snprintf(path, sizeof(path), "%s/dedupe_on_ingest.lua", dir);
	char *text = process_read(path);
	char *at = text != NULL ? strstr(text, "local preview = true\n") : NULL;
	cr_assert_not_null(at, "%s", path);
	memcpy(at, "local preview =false\n", 21);
	cr_assert(process_write(dir, "dedupe_on_ingest.lua", text));
	free(text);
}

/* The rules, their modules, and no tests: those are about the settings of the originals. */
static void expect_copies(void)
{
	static const struct {
		const char *name;
		int there;
	} files[] = {
		{"rules/dedupe_nightly.lua", 0},
		{"lib/duplicates.lua", 0},
		{"lib/lookup.lua", 0},
		{"rules/dedupe_nightly_test.lua", -1},
	};
	for (size_t i = 0; i < ARRAY_N(files); i++) {
		struct stat st;
		char path[300];
		snprintf(path, sizeof(path), "%s/store/%s", h.dir, files[i].name);
		cr_expect_eq(stat(path, &st), files[i].there, "%s", files[i].name);
	}
}

Test(make_run, a_merge_is_tried_out_until_its_owner_wants_it)
{
	static const char *const reload[] = {"reload", NULL};
	int status = -1;
	size_t before = people_n();
	serve(NULL);
	says("only tries merges out (preview = true): writes nothing");
	says("set preview = false there");
	says("at night, tells who is there twice (preview = true): writes nothing");
	expect_copies();
	maria("maria.silva@northwind.example");
	cr_assert(process_await(dedupe_ran, &(struct wanted){"skipped", 1}, 20000));
	maria("maria.silva+form@northwind.example");
	cr_assert(process_await(dedupe_ran, &(struct wanted){"done", 1}, 20000));
	cr_expect_eq(people_n(), before + 2, "both are still there");
	go_live();
	free(house_command(&h, reload, &status));
	cr_expect_eq(status, 0);
	maria("maria.silva+fair@northwind.example");
	cr_assert(process_await(dedupe_ran, &(struct wanted){"done", 2}, 20000));
	cr_expect_eq(people_n(), before + 1, "now they are one");
	cr_expect_eq(process_stop(&h.daemon, SIGTERM, 15000), 0);
	serve(NULL);
	says("GONE FOR GOOD");
}

Test(make_run, a_folder_of_rules_that_somebody_chose_is_taken_as_it_is)
{
	char rules[300], copy[300];
	struct stat st;
	snprintf(rules, sizeof(rules), "MOONHOOK_RULES=%s", h.rules);
	snprintf(copy, sizeof(copy), "%s/store/rules", h.dir);
	serve(rules);
	says(h.rules);
	cr_expect_neq(stat(copy, &st), 0);
}
