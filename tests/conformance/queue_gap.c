/* SPDX-License-Identifier: MIT */
/* How far objects have been looked through, and what was told of by asking. */
#include "queue/gap.h"
#include "tests/conformance/queue_suite.h"

static void put(struct suite *s, const char *object, int64_t from_ms, const char *problem)
{
	struct queue_gap gap = {.object = object,
		.first_ms = 1,
		.from_ms = from_ms,
		.asked_ms = from_ms + 1,
		.swept_ms = from_ms + 2,
		.problem = problem};
	suite_ok(s, queue_gap_put(s->runner, &gap, &s->err));
}

static enum rc add(void *ctx, const struct queue_gap *gap, struct err *err)
{
	char *text = ctx;
	size_t n = strlen(text);
	(void)err;
	snprintf(text + n, 256 - n, "%s%s %lld %lld %lld %lld%s%s", n != 0 ? ", " : "", gap->object,
		(long long)gap->first_ms, (long long)gap->from_ms, (long long)gap->asked_ms,
		(long long)gap->swept_ms, gap->problem[0] != '\0' ? " " : "", gap->problem);
	return RC_OK;
}

/* STATIC. */
static const char *all(struct suite *s, struct queue *q)
{
	static char text[256];
	text[0] = '\0';
	suite_ok(s, queue_gap_each(q, add, text, &s->err));
	return text;
}

QUEUE_CASE(the_newest_word_on_an_object_counts_and_names_are_in_order)
{
	cr_expect_str_eq(all(s, s->runner), "");
	put(s, "person", 100, "");
	put(s, "company", 200, "Twenty refuses it");
	put(s, "person", 300, NULL);
	cr_expect_str_eq(
		all(s, s->runner), "company 1 200 201 202 Twenty refuses it, person 1 300 301 302");
	suite_ok(s, queue_gap_drop(s->runner, "company", &s->err));
	suite_ok(s, queue_gap_drop(s->runner, "nobody", &s->err));
	cr_expect_str_eq(all(s, s->runner), "person 1 300 301 302");
	suite_commit(s);
	cr_expect_str_eq(all(s, s->receiver), "person 1 300 301 302", "any side reads");
}

static enum rc stop(void *ctx, const struct queue_gap *gap, struct err *err)
{
	(void)gap;
	++*(int *)ctx;
	return err_set(err, RC_BUSY, "enough");
}

QUEUE_CASE(a_call_back_ends_the_list_of_gaps)
{
	int n = 0;
	put(s, "a", 1, "");
	put(s, "b", 1, "");
	cr_expect_eq(queue_gap_each(s->runner, stop, &n, &s->err), RC_BUSY);
	cr_expect_eq(n, 1);
	cr_expect_str_eq(all(s, s->runner), "a 1 1 2 3, b 1 1 2 3", "and it can be read again");
}

QUEUE_CASE(what_nobody_could_name_is_refused)
{
	char name[300];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	struct queue_gap gap = {.object = ""};
	cr_expect_eq(queue_gap_put(s->runner, &gap, &s->err), RC_INVALID);
	gap.object = name;
	cr_expect_eq(queue_gap_put(s->runner, &gap, &s->err), RC_INVALID);
	cr_expect_eq(queue_told_put(s->runner, "person", "", 1, 1, &s->err), RC_INVALID);
	cr_expect_eq(queue_told_put(s->runner, name, "1", 1, 1, &s->err), RC_INVALID);
	cr_expect_eq(queue_told_put(s->runner, "person", name, 1, 1, &s->err), RC_INVALID);
}

/* -1: nothing was. */
static int64_t told(struct suite *s, const char *object, const char *record)
{
	int64_t until_ms = 0;
	enum rc rc = queue_told_find(s->runner, object, record, &until_ms, &s->err);
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
	return rc == RC_OK ? until_ms : -1;
}

QUEUE_CASE(what_was_told_is_known_by_object_and_record_and_never_shrinks)
{
	cr_expect_eq(told(s, "person", "1"), -1);
	suite_ok(s, queue_told_put(s->runner, "person", "1", 700, 10, &s->err));
	suite_ok(s, queue_told_put(s->runner, "person", "1", 600, 11, &s->err));
	suite_ok(s, queue_told_put(s->runner, "company", "1", INT64_MAX, 12, &s->err));
	cr_expect_eq(told(s, "person", "1"), 700);
	cr_expect_eq(told(s, "company", "1"), INT64_MAX);
	cr_expect_eq(told(s, "person", "2"), -1);
	suite_commit(s);
	cr_expect_eq(told(s, "person", "1"), 700);
}

QUEUE_CASE(what_was_told_is_forgotten_by_age_and_by_record)
{
	size_t n = 99;
	char id[16];
	for (int i = 0; i < 700; i++) {
		snprintf(id, sizeof(id), "%d", i);
		suite_ok(s, queue_told_put(s->runner, "person", id, 5, 1000 + i, &s->err));
	}
	suite_ok(s, queue_told_prune(s->runner, 1000, &n, &s->err));
	cr_expect_eq(n, 0, "nothing is that old");
	suite_ok(s, queue_told_prune(s->runner, 1600, &n, &s->err));
	cr_expect_eq(n, 500, "a bounded number");
	suite_ok(s, queue_told_prune(s->runner, 1600, &n, &s->err));
	cr_expect_eq(n, 100);
	cr_expect_eq(told(s, "person", "599"), -1);
	cr_expect_eq(told(s, "person", "600"), 5);
	suite_ok(s, queue_told_put(s->runner, "company", "650", 5, 1, &s->err));
	suite_ok(s, queue_told_erase(s->runner, "650", &n, &s->err));
	cr_expect_eq(n, 2, "whatever its object");
	cr_expect_eq(told(s, "person", "650"), -1);
	suite_ok(s, queue_told_erase(s->runner, "650", &n, &s->err));
	cr_expect_eq(n, 0);
}
