/* SPDX-License-Identifier: MIT */
/* Several runners on one store: what one does the others see at once, one leads, and who was taken
 * for dead writes nothing any more. A store that is alone says so. */
#include <libpq-fe.h>

#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/kv.h"
#include "queue/pause.h"
#include "queue/rename.h"
#include "queue/sign.h"
#include "queue/spend.h"
#include "queue/timer.h"
#include "tests/conformance/queue_suite.h"

#define NOW SUITE_NOW_MS
#define DAY (INT64_C(24) * 3600 * 1000)

struct crew {
	struct suite s;  /* with a receiver, and the runner that leads */
	struct queue *b; /* another */
};

#define SHARED_CASE(name)                                                                          \
	static void name(struct crew *c);                                                          \
	Test(queue_postgres, name, .timeout = 200)                                                 \
	{                                                                                          \
		struct crew c = {0};                                                               \
		suite_start(&c.s, "postgres:");                                                    \
		suite_ok(&c.s, queue_open(c.s.store, QUEUE_RUNNER, &c.b, &c.s.err));               \
		name(&c);                                                                          \
		queue_close(c.b);                                                                  \
		suite_end(&c.s);                                                                   \
	}                                                                                          \
	static void name(struct crew *c)

static struct queue_beat beat(struct crew *c, struct queue *q)
{
	struct queue_beat beat = {0};
	suite_ok(&c->s, queue_beat(q, &beat, &c->s.err));
	return beat;
}

/* A statement of an administrator. */
static int64_t sql(struct crew *c, const char *text)
{
	char url[200], set[120];
	const char *schema = strstr(c->s.store, "schema=") + 7;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(c->s.store, "?"), c->s.store);
	snprintf(set, sizeof(set), "SET search_path = %.*s", (int)strcspn(schema, "&"), schema);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s", PQerrorMessage(conn));
	int64_t n = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	PQfinish(conn);
	return n;
}

/* The lease of who leads is over, as when it has stood still for too long. */
static void expire(struct crew *c)
{
	(void)sql(c, "UPDATE runner SET until = '-infinity' FROM leader WHERE id = runner;"
		     "UPDATE leader SET until = '-infinity'");
}

static size_t claim(struct crew *c, struct queue *q, struct queue_run *ret_run, int64_t now_ms)
{
	size_t n = 0;
	suite_ok(&c->s, queue_claim(q, now_ms, 1, ret_run, &n, &c->s.err));
	return n;
}

static enum rc finish(struct crew *c, struct queue *q, const struct queue_run *run)
{
	struct queue_outcome o = {.state = QUEUE_DONE, .started_ms = NOW, .ended_ms = NOW};
	return queue_finish(q, run->seq, run->epoch, &o, &c->s.err);
}

/* --- leases and the lead ---------------------------------------------------------------------- */

static void is_alone(struct suite *s)
{
	struct queue_beat one;
	bool any = true;
	if (suite_shared(s))
		return;
	suite_ok(s, queue_beat(s->runner, &one, &s->err));
	cr_expect(one.leads);
	cr_expect_eq(one.until_mono_ms, INT64_MAX);
	cr_expect_eq(one.runners_n, 1);
	cr_expect_eq(queue_wake_fd(s->runner), -1);
	suite_ok(s, queue_woken(s->runner, &any, &s->err));
	cr_expect_not(any);
	suite_ok(s, queue_resign(s->runner, &s->err));
	suite_ok(s, queue_beat(s->runner, &one, &s->err));
	cr_expect(one.leads, "for ever");
}

QUEUE_CASE(a_store_that_is_not_shared_has_one_runner_which_leads)
{
	cr_expect_eq(suite_shared(s), s->postgres[0] != '\0');
	is_alone(s);
}

QUEUE_CASE(a_receiver_that_gives_signs_and_holds_nothing_back_changes_nothing)
{
	struct queue_sign sign = {.who = 7, .promise_ms = QUEUE_PROMISE_MS};
	struct queue_raw raw[2];
	size_t n = 0;
	bool late = true;
	sign.at_mono_ms = clock_mono_ms();
	suite_ok(s, queue_sign(s->receiver, &sign, &late, &s->err));
	suite_put(s, "one", "{}");
	suite_put(s, "two", "{}");
	suite_ok(s, queue_sign(s->receiver, &sign, &late, &s->err));
	cr_expect_not(late);
	suite_ok(s, queue_inbox_next(s->runner, 2, raw, &n, &s->err));
	cr_expect_eq(n, 2);
	cr_expect_eq(queue_sign(s->runner, &sign, &late, &s->err), RC_DENIED);
}

SHARED_CASE(one_of_several_leads_and_only_it_routes)
{
	cr_expect(beat(c, c->s.runner).leads);
	cr_expect_not(beat(c, c->b).leads);
	cr_expect_eq(beat(c, c->b).runners_n, 2);
	struct queue_raw raw;
	size_t n = 0, claimed = 0;
	struct queue_run run;
	(void)suite_put(&c->s, "1", "{}");
	suite_ok(&c->s, queue_inbox_next(c->b, 1, &raw, &n, &c->s.err));
	cr_assert_eq(n, 1u);
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.source = "twenty",
						.name = "x",
						.object = "",
						.record = "",
						.via = "hook",
						.state = QUEUE_DONE}};
	cr_expect_eq(queue_route(c->b, &routing, 1, 1, &run, &claimed, &c->s.err), RC_STALE);
}

SHARED_CASE(the_lead_and_the_runs_of_who_is_dead_go_to_another)
{
	struct queue_run run = {0};
	cr_assert_eq(suite_event(&c->s, "r", "k", 1), 1u);
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, NOW), 0u, "it has it");
	expire(c);
	struct queue_beat took = beat(c, c->b);
	cr_expect(took.leads);
	cr_expect_eq(took.rescued_n, 1u);
	cr_expect_eq(took.runners_n, 1);
	cr_expect_eq(beat(c, c->b).rescued_n, 0u, "once");
	cr_assert_eq(claim(c, c->b, &run, NOW), 1u);
	cr_expect_eq(run.epoch, c->s.runs[0].epoch + 1);
	cr_expect_eq(run.attempt, 1, "its end was not that of the run");
	queue_run_done(&run);
}

SHARED_CASE(who_was_taken_for_dead_writes_nothing_any_more)
{
	struct queue_run run = {0};
	struct queue_beat late;
	cr_assert_eq(suite_event(&c->s, "r", "k", 1), 1u);
	suite_commit(&c->s);
	expire(c);
	(void)beat(c, c->b);
	cr_assert_eq(claim(c, c->b, &run, NOW), 1u);
	struct queue_kv kv = {.scope = "s", .key = "late", .value = slice_of("1")};
	enum rc rc = queue_kv_put(c->s.runner, &kv, NOW, &(struct queue_kv_sum){9, 999}, &c->s.err);
	if (rc == RC_OK)
		rc = queue_commit(c->s.runner, &c->s.err);
	cr_expect_eq(rc, RC_IO);
	cr_expect_not_null(strstr(c->s.err.msg, "lease"), "%s", c->s.err.msg);
	cr_expect_neq(finish(c, c->s.runner, &c->s.runs[0]), RC_OK);
	cr_expect_eq(queue_beat(c->s.runner, &late, &c->s.err), RC_IO);
	cr_expect_eq(sql(c, "SELECT count(*) FROM kv"), 0);
	cr_expect_eq(sql(c, "SELECT state FROM run"), QUEUE_RUNNING);
	suite_ok(&c->s, finish(c, c->b, &run));
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	cr_expect_eq(sql(c, "SELECT state FROM run"), QUEUE_DONE);
	queue_run_done(&run);
}

SHARED_CASE(who_has_resigned_leaves_the_lead_to_another)
{
	suite_ok(&c->s, queue_resign(c->s.runner, &c->s.err));
	cr_expect_not(beat(c, c->s.runner).leads, "there is another one");
	cr_expect(beat(c, c->b).leads);
	cr_expect_not(beat(c, c->s.runner).leads);
	suite_ok(&c->s, queue_resign(c->b, &c->s.err));
	queue_close(c->b);
	c->b = NULL;
	cr_expect(beat(c, c->s.runner).leads, "nobody else is left");
}

struct crowd {
	int n, lead_n, ours_n;
	int64_t running_n;
};

static enum rc see_peer(void *ctx, const struct queue_peer *peer, struct err *err)
{
	struct crowd *crowd = ctx;
	(void)err;
	cr_expect_not_null(strchr(peer->name, ':'));
	crowd->n++;
	crowd->lead_n += peer->leads;
	crowd->ours_n += peer->ours;
	crowd->running_n += peer->ours ? 0 : peer->running_n;
	return RC_OK;
}

SHARED_CASE(each_sees_who_else_is_at_work)
{
	struct crowd crowd = {0};
	cr_assert_eq(suite_event(&c->s, "r", "", 1), 1u);
	suite_commit(&c->s);
	suite_ok(&c->s, queue_peer_each(c->b, see_peer, &crowd, &c->s.err));
	cr_expect_eq(crowd.n, 2);
	cr_expect_eq(crowd.lead_n, 1);
	cr_expect_eq(crowd.ours_n, 1);
	cr_expect_eq(crowd.running_n, 1);
	crowd = (struct crowd){0};
	suite_ok(&c->s, queue_peer_each(c->s.receiver, see_peer, &crowd, &c->s.err));
	cr_expect_eq(crowd.n, 2);
	cr_expect_eq(crowd.ours_n, 0);
}

/* Leases are by the clock of the database; a time that has not come at one has come at another. */
SHARED_CASE(a_clock_that_is_wrong_on_one_machine_does_nothing)
{
	struct queue_run run = {0};
	cr_assert_eq(suite_event(&c->s, "r", "", 1), 1u);
	suite_release(&c->s, &c->s.runs[0], NOW + DAY, true);
	(void)suite_event(&c->s, "r", "", 0);
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, 1), 1u, "what is due is due");
	cr_expect_eq(run.attempt, 1);
	suite_ok(&c->s, finish(c, c->b, &run));
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	queue_run_done(&run);
	cr_expect_eq(claim(c, c->b, &run, 1), 0u);
	cr_expect(beat(c, c->s.runner).leads);
	cr_expect_eq(beat(c, c->b).runners_n, 2);
	cr_expect_eq(suite_claim(&c->s, NOW + DAY, 1), 1u);
	cr_expect_eq(c->s.runs[0].attempt, 2);
}

/* The rows as a clock that jumps leaves them. */
static void set_back(struct crew *c)
{
	(void)sql(c, "UPDATE runner SET until = until + '1 hour', seen = seen + '1 hour';"
		     "UPDATE leader SET until = until + '1 hour'");
}

static enum rc see_quiet(void *ctx, const struct queue_peer *peer, struct err *err)
{
	(void)ctx, (void)err;
	cr_expect_geq(peer->quiet_ms, 0);
	return RC_OK;
}

SHARED_CASE(where_the_clock_of_the_database_is_set_back_nobodys_lease_is_longer_than_one)
{
	static const char longer[] = "SELECT count(*) FROM (SELECT until FROM runner UNION ALL"
				     " SELECT until FROM leader) AS l WHERE until >"
				     " clock_timestamp() + '121 s'";
	struct queue_run run = {0};
	cr_assert_eq(suite_event(&c->s, "r", "k", 1), 1u);
	suite_commit(&c->s);
	set_back(c);
	suite_ok(&c->s, queue_peer_each(c->b, see_quiet, NULL, &c->s.err));
	cr_expect_eq(sql(c, longer), 3);
	cr_expect_not(beat(c, c->b).leads, "for one lease it may be alive");
	cr_expect_eq(sql(c, longer), 0, "not for more");
	cr_expect_geq(
		sql(c, "SELECT count(*) FROM runner WHERE until > clock_timestamp() + '60 s'"), 2,
		"who is alive keeps a whole one");
	cr_expect(beat(c, c->s.runner).leads);
	set_back(c);
	(void)sql(c, "UPDATE runner SET until = '-infinity' FROM leader WHERE id = runner;"
		     "UPDATE leader SET until = '-infinity'");
	cr_expect(beat(c, c->b).leads, "one that has left stays away");
	cr_assert_eq(claim(c, c->b, &run, NOW), 1u);
	queue_run_done(&run);
}

/* --- what one does the others see at once ----------------------------------------------------- */

SHARED_CASE(a_rule_that_one_pauses_no_other_claims)
{
	struct queue_run run = {0};
	size_t n;
	struct queue_pause pause = {.rule = "r", .why = "by hand", .since_ms = NOW};
	(void)suite_event(&c->s, "r", "", 0);
	suite_commit(&c->s);
	suite_ok(&c->s, queue_pause(c->s.runner, &pause, &n, &c->s.err));
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, NOW), 0u);
	suite_ok(&c->s, queue_resume(c->s.runner, "r", &n, &c->s.err));
	for (bool more = true; more;)
		suite_ok(&c->s, queue_pause_step(c->s.runner, 100, &more, &c->s.err));
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, NOW), 1u);
	queue_run_done(&run);
}

SHARED_CASE(a_limit_counts_the_runs_of_all)
{
	struct queue_run run = {0};
	struct queue_limit one = {"r", 1};
	suite_ok(&c->s, queue_limits_put(c->s.runner, &one, 1, &c->s.err));
	suite_commit(&c->s);
	suite_ok(&c->s, queue_limits_put(c->b, &one, 1, &c->s.err));
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	cr_assert_eq(suite_event(&c->s, "r", "", 1), 1u);
	cr_expect_eq(suite_event(&c->s, "r", "", 1), 0u);
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, NOW), 0u);
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	suite_finish(&c->s, &c->s.runs[0], QUEUE_DONE);
	suite_commit(&c->s);
	cr_expect_eq(claim(c, c->b, &run, NOW), 1u);
	queue_run_done(&run);
}

static enum rc add(void *ctx, int64_t slot_ms, int64_t n, struct err *err)
{
	(void)slot_ms, (void)err;
	*(int64_t *)ctx += n;
	return RC_OK;
}

SHARED_CASE(kv_timers_and_what_was_spent_are_of_all)
{
	struct suite *s = &c->s;
	struct queue_kv_sum most = {9, 999};
	struct queue_kv kv = {.scope = "s", .key = "k", .value = slice_of("1")};
	struct queue_timer timer = {.rule = "r",
		.key = "k",
		.due_ms = NOW,
		.payload = slice_of("1"),
		.object = "",
		.record = ""};
	struct buf out;
	int64_t until_ms, n = 0, next_ms = 0, spent = 0;
	bool was = false;
	buf_init(&out, 100);
	cr_assert_eq(suite_event(s, "r", "", 1), 1u);
	suite_ok(s, queue_kv_put(s->runner, &kv, NOW, &most, &s->err));
	suite_ok(s,
		queue_timer_put(s->runner, s->runs[0].seq, s->runs[0].epoch, &timer, 9, &s->err));
	suite_ok(s, queue_spend_add(s->runner, "r", NOW, 2, &s->err));
	suite_commit(s);
	suite_ok(s, queue_kv_find(c->b, "s", "k", NOW, &out, &until_ms, &s->err));
	cr_expect_eq(out.n, 1u);
	suite_ok(s, queue_timer_count(c->b, "r", &n, &next_ms, &s->err));
	cr_expect_eq(n, 1);
	suite_ok(s, queue_spend_add(c->b, "r", NOW, 3, &s->err));
	suite_ok(s, queue_kv_drop(c->b, "s", "k", NOW, &was, &s->err));
	cr_expect(was);
	suite_ok(s, queue_commit(c->b, &s->err));
	suite_ok(s, queue_spend_each(s->runner, "r", 0, add, &spent, &s->err));
	cr_expect_eq(spent, 5);
	cr_expect_eq(
		queue_kv_find(s->runner, "s", "k", NOW, &out, &until_ms, &s->err), RC_NOT_FOUND);
	buf_done(&out);
}

SHARED_CASE(a_rule_that_one_renames_has_its_new_name_for_all)
{
	struct queue_run run = {0};
	bool moved = false;
	(void)suite_event(&c->s, "old", "", 0);
	suite_ok(&c->s, queue_rename(c->s.runner, "old", "new", &moved, &c->s.err));
	cr_expect(moved);
	suite_commit(&c->s);
	cr_assert_eq(claim(c, c->b, &run, NOW), 1u);
	cr_expect_str_eq(run.rule, "new");
	queue_run_done(&run);
}

/* --- rule folders that differ, as in the middle of a roll-out ----------------------------------
 */

#define OLD "1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222222222222222222222222222"

static void publish(struct crew *c, struct queue *q, const char *hash, int64_t now_ms)
{
	struct queue_rule rule = {.name = hash, .file = "a.lua", .loaded_ms = now_ms};
	suite_ok(&c->s, queue_source_put(q, hash, "a.lua", slice_of(hash), &c->s.err));
	suite_ok(&c->s, queue_source_live(q, &hash, 1, now_ms, &c->s.err));
	suite_ok(&c->s, queue_rules_put(q, &rule, 1, &c->s.err));
	suite_ok(&c->s, queue_commit(q, &c->s.err));
}

static void expect_live(struct crew *c, const char *hash)
{
	char live[DIGEST_HEX_N] = "";
	int64_t since_ms;
	struct buf out;
	buf_init(&out, 100);
	suite_ok(&c->s, queue_source_find(c->b, "a.lua", &out, live, &since_ms, &c->s.err));
	cr_expect_str_eq(live, hash);
	cr_expect_eq(sql(c, "SELECT count(*) FROM rule"), 1);
	char same[200];
	snprintf(same, sizeof(same), "SELECT count(*) FROM rule WHERE name = '%s'", hash);
	cr_expect_eq(sql(c, same), 1);
	buf_done(&out);
}

static void expect_source(struct crew *c, struct queue *q, const char *hash)
{
	char file[256];
	struct buf out;
	buf_init(&out, 100);
	suite_ok(&c->s, queue_source_get(q, hash, &out, file, &c->s.err));
	cr_expect_eq(out.n, 64u);
	buf_done(&out);
}

SHARED_CASE(the_rules_of_the_leader_are_live_whatever_others_have)
{
	publish(c, c->s.runner, NEW, NOW);
	publish(c, c->b, OLD, NOW + 1);
	expect_live(c, NEW);
	suite_ok(&c->s, queue_resign(c->s.runner, &c->s.err));
	cr_assert(beat(c, c->b).leads);
	publish(c, c->b, OLD, NOW + 2);
	expect_live(c, OLD);
	publish(c, c->s.runner, NEW, NOW + 3);
	expect_live(c, OLD);
}

SHARED_CASE(a_run_keeps_its_source_whoever_leads_and_whoever_carries_it_out)
{
	struct queue_run_new run = {.rule = "r", .source_hash = NEW, .key = "", .attempts_max = 8};
	struct queue_run got = {0};
	struct queue_raw raw;
	size_t n = 0, claimed = 0;
	publish(c, c->s.runner, NEW, NOW);
	(void)suite_put(&c->s, "1", "{}");
	suite_ok(&c->s, queue_inbox_next(c->s.runner, 1, &raw, &n, &c->s.err));
	struct queue_routing routing = {.event = {.seq = raw.seq,
						.id = raw.id,
						.source = "twenty",
						.name = "x",
						.object = "",
						.record = "",
						.via = "hook"},
		.runs = &run,
		.runs_n = 1};
	suite_ok(&c->s, queue_route(c->s.runner, &routing, 1, 0, &got, &claimed, &c->s.err));
	suite_commit(&c->s);
	suite_ok(&c->s, queue_resign(c->s.runner, &c->s.err));
	cr_assert(beat(c, c->b).leads);
	publish(c, c->b, OLD, NOW + 1);
	suite_ok(&c->s, queue_source_prune(c->b, NOW + 9 * DAY, &n, &c->s.err));
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	cr_expect_eq(n, 0u, "a run names the one, the other one is live");
	cr_assert_eq(claim(c, c->b, &got, NOW), 1u);
	cr_expect_str_eq(got.source_hash, NEW);
	expect_source(c, c->b, NEW);
	suite_ok(&c->s, finish(c, c->b, &got));
	suite_ok(&c->s, queue_commit(c->b, &c->s.err));
	queue_run_done(&got);
}
