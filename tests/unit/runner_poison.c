/* SPDX-License-Identifier: MIT */
/* A run whose data the database refuses ends its runner a few times, not each one for ever, and
 * takes nobody with it. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runner/worker/sanitized.h"
#include "tests/harness/postgres.h"
#include "tests/unit/runner_stage.h"

enum { WAIT_MS = 60000, LIVES_MAX = 12 };

static struct stage s;
static PGconn *admin;

static void open_stage(void)
{
	stage_open(&s);
	stage_share(&s);
}

static void close_stage(void)
{
	stage_close(&s);
	PQfinish(admin);
	postgres_store_drop(s.store);
}

TestSuite(runner_poison, .init = open_stage, .fini = close_stage, .timeout = 180);

/* By a connection of its own: to ask the handle of the runner is to have its writes answered. */
static int64_t sql(const char *text)
{
	if (admin == NULL) {
		char url[200], set[120];
		const char *schema = strstr(s.store, "schema=") + 7;
		snprintf(url, sizeof(url), "%.*s", (int)strcspn(s.store, "?"), s.store);
		snprintf(set, sizeof(set), "SET search_path = %.*s", (int)strcspn(schema, "&"),
			schema);
		admin = PQconnectdb(url);
		PQclear(PQexec(admin, set));
	}
	PGresult *result = PQexec(admin, text);
	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
			  PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s: %s", text, PQerrorMessage(admin));
	int64_t n = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
	PQclear(result);
	return n;
}

/* False: it has ended what there was. */
static bool dies(int64_t all)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	for (; clock_mono_ms() < end; stage_turn(&s, 1)) {
		if (s.runner->fatal != RC_OK)
			return true;
		if (sql("SELECT count(*) FROM run WHERE state > 2") == all)
			return false;
	}
	cr_assert_fail("it did not happen in time");
	return false;
}

/* Lives until all have ended; how many died. The lease of a dead one is over at once. */
static int live(int64_t all)
{
	int n = 0;
	while (n < LIVES_MAX && dies(all)) {
		stage_crash(&s);
		sql("UPDATE runner SET until = '-infinity'; UPDATE leader SET until = '-infinity'");
		stage_again(&s);
		n++;
	}
	return n;
}

Test(runner_poison, a_run_whose_end_the_store_refuses_is_quarantined_alone)
{
	if (SANITIZED)
		cr_skip_test("on a slow machine it takes more lives at times: as released alone");
	stage_rule(&s, "a.lua",
		"rule \"r\" { on = \"person.*\", run = function(e)\n"
		"  if e.record.jobTitle == \"bad\" then error(\"poison\") end\nend }");
	stage_start(&s, STAGE_ALONE, "workers = 1");
	sql("ALTER TABLE run ADD CONSTRAINT taste CHECK (error NOT LIKE '%poison%')");
	struct id good = stage_someone(&s, "good"), bad = stage_someone(&s, "bad"),
		  last = stage_someone(&s, "good");
	/* One that was born in the transaction in which it ended was not there to be counted. */
	int n = live(3);
	cr_expect(n >= 3 && n < LIVES_MAX, "%d", n);
	stage_look(&s);
	const struct stage_run *run = stage_find(&s, "r", &bad);
	cr_expect_eq(run->state, QUEUE_QUARANTINED);
	cr_expect_eq(run->deaths, 3);
	cr_expect_not_null(strstr(run->error, "the store refused what this run had to write"), "%s",
		run->error);
	cr_expect_eq(stage_find(&s, "r", &good)->state, QUEUE_DONE);
	cr_expect_eq(stage_find(&s, "r", &good)->deaths, 0);
	cr_expect_eq(stage_find(&s, "r", &last)->state, QUEUE_DONE);
	cr_expect_eq(stage_find(&s, "r", &last)->deaths, 0, "it was not its fault");
}

/* The control: what is no run's data is no run's death. */
Test(runner_poison, what_the_store_refuses_of_nobody_is_nobodys_death)
{
	stage_rule(&s, "a.lua", "rule \"r\" { on = \"person.*\", run = function(e) end }");
	stage_start(&s, STAGE_ALONE, "workers = 1");
	sql("ALTER TABLE progress ADD CONSTRAINT taste CHECK (last_run < 1)");
	struct id one = stage_someone(&s, "good");
	cr_expect(dies(1));
	stage_crash(&s);
	sql("UPDATE runner SET until = '-infinity'; UPDATE leader SET until = '-infinity';"
	    "ALTER TABLE progress DROP CONSTRAINT taste");
	stage_again(&s);
	cr_expect_eq(live(1), 0);
	stage_look(&s);
	cr_expect_eq(stage_find(&s, "r", &one)->state, QUEUE_DONE);
	cr_expect_eq(stage_find(&s, "r", &one)->deaths, 0);
}
