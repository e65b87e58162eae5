/* SPDX-License-Identifier: MIT */
/*
 * http calls of rules as the runner makes them: once more after a death or a failure, with the same
 * key; secrets in nothing that is kept.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/client_fake.h"
#include "tests/unit/runner_stage.h"

#define CANARY "canary-5d1e77aa"

static struct stage s;
static struct fake fake;

static void open_stage(void)
{
	stage_open(&s);
}

static void close_stage(void)
{
	stage_close(&s);
	fake_close(&fake);
}

TestSuite(runner_http, .init = open_stage, .fini = close_stage, .timeout = 90);

/* Notes the Idempotency-Key of each request in reply. Mode 0: never answers; 503 first and then
 * 200 with mode 1; 200 at once with mode 2, with the head of the request as its body. */
static bool answers(int fd, const char *request, struct fake_shared *shared)
{
	const char *at = strstr(request, "Idempotency-Key: ");
	size_t n = strlen(shared->reply);
	snprintf(shared->reply + n, sizeof(shared->reply) - n, "%.36s\n",
		at != NULL ? at + 17 : "none");
	int hits = atomic_load(&shared->hits);
	while (atomic_load(&shared->mode) == 0)
		usleep(1000);
	if (atomic_load(&shared->mode) == 1 && hits == 1)
		return fake_answer(fd, 503, "", "busy");
	return fake_answer(fd, 200, "", request);
}

static void start(const char *rule, int mode)
{
	char settings[400], text[1200];
	cr_assert(fake_open(&fake, answers, FAKE_ALL));
	atomic_store(&fake.shared->mode, mode);
	snprintf(text, sizeof(text), "local server = \"%s\"\n%s", fake.url, rule);
	stage_rule(&s, "a.lua", text);
	snprintf(settings, sizeof(settings),
		"http = { allow = { \"%s\" } }\nsecrets = { KEY = \"" CANARY "\" }", fake.url);
	stage_start(&s, STAGE_ALONE, settings);
}

#define RULE(body) "rule \"r\" { on = \"person.*\", run = function(event)\n" body "\nend }"

/* Both requests had the same key, and one. */
static void is_same_key(void)
{
	const char *keys = fake.shared->reply;
	cr_assert_eq(strlen(keys), 2 * 37, "%s", keys);
	cr_expect(strncmp(keys, keys + 37, 37) == 0, "%s", keys);
	cr_expect(strncmp(keys, "none", 4) != 0, "%s", keys);
}

static bool is_hit(struct stage *stage, long n)
{
	(void)stage;
	return atomic_load(&fake.shared->hits) >= n;
}

Test(runner_http, an_effect_that_was_under_way_at_a_death_goes_out_again_with_the_same_key)
{
	start(RULE("local a = http.post(server .. \"/x\", { json = { n = 1 } })\n"
		   "skip(\"got \" .. a.status)"),
		0);
	stage_someone(&s, "x");
	stage_until(&s, is_hit, 1);
	stage_crash(&s);
	atomic_store(&fake.shared->mode, 2);
	stage_again(&s);
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_str_eq(run->error, "got 200");
	cr_expect_eq(run->attempt, 1, "a death of the runner uses up no attempt");
	is_same_key();
}

Test(runner_http, an_effect_whose_outcome_nobody_knows_is_tried_again_with_the_same_key)
{
	start(RULE("local a = http.put(server .. \"/x\", { body = \"x\" })\n"
		   "skip(\"got \" .. a.status)"),
		1);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_str_eq(run->error, "got 200");
	cr_expect_eq(run->attempt, 2);
	is_same_key();
}

Test(runner_http, an_effect_that_was_answered_is_not_done_again_when_the_run_is)
{
	start(RULE("local a = http.post(server .. \"/a\")\n"
		   "local b = http.get(server .. \"/b\", { timeout = \"10s\" })\n"
		   "local c = http.post(server .. \"/c\", { ok = 503 })\n"
		   "retry_after(\"1s\", \"later\")"),
		2);
	stage_someone(&s, "x");
	stage_until(&s, stage_waiting, 1);
	int hits = atomic_load(&fake.shared->hits);
	cr_expect_eq(hits, 3);
	stage_until(&s, stage_waiting, 1);
	cr_expect_eq(atomic_load(&fake.shared->hits), 3);
}

Test(runner_http, a_get_is_no_effect_and_is_asked_anew)
{
	start(RULE("http.get(server .. \"/a\")\n"
		   "if kv.incr(\"tries\") == 1 then retry_after(\"1ms\", \"once more\") end"),
		2);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_eq(stage_find(&s, "r", NULL)->state, QUEUE_DONE);
	cr_expect_eq(atomic_load(&fake.shared->hits), 2);
}

/* Does any file of the store have these bytes? */
static bool store_has(const char *bytes)
{
	char path[600];
	bool has = false;
	char folder[200];
	snprintf(folder, sizeof(folder), "%s/var", s.dir);
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		FILE *file = fopen(path, "rb");
		static char text[4 << 20];
		size_t n = file != NULL ? fread(text, 1, sizeof(text), file) : 0;
		has = has || memmem(text, n, bytes, strlen(bytes)) != NULL;
		if (file != NULL)
			fclose(file);
	}
	if (dir != NULL)
		closedir(dir);
	return has;
}

Test(runner_http, the_value_of_a_secret_is_in_the_request_and_in_nothing_that_is_kept)
{
	start(RULE("local a = http.post(server .. \"/x\", {\n"
		   "  headers = { Authorization = \"Bearer \" .. secret \"KEY\" },\n"
		   "  json = { token = secret \"KEY\", plain = \"kept-as-it-is\" } })\n"
		   "log.info(\"answered\", a.body, secret \"KEY\")\n"
		   "error(a.body)"),
		2);
	stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	stage_look(&s);
	const struct stage_run *run = stage_find(&s, "r", NULL);
	cr_expect_not_null(
		strstr(fake.shared->body, "\"token\":\"" CANARY "\""), "%s", fake.shared->body);
	cr_expect_null(strstr(run->error, CANARY), "%s", run->error);
	cr_expect_not_null(strstr(run->error, "Bearer (secret KEY)"), "%s", run->error);
	cr_expect_null(strstr(run->log, CANARY), "%s", run->log);
	stage_stop(&s);
	cr_expect(store_has("kept-as-it-is"), "else this looks at the wrong files");
	cr_expect_not(store_has(CANARY));
}

Test(runner_http, hosts_and_secrets_of_a_reload_count_at_once)
{
	char said[512], settings[300];
	start(RULE("local ok, e = pcall(http.get, server .. \"/x\")\n"
		   "skip(ok and \"got it\" or e.code)"),
		2);
	struct id first = stage_someone(&s, "x");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(stage_find(&s, "r", &first)->error, "got it");
	snprintf(settings, sizeof(settings), "http = { allow = { \"api.example.com\" } }");
	stage_configure(&s, settings);
	stage_reload(&s, said);
	struct id second = stage_someone(&s, "y");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(stage_find(&s, "r", &second)->error, "denied", "%s", said);
}
