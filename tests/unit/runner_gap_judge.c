/* SPDX-License-Identifier: MIT */
/* A listed record against its copy. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "base/attr.h"
#include "base/clock.h"
#include "runner/gap_judge.h"

#define FIRST "2026-11-23T10:00:00.000Z"
#define LATER "2026-11-23T12:00:00.000Z"
#define LATEST "2026-11-23T12:00:00.001Z"
#define OLD "2026-11-20T00:00:00.000Z"

static enum gap_verdict judge(const char *created, const char *updated, const char *deleted,
	const struct queue_copy *copy, const char *names)
{
	struct gap_bounds bounds = {clock_parse(FIRST), clock_parse("2026-11-23T13:00:00.000Z")};
	json_t *record = json_pack("{s:s, s:s, s:s?}", "createdAt", created, "updatedAt", updated,
		"deletedAt", deleted);
	json_t *list = names != NULL ? json_loads(names, 0, NULL) : NULL;
	struct gap_case c = {.record = record, .copy = copy, .names = list};
	enum gap_verdict verdict = gap_judge(&c, &bounds);
	json_decref(record);
	json_decref(list);
	return verdict;
}

static struct queue_copy copy_at(const char *updated, enum queue_copy_state state)
{
	return (struct queue_copy){.updated_ms = clock_parse(updated), .state = state};
}

Test(runner_gap_judge, what_was_never_seen_is_new_or_changed_or_from_before)
{
	cr_expect_eq(judge(LATER, LATER, NULL, NULL, NULL), GAP_CREATED);
	cr_expect_eq(judge(OLD, LATER, NULL, NULL, NULL), GAP_UPDATED);
	cr_expect_eq(judge(OLD, OLD, NULL, NULL, NULL), GAP_BEFORE);
	cr_expect_eq(judge(OLD, LATER, LATER, NULL, NULL), GAP_DELETED);
	cr_expect_eq(judge(LATER, LATER, LATER, NULL, NULL), GAP_DELETED, "came and went");
	cr_expect_eq(judge(OLD, OLD, OLD, NULL, NULL), GAP_BEFORE);
}

Test(runner_gap_judge, what_became_visible_late_around_the_first_start_is_told)
{
	cr_expect_eq(judge(OLD, "2026-11-23T09:59:00.000Z", NULL, NULL, NULL), GAP_UPDATED);
	cr_expect_eq(judge(OLD, "2026-11-23T09:58:59.999Z", NULL, NULL, NULL), GAP_BEFORE);
	cr_expect_eq(
		judge("2026-11-23T09:59:30.000Z", "2026-11-23T09:59:30.000Z", NULL, NULL, NULL),
		GAP_CREATED);
}

Test(runner_gap_judge, a_copy_as_new_as_the_record_knows_it)
{
	const enum queue_copy_state states[] = {
		QUEUE_COPY_LIVE, QUEUE_COPY_DELETED, QUEUE_COPY_GONE};
	for (size_t i = 0; i < ARRAY_N(states); i++) {
		struct queue_copy same = copy_at(LATER, states[i]),
				  newer = copy_at(LATEST, states[i]);
		cr_expect_eq(judge(OLD, LATER, NULL, &same, "[\"name\"]"), GAP_KNOWN);
		cr_expect_eq(judge(OLD, LATER, NULL, &newer, "[\"name\"]"), GAP_KNOWN);
	}
}

Test(runner_gap_judge, a_newer_record_was_changed_deleted_or_restored)
{
	struct queue_copy live = copy_at(LATER, QUEUE_COPY_LIVE);
	struct queue_copy deleted = copy_at(LATER, QUEUE_COPY_DELETED);
	struct queue_copy gone = copy_at(LATER, QUEUE_COPY_GONE);
	cr_expect_eq(judge(OLD, LATEST, NULL, &live, "[\"name\"]"), GAP_UPDATED);
	cr_expect_eq(judge(OLD, LATEST, NULL, &live, NULL), GAP_UPDATED, "nobody knows what");
	cr_expect_eq(judge(OLD, LATEST, LATEST, &live, "[\"deletedAt\"]"), GAP_DELETED);
	cr_expect_eq(judge(OLD, LATEST, NULL, &deleted, "[\"deletedAt\"]"), GAP_RESTORED);
	cr_expect_eq(judge(OLD, LATEST, LATEST, &deleted, "[\"name\",\"deletedAt\"]"), GAP_UPDATED);
	cr_expect_eq(judge(LATEST, LATEST, NULL, &gone, NULL), GAP_CREATED, "its id came back");
}

/* The copy is of a time when a rule listened, the change of one when none did. */
Test(runner_gap_judge, what_was_changed_while_nobody_listened_is_no_event)
{
	struct queue_copy live = copy_at(OLD, QUEUE_COPY_LIVE);
	struct queue_copy deleted = copy_at(OLD, QUEUE_COPY_DELETED);
	const char *between = "2026-11-21T00:00:00.000Z";
	cr_expect_eq(judge(OLD, between, NULL, &live, "[\"name\"]"), GAP_BEFORE);
	cr_expect_eq(judge(OLD, between, between, &live, "[\"deletedAt\"]"), GAP_BEFORE);
	cr_expect_eq(judge(OLD, between, NULL, &deleted, "[\"deletedAt\"]"), GAP_BEFORE);
	cr_expect_eq(judge(OLD, LATER, NULL, &live, "[\"name\"]"), GAP_UPDATED);
}

Test(runner_gap_judge, what_changes_nothing_is_no_event)
{
	struct queue_copy live = copy_at(LATER, QUEUE_COPY_LIVE);
	struct queue_copy deleted = copy_at(LATER, QUEUE_COPY_DELETED);
	cr_expect_eq(judge(OLD, LATEST, NULL, &live, "[]"), GAP_TOUCHED);
	cr_expect_eq(judge(OLD, LATEST, LATEST, &deleted, "[\"deletedAt\"]"), GAP_TOUCHED,
		"restored and deleted again");
}

Test(runner_gap_judge, what_is_young_is_left_to_its_webhook)
{
	struct queue_copy live = copy_at(LATER, QUEUE_COPY_LIVE);
	cr_expect_eq(judge(OLD, "2026-11-23T13:00:00.001Z", NULL, &live, "[\"name\"]"), GAP_YOUNG);
	cr_expect_eq(
		judge(OLD, "2026-11-23T13:00:00.000Z", NULL, &live, "[\"name\"]"), GAP_UPDATED);
	cr_expect_eq(
		judge("2026-11-23T13:00:00.001Z", "2026-11-23T13:00:00.001Z", NULL, NULL, NULL),
		GAP_YOUNG);
}

Test(runner_gap_judge, a_record_without_times_is_nobodys_news)
{
	struct gap_bounds bounds = {clock_parse(FIRST), INT64_MAX};
	struct queue_copy live = copy_at(LATER, QUEUE_COPY_LIVE);
	json_t *record = json_pack("{s:s, s:i}", "id", "1", "updatedAt", 7);
	struct gap_case c = {.record = record};
	cr_expect_eq(gap_judge(&c, &bounds), GAP_BEFORE);
	c.copy = &live;
	cr_expect_eq(gap_judge(&c, &bounds), GAP_KNOWN);
	json_decref(record);
}

Test(runner_gap_judge, only_what_happened_has_a_name)
{
	cr_expect_str_eq(gap_action(GAP_CREATED), "created");
	cr_expect_str_eq(gap_action(GAP_UPDATED), "updated");
	cr_expect_str_eq(gap_action(GAP_DELETED), "deleted");
	cr_expect_str_eq(gap_action(GAP_RESTORED), "restored");
	cr_expect_null(gap_action(GAP_KNOWN));
	cr_expect_null(gap_action(GAP_YOUNG));
	cr_expect_null(gap_action(GAP_BEFORE));
	cr_expect_null(gap_action(GAP_TOUCHED));
}
