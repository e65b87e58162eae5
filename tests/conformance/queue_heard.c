/* SPDX-License-Identifier: MIT */
/* Webhooks that one runner has routed are heard of by another, all of them and once. */
#include "queue/heard.h"
#include "tests/conformance/queue_suite.h"

struct ear { /* another runner; where a store has one runner there is nobody to hear of */
	struct suite *s;
	struct queue *q;
	int64_t seq;
	size_t n;
	char last[64]; /* body */
	char id[ID_N + 1];
};

static struct ear ear_open(struct suite *s)
{
	struct ear e = {.s = s, .q = s->runner};
	if (suite_shared(s))
		suite_ok(s, queue_open(s->store, QUEUE_RUNNER, &e.q, &s->err));
	return e;
}

static void ear_close(struct ear *e)
{
	if (e->q != e->s->runner)
		queue_close(e->q);
}

static enum rc hear(void *ctx, const struct queue_heard *heard, struct err *err)
{
	struct ear *e = ctx;
	(void)err;
	cr_assert_str_eq(heard->source, "twenty");
	cr_assert_eq(heard->received_ms, SUITE_NOW_MS);
	cr_assert(slice_equal(heard->headers, slice_of("x-test: 1\n")));
	snprintf(e->last, sizeof(e->last), "%.*s", (int)heard->body.n, heard->body.p);
	cr_assert_str_lt(e->id, heard->id, "in order, each once");
	snprintf(e->id, sizeof(e->id), "%s", heard->id);
	e->n++;
	return RC_OK;
}

/* How many are heard of from where the last look ended. NULL: none are wanted. */
static size_t listen(struct ear *e, const char *record, const char *object)
{
	const struct queue_wanted wanted = {.after_seq = e->seq,
		.records = &record,
		.records_n = record != NULL,
		.objects = &object,
		.objects_n = object != NULL};
	size_t before = e->n;
	suite_ok(e->s, queue_heard_each(e->q, &wanted, hear, e, &e->seq, &e->s->err));
	return e->n - before;
}

static void event(struct suite *s, const char *record, const char *body)
{
	(void)suite_put(s, NULL, body);
	(void)suite_route(s, 1, "r", record, 0);
}

QUEUE_CASE(what_another_runner_routes_is_heard_where_it_is_wanted)
{
	struct ear e = ear_open(s);
	size_t one = suite_shared(s) ? 1 : 0;
	event(s, "before", "{}");
	suite_commit(s);
	cr_expect_eq(listen(&e, NULL, NULL), 0u);
	cr_expect_eq(e.seq > 0, one);
	cr_expect_eq(listen(&e, "before", "person"), 0u, "that was before");
	event(s, "a", "[1]");
	event(s, "b", "[2]");
	cr_expect_eq(listen(&e, "a", NULL), 0u, "it is not committed");
	suite_commit(s);
	cr_expect_eq(listen(&e, "a", NULL), one);
	cr_expect_str_eq(e.last, one ? "[1]" : "");
	cr_expect_eq(listen(&e, "b", "person"), 0u, "it was not wanted then");
	event(s, "c", "[3]");
	suite_commit(s);
	cr_expect_eq(listen(&e, "a", "company"), 0u);
	event(s, "c", "[4]");
	suite_commit(s);
	cr_expect_eq(listen(&e, "a", "person"), one);
	cr_expect_str_eq(e.last, one ? "[4]" : "");
	ear_close(&e);
}

QUEUE_CASE(more_than_is_heard_at_once_is_heard_at_the_next_look)
{
	struct ear e = ear_open(s);
	for (int i = 0; i < QUEUE_HEARD_MAX + 6; i++) {
		event(s, "a", "{}");
		event(s, "b", "{}");
	}
	suite_commit(s);
	cr_expect_eq(listen(&e, "a", NULL), suite_shared(s) ? QUEUE_HEARD_MAX : 0u);
	cr_expect_eq(listen(&e, "a", NULL), suite_shared(s) ? 6u : 0u);
	cr_expect_eq(listen(&e, "a", NULL), 0u);
	ear_close(&e);
}
