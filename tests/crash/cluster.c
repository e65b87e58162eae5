/* SPDX-License-Identifier: MIT */
/*
 * Sets the stage of many machines, kills, freezes, and brings back.
 * From: cluster_kills.c. To: the programs, from outside: configuration files, signals; the
 * database, as a power cut or an administrator would. What is counted is cluster_count.c's.
 */
#include "tests/crash/cluster.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "cli/exit.h"
#include "queue/cluster.h"
#include "tests/harness/port.h"

#define DARK_MS 2500 /* without a database, at most */
#define AGAIN_MS 300 /* after a start that was too early */
#define BRIEF_LEASE_MS 4000

/* --- one member ------------------------------------------------------------------------------- */

static bool member_configure(struct cluster *c, struct member *m, const struct cluster_conf *conf)
{
	char text[2048], file[40];
	m->hook_port = port_free();
	m->console_port = port_free();
	snprintf(text, sizeof(text),
		"listen = \"127.0.0.1:%d\"\nconsole = { listen = \"127.0.0.1:%d\" }\n"
		"control = \"%s/%s.sock\"\nstore = \"%s\"\nspool = { folder = \"%s/%s.spool\", max "
		"= \"%s\" }\n"
		"rules = \"%s\"\nworkers = 1\n"
		"twenty = { url = \"%s\", key = \"" HOUSE_KEY "\", budget = \"none\" }\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { \"" HOUSE_SECRET "\" } }\n"
		"log = { level = \"info\", format = \"json\" }\n",
		m->hook_port, m->console_port, c->house.dir, m->name, c->store, c->house.dir,
		m->name, conf->spools ? "1GB" : "0", c->house.rules, c->house.twin_url);
	snprintf(file, sizeof(file), "%s.lua", m->name);
	snprintf(m->config, sizeof(m->config), "%s/%s", c->house.dir, file);
	return process_write(c->house.dir, file, text);
}

static bool member_launch(struct cluster *c, struct member *m)
{
	const char *only = m < c->members + CLUSTER_RECEIVERS ? "receiver" : "runner";
	const char *argv[] = {
		process_path("moonhook"), "serve", "--config", m->config, "--only", only, NULL};
	return process_start(&m->process, c->house.dir, m->name, argv, NULL);
}

static bool member_ready(void *member)
{
	const struct member *m = member;
	char url[64];
	struct http_answer answer;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/readyz", m->console_port);
	bool ok = http_request("GET", url, NULL, NULL, 0, &answer) && answer.status == 200;
	http_answer_done(&answer);
	return ok;
}

static bool member_runs(struct member *m)
{
	return m->process.pid != 0 && process_wait(&m->process, 0) == -1;
}

static bool member_await(struct member *m)
{
	if (process_await(member_ready, m, 60000))
		return true;
	char *why = process_read(m->process.err);
	fprintf(stderr, "crash: %s did not become ready:\n%s\n", m->name, why != NULL ? why : "");
	free(why);
	return false;
}

static void member_signal(struct member *m, int signal)
{
	struct kin all;
	if (m->process.pid == 0)
		return;
	kin_all(m->process.pid, &all);
	for (size_t i = 0; i < all.n; i++)
		(void)kill(all.pid[i], signal);
}

/* --- the stage -------------------------------------------------------------------------------- */

static bool start_all(struct cluster *c, const struct cluster_conf *conf)
{
	static const char *const names[CLUSTER_N] = {
		"receiver-1", "receiver-2", "runner-1", "runner-2", "runner-3"};
	struct stream_conf stream = {.repeats = !conf->careless, .careless = conf->careless};
	for (size_t i = 0; i < CLUSTER_N; i++) {
		struct member *m = &c->members[i];
		snprintf(m->name, sizeof(m->name), "%s", names[i]);
		if (!member_configure(c, m, conf) || !member_launch(c, m))
			return false;
	}
	for (size_t i = 0; i < CLUSTER_N; i++)
		if (!member_await(&c->members[i]))
			return false;
	for (size_t i = 0; i < STREAM_PORTS; i++)
		stream.ports[i] = c->members[i].hook_port;
	return stream_start(&c->stream, c->house.dir, &stream, HOUSE_SECRET);
}

bool cluster_open(struct cluster *c, const struct cluster_conf *conf, struct dice dice)
{
	*c = (struct cluster){.dice = dice,
		.quiet = conf->quiet,
		.freeze_ms = conf->brief ? BRIEF_LEASE_MS * 5 / 4 : 2 * QUEUE_LEASE_MS};
	/* What a dead supervisor leaves behind comes to us, so that we know when it is gone. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct house_conf house = {.no_webhooks = true,
		.no_daemon = true,
		.twin_args = "--budget none --latency 3 --records 4 --seed 7",
		.budget = "none"};
	if (!house_rule(&c->house, "crash.lua", events_rules) || !house_open(&c->house, &house))
		return false;
	if (!postgres_start(&c->server, true, NULL))
		return false;
	snprintf(c->store, sizeof(c->store), "%s?lease=%dms", c->server.url,
		conf->brief ? BRIEF_LEASE_MS : QUEUE_LEASE_MS);
	return start_all(c, conf);
}

/* Collects what has ended and is nobody's. Is anybody left who is not needed any more? */
static bool orphans_left(struct cluster *c)
{
	struct kin kin;
	bool left = false;
	kin_children(getpid(), &kin);
	for (size_t i = 0; i < kin.n; i++) {
		pid_t pid = kin.pid[i];
		bool known = pid == c->house.twin.pid || pid == c->stream.pid ||
			     pid == c->server.pid || pid == c->server.guard;
		for (size_t m = 0; m < CLUSTER_N; m++)
			known = known || pid == c->members[m].process.pid;
		if (!known && waitpid(pid, NULL, WNOHANG) == 0)
			left = true;
	}
	return left;
}

static void kill_all_members(struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_N; i++)
		member_signal(&c->members[i], SIGKILL);
	for (size_t i = 0; i < CLUSTER_N; i++)
		if (c->members[i].process.pid != 0)
			(void)process_wait(&c->members[i].process, 10000);
	for (int64_t end = clock_mono_ms() + 10000; orphans_left(c) && clock_mono_ms() < end;)
		stage_pause_ms(5);
}

/* For who wants to know more, with MOONHOOK_KEEP. */
static void keep_store(struct cluster *c)
{
	struct process dump = {.pid = 0};
	const char *argv[] = {"/usr/bin/pg_dump", "--inserts", c->server.url, NULL};
	if (getenv("MOONHOOK_KEEP") != NULL && c->server.pid > 0)
		(void)process_run(&dump, c->house.dir, "store", argv, NULL, 20000);
}

void cluster_close(struct cluster *c)
{
	keep_store(c);
	stream_stop(&c->stream);
	queue_close(c->reader);
	c->reader = NULL;
	kill_all_members(c);
	postgres_stop(&c->server);
	house_close(&c->house);
}

/* --- who is missing --------------------------------------------------------------------------- */

static void tend_member(struct cluster *c, struct member *m)
{
	if (m->thaw_ms != 0 && clock_mono_ms() >= m->thaw_ms) {
		m->thaw_ms = 0;
		member_signal(m, SIGCONT);
	}
	int status = m->process.pid != 0 ? process_wait(&m->process, 0) : 0;
	if (status == -1)
		return;
	/* Without a database a start is tried again by whoever starts daemons. */
	if (status > 0 && status < 128 && status != CLI_BUSY) {
		fprintf(stderr, "crash: %s ended with status %d\n", m->name, status);
		c->gone++;
	}
	m->thaw_ms = 0;
	if (status == CLI_BUSY)
		m->again_ms = clock_mono_ms() + AGAIN_MS;
	if (clock_mono_ms() >= m->again_ms)
		(void)member_launch(c, m);
}

void cluster_tend(struct cluster *c)
{
	(void)orphans_left(c);
	if (c->dark_ms != 0 && clock_mono_ms() >= c->dark_ms)
		c->dark_ms = postgres_again(&c->server, NULL) ? 0 : clock_mono_ms() + 500;
	for (size_t i = 0; i < CLUSTER_N; i++)
		tend_member(c, &c->members[i]);
}

/* --- ends ------------------------------------------------------------------------------------- */

const char *cluster_victim_name(enum cluster_victim victim)
{
	static const char *const said[] = {
#define X(code, name) name,
		CLUSTER_VICTIMS(X)
#undef X
	};
	return said[victim];
}

/* One of them by chance that runs and is not frozen; NULL: this one is not. */
static struct member *pick(struct cluster *c, size_t from, size_t n)
{
	struct member *m = &c->members[from + (size_t)dice_below(&c->dice, (int64_t)n)];
	return member_runs(m) && m->thaw_ms == 0 ? m : NULL;
}

static bool signal_named(struct cluster *c, struct member *m, const char *name, int signal)
{
	struct kin all, fit = {.n = 0};
	if (m == NULL || m->process.pid == 0)
		return false;
	kin_all(m->process.pid, &all);
	for (size_t i = 0; i < all.n; i++)
		if (kin_named(all.pid[i], name))
			fit.pid[fit.n++] = all.pid[i];
	return fit.n > 0 && kill(fit.pid[dice_below(&c->dice, (int64_t)fit.n)], signal) == 0;
}

static bool kill_named(struct cluster *c, struct member *m, const char *name)
{
	return signal_named(c, m, name, SIGKILL);
}

void cluster_lose_requests(struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_RECEIVERS; i++)
		(void)signal_named(c, &c->members[i], "moon-receiver", SIGSTOP);
	stage_pause_ms(300);
	for (size_t i = 0; i < CLUSTER_RECEIVERS; i++)
		(void)signal_named(c, &c->members[i], "moon-receiver", SIGKILL);
}

static bool kill_machine(struct member *m)
{
	if (m == NULL)
		return false;
	member_signal(m, SIGKILL);
	return true;
}

static bool freeze(struct cluster *c, struct member *m)
{
	if (m == NULL)
		return false;
	member_signal(m, SIGSTOP);
	m->thaw_ms = clock_mono_ms() + c->freeze_ms;
	return true;
}

bool cluster_sql(struct cluster *c, const char *sql)
{
	PGconn *conn = PQconnectdb(c->server.url);
	PGresult *r = PQexec(conn, sql);
	bool ok = PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK;
	if (!ok)
		fprintf(stderr, "crash: %s", PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
	return ok;
}

static bool kill_connection(struct cluster *c)
{
	return c->dark_ms == 0 &&
	       cluster_sql(c, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			      " WHERE application_name LIKE 'moonhook%' ORDER BY random() LIMIT 1");
}

static bool kill_database(struct cluster *c, bool (*end)(struct postgres_server *))
{
	if (c->dark_ms != 0 || !end(&c->server))
		return false;
	c->dark_ms = clock_mono_ms() + dice_below(&c->dice, DARK_MS);
	return true;
}

static struct member *find_leader(struct cluster *c)
{
	struct queue_counts counts;
	struct member *leader = NULL;
	return cluster_look(c, &counts, &leader) && leader != NULL && leader->thaw_ms == 0 ? leader
											   : NULL;
}

static bool kill_everything(struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_N; i++)
		member_signal(&c->members[i], SIGKILL);
	return kill_database(c, postgres_kill);
}

bool cluster_kill(struct cluster *c, enum cluster_victim victim)
{
	struct member *runner = pick(c, CLUSTER_RECEIVERS, CLUSTER_RUNNERS);
	switch (victim) {
	case CLUSTER_RECEIVER:
		return kill_named(c, pick(c, 0, CLUSTER_RECEIVERS), "moon-receiver");
	case CLUSTER_RUNNER:
		return kill_named(c, runner, "moon-runner");
	case CLUSTER_LEADER:
		return kill_named(c, find_leader(c), "moon-runner");
	case CLUSTER_WORKER:
		return kill_named(c, runner, "moon-worker");
	case CLUSTER_SUPERVISOR:
		runner = pick(c, 0, CLUSTER_N);
		return runner != NULL && kill(runner->process.pid, SIGKILL) == 0;
	case CLUSTER_MACHINE:
		return kill_machine(pick(c, 0, CLUSTER_N));
	case CLUSTER_CONNECTION:
		return kill_connection(c);
	case CLUSTER_DATABASE:
		return kill_database(c, postgres_kill);
	case CLUSTER_IMMEDIATE:
		return kill_database(c, postgres_quit);
	case CLUSTER_FREEZE:
		return freeze(c, runner);
	case CLUSTER_FREEZE_LEADER:
		return freeze(c, find_leader(c));
	case CLUSTER_ALL:
		return c->dark_ms == 0 && kill_everything(c);
	case CLUSTER_VICTIM_N:
		break;
	}
	return false;
}
