/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL servers for tests.
 * The server refuses to run as root: where we are root it runs as the user postgres, whom the
 * package has made. A guard, a small shell, waits for the end of the process that it works for and
 * takes the server and its folder with it.
 */
#include "tests/harness/postgres.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/harness/port.h"

#define BIN "/usr/lib/postgresql/15/bin"
#define START_MS 60000

/* --- commands --------------------------------------------------------------------------------- */

static void become_postgres(void)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
	if (user != NULL && (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
		_exit(126);
}

/* Starts a shell line in a session of its own, its output in a file; GIVES its pid. */
static pid_t spawn(const char *line, const char *log, bool as_postgres)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	(void)setsid();
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	int in = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (in >= 0)
		(void)dup2(in, 0);
	if (out >= 0) {
		(void)dup2(out, 1);
		(void)dup2(out, 2);
	}
	for (int fd = 3; fd < 1024; fd++)
		(void)close(fd);
	if (as_postgres)
		become_postgres();
	if (chdir("/") != 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static bool run(const char *line, const char *log, bool as_postgres)
{
	int status = -1;
	pid_t pid = spawn(line, log, as_postgres);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void show(const char *log)
{
	char line[300];
	FILE *f = fopen(log, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		fprintf(stderr, "postgres: %s", line);
	if (f != NULL)
		fclose(f);
}

/* --- one server ------------------------------------------------------------------------------- */

static pid_t postmaster_pid(const struct postgres_server *s)
{
	char path[100];
	long pid = 0;
	snprintf(path, sizeof(path), "%s/data/postmaster.pid", s->folder);
	FILE *f = fopen(path, "r");
	if (f != NULL && fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	if (f != NULL)
		fclose(f);
	return (pid_t)pid;
}

static bool answers(const struct postgres_server *s)
{
	return PQping(s->url) == PQPING_OK;
}

static bool launch(struct postgres_server *s, const char *options)
{
	char line[1200], log[80];
	snprintf(log, sizeof(log), "%s/log", s->folder);
	snprintf(line, sizeof(line),
		"exec " BIN "/postgres -D %s/data -p %d -c listen_addresses=127.0.0.1"
		" -c unix_socket_directories= -c max_connections=100 -c shared_buffers=64MB"
		" -c log_min_messages=warning -c wal_level=replica %s",
		s->folder, s->port, options != NULL ? options : "");
	pid_t pid = spawn(line, log, true);
	for (int64_t end = clock_mono_ms() + START_MS; pid > 0 && clock_mono_ms() < end;) {
		if (answers(s)) {
			s->pid = postmaster_pid(s);
			return s->pid == pid;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		usleep(20000);
	}
	show(log);
	return false;
}

/* Ends the server, and removes its folder, when the process `owner` is gone. */
static pid_t guard(const struct postgres_server *s, pid_t owner)
{
	char line[600];
	snprintf(line, sizeof(line),
		"while kill -0 %ld 2>/dev/null; do sleep 0.5; done; "
		"p=$(head -n 1 %s/data/postmaster.pid 2>/dev/null) && kill -QUIT $p; "
		"n=0; while [ -e %s/data/postmaster.pid ] && [ $n -lt 40 ]; do n=$((n+1)); sleep "
		"0.1;"
		" done; rm -rf %s",
		(long)owner, s->folder, s->folder, s->folder);
	return spawn(line, "/dev/null", false);
}

static bool make_folder(struct postgres_server *s)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
	snprintf(s->folder, sizeof(s->folder), "/tmp/moonhook-postgres-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return false;
	return user == NULL || chown(s->folder, user->pw_uid, user->pw_gid) == 0;
}

static bool start_for(struct postgres_server *s, pid_t owner, bool durable, const char *options)
{
	char line[400], log[80];
	*s = (struct postgres_server){.port = port_free()};
	if (s->port <= 0 || !make_folder(s))
		return false;
	snprintf(log, sizeof(log), "%s/log", s->folder);
	snprintf(line, sizeof(line),
		BIN "/initdb -D %s/data -U moonhook -A trust --no-sync -E UTF8 --locale=C.UTF-8",
		s->folder);
	s->guard = guard(s, owner);
	if (!run(line, log, true)) {
		show(log);
		return false;
	}
	/* What a restart needs to know, too. */
	snprintf(line, sizeof(line), "echo \"fsync = %s\" >>%s/data/postgresql.conf",
		durable ? "on" : "off", s->folder);
	snprintf(s->url, sizeof(s->url), "postgres://moonhook@127.0.0.1:%d/postgres", s->port);
	return run(line, log, true) && launch(s, options);
}

bool postgres_start(struct postgres_server *server, bool durable, const char *options)
{
	return start_for(server, getpid(), durable, options);
}

/* --- two of them ------------------------------------------------------------------------------ */

bool postgres_do(const struct postgres_server *server, const char *sql)
{
	PGconn *conn = PQconnectdb(server->url);
	PGresult *r = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(r);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	if (!ok)
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
	return ok;
}

/* Does it answer this question with "t"? Asked until it does, over another connection where one has
 * ended. */
static bool await_true(const struct postgres_server *server, const char *sql)
{
	bool yes = false;
	PGconn *conn = PQconnectdb(server->url);
	for (int64_t end = clock_mono_ms() + START_MS; !yes && clock_mono_ms() < end;) {
		PGresult *r = PQexec(conn, sql);
		yes = PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), "t") == 0;
		PQclear(r);
		if (!yes)
			usleep(20000);
		if (!yes && PQstatus(conn) != CONNECTION_OK)
			PQreset(conn);
	}
	if (!yes)
		fprintf(stderr, "never true: %s: %s\n", sql, PQerrorMessage(conn));
	PQfinish(conn);
	return yes;
}

bool postgres_follow(struct postgres_server *standby, const struct postgres_server *primary)
{
	char line[400], log[80];
	*standby = (struct postgres_server){.port = port_free()};
	if (standby->port <= 0 || !make_folder(standby))
		return false;
	snprintf(log, sizeof(log), "%s/log", standby->folder);
	snprintf(line, sizeof(line),
		BIN "/pg_basebackup -D %s/data -R -X stream -c fast --no-sync -d \"host=127.0.0.1 "
		    "port=%d "
		    "user=moonhook application_name=standby\"",
		standby->folder, primary->port);
	snprintf(standby->url, sizeof(standby->url), "postgres://moonhook@127.0.0.1:%d/postgres",
		standby->port);
	standby->guard = guard(standby, getpid());
	if (!run(line, log, true)) {
		show(log);
		return false;
	}
	return launch(standby, NULL) &&
	       postgres_do(primary, "ALTER SYSTEM SET synchronous_standby_names = 'standby'") &&
	       postgres_do(primary, "SELECT pg_reload_conf()") &&
	       await_true(primary, "SELECT count(*) = 1 FROM pg_stat_replication"
				   " WHERE sync_state = 'sync' AND state = 'streaming'");
}

bool postgres_promote(const struct postgres_server *standby)
{
	return await_true(standby,
		"SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) AND NOT"
		" pg_is_in_recovery() ELSE true END");
}

/* --- its end ---------------------------------------------------------------------------------- */

static void await_end(struct postgres_server *s)
{
	for (int i = 0; i < 1000 && s->pid > 0 && kill(s->pid, 0) == 0; i++) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
		usleep(10000);
	}
	s->pid = 0;
}

bool postgres_kill(struct postgres_server *server)
{
	char line[200];
	if (server->pid <= 0)
		return false;
	/* The others notice that it is gone and end; with SIGKILL they do so at once. */
	snprintf(line, sizeof(line), "pkill -KILL -P %ld; kill -KILL %ld", (long)server->pid,
		(long)server->pid);
	(void)kill(server->pid, SIGSTOP); /* it must not bury its children one by one */
	(void)run(line, "/dev/null", false);
	await_end(server);
	return true;
}

bool postgres_quit(struct postgres_server *server)
{
	if (server->pid <= 0)
		return false;
	(void)kill(server->pid, SIGQUIT);
	await_end(server);
	return true;
}

void postgres_halt(struct postgres_server *server)
{
	if (server->pid > 0)
		(void)kill(server->pid, SIGINT);
	await_end(server);
}

bool postgres_again(struct postgres_server *server, const char *options)
{
	return launch(server, options);
}

void postgres_stop(struct postgres_server *server)
{
	char line[160];
	if (server->pid > 0)
		(void)kill(server->pid, SIGQUIT);
	await_end(server);
	if (server->guard > 0) {
		(void)kill(-server->guard, SIGKILL);
		(void)waitpid(server->guard, NULL, 0);
	}
	snprintf(line, sizeof(line), "rm -rf %s", server->folder);
	if (server->folder[0] != '\0')
		(void)run(line, "/dev/null", false);
	*server = (struct postgres_server){0};
}

/* --- the one that is shared ------------------------------------------------------------------- */

#define PLACE "MOONHOOK_TESTS_POSTGRES" /* a folder, in the environment of all tests */

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
	char folder[] = "/tmp/moonhook-tests-XXXXXX", owner[24];
	(void)set;
	if (mkdtemp(folder) == NULL)
		return;
	snprintf(owner, sizeof(owner), "%ld", (long)getpid());
	(void)setenv(PLACE, folder, 1);
	(void)setenv(PLACE "_OWNER", owner, 1);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	const char *place = getenv(PLACE);
	char path[120], text[64];
	long pid = 0;
	(void)stats;
	if (place == NULL)
		return;
	snprintf(path, sizeof(path), "%s/server", place);
	FILE *f = fopen(path, "r");
	if (f != NULL && fscanf(f, "%63s %ld", text, &pid) == 2 && pid > 0)
		(void)kill((pid_t)pid, SIGQUIT);
	if (f != NULL)
		fclose(f);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/lock", place);
	(void)unlink(path);
	(void)rmdir(place);
}

/* Under the lock: what the first has written, or a server of our own for all. */
static bool find_or_start(const char *place, char *url, size_t url_n)
{
	char path[160], part[170], text[128];
	long pid = 0;
	snprintf(path, sizeof(path), "%s/server", place);
	FILE *f = fopen(path, "r");
	if (f != NULL) {
		bool ok = fscanf(f, "%127s %ld", text, &pid) == 2;
		fclose(f);
		snprintf(url, url_n, "%s", text);
		return ok;
	}
	struct postgres_server s;
	const char *owner = getenv(PLACE "_OWNER");
	if (owner == NULL || !start_for(&s, (pid_t)strtol(owner, NULL, 10), false, NULL))
		return false;
	snprintf(part, sizeof(part), "%s.part", path);
	f = fopen(part, "w");
	if (f == NULL)
		return false;
	fprintf(f, "%s %ld\n", s.url, (long)s.pid);
	fclose(f);
	snprintf(url, url_n, "%s", s.url);
	return rename(part, path) == 0;
}

const char *postgres_shared(void)
{
	static char url[128];
	char path[160];
	const char *place = getenv(PLACE);
	if (url[0] != '\0' || place == NULL)
		return url[0] != '\0' ? url : NULL;
	snprintf(path, sizeof(path), "%s/lock", place);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	bool ok = flock(fd, LOCK_EX) == 0 && find_or_start(place, url, sizeof(url));
	close(fd);
	return ok ? url : NULL;
}

bool postgres_store(char *out, size_t out_n)
{
	static int n;
	const char *url = postgres_shared();
	if (url == NULL)
		return false;
	snprintf(out, out_n, "%s?durability=relaxed&schema=s%ld_%d", url, (long)getpid(), n++);
	return true;
}

void postgres_store_drop(const char *store)
{
	const char *schema = strstr(store, "&schema=");
	char uri[160], sql[120];
	if (schema == NULL)
		return;
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(store, "?"), store);
	snprintf(sql, sizeof(sql),
		"SET client_min_messages = warning; DROP SCHEMA IF EXISTS %.*s CASCADE",
		(int)strcspn(schema + 8, "&"), schema + 8);
	PGconn *conn = PQconnectdb(uri);
	PQclear(PQexec(conn, sql));
	PQfinish(conn);
}

bool postgres_say(const char *store, const char *user, const char *sql, char ret_text[static 200])
{
	char url[200], set[120];
	const char *at = strchr(store, '@');
	snprintf(url, sizeof(url), "postgres://%s%.*s", user != NULL ? user : "moonhook",
		(int)strcspn(at, "?"), at);
	snprintf(set, sizeof(set), "SET search_path = %s", strstr(store, "schema=") + 7);
	PGconn *conn = PQconnectdb(url);
	PQclear(PQexec(conn, set));
	PGresult *result = PQexec(conn, sql);
	bool fine = PQresultStatus(result) == PGRES_COMMAND_OK ||
		    PQresultStatus(result) == PGRES_TUPLES_OK;
	snprintf(ret_text, 200, "%s",
		!fine                   ? PQerrorMessage(conn)
		: PQntuples(result) > 0 ? PQgetvalue(result, 0, 0)
					: "");
	PQclear(result);
	PQfinish(conn);
	return fine;
}
