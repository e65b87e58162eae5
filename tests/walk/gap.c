/* SPDX-License-Identifier: MIT */
/* Changes without webhooks, as an operator sees them: reconcile, status, exit statuses. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/house.h"

static const char rule_text[] = "rule \"see\" {\n"
				"  on = \"person.*\",\n"
				"  run = function(event)\n"
				"    log.info(event.name .. \" \" .. event.via .. \" \" .. "
				"tostring(event.record.jobTitle))\n"
				"  end,\n"
				"}\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_gap, .fini = close_house, .timeout = 120);

static void open_house(const char *dialect, const char *settings)
{
	struct house_conf conf = {.dialect = dialect,
		.no_webhooks = true,
		.twin_args = "--budget none --records 20",
		.budget = "none",
		.settings = settings};
	cr_assert(house_rule(&h, "see.lua", rule_text));
	cr_assert(house_open(&h, &conf));
}

/* `moonhook reconcile`, its exit status and words. GIVES. */
static char *reconcile(const char *flag, int *ret_status)
{
	const char *const args[] = {"reconcile", flag, NULL};
	return house_command(&h, args, ret_status);
}

static void reconcile_says(const char *flag, const char *text)
{
	int status = -1;
	char *out = reconcile(flag, &status);
	cr_expect_eq(status, 0);
	cr_expect(out != NULL && strstr(out, text) != NULL, "%s instead of %s", out, text);
	free(out);
}

static void api(const char *method, const char *path, const char *body)
{
	int status = 0;
	json_decref(house_api(&h, method, path, body, &status));
	cr_assert(status >= 200 && status < 300, "%s %s: %d", method, path, status);
}

static void some_id(char ret_id[static 64])
{
	json_t *all = house_records(&h, "people");
	snprintf(
		ret_id, 64, "%s", json_string_value(json_object_get(json_array_get(all, 3), "id")));
	json_decref(all);
}

/* The names of all events, in order. GIVES. */
static char *events(void)
{
	static const char *const args[] = {"events", "list", "-o", "jsonl", NULL};
	int status = -1;
	char *text = house_command(&h, args, &status), *names = calloc(1, 4096);
	cr_assert_eq(status, 0);
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		size_t n = strlen(names);
		if (row != NULL)
			snprintf(names + n, 4096 - n, "%s%s", n > 0 ? " " : "",
				json_string_value(json_object_get(row, "name")));
		json_decref(row);
	}
	free(text);
	return names;
}

static void events_are(const char *expected)
{
	char *names = events();
	cr_expect_str_eq(names, expected);
	free(names);
}

static void status_says(const char *text, const char *flag, int expected)
{
	const char *const args[] = {"status", flag, NULL};
	int status = -1;
	char *out = house_command(&h, args, &status);
	cr_expect_eq(status, expected);
	cr_expect(out != NULL && strstr(out, text) != NULL, "%s", out);
	free(out);
}

/* The twin's clock goes by the same one: what comes now has another time. */
static void next_moment(void)
{
	int64_t now = clock_wall_ms();
	while (clock_wall_ms() <= now + 1)
		;
}

static void live(const char *id, const char *deletion)
{
	char path[128], body[64] = "{\"jobTitle\":\"changed\"}";
	reconcile_says(NULL, "0 became events");
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	api("PATCH", path, body);
	next_moment();
	api("POST", "/rest/people", body);
	reconcile_says("--dry-run", "2 missing (1 created, 1 updated)");
	reconcile_says(NULL, "2 became events");
	snprintf(path, sizeof(path), "/rest/people/%s%s", id, deletion);
	api("DELETE", path, NULL);
}

Test(walk_gap, what_no_webhook_told_of_is_found_on_demand_and_that_is_an_alarm)
{
	char id[64];
	open_house("core", "gap = { sweep = \"0s\" }");
	some_id(id);
	live(id, "?soft_delete=true");
	reconcile_says(NULL, "1 missing (1 deleted)");
	house_await_runs(&h, "done", 3, 10000);
	events_are("person.updated person.created person.deleted");
	char path[128];
	snprintf(path, sizeof(path), "/rest/people/%s", id);
	api("DELETE", path, NULL);
	reconcile_says(NULL, "0 became events");
	reconcile_says("--ids", "1 missing (1 destroyed)");
	status_says("came without a webhook: find out why with `moonhook doctor`", NULL, 0);
	status_says("", "--check", 1);
}

Test(walk_gap, a_server_that_cannot_list_what_is_deleted_shows_it_by_what_is_missing)
{
	char id[64];
	open_house("docs", NULL);
	some_id(id);
	live(id, "");
	reconcile_says("--ids", "1 missing (1 deleted)");
	reconcile_says("--ids", "0 became events");
	house_await_runs(&h, "done", 3, 10000);
	events_are("person.updated person.created person.deleted");
}

Test(walk_gap, a_script_learns_why_it_could_not_be_asked)
{
	int status = -1;
	open_house("core", NULL);
	reconcile_says(NULL, "0 became events");
	free(reconcile("--since", &status)); /* without a time */
	cr_expect_eq(status, 2);
	process_stop(&h.twin, SIGKILL, 2000);
	free(reconcile(NULL, &status));
	cr_expect_eq(status, 6);
	house_stop(&h);
	free(reconcile(NULL, &status));
	cr_expect_eq(status, 5);
}

Test(walk_gap, a_refused_key_is_said)
{
	static const char *const wrong[] = {"MOONHOOK_TWENTY_KEY=wrong", NULL};
	int status = -1;
	struct house_conf conf = {.no_webhooks = true, .env = wrong};
	cr_assert(house_rule(&h, "see.lua", rule_text));
	cr_assert(house_open(&h, &conf));
	free(reconcile(NULL, &status));
	cr_expect_eq(status, 4);
}

/* --- both ways at once ------------------------------------------------------------------------ */

#define BATCH 100

static void many_come(void)
{
	json_t *list = json_array();
	for (int i = 0; i < BATCH; i++)
		json_array_append_new(list, json_pack("{s:o}", "jobTitle", json_sprintf("%d", i)));
	char *body = json_dumps(list, 0);
	api("POST", "/rest/batch/people", body);
	free(body);
	json_decref(list);
}

static json_int_t events_n(const char *state)
{
	json_t *s = house_status(&h);
	json_int_t n = json_integer_value(json_object_get(json_object_get(s, "events"), state));
	json_decref(s);
	return n;
}

static pid_t receiver(void)
{
	json_t *s = house_status(&h), *one;
	pid_t pid = 0;
	size_t i;
	json_array_foreach(json_object_get(s, "processes"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		if (name != NULL && strcmp(name, "receiver") == 0)
			pid = (pid_t)json_integer_value(json_object_get(one, "pid"));
	}
	json_decref(s);
	cr_assert_gt(pid, 0);
	return pid;
}

static bool all_came_twice(void *ctx)
{
	(void)ctx;
	return events_n("duplicate") >= 2 * BATCH;
}

Test(walk_gap, each_change_fires_once_where_both_ways_tell_of_it)
{
	int status = -1;
	struct house_conf conf = {.twin_args = "--budget none", .budget = "none"};
	cr_assert(house_rule(&h, "see.lua", rule_text));
	cr_assert(house_open(&h, &conf));
	reconcile_says(NULL, "0 became events");
	many_come();
	cr_assert(house_await_runs(&h, "done", BATCH, 30000));
	pid_t pid = receiver();
	kill(pid, SIGSTOP); /* Twenty waits for five seconds */
	many_come();
	many_come();
	/* The look of the start may have been there first. */
	free(reconcile(NULL, &status));
	cr_expect_eq(status, 0);
	cr_assert(house_await_runs(&h, "done", 3 * BATCH, 30000));
	kill(pid, SIGCONT);
	cr_assert(process_await(all_came_twice, NULL, 30000));
	cr_assert(house_await_runs(&h, "done", 3 * BATCH, 30000));
	cr_expect_eq(events_n("duplicate"), 2 * BATCH);
	cr_expect_eq(house_runs_n(&h, NULL), 3 * BATCH);
	status_says("webhooks have told of everything else", "--check", 0);
}
