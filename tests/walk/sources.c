/* SPDX-License-Identifier: MIT */
/*
 * Deliveries of others than Twenty, from their signature to a record at the twin; what rules see of
 * them, once more after they were tried again by hand.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "receiver/receiver.h"
#include "receiver/source.h"
#include "receiver/verify.h"
#include "tests/harness/house.h"

#define SETTINGS                                                                                   \
	"source \"stripe\" { scheme = \"stripe\", secrets = { \"whsec_walk\" } }\n"                \
	"source \"github\" { scheme = \"github\", secrets = { \"g\" } }\n"                         \
	"source \"std\" { scheme = \"standard-webhooks\", secrets = { \"whsec_c2VjcmV0\" } }\n"    \
	"source \"slack\" { scheme = \"hmac\", secrets = { \"s\" }, header = \"x-slack-"           \
	"signature\", prefix = \"v0=\", timestamp = \"x-slack-request-timestamp\", signed = "      \
	"\"v0:{timestamp}:{body}\" }\n"                                                            \
	"source \"gitlab\" { scheme = \"token\", secrets = { \"t0k3n\" }, header = "               \
	"\"x-gitlab-token\", id = \"x-gitlab-event-uuid\" }\n"

static const char stripe_rule[] =
	"rule \"a payment is a deal\" {\n"
	"  on = \"hook:stripe\",\n"
	"  run = function(event)\n"
	"    local payment = event.record\n"
	"    if payment.type ~= \"payment_intent.succeeded\" then skip(payment.type) end\n"
	"    local object = payment.data.object\n"
	"    twenty.opportunities:create {\n"
	"      name = \"Stripe \" .. object.id, stage = \"CUSTOMER\",\n"
	"      amount = money(object.amount / 100, object.currency:upper()),\n"
	"    }\n"
	"  end,\n"
	"}\n";

/* Tells what it sees in a note, and the names of the headers in its log. */
static const char seen_rule[] =
	"rule \"what came\" {\n"
	"  on = { \"hook:github\", \"hook:std\", \"hook:slack\", \"hook:gitlab\" },\n"
	"  run = function(event)\n"
	"    local names = {}\n"
	"    for name in pairs(event.headers) do names[#names + 1] = name end\n"
	"    log.info(event.hook .. \" \" .. table.concat(names, \" \"))\n"
	"    twenty.notes:create { title = event.hook .. \" \" .. tostring(event.headers"
	"[\"x-test\"]) .. \" \" .. tostring(event.record.text) .. \" \" .. event.via }\n"
	"  end,\n"
	"}\n";

static struct house h;

static void setup(void)
{
	cr_assert(house_rule(&h, "stripe.lua", stripe_rule));
	cr_assert(house_rule(&h, "seen.lua", seen_rule));
	cr_assert(house_open(&h, &(struct house_conf){.settings = SETTINGS, .no_webhooks = true}));
}

static void teardown(void)
{
	house_close(&h);
}

TestSuite(walk_sources, .init = setup, .fini = teardown, .timeout = 120);

static void run(int wanted, const char *const *args)
{
	int status = -1;
	char *out = house_command(&h, args, &status);
	cr_expect_eq(status, wanted, "%s %s ended with %d: %s", args[0], args[1], status, out);
	free(out);
}
#define RUN(wanted, ...) run(wanted, (const char *const[]){__VA_ARGS__, NULL})

/* Is there a record with this text in a field? */
static bool holds(const char *plural, const char *field, const char *text)
{
	json_t *all = house_records(&h, plural), *row;
	size_t i;
	bool found = false;
	json_array_foreach(all, i, row)
	{
		const char *value = json_string_value(json_object_get(row, field));
		found = found || (value != NULL && strcmp(value, text) == 0);
	}
	json_decref(all);
	return found;
}

Test(walk_sources, a_stripe_payment_creates_an_opportunity)
{
	char path[256];
	cr_assert(process_write(h.dir, "payment.json",
		"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\","
		"\"data\":{\"object\":{\"id\":\"pi_42\",\"amount\":125000,\"currency\":\"eur\"}}"
		"}"));
	snprintf(path, sizeof(path), "%s/payment.json", h.dir);
	RUN(0, "trigger", "hook:stripe", "--file", path);
	RUN(0, "trigger", "hook:stripe", "--set", "type=invoice.created");
	cr_assert(house_await_runs(&h, "done", 1, 20000));
	cr_assert(house_await_runs(&h, "skipped", 1, 20000));
	cr_expect(holds("opportunities", "name", "Stripe pi_42"));
	/* Stripe sends until it hears 2xx: the same event again is none, whatever else it says */
	cr_assert(process_write(h.dir, "payment.json",
		"{\"id\":\"evt_1\",\"object\":\"event\",\"pending_webhooks\":0}"));
	int status = -1;
	const char *again[] = {"trigger", "hook:stripe", "--file", path, "-o", "json", NULL};
	char *out = house_command(&h, again, &status);
	cr_expect(strstr(out, "\"repeated\":true") != NULL, "%s", out);
	free(out);
}

Test(walk_sources, each_scheme_reaches_its_rule_with_its_body_and_headers)
{
	static const char *const hooks[] = {"hook:github", "hook:std", "hook:slack", "hook:gitlab"};
	for (size_t i = 0; i < ARRAY_N(hooks); i++)
		RUN(0, "trigger", hooks[i], "--set", "text=hello", "--header", "X-Test: yes",
			"--header", "Authorization: canary");
	cr_assert(house_await_runs(&h, "done", 4, 20000));
	cr_expect(holds("notes", "title", "github yes hello hook"));
	cr_expect(holds("notes", "title", "std yes hello hook"));
	cr_expect(holds("notes", "title", "slack yes hello hook"));
	cr_expect(holds("notes", "title", "gitlab yes hello hook"));
	json_t *runs = house_runs(&h);
	const char *id = json_string_value(json_object_get(json_array_get(runs, 0), "id"));
	int status = -1;
	const char *show[] = {"runs", "show", id, "-o", "json", NULL};
	char *out = house_command(&h, show, &status);
	cr_expect(strstr(out, "content-type") != NULL, "%s", out);
	cr_expect(strstr(out, "signature") == NULL && strstr(out, "canary") == NULL &&
			  strstr(out, "authorization") == NULL && strstr(out, "token") == NULL,
		"what proves who sent it is no rule's business: %s", out);
	free(out);
	json_decref(runs);
	const char *doctor[] = {"doctor", "-o", "json", NULL};
	out = house_command(&h, doctor, &status);
	cr_expect(strstr(out, "source \\\"github\\\" (github, 1 secret): the last delivery came") !=
			  NULL,
		"%s", out);
	cr_expect(
		strstr(out, "source \\\"stripe\\\" (stripe, 1 secret): no delivery has come yet") !=
			NULL,
		"%s", out);
	free(out);
	RUN(2, "trigger", "hook:twenty");
	RUN(2, "trigger", "person.created", "--source", "github");
	RUN(2, "trigger", "hook:github", "--file", "/nonexistent.json");
	RUN(2, "trigger", "hook:github", "--header", "nonsense");
}

/* Posts body to source "std" as signed at at_ms. */
static int post_at(int64_t at_ms, const char *body)
{
	struct conf *conf = NULL;
	struct source_set *set = NULL;
	struct err err = {.msg = ""};
	struct buf lines;
	char url[128], path[192];
	buf_init(&lines, 4096);
	cr_assert(process_write(h.dir, "std.lua", SETTINGS));
	snprintf(path, sizeof(path), "%s/std.lua", h.dir);
	cr_assert_eq(conf_load(path, &receiver_conf_table, 1, NULL, 0, &conf, &err), RC_OK, "%s",
		err.msg);
	cr_assert_eq(source_set_one(conf, "std", &set, &err), RC_OK, "%s", err.msg);
	const struct source *source = source_find(set, "std");
	struct signing what = {.body = slice_of(body), .at_ms = at_ms, .id = "old"};
	cr_assert_eq(source->scheme->sign(source, &what, &lines), RC_OK);
	const char *headers[8] = {"X-Test: kept", "Content-Type: application/json"};
	size_t n = 2;
	char *save = NULL;
	for (char *line = strtok_r(lines.p, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save))
		headers[n++] = line;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hooks/std", h.hook_port);
	struct http_answer answer;
	int status =
		http_request("POST", url, headers, body, strlen(body), &answer) ? answer.status : 0;
	http_answer_done(&answer);
	buf_done(&lines);
	source_set_free(set);
	conf_free(conf);
	return status;
}

Test(walk_sources, a_delivery_that_is_tried_again_by_hand_still_has_its_headers)
{
	cr_assert_eq(post_at(clock_wall_ms() - 3600000, "{\"text\":\"late\"}"), 401);
	RUN(0, "pause", "--all");
	RUN(0, "events", "retry", "source:std", "--yes");
	/* its run is parked, and claimed from the store once rules go on */
	cr_assert(house_await_runs(&h, "waiting", 1, 20000));
	RUN(0, "resume", "--all");
	cr_assert(house_await_runs(&h, "done", 1, 20000));
	cr_expect(holds("notes", "title", "std kept late replay"));
}
