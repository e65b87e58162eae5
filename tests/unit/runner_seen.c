/* SPDX-License-Identifier: MIT */
/*
 * What was last seen of a record, and what its events say of before: in order and out of it, in one
 * batch and after a restart, found twice, and run late.
 * From: the inbox. To: runner/route_seen.c with real workers and store.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/copy.h"
#include "runner/route.h"
#include "tests/unit/runner_stage.h"

static struct stage s;

static void open_stage(void)
{
	stage_open(&s);
	stage_rule(&s, "a.lua",
		"rule \"tell\" { on = \"*.*\", run = function(e)\n"
		"  local b = e.before\n"
		"  log.info(e.action .. \" \" .. (b and tostring(b.stage) or \"-\") .. \" \" ..\n"
		"    (b and tostring(b.email) or \"-\") .. \" \" .. json.encode(e.fields) .. "
		"\";\")\n"
		"end }\n");
}

static void close_stage(void)
{
	stage_close(&s);
}

TestSuite(runner_seen, .init = open_stage, .fini = close_stage, .timeout = 60);

#define ANN "11111111-1111-4111-8111-111111111111"

/* A change of a person at this second: stage, e-mail address, the fields that Twenty names ("":
 * none), more members of the record. */
struct change {
	const char *action;
	int second;
	const char *stage, *email, *fields, *more;
};

static const char *body_of(const struct change *c)
{
	static char body[2048];
	snprintf(body, sizeof(body),
		"{\"eventName\":\"person.%s\",\"record\":{\"id\":\"" ANN "\",\"stage\":\"%s\","
		"\"emails\":{\"primaryEmail\":\"%s\"},\"searchVector\":\"'%d':1\",%s"
		"\"createdAt\":\"2026-11-01T00:00:00.000Z\","
		"\"updatedAt\":\"2026-11-01T00:00:%02d.000Z\"}%s%s}",
		c->action, c->stage, c->email, c->second, c->more != NULL ? c->more : "", c->second,
		c->fields[0] != '\0' ? ",\"updatedFields\":" : "", c->fields);
	return body;
}

static struct id deliver(struct change c)
{
	return stage_deliver(&s, "twenty", slice_of(body_of(&c)));
}

#define CHANGE(action, second, stage, email, fields)                                               \
	deliver((struct change){action, second, stage, email, fields, NULL})
#define CHANGE_MORE(...) deliver((struct change){__VA_ARGS__})

/* What the run for this event said: "updated NEW a@b.c [..];". */
static const char *said(struct id id)
{
	static char text[512];
	const char *line = strstr(stage_find(&s, "tell", &id)->log, "info  ");
	cr_assert_not_null(line);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line + 6, ";"), line + 6);
	return text;
}

/* The copy of ANN: "STAGE second state", "" where there is none. */
static const char *copy_of(const char *object)
{
	static char text[128];
	struct queue_copy copy = {0};
	struct err err = {0};
	json_t *record = NULL;
	enum rc rc = queue_copy_find(s.work, object, ANN, &copy, &err);
	text[0] = '\0';
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", err.msg);
	if (rc == RC_NOT_FOUND)
		return text;
	if (copy.text.n > 0)
		record = json_loadb(copy.text.p, copy.text.n, 0, NULL);
	cr_assert_null(json_object_get(record, "searchVector"));
	snprintf(text, sizeof(text), "%s %d %d",
		record != NULL ? json_string_value(json_object_get(record, "stage")) : "-",
		copy.updated_ms == 0 ? -1 : (int)(copy.updated_ms / 1000 % 60), (int)copy.state);
	json_decref(record);
	return text;
}

Test(runner_seen, an_update_knows_what_the_record_was_and_what_was_changed)
{
	stage_start(&s, STAGE_ALONE, NULL);
	struct id created = CHANGE("created", 1, "NEW", "a@b.c", "");
	stage_until(&s, stage_ended, 1);
	struct id updated = CHANGE("updated", 2, "WON", "a@b.c", "[\"emails\",\"stage\"]");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said(created), "created - - null");
	cr_expect_str_eq(said(updated), "updated NEW a@b.c [\"stage\"]");
	cr_expect_str_eq(copy_of("person"), "WON 2 0");
	struct id less = CHANGE("updated", 3, "LOST", "x@y.z", "[\"stage\"]");
	stage_until(&s, stage_ended, 3);
	cr_expect_str_eq(said(less), "updated WON a@b.c [\"emails\",\"stage\"]");
}

Test(runner_seen, a_record_that_was_never_seen_has_no_before_and_twentys_fields)
{
	stage_start(&s, STAGE_ALONE, NULL);
	struct id id = CHANGE("updated", 2, "WON", "a@b.c", "[\"emails\",\"stage\"]");
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(said(id), "updated - - [\"emails\",\"stage\"]");
}

Test(runner_seen, events_of_one_batch_build_on_each_other)
{
	struct id ids[4];
	struct err err;
	char store[160];
	snprintf(store, sizeof(store), "%s/var", s.dir);
	/* They lie in the inbox when the runner comes, so that they are one batch. */
	cr_assert_eq(queue_open(store, QUEUE_RECEIVER, &s.inbox, &err), RC_OK, "%s", err.msg);
	static const char *const stages[] = {"NEW", "MEETING", "WON", "LOST"};
	for (int i = 0; i < 4; i++) {
		struct change c = {
			i == 0 ? "created" : "updated", i + 1, stages[i], "a@b.c", "", NULL};
		struct queue_delivery d = {.source = "twenty",
			.body = slice_of(body_of(&c)),
			.received_ms = clock_wall_ms()};
		cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
		cr_assert_eq(queue_inbox_put(s.inbox, &d, 1, &err), RC_OK);
		ids[i] = d.id;
	}
	stage_start(&s, STAGE_ALONE, NULL);
	stage_until(&s, stage_ended, 4);
	stage_look(&s);
	cr_expect_str_eq(said(ids[1]), "updated NEW a@b.c [\"stage\"]");
	cr_expect_str_eq(said(ids[2]), "updated MEETING a@b.c [\"stage\"]");
	cr_expect_str_eq(said(ids[3]), "updated WON a@b.c [\"stage\"]");
	cr_expect_str_eq(copy_of("person"), "LOST 4 0");
}

Test(runner_seen, a_webhook_that_comes_late_has_no_before_and_changes_no_copy)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	CHANGE("updated", 5, "WON", "a@b.c", "[\"stage\"]");
	struct id late = CHANGE("updated", 3, "MEETING", "a@b.c", "[\"stage\"]");
	struct id next = CHANGE("updated", 6, "LOST", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_ended, 4);
	stage_look(&s);
	cr_expect_str_eq(said(late), "updated - - [\"stage\"]");
	cr_expect_str_eq(said(next), "updated WON a@b.c [\"stage\"]");
	cr_expect_str_eq(copy_of("person"), "LOST 6 0");
}

Test(runner_seen, of_two_changes_in_one_millisecond_the_later_to_come_is_the_newer)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("updated", 5, "NEW", "a@b.c", "[\"stage\"]");
	struct id second = CHANGE("updated", 5, "WON", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_expect_str_eq(said(second), "updated NEW a@b.c [\"stage\"]");
	cr_expect_str_eq(copy_of("person"), "WON 5 0");
}

Test(runner_seen, the_end_of_a_record_is_kept_and_a_new_life_has_no_before)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	struct id deleted = CHANGE_MORE("deleted", 2, "NEW", "a@b.c", "[\"deletedAt\"]",
		"\"deletedAt\":\"2026-11-01T00:00:02.000Z\",");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(copy_of("person"), "NEW 2 1");
	struct id restored = CHANGE_MORE(
		"restored", 3, "NEW", "a@b.c", "[\"deletedAt\"]", "\"deletedAt\":null,");
	stage_until(&s, stage_ended, 3);
	cr_expect_str_eq(copy_of("person"), "NEW 3 0");
	struct id destroyed =
		CHANGE_MORE("destroyed", 3, "NEW", "a@b.c", "", "\"deletedAt\":null,");
	stage_until(&s, stage_ended, 4);
	cr_expect_str_eq(copy_of("person"), "- 3 2");
	struct id late = CHANGE("updated", 3, "LATE", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_ended, 5);
	cr_expect_str_eq(copy_of("person"), "- 3 2", "what was before its end does not revive it");
	struct id again = CHANGE("created", 9, "NEWER", "a@b.c", "");
	stage_until(&s, stage_ended, 6);
	stage_look(&s);
	cr_expect_str_eq(copy_of("person"), "NEWER 9 0");
	cr_expect_str_eq(said(deleted), "deleted NEW a@b.c [\"deletedAt\"]");
	cr_expect_str_eq(said(restored), "restored NEW a@b.c [\"deletedAt\"]");
	cr_expect_str_eq(said(destroyed), "destroyed NEW a@b.c null");
	cr_expect_str_eq(said(late), "updated - - [\"stage\"]");
	cr_expect_str_eq(said(again), "created - - null");
}

/* Its end was not heard of. */
Test(runner_seen, a_record_that_is_made_anew_has_no_before)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("updated", 1, "OLD", "a@b.c", "[\"stage\"]");
	struct id again = CHANGE("created", 9, "NEW", "a@b.c", "");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said(again), "created - - null");
	cr_expect_str_eq(copy_of("person"), "NEW 9 0");
}

/* Twenty tells of a destroyed record as it last had it, which may be older than what we saw. */
Test(runner_seen, an_end_that_tells_of_less_than_was_seen_takes_no_time_back)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("updated", 5, "NEW", "a@b.c", "[\"stage\"]");
	CHANGE_MORE("destroyed", 3, "OLD", "a@b.c", "", "\"deletedAt\":null,");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(copy_of("person"), "- 5 2");
	CHANGE("updated", 4, "LATE", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_ended, 3);
	cr_expect_str_eq(copy_of("person"), "- 5 2", "it does not revive it");
}

/* Twenty's own are named "metadata.field.updated". */
Test(runner_seen, an_object_whose_name_begins_like_metadata_has_copies)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"metadataEntry.updated\",\"record\":{\"id\":\"" ANN
			 "\",\"stage\":\"ONE\",\"updatedAt\":\"2026-11-01T00:00:01.000Z\"}}"));
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"metadata.field.updated\",\"event\":{\"recordId\":\"" ANN
			 "\",\"updatedAt\":\"2026-11-01T00:00:01.000Z\"}}"));
	stage_until(&s, stage_parsed, 2);
	stage_until(&s, stage_ended, 1);
	cr_expect_str_eq(copy_of("metadataEntry"), "ONE 1 0");
	cr_expect_str_eq(copy_of("metadata.field"), "");
}

Test(runner_seen, a_relation_is_named_by_itself_and_by_its_column)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE_MORE("created", 1, "NEW", "a@b.c", "", "\"companyId\":null,\"externalId\":\"1\",");
	struct id id = CHANGE_MORE("updated", 2, "NEW", "a@b.c", "",
		"\"companyId\":\"" ANN "\",\"externalId\":\"2\",");
	struct id own = CHANGE_MORE("updated", 3, "NEW", "a@b.c", "[\"agent\",\"agentId\"]",
		"\"agentId\":\"c-1\",\"companyId\":\"" ANN "\",\"externalId\":\"2\",");
	struct id other =
		CHANGE_MORE("updated", 4, "NEW", "a@b.c", "[\"agent\",\"agentId\",\"stage\"]",
			"\"agentId\":\"c-2\",\"companyId\":\"" ANN "\",\"externalId\":\"2\",");
	stage_until(&s, stage_ended, 4);
	stage_look(&s);
	cr_expect_str_eq(said(id), "updated NEW a@b.c [\"company\",\"companyId\",\"externalId\"]");
	cr_expect_str_eq(said(own), "updated NEW a@b.c [\"agent\",\"agentId\"]");
	cr_expect_str_eq(said(other), "updated NEW a@b.c [\"agent\",\"agentId\"]");
}

Test(runner_seen, a_body_of_the_published_form_gets_its_fields_from_the_copy)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_deliver(&s, "twenty",
		slice_of("{\"event\":\"person.created\",\"data\":{\"id\":\"" ANN
			 "\",\"stage\":\"NEW\","
			 "\"email\":\"a@b.c\"}}"));
	stage_until(&s, stage_ended, 1);
	struct id id = stage_deliver(&s, "twenty",
		slice_of("{\"event\":\"person.updated\",\"data\":{\"id\":\"" ANN
			 "\",\"stage\":\"WON\","
			 "\"email\":\"a@b.c\"}}"));
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said(id), "updated NEW a@b.c [\"stage\"]");
	cr_expect_str_eq(copy_of("person"), "WON -1 0");
}

static void count(void *ctx)
{
	(*(int *)ctx)++;
}

/* As gap fill does it: a record out of a list. */
static void offer(struct change c, int *routed)
{
	struct err err = {0};
	struct birth_new birth = {
		.via = "gap",
		.body = slice_of(body_of(&c)),
		.received_ms = clock_wall_ms(),
		.routed = count,
		.ctx = routed,
	};
	cr_assert_eq(route_offer(s.runner, &birth, &err), RC_OK, "%s", err.msg);
}

static bool is_duplicate(struct stage *stage, long n)
{
	return stage_counts(stage).events[QUEUE_DUPLICATE] == n;
}

Test(runner_seen, a_change_that_was_found_in_a_list_runs_once_whichever_comes_first)
{
	int routed = 0;
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	stage_until(&s, stage_ended, 1);
	offer((struct change){"updated", 2, "WON", "a@b.c", "", NULL}, &routed);
	stage_until(&s, stage_ended, 2);
	cr_expect_eq(routed, 1);
	stage_look(&s);
	cr_expect_str_eq(copy_of("person"), "WON 2 0");
	CHANGE("updated", 2, "WON", "a@b.c", "[\"emails\",\"stage\"]");
	stage_until(&s, is_duplicate, 1);
	CHANGE("restored", 3, "WON", "a@b.c", "[\"deletedAt\"]");
	stage_until(&s, stage_ended, 3);
	offer((struct change){"updated", 3, "WON", "a@b.c", "", NULL}, &routed);
	stage_until(&s, is_duplicate, 2);
	stage_look(&s);
	cr_expect_eq(s.runs_n, 3u);
	int said_n = 0;
	for (size_t i = 0; i < s.runs_n; i++)
		said_n += strstr(s.runs[i].log, "updated NEW a@b.c [\"stage\"]") != NULL;
	cr_expect_eq(said_n, 1, "the one that was found has true fields");
}

Test(runner_seen, a_repeat_brings_back_no_copy_that_was_erased)
{
	struct err err;
	size_t n = 0;
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	stage_until(&s, stage_ended, 1);
	cr_assert_eq(queue_copy_erase(s.work, ANN, &n, &err), RC_OK);
	cr_assert_eq(n, 1u);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	stage_until(&s, is_duplicate, 1);
	cr_expect_str_eq(copy_of("person"), "");
	CHANGE("updated", 2, "WON", "a@b.c", "");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(copy_of("person"), "WON 2 0", "the control");
}

Test(runner_seen, what_was_seen_outlives_the_runner)
{
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	stage_until(&s, stage_ended, 1);
	stage_crash(&s);
	stage_again(&s);
	struct id id = CHANGE("updated", 2, "WON", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_ended, 2);
	cr_expect_str_eq(said(id), "updated NEW a@b.c [\"stage\"]");
}

static bool waits_longer(struct stage *stage, long due_ms)
{
	stage_look(stage);
	for (size_t i = 0; i < stage->runs_n; i++) {
		if (stage->runs[i].due_ms > due_ms)
			return true;
	}
	return false;
}

/* The record has changed again meanwhile: the run is still told what was before its own event. */
Test(runner_seen, a_run_that_starts_again_is_told_the_same)
{
	stage_rule(&s, "a.lua",
		"rule \"tell\" { on = \"person.updated\", run = function(e)\n"
		"  if e.record.stage ~= \"WON\" then return end\n"
		"  log.info(e.record.stage .. \" \" .. e.before.stage .. \" \" .. e.before.email "
		"..\n"
		"    \" \" .. json.encode(e.fields) .. \" \" .. tostring(e.before.late) .. \";\")\n"
		"  retry_after(\"1s\", \"later\")\n"
		"end }\n");
	stage_start(&s, STAGE_ALONE, NULL);
	CHANGE("created", 1, "NEW", "a@b.c", "");
	struct id id = CHANGE_MORE(
		"updated", 2, "WON", "a@b.c", "[\"emails\",\"stage\"]", "\"late\":true,");
	stage_until(&s, stage_waiting, 1);
	CHANGE("updated", 3, "LOST", "x@y.z", "[\"emails\",\"stage\"]");
	stage_until(&s, stage_parsed, 3);
	cr_expect_str_eq(copy_of("person"), "LOST 3 0");
	cr_expect_str_eq(said(id), "WON NEW a@b.c [\"stage\"] nil");
	int64_t due_ms = stage_find(&s, "tell", &id)->due_ms;
	stage_stop(&s);
	stage_again(&s);
	stage_until(&s, waits_longer, (long)due_ms);
	cr_expect_str_eq(said(id), "WON NEW a@b.c [\"stage\"] nil");
	cr_expect_gt(stage_find(&s, "tell", &id)->due_ms, due_ms);
}

Test(runner_seen, a_copy_that_cannot_be_read_is_as_good_as_none_and_heals)
{
	struct err err;
	stage_start(&s, STAGE_ALONE, NULL);
	/* It is a text, but no record. */
	struct queue_copy bad = {.object = "person",
		.record = ANN,
		.updated_ms = 1,
		.text = slice_of("{\"stage\":")};
	cr_assert_eq(queue_copy_put(s.work, &bad, &err), RC_OK);
	struct id first = CHANGE("updated", 2, "NEW", "a@b.c", "[\"emails\"]");
	struct id second = CHANGE("updated", 3, "WON", "a@b.c", "[\"emails\"]");
	stage_until(&s, stage_ended, 2);
	stage_look(&s);
	cr_expect_str_eq(said(first), "updated - - [\"emails\"]");
	cr_expect_str_eq(said(second), "updated NEW a@b.c [\"stage\"]");
}

Test(runner_seen, what_is_no_record_has_no_copy)
{
	stage_start(&s, STAGE_ALONE, NULL);
	stage_deliver(&s, "twenty",
		slice_of("{\"eventName\":\"metadata.objectMetadata.created\",\"event\":{"
			 "\"recordId\":\"" ANN "\"}}"));
	stage_deliver(&s, "twenty", slice_of("nonsense"));
	stage_until(&s, stage_parsed, 2);
	cr_expect_str_eq(copy_of("metadata.objectMetadata"), "");
	CHANGE("updated", 1, "NEW", "a@b.c", "[\"stage\"]");
	stage_until(&s, stage_parsed, 3);
	cr_expect_str_eq(copy_of("person"), "NEW 1 0", "the control");
}
