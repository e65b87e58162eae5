/* SPDX-License-Identifier: MIT */
/* A store that has something of everything; see queue_full.h. */
#include "tests/conformance/queue_full.h"

#include "queue/audit.h"
#include "queue/copy.h"
#include "queue/erase.h"
#include "queue/gap.h"
#include "queue/hand.h"
#include "queue/join.h"
#include "queue/kv.h"
#include "queue/ledger.h"
#include "queue/limit.h"
#include "queue/pause.h"
#include "queue/rename.h"
#include "queue/spend.h"
#include "queue/timer.h"

#define UUID_A "5f0e7c1a-0000-4000-8000-00000000000a"
#define UUID_B "ffffffff-ffff-4fff-bfff-ffffffffffff"

/* Many ordinary events, so that no table fits into one page. */
static void put_many(struct suite *s)
{
	char key[32];
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "many-%d", i);
		suite_put(s, key, "{\"many\":true}");
	}
	suite_route(s, 300, "many", "", 300);
	for (size_t i = 0; i < s->runs_n; i++)
		suite_finish(s, &s->runs[i], i % 3 == 0 ? QUEUE_SKIPPED : QUEUE_DONE);
	suite_forget_runs(s);
	suite_commit(s);
}

static void put_call(
	struct suite *s, const struct queue_run *run, const char *path, const char *answer)
{
	struct queue_call call = {.path = path,
		.method = "create",
		.object = "people",
		.effect = true,
		.digest = {1, 2, 3, 0, 255},
		.request = slice_of("{\"a\":1}"),
		.answer = slice_of(answer),
		.started_ms = SUITE_NOW_MS,
		.ended_ms = answer != NULL ? SUITE_NOW_MS + 5 : 0,
		.requests = answer != NULL ? 1 : 0};
	suite_ok(s, queue_call_put(s->runner, run->seq, run->epoch, &call, &s->err));
}

/* Runs of one key, in a row; of the first: an answered call, and one that nobody knows about. */
static void put_row(struct suite *s)
{
	suite_event(s, "row", "ann", 1);
	suite_event_also(s, "row", "ann", "bob", 1);
	suite_event(s, "row", "bob", 1);
	put_call(s, &s->runs[0], "1", NULL);
	put_call(s, &s->runs[0], "1", "{\"id\":\"x\"}");
	put_call(s, &s->runs[0], "2", NULL);
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 60000, true);
	suite_forget_runs(s);
	suite_event(s, "dead", "dora", 1);
	suite_finish(s, &s->runs[0], QUEUE_DEAD);
	suite_forget_runs(s);
	suite_event(s, "killer", "kim", 1);
	suite_finish(s, &s->runs[0], QUEUE_QUARANTINED);
	suite_forget_runs(s);
	suite_commit(s);
}

static void route_joined(struct suite *s, int64_t size)
{
	struct queue_join join = {.kind = 1,
		.key = "company",
		.now_ms = SUITE_NOW_MS,
		.due_ms = SUITE_NOW_MS + 20000,
		.limit_ms = SUITE_NOW_MS + 90000,
		.events_max = 10,
		.size = size,
		.size_max = 1000,
		.words = "kept"};
	struct queue_run_new run = {.rule = "batch",
		.source_hash = "hash",
		.key = "gathers",
		.attempts_max = 8,
		.join = &join,
		.hidden = "stage",
		.shadow = true};
	struct queue_raw raw;
	struct queue_run none;
	size_t n = 0, claimed = 0;
	suite_put(s, NULL, "{\"joins\":1}");
	suite_ok(s, queue_inbox_next(s->runner, 1, &raw, &n, &s->err));
	struct queue_routing routing = {
		.event = {.seq = raw.seq,
			.id = raw.id,
			.source = raw.source,
			.name = "person.updated",
			.object = "person",
			.record = UUID_A,
			.via = "hook",
			.received_ms = raw.received_ms,
			.past = slice_of("{\"stage\":\"NEW\"}"),
			.digest = {7, (uint8_t)size},
			.has_digest = true,
			.cause = {.run = 3, .depth = (int)size, .fields = "stage"}},
		.runs = &run,
		.runs_n = 1};
	suite_ok(s, queue_route(s->runner, &routing, 1, 1, &none, &claimed, &s->err));
	suite_commit(s);
}

/* Born in the work, with a body of its own. */
static void route_born(struct suite *s)
{
	struct queue_run none;
	size_t claimed = 0;
	struct queue_routing routing = {.event = {.source = "cron",
						.name = "daily",
						.via = "cron",
						.received_ms = SUITE_NOW_MS,
						.headers = slice_of("x: 1\n"),
						.body = slice_of("{\"born\":true}")}};
	suite_ok(s, id_new(SUITE_NOW_MS, &routing.event.id, &s->err));
	suite_ok(s, queue_route(s->runner, &routing, 1, 0, &none, &claimed, &s->err));
	suite_commit(s);
}

static void put_paused(struct suite *s)
{
	struct queue_pause pause = {.rule = "paused", .why = "by hand", .since_ms = SUITE_NOW_MS};
	struct queue_limit limit = {.rule = "narrow", .max = 1};
	size_t n = 0;
	suite_ok(s, queue_limits_put(s->runner, &limit, 1, &s->err));
	suite_event(s, "paused", "pat", 0);
	suite_ok(s, queue_pause(s->runner, &pause, &n, &s->err));
	suite_event(s, "paused", "pat", 0);
	suite_event(s, "narrow", "ned", 1);
	suite_event(s, "narrow", "nat", 1);
	suite_release(s, &s->runs[0], SUITE_NOW_MS + 70000, false);
	suite_forget_runs(s);
	suite_commit(s);
}

static void put_records(struct suite *s)
{
	static const char *const records[] = {
		UUID_A, UUID_B, "sixteen-bytes-ab", "z", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF"};
	for (size_t i = 0; i < ARRAY_N(records); i++) {
		struct queue_copy copy = {.object = i % 2 == 0 ? "person" : "company",
			.record = records[i],
			.updated_ms = 5,
			.seen_ms = 6,
			.text = slice_of("{\"name\":\"Ann \xc3\xa4\"}")};
		suite_ok(s, queue_copy_put(s->runner, &copy, &s->err));
	}
	struct queue_gap gap = {"person", 1, 2, 3, 4, "no \"updatedAt\""};
	suite_ok(s, queue_gap_put(s->runner, &gap, &s->err));
	suite_ok(s, queue_told_put(s->runner, "person", UUID_A, 77, SUITE_NOW_MS, &s->err));
	suite_ok(s, queue_erasure_put(s->runner, UUID_B, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "row", 3600000, 4, &s->err));
}

static void put_kept(struct suite *s)
{
	struct queue_kv_sum most = {1000, 1 << 20};
	char key[16];
	for (int i = 0; i < 70; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		struct queue_kv kv = {i % 2 == 0 ? "" : "row", key, slice_of("{\"n\":1}"),
			i == 3 ? SUITE_NOW_MS + 9000 : 0};
		suite_ok(s, queue_kv_put(s->runner, &kv, SUITE_NOW_MS, &most, &s->err));
	}
	struct queue_tick tick = {"daily", "every 3600000", SUITE_NOW_MS, true, ""};
	struct queue_issue issue = {.kind = "dead",
		.about = "dead",
		.text = "two\nlines",
		.event = "",
		.count = 2,
		.first_ms = 1,
		.last_ms = 2};
	struct queue_audit audit = {
		.at_ms = 9, .uid = 1000, .what = "{\"do\":\"pause\"}", .n = -1, .result = ""};
	struct queue_rule rule = {.name = "row",
		.file = "row.lua",
		.line = 3,
		.on = "person.created",
		.state = "live",
		.error = "",
		.loaded_ms = 4,
		.options = "settle 20s"};
	int64_t seq = 0;
	bool moved = false;
	suite_ok(s, queue_tick_put(s->runner, &tick, &s->err));
	suite_ok(s, queue_issue_put(s->runner, &issue, &s->err));
	suite_ok(s, queue_audit_put(s->runner, &audit, &seq, &s->err));
	suite_ok(s, queue_rules_put(s->runner, &rule, 1, &s->err));
	suite_ok(s, queue_source_put(s->runner, "hash", "row.lua", slice_of("rule {}"), &s->err));
	suite_ok(s, queue_source_live(s->runner, (const char *const[]){"hash"}, 1, 5, &s->err));
	suite_ok(s, queue_rename(s->runner, "old", "new", &moved, &s->err));
}

/* Of a run that stays claimed. */
static void put_armed(struct suite *s)
{
	struct queue_timer timer = {.rule = "row",
		.key = "soon",
		.due_ms = SUITE_NOW_MS + 1000,
		.relative = true,
		.payload = slice_of("{}"),
		.object = "person",
		.record = UUID_A,
		.depth = 1};
	struct queue_write write = {.record = UUID_A,
		.object = "person",
		.action = QUEUE_UPDATED,
		.at_ms = 10,
		.written_ms = 11,
		.fields = "stage=ab",
		.rule = "row",
		.depth = 1};
	bool was = false;
	suite_event(s, "armed", "arm", 1);
	const struct queue_run *run = &s->runs[0];
	suite_ok(s, queue_timer_put(s->runner, run->seq, run->epoch, &timer, 10, &s->err));
	timer.key = "gone"; /* the last number is that of one that is no more */
	suite_ok(s, queue_timer_put(s->runner, run->seq, run->epoch, &timer, 10, &s->err));
	suite_ok(s, queue_timer_drop(s->runner, "row", "gone", &was, &s->err));
	suite_ok(s, queue_write_put(s->runner, run->seq, run->epoch, &write, &s->err));
	put_call(s, run, "1", NULL);
	suite_commit(s);
}

void full_fill(struct suite *s)
{
	put_many(s);
	put_row(s);
	route_joined(s, 1);
	route_joined(s, 2);
	route_born(s);
	put_paused(s);
	put_records(s);
	put_kept(s);
	put_armed(s);
	suite_put(s, "late-1", "{\"late\":1}");
	suite_put(s, "late-2", "{\"late\":2}");
	suite_commit(s);
}
