/* SPDX-License-Identifier: MIT */
/* `moonhook init` as a new user, and as a script, meets it; in an empty folder beside a twin. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/house.h"

static struct house h;
static char home[160], program[4096];

static void setup(void)
{
	cr_assert(house_open(&h, &(struct house_conf){.no_daemon = true, .no_webhooks = true}));
	snprintf(home, sizeof(home), "%s/home", h.dir);
	cr_assert_eq(mkdir(home, 0700), 0);
	cr_assert_not_null(realpath(process_path("moonhook"), program));
}

static void teardown(void)
{
	house_close(&h);
}

TestSuite(walk_begin, .init = setup, .fini = teardown, .timeout = 90);

/* Runs `moonhook ..` in the empty folder. ret_said: GIVES (free), may be NULL. */
static int run(const char *words, const char *url, const char *key, char **ret_said)
{
	char line[4608], url_line[256], key_line[256];
	struct process p = {.pid = 0};
	snprintf(line, sizeof(line), "cd %s && exec %s %s 2>&1 </dev/null", home, program, words);
	snprintf(url_line, sizeof(url_line), "TWENTY_URL=%s", url);
	snprintf(key_line, sizeof(key_line), "TWENTY_API_KEY=%s", key);
	const char *argv[] = {"/bin/sh", "-c", line, NULL};
	const char *env[] = {url_line, key_line, NULL};
	int status = process_run(&p, h.dir, "begin", argv, env, 30000);
	if (ret_said != NULL)
		*ret_said = process_read(p.out);
	return status;
}

static char *read_at(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", home, name);
	return process_read(path);
}

static bool is_there(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", home, name);
	return access(path, F_OK) == 0;
}

Test(walk_begin, init_makes_what_a_first_rule_needs)
{
	char *said = NULL, path[256];
	struct stat st;
	cr_assert_eq(run("init", h.twin_url, HOUSE_KEY, &said), 0, "%s", said);
	cr_expect(strstr(said, "next: moonhook webhook add") != NULL, "%s", said);
	cr_expect(strstr(said, HOUSE_KEY) == NULL, "the key is not shown");
	free(said);
	snprintf(path, sizeof(path), "%s/conf/twenty.key", home);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600u, "nobody else may read the key");
	char *conf = read_at("conf/moonhook.lua"), *types = read_at("types/workspace.lua");
	cr_expect(strstr(conf, HOUSE_KEY) == NULL && strstr(conf, h.twin_url) != NULL, "%s", conf);
	cr_expect(strstr(types, "crm.Opportunity") != NULL, "the types are those of the twin");
	cr_expect(is_there(".luarc.json") && is_there("scripts/rules/first.lua"));
	free(conf);
	free(types);
	/* the rule is one, and the next steps work as they are said */
	cr_expect_eq(run("check scripts/rules/first.lua", "", "", &said), 0, "%s", said);
	free(said);
	cr_expect_eq(run("webhook add", "", "", &said), 0, "%s", said);
	free(said);
	cr_expect_eq(run("config print", "", "", &said), 0, "%s", said);
	free(said);
	/* a second time would overwrite it */
	cr_expect_eq(run("init", h.twin_url, HOUSE_KEY, &said), 1);
	cr_expect(strstr(said, "conf/moonhook.lua is there already") != NULL, "%s", said);
	free(said);
}

Test(walk_begin, what_twenty_refuses_leaves_nothing_behind)
{
	char *said = NULL;
	cr_expect_eq(run("init", h.twin_url, "wrong-key-canary", &said), 4, "%s", said);
	cr_expect(strstr(said, "refused the key") != NULL && strstr(said, "canary") == NULL, "%s",
		said);
	free(said);
	cr_expect_eq(run("init", "http://127.0.0.1:1", HOUSE_KEY, NULL), 6);
	cr_expect_eq(run("init", "crm.example.com", HOUSE_KEY, &said), 78);
	cr_expect(
		strstr(said, "\"crm.example.com\" is no address: it begins with https://") != NULL,
		"%s", said);
	free(said);
	cr_expect_eq(run("init", "", "", &said), 2);
	cr_expect(strstr(said, "set TWENTY_URL and TWENTY_API_KEY") != NULL, "%s", said);
	free(said);
	cr_expect_not(is_there("conf/moonhook.lua") || is_there("conf/twenty.key") ||
		      is_there("conf/moonhook.lua.new") || is_there("scripts/rules/first.lua"));
}

Test(walk_begin, the_sample_of_the_distribution_may_be_replaced)
{
	char path[256], *said = NULL, *sample = process_read("conf/moonhook.lua");
	snprintf(path, sizeof(path), "%s/conf", home);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert(process_write(path, "moonhook.lua", sample));
	cr_expect_eq(run("init", h.twin_url, HOUSE_KEY, &said), 0, "%s", said);
	cr_expect(strstr(said, "go live with it") == NULL, "%s", said);
	free(said);
	free(sample);
}

Test(walk_begin, rules_that_are_there_already_are_named_and_those_that_merge_are_marked)
{
	char path[256], *said = NULL;
	snprintf(path, sizeof(path), "%s/scripts", home);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/scripts/rules", home);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert(process_write(path, "a.lua", "-- nothing yet\n"));
	cr_assert(process_write(path, "b.lua", "-- twenty.people:merge { .. }\n"));
	cr_assert(process_write(path, "b_test.lua", "-- no rule\n"));
	cr_assert(process_write(path, "c.lua", "-- as shipped\nlocal preview = false\n"));
	cr_assert(process_write(path, "d.lua", "-- as shipped\nlocal preview = true\n"));
	cr_expect_eq(run("init", h.twin_url, HOUSE_KEY, &said), 0, "%s", said);
	cr_expect(strstr(said, "do not want:\n  scripts/rules/a.lua\n  scripts/rules/b.lua  (it "
			       "merges: what is merged away is GONE FOR GOOD)\n  "
			       "scripts/rules/c.lua  (it merges: what is merged away is GONE FOR "
			       "GOOD)\n  scripts/rules/d.lua\nnext: ") != NULL,
		"%s", said);
	free(said);
}
