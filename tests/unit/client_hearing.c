/* SPDX-License-Identifier: MIT */
/*
 * What webhooks tell the client of its own writes, and that what a server says of its webhooks is
 * kept only as far as it can be meant.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "client/engine.h"

#define SINCE_MS INT64_C(1800000000000)
#define ID "20202020-0000-4000-8000-000000000001"

/* A webhook: at that time the record got another title, and perhaps is not deleted any more. */
static void change(struct engine *e, int64_t at_ms, const char *also)
{
	char at[CLOCK_TEXT_N];
	clock_format(at_ms, at);
	json_t *record = json_pack("{s:s, s:s, s:s, s:n}", "id", ID, "updatedAt", at, "jobTitle",
		"title", "deletedAt");
	json_t *fields = json_pack("[s, s]", "jobTitle", also);
	hearing_event(e, "people", record, fields, 1);
	json_decref(record);
	json_decref(fields);
}

static void revive(struct engine *e, int64_t at_ms)
{
	change(e, at_ms, "deletedAt");
}

/* A write whose answer is lost goes out, a webhook with that time comes, the record is read. */
static enum hearing_echo told_by(int64_t at_ms)
{
	struct engine e = {.timer_at_ms = -1, .closing = true};
	json_t *changes = json_pack("{s:s}", "jobTitle", "title");
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS));
	revive(&e, at_ms);
	enum hearing_echo echo = hearing_look(&e, "people", ID, NULL);
	json_decref(changes);
	hearing_done(&e.hearing);
	return echo;
}

Test(client_hearing, what_is_older_than_a_write_is_no_proof_of_it)
{
	cr_expect_eq(told_by(SINCE_MS - 1), ECHO_NONE);
	cr_expect_eq(told_by(SINCE_MS), ECHO_REVIVED);
	cr_expect_eq(told_by(SINCE_MS + 60000), ECHO_REVIVED, "a server may be slow");
}

Test(client_hearing, many_that_are_older_than_a_write_are_no_proof_of_it_either)
{
	struct engine e = {.timer_at_ms = -1, .closing = true};
	json_t *changes = json_pack("{s:s}", "jobTitle", "title");
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS));
	for (int i = 10; i > 0; i--)
		revive(&e, SINCE_MS - i);
	change(&e, SINCE_MS + 1, "jobTitle");
	cr_expect_eq(hearing_look(&e, "people", ID, NULL), ECHO_NONE);
	json_decref(changes);
	hearing_done(&e.hearing);
}

Test(client_hearing, an_answer_is_a_better_clock_than_ours)
{
	struct engine e = {.timer_at_ms = -1, .closing = true};
	json_t *changes = json_pack("{s:s}", "jobTitle", "title");
	char at[CLOCK_TEXT_N];
	clock_format(SINCE_MS - 1, at);
	json_t *record = json_pack("{s:s}", "updatedAt", at);
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS));
	revive(&e, SINCE_MS - 1);
	cr_expect_eq(hearing_answer(&e, "people", ID, record), ECHO_REVIVED);
	json_decref(changes);
	json_decref(record);
	hearing_done(&e.hearing);
}

Test(client_hearing, a_repeated_write_may_have_been_done_the_first_time)
{
	struct engine e = {.timer_at_ms = -1, .closing = true};
	json_t *changes = json_pack("{s:s}", "jobTitle", "title");
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS));
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS + 5000));
	cr_expect_eq(e.hearing.watch_n, 1);
	revive(&e, SINCE_MS + 10);
	cr_expect_eq(hearing_look(&e, "people", ID, NULL), ECHO_REVIVED);
	json_decref(changes);
	hearing_done(&e.hearing);
}

static void note(void *ctx, const char *object, const char *record)
{
	char *text = ctx;
	size_t n = strlen(text);
	snprintf(text + n, 200 - n, " %s/%s", object, record != NULL ? record : "*");
}

static void listens(const struct engine *e, const char *want)
{
	char text[200] = "";
	hearing_listen(&e->hearing, note, text);
	cr_expect_str_eq(text, want);
}

Test(client_hearing, it_listens_for_what_it_has_written_and_for_objects_that_are_not_heard)
{
	struct engine e = {.timer_at_ms = -1, .closing = true};
	json_t *changes = json_pack("{s:s}", "jobTitle", "title");
	listens(&e, "");
	hearing_note(&e.hearing, "people", HEARING_DEAF, 1);
	listens(&e, " people/*");
	revive(&e, SINCE_MS);
	listens(&e, "");
	cr_expect_eq(hearing_waits(&e.hearing, clock_mono_ms()), CLIENT_WAIT_NONE);
	cr_assert(hearing_watch(&e, "people", ID, changes, SINCE_MS));
	listens(&e, " people/" ID);
	cr_expect_eq(hearing_waits(&e.hearing, clock_mono_ms()), CLIENT_WAIT_ECHO);
	cr_expect_eq(
		hearing_waits(&e.hearing, clock_mono_ms() + HEARING_KEEP_MS), CLIENT_WAIT_NONE);
	listens(&e, "");
	json_decref(changes);
	hearing_done(&e.hearing);
}

Test(client_hearing, a_flood_of_webhooks_is_not_kept)
{
	struct engine e = {.timer_at_ms = -1};
	json_t *list = json_array(), *operations = json_array();
	char *endless = calloc(1, 100001);
	cr_assert_not_null(endless);
	memset(endless, 'x', 100000);
	json_array_append_new(operations, json_string(endless));
	json_array_append_new(operations, json_integer(7));
	for (int i = 0; i < 5000; i++)
		json_array_append_new(operations, json_string("person.*"));
	for (int i = 0; i < 5000; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:O}", "targetUrl", "https://x.example/hooks/a",
				      "operations", operations));
	hearing_read(&e, list);
	char *kept = json_dumps(e.hearing.hooks, JSON_COMPACT);
	cr_assert_not_null(kept);
	cr_expect_lt(strlen(kept), (size_t)1 << 20, "%zu", strlen(kept));
	cr_expect(strstr(kept, "person.*") != NULL);
	cr_expect(strstr(kept, "xxx") == NULL);
	free(kept);
	free(endless);
	json_decref(list);
	json_decref(operations);
	hearing_done(&e.hearing);
}
