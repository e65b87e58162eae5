/* SPDX-License-Identifier: MIT */
/*
 * The database of a whole daemon goes away and comes back, under deliveries: each is acknowledged
 * in time, arrives once and in order. MOONHOOK_OUTAGE: seconds of the long form's outage.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/daemon.h"
#include "tests/harness/postgres.h"
#include "tests/walk/flow.h"

static struct daemon d;
static struct postgres_server server;
static struct flow flow;

static void setup(void)
{
	char lines[300];
	cr_assert(postgres_start(&server, true, NULL));
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	snprintf(lines, sizeof(lines), "store = \"%s?schema=outage&lease=2s\"", server.url);
	cr_assert(daemon_configure(&d, lines));
	flow_rule(&d);
	flow = (struct flow){.daemon = &d, .server = server.url, .schema = "outage"};
}

static void teardown(void)
{
	flow_done(&flow);
	daemon_close(&d);
	postgres_stop(&server);
}

TestSuite(walk_outage, .init = setup, .fini = teardown, .timeout = 900);

/* --- outages ---------------------------------------------------------------------------------- */

struct outage {
	int before_ms, down_ms;
	bool (*how)(struct postgres_server *s);
	bool ok;
};

/* Two, in the middle of deliveries: what they last is what is tested. */
static void *break_it(void *arg)
{
	struct outage *o = arg;
	for (int i = 0; i < 2; i++) {
		flow_pause_ms(o[i].before_ms);
		o[i].ok = o[i].how(&server);
		flow_pause_ms(o[i].down_ms);
		o[i].ok = o[i].ok && postgres_again(&server, NULL);
	}
	return NULL;
}

static void live_through(struct outage *outages, size_t n, double rate)
{
	const struct sender_result *result = &flow.result;
	pthread_t breaker;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert_eq(pthread_create(&breaker, NULL, break_it, outages), 0);
	flow_send(&flow, n, rate);
	(void)pthread_join(breaker, NULL);
	cr_assert(outages[0].ok && outages[1].ok);
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "the store takes no deliveries") != NULL,
		"the outage reached the receiver");
	cr_expect_null(strstr(log, "giving up"), "%s", log);
	free(log);
	flow_expect(&flow);
	if (getenv("MOONHOOK_OUTAGE") != NULL)
		fprintf(stderr,
			"%zu acknowledged, 0 expected late: p50 %.1f ms, p99 %.1f ms, longest %.1f "
			"ms\n",
			result->stored, (double)result->p50_us / 1e3, (double)result->p99_us / 1e3,
			(double)result->max_us / 1e3);
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(walk_outage, what_comes_while_the_database_is_stopped_and_killed_arrives_once_and_in_order)
{
	const char *text = getenv("MOONHOOK_OUTAGE");
	int long_ms = text != NULL ? (int)strtol(text, NULL, 10) * 1000 : 0;
	struct outage shorter[] = {
		{400, 700, postgres_quit, false}, {700, 500, postgres_kill, false}};
	struct outage longer[] = {
		{5000, long_ms, postgres_quit, false}, {10000, 20000, postgres_kill, false}};
	if (long_ms > 0)
		live_through(longer, (size_t)(long_ms + 60000) / 10, 100);
	else
		live_through(shorter, 280, 100);
}

static bool spool_has_all(void *ctx)
{
	(void)ctx;
	json_t *status = daemon_status(&d), *spool = json_object_get(status, "spool");
	bool all = json_integer_value(json_object_get(spool, "deliveries")) == (json_int_t)flow.n &&
		   json_is_true(json_object_get(spool, "used"));
	json_decref(status);
	return all;
}

static void expect_said(const char *verb, const char *sentence)
{
	const char *args[] = {verb, NULL};
	char *out = NULL;
	(void)daemon_command(&d, args, NULL, &out, NULL);
	cr_expect(strstr(out, sentence) != NULL, "said:   %s\nwanted: %s", out, sentence);
	free(out);
}

Test(walk_outage, a_daemon_starts_without_its_database_and_keeps_what_comes_even_when_it_is_killed)
{
	postgres_halt(&server);
	cr_assert(daemon_launch(&d, NULL, NULL));
	cr_assert(daemon_logged(&d, "started; the runner waits for the store", 30000));
	flow_send(&flow, 60, 0);
	cr_expect(process_await(spool_has_all, NULL, 30000));
	expect_said("status", "60 deliveries in 0.");
	expect_said("doctor", "60 deliveries wait in the spool of this machine");
	cr_expect_eq(kill(daemon_child(&d, "receiver"), SIGKILL), 0);
	cr_expect(daemon_logged(&d, "60 deliveries of an earlier outage wait in the spool", 30000));
	cr_assert(postgres_again(&server, NULL));
	flow_expect(&flow);
	cr_expect(process_await(daemon_ready, &d, 30000), "ready once the database is there");
	cr_expect_eq(daemon_stop(&d), 0);
}
