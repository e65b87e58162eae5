/* SPDX-License-Identifier: MIT */
/* Calls that wait, as an operator sees it: status, its JSON, metrics, the log. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/house.h"

#define EVENTS 40

/* Each asks for something else, so that nothing can be asked for together. */
static const char rule_text[] =
	"rule \"ask\" {\n"
	"  on = \"person.created\",\n"
	"  run = function(event)\n"
	"    twenty.people:list { where = { email = event.record.id .. \"@x.example\" } }\n"
	"  end,\n"
	"}\n";

static struct house h;

static void close_house(void)
{
	house_close(&h);
}

TestSuite(walk_waiting, .fini = close_house, .timeout = 90);

static void open_house(void)
{
	struct house_conf conf = {
		.no_webhooks = true, .twin_args = "--budget none", .budget = "20/m"};
	cr_assert(house_rule(&h, "ask.lua", rule_text));
	cr_assert(house_open(&h, &conf));
}

static void deliver(void)
{
	char body[512];
	for (int i = 0; i < EVENTS; i++) {
		snprintf(body, sizeof(body),
			"{\"eventName\":\"person.created\",\"workspaceId\":\"w\",\"eventDate\":"
			"\"2026-11-23T00:00:00.%03dZ\",\"record\":{\"id\":"
			"\"11111111-2222-4333-8444-5555555555%02d\",\"updatedAt\":"
			"\"2026-11-23T00:00:00.000Z\"}}",
			i, i);
		cr_assert_eq(house_deliver(&h, body), 202);
	}
}

/* Gives api of `status -o json` where it waits for that. */
static json_t *api_waiting(const char *reason)
{
	json_t *s = house_status(&h), *api = json_incref(json_object_get(s, "api"));
	const char *have = json_string_value(json_object_get(api, "waiting_for"));
	json_decref(s);
	if (have != NULL && strcmp(have, reason) == 0)
		return api;
	json_decref(api);
	return NULL;
}

static bool waits_for(void *reason)
{
	json_t *api = api_waiting(reason);
	json_decref(api);
	return api != NULL;
}

static void human_says(const char *text)
{
	static const char *const plain[] = {"status", NULL};
	int status = -1;
	char *out = house_command(&h, plain, &status);
	cr_expect_eq(status, 0);
	cr_expect(out != NULL && strstr(out, text) != NULL, "%s", out);
	free(out);
}

static bool log_says(void *text)
{
	char *log = process_read(h.daemon.err);
	bool yes = log != NULL && strstr(log, text) != NULL;
	free(log);
	return yes;
}

Test(walk_waiting, for_the_budget)
{
	char url[96];
	struct http_answer metrics;
	open_house();
	deliver();
	char reason[] = "budget", line[] = "calls wait for the budget of 20 requests a minute";
	cr_assert(process_await(waits_for, reason, 15000));
	json_t *api = api_waiting("budget");
	cr_assert_not_null(api);
	json_int_t waiting = json_integer_value(json_object_get(api, "waiting"));
	json_t *lanes = json_object_get(api, "lanes");
	cr_expect(waiting > 0 && waiting <= EVENTS);
	json_int_t live = json_integer_value(json_object_get(lanes, "live"));
	cr_expect(live > 0 && live <= waiting, "%ld of %ld", (long)live, (long)waiting);
	cr_expect_eq(json_integer_value(json_object_get(api, "per_minute")), 20);
	json_int_t next_ms = json_integer_value(json_object_get(api, "next_ms"));
	cr_expect(next_ms >= 0 && next_ms <= 3100, "%ld", (long)next_ms);
	json_decref(api);
	human_says("for the budget of 20 requests a minute (");
	cr_expect(process_await(log_says, line, 10000));
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/metrics", h.console_port);
	cr_assert(http_request("GET", url, NULL, NULL, 0, &metrics));
	cr_expect(strstr(metrics.body, "\nmoonhook_api_held{by=\"budget\"} 1\n") != NULL);
	cr_expect(strstr(metrics.body, "\nmoonhook_api_budget_per_minute 20\n") != NULL);
	cr_expect(strstr(metrics.body, "\nmoonhook_api_wait_seconds_count ") != NULL);
	http_answer_done(&metrics);
}

Test(walk_waiting, for_twenty)
{
	open_house();
	process_stop(&h.twin, SIGKILL, 2000);
	deliver();
	char reason[] = "twenty";
	cr_assert(process_await(waits_for, reason, 15000));
	json_t *api = api_waiting("twenty");
	cr_assert_not_null(api);
	cr_expect_leq(json_integer_value(json_object_get(api, "next_ms")), 30000);
	json_decref(api);
	human_says("waiting   for Twenty (");
	human_says("next try in ");
}
