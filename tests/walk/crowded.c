/* SPDX-License-Identifier: MIT */
/*
 * A database that answers and yet takes nothing: its disk is full, or somebody else has all of its
 * connections. Deliveries are acknowledged, and once there is room they arrive, once and in order.
 * MOONHOOK_OUTAGE: the long form.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/worker/sanitized.h"
#include "tests/harness/daemon.h"
#include "tests/harness/postgres.h"
#include "tests/walk/flow.h"

enum { PLACES = 12 };

static struct daemon d;
static struct postgres_server server;
static struct flow flow;
static char shim[64]; /* folder of what stands in front of the server's C library */

static bool longer(void)
{
	return getenv("MOONHOOK_OUTAGE") != NULL;
}

/* The server's user need not be able to read where we are built: a copy for everybody. */
static void put_shim(void)
{
	char text[200];
	struct process p = {.pid = 0};
	snprintf(shim, sizeof(shim), "/tmp/moonhook-test-XXXXXX");
	cr_assert_not_null(mkdtemp(shim));
	cr_assert_eq(chmod(shim, 0755), 0);
	const char *const argv[] = {"/bin/cp", process_path("full.so"), shim, NULL};
	cr_assert_eq(process_run(&p, d.dir, "cp", argv, NULL, 30000), 0);
	snprintf(text, sizeof(text), "%s/full.so", shim);
	cr_assert_eq(setenv("LD_PRELOAD", text, 1), 0);
	snprintf(text, sizeof(text), "%s/sign", shim);
	cr_assert_eq(setenv("MOONHOOK_FULL", text, 1), 0);
}

static void open_server(void)
{
	char lines[300], options[80];
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	put_shim();
	snprintf(options, sizeof(options), "-c max_connections=%d", PLACES);
	cr_assert(postgres_start(&server, longer(), options));
	cr_assert_eq(unsetenv("LD_PRELOAD"), 0);
	snprintf(lines, sizeof(lines), "store = \"%s?schema=crowded&lease=2s%s\"", server.url,
		longer() ? "" : "&durability=relaxed");
	cr_assert(daemon_configure(&d, lines));
	flow_rule(&d);
	flow = (struct flow){.daemon = &d, .server = server.url, .schema = "crowded"};
}

static void teardown(void)
{
	daemon_close(&d);
	flow_done(&flow);
	postgres_stop(&server);
	if (shim[0] != '\0')
		process_folder_remove(shim);
}

TestSuite(walk_crowded, .fini = teardown, .timeout = 900);

static bool status_says(void *ctx)
{
	static const char *const args[] = {"status", NULL};
	char *out = NULL;
	(void)daemon_command(&d, args, NULL, &out, NULL);
	bool says = out != NULL && strstr(out, ctx) != NULL;
	free(out);
	return says;
}

/* What comes now goes to the spool: the first of it after the store has failed. */
static void live_with_it(char *why)
{
	flow_send(&flow, longer() ? 3000 : 60, longer() ? 50 : 100);
	cr_expect(daemon_logged(&d, "the store takes no deliveries", 30000), "it was met");
	cr_expect(process_await(status_says, why, 30000), "status says so");
}

static void goes_on(void)
{
	flow_expect(&flow);
	cr_expect(process_await(daemon_ready, &d, 60000));
	char *log = daemon_log(&d);
	cr_expect_null(strstr(log, "giving up"), "%s", log);
	free(log);
	cr_expect_eq(daemon_stop(&d), 0);
}

/* --- no room ---------------------------------------------------------------------------------- */

static void set_full(bool full)
{
	const char *sign = getenv("MOONHOOK_FULL");
	int fd = full ? open(sign, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
	cr_assert(full ? fd >= 0 : unlink(sign) == 0);
	if (fd >= 0)
		close(fd);
}

Test(walk_crowded, while_the_disk_of_the_database_is_full_deliveries_are_kept_and_arrive_in_order)
{
	char why[] = "is full";
	if (SANITIZED && !longer())
		cr_skip_test("what can go wrong here lies between processes: as released alone");
	open_server();
	cr_assert(daemon_start(&d, NULL, NULL));
	flow_send(&flow, 20, 0);
	set_full(true);
	live_with_it(why);
	set_full(false);
	goes_on();
}

/* --- no connection ---------------------------------------------------------------------------- */

struct crowd {
	atomic_bool over;
	atomic_size_t n;
	PGconn *all[PLACES];
};

static void end_ours(PGconn *conn)
{
	PQclear(PQexec(conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			     " WHERE application_name = 'moonhook'"));
}

/* Takes each place that gets free; where there is none, those that have one lose it. */
static void *crowd_in(void *arg)
{
	struct crowd *c = arg;
	while (!atomic_load(&c->over)) {
		size_t n = atomic_load(&c->n);
		PGconn *conn = n < PLACES ? PQconnectdb(server.url) : NULL;
		if (conn != NULL && PQstatus(conn) == CONNECTION_OK) {
			c->all[n] = conn;
			atomic_store(&c->n, n + 1);
			continue;
		}
		PQfinish(conn);
		if (n > 0 && n < PLACES)
			end_ours(c->all[0]);
		flow_pause_ms(5);
	}
	for (size_t i = 0; i < atomic_load(&c->n); i++)
		PQfinish(c->all[i]);
	return NULL;
}

static bool has_all(void *ctx)
{
	struct crowd *c = ctx;
	return atomic_load(&c->n) == PLACES;
}

Test(walk_crowded, while_others_have_all_connections_deliveries_are_kept_and_arrive_in_order)
{
	char why[] = "too many clients";
	if (!longer())
		cr_skip_test("make outage runs it");
	struct crowd crowd = {.n = 0};
	pthread_t thread;
	open_server();
	cr_assert(daemon_start(&d, NULL, NULL));
	flow_send(&flow, 20, 0);
	cr_assert_eq(pthread_create(&thread, NULL, crowd_in, &crowd), 0);
	cr_assert(process_await(has_all, &crowd, 60000));
	live_with_it(why);
	atomic_store(&crowd.over, true);
	(void)pthread_join(thread, NULL);
	goes_on();
}
