/* SPDX-License-Identifier: MIT */
/* after and cancel as rules write them: the CALL that each makes, and what they refuse. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct {
	const char *body, *call;
} calls[] = {
	{"after('2d', 'sla')",
		"{\"method\":\"after\",\"object\":\"\",\"args\":{\"rule\":\"sla\",\"delay_ms\":"
		"172800000}}"},
	{"after('0s', 'sla', { n = 1 })",
		"{\"method\":\"after\",\"object\":\"\",\"args\":{\"rule\":\"sla\",\"delay_ms\":0,"
		"\"payload\":{\"n\":1}}}"},
	{"after('2026-11-24T09:00:00.000Z', 'sla', 'x', { key = 'k' })",
		"{\"method\":\"after\",\"object\":\"\",\"args\":{\"rule\":\"sla\",\"at_ms\":"
		"1795510800000,\"payload\":\"x\",\"key\":\"k\"}}"},
	{"after('2026-11-24T10:00:00+01:00', 'sla', nil, {})",
		"{\"method\":\"after\",\"object\":\"\",\"args\":{\"rule\":\"sla\",\"at_ms\":"
		"1795510800000}}"},
	{"after('2026-11-24', 'sla')",
		"{\"method\":\"after\",\"object\":\"\",\"args\":{\"rule\":\"sla\",\"at_ms\":"
		"1795478400000}}"},
	{"cancel 'sla'", "{\"method\":\"cancel\",\"object\":\"\",\"args\":{\"rule\":\"sla\"}}"},
	{"cancel('sla', event.record.id)", "{\"method\":\"cancel\",\"object\":\"\",\"args\":{"
					   "\"rule\":\"sla\",\"key\":\"r\"}}"},
};

WORKER_TEST(worker_timer, each_function_makes_its_call)
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

WORKER_TEST(worker_timer, the_answer_is_what_the_rule_gets)
{
	json_t *outcome =
		worker_rig_run(rig, "assert(after('1h', 'x') == 't' and cancel 'x' == true)",
			"[{\"value\":\"t\"},{\"value\":true}]");
	cr_expect_str_eq(
		json_string_value(json_object_get(json_object_get(outcome, "end"), "outcome")),
		"done");
	json_decref(outcome);
}

static const struct {
	const char *body, *error;
} refused[] = {
	{"after('2d')", "after: the name of a rule is needed, a text; it is nil"},
	{"after('soon', 'x')", "after: \"soon\" is neither a delay, like \"90s\""},
	{"after('2026-02-30T00:00:00Z', 'x')", "is neither a delay"},
	{"after(60, 'x')", "after: the delay is a text like \"90s\""},
	{"after(nil, 'x')", "or a time; it is nil"},
	{"after('1h', 'x', print or function() end)", "after: the payload: "},
	{"after('1h', 'x', ('x'):rep(65536))", "after: the payload has more than 64 kB as JSON"},
	{"after('1h', 'x', nil, 'k')", "the options are a table, { key = \"..\" }"},
	{"after('1h', 'x', nil, { kee = 'k' })", "unknown option 'kee', the only option is key"},
	{"after('1h', 'x', nil, { key = 5 })", "after: the key must be a text, it is a number"},
	{"after('1h', 'x', nil, { key = '' })", "after: the key is empty"},
	{"after('1h', 'x', nil, { key = event.record })", "the key is a table, pass a text"},
	{"cancel()", "cancel: the name of a rule is needed"},
	{"cancel('x', ('k'):rep(257))", "cancel: the key has more than 256 bytes"},
	{"cancel('x', event.record)", "cancel: the key is a table, pass a text such as its .id"},
	{"table.sort({ 2, 1 }, function() cancel 'x' end)",
		"cancel cannot be called from within table.sort"},
};

WORKER_TEST(worker_timer, what_makes_no_sense_is_not_sent)
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
