/* SPDX-License-Identifier: MIT */
/* What was last seen of each record: put, found, walked, erased. */
#include "queue/copy.h"
#include "tests/conformance/queue_suite.h"

#define ANN "20202020-0000-4000-8000-00000000000a"
#define BOB "20202020-0000-4000-8000-00000000000b"
#define CAT "f0202020-0000-4000-8000-000000000000"

static void put(struct suite *s, const char *object, const char *record, int64_t updated_ms,
	const char *text)
{
	struct queue_copy copy = {
		.object = object,
		.record = record,
		.updated_ms = updated_ms,
		.seen_ms = SUITE_NOW_MS,
		.state = text != NULL ? QUEUE_COPY_LIVE : QUEUE_COPY_GONE,
		.text = slice_of(text),
	};
	suite_ok(s, queue_copy_put(s->runner, &copy, &s->err));
}

static void expect(
	struct suite *s, struct queue *q, const char *object, const char *record, const char *text)
{
	struct queue_copy copy = {0};
	suite_ok(s, queue_copy_find(q, object, record, &copy, &s->err));
	cr_assert(slice_equal(copy.text, slice_of(text)), "%.*s", (int)copy.text.n, copy.text.p);
	cr_assert_str_eq(copy.object, object);
	cr_assert_str_eq(copy.record, record);
}

static bool is_there(struct suite *s, const char *object, const char *record)
{
	struct queue_copy copy = {0};
	enum rc rc = queue_copy_find(s->runner, object, record, &copy, &s->err);
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
	return rc == RC_OK;
}

struct names {
	char text[512];
	size_t n;
};

static enum rc name(void *ctx, const struct queue_copy *copy, struct err *err)
{
	struct names *names = ctx;
	(void)err;
	cr_assert_eq(copy->text.n, 0u);
	cr_assert_eq(copy->seen_ms, SUITE_NOW_MS);
	names->n += (size_t)snprintf(names->text + names->n, sizeof(names->text) - names->n,
		"%s %s %lld;", copy->object, copy->record, (long long)copy->updated_ms);
	return RC_OK;
}

static void expect_walk(
	struct suite *s, const char *object, const char *after, size_t max, const char *text)
{
	struct names names = {.text = ""};
	suite_ok(s, queue_copy_each(s->runner, object, after, max, name, &names, &s->err));
	cr_expect_str_eq(names.text, text);
}

QUEUE_CASE(the_newest_copy_of_a_record_is_found)
{
	cr_expect(!is_there(s, "person", ANN));
	put(s, "person", ANN, 1000, "{\"stage\":\"NEW\"}");
	expect(s, s->runner, "person", ANN, "{\"stage\":\"NEW\"}");
	put(s, "person", ANN, 2000, "{\"stage\":\"WON\"}");
	put(s, "company", ANN, 3000, "{}");
	put(s, "person", BOB, 4000, "{\"stage\":\"LOST\"}");
	suite_commit(s);
	expect(s, s->runner, "person", ANN, "{\"stage\":\"WON\"}");
	expect(s, s->runner, "company", ANN, "{}");
	expect(s, s->runner, "person", BOB, "{\"stage\":\"LOST\"}");
	struct queue_copy copy = {0};
	suite_ok(s, queue_copy_find(s->runner, "person", ANN, &copy, &s->err));
	cr_expect_eq(copy.updated_ms, 2000);
	cr_expect_eq(copy.seen_ms, SUITE_NOW_MS);
	cr_expect_eq(copy.state, QUEUE_COPY_LIVE);
	cr_expect(!is_there(s, "opportunity", BOB));
}

QUEUE_CASE(a_record_that_is_gone_keeps_its_place_without_a_text)
{
	struct queue_copy copy = {0};
	put(s, "person", ANN, 1000, "{\"name\":\"Ann\"}");
	put(s, "person", ANN, 2000, NULL);
	suite_commit(s);
	suite_ok(s, queue_copy_find(s->runner, "person", ANN, &copy, &s->err));
	cr_expect_eq(copy.state, QUEUE_COPY_GONE);
	cr_expect_eq(copy.text.n, 0u);
	cr_expect_eq(copy.updated_ms, 2000);
}

QUEUE_CASE(texts_of_any_length_come_back_as_they_were)
{
	size_t lengths[] = {1, 47, 48, 300, 5000, 400000};
	char *text = malloc(400001);
	cr_assert(text != NULL);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t n = lengths[i];
		for (size_t k = 0; k < n; k++)
			text[k] = (char)('a' + (k * k + k / 7) % 26);
		text[n] = '\0';
		put(s, "note", ANN, 1, text);
		expect(s, s->runner, "note", ANN, text);
	}
	free(text);
	char *large = calloc(1, (16u << 20) + 2);
	cr_assert(large != NULL);
	memset(large, ' ', (16u << 20) + 1);
	struct queue_copy copy = {.object = "note", .record = ANN, .text = slice_of(large)};
	cr_expect_eq(queue_copy_put(s->runner, &copy, &s->err), RC_TOO_LARGE);
	copy.text.n--;
	suite_ok(s, queue_copy_put(s->runner, &copy, &s->err));
	suite_ok(s, queue_copy_find(s->runner, "note", ANN, &copy, &s->err));
	cr_expect(copy.text.n == 16u << 20 && memcmp(copy.text.p, large, copy.text.n) == 0);
	free(large);
}

QUEUE_CASE(ids_that_are_no_uuids_are_records_too)
{
	const char *ids[] = {"7", "UPPER", "20202020-0000-4000-8000-00000000000A",
		"20202020-0000-4000-8000-00000000000", "20202020x0000-4000-8000-00000000000a",
		"sixteen-bytes-id", "20202020-0000-4000-8000-00000000000g", ANN};
	size_t n = sizeof(ids) / sizeof(*ids);
	for (size_t i = 0; i < n; i++)
		put(s, "person", ids[i], (int64_t)i, ids[i]);
	suite_commit(s);
	for (size_t i = 0; i < n; i++)
		expect(s, s->runner, "person", ids[i], ids[i]);
}

QUEUE_CASE(copies_are_walked_in_order_a_page_at_a_time)
{
	put(s, "person", CAT, 3, "{}");
	put(s, "person", ANN, 1, "{}");
	put(s, "person", BOB, 2, NULL);
	put(s, "company", BOB, 5, "{}");
	expect_walk(s, "person", NULL, 10, "person " ANN " 1;person " BOB " 2;person " CAT " 3;");
	suite_commit(s);
	expect_walk(s, "person", NULL, 2, "person " ANN " 1;person " BOB " 2;");
	expect_walk(s, "person", ANN, 10, "person " BOB " 2;person " CAT " 3;");
	expect_walk(s, "person", "20202020-0000-4000-8000-00000000000c", 10, "person " CAT " 3;");
	expect_walk(s, "person", CAT, 10, "");
	expect_walk(s, "task", NULL, 10, "");
	expect_walk(s, NULL, NULL, 3, "company " BOB " 5;person " ANN " 1;person " BOB " 2;");
}

QUEUE_CASE(a_walk_meets_ids_that_are_no_uuids_once_each)
{
	char after[64] = "";
	int met = 0, strange = 0;
	put(s, "person", CAT, 3, "{}");
	put(s, "person", "x1", 4, "{}");
	put(s, "person", ANN, 1, "{}");
	for (;;) {
		struct names names = {.text = ""};
		suite_ok(s, queue_copy_each(s->runner, "person", after[0] != '\0' ? after : NULL, 1,
				    name, &names, &s->err));
		if (names.n == 0)
			break;
		cr_assert_lt(met++, 3);
		cr_assert_eq(sscanf(names.text, "person %63s", after), 1);
		strange += strcmp(after, "x1") == 0;
	}
	cr_expect_eq(met, 3);
	cr_expect_eq(strange, 1);
}

static enum rc refuse(void *ctx, const struct queue_copy *copy, struct err *err)
{
	(*(int *)ctx)++;
	return err_set(err, RC_INVALID, "enough of %s", copy->object);
}

QUEUE_CASE(a_walk_over_copies_ends_where_it_is_told_to)
{
	int n = 0;
	put(s, "person", ANN, 1, "{}");
	put(s, "person", BOB, 1, "{}");
	cr_expect_eq(
		queue_copy_each(s->runner, "person", NULL, 9, refuse, &n, &s->err), RC_INVALID);
	cr_expect_eq(n, 1);
	cr_expect_str_eq(s->err.msg, "enough of person");
}

QUEUE_CASE(a_record_is_erased_under_all_its_objects_and_nothing_else_is)
{
	size_t n = 99;
	put(s, "company", ANN, 1, "{}");
	put(s, "person", ANN, 1, "{\"name\":\"Ann\"}");
	put(s, "person", BOB, 1, "{}");
	put(s, "task", "7", 1, "{}");
	suite_commit(s);
	suite_ok(s, queue_copy_erase(s->runner, ANN, &n, &s->err));
	cr_expect_eq(n, 2u);
	suite_commit(s);
	cr_expect(!is_there(s, "company", ANN));
	cr_expect(!is_there(s, "person", ANN));
	expect(s, s->runner, "person", BOB, "{}");
	suite_ok(s, queue_copy_erase(s->runner, ANN, &n, &s->err));
	cr_expect_eq(n, 0u);
	suite_ok(s, queue_copy_erase(s->runner, "7", &n, &s->err));
	cr_expect_eq(n, 1u);
}

QUEUE_CASE(copies_are_not_removed_by_age)
{
	struct queue_retention keep = {.events_ms = 1, .runs_ms = 1, .size_bytes = 1};
	size_t n = 0;
	put(s, "person", ANN, 1, "{}");
	suite_commit(s);
	suite_ok(s, queue_prune(s->runner, &keep, SUITE_NOW_MS + 400000000000, 100, &n, &s->err));
	suite_ok(s, queue_prune(s->receiver, &keep, SUITE_NOW_MS + 400000000000, 100, &n, &s->err));
	expect(s, s->runner, "person", ANN, "{}");
}

QUEUE_CASE(only_the_runner_writes_copies_and_everybody_reads_them)
{
	struct queue *reader = NULL;
	struct queue_copy copy = {.object = "person", .record = ANN, .text = slice_of("{}")};
	size_t n = 0;
	put(s, "person", ANN, 1, "{}");
	suite_commit(s);
	suite_ok(s, queue_open(s->store, QUEUE_READER, &reader, &s->err));
	expect(s, reader, "person", ANN, "{}");
	expect(s, s->receiver, "person", ANN, "{}");
	cr_expect_eq(queue_copy_put(reader, &copy, &s->err), RC_DENIED);
	cr_expect_eq(queue_copy_put(s->receiver, &copy, &s->err), RC_DENIED);
	cr_expect_eq(queue_copy_erase(reader, ANN, &n, &s->err), RC_DENIED);
	queue_close(reader);
}

QUEUE_CASE(a_copy_needs_an_object_and_an_id)
{
	struct queue_copy copy = {.object = "", .record = ANN, .text = slice_of("{}")};
	cr_expect_eq(queue_copy_put(s->runner, &copy, &s->err), RC_INVALID);
	copy = (struct queue_copy){.object = "person", .record = "", .text = slice_of("{}")};
	cr_expect_eq(queue_copy_put(s->runner, &copy, &s->err), RC_INVALID);
}

/* Routes one event with `past`, with a run where a rule is named; none is claimed. */
static void route(struct suite *s, const char *rule, const char *past)
{
	struct queue_raw raw;
	struct queue_run_new run = {.rule = rule, .source_hash = "hash", .attempts_max = 8};
	size_t n = 0, claimed = 0;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	struct queue_routing routing = {
		.event = {.seq = raw.seq,
			.id = raw.id,
			.source = "twenty",
			.via = "hook",
			.past = slice_of(past),
			.received_ms = SUITE_NOW_MS},
		.runs = &run,
		.runs_n = rule != NULL,
	};
	suite_ok(s, queue_route(s->runner, &routing, 1, 0, s->runs, &claimed, &s->err));
	suite_commit(s);
}

QUEUE_CASE(what_was_before_an_event_comes_with_its_runs_as_often_as_they_are_claimed)
{
	const char past[] = "{\"before\":{\"stage\":\"NEW\",\"updatedAt\":"
			    "\"2026-11-23T18:25:02.057Z\"},\"fields\":[\"stage\"]}";
	route(s, NULL, past);
	route(s, "with", past);
	route(s, "without", NULL);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS, 9), 2u);
	cr_expect_str_eq(s->runs[0].past, past);
	cr_expect_eq(s->runs[0].past_n, sizeof(past) - 1);
	cr_expect_str_eq(s->runs[0].body, "{}");
	cr_expect_null(s->runs[1].past);
	cr_expect_eq(s->runs[1].past_n, 0u);
	suite_release(s, &s->runs[0], SUITE_NOW_MS, true);
	suite_commit(s);
	cr_assert_eq(suite_claim(s, SUITE_NOW_MS + 1000, 9), 1u);
	cr_expect_str_eq(s->runs[0].past, past);
}
