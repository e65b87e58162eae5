/* SPDX-License-Identifier: MIT */
/*
 * Receivers and runners as processes, and who kills them.
 * From: tests and bench-order. To: crew_hand.c, which does their work; the table of leases, where
 * time is made to pass for who is dead or stands still. Here is the parent: it starts who is
 * missing, and ends when the store says that every event has.
 */
#include "tests/harness/crew.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "queue/queue.h"
#include "tests/harness/crew_hand.h"

#define PATIENCE_MS 60000 /* without anything new: it has come to a stop */

struct frozen {
	pid_t pid; /* 0: nobody is */
	int64_t until_ms;
};

struct crew {
	const struct crew_conf *conf;
	struct crew_result *result;
	struct crew_share *share;
	pid_t receivers[CREW_MAX], runners[CREW_MAX];
	struct frozen frozen;
	uint64_t random;
	struct queue *reader;
	struct err *err;
};

static size_t below(struct crew *c, size_t n)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (size_t)(c->random % n);
}

/* --- leases ----------------------------------------------------------------------------------- */

/* Time passes for one process: its lease on the store is over, and its lead with it. */
static void end_lease(struct crew *c, pid_t pid)
{
	const char *schema = strstr(c->conf->store, "schema=") - 1;
	char uri[160], sql[600];
	snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(c->conf->store, "?"), c->conf->store);
	snprintf(sql, sizeof(sql),
		"UPDATE %s.leader SET until = '-infinity' WHERE runner NOT IN (SELECT id FROM "
		"%s.runner"
		" WHERE name NOT LIKE '%%:%ld'); UPDATE %s.runner SET until = '-infinity'"
		" WHERE name LIKE '%%:%ld'",
		schema + 8, schema + 8, (long)pid, schema + 8, (long)pid);
	PGconn *conn = PQconnectdb(uri);
	PGresult *r = PQexec(conn, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fprintf(stderr, "crew: %s", PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
}

/* --- starts and ends -------------------------------------------------------------------------- */

static pid_t start(struct crew *c, size_t i, int (*hand)(struct crew_share *, size_t))
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(getppid() == parent ? hand(c->share, i) : 1);
}

static void start_missing(struct crew *c)
{
	for (size_t i = 0; i < c->conf->receivers; i++)
		if (c->receivers[i] == 0)
			c->receivers[i] = start(c, i, crew_receive);
	for (size_t i = 0; i < c->conf->runners; i++)
		if (c->runners[i] == 0) {
			c->share->lives[i] = crew_model_life(c->share->model, i);
			c->runners[i] = start(c, i, crew_work);
		}
}

/* A receiver that has ended in order has sent all that is its own, and is not missed. */
static void bury_receivers(struct crew *c)
{
	for (size_t i = 0; i < c->conf->receivers; i++) {
		int status = 0;
		if (c->receivers[i] > 0 && waitpid(c->receivers[i], &status, WNOHANG) > 0)
			c->receivers[i] = status == 0 ? -1 : 0;
	}
}

static void bury_runners(struct crew *c)
{
	for (size_t i = 0; i < c->conf->runners; i++) {
		int status = 0;
		pid_t pid = c->runners[i];
		if (pid <= 0 || waitpid(pid, &status, WNOHANG) <= 0)
			continue;
		c->result->broken += WIFEXITED(status);
		crew_model_lose(c->share->model, i, pid, 0);
		end_lease(c, pid);
		if (c->frozen.pid == pid)
			c->frozen.pid = 0;
		c->runners[i] = 0;
	}
}

static void kill_one(struct crew *c)
{
	size_t i = below(c, c->conf->runners + c->conf->receivers);
	if (i >= c->conf->runners) {
		i -= c->conf->runners;
		if (c->receivers[i] <= 0)
			return;
		(void)kill(c->receivers[i], SIGKILL);
	} else {
		if (c->runners[i] <= 0 || c->runners[i] == c->frozen.pid)
			return;
		crew_model_lose(c->share->model, i, c->runners[i], SIGKILL);
	}
	c->result->kills++;
}

static void freeze_one(struct crew *c)
{
	size_t i = below(c, c->conf->runners);
	if (c->runners[i] <= 0 || c->frozen.pid != 0)
		return;
	crew_model_lose(c->share->model, i, c->runners[i], SIGSTOP);
	c->frozen = (struct frozen){c->runners[i], clock_mono_ms() + 100};
	if (!c->conf->unfenced)
		end_lease(c, c->runners[i]);
	c->result->freezes++;
}

static void thaw(struct crew *c)
{
	if (c->frozen.pid == 0 || clock_mono_ms() < c->frozen.until_ms)
		return;
	(void)kill(c->frozen.pid, SIGCONT);
	c->frozen.until_ms = INT64_MAX; /* its own end is next */
}

/* Spread over the whole of it: the n-th when that much of the work is done. */
static void strike(struct crew *c, size_t started)
{
	const struct crew_conf *conf = c->conf;
	size_t most = conf->kills + conf->freezes + 1;
	size_t so_far = c->result->kills + c->result->freezes;
	if (so_far + 1 >= most || started * most < (so_far + 1) * conf->events)
		return;
	if (c->result->freezes < conf->freezes &&
		(c->result->kills >= conf->kills || so_far % 2 != 0))
		freeze_one(c);
	else if (c->result->kills < conf->kills)
		kill_one(c);
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum rc look(struct crew *c, size_t *ret_ended)
{
	struct queue_counts counts = {0};
	enum rc rc = c->reader != NULL
			     ? RC_OK
			     : queue_open(c->conf->store, QUEUE_READER, &c->reader, c->err);
	if (rc == RC_NOT_FOUND || rc == RC_BUSY) /* nobody has made it so far */
		return RC_OK;
	if (rc == RC_OK)
		rc = queue_count(c->reader, &counts, c->err);
	for (int state = 0; rc == RC_OK && state < QUEUE_STATE_N; state++)
		if (queue_state_ended((enum queue_state)state))
			*ret_ended += (size_t)counts.runs[state];
	return rc;
}

static enum rc go(struct crew *c)
{
	int64_t new_ms = clock_mono_ms(), look_ms = 0;
	size_t last = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && c->result->ended < c->conf->events) {
		struct crew_tally tally = crew_model_tally(c->share->model);
		bury_receivers(c);
		bury_runners(c);
		start_missing(c);
		strike(c, c->conf->events - tally.never);
		thaw(c);
		usleep(2000);
		if (tally.starts != last)
			new_ms = clock_mono_ms();
		last = tally.starts;
		if (clock_mono_ms() - new_ms > PATIENCE_MS)
			return err_set(c->err, RC_TIMEOUT,
				"it has come to a stop: %zu of %zu events ended", c->result->ended,
				c->conf->events);
		if (clock_mono_ms() < look_ms)
			continue;
		size_t ended = 0;
		rc = look(c, &ended);
		c->result->ended = ended;
		look_ms = clock_mono_ms() + 50;
	}
	return rc;
}

/* Who was frozen late still has to say what it wanted to write. */
static void end_all(struct crew *c)
{
	int64_t end = clock_mono_ms() + 10000;
	while (c->frozen.pid != 0 && clock_mono_ms() < end) {
		thaw(c);
		bury_runners(c);
		usleep(2000);
	}
	for (size_t i = 0; i < CREW_MAX; i++) {
		const pid_t pids[] = {c->receivers[i], c->runners[i]};
		for (size_t p = 0; p < ARRAY_N(pids); p++) {
			if (pids[p] <= 0)
				continue;
			(void)kill(pids[p], SIGKILL);
			(void)waitpid(pids[p], NULL, 0);
		}
	}
}

enum rc crew_run(const struct crew_conf *conf, struct crew_result *ret_result, struct err *err)
{
	struct crew c = {
		.conf = conf, .result = ret_result, .err = err, .random = conf->seed * 2 + 1};
	int64_t from_ms = clock_mono_ms();
	*ret_result = (struct crew_result){.ended = 0};
	c.share = crew_share_new(conf);
	enum rc rc = c.share != NULL ? go(&c) : err_set(err, RC_NOMEM, "no memory for the model");
	if (c.share != NULL) {
		end_all(&c);
		ret_result->tally = crew_model_tally(c.share->model);
	}
	queue_close(c.reader);
	crew_share_free(c.share);
	ret_result->took_ms = clock_mono_ms() - from_ms;
	return rc;
}

size_t crew_wrong(const struct crew_result *r)
{
	const struct crew_tally *t = &r->tally;
	return t->inversions + t->overlaps + t->twice + t->accepted + t->never;
}

void crew_print(const struct crew_conf *conf, const struct crew_result *r)
{
	const struct crew_tally *t = &r->tally;
	printf("order, postgres%s%s, seed %" PRIu64 ": %zu receivers, %zu runners, %zu events over "
	       "%zu records: %zu starts, %zu released, "
	       "%zu killed, %zu frozen, %zu begun anew, %zu runs rescued, %zu late writes refused, "
	       "%zu "
	       "accepted; %zu lost, %zu twice, %zu inversions, %zu overlaps; %.1f s\n",
		conf->keyless ? ", without keys" : "", conf->unfenced ? ", without fences" : "",
		conf->seed, conf->receivers, conf->runners, r->ended, conf->records, t->starts,
		t->retries, r->kills, r->freezes, r->broken, t->rescued, t->refused, t->accepted,
		t->never, t->twice, t->inversions, t->overlaps, (double)r->took_ms / 1000);
	fflush(stdout);
}
