/* SPDX-License-Identifier: MIT */
/*
 * Does the database keep what it is given, and is it quick enough for it?
 * From: doctor.c, with what queue_server_read and queue_peer_each have seen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"

#define SLOW_ROUND_US 5000
#define SLOW_COMMIT_US 50000
#define CLOCK_MS 1000
#define CONNECTIONS_SPARE 10 /* a daemon needs up to five, a command one or two */
#define DEAD_MANY 100000
#define QUIET_MS 5000

static double ms_of(int64_t us)
{
	return (double)us / 1000;
}

/* As queue/postgres/link.c decides it at each start. */
static void judge_durability(struct findings *f, const struct queue_server *s)
{
	const char *commit = s->synchronous_commit;
	bool weak = commit[0] != '\0' && strcmp(commit, "on") != 0 &&
		    strcmp(commit, "remote_apply") != 0;
	if (s->fsync && s->pages && !weak)
		return;
	char what[60];
	snprintf(what, sizeof(what), "%s = %s",
		!s->fsync   ? "fsync"
		: !s->pages ? "full_page_writes"
			    : "synchronous_commit",
		!s->fsync || !s->pages ? "off" : commit);
	struct finding *row = finding_put(f, "store", s->relaxed ? FINDING_WARN : FINDING_FAIL,
		"%s has %s: what it confirms may be lost with its power%s", s->name, what,
		s->relaxed ? "; database.durability allows that" : "");
	finding_fix(row, s->relaxed ? "turn it on"
				    : "turn it on, or allow it by name: database = { durability = "
				      "\"relaxed\" }; no daemon starts before");
}

/* What follows from it when the other host takes over. */
static void judge_failover(struct findings *f, const struct queue_server *s)
{
	if (!s->several || s->standbys[0] != '\0')
		return;
	struct finding *row = finding_put(f, "store", FINDING_WARN,
		"%s confirms before another disk has it (synchronous_standby_names is empty): a "
		"failover loses what had not arrived there, and an old primary that comes back "
		"would take deliveries beside the new one",
		s->name);
	finding_fix(row, "name the standby on each of the hosts: ALTER SYSTEM SET "
			 "synchronous_standby_names = 'ANY 1 (*)'");
}

static void judge_way(struct findings *f, const struct queue_server *s)
{
	struct finding *row;
	if (!s->near && s->tls[0] == '\0') {
		row = finding_put(f, "store", FINDING_WARN,
			"the way to %s is not encrypted: customers' data goes over it in the clear",
			s->name);
		finding_fix(row, "add sslmode=verify-full&sslrootcert=FILE to the address");
	}
	if (s->round_us > SLOW_ROUND_US) {
		row = finding_put(f, "store", FINDING_WARN,
			"%s is %.1f ms away, and each step of a run waits for it", s->name,
			ms_of(s->round_us));
		finding_fix(row, "let it work in the same place as receivers and runners");
	}
	if (s->commit_us > SLOW_COMMIT_US) {
		row = finding_put(f, "store", FINDING_WARN,
			"%s takes %.0f ms to make something durable, and each delivery waits for "
			"that",
			s->name, ms_of(s->commit_us));
		finding_fix(row, "give it a faster disk, or a synchronous replica that is nearer");
	} else if (s->commit_problem[0] != '\0') {
		finding_put(f, "store", FINDING_WARN, "how long a commit takes is not known: %s",
			s->commit_problem);
	}
}

static void judge_clocks(struct findings *f, const struct queue_server *s)
{
	int64_t off_ms = s->ahead_ms < 0 ? -s->ahead_ms : s->ahead_ms;
	if (off_ms - s->ahead_off_ms <= CLOCK_MS)
		return;
	struct finding *row = finding_put(f, "clock", FINDING_WARN,
		"the clock of %s is %.1f s %s that of this machine: runs that wait for a time "
		"start "
		"so much too early or too late",
		s->name, (double)off_ms / 1000, s->ahead_ms > 0 ? "ahead of" : "behind");
	finding_fix(row, "have both machines set their clocks: timedatectl set-ntp true");
}

static void judge_places(struct findings *f, const struct queue_server *s)
{
	int64_t left = s->connections_max - s->connections_n;
	if (s->connections_max == 0 || left >= CONNECTIONS_SPARE)
		return;
	struct finding *row = finding_put(f, "store", left > 0 ? FINDING_WARN : FINDING_FAIL,
		"%s has %" PRId64 " of %" PRId64 " connections left (%" PRId64 " are Moonhook's)",
		s->name, left > 0 ? left : 0, s->connections_max, s->ours_n);
	finding_fix(row, "raise its max_connections, or end what uses them");
}

static void judge_vacuum(struct findings *f, const struct queue_server *s)
{
	struct finding *row = NULL;
	if (!s->vacuum)
		row = finding_put(f, "store", FINDING_WARN,
			"autovacuum of %s is off: tables grow, and each claim gets slower",
			s->name);
	else if (s->unvacuumed[0] != '\0')
		row = finding_put(f, "store", FINDING_WARN,
			"autovacuum of the table %s.%s is off: it grows, and each claim gets "
			"slower",
			s->schema, s->unvacuumed);
	if (row != NULL)
		finding_fix(row,
			s->vacuum ? "ALTER TABLE %s.%s RESET (autovacuum_enabled)" : "turn it on",
			s->schema, s->unvacuumed);
	if (s->worst_dead_n < DEAD_MANY || s->worst_dead_n < s->worst_rows_n)
		return;
	row = finding_put(f, "store", FINDING_WARN,
		"of the table %s.%s %" PRId64 " rows are dead, and %" PRId64
		" alive: autovacuum does not keep up, or an old transaction keeps it from its work",
		s->schema, s->worst, s->worst_dead_n, s->worst_rows_n);
	finding_fix(row, "look for the oldest xact_start in pg_stat_activity; then VACUUM %s.%s",
		s->schema, s->worst);
}

static void put_good(struct findings *f, const struct queue_server *s)
{
	char commit[40] = "", schema[120] = "none yet";
	if (s->commit_us >= 0)
		snprintf(commit, sizeof(commit), ", a commit takes %.1f ms", ms_of(s->commit_us));
	if (s->schema_version != 0)
		snprintf(schema, sizeof(schema), "%s, %.1f MB", s->schema,
			(double)s->used_bytes / 1e6);
	struct finding *row = finding_put(f, "store", FINDING_OK,
		"store: %s, version %.*s, schema %s, %s, %.1f ms away%s", s->name,
		(int)strcspn(s->version, " "), s->version, schema,
		s->tls[0] != '\0' ? s->tls : "not encrypted", ms_of(s->round_us), commit);
	row->brief = true;
	if (s->part != NULL)
		finding_put(f, "store", FINDING_OK,
			"user \"%s\" may do what a %s needs, and no more: right for a machine that "
			"only has that",
			s->user, s->part);
}

void judge_server(struct findings *findings, const struct queue_server *s)
{
	struct err err = {.msg = ""};
	size_t before = findings->n;
	if (queue_server_check(s, &err) != RC_OK)
		finding_put(findings, "store", FINDING_FAIL, "%s", err.msg);
	else if (s->schema_version != 0 && s->schema_version < s->schema_newest)
		finding_fix(finding_put(findings, "store", FINDING_WARN,
				    "schema %s of %s is of an older Moonhook (version %d, this one "
				    "makes "
				    "%d)",
				    s->schema, s->name, s->schema_version, s->schema_newest),
			"the next start of a receiver or a runner brings it up to date");
	judge_durability(findings, s);
	judge_failover(findings, s);
	judge_way(findings, s);
	judge_clocks(findings, s);
	judge_places(findings, s);
	judge_vacuum(findings, s);
	for (size_t i = before; i < findings->n; i++)
		if (findings->p[i].level == FINDING_FAIL)
			return;
	put_good(findings, s);
}

/* --- who works there ----------------------------------------------------------------------------
 */

enum rc judge_peer_note(void *ctx, const struct queue_peer *peer, struct err *err)
{
	struct peer_facts *facts = ctx;
	(void)err;
	facts->runners_n++;
	facts->running_n += peer->running_n;
	if (peer->leads)
		snprintf(facts->leader, sizeof(facts->leader), "%s", peer->name);
	if (peer->quiet_ms > QUIET_MS)
		snprintf(facts->quiet, sizeof(facts->quiet), "%s", peer->name);
	return RC_OK;
}

void judge_peers(struct findings *findings, const struct peer_facts *facts)
{
	struct finding *row;
	if (facts->runners_n == 0) {
		row = finding_put(findings, "runners", FINDING_WARN,
			"no runner works on the store: what comes is kept, and waits");
		finding_fix(row, "moonhook serve --only runner");
		return;
	}
	if (facts->quiet[0] != '\0')
		finding_put(findings, "runners", FINDING_WARN,
			"runner %s gives no sign of life: what it has claimed is taken up by "
			"others",
			facts->quiet);
	if (facts->leader[0] == '\0')
		finding_put(findings, "runners", FINDING_WARN,
			"no runner leads at the moment: nothing new is started before one does");
	else
		finding_put(findings, "runners", FINDING_OK,
			"%" PRId64 " runner%s on the store, %s leads", facts->runners_n,
			facts->runners_n == 1 ? "" : "s", facts->leader);
}
