/* SPDX-License-Identifier: MIT */
/*
 * The database of a whole daemon goes away and comes back, under deliveries: each is acknowledged
 * in time, arrives once and in order. MOONHOOK_OUTAGE: seconds of the long form's outage.
 */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness/daemon.h"
#include "tests/harness/postgres.h"
#include "tests/harness/sender.h"

enum { CONNECTIONS = 8, PATIENCE_US = 5000000 };

static struct daemon d;
static struct postgres_server server;

static void setup(void)
{
	char lines[300];
	cr_assert(postgres_start(&server, true, NULL));
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	snprintf(lines, sizeof(lines), "store = \"%s?schema=outage&lease=2s\"", server.url);
	cr_assert(daemon_configure(&d, lines));
	cr_assert(process_write(d.rules, "note.lua",
		"rule \"note\" { on = \"person.created\", run = function(event) log.info(\"x\") "
		"end }"));
}

static void teardown(void)
{
	daemon_close(&d);
	postgres_stop(&server);
}

TestSuite(walk_outage, .init = setup, .fini = teardown, .timeout = 900);

/* --- deliveries and what became of them ------------------------------------------------------- */

struct load {
	size_t n, answered;
	size_t *later; /* of each: whatever has this number or more was sent after its answer */
};

static enum rc write_body(void *ctx, size_t i, struct buf *out)
{
	char id[37];
	(void)ctx;
	snprintf(id, sizeof(id), "20202020-0000-4000-8000-%012zu", i);
	return sender_person(out, "person.created", id, i, "ann@example.com");
}

static void note_answer(void *ctx, size_t i, int status, struct slice body)
{
	struct load *l = ctx;
	(void)status, (void)body;
	l->later[i] = ++l->answered + CONNECTIONS;
}

static void send_all(struct load *l, size_t n, double rate, struct sender_result *ret_result)
{
	struct err err = {.msg = ""};
	*l = (struct load){.n = n, .later = calloc(n, sizeof(*l->later))};
	cr_assert_not_null(l->later);
	struct sender_conf conf = {.port = d.hook_port,
		.source = "twenty",
		.secret = DAEMON_SECRET,
		.n = n,
		.connections = CONNECTIONS,
		.rate = rate,
		.deadline_ms = 600000,
		.body = write_body,
		.answered = note_answer,
		.ctx = l};
	cr_assert_eq(sender_run(&conf, ret_result, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(ret_result->stored, n, "each is acknowledged, none is repeated");
	cr_expect_lt(ret_result->max_us, PATIENCE_US, "no answer after the sender has given up");
}

static PGresult *ask(const char *sql)
{
	PGconn *conn = PQconnectdb(server.url);
	PGresult *r = PQexec(conn, sql);
	PQfinish(conn);
	return r;
}

static bool all_done(void *ctx)
{
	const struct load *l = ctx;
	PGresult *r = ask("SELECT count(*) FROM outage.run WHERE ended_ms > 0");
	bool done = PQntuples(r) == 1 && strtoull(PQgetvalue(r, 0, 0), NULL, 10) >= l->n;
	PQclear(r);
	return done;
}

/* Each is there once, and behind what was answered before it was sent. */
static void expect_all(struct load *l)
{
	cr_expect(process_await(all_done, l, 120000), "all is carried out");
	PGresult *r = ask("SELECT right(record, 12) FROM outage.event ORDER BY seq");
	size_t last = 0, inversions = 0, twice = 0, n = (size_t)PQntuples(r);
	bool *seen = calloc(l->n, sizeof(*seen));
	cr_assert_not_null(seen);
	cr_expect_eq(n, l->n, "%zu deliveries are events", n);
	for (size_t k = 0; k < n; k++) {
		size_t i = strtoull(PQgetvalue(r, (int)k, 0), NULL, 10);
		cr_assert_lt(i, l->n);
		twice += seen[i];
		inversions += last >= l->later[i];
		seen[i] = true;
		last = i > last ? i : last;
	}
	cr_expect_eq(twice, 0, "%zu came twice", twice);
	cr_expect_eq(inversions, 0, "%zu stand behind what was sent after them", inversions);
	PQclear(r);
	r = ask("SELECT count(*), count(DISTINCT event) FROM outage.run");
	cr_expect_eq(strtoull(PQgetvalue(r, 0, 0), NULL, 10), l->n, "one run each");
	cr_expect_eq(strtoull(PQgetvalue(r, 0, 1), NULL, 10), l->n);
	PQclear(r);
	free(seen);
	free(l->later);
}

/* --- outages ---------------------------------------------------------------------------------- */

struct outage {
	int before_ms, down_ms;
	bool (*how)(struct postgres_server *s);
	bool ok;
};

static void pause_ms(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	(void)nanosleep(&t, NULL);
}

/* Two, in the middle of deliveries: what they last is what is tested. */
static void *break_it(void *arg)
{
	struct outage *o = arg;
	for (int i = 0; i < 2; i++) {
		pause_ms(o[i].before_ms);
		o[i].ok = o[i].how(&server);
		pause_ms(o[i].down_ms);
		o[i].ok = o[i].ok && postgres_again(&server, NULL);
	}
	return NULL;
}

static void live_through(struct outage *outages, size_t n, double rate)
{
	struct load l;
	struct sender_result result;
	pthread_t breaker;
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_assert_eq(pthread_create(&breaker, NULL, break_it, outages), 0);
	send_all(&l, n, rate, &result);
	(void)pthread_join(breaker, NULL);
	cr_assert(outages[0].ok && outages[1].ok);
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "the store takes no deliveries") != NULL,
		"the outage reached the receiver");
	cr_expect_null(strstr(log, "giving up"), "%s", log);
	free(log);
	expect_all(&l);
	if (getenv("MOONHOOK_OUTAGE") != NULL)
		fprintf(stderr,
			"%zu acknowledged, 0 expected late: p50 %.1f ms, p99 %.1f ms, longest %.1f "
			"ms\n",
			result.stored, (double)result.p50_us / 1e3, (double)result.p99_us / 1e3,
			(double)result.max_us / 1e3);
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
	const struct load *l = ctx;
	json_t *status = daemon_status(&d), *spool = json_object_get(status, "spool");
	bool all = json_integer_value(json_object_get(spool, "deliveries")) == (json_int_t)l->n &&
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
	struct load l;
	struct sender_result result;
	postgres_halt(&server);
	cr_assert(daemon_launch(&d, NULL, NULL));
	cr_assert(daemon_logged(&d, "started; the runner waits for the store", 30000));
	send_all(&l, 60, 0, &result);
	cr_expect(process_await(spool_has_all, &l, 30000));
	expect_said("status", "60 deliveries in 0.");
	expect_said("doctor", "60 deliveries wait in the spool of this machine");
	cr_expect_eq(kill(daemon_child(&d, "receiver"), SIGKILL), 0);
	cr_expect(daemon_logged(&d, "60 deliveries of an earlier outage wait in the spool", 30000));
	cr_assert(postgres_again(&server, NULL));
	expect_all(&l);
	cr_expect(process_await(daemon_ready, &d, 30000), "ready once the database is there");
	cr_expect_eq(daemon_stop(&d), 0);
}
