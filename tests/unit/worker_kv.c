/* SPDX-License-Identifier: MIT */
/* kv as rules write it: the CALL that each function makes, what it answers, what it refuses. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct {
	const char *body, *call;
} calls[] = {
	{"kv.get('k')", "{\"method\":\"get\",\"object\":\"kv\",\"args\":{\"key\":\"k\"}}"},
	{"kv.set('k', { a = { 1, true } })",
		"{\"method\":\"set\",\"object\":\"kv\",\"args\":{\"key\":\"k\",\"value\":{\"a\":[1,"
		"true]}}}"},
	{"kv.set('k', json.null, '7d')",
		"{\"method\":\"set\",\"object\":\"kv\",\"args\":{\"key\":\"k\",\"value\":null,"
		"\"ttl_ms\":604800000}}"},
	{"kv.set('k', false)",
		"{\"method\":\"set\",\"object\":\"kv\",\"args\":{\"key\":\"k\",\"value\":false}}"},
	{"kv.incr('n')",
		"{\"method\":\"incr\",\"object\":\"kv\",\"args\":{\"key\":\"n\",\"by\":1}}"},
	{"kv.incr('n', -0.5, '1h')",
		"{\"method\":\"incr\",\"object\":\"kv\",\"args\":{\"key\":\"n\",\"by\":-0.5,"
		"\"ttl_ms\":3600000}}"},
	{"kv.delete('a \\\"b\\\"')",
		"{\"method\":\"delete\",\"object\":\"kv\",\"args\":{\"key\":\"a \\\"b\\\"\"}}"},
	{"kv.shared.get('k')",
		"{\"method\":\"get\",\"object\":\"kv.shared\",\"args\":{\"key\":\"k\"}}"},
	{"kv.shared.set('k', 'v')",
		"{\"method\":\"set\",\"object\":\"kv.shared\",\"args\":{\"key\":\"k\",\"value\":"
		"\"v\"}}"},
	{"kv.shared.incr('k', 2)",
		"{\"method\":\"incr\",\"object\":\"kv.shared\",\"args\":{\"key\":\"k\",\"by\":2}}"},
	{"kv.shared.delete('k')",
		"{\"method\":\"delete\",\"object\":\"kv.shared\",\"args\":{\"key\":\"k\"}}"},
};

WORKER_TEST(worker_kv, each_function_makes_its_call)
{
	for (size_t i = 0; i < ARRAY_N(calls); i++) {
		json_t *outcome = worker_rig_run(rig, calls[i].body, "[{\"value\":null}]");
		json_t *call = json_array_get(json_object_get(outcome, "calls"), 0);
		json_object_del(call, "path");
		char *text = call != NULL ? json_dumps(call, JSON_COMPACT) : NULL;
		cr_expect(call != NULL && worker_rig_is(call, calls[i].call), "%s gave %s",
			calls[i].body, text);
		free(text);
		json_decref(outcome);
	}
}

static const struct {
	const char *body, *answer;
} answered[] = {
	{"assert(kv.get('k') == nil)", "null"},
	{"assert(kv.get('k').a[2] == 'x')", "{\"a\":[1,\"x\"]}"},
	{"assert(kv.get('k').email == 'a@b.io')",
		"{\"id\":\"i\",\"emails\":{\"primaryEmail\":\"a@b.io\"}}"},
	{"assert(math.type(kv.incr('n')) == 'integer')", "8"},
	{"assert(kv.delete('n') == true)", "true"},
	{"local ok, e = pcall(function() return kv.shared.get('k') end) assert(ok and e == 1)",
		"1"},
};

WORKER_TEST(worker_kv, the_answer_is_what_the_rule_gets)
{
	for (size_t i = 0; i < ARRAY_N(answered); i++) {
		char answers[256];
		snprintf(answers, sizeof(answers), "[{\"value\":%s}]", answered[i].answer);
		json_t *outcome = worker_rig_run(rig, answered[i].body, answers);
		char *text = json_dumps(json_object_get(outcome, "end"), JSON_COMPACT);
		cr_expect(strstr(text, "\"outcome\":\"done\"") != NULL, "%s\n  %s",
			answered[i].body, text);
		free(text);
		json_decref(outcome);
	}
}

static const struct {
	const char *body, *error;
} refused[] = {
	{"kv.get()", "kv.get: the key must be a text, it is nil"},
	{"kv.get(7)", "write tostring(..) around the number"},
	{"kv.get('')", "kv.get: the key is empty"},
	{"kv.get(('k'):rep(257))", "kv.get: the key has more than 256 bytes"},
	{"kv.get('a\\0b')", "kv.get: the key: "},
	{"kv:get('k')", "kv.get: the key must be a text, it is table"},
	{"kv.set('k')", "kv.set: the value is nil; kv.delete(key) forgets what is there"},
	{"kv.shared.set('k')", "kv.shared.delete(key)"},
	{"kv.set('k', print or function() end)", "kv.set: the value: "},
	{"kv.set('k', ('x'):rep(65535))", "kv.set: the value has more than 64 kB as JSON"},
	{"kv.set('k', 1, 60)", "kv.set: the time to live must be a duration"},
	{"kv.set('k', 1, 'soon')", "\"2h\" or \"7d\""},
	{"kv.set('k', 1, '0s')", "the time to live must be a duration"},
	{"kv.incr('k', '1')", "it can be raised by a number only, not by a string"},
	{"kv.incr('k', 0/0)", "kv.incr: "},
	{"table.sort({ 2, 1 }, function() kv.get('x') end)",
		"kv.get cannot be called from within table.sort"},
};

WORKER_TEST(worker_kv, what_makes_no_sense_is_not_sent)
{
	for (size_t i = 0; i < ARRAY_N(refused); i++) {
		json_t *outcome = worker_rig_run(rig, refused[i].body, "[]");
		const json_t *error = json_object_get(json_object_get(outcome, "end"), "error");
		const char *message = json_string_value(json_object_get(error, "message"));
		cr_expect(message != NULL && strstr(message, refused[i].error) != NULL,
			"%s\n  gave %s", refused[i].body, message);
		cr_expect(
			message != NULL && strncmp(message, "rig.lua:2: ", 11) == 0, "%s", message);
		cr_expect_eq(json_array_size(json_object_get(outcome, "calls")), 0, "%s",
			refused[i].body);
		json_decref(outcome);
	}
}
