/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong between here and there: refusals, failures, silence, lies. A call ends right, or
 * it waits; nothing is done twice.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/harness/port.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define OK(a) cr_assert_eq((a).code, RC_OK, "%s: %s", (a).name, (a).message)
#define ID "11111111-2222-4333-8444-555555555555"

static json_t *ann(void)
{
	return rig_json("{'data':{'firstName':'Ann','lastName':'Lee','email':'ann@x.example'}}");
}

static char *made(struct rig *rig, const char *name)
{
	struct rig_answer a = rig_call(rig, CLIENT_CREATE, "people", ann(), name);
	OK(a);
	char *id = strdup(rig_text(a.value, "id"));
	rig_answer_done(&a);
	return id;
}

Test(client_faults, a_failing_request_ends_after_some_tries_while_twenty_is_up, .timeout = 120)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char *id = made(&rig, "x");
	cr_assert(rig_fault(&rig, "status=500:100%,match=PATCH"));
	/* other traffic shows that Twenty is there */
	struct rig_answer bad;
	rig_submit(&rig, &bad, CLIENT_UPDATE, "people",
		json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", "x"), "y");
	while (!bad.done) {
		struct rig_answer good =
			rig_call(&rig, CLIENT_GET, "people", json_pack("{s:s}", "id", id), "z");
		OK(good);
		rig_answer_done(&good);
	}
	cr_assert_eq(bad.code, RC_UPSTREAM);
	cr_assert_str_eq(bad.name, "upstream");
	cr_assert(bad.retryable);
	cr_assert(bad.unknown);
	cr_assert_eq(bad.status, 500);
	cr_assert_leq(bad.requests, 11, "six tries, and looks in between: %d", bad.requests);
	free(id);
	rig_close(&rig);
}

/* ---- up and down ---- */

static bool is_down(void *ctx)
{
	struct client_status s;
	client_status(((struct rig *)ctx)->client, &s);
	return !s.reachable && s.problem[0] != '\0';
}

static bool is_up(void *ctx)
{
	struct client_status s;
	client_status(((struct rig *)ctx)->client, &s);
	return s.reachable && s.problem[0] == '\0' && strcmp(s.dialect, "core") == 0;
}

Test(client_faults, calls_wait_until_nobody_becomes_somebody, .timeout = 60)
{
	struct rig rig;
	char url[64], listen[64];
	int port = port_free();
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", port);
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = url}));
	struct rig_answer a[10];
	for (int i = 0; i < 10; i++) {
		char name[16];
		snprintf(name, sizeof(name), "w/%d", i);
		rig_submit(&rig, &a[i], CLIENT_CREATE, "people",
			rig_json("{'data':{'firstName':'W'}}"), name);
	}
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	struct client_status s;
	client_status(rig.client, &s);
	cr_assert_str_eq(s.problem, "Twenty cannot be reached: it refuses connections");
	cr_assert_str_eq(s.dialect, "unknown");
	cr_assert_eq(s.waiting, 10);
	cr_assert_leq(s.requests, 3, "only probes, one at a time");
	cr_assert(rig_start_twin(&rig, "core", listen, "--budget none"));
	cr_assert(rig_await(&rig, a, 10, 40000));
	for (int i = 0; i < 10; i++) {
		OK(a[i]);
		cr_assert_eq(a[i].requests, 1);
		rig_answer_done(&a[i]);
	}
	/* and again: it goes away and comes back */
	process_stop(&rig.twin, SIGKILL, 1000);
	rig_submit(&rig, &a[0], CLIENT_LIST, "people", rig_json("{}"), "w/x");
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	cr_assert(rig_start_twin(&rig, "core", listen, "--budget none"));
	cr_assert(rig_await(&rig, a, 1, 40000));
	OK(a[0]);
	rig_answer_done(&a[0]);
	cr_assert(rig_until(&rig, is_up, &rig, 5000));
	rig_close(&rig);
}

Test(client_faults, a_server_in_trouble_gets_one_probe_at_a_time_and_no_attempts_are_used,
	.timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char *id = made(&rig, "x");
	cr_assert(rig_fault(&rig, "status=503:100%"));
	struct rig_answer a[50];
	for (int i = 0; i < 50; i++)
		rig_submit(&rig, &a[i], CLIENT_UPDATE, "people",
			json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", "x"), "y");
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	struct client_status before, after;
	client_status(rig.client, &before);
	cr_assert_str_eq(before.problem, "Twenty cannot be reached: it answers with status 503");
	int64_t until = clock_mono_ms() + 2500;
	while (clock_mono_ms() < until)
		cr_assert_geq(sd_event_run(rig.loop, 50000), 0);
	client_status(rig.client, &after);
	cr_assert_leq(after.requests - before.requests, 8);
	cr_assert(rig_fault(&rig, "none"));
	cr_assert(rig_await(&rig, a, 50, 40000));
	for (int i = 0; i < 50; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	free(id);
	rig_close(&rig);
}

/* ---- keys and budgets ---- */

static bool is_refused(void *ctx)
{
	struct client_status s;
	client_status(((struct rig *)ctx)->client, &s);
	return s.refused;
}

Test(client_faults, a_wrong_key_is_said_once_and_calls_wait, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core", .key = "wrong-canary-0815"}));
	struct rig_answer a;
	rig_submit(&rig, &a, CLIENT_CREATE, "people", ann(), "k");
	cr_assert(rig_until(&rig, is_refused, &rig, 10000));
	int64_t until = clock_mono_ms() + 1500;
	while (clock_mono_ms() < until)
		cr_assert_geq(sd_event_run(rig.loop, 50000), 0);
	struct client_status s;
	client_status(rig.client, &s);
	cr_assert_not(a.done);
	cr_assert_eq(s.requests, 1, "one probe a minute");
	cr_assert(s.reachable);
	cr_assert(strstr(s.problem, "refused the key") != NULL);
	cr_assert(strstr(s.problem, "then restart") != NULL, "a reload does not take a new key");
	cr_assert_null(strstr(s.problem, "canary"));
	client_cancel(rig.client, a.ticket);
	rig_close(&rig);
}

static bool forbids_patch(int fd, const char *request, struct fake_shared *shared)
{
	(void)shared;
	if (strncmp(request, "PATCH", 5) == 0)
		return fake_answer(fd, 403, "",
			"{\"statusCode\":403,\"error\":\"X\",\"messages\":[\"Bearer " RIG_KEY
			" may not /rest/people http://h/x\"]}");
	return fake_answer(fd, 404, "", "{}");
}

Test(client_faults, a_refusal_of_one_thing_is_not_a_refusal_of_the_key, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, forbids_patch, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a = rig_call(&rig, CLIENT_UPDATE, "people",
		rig_json("{'id':'" ID "','data':{'jobTitle':'x'}}"), "k");
	cr_assert_eq(a.code, RC_DENIED, "%s", a.message);
	cr_assert_str_eq(a.name, "denied");
	cr_assert_null(strstr(a.message, RIG_KEY));
	cr_assert_null(strstr(a.message, "/"), "%s", a.message);
	cr_assert_eq(atomic_load(&fake.shared->hits), 2, "asked again after the key was proved");
	cr_assert_eq(atomic_load(&fake.shared->probes), 2);
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_faults, the_budget_of_the_server_is_never_overdrawn, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core",
					 .twin_args = "--budget 20/m",
					 .budget = "20/m",
					 .settings = "coalesce = false"}));
	struct rig_answer a[21];
	int64_t start = clock_mono_ms();
	for (int i = 0; i < 21; i++)
		rig_submit(&rig, &a[i], CLIENT_LIST, "people", rig_json("{'limit':1}"), "b");
	cr_assert(rig_await(&rig, a, 21, 30000));
	int64_t took = clock_mono_ms() - start;
	for (int i = 0; i < 21; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	cr_assert_eq(rig_logged(&rig, "GET", "\"status\":429"), 0);
	cr_assert_geq(took, 5900, "the probe and the schema cost, too: 23 requests");
	struct client_status s;
	client_status(rig.client, &s);
	cr_assert_lt(s.tokens, 1);
	rig_close(&rig);
}

Test(client_faults, a_budget_that_others_use_up_is_waited_for, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(
		&rig, &(struct rig_conf){
			      .twin = "core", .twin_args = "--budget 30/m", .budget = "100/m"}));
	struct rig_answer a[32];
	for (int i = 0; i < 32; i++)
		rig_submit(&rig, &a[i], CLIENT_LIST, "people", rig_json("{'limit':1}"), "b");
	cr_assert(rig_await(&rig, a, 32, 40000));
	for (int i = 0; i < 32; i++) {
		OK(a[i]);
		rig_answer_done(&a[i]);
	}
	rig_close(&rig);
}

static const struct {
	const char *header;
	int64_t least_ms, most_ms; /* between the refusal and the next request; budget 100/m */
} retry_afters[] = {
	{"", 600, 1500},
	{"Retry-After: 2\r\n", 2000, 3000},
	{"Retry-After: 0\r\n", 600, 1500},
	{"Retry-After: 1\r\n", 1000, 2000},
	{"Retry-After: -1\r\n", 600, 1500},
	{"Retry-After: soon\r\n", 600, 1500},
	{"X-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 99\r\n", 600,
		1500},
};

static bool limits_first(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	int hit = atomic_load(&shared->hits);
	if (hit == 1)
		return fake_answer(fd, 429, retry_afters[atomic_load(&shared->mode)].header,
			"{\"statusCode\":429,\"error\":\"HttpException\",\"messages\":"
			"[\"Limit reached (100 tokens per 60000 ms)\"]}");
	return fake_answer(fd, 200, "", FAKE_PEOPLE);
}

Test(client_faults, retry_after_is_honoured_where_it_makes_sense, .timeout = 60)
{
	for (size_t i = 0; i < sizeof(retry_afters) / sizeof(retry_afters[0]); i++) {
		struct fake fake;
		struct rig rig;
		cr_assert(fake_open(&fake, limits_first, FAKE_CORE));
		atomic_store(&fake.shared->mode, (int)i);
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .budget = "100/m"}));
		int64_t start = clock_mono_ms();
		struct rig_answer a =
			rig_call(&rig, CLIENT_LIST, "people", rig_json("{'limit':2}"), "b");
		int64_t took = clock_mono_ms() - start;
		OK(a);
		cr_assert_eq(a.requests, 2);
		cr_assert(took >= retry_afters[i].least_ms && took <= retry_afters[i].most_ms,
			"\"%s\": %ld ms", retry_afters[i].header, (long)took);
		rig_answer_done(&a);
		rig_close(&rig);
		fake_close(&fake);
	}
}

/* ---- lies ---- */

static bool destroys(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", "{\"data\":{\"deletePerson\":{\"id\":\"" ID "\"}}}");
}

Test(client_faults, a_server_that_ignores_soft_delete_is_found_out, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, destroys, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a =
		rig_call(&rig, CLIENT_DELETE, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert_eq(a.code, RC_UPSTREAM);
	cr_assert(strstr(a.message, "DESTROYED") != NULL);
	cr_assert(strstr(fake.shared->last, "DELETE /rest/people/" ID "?soft_delete=true ") != NULL,
		"%s", fake.shared->last);
	rig_close(&rig);
	fake_close(&fake);
}

static bool answers_everybody(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"people\":[{\"id\":\"" ID "\",\"deletedAt\":null,\"jobTitle\":\"CEO\","
		"\"emails\":{\"primaryEmail\":\"boss@x.example\"}}]},\"totalCount\":1,\"pageInfo\":"
		"{\"startCursor\":\"a\",\"endCursor\":\"b\",\"hasNextPage\":false}}");
}

Test(client_faults, a_server_that_ignores_the_filter_is_not_believed, .timeout = 60)
{
	static const char *const lists[] = {"{'where':{'email':'ann@x.example'}}",
		"{'where':{'jobTitle':{'contains':'cto'}}}", "{'where':{'jobTitle':{'neq':'CEO'}}}",
		"{'where':{'any':[{'jobTitle':'CTO'},{'email':'x@y.z'}]}}", "{'deleted':'only'}",
		"{'limit':0}"};
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, answers_everybody, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct rig_answer a =
			rig_call(&rig, CLIENT_LIST, "people", rig_json(lists[i]), "k");
		cr_expect_eq(a.code, RC_UPSTREAM, "%s: %s", lists[i], rc_name(a.code));
		cr_expect(strstr(a.message, "ignored") != NULL, "%s", a.message);
		rig_answer_done(&a);
	}
	struct rig_answer a = rig_call(&rig, CLIENT_ENSURE, "people",
		rig_json("{'where':{'email':'ann@x.example'},'data':{}}"), "k");
	cr_assert_eq(a.code, RC_UPSTREAM, "ensure would have taken the boss for Ann");
	a = rig_call(
		&rig, CLIENT_LIST, "people", rig_json("{'where':{'email':'Boss@x.example'}}"), "k");
	OK(a);
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}

enum odd { ODD_REDIRECT, ODD_HEADERS, ODD_LARGE, ODD_DEEP, ODD_HTML, ODD_CUT, ODD_EMPTY };

static bool odd(int fd, const char *request, struct fake_shared *shared)
{
	(void)request;
	static char block[65536];
	memset(block, 'x', sizeof(block));
	switch (atomic_load(&shared->mode)) {
	case ODD_REDIRECT:
		return fake_answer(fd, 302, "Location: http://127.0.0.1:9/stolen\r\n", "");
	case ODD_HEADERS:
		if (!fake_write(fd, "HTTP/1.1 200 OK\r\n", 17))
			return false;
		while (fake_write(fd, "X-Endless: header header header header\r\n", 40))
			;
		return false;
	case ODD_LARGE:
		if (!fake_write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19))
			return false;
		while (fake_write(fd, block, sizeof(block)))
			;
		return false;
	case ODD_DEEP:
		memset(block, '[', sizeof(block) - 1);
		block[sizeof(block) - 1] = '\0';
		return fake_answer(fd, 200, "", block);
	case ODD_HTML:
		return fake_answer(fd, 404, "", "<html>nothing here</html>");
	case ODD_CUT:
		return fake_answer(fd, 200, "", "{\"data\":{\"people\":[{\"id\":");
	default:
		return fake_answer(fd, 200, "", "");
	}
}

/* It ends with that code, and the client is well again afterwards. */
static void ends(enum odd mode, enum rc code)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, odd, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	atomic_store(&fake.shared->mode, mode);
	struct rig_answer a =
		rig_call(&rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_expect_eq(a.code, code, "%s %s", rc_name(a.code), a.message);
	cr_expect_null(strstr(a.message, "stolen"));
	rig_answer_done(&a);
	cr_assert(rig_until(&rig, is_up, &rig, 10000));
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_faults, a_redirect_is_not_followed_and_ends_the_call)
{
	ends(ODD_REDIRECT, RC_UPSTREAM);
}

Test(client_faults, endless_headers_end_the_call)
{
	ends(ODD_HEADERS, RC_TOO_LARGE);
}

Test(client_faults, an_endless_body_ends_the_call)
{
	ends(ODD_LARGE, RC_TOO_LARGE);
}

Test(client_faults, a_deep_answer_ends_the_call)
{
	ends(ODD_DEEP, RC_UPSTREAM);
}

Test(client_faults, a_page_in_place_of_an_answer_ends_the_call)
{
	ends(ODD_HTML, RC_UPSTREAM);
}

Test(client_faults, half_an_answer_ends_the_call)
{
	ends(ODD_CUT, RC_UPSTREAM);
}

Test(client_faults, an_empty_answer_ends_the_call)
{
	ends(ODD_EMPTY, RC_UPSTREAM);
}

static bool is_no_twenty(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "", "{\"hello\":\"world\"}");
}

Test(client_faults, what_is_not_twenty_gets_nothing_but_reads, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, is_no_twenty, FAKE_OWN));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a;
	rig_submit(&rig, &a, CLIENT_CREATE, "people", ann(), "k");
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	struct client_status s;
	client_status(rig.client, &s);
	cr_assert(strstr(s.problem, "is not Twenty's REST API") != NULL, "%s", s.problem);
	cr_assert_eq(atomic_load(&fake.shared->hits), 0);
	cr_assert_not(a.done);
	client_cancel(rig.client, a.ticket);
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_faults, a_configured_dialect_that_is_evidently_wrong_sends_nothing, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core", .dialect = "docs"}));
	struct rig_answer a;
	rig_submit(&rig, &a, CLIENT_DELETE, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert(rig_until(&rig, is_down, &rig, 10000));
	struct client_status s;
	client_status(rig.client, &s);
	cr_assert(strstr(s.problem, "set it to \"auto\"") != NULL, "%s", s.problem);
	cr_assert_eq(rig_logged(&rig, "DELETE", ""), 0);
	client_cancel(rig.client, a.ticket);
	rig_close(&rig);
}

/* ---- connections ---- */

static bool answers_once(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	fake_answer(fd, 200, "", "{\"data\":{\"person\":{\"id\":\"" ID "\"}}}");
	return false; /* and closes, without having said so */
}

Test(client_faults, a_server_that_closes_idle_connections_costs_nothing, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, answers_once, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	for (int i = 0; i < 5; i++) {
		struct rig_answer a =
			rig_call(&rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"), "k");
		OK(a);
		cr_assert_eq(a.requests, 1);
		rig_answer_done(&a);
		int turns = 0; /* a closed socket must not keep the loop awake */
		int64_t until = clock_mono_ms() + 100;
		while (clock_mono_ms() < until) {
			cr_assert_geq(sd_event_run(rig.loop, 20000), 0);
			turns++;
		}
		cr_assert_leq(turns, 20);
	}
	rig_close(&rig);
	fake_close(&fake);
}

Test(client_faults, proxies_of_the_environment_are_ignored, .timeout = 60)
{
	cr_assert_eq(setenv("http_proxy", "http://127.0.0.1:9", 1), 0);
	cr_assert_eq(setenv("all_proxy", "http://127.0.0.1:9", 1), 0);
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, answers_once, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	cr_assert(rig_until(&rig, is_up, &rig, 5000));
	rig_close(&rig);
	fake_close(&fake);
}

/* ---- ends ---- */

Test(client_faults, a_cancelled_call_is_not_heard_of_again_and_the_rest_goes_on, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	struct rig_answer a[4];
	for (int i = 0; i < 4; i++)
		rig_submit(&rig, &a[i], CLIENT_ENSURE, "tasks",
			rig_json("{'where':{'title':'same'},'data':{}}"), "c");
	client_cancel(rig.client, a[1].ticket);
	cr_assert(rig_await(&rig, a, 1, 10000));
	client_cancel(rig.client, a[2].ticket);
	cr_assert(rig_await(&rig, &a[3], 1, 10000));
	OK(a[0]);
	OK(a[3]);
	cr_assert_not(a[1].done);
	rig_answer_done(&a[0]);
	rig_answer_done(&a[2]);
	rig_answer_done(&a[3]);
	rig_close(&rig);
}

static int on_wire_n(struct rig *rig)
{
	struct client_status s;
	client_status(rig->client, &s);
	return (int)s.in_flight;
}

static bool is_on_wire(void *ctx)
{
	return on_wire_n(ctx) > 0;
}

Test(client_faults, a_closed_client_answers_everybody, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	char *id = made(&rig, "x");
	cr_assert(rig_fault(&rig, "hang=100%"));
	struct rig_answer a[3];
	rig_submit(&rig, &a[0], CLIENT_UPDATE, "people",
		json_pack("{s:s, s:{s:s}}", "id", id, "data", "jobTitle", "x"), "y");
	cr_assert(rig_until(&rig, is_on_wire, &rig, 5000));
	rig_submit(&rig, &a[1], CLIENT_ENSURE, "tasks",
		rig_json("{'where':{'title':'t'},'data':{}}"), "y");
	rig_submit(&rig, &a[2], CLIENT_ENSURE, "tasks",
		rig_json("{'where':{'title':'t'},'data':{}}"), "z");
	client_free(rig.client);
	rig.client = NULL;
	for (int i = 0; i < 3; i++) {
		cr_assert(a[i].done);
		cr_assert_eq(a[i].code, RC_CLOSED);
	}
	cr_assert(a[0].unknown);
	cr_assert_not(a[1].unknown);
	free(id);
	rig_close(&rig);
}

Test(client_faults, addresses_that_would_give_the_key_away_are_refused)
{
	static const char *const bad[] = {"http://crm.example.com", "ftp://x", "file:///etc/passwd",
		"https://user:pw@crm.example.com", "https://crm.example.com/?x=1",
		"https://crm.example.com/#x", "", "crm", "gopher://x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig rig;
		cr_expect_not(rig_open(&rig, &(struct rig_conf){.url = bad[i]}), "%s", bad[i]);
		cr_expect_eq(rig.err.code, RC_INVALID, "%s: %s", bad[i], rig.err.msg);
		rig_close(&rig);
	}
	static const char *const good[] = {"http://127.0.0.1:9", "http://localhost:9/",
		"https://a.b", "http://[::1]:9", "https://a.b/rest/", "https://a.b/twenty"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct rig rig;
		cr_expect(rig_open(&rig, &(struct rig_conf){.url = good[i]}), "%s", good[i]);
		rig_close(&rig);
	}
}
