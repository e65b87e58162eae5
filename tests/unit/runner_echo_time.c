/* SPDX-License-Identifier: MIT */
/*
 * By which times and authors an event is known as a write of ours.
 * From: writes as calls report them, of a claimed run. To: echo_note and echo_look, on a queue in
 * memory.
 */
#include "base/clock.h"
#include "client/client.h"
#include "runner/echo.h"
#include "runner/state.h"
#include "tests/conformance/queue_suite.h"

#define ANN "36d4adf0-ec41-4587-a1b6-1523f9b5f092"
#define T0 INT64_C(1795780800000) /* 2026-11-28T00:00:00Z */

static struct suite s;
static struct runner r;

static void setup(void)
{
	suite_start(&s, "memory:echo_time");
	suite_event(&s, "rule", ANN, 1);
	r.queue = s.runner;
}

static void teardown(void)
{
	suite_end(&s);
}

TestSuite(runner_echo_time, .init = setup, .fini = teardown, .timeout = 30);

/* The rule set the stage to "WON"; the answer shows a time so many ms behind T0. since_ms: the call
 * may have been sent as early as that. */
static void wrote(int64_t at_ms, int64_t since_ms)
{
	struct run run = {.q = s.runs[0]};
	json_t *fields = json_pack("{s:s}", "stage", "WON");
	struct client_write write = {.object = "person",
		.record = ANN,
		.action = CLIENT_UPDATED,
		.at_ms = T0 + at_ms,
		.fields = fields};
	struct client_answer answer = {.writes = &write, .writes_n = 1};
	suite_ok(&s, echo_note(&r, &run, &answer, since_ms, &s.err));
	json_decref(fields);
}

struct coming {                                     /* an update of the stage to "WON" */
	int64_t updated_ms, before_ms, received_ms; /* ms behind T0; before: 0: not known */
	const char *by;                             /* the kind of who changed it */
};

/* Is it known as ours? */
static bool is_ours_by(const struct coming *c, const char *id)
{
	char at[CLOCK_TEXT_N];
	struct echo_view view;
	clock_format(T0 + c->updated_ms, at);
	json_t *record = json_pack("{s:s, s:s, s:s, s:{s:s}}", "id", id, "updatedAt", at, "stage",
		"WON", "updatedBy", "source", c->by);
	json_t *fields = json_pack("[s]", "stage");
	struct echo_event e = {.object = "person",
		.action = "updated",
		.record_id = id,
		.via = "hook",
		.received_ms = T0 + c->received_ms,
		.before_ms = c->before_ms != 0 ? T0 + c->before_ms : 0,
		.record = record,
		.fields = fields};
	suite_ok(&s, echo_look(&r, &e, &view, &s.err));
	bool ours = view.claims_n != 0;
	echo_view_done(&view);
	json_decref(fields);
	json_decref(record);
	return ours;
}

#define ours(...) is_ours_by(&(struct coming){__VA_ARGS__}, ANN)

Test(runner_echo_time, a_write_is_known_at_its_very_time_only)
{
	wrote(500, 0);
	cr_expect(ours(500, 0, 600, "API"));
	cr_expect(!ours(499, 0, 600, "API"));
	cr_expect(!ours(501, 0, 600, "API"));
	cr_expect(!ours(499, 0, 600, "MANUAL"));
}

Test(runner_echo_time, an_id_in_capital_letters_is_the_same)
{
	static const struct coming same = {500, 0, 600, "API"};
	wrote(500, 0);
	cr_expect(is_ours_by(&same, "36D4ADF0-EC41-4587-A1B6-1523F9B5F092"));
	cr_expect(!is_ours_by(&same, "36D4ADF0-EC41-4587-A1B6-1523F9B5F093"));
}

/* The first answer was lost, and the record was read again when others had changed it since. */
Test(runner_echo_time,
	a_write_whose_answer_is_of_a_later_time_is_known_by_programs_since_it_was_sent)
{
	wrote(500, T0 + 100);
	cr_expect(ours(300, 0, 300, "API"));
	cr_expect(ours(300, 0, 100, "API"), "sent and heard of in the same moment");
	cr_expect(!ours(300, 0, 300, "MANUAL"), "a member set the same value");
	cr_expect(!ours(300, 0, 99, "API"), "it came before the call was sent");
	cr_expect(!ours(501, 0, 600, "API"));
}

/* An event that tells of several changes has our write among them, whoever made the last. */
Test(runner_echo_time, a_write_between_what_was_seen_and_the_event_is_known)
{
	wrote(500, 0);
	cr_expect(ours(900, 400, 950, "MANUAL"));
	cr_expect(!ours(900, 500, 950, "MANUAL"), "it had been seen");
	cr_expect(!ours(900, 0, 950, "MANUAL"), "not known what was seen before");
}
