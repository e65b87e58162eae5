/* SPDX-License-Identifier: MIT */
/* Deliveries of several receivers, some of which come by a spool: routing waits for these, as long
 * as there is hope, and takes them in the order in which they were received. */
#include "queue/sign.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/cluster.h"
#include "tests/harness/postgres.h"

enum { HERE = 1, ELSEWHERE = 2, MANY = 64 };
enum { PROMISE_MS = 600000 };

static char store[200];
static struct queue *here, *elsewhere, *runner;
static struct err err;

static struct queue *open_side(enum queue_side side)
{
	struct queue *q = NULL;
	cr_assert_eq(queue_open(store, side, &q, &err), RC_OK, "%s", err.msg);
	return q;
}

static void setup(void)
{
	cr_assert(postgres_store(store, sizeof(store)));
	runner = open_side(QUEUE_RUNNER);
	here = open_side(QUEUE_RECEIVER);
	elsewhere = open_side(QUEUE_RECEIVER);
}

static void teardown(void)
{
	queue_close(here);
	queue_close(elsewhere);
	queue_close(runner);
	postgres_store_drop(store);
}

TestSuite(queue_sign, .init = setup, .fini = teardown, .timeout = 180);

/* A statement of an administrator. */
static int64_t sql(const char *text)
{
	char url[200], set[120];
	const char *schema = strstr(store, "schema=") + 7;
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(store, "?"), store);
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

static enum rc try_sign(
	struct queue *q, int64_t who, int64_t from_ms, int64_t promise_ms, bool *ret_late)
{
	struct queue_sign sign = {.who = who,
		.at_mono_ms = clock_mono_ms(),
		.from_ms = from_ms,
		.promise_ms = promise_ms};
	return queue_sign(q, &sign, ret_late, &err);
}

static bool sign(struct queue *q, int64_t who, int64_t from_ms)
{
	bool late = false;
	cr_assert_eq(try_sign(q, who, from_ms, PROMISE_MS, &late), RC_OK, "%s", err.msg);
	return late;
}

static void put(struct queue *q, int64_t received_ms)
{
	struct queue_delivery d = {.source = "twenty",
		.headers = slice_of("a: b\n"),
		.body = slice_of("{}"),
		.received_ms = received_ms};
	cr_assert_eq(id_new(received_ms, &d.id, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(queue_inbox_put(q, &d, 1, &err), RC_OK, "%s", err.msg);
}

static size_t look(size_t max, struct queue_raw *ret_raw)
{
	size_t n = 0;
	cr_assert_eq(queue_inbox_next(runner, max, ret_raw, &n, &err), RC_OK, "%s", err.msg);
	return n;
}

static size_t waiting(void)
{
	struct queue_raw raw[MANY];
	return look(MANY, raw);
}

/* Routes what may be routed, a few at a time, and writes down when it was received. */
static const char *route(void)
{
	static char said[400];
	struct queue_raw raw[2];
	struct queue_run run;
	size_t claimed = 0, at = 0;
	said[0] = '\0';
	for (size_t n = look(2, raw); n > 0; n = look(2, raw)) {
		struct queue_routing routings[2];
		for (size_t i = 0; i < n; i++) {
			routings[i] = (struct queue_routing){.event = {.seq = raw[i].seq,
								     .id = raw[i].id,
								     .source = "twenty",
								     .name = "person.updated",
								     .via = "hook"}};
			at += (size_t)snprintf(said + at, sizeof(said) - at, "%s%lld",
				at > 0 ? " " : "", (long long)raw[i].received_ms);
		}
		cr_assert_eq(queue_route(runner, routings, n, 0, &run, &claimed, &err), RC_OK, "%s",
			err.msg);
		cr_assert_eq(queue_commit(runner, &err), RC_OK, "%s", err.msg);
	}
	return said;
}

/* --- order ------------------------------------------------------------------------------------ */

Test(queue_sign, while_no_spool_is_in_use_deliveries_are_routed_as_the_store_took_them)
{
	sign(here, HERE, 0);
	sign(elsewhere, ELSEWHERE, 0);
	put(here, 300);
	put(elsewhere, 200); /* its clock is late */
	put(here, 250);
	cr_expect_str_eq(route(), "300 200 250");
}

Test(queue_sign, what_a_spool_brings_is_routed_before_what_followed_it)
{
	sign(here, HERE, 0);
	sign(elsewhere, ELSEWHERE, 100);
	put(here, 90);
	put(here, 120);
	put(here, 110);
	cr_expect_str_eq(route(), "90", "what came later waits");
	put(elsewhere, 100);
	put(elsewhere, 115);
	cr_expect_str_eq(route(), "", "the spool may hold more");
	sign(elsewhere, ELSEWHERE, 115);
	cr_expect_str_eq(route(), "100 110");
	put(elsewhere, 130);
	sign(elsewhere, ELSEWHERE, 0);
	put(elsewhere, 105); /* straight */
	put(here, 104);
	cr_expect_str_eq(route(), "115 120 130 105 104", "and then as the store takes them");
	put(here, 2);
	put(here, 1);
	cr_expect_str_eq(route(), "2 1");
}

Test(queue_sign, two_spools_that_drain_at_different_times_are_one_order)
{
	sign(here, HERE, 100);
	sign(elsewhere, ELSEWHERE, 101);
	for (int64_t i = 0; i < 5; i++)
		put(here, 100 + 2 * i);
	sign(here, HERE, 0);
	put(here, 200);
	cr_expect_str_eq(route(), "100");
	for (int64_t i = 0; i < 3; i++)
		put(elsewhere, 101 + 2 * i);
	sign(elsewhere, ELSEWHERE, 105);
	cr_expect_str_eq(route(), "101 102 103 104");
	sign(elsewhere, ELSEWHERE, 0);
	cr_expect_str_eq(route(), "105 106 108 200");
}

Test(queue_sign, what_waited_before_an_outage_keeps_the_order_in_which_it_was_stored)
{
	sign(here, HERE, 0);
	sign(elsewhere, ELSEWHERE, 0);
	put(here, 50);
	put(elsewhere, 40); /* its clock is late */
	put(here, 60);
	sign(elsewhere, ELSEWHERE, 100);
	put(here, 102);
	put(elsewhere, 101);
	sign(elsewhere, ELSEWHERE, 101);
	sign(elsewhere, ELSEWHERE, 0);
	sign(here, HERE, 103); /* the next one, before all of that is routed */
	put(elsewhere, 104);
	put(here, 103);
	sign(here, HERE, 0);
	cr_expect_str_eq(route(), "50 40 60 101 102 103 104");
	sign(elsewhere, ELSEWHERE, 200);
	put(here, 190);
	put(here, 180);
	put(elsewhere, 200);
	sign(elsewhere, ELSEWHERE, 0);
	cr_expect_str_eq(route(), "190 180 200");
}

Test(queue_sign, another_leader_goes_on_in_the_same_order)
{
	sign(here, HERE, 0);
	sign(elsewhere, ELSEWHERE, 100);
	for (int64_t i = 0; i < 4; i++)
		put(here, 101 + 2 * i);
	for (int64_t i = 0; i < 4; i++)
		put(elsewhere, 100 + 2 * i);
	sign(elsewhere, ELSEWHERE, 104);
	cr_expect_str_eq(route(), "100 101 102 103");
	sign(elsewhere, ELSEWHERE, 0);
	queue_close(elsewhere);
	elsewhere = NULL;
	queue_close(runner);
	runner = open_side(QUEUE_RUNNER);
	cr_expect_str_eq(route(), "104 105 106 107");
}

Test(queue_sign, control_who_tells_nothing_of_its_spool_is_overtaken)
{
	sign(here, HERE, 0);
	put(here, 120);
	cr_expect_str_eq(route(), "120");
	put(elsewhere, 100);
	cr_expect_str_eq(route(), "100");
}

/* --- promises and patience -------------------------------------------------------------------- */

static bool await_waiting(size_t n)
{
	for (int i = 0; i < 6000; i++) {
		if (waiting() == n)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

Test(queue_sign, after_a_promise_that_is_over_nothing_is_routed_until_the_receiver_is_heard)
{
	bool late;
	cr_assert_eq(try_sign(elsewhere, ELSEWHERE, 0, PROMISE_MS, &late), RC_OK, "%s", err.msg);
	put(here, clock_wall_ms() - 600000);
	put(here, clock_wall_ms() + 600000);
	cr_expect_eq(waiting(), 2);
	cr_assert_eq(try_sign(elsewhere, ELSEWHERE, 0, 50, &late), RC_OK, "%s", err.msg);
	cr_expect(await_waiting(1), "what came before its last sign does not wait");
	sign(elsewhere, ELSEWHERE, 0);
	cr_expect_eq(waiting(), 2);
}

Test(queue_sign, who_is_dead_is_waited_for_no_longer_than_its_time)
{
	struct queue_beat beat;
	bool late;
	sign(elsewhere, ELSEWHERE, 100);
	put(here, 120);
	cr_expect_eq(waiting(), 0);
	int64_t left_ms = sql("SELECT extract(epoch FROM until - clock_timestamp()) * 1000"
			      " FROM receiver");
	cr_expect_leq(left_ms, QUEUE_HOLD_MS);
	cr_expect_gt(left_ms, 0);
	sql("UPDATE receiver SET until = clock_timestamp() + interval '200 ms'");
	cr_expect(await_waiting(1));
	cr_expect_str_eq(route(), "120");
	cr_assert_eq(queue_beat(runner, &beat, &err), RC_OK, "%s", err.msg);
	queue_close(elsewhere);
	elsewhere = open_side(QUEUE_RECEIVER);
	cr_assert_eq(try_sign(elsewhere, ELSEWHERE, 100, PROMISE_MS, &late), RC_OK, "%s", err.msg);
	cr_expect(late, "it is told that others went ahead");
	cr_expect_not(sign(elsewhere, ELSEWHERE, 110), "once");
}

/* The runner that leads, and everything else, was gone for an hour. */
static void sleep_an_hour(void)
{
	sql("UPDATE leader SET until = '-infinity', seen = seen - interval '1 hour';"
	    "UPDATE runner SET until = '-infinity';"
	    "UPDATE receiver SET until = until - interval '1 hour',"
	    " seen = seen - interval '1 hour', promised = promised - interval '1 hour'");
}

Test(queue_sign, an_outage_is_no_time_in_which_a_receiver_could_have_come_back)
{
	sign(here, HERE, 0);
	sign(elsewhere, ELSEWHERE, 0);
	put(here, clock_wall_ms());
	cr_expect_eq(waiting(), 1);
	sleep_an_hour();
	queue_close(here);
	here = open_side(QUEUE_RECEIVER);
	cr_expect_not(sign(here, HERE, 0), "nobody led who could have stopped waiting");
	queue_close(runner);
	runner = open_side(QUEUE_RUNNER);
	cr_expect_eq(waiting(), 0, "the other has not been heard yet");
	cr_expect_leq(sql("SELECT max(extract(epoch FROM until - clock_timestamp()) * 1000)"
			  " FROM receiver"),
		QUEUE_HOLD_MS);
	sql("UPDATE receiver SET until = clock_timestamp() WHERE id = 2");
	cr_expect_eq(waiting(), 1, "it had its time");
}

Test(queue_sign, who_was_given_up_before_an_outage_is_not_waited_for_behind_it)
{
	sign(elsewhere, ELSEWHERE, 0);
	put(here, clock_wall_ms());
	sql("UPDATE receiver SET until = until - interval '1 hour'");
	sleep_an_hour();
	queue_close(runner);
	runner = open_side(QUEUE_RUNNER);
	cr_expect_eq(waiting(), 1);
}

Test(queue_sign, who_brings_nothing_new_is_not_waited_for_any_longer)
{
	static const char left[] =
		"SELECT extract(epoch FROM until - clock_timestamp()) FROM receiver";
	sign(elsewhere, ELSEWHERE, 100);
	sql("UPDATE receiver SET until = clock_timestamp() + interval '2 s'");
	sign(elsewhere, ELSEWHERE, 100);
	cr_expect_leq(sql(left), 2);
	sign(elsewhere, ELSEWHERE, 101);
	cr_expect_gt(sql(left), 5);
}

Test(queue_sign, a_sign_on_an_older_connection_comes_too_late)
{
	bool late;
	sign(here, HERE, 0);
	sign(elsewhere, HERE, 100);
	cr_expect_eq(try_sign(here, HERE, 0, PROMISE_MS, &late), RC_IO);
	put(elsewhere, 120);
	cr_expect_eq(waiting(), 0);
}

Test(queue_sign, a_promise_counts_from_when_it_was_given_however_late_it_arrives)
{
	bool late;
	sign(elsewhere, ELSEWHERE, 0);
	put(here, clock_wall_ms() + 600000);
	struct queue_sign old = {
		.who = ELSEWHERE, .at_mono_ms = clock_mono_ms() - 5000, .promise_ms = 4000};
	cr_expect_eq(waiting(), 1);
	cr_assert_eq(queue_sign(elsewhere, &old, &late, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(waiting(), 0);
}

Test(queue_sign, only_a_receiver_gives_signs)
{
	bool late;
	cr_expect_eq(try_sign(runner, HERE, 0, PROMISE_MS, &late), RC_DENIED);
}
