/* SPDX-License-Identifier: MIT */
/*
 * Several daemons on one database, each with a part of `serve`, as on several machines: what any
 * receiver has taken is carried out by some runner, the command finds them, and what keeps one from
 * starting is a sentence and an exit status.
 */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "tests/harness/daemon.h"
#include "tests/harness/port.h"
#include "tests/harness/postgres.h"
#include "tests/harness/sender.h"

#define RULE                                                                                       \
	"rule \"note\" { on = \"person.created\", run = function(event) log.info(event.name) end " \
	"}"

static char store[256], rules[200];
static struct daemon d;

/* The daemon's configuration names this store, and this folder of rules where it is not "". */
static void configure(struct daemon *daemon, const char *address, const char *more)
{
	char lines[900];
	snprintf(lines, sizeof(lines), "store = \"%s\"\n%s%s%s\n%s", address,
		rules[0] != '\0' ? "rules = \"" : "", rules, rules[0] != '\0' ? "\"" : "", more);
	cr_assert(daemon_configure(daemon, lines));
}

static void setup(void)
{
	rules[0] = '\0';
	cr_assert(postgres_store(store, sizeof(store)));
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	configure(&d, store, "");
}

static void teardown(void)
{
	daemon_close(&d);
	postgres_store_drop(store);
}

TestSuite(walk_machines, .init = setup, .fini = teardown, .timeout = 120);

static void only(struct daemon *daemon, const char *part)
{
	const char *args[] = {"--only", part, NULL};
	cr_assert(daemon_start(daemon, args, NULL));
}

/* --- work ------------------------------------------------------------------------------------- */

struct house {
	struct daemon receivers[2], runners[3];
};

static void open_house(struct house *h)
{
	snprintf(rules, sizeof(rules), "%s", d.rules);
	cr_assert(process_write(d.rules, "note.lua", RULE));
	for (int i = 0; i < 2; i++) {
		cr_assert(daemon_open(&h->receivers[i], NULL));
		configure(&h->receivers[i], store, "");
		only(&h->receivers[i], "receiver");
	}
	for (int i = 0; i < 3; i++) {
		cr_assert(daemon_open(&h->runners[i], NULL));
		configure(&h->runners[i], store, "");
		only(&h->runners[i], "runner");
	}
}

static enum rc write_body(void *ctx, size_t i, struct buf *out)
{
	char id[37];
	snprintf(id, sizeof(id), "20202020-0000-4000-8000-%04d%08zu", *(int *)ctx, i);
	return sender_person(out, "person.created", id, i, "ann@example.com");
}

static void send_to(const struct daemon *receiver, int salt, size_t n)
{
	struct err err = {.msg = ""};
	struct sender_result result;
	struct sender_conf conf = {.port = receiver->hook_port,
		.source = "twenty",
		.secret = DAEMON_SECRET,
		.n = n,
		.connections = 4,
		.deadline_ms = 30000,
		.body = write_body,
		.ctx = &salt};
	cr_assert_eq(sender_run(&conf, &result, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(result.stored, n);
}

static bool all_done(void *ctx)
{
	json_t *status = daemon_status(ctx);
	json_t *runs = json_object_get(status, "runs");
	bool done = json_integer_value(json_object_get(runs, "done")) == 120;
	json_decref(status);
	return done;
}

/* The command meets five daemons, and speaks to those that it needs. */
static void command_all(struct house *h)
{
	static const char *const pause[] = {"pause", "--all", NULL};
	static const char *const reload[] = {"reload", NULL};
	static const char *const erase[] = {
		"erase", "20202020-1c25-4d02-bf25-6aeccf7ea419", "--yes", NULL};
	char *out = NULL, *err = NULL;
	json_t *status = daemon_status(&h->receivers[0]);
	cr_expect_eq(json_array_size(json_object_get(status, "beside")), 4);
	json_t *first = json_array_get(json_object_get(status, "processes"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(first, "name")), "runner",
		"asked is one that knows of Twenty");
	json_decref(status);
	/* Some orders are for the runner that leads, wherever among them that is. */
	cr_expect_eq(daemon_command(&h->receivers[1], erase, NULL, &out, &err), 0, "%s", err);
	cr_expect_not_null(strstr(out, "VACUUM FULL"), "what a database keeps: %s", out);
	free(out);
	free(err);
	cr_expect_eq(daemon_command(&h->receivers[1], pause, NULL, &out, NULL), 0);
	free(out);
	cr_expect_eq(daemon_command(&h->receivers[1], reload, NULL, &out, NULL), 0);
	size_t n = 0;
	for (const char *p = out; (p = strstr(p, "reloaded: ")) != NULL; p++)
		n++;
	cr_expect_eq(n, 5, "%s", out);
	free(out);
}

Test(walk_machines, what_two_receivers_take_three_runners_carry_out)
{
	struct house *h = calloc(1, sizeof(*h));
	cr_assert_not_null(h);
	open_house(h);
	send_to(&h->receivers[0], 1, 60);
	send_to(&h->receivers[1], 2, 60);
	cr_expect(process_await(all_done, &h->runners[0], 60000));
	command_all(h);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(daemon_stop(&h->runners[i]), 0);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(daemon_stop(&h->receivers[i]), 0);
	for (int i = 0; i < 5; i++)
		daemon_close(i < 3 ? &h->runners[i] : &h->receivers[i - 3]);
	free(h);
}

/* --- verbs where parts are missing ------------------------------------------------------------ */

static void says(const char *const *args, int status, const char *sentence)
{
	char *err = NULL;
	int got = daemon_command(&d, args, NULL, NULL, &err);
	cr_expect_eq(got, status, "%s ended with %d: %s", args[0], got, err);
	cr_expect(strstr(err, sentence) != NULL, "said:   %s\nwanted: %s", err, sentence);
	free(err);
}

Test(walk_machines, an_order_where_no_runner_is_says_where_to_give_it)
{
	static const char *const pause[] = {"pause", "--all", NULL};
	says(pause, 5, "no daemon of this machine works with the store");
	only(&d, "receiver");
	says(pause, 5, "give the order on the machine where one runs");
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(walk_machines, reading_verbs_need_no_daemon_on_this_machine)
{
	static const char *const list[] = {"events", "list", NULL};
	static const char *const backup[] = {"backup", "/tmp/never", NULL};
	says(list, 1, "start moonhook serve");
	only(&d, "receiver");
	send_to(&d, 1, 3);
	cr_expect_eq(daemon_stop(&d), 0);
	char *out = NULL;
	cr_expect_eq(daemon_command(&d, list, NULL, &out, NULL), 0);
	size_t n = 0;
	for (const char *p = out; (p = strstr(p, "due")) != NULL; p++)
		n++;
	cr_expect_eq(n, 3, "%s", out);
	free(out);
	says(backup, 1, "pg_dump -h 127.0.0.1 -p ");
}

/* --- what keeps it from starting -------------------------------------------------------------- */

static void fails(const char *part, int status, const char *sentence)
{
	const char *args[] = {"--only", part, NULL};
	cr_assert(daemon_launch(&d, args, NULL));
	int got = process_wait(&d.process, 30000);
	char *log = daemon_log(&d);
	cr_expect_eq(got, status, "ended with %d: %s", got, log);
	cr_expect(strstr(log, sentence) != NULL, "said:   %s\nwanted: %s", log, sentence);
	free(log);
}

Test(walk_machines, a_runner_that_reaches_no_database_waits_for_it_and_says_so_once)
{
	const char *args[] = {"--only", "runner", NULL};
	static const char *const pause[] = {"pause", "--all", NULL};
	char address[128], sentence[160];
	int port = port_free();
	snprintf(address, sizeof(address), "postgres://moonhook@127.0.0.1:%d/db", port);
	snprintf(sentence, sizeof(sentence), "PostgreSQL at 127.0.0.1:%d/db cannot be reached",
		port);
	configure(&d, address, "");
	cr_assert(daemon_launch(&d, args, NULL));
	cr_expect(daemon_logged(&d, "started; the runner waits for the store", 30000));
	says(pause, 75, "the runner waits for its store");
	cr_expect_eq(daemon_stop(&d), 0);
	char *log = daemon_log(&d), *first = strstr(log, "the runner waits for it");
	cr_assert(first != NULL && strstr(log, sentence) != NULL, "%s", log);
	cr_expect_null(strstr(first + 1, "the runner waits for it"), "%s", log);
	cr_expect_null(strstr(log, "it starts again"), "%s", log);
	free(log);
}

Test(walk_machines, a_database_or_role_that_is_not_there_ends_with_78)
{
	char address[256];
	const char *slash = strrchr(store, '/'), *at = strchr(store, '@');
	snprintf(address, sizeof(address), "%.*s/nowhere", (int)(slash - store), store);
	configure(&d, address, "");
	fails("runner", 78, "database \"nowhere\" does not exist");
	fails("receiver", 78, "database \"nowhere\" does not exist");
	snprintf(address, sizeof(address), "postgres://stranger%s", at);
	configure(&d, address, "");
	fails("receiver", 78, "role \"stranger\" does not exist");
}

Test(walk_machines, a_password_in_the_command_line_is_refused_and_not_repeated)
{
	const char *args[] = {"--store", "postgres://ann:canary@127.0.0.1/db", NULL};
	cr_assert(daemon_launch(&d, args, NULL));
	cr_expect_eq(process_wait(&d.process, 30000), 78);
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "`store` has a password in it") != NULL, "%s", log);
	cr_expect_null(strstr(log, "canary"), "%s", log);
	free(log);
}

Test(walk_machines, a_schema_that_a_newer_program_wrote_ends_with_78)
{
	only(&d, "receiver");
	cr_expect_eq(daemon_stop(&d), 0);
	char sql[160];
	snprintf(sql, sizeof(sql), "INSERT INTO %s.version (n) VALUES (99)",
		strstr(store, "schema=") + 7);
	PGconn *conn = PQconnectdb(postgres_shared());
	PGresult *r = PQexec(conn, sql);
	cr_assert_eq(PQresultStatus(r), PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
	fails("receiver", 78, "was written by a newer Moonhook (version 99");
	fails("runner", 78, "was written by a newer Moonhook (version 99");
}

/* --- doctor ----------------------------------------------------------------------------------- */

Test(walk_machines, doctor_looks_at_the_database_from_a_machine_without_a_daemon)
{
	static const char *const doctor[] = {"doctor", NULL};
	char *out = NULL;
	only(&d, "receiver");
	cr_expect_eq(daemon_stop(&d), 0);
	(void)daemon_command(&d, doctor, NULL, &out, NULL);
	cr_expect(strstr(out, "has fsync = off") != NULL, "as the harness starts it: %s", out);
	cr_expect(strstr(out, "store: PostgreSQL at 127.0.0.1:") != NULL, "%s", out);
	cr_expect(strstr(out, "no runner works on the store") != NULL, "%s", out);
	cr_expect(strstr(out, "no daemon works on this machine") != NULL, "%s", out);
	free(out);
}
