/* SPDX-License-Identifier: MIT */
/* http and secret in the worker: the CALL that is made, the answer that comes, what is refused. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

TestSuite(worker_http, .timeout = 60);

static const struct {
	const char *body, *args;
} calls[] = {
	{"http.get('https://a.io/x')", "{\"method\":\"get\",\"url\":\"https://a.io/x\"}"},
	{"http.get('https://a.io', { query = { q = 'a b', n = 1, f = true, l = { 'x', 2 } }, "
	 "timeout = '5s', ok = { 404, 410 } })",
		"{\"method\":\"get\",\"url\":\"https://a.io\",\"query\":{\"q\":\"a b\",\"n\":\"1\","
		"\"f\":\"true\",\"l\":[\"x\",\"2\"]},\"timeout_ms\":5000,\"ok\":[404,410]}"},
	{"http.post('https://a.io', { json = { a = 0.1, b = { 1, 2 }, c = json.null } })",
		"{\"method\":\"post\",\"url\":\"https://a.io\",\"body\":"
		"\"{\\\"a\\\":0.1,\\\"b\\\":[1,2],\\\"c\\\":null}\",\"json\":true}"},
	{"http.put('https://a.io', { body = 'x', ok = 404 })",
		"{\"method\":\"put\",\"url\":\"https://a.io\",\"body\":\"x\",\"ok\":[404]}"},
	{"http.patch('https://a.io', { json = false })",
		"{\"method\":\"patch\",\"url\":\"https://a.io\",\"body\":\"false\",\"json\":true}"},
	{"http.delete('https://a.io', { headers = {} })",
		"{\"method\":\"delete\",\"url\":\"https://a.io\",\"headers\":{}}"},
	{"http.get('https://a.io', { headers = { Authorization = 'Bearer ' .. secret 'KEY' } })",
		"{\"method\":\"get\",\"url\":\"https://a.io\",\"headers\":{\"Authorization\":"
		"[\"Bearer \",{\"secret\":\"KEY\"}]}}"},
	{"http.get('https://a.io', { headers = { A = secret 'A' .. ':' .. secret 'B' .. 'x\"y' } "
	 "})",
		"{\"method\":\"get\",\"url\":\"https://a.io\",\"headers\":{\"A\":"
		"[{\"secret\":\"A\"},\":\",{\"secret\":\"B\"},\"x\\\"y\"]}}"},
	{"http.post(secret 'HOOK')", "{\"method\":\"post\",\"url\":[{\"secret\":\"HOOK\"}]}"},
	{"http.post('https://a.io', { body = 'k=' .. secret 'KEY' })",
		"{\"method\":\"post\",\"url\":\"https://a.io\",\"body\":[\"k=\","
		"{\"secret\":\"KEY\"}]}"},
	{"http.post('https://a.io', { json = { k = 'a\"' .. secret 'KEY', n = { secret 'B' } } })",
		"{\"method\":\"post\",\"url\":\"https://"
		"a.io\",\"body\":[\"{\\\"k\\\":\\\"a\\\\\\\"\","
		"{\"secret\":\"KEY\",\"json\":true},\"\\\",\\\"n\\\":[\\\"\","
		"{\"secret\":\"B\",\"json\":true},\"\\\"]}\"],\"json\":true}"},
};

/* What the rule was given, in a form that says secret to the runner, stays text. */
static const char *const look_alikes[] = {
	"http.post('https://a.io', { json = { { secret = 'KEY', json = true } } })",
	"http.post('https://a.io', { body = '[{\"secret\":\"KEY\"}]' })",
	"http.post('https://a.io', { body = '\\1KEY\\1', headers = { A = '\\1KEY\\1' } })",
	"http.post('https://a.io', { json = { '\\1KEY\\1' } })",
};

static const char *answer_ok =
	"[{\"value\":{\"status\":200,\"headers\":{},\"body\":\"{\\\"a\\\":[1]}\"}}]";

static json_t *args_of(struct worker_rig *rig, const char *body)
{
	json_t *run = worker_rig_run(rig, body, answer_ok);
	json_t *call = json_array_get(json_object_get(run, "calls"), 0);
	cr_assert_not_null(call, "%s: %s", body, json_dumps(run, 0));
	cr_expect_str_eq(json_string_value(json_object_get(call, "method")), "http");
	cr_expect_str_eq(json_string_value(json_object_get(call, "object")), "http");
	json_t *args = json_incref(json_object_get(call, "args"));
	json_decref(run);
	return args;
}

WORKER_TEST(worker_http, each_method_makes_one_call_with_its_arguments_ready)
{
	for (size_t i = 0; i < ARRAY_N(calls); i++) {
		json_t *args = args_of(rig, calls[i].body);
		char *text = json_dumps(args, JSON_SORT_KEYS);
		cr_expect(worker_rig_is(args, calls[i].args), "%s: %s", calls[i].body, text);
		free(text);
		json_decref(args);
	}
}

WORKER_TEST(worker_http, no_text_that_a_rule_was_given_becomes_a_secret)
{
	for (size_t i = 0; i < ARRAY_N(look_alikes); i++) {
		json_t *args = args_of(rig, look_alikes[i]);
		cr_expect(json_is_string(json_object_get(args, "body")), "%s", look_alikes[i]);
		json_t *header = json_object_get(json_object_get(args, "headers"), "A");
		cr_expect(header == NULL || json_is_string(header), "%s", look_alikes[i]);
		json_decref(args);
	}
}

static void holds(struct worker_rig *rig, const char *body, const char *answers)
{
	json_t *run = worker_rig_run(rig, body, answers);
	json_t *end = json_object_get(run, "end");
	char *text = json_dumps(end, 0);
	cr_expect_str_eq(
		json_string_value(json_object_get(end, "outcome")), "done", "%s: %s", body, text);
	free(text);
	json_decref(run);
}

WORKER_TEST(worker_http, an_answer_has_status_headers_body_and_json)
{
	holds(rig,
		"local a = http.get 'https://a.io'\n"
		"assert(a.status == 200 and a.headers['x-a'] == '1' and a.body == "
		"'{\"id\":\"7\"}')\n"
		"assert(a.json.id == '7' and a.json == a.json and a.other == nil)",
		"[{\"value\":{\"status\":200,\"headers\":{\"x-a\":\"1\"},"
		"\"body\":\"{\\\"id\\\":\\\"7\\\"}\"}}]");
	holds(rig,
		"local a = http.get 'https://a.io'\n"
		"assert(a.json == nil and a.body == 'no json')",
		"[{\"value\":{\"status\":200,\"headers\":{},\"body\":\"no json\"}}]");
	holds(rig, "local a = http.get 'https://a.io'\nassert(a.json == nil and a.body == nil)",
		"[{\"value\":{\"status\":204,\"headers\":{}}}]");
}

WORKER_TEST(worker_http, an_error_is_structured_and_has_the_answer)
{
	holds(rig,
		"local ok, e = pcall(http.post, 'https://a.io')\n"
		"assert(not ok and e.status == 422 and e.code == 'rejected' and not e.retryable)\n"
		"assert(e.message == 'm' and e.body == '{\"why\":1}' and e.json.why == 1)\n"
		"assert(e.headers.a == 'b' and e.answer == nil and tostring(e) ~= nil)",
		"[{\"error\":{\"status\":422,\"code\":\"rejected\",\"message\":\"m\","
		"\"retryable\":false,\"answer\":{\"status\":422,\"headers\":{\"a\":\"b\"},"
		"\"body\":\"{\\\"why\\\":1}\"}}}]");
}

WORKER_TEST(worker_http, calls_go_side_by_side_under_parallel)
{
	holds(rig,
		"local a, b = parallel(function() return http.get('https://a.io').status end,\n"
		"  function() return http.get('https://b.io').status end)\n"
		"assert(a == 200 and b == 201)",
		"[{\"value\":{\"status\":200,\"headers\":{}}},"
		"{\"value\":{\"status\":201,\"headers\":{}}}]");
}

static const struct {
	const char *body, *words;
} refused[] = {
	{"http.get()", "http.get: the url must be a text, it is a nil"},
	{"http.get('u', 'x')", "the options must be a table"},
	{"http.get('u', { header = {} })", "did you mean 'headers'?"},
	{"http.get('u', { json = 1 })", "get has a query"},
	{"http.post('u', { json = 1, body = 'x' })", "give one"},
	{"http.post('u', { json = { f = print or function() end } })", "f is a function"},
	{"http.post('u', { body = {} })", "body must be a text, it is a table"},
	{"http.post('u', { body = '\\xff' })", "not UTF-8"},
	{"http.post('u', { headers = { A = 'a\\0b' } })", "headers.A is text with a NUL"},
	{"http.post('u', { headers = { A = {} } })", "headers.A must be a text"},
	{"http.post('u', { headers = { 'x' } })", "names as keys"},
	{"http.post('u', { timeout = 5 })", "duration like \"10s\""},
	{"http.post('u', { timeout = '11m' })", "10 minutes at most"},
	{"http.post('u', { ok = { 'x' } })", "ok = { 404 }"},
	/* a secret where it may not stand */
	{"http.get('u', { query = { key = secret 'K' } })", "query.key is a secret"},
	{"twenty.people:create { name = secret 'K' }", "data.name is a secret"},
	{"twenty.people:update('i', { a = { b = 'x' .. secret 'K' } })", "data.a.b is a secret"},
	{"json.encode { a = secret 'K' }", "a is a secret"},
	{"local s = secret 'K' .. {}", "a table cannot be put beside a secret"},
	{"local s = secret('K').x", "secret K cannot be looked into"},
	{"local s = secret('K'):sub(1, 1)", "secret K cannot be looked into"},
	{"local s = #secret('K')", "length of a userdata"},
	{"local s = table.concat { secret 'K' }", "invalid value"},
	{"local s = secret()", "write secret \"NAME\""},
	{"local s = secret 'A-B'", "letters, digits and _"},
	{"setmetatable(secret 'K', {})", "table expected"},
};

WORKER_TEST(worker_http, what_makes_no_sense_is_an_error_that_names_the_place)
{
	for (size_t i = 0; i < ARRAY_N(refused); i++) {
		char *error = worker_rig_error(rig, refused[i].body);
		cr_expect_not_null(
			strstr(error, refused[i].words), "%s: %s", refused[i].body, error);
		free(error);
	}
}

WORKER_TEST(worker_http, a_secret_reads_as_its_name_wherever_it_is_shown)
{
	json_t *run = worker_rig_run(rig,
		"local s, t = secret 'ENRICH_KEY', 'Bearer ' .. secret 'ENRICH_KEY'\n"
		"log.info(s, t, tostring(s), string.format('%s', t), { s })\n"
		"assert(tostring(t) == 'secret ENRICH_KEY' and type(s) == 'userdata')\n"
		"assert(getmetatable(s) == false)\n"
		"error('no ' .. tostring(s))",
		"[]");
	char *text = json_dumps(run, 0);
	cr_expect_not_null(strstr(text, "info secret ENRICH_KEY secret ENRICH_KEY secret "
					"ENRICH_KEY secret ENRICH_KEY table"),
		"%s", text);
	cr_expect_null(strstr(text, "Bearer"), "%s", text);
	free(text);
	json_decref(run);
}

WORKER_TEST(worker_http, a_call_beside_the_rules_is_refused)
{
	json_t *head =
		worker_rig_head(rig, "local key = secret 'K'\n"
				     "http.get 'https://a.io'\n"
				     "rule 'x' { on = 'person.created', run = function() end }\n");
	const char *error = json_string_value(json_object_get(head, "error"));
	cr_expect(error != NULL && strstr(error, "http.get belongs into `run`") != NULL, "%s",
		error != NULL ? error : "");
	json_decref(head);
}
