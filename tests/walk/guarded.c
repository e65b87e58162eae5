/* SPDX-License-Identifier: MIT */
/*
 * A database that is reached by TLS alone, and wants a password: with the right certificate all
 * goes well, what is wrong with one is a sentence and an exit status, and the password is seen
 * nowhere. MOONHOOK_OUTAGE: also what only `make outage` has.
 */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "runner/worker/sanitized.h"
#include "tests/harness/certificate.h"
#include "tests/harness/daemon.h"
#include "tests/harness/postgres.h"
#include "tests/walk/flow.h"

#define PASSWORD "canary-7c2e"
#define PASSWORD_LINE "database = { password = file \"pw\" }"
enum { DAY_S = 86400 };

static struct daemon d;
static struct postgres_server server;
static struct flow flow;
static char owner[80];    /* address of the database for who may do anything */
static char good_ca[200]; /* of the authority that has made the server's certificate */

/* --- the server ------------------------------------------------------------------------------- */

/* A file of the server's own; a key that others may read it refuses. */
static void own(const char *name)
{
	char path[160];
	const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
	snprintf(path, sizeof(path), "%s/data/%s", server.folder, name);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert(user == NULL || chown(path, user->pw_uid, user->pw_gid) == 0);
}

/* Gives it another certificate; who connects from now on meets that one. */
static void certify(const char *name, int64_t valid_s)
{
	char folder[80], from[120];
	snprintf(folder, sizeof(folder), "%s/data", server.folder);
	cr_assert(certificate_make(folder, name, valid_s));
	own("cert.pem");
	own("key.pem");
	snprintf(from, sizeof(from), "%s/ca.pem", folder);
	char *text = process_read(from);
	cr_assert(text != NULL && process_write(d.dir, "ca.pem", text));
	free(text);
	cr_assert(postgres_do(&server, "SELECT pg_reload_conf()"));
}

/* The user "hook" has to come by TLS, with a password. */
static void guard_it(void)
{
	static const char *const steps[] = {"CREATE ROLE hook LOGIN PASSWORD '" PASSWORD "'",
		"CREATE DATABASE guarded OWNER hook", "ALTER SYSTEM SET ssl = on",
		"ALTER SYSTEM SET ssl_cert_file = 'cert.pem'",
		"ALTER SYSTEM SET ssl_key_file = 'key.pem'"};
	char folder[80];
	for (size_t i = 0; i < ARRAY_N(steps); i++)
		cr_assert(postgres_do(&server, steps[i]));
	snprintf(folder, sizeof(folder), "%s/data", server.folder);
	cr_assert(process_write(folder, "pg_hba.conf",
		"hostssl all hook 127.0.0.1/32 scram-sha-256\nhost all moonhook 127.0.0.1/32 "
		"trust\n"));
	own("pg_hba.conf");
}

/* host: what the address calls it, wherever that is. */
static void configure(const char *host, const char *ca, const char *lines)
{
	char text[700];
	snprintf(text, sizeof(text),
		"store = \"postgres://hook@%s:%d/guarded?hostaddr=127.0.0.1&sslmode=verify-full"
		"&sslrootcert=%s&durability=relaxed&lease=2s\"\n%s",
		host, server.port, ca, lines);
	cr_assert(daemon_configure(&d, text));
}

static bool is_guarded(void *ctx)
{
	char address[160];
	(void)ctx;
	snprintf(address, sizeof(address), "postgres://hook@127.0.0.1:%d/guarded?sslmode=disable",
		server.port);
	PGconn *conn = PQconnectdb(address);
	bool refused = PQstatus(conn) != CONNECTION_OK &&
		       strstr(PQerrorMessage(conn), "no encryption") != NULL;
	PQfinish(conn);
	return refused;
}

static void open_server(void)
{
	cr_assert(daemon_open(&d, NULL));
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", d.dir, 1), 0, "sockets of this test alone");
	snprintf(good_ca, sizeof(good_ca), "%s/ca.pem", d.dir);
	cr_assert(process_write(d.dir, "pw", PASSWORD "\n"));
	cr_assert(postgres_start(&server, false, NULL));
	guard_it();
	certify("localhost", DAY_S);
	cr_assert(process_await(is_guarded, NULL, 30000), "the server has read its rules");
	flow_rule(&d);
	snprintf(owner, sizeof(owner), "postgres://moonhook@127.0.0.1:%d/guarded", server.port);
	flow = (struct flow){.daemon = &d, .server = owner, .schema = "moonhook"};
}

static void teardown(void)
{
	flow_done(&flow);
	daemon_close(&d);
	postgres_stop(&server);
}

TestSuite(walk_guarded, .fini = teardown, .timeout = 300);

/* --- the password ----------------------------------------------------------------------------- */

static void expect_clean(const char *text, const char *where)
{
	cr_assert_not_null(text, "%s", where);
	cr_expect_null(strstr(text, PASSWORD), "%s: %s", where, text);
}

/* What anybody on the machine may read of a process. */
static void expect_clean_process(pid_t pid)
{
	static const char *const names[] = {"cmdline", "environ"};
	static char text[1 << 16];
	char path[64];
	cr_assert_gt(pid, 0);
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[i]);
		FILE *f = fopen(path, "re");
		cr_assert_not_null(f, "%s", path);
		size_t n = fread(text, 1, sizeof(text), f);
		fclose(f);
		cr_expect_null(memmem(text, n, PASSWORD, strlen(PASSWORD)), "%s", path);
	}
}

static void expect_clean_processes(void)
{
	static const char *const names[] = {"receiver", "runner", "console"};
	char path[80];
	long child;
	expect_clean_process(d.process.pid);
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		pid_t pid = daemon_child(&d, names[i]);
		expect_clean_process(pid);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
		FILE *f = fopen(path, "re");
		while (f != NULL && fscanf(f, "%ld", &child) == 1)
			expect_clean_process((pid_t)child);
		if (f != NULL)
			fclose(f);
	}
}

enum { VERBS_N = 6 };

/* What the first n of these print. */
static void expect_clean_commands(const char *const *env, size_t n)
{
	static const char *const verbs[VERBS_N][4] = {{"doctor", "-o", "json"},
		{"status", "-o", "json"}, {"status"}, {"config", "print", "-o", "json"},
		{"events", "list"}, {"store", "check"}};
	for (size_t i = 0; i < n; i++) {
		const char *args[5] = {verbs[i][0], verbs[i][1], verbs[i][2], verbs[i][3], NULL};
		char *out = NULL, *err = NULL;
		int status = daemon_command(&d, args, env, &out, &err);
		cr_expect(status == 0 || i == 0, "%s ended with %d: %s", args[0], status, err);
		cr_expect_gt(strlen(out), 0, "%s says something", args[0]);
		expect_clean(out, args[0]);
		expect_clean(err, args[0]);
		free(out);
		free(err);
	}
}

static void expect_clean_log(void)
{
	char *log = daemon_log(&d);
	expect_clean(log, "log");
	free(log);
}

static void lives_with(const char *const *env, size_t verbs_n)
{
	cr_assert(daemon_start(&d, NULL, env));
	flow_send(&flow, 5, 0);
	cr_expect(flow_rests(&flow), "it works with that");
	expect_clean_processes();
	expect_clean_commands(env, verbs_n);
	cr_expect_eq(daemon_stop(&d), 0);
	expect_clean_log();
}

static void fails(const char *sentence)
{
	static const char *const doctor[] = {"doctor", "-o", "json", NULL};
	char *out = NULL;
	cr_assert(daemon_launch(&d, NULL, NULL));
	int got = process_wait(&d.process, 30000);
	char *log = daemon_log(&d);
	cr_expect_eq(got, 78, "ended with %d: %s", got, log);
	cr_expect(strstr(log, sentence) != NULL, "said:   %s\nwanted: %s", log, sentence);
	expect_clean(log, "log");
	free(log);
	cr_expect_neq(daemon_command(&d, doctor, NULL, &out, NULL), 0);
	cr_expect(strstr(out, sentence) != NULL, "doctor said: %s\nwanted:      %s", out, sentence);
	expect_clean(out, "doctor");
	free(out);
}

Test(walk_guarded, a_password_comes_from_a_file_a_passfile_or_the_environment_and_is_seen_nowhere)
{
	static const char *const by_name[] = {"PGPASSWORD=" PASSWORD, NULL};
	char line[200];
	const char *const by_file[] = {line, NULL};
	open_server();
	configure("localhost", good_ca, PASSWORD_LINE);
	lives_with(NULL, VERBS_N);
	configure("localhost", good_ca, "");
	lives_with(by_name, 1);
	snprintf(line, sizeof(line), "PGPASSFILE=%s/passes", d.dir);
	cr_assert(process_write(d.dir, "passes", "*:*:guarded:hook:" PASSWORD "\n"));
	char path[160];
	snprintf(path, sizeof(path), "%s/passes", d.dir);
	cr_assert_eq(chmod(path, 0600), 0);
	lives_with(by_file, 1);
	cr_assert(process_write(d.dir, "pw", "wrong-" PASSWORD "\n"));
	configure("localhost", good_ca, PASSWORD_LINE);
	fails("password authentication failed for user");
}

/* --- certificates ----------------------------------------------------------------------------- */

Test(walk_guarded, a_certificate_that_is_wrong_ends_with_78_and_a_sentence_that_says_how)
{
	char stranger[200];
	if (SANITIZED)
		cr_skip_test("what is said is the same: as released alone");
	open_server();
	configure("db.internal", good_ca, PASSWORD_LINE);
	fails("does not match host name");
	snprintf(stranger, sizeof(stranger), "%s/nowhere.pem", d.dir);
	configure("localhost", stranger, PASSWORD_LINE);
	fails("root certificate file");
	cr_assert_eq(rename(good_ca, stranger), 0);
	certify("localhost", DAY_S); /* of another authority */
	configure("localhost", stranger, PASSWORD_LINE);
	fails("SSL error: ");
	certify("localhost", -3600);
	configure("localhost", good_ca, PASSWORD_LINE);
	fails("has it expired");
}

/* --- afterwards ------------------------------------------------------------------------------- */

static bool spool_is_used(void *ctx)
{
	(void)ctx;
	json_t *status = daemon_status(&d);
	bool used = json_is_true(json_object_get(json_object_get(status, "spool"), "used"));
	json_decref(status);
	return used;
}

Test(walk_guarded,
	a_certificate_that_expires_under_a_daemon_ends_nothing_and_a_new_one_lets_all_go_on)
{
	if (getenv("MOONHOOK_OUTAGE") == NULL)
		cr_skip_test("make outage runs it");
	open_server();
	configure("localhost", good_ca, PASSWORD_LINE);
	cr_assert(daemon_start(&d, NULL, NULL));
	flow_send(&flow, 20, 0);
	cr_expect(flow_rests(&flow));
	certify("localhost", -3600);
	cr_assert(postgres_quit(&server));
	cr_assert(postgres_again(&server, NULL));
	flow_send(&flow, 100, 10);
	cr_expect(process_await(spool_is_used, NULL, 30000));
	cr_expect(daemon_logged(&d, "has it expired", 30000));
	cr_expect(process_alive(&d.process));
	certify("localhost", DAY_S);
	flow_expect(&flow);
	cr_expect(process_await(daemon_ready, &d, 60000));
	cr_expect_eq(daemon_stop(&d), 0);
	expect_clean_log();
}
