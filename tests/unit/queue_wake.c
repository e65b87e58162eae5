/* SPDX-License-Identifier: MIT */
/* Who puts something to do into a store that is shared tells the runners; where nobody is told,
 * nothing is lost. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <poll.h>

#include "base/clock.h"
#include "queue/cluster.h"
#include "queue/pause.h"
#include "tests/conformance/queue_suite.h"
#include "tests/harness/postgres.h"

#define WAIT_MS 60000

static struct suite s;
static struct queue *other; /* a runner beside that of the suite, which leads */

static void open_both(void)
{
	suite_start(&s, "postgres:");
	suite_ok(&s, queue_open(s.store, QUEUE_RUNNER, &other, &s.err));
}

static void close_both(void)
{
	queue_close(other);
	suite_end(&s);
}

TestSuite(queue_wake, .init = open_both, .fini = close_both, .timeout = 200);

/* Takes what was told, and gives signs of life, until something was. */
static bool is_told(struct queue *q, int64_t wait_ms)
{
	int64_t end_ms = clock_mono_ms() + wait_ms;
	bool any = false;
	do {
		struct queue_beat beat;
		struct pollfd p = {.fd = queue_wake_fd(q), .events = POLLIN};
		if (poll(&p, 1, 20) > 0)
			suite_ok(&s, queue_woken(q, &any, &s.err));
		if (!any)
			suite_ok(&s, queue_beat(q, &beat, &s.err));
	} while (!any && clock_mono_ms() < end_ms);
	return any;
}

/* It hears; what is told from here on is news. */
static void listen_to(struct queue *q)
{
	cr_assert_geq(queue_wake_fd(q), 0);
	cr_assert(is_told(q, WAIT_MS), "that it has begun to listen");
}

/* Until it is told nothing any more. */
static void calm(struct queue *q)
{
	while (is_told(q, 0))
		;
}

/* A statement of somebody else. */
static void sql(const char *text)
{
	char url[200];
	snprintf(url, sizeof(url), "%.*s", (int)strcspn(s.store, "?"), s.store);
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, text);
	cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		"%s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

/* No two of our own fall together. */
static void next_tell(void)
{
	int64_t end_ms = clock_mono_ms() + QUEUE_TELL_MS + 1;
	while (clock_mono_ms() < end_ms)
		(void)poll(NULL, 0, 1);
}

Test(queue_wake, a_delivery_is_told_to_the_runner_that_leads_alone)
{
	listen_to(s.runner);
	listen_to(other);
	(void)suite_put(&s, "1", "{}");
	cr_expect(is_told(s.runner, WAIT_MS));
	/* Which has come behind it, so that it would be there. */
	suite_ok(&s, queue_beat(other, &(struct queue_beat){0}, &s.err));
	cr_expect_not(is_told(other, 0), "only the leader reads the inbox");
}

Test(queue_wake, runs_that_are_due_and_pauses_are_told_to_the_others)
{
	size_t n;
	listen_to(s.runner);
	listen_to(other);
	calm(s.runner);
	(void)suite_event(&s, "r", "", 0);
	suite_commit(&s);
	cr_expect(is_told(other, WAIT_MS), "a run that may be claimed");
	calm(other);
	next_tell();
	struct queue_pause pause = {.rule = "r", .why = "by hand", .since_ms = 1};
	suite_ok(&s, queue_pause(s.runner, &pause, &n, &s.err));
	suite_commit(&s);
	cr_expect(is_told(other, WAIT_MS), "a pause");
	calm(other);
	next_tell();
	suite_ok(&s, queue_resume(s.runner, "r", &n, &s.err));
	suite_commit(&s);
	cr_expect(is_told(other, WAIT_MS), "its end");
}

Test(queue_wake, what_is_rolled_back_or_nothing_new_is_not_told)
{
	listen_to(s.runner);
	listen_to(other);
	(void)suite_event(&s, "r", "", 1); /* claimed by who routed it: nothing for others */
	suite_commit(&s);
	suite_ok(&s, queue_beat(other, &(struct queue_beat){0}, &s.err));
	cr_expect_not(is_told(other, 0));
}

static const char kill_ears[] =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";

Test(queue_wake, a_listener_whose_connection_died_goes_on_and_listens_again)
{
	listen_to(s.runner);
	sql(kill_ears);
	/* Nobody hears of this one. */
	(void)suite_put(&s, "1", "{}");
	cr_expect_eq(suite_route(&s, 1, "r", "", 1), 1, "what was not told is found");
	cr_expect(is_told(s.runner, WAIT_MS), "that it listens again, and what it may have missed");
	calm(s.runner);
	next_tell();
	(void)suite_put(&s, "2", "{}");
	cr_expect(is_told(s.runner, WAIT_MS));
}

/* A transaction of a listener would keep all that is told in the server. */
Test(queue_wake, who_listens_is_never_in_a_transaction)
{
	listen_to(s.runner);
	(void)suite_put(&s, "1", "{}");
	cr_expect(is_told(s.runner, WAIT_MS));
	sql("DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
	    " AND state <> 'idle') OR NOT EXISTS (SELECT 1 FROM pg_stat_activity"
	    " WHERE query LIKE 'LISTEN%') THEN RAISE 'it is'; END IF; END $$");
}
