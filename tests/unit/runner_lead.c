/* SPDX-License-Identifier: MIT */
/* Several runners on one store: one leads, all run; nothing is sent behind the end of a lease. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "queue/cluster.h"
#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

#define WAIT_MS 80000

static struct stage a, b;

static void open_stages(void)
{
	stage_open(&a);
	stage_open(&b);
	stage_share(&a);
}

static void close_stages(void)
{
	stage_close(&b);
	stage_close(&a);
	postgres_store_drop(a.store);
}

TestSuite(runner_lead, .init = open_stages, .fini = close_stages, .timeout = 180);

static void rule(const char *text)
{
	stage_rule(&a, "a.lua", text);
	stage_rule(&b, "a.lua", text);
}

/* Both are of one thread: neither may leave a transaction open that the other one waits for. */
static void settle(struct stage *s)
{
	struct err err = {0};
	if (s->runner->fatal == RC_OK)
		cr_assert_eq(gate_force(&s->runner->gate, &err), RC_OK, "%s", err.msg);
}

static void turn(struct stage *s)
{
	runner_turn(s->runner);
	settle(s);
}

/* a leads. */
static void start_both(enum stage_twin twin, const char *settings)
{
	stage_start(&a, twin, settings);
	settle(&a);
	stage_join(&b, &a, settings);
	settle(&b);
	turn(&a);
}

static void both_until(bool (*question)(struct stage *s, long n), long n)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (!question(&a, n)) {
		cr_assert(clock_mono_ms() < end, "it did not happen in time");
		cr_assert_eq(a.runner->fatal, RC_OK);
		cr_assert_eq(b.runner->fatal, RC_OK);
		turn(&a);
		turn(&b);
	}
}

/* A statement in the schema of the store. */
static void sql(const char *text)
{
	char url[200], schema[80], set[120];
	const char *name = strstr(a.store, "schema=");
	cr_assert_not_null(name);
	snprintf(schema, sizeof(schema), "%.*s", (int)strcspn(name + 7, "&"), name + 7);
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(a.store, "?"), a.store);
	snprintf(set, sizeof(set), "SET search_path = %s", schema);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
			  PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

#define NOTES                                                                                      \
	"rule \"r\" { on = \"person.*\", run = function(event)\n"                                  \
	"  twenty.notes:create { title = event.record.id }\nend }"

static long slots_used(const struct stage *s)
{
	return (long)s->runner->runs.live_n;
}

Test(runner_lead, of_two_runners_one_routes_and_both_run)
{
	long used = 0;
	int64_t end = clock_mono_ms() + WAIT_MS;
	rule(NOTES);
	start_both(STAGE_SLOW_TWIN, "limits = { runs = 4 }");
	cr_assert(a.runner->lead.on);
	cr_assert_not(b.runner->lead.on);
	cr_assert_eq(b.runner->lead.runners_n, 2);
	for (int i = 0; i < 60; i++)
		stage_someone(&a, "x");
	while (!stage_ended(&a, 60)) {
		cr_assert(clock_mono_ms() < end);
		turn(&a);
		turn(&b);
		used = slots_used(&b) > used ? slots_used(&b) : used;
		cr_assert_eq(b.runner->route.reads, 0, "only the leader reads the inbox");
	}
	cr_assert_gt(used, 0, "the other one took runs");
	cr_assert_eq(stage_counts(&a).runs[QUEUE_DONE], 60);
	cr_assert_eq(stage_requests(&a, "POST", "/rest/notes"), 60);
}

/* Only what is told starts anything. */
static void poll_no_more(struct stage *s)
{
	cr_assert_geq(sd_event_source_set_enabled(s->runner->upkeep.poll, SD_EVENT_OFF), 0);
}

/* The receiver of another machine delivers; ms until its run has ended. */
static int64_t delivered_in(long n)
{
	struct err err = {.msg = ""};
	int64_t from_ms = clock_mono_ms();
	char body[100];
	snprintf(body, sizeof(body),
		"{\"eventName\":\"person.created\",\"record\":{\"id\":\"p-%ld\"}}", n);
	struct queue_delivery d = {
		.source = "twenty",
		.body = slice_of(body),
		.received_ms = clock_wall_ms(),
	};
	cr_assert_eq(id_new(d.received_ms, &d.id, &err), RC_OK);
	cr_assert_eq(queue_inbox_put(a.inbox, &d, 1, &err), RC_OK, "%s", err.msg);
	stage_until(&a, stage_ended, n);
	settle(&a);
	return clock_mono_ms() - from_ms;
}

Test(runner_lead, a_delivery_elsewhere_is_told_and_without_it_polled)
{
	rule("rule \"r\" { on = \"person.*\", run = function() end }");
	stage_start(&a, STAGE_ALONE, "");
	settle(&a);
	int64_t told_ms = 0, polled_ms = 0;
	stage_until(&a, stage_all_ready, 0);
	for (long n = 1; n <= 5; n++)
		told_ms += delivered_in(n);
	poll_no_more(&a);
	for (long n = 6; n <= 10; n++)
		told_ms += delivered_in(n); /* it would wait for ever */
	lead_stop(a.runner);                /* now nothing is heard */
	cr_assert_geq(sd_event_source_set_enabled(a.runner->upkeep.poll, SD_EVENT_ONESHOT), 0);
	for (long n = 11; n <= 15; n++)
		polled_ms += delivered_in(n);
	cr_assert_eq(stage_counts(&a).runs[QUEUE_DONE], 15, "none is lost");
	printf("from a delivery elsewhere to the end of its run: told %.1f ms, polled %.1f ms\n",
		(double)told_ms / 10, (double)polled_ms / 5);
}

static bool leads(struct stage *s, long n)
{
	(void)n;
	return s->runner->lead.on;
}

Test(runner_lead, the_next_one_routes_when_the_leader_is_drained)
{
	rule(NOTES);
	start_both(STAGE_TWIN, NULL);
	stage_someone(&a, "x");
	both_until(stage_ended, 1);
	stage_stop(&a);
	stage_until(&b, leads, 0);
	stage_deliver(&a, "twenty", slice_of("no JSON")); /* by a receiver that goes on */
	stage_someone(&a, "y");
	stage_until(&b, stage_ended, 2);
	cr_assert_eq(stage_counts(&b).events[QUEUE_QUARANTINED], 1);
	cr_assert_eq(stage_requests(&b, "POST", "/rest/notes"), 2);
}

static bool is_held(struct stage *s, long n)
{
	(void)n;
	for (size_t i = 0; i < s->runner->runs.slots_n; i++)
		if (s->runner->runs.slots[i].state != RUN_FREE)
			return true;
	return false;
}

/* Turns until the runner ends by itself. */
static void until_fatal(struct stage *s)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (s->runner->fatal == RC_OK) {
		cr_assert(clock_mono_ms() < end, "it went on");
		runner_turn(s->runner);
	}
}

Test(runner_lead, nothing_is_sent_behind_the_end_of_the_lease)
{
	rule(NOTES);
	stage_start(&a, STAGE_TWIN, NULL);
	stage_someone(&a, "x");
	stage_until(&a, stage_ended, 1);
	stage_someone(&a, "y");
	stage_until(&a, is_held, 0);
	settle(&a);
	/* As after a long stop: nobody has heard of us, and no sign of life is due by our own
	 * clock. */
	sql("UPDATE runner SET until = clock_timestamp() - interval '1 s'");
	a.runner->lead.until_ms = clock_mono_ms();
	a.runner->lead.beat_at_ms = INT64_MAX;
	until_fatal(&a);
	cr_assert_eq(stage_requests(&a, "POST", "/rest/notes"), 1);
	stage_crash(&a);
	stage_again(&a);
	stage_until(&a, stage_ended, 2);
	cr_assert_eq(stage_requests(&a, "POST", "/rest/notes"), 2);
}

Test(runner_lead, a_lease_that_is_good_again_lets_what_waited_go)
{
	rule(NOTES);
	stage_start(&a, STAGE_TWIN, NULL);
	stage_someone(&a, "x");
	stage_until(&a, is_held, 0);
	a.runner->lead.until_ms = clock_mono_ms(); /* by our own clock only */
	a.runner->lead.beat_at_ms = INT64_MAX;
	stage_until(&a, stage_ended, 1);
	cr_assert_gt(a.runner->lead.until_ms, clock_mono_ms());
	cr_assert_eq(stage_requests(&a, "POST", "/rest/notes"), 1);
}

/* --- echoes of another runner ----------------------------------------------------------------- */

#define ANN "11111111-2222-4333-8444-555555555555"

/* A rule of a record that is changed by a run which another runner has. */
#define WRITES_ANN                                                                                 \
	"rule \"w\" { on = \"company.created\", run = function()\n"                                \
	"  twenty.people:update(\"" ANN "\", { jobTitle = \"ours\" })\nend }\n"                    \
	"rule \"r\" { on = \"person.updated\", echo = false, run = function() end }\n"

static bool is_routed(struct stage *s, long n)
{
	return stage_counts(s).runs[QUEUE_DUE] >= n;
}

static bool is_undecided(struct stage *s, long n)
{
	(void)n;
	for (size_t i = 0; i < s->runner->runs.slots_n; i++)
		if (s->runner->runs.slots[i].state != RUN_FREE &&
			s->runner->runs.slots[i].undecided)
			return true;
	return false;
}

static void put_flight(struct queue *q, const struct queue_run *run, const char *answer)
{
	struct err err = {.msg = ""};
	struct queue_call call = {.path = "1",
		.method = "update",
		.object = "people",
		.effect = true,
		.request = slice_of("{\"id\":\"" ANN "\",\"data\":{\"jobTitle\":\"ours\"}}"),
		.answer = answer != NULL ? slice_of(answer) : (struct slice){0},
		.started_ms = clock_wall_ms()};
	cr_assert_eq(queue_call_put(q, run->seq, run->epoch, &call, &err), RC_OK, "%s", err.msg);
}

Test(runner_lead, an_event_that_comes_before_another_runners_answer_waits_for_it)
{
	struct queue *other = NULL;
	struct queue_run run = {0};
	struct err err = {.msg = ""};
	size_t n = 0;
	rule(WRITES_ANN);
	stage_start(&a, STAGE_TWIN, "limits = { runs = 1 }");
	settle(&a);
	/* Another runner has taken up a run of w, and has its write under way. */
	cr_assert_eq(queue_open(a.store, QUEUE_RUNNER, &other, &err), RC_OK, "%s", err.msg);
	stage_deliver(&a, "twenty",
		slice_of("{\"eventName\":\"company.created\",\"record\":"
			 "{\"id\":\"c-1\",\"name\":\"Acme\"}}"));
	a.runner->lead.runners_n = 2;
	a.runner->runs.live_n = a.runner->runs.max; /* no room here */
	stage_until(&a, is_routed, 1);
	settle(&a);
	cr_assert_eq(queue_claim(other, clock_wall_ms(), 1, &run, &n, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(n, 1u);
	a.runner->runs.live_n = 0;
	put_flight(other, &run, NULL);
	cr_assert_eq(queue_commit(other, &err), RC_OK);
	stage_deliver(&a, "twenty",
		slice_of("{\"eventName\":\"person.updated\",\"record\":{\"id\":\"" ANN
			 "\",\"jobTitle\":\"ours\",\"updatedAt\":\"2026-01-02T03:04:05.006Z\"},"
			 "\"updatedFields\":[\"jobTitle\"]}"));
	stage_until(&a, is_undecided, 0);
	for (int i = 0; i < 20; i++) {
		turn(&a);
		cr_assert(is_undecided(&a, 0), "it does not start before the answer is known");
	}
	struct queue_write write = {.record = ANN,
		.object = "person",
		.action = QUEUE_CHANGED,
		.at_ms = clock_parse("2026-01-02T03:04:05.006Z"),
		.written_ms = clock_wall_ms()};
	put_flight(other, &run, "{}");
	cr_assert_eq(
		queue_write_put(other, run.seq, run.epoch, &write, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_commit(other, &err), RC_OK);
	stage_until(&a, stage_ended, 1);
	stage_look(&a);
	cr_assert_eq(stage_find(&a, "r", NULL)->state, QUEUE_ECHO);
	queue_run_done(&run);
	settle(&a);
	queue_close(other);
}
