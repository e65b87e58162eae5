/* SPDX-License-Identifier: MIT */
/* Versions of rule files: which is live, which is needed, which is forgotten. */
#include "queue/hand.h"
#include "tests/conformance/queue_suite.h"

static const struct queue_retention day = {.events_ms = 86400000, .runs_ms = 86400000};
#define LATER (SUITE_NOW_MS + 400000000000)

static void put(struct suite *s, const char *hash, const char *file)
{
	suite_ok(s, queue_source_put(s->runner, hash, file, slice_of(hash), &s->err));
}

static void live(struct suite *s, const char *one, const char *two, int64_t now_ms)
{
	const char *hashes[] = {one, two};
	suite_ok(s, queue_source_live(
			    s->runner, hashes, two != NULL ? 2 : one != NULL, now_ms, &s->err));
}

/* "hash since", "" where none is live. STATIC. */
static const char *found(struct suite *s, const char *file)
{
	static char text[128];
	char hash[DIGEST_HEX_N];
	int64_t live_ms = 0;
	struct buf out;
	buf_init(&out, 4096);
	text[0] = '\0';
	enum rc rc = queue_source_find(s->runner, file, &out, hash, &live_ms, &s->err);
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
	if (rc == RC_OK) {
		cr_assert_str_eq(out.p, hash, "its text");
		snprintf(text, sizeof(text), "%s %lld", hash, (long long)live_ms);
	}
	buf_done(&out);
	return text;
}

static size_t prune(struct suite *s, int64_t before_ms)
{
	size_t n = 99;
	suite_ok(s, queue_source_prune(s->runner, before_ms, &n, &s->err));
	return n;
}

static bool is_stored(struct suite *s, const char *hash)
{
	char file[256];
	struct buf out;
	buf_init(&out, 4096);
	enum rc rc = queue_source_get(s->runner, hash, &out, file, &s->err);
	cr_assert(rc == RC_OK || rc == RC_NOT_FOUND, "%s", s->err.msg);
	buf_done(&out);
	return rc == RC_OK;
}

static size_t route(struct suite *s, const char *hash)
{
	struct queue_raw raw;
	struct queue_run_new run = {.rule = "rule", .source_hash = hash, .attempts_max = 8};
	size_t n = 0;
	suite_put(s, NULL, "{}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	struct queue_routing routing = {
		.event = {.seq = raw.seq,
			.id = raw.id,
			.source = "twenty",
			.via = "hook",
			.received_ms = SUITE_NOW_MS},
		.runs = &run,
		.runs_n = 1,
	};
	suite_ok(s, queue_route(s->runner, &routing, 1, 1, &s->runs[s->runs_n], &n, &s->err));
	s->runs_n += n;
	return n;
}

QUEUE_CASE(the_live_version_of_a_file_is_found_with_its_time)
{
	cr_expect_str_eq(found(s, "a.lua"), "");
	put(s, "a1", "a.lua");
	put(s, "b1", "b.lua");
	cr_expect_str_eq(found(s, "a.lua"), "", "put, not live");
	live(s, "a1", "b1", 1000);
	cr_expect_str_eq(found(s, "a.lua"), "a1 1000");
	cr_expect_str_eq(found(s, "b.lua"), "b1 1000");
	put(s, "a2", "a.lua");
	live(s, "a2", "b1", 2000);
	suite_commit(s);
	cr_expect_str_eq(found(s, "a.lua"), "a2 2000");
	cr_expect_str_eq(found(s, "b.lua"), "b1 1000", "it has been live all the time");
	live(s, "a1", "b1", 3000);
	cr_expect_str_eq(found(s, "a.lua"), "a1 3000", "an old one has come back");
}

QUEUE_CASE(a_file_that_is_gone_has_no_live_version)
{
	put(s, "a1", "a.lua");
	put(s, "b1", "b.lua");
	live(s, "a1", "b1", 1000);
	live(s, "b1", NULL, 2000);
	cr_expect_str_eq(found(s, "a.lua"), "");
	cr_expect(is_stored(s, "a1"), "for the runs that name it");
	live(s, NULL, NULL, 3000);
	cr_expect_str_eq(found(s, "b.lua"), "");
}

QUEUE_CASE(a_version_that_nobody_needs_is_forgotten)
{
	put(s, "a1", "a.lua");
	put(s, "a2", "a.lua");
	live(s, "a1", NULL, 1000);
	live(s, "a2", NULL, 2000);
	suite_commit(s);
	cr_expect_eq(prune(s, 2000), 0u, "it was live until 2000");
	cr_expect_eq(prune(s, 2001), 1u);
	cr_expect_eq(prune(s, LATER), 0u, "the other one is live");
	cr_expect(!is_stored(s, "a1"));
	cr_expect_str_eq(found(s, "a.lua"), "a2 2000");
	put(s, "a1", "a.lua");
	cr_expect(is_stored(s, "a1"), "it may come again");
}

QUEUE_CASE(a_version_is_kept_as_long_as_a_run_names_it)
{
	put(s, "a1", "a.lua");
	live(s, "a1", NULL, 1000);
	route(s, "a1");
	route(s, "a1");
	live(s, NULL, NULL, 2000);
	cr_expect_eq(prune(s, LATER), 0u, "not even committed");
	suite_commit(s);
	suite_finish(s, &s->runs[0], QUEUE_DONE);
	suite_finish(s, &s->runs[1], QUEUE_DEAD);
	suite_commit(s);
	cr_expect_eq(prune(s, LATER), 0u);
	size_t n = 0;
	suite_ok(s, queue_prune(s->runner, &day, LATER, 1, &n, &s->err));
	cr_assert_eq(n, 1u);
	cr_expect_eq(prune(s, LATER), 0u, "one of two is left");
	suite_ok(s, queue_prune(s->runner, &day, LATER, 10, &n, &s->err));
	suite_commit(s);
	cr_expect_eq(suite_runs_n(s, NULL), 0u);
	cr_expect_eq(prune(s, LATER), 1u);
	suite_commit(s);
	cr_expect(!is_stored(s, "a1"));
	cr_expect_eq(route(s, "a1"), 1u, "a run may name it again");
	suite_commit(s);
	cr_expect_eq(suite_runs_n(s, NULL), 1u);
}

QUEUE_CASE(a_run_that_is_renewed_names_the_other_version_and_no_longer_its_own)
{
	put(s, "a1", "a.lua");
	route(s, "a1");
	char id[ID_N + 1];
	snprintf(id, sizeof(id), "%s", s->runs[0].id.text);
	put(s, "a2", "a.lua");
	cr_expect_eq(queue_run_renew(s->runner, id, "a2", &s->err), RC_INVALID, "it is open");
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_ok(s, queue_run_renew(s->runner, id, "a2", &s->err));
	suite_commit(s);
	cr_expect_eq(prune(s, LATER), 1u);
	suite_commit(s);
	cr_expect(!is_stored(s, "a1"));
	cr_expect(is_stored(s, "a2"));
	suite_forget_runs(s);
	suite_ok(s, queue_retry(s->runner, id, &s->err));
	cr_assert_eq(suite_claim(s, 0, 1), 1u);
	cr_expect_str_eq(s->runs[0].source_hash, "a2");
	cr_expect_eq(queue_run_renew(s->runner, "zzzz", "a2", &s->err), RC_NOT_FOUND);
}

QUEUE_CASE(only_the_runner_says_which_versions_are_live)
{
	size_t n;
	cr_expect_eq(queue_source_live(s->receiver, NULL, 0, 1, &s->err), RC_DENIED);
	cr_expect_eq(queue_source_prune(s->receiver, 1, &n, &s->err), RC_DENIED);
}
