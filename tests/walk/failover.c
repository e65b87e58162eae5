/* SPDX-License-Identifier: MIT */
/*
 * The primary of a database is killed under deliveries, its synchronous standby takes over: the
 * address names both, and nobody has to change anything. Then the old one comes back as it was, and
 * believes that it is the primary. MOONHOOK_OUTAGE: the long form, and what only that has.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/worker/sanitized.h"
#include "tests/harness/daemon.h"
#include "tests/harness/postgres.h"
#include "tests/walk/flow.h"

enum { BROUGHT_BACK = 40 }; /* deliveries that come while the old primary is back */

static struct daemon d;
static struct postgres_server primary, standby;
static struct flow flow;

static bool longer(void)
{
	return getenv("MOONHOOK_OUTAGE") != NULL;
}

/* A kill takes nothing with it that was written, synced or not: the short form saves the time. */
static void open_both(void)
{
	char lines[400];
	cr_assert(postgres_start(&primary, longer(), NULL));
	cr_assert(postgres_follow(&standby, &primary));
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	snprintf(lines, sizeof(lines),
		"store = \"postgres://moonhook@127.0.0.1:%d,127.0.0.1:%d/postgres?sslmode=disable"
		"&target_session_attrs=read-write&schema=failover&lease=2s%s\"",
		primary.port, standby.port, longer() ? "" : "&durability=relaxed");
	cr_assert(daemon_configure(&d, lines));
	flow_rule(&d);
	flow = (struct flow){.daemon = &d, .server = standby.url, .schema = "failover"};
}

static void close_both(void)
{
	daemon_close(&d);
	flow_done(&flow);
	postgres_stop(&standby);
	postgres_stop(&primary);
}

TestSuite(walk_failover, .fini = close_both, .timeout = 900);

struct change {
	int before_ms, between_ms;
	bool ok;
};

static void *change_over(void *arg)
{
	struct change *c = arg;
	flow_pause_ms(c->before_ms);
	c->ok = postgres_kill(&primary);
	flow_pause_ms(c->between_ms);
	c->ok = c->ok && postgres_promote(&standby);
	return NULL;
}

/* The primary dies under n deliveries; all of them are on the other server. */
static void fail_over(struct change c, size_t n)
{
	pthread_t changer;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert_eq(pthread_create(&changer, NULL, change_over, &c), 0);
	flow_send(&flow, n, 100);
	(void)pthread_join(changer, NULL);
	cr_assert(c.ok);
	flow_expect(&flow);
	cr_expect(process_await(daemon_ready, &d, 30000), "ready on the other server");
	char *log = daemon_log(&d);
	cr_expect_null(strstr(log, "giving up"), "%s", log);
	cr_expect_null(strstr(log, "no synchronous standby"), "%s", log);
	free(log);
	if (longer())
		fprintf(stderr, "failover: %zu acknowledged: p99 %.1f ms, longest %.1f ms\n",
			flow.result.stored, (double)flow.result.p99_us / 1e3,
			(double)flow.result.max_us / 1e3);
}

Test(walk_failover, what_a_killed_primary_has_confirmed_its_standby_has_and_the_rest_follows_once)
{
	if (SANITIZED && !longer())
		cr_skip_test("what can go wrong here lies between processes: as released alone");
	struct change c = {longer() ? 10000 : 300, longer() ? 20000 : 0, false};
	open_both();
	fail_over(c, longer() ? 6000 : 100);
	cr_expect_eq(daemon_stop(&d), 0);
}

/* --- the old primary comes back --------------------------------------------------------------- */

/* The daemon's address names the old one first, and that takes connections again. */
static void come_back(const char *options)
{
	open_both();
	fail_over((struct change){500, 300, false}, 100);
	cr_expect_eq(daemon_stop(&d), 0);
	cr_assert(postgres_again(&primary, options));
	cr_assert(daemon_launch(&d, NULL, NULL));
}

static bool spool_has_them(void *ctx)
{
	(void)ctx;
	json_t *status = daemon_status(&d), *spool = json_object_get(status, "spool");
	bool all = json_integer_value(json_object_get(spool, "deliveries")) == BROUGHT_BACK;
	json_decref(status);
	return all;
}

/* As its settings want it: it waits for a standby that has left it. */
Test(walk_failover, an_old_primary_that_comes_back_confirms_nothing_and_once_it_is_gone_all_goes_on)
{
	if (!longer())
		cr_skip_test("make outage runs it");
	come_back(NULL);
	cr_assert(daemon_logged(&d, "\"receiver\"", 30000));
	flow_send(&flow, BROUGHT_BACK, 20);
	cr_expect(process_await(spool_has_them, NULL, 60000), "they wait");
	cr_assert(postgres_kill(&primary));
	flow_expect(&flow);
	cr_expect(process_await(daemon_ready, &d, 60000));
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(walk_failover, control_an_old_primary_that_waits_for_nobody_takes_what_the_new_one_never_gets)
{
	struct flow_count c;
	if (!longer())
		cr_skip_test("make outage runs it");
	come_back("-c synchronous_standby_names=");
	cr_assert(process_await(daemon_ready, &d, 30000));
	cr_expect(daemon_logged(&d, "has no synchronous standby", 30000), "it was said");
	flow_send(&flow, BROUGHT_BACK, 0);
	cr_expect_eq(daemon_stop(&d), 0);
	flow_count(&flow, &c);
	cr_expect_eq(c.lost, BROUGHT_BACK, "%zu are not there", c.lost);
}
