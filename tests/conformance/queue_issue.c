/* SPDX-License-Identifier: MIT */
/* Issues are counted up, acknowledged, and open again; what people had done is kept. */
#include "queue/audit.h"
#include "queue/pause.h"
#include "tests/conformance/queue_suite.h"

static void put(struct suite *s, const char *kind, const char *about, const char *text, int64_t at)
{
	struct queue_issue issue = {.kind = kind,
		.about = about,
		.text = text,
		.event = "event 1",
		.count = 2,
		.last_ms = at};
	suite_ok(s, queue_issue_put(s->runner, &issue, &s->err));
}

struct seen_issues {
	char text[512];
};

static enum rc take(void *ctx, const struct queue_issue *i, struct err *err)
{
	struct seen_issues *seen = ctx;
	size_t n = strlen(seen->text);
	(void)err;
	snprintf(seen->text + n, sizeof(seen->text) - n, "%s/%s %s %s %d %d-%d%s; ", i->kind,
		i->about, i->text, i->event, (int)i->count, (int)i->first_ms, (int)i->last_ms,
		i->acknowledged ? " seen" : "");
	return RC_OK;
}

static void expect(struct suite *s, struct queue *q, const char *text)
{
	struct seen_issues seen = {""};
	suite_ok(s, queue_issue_each(q, take, &seen, &s->err));
	cr_assert_str_eq(seen.text, text);
}

QUEUE_CASE(an_issue_is_counted_up_and_the_newest_comes_first)
{
	put(s, "dead", "a: rule", "one", 5);
	put(s, "loop", "b", "two", 7);
	put(s, "dead", "a: rule", "three", 9);
	suite_commit(s);
	expect(s, s->receiver, "dead/a: rule three event 1 4 5-9; loop/b two event 1 2 7-7; ");
}

QUEUE_CASE(an_acknowledged_issue_opens_again_when_it_happens_again)
{
	put(s, "dead", "a", "one", 5);
	suite_ok(s, queue_issue_acknowledge(s->runner, "dead", "a", &s->err));
	expect(s, s->runner, "dead/a one event 1 2 5-5 seen; ");
	put(s, "dead", "a", "one", 6);
	expect(s, s->runner, "dead/a one event 1 4 5-6; ");
	cr_assert_eq(queue_issue_acknowledge(s->runner, "dead", "b", &s->err), RC_NOT_FOUND);
	cr_assert_eq(queue_issue_acknowledge(s->receiver, "dead", "a", &s->err), RC_DENIED);
}

static enum rc take_audit(void *ctx, const struct queue_audit *a, struct err *err)
{
	struct seen_issues *seen = ctx;
	size_t n = strlen(seen->text);
	(void)err;
	snprintf(seen->text + n, sizeof(seen->text) - n, "%d: %d %d %s %d %s; ", (int)a->seq,
		(int)a->at_ms, (int)a->uid, a->what, (int)a->n, a->result);
	return RC_OK;
}

QUEUE_CASE(what_people_had_done_is_kept_with_what_came_of_it)
{
	int64_t first = 0, second = 0;
	struct queue_audit one = {.at_ms = 5, .uid = 1000, .what = "{}", .n = -1, .result = ""};
	struct queue_audit two = {.at_ms = 6, .uid = 0, .what = "[]", .n = 1, .result = "done"};
	struct seen_issues seen = {""};
	suite_ok(s, queue_audit_put(s->runner, &one, &first, &s->err));
	suite_ok(s, queue_audit_put(s->runner, &two, &second, &s->err));
	suite_ok(s, queue_audit_end(s->runner, first, 17, "ended", &s->err));
	suite_commit(s);
	suite_ok(s, queue_audit_each(s->receiver, 0, take_audit, &seen, &s->err));
	cr_assert_str_eq(seen.text, "1: 5 1000 {} 17 ended; 2: 6 0 [] 1 done; ");
	seen.text[0] = '\0';
	suite_ok(s, queue_audit_each(s->receiver, 1, take_audit, &seen, &s->err));
	cr_assert_str_eq(seen.text, "2: 6 0 [] 1 done; ");
}
