/* SPDX-License-Identifier: MIT */
/*
 * From a configuration without a webhook to one that works, as an operator walks it; what doctor
 * says of each broken house, and its exit status.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/harness/house.h"
#include "tests/harness/port.h"

static const char rule_text[] = "rule \"greet\" { on = \"person.created\", run = function(event) "
				"skip \"seen\" end }\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_doctor, .fini = close_house, .timeout = 90);

static void open_house(const struct house_conf *conf)
{
	cr_assert(house_rule(&h, "greet.lua", rule_text));
	cr_assert(house_open(&h, conf));
}

/* Runs `moonhook ..` and answers its output; the status has to be this one. */
static char *run(int status, const char *const *args)
{
	int got = -1;
	char *out = house_command(&h, args, &got);
	cr_expect_eq(got, status, "%s %s ended with %d: %s", args[0],
		args[1] != NULL ? args[1] : "", got, out);
	return out;
}
#define RUN(status, ...) run(status, (const char *const[]){__VA_ARGS__, NULL})

static void quiet(int status, const char *const *args)
{
	free(run(status, args));
}
#define QUIET(status, ...) quiet(status, (const char *const[]){__VA_ARGS__, NULL})

/* A row of doctor with this name and level whose text has this. */
static void expect_row(
	const json_t *rows, const char *name, const char *level, const char *text, const char *fix)
{
	size_t i;
	json_t *row;
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		const char *t = json_string_value(json_object_get(row, "text"));
		const char *x = json_string_value(json_object_get(row, "fix"));
		if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
			strcmp(json_string_value(json_object_get(row, "level")), level) == 0 &&
			strstr(t, text) != NULL && (fix == NULL || (x != NULL && strstr(x, fix))))
			return;
	}
	char *all = json_dumps(rows, JSON_INDENT(1));
	cr_expect(false, "no %s row \"%s\" with \"%s\" in %s", level, name, text, all);
	free(all);
}

static json_t *examine(int status)
{
	char *out = RUN(status, "doctor", "-o", "json");
	json_t *rows = json_loads(out, 0, NULL);
	cr_expect(strstr(out, HOUSE_KEY) == NULL, "the key is not shown");
	cr_expect(strstr(out, HOUSE_SECRET) == NULL, "no secret is shown");
	free(out);
	cr_assert_not_null(rows);
	return rows;
}

static size_t fails_n(const json_t *rows)
{
	size_t i, n = 0;
	json_t *row;
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		n += strcmp(json_string_value(json_object_get(row, "level")), "fail") == 0;
	}
	return n;
}

/* The webhooks that the twin has. */
static json_t *webhooks(void)
{
	int status = 0;
	json_t *list = house_api(&h, "GET", "webhooks", NULL, &status);
	if (!json_is_array(list)) {
		json_decref(list);
		list = house_api(&h, "GET", "/rest/webhooks", NULL, &status);
	}
	cr_assert(json_is_array(list), "%d", status);
	return list;
}

static size_t webhooks_n(void)
{
	json_t *list = webhooks();
	size_t n = json_array_size(list);
	json_decref(list);
	return n;
}

static char *secret_file(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", h.dir, name);
	struct stat st;
	if (stat(path, &st) != 0)
		return NULL;
	cr_expect_eq(st.st_mode & 0777, 0600);
	char *text = process_read(path);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool has_secret(const char *name)
{
	char *secret = secret_file(name);
	free(secret);
	return secret != NULL;
}

/* Ready is who takes deliveries: the rules may come a moment later. */
static bool rule_is_live(void *ctx)
{
	(void)ctx;
	json_t *s = house_status(&h);
	bool live = json_array_size(json_object_get(s, "rules")) != 0;
	json_decref(s);
	return live;
}

static void make_person(void)
{
	int status = 0;
	json_t *made = house_api(
		&h, "POST", "/rest/people", "{\"name\":{\"firstName\":\"Ann\"}}", &status);
	cr_expect_eq(status, 201);
	json_decref(made);
}

Test(walk_doctor, a_new_user_goes_from_no_webhook_to_signed_events)
{
	open_house(&(struct house_conf){
		.no_webhooks = true, .no_daemon = true, .secrets = "file \"twenty.secret\""});
	json_t *rows = examine(78);
	expect_row(rows, "config", "fail", "twenty.secret", "moonhook webhook add");
	expect_row(rows, "webhook", "fail", "no webhook of this workspace points here",
		"moonhook webhook add");
	expect_row(rows, "daemon", "warn", "not running", "moonhook serve");
	expect_row(rows, "twenty", "ok", "(core dialect)", NULL);
	json_decref(rows);
	QUIET(0, "webhook", "add", "--dry-run");
	cr_expect_not(has_secret("twenty.secret"));
	cr_expect_eq(webhooks_n(), 0);

	char *said = RUN(0, "webhook", "add");
	char *secret = secret_file("twenty.secret");
	json_t *list = webhooks(), *one = json_array_get(list, 0);
	cr_assert_not_null(secret);
	cr_assert_eq(json_array_size(list), 1);
	cr_expect_eq(strlen(secret), 64);
	cr_expect_str_eq(json_string_value(json_object_get(one, "secret")), secret);
	cr_expect(strstr(said, secret) == NULL, "the secret is not shown");
	cr_expect(strstr(said, "twenty.secret") != NULL, "%s", said);
	json_decref(list);
	free(said);

	cr_assert(house_start(&h));
	make_person();
	cr_expect(house_await_runs(&h, "skipped", 1, 15000), "the signed event arrives");
	rows = examine(0);
	cr_expect_eq(fails_n(rows), 0);
	expect_row(rows, "webhook", "ok", "the last delivery came", NULL);
	expect_row(rows, "clock", "ok", "clock skew ", NULL);
	expect_row(rows, "store", "ok", "WAL", NULL);
	expect_row(rows, "daemon", "ok", "daemon ", NULL);
	expect_row(rows, "rules", "ok", "1 rule live", NULL);
	expect_row(rows, "door", "ok", "leads to this receiver", NULL);
	json_decref(rows);
	said = RUN(0, "doctor");
	cr_expect(strstr(said, "ok    Twenty at http://127.0.0.1:") != NULL, "%s", said);
	cr_expect(strstr(said, "ok    clock skew ") != NULL &&
			  strstr(said, " \xc2\xb7 store: WAL ") != NULL,
		"%s", said);
	cr_expect(strstr(said, "\033") == NULL, "no colour where there is no terminal");
	free(said);
	QUIET(1, "webhook", "add"); /* one points here already */
	cr_expect_eq(webhooks_n(), 1);
	free(secret);
}

Test(walk_doctor, a_secret_is_changed_while_the_daemon_runs)
{
	open_house(&(struct house_conf){
		.no_daemon = true, .secrets = "\"" HOUSE_SECRET "\", file \"new.secret\""});
	cr_assert(process_write(h.dir, "new.secret", ""));
	cr_assert(house_start(&h));
	make_person();
	cr_assert(house_await_runs(&h, "skipped", 1, 15000));
	QUIET(0, "webhook", "add", "--replace");
	char path[256];
	snprintf(path, sizeof(path), "%s/new.secret", h.dir);
	char *secret = process_read(path);
	cr_expect_eq(strlen(secret), 65);
	secret[64] = '\0';
	json_t *list = webhooks(), *one = json_array_get(list, 0);
	cr_assert_eq(json_array_size(list), 1);
	cr_expect_str_eq(json_string_value(json_object_get(one, "secret")), secret);
	json_decref(list);
	make_person();
	cr_expect(house_await_runs(&h, "skipped", 2, 15000), "the receiver knows the new secret");
	free(secret);
}

Test(walk_doctor, an_attempt_that_fails_leaves_nothing_behind)
{
	open_house(&(struct house_conf){
		.no_webhooks = true, .no_daemon = true, .secrets = "file \"twenty.secret\""});
	struct http_answer answer;
	char url[128];
	static const char fault[] = "status=400:1,match=POST /rest/webhooks";
	snprintf(url, sizeof(url), "%s/_twin/fault", h.twin_url);
	cr_assert(http_request("POST", url, NULL, fault, strlen(fault), &answer));
	http_answer_done(&answer);
	QUIET(6, "webhook", "add");
	cr_expect_not(has_secret("twenty.secret"), "the secret is taken back");
	cr_expect_eq(webhooks_n(), 0);
	QUIET(0, "webhook", "add");
	cr_expect(has_secret("twenty.secret"));
	cr_expect_eq(webhooks_n(), 1);
}

Test(walk_doctor, webhooks_are_listed_and_removed_with_a_question)
{
	open_house(&(struct house_conf){.no_daemon = true});
	char *out = RUN(0, "webhook", "list", "-o", "json");
	json_t *rows = json_loads(out, 0, NULL), *one = json_array_get(rows, 0);
	cr_expect_eq(json_array_size(rows), 1);
	cr_expect_str_eq(json_string_value(json_object_get(one, "signed")), "yes");
	cr_expect_str_eq(json_string_value(json_object_get(one, "here")), "yes");
	cr_expect(strstr(out, HOUSE_SECRET) == NULL);
	char id[9];
	snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(one, "id")));
	json_decref(rows);
	free(out);
	QUIET(0, "webhook", "list");
	QUIET(2, "webhook", "remove");
	QUIET(2, "webhook", "remove", id, "--here");
	QUIET(1, "webhook", "remove", "zzz", "--yes");
	QUIET(0, "webhook", "remove", id, "--dry-run");
	QUIET(3, "webhook", "remove", id); /* nobody is there to say yes */
	cr_expect_eq(webhooks_n(), 1);
	QUIET(0, "webhook", "remove", id, "--yes");
	cr_expect_eq(webhooks_n(), 0);
	QUIET(1, "webhook", "remove", "--here", "--yes");
	QUIET(2, "webhook", "add", "--operations", "person.creatd");
	QUIET(2, "webhook", "add", "--url", "nowhere");
	out = RUN(
		0, "webhook", "add", "--url", "https://hooks.acme.io", "--operations", "person.*");
	cr_expect(strstr(out, "https://hooks.acme.io/hooks/twenty") != NULL, "%s", out);
	free(out);
	out = RUN(0, "webhook", "add", "--print-secret");
	cr_expect_eq(strlen(out), 65, "the secret alone is on standard output: %s", out);
	free(out);
}

Test(walk_doctor, an_unsigned_webhook_and_a_stale_secret_are_found)
{
	char body[256];
	int status = 0;
	open_house(&(struct house_conf){.no_webhooks = true});
	cr_assert(process_await(rule_is_live, NULL, 15000));
	snprintf(body, sizeof(body),
		"{\"targetUrl\":\"http://127.0.0.1:%d/hooks/twenty\",\"operations\":[\"task.*\"],"
		"\"secret\":\"\"}",
		h.hook_port);
	json_decref(house_api(&h, "POST", "/rest/webhooks", body, &status));
	cr_assert_eq(status, 201);
	json_t *rows = examine(1);
	expect_row(rows, "webhook", "fail", "has no secret", "moonhook webhook add --replace");
	expect_row(rows, "webhook", "fail", "rule \"greet\" is on person.created", "--replace");
	expect_row(rows, "webhook", "warn", "is loopback, as Twenty is", "OUTBOUND_HTTP_SAFE_MODE");
	json_decref(rows);
	snprintf(body, sizeof(body),
		"{\"targetUrl\":\"http://127.0.0.1:%d/hooks/twenty\",\"operations\":[\"*.*\"],"
		"\"secret\":\"stale\"}",
		h.hook_port);
	QUIET(0, "webhook", "remove", "--here", "--yes");
	json_decref(house_api(&h, "POST", "/rest/webhooks", body, &status));
	make_person();
	rows = examine(1);
	expect_row(rows, "webhook", "fail", "signs with a secret that source", "--replace");
	json_decref(rows);
	QUIET(0, "webhook", "add", "--replace"); /* with the secret that the source has */
	make_person();
	cr_expect(house_await_runs(&h, "skipped", 1, 15000));
	rows = examine(0);
	expect_row(rows, "deliveries", "warn", "refused since the start: unsigned", NULL);
	json_decref(rows);
}

Test(walk_doctor, a_refused_key_and_a_silent_twenty_have_statuses_of_their_own)
{
	open_house(&(struct house_conf){.no_daemon = true});
	char *text = process_read(h.config);
	char *key = strstr(text, HOUSE_KEY);
	cr_assert_not_null(key);
	memcpy(key, "wrong", 5);
	cr_assert(process_write(h.dir, "moonhook.lua", text));
	free(text);
	json_t *rows = examine(4);
	expect_row(rows, "twenty", "fail", "refused the key", NULL);
	expect_row(rows, "store", "ok", "store: none yet", NULL);
	json_decref(rows);
	QUIET(4, "webhook", "list");
	QUIET(4, "webhook", "add");
	process_stop(&h.twin, SIGTERM, 5000);
	rows = examine(6);
	expect_row(
		rows, "twenty", "fail", "cannot be reached: it refuses connections", "twenty.url");
	expect_row(rows, "store", "ok", "store: none yet", NULL);
	expect_row(rows, "daemon", "warn", "not running", NULL);
	json_decref(rows);
	QUIET(6, "webhook", "list");
}

Test(walk_doctor, a_missing_secret_hides_no_other_mistake_of_the_configuration)
{
	char *text, more[4096];
	open_house(&(struct house_conf){.no_daemon = true, .secrets = "file \"twenty.secret\""});
	text = process_read(h.config);
	cr_assert_lt(snprintf(more, sizeof(more), "%s\nnotfy = { every = \"5m\" }\n", text),
		(int)sizeof(more));
	free(text);
	cr_assert(process_write(h.dir, "moonhook.lua", more));
	json_t *rows = examine(78);
	expect_row(rows, "config", "fail", "twenty.secret", NULL);
	expect_row(rows, "config", "fail", "did you mean `notify.every`?", NULL);
	json_decref(rows);
}
