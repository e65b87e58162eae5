/* SPDX-License-Identifier: MIT */
/*
 * Looks into the store of many machines, waits until all has come to rest, counts.
 * From: cluster_kills.c. To: the store as a reader, the twin's records and its log. The database
 * may be away at any moment: then nothing is seen, and the next look opens the store anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "queue/cluster.h"
#include "tests/crash/cluster.h"

struct found_leader {
	struct cluster *c;
	struct member *leader;
};

/* "host:pid": of the runner's process, below one of the daemons. */
static enum rc take_peer(void *ctx, const struct queue_peer *peer, struct err *err)
{
	struct found_leader *f = ctx;
	const char *colon = strrchr(peer->name, ':');
	(void)err;
	if (!peer->leads || colon == NULL)
		return RC_OK;
	pid_t pid = (pid_t)strtol(colon + 1, NULL, 10);
	for (size_t i = CLUSTER_RECEIVERS; i < CLUSTER_N; i++) {
		struct kin all;
		if (f->c->members[i].process.pid == 0)
			continue;
		kin_all(f->c->members[i].process.pid, &all);
		for (size_t k = 0; k < all.n; k++)
			if (all.pid[k] == pid)
				f->leader = &f->c->members[i];
	}
	if (f->leader != NULL)
		f->c->leader = pid;
	return RC_OK;
}

bool cluster_look(struct cluster *c, struct queue_counts *ret_counts, struct member **ret_leader)
{
	struct err err = {.msg = ""};
	struct found_leader found = {.c = c};
	c->leader = 0;
	enum rc rc = c->dark_ms == 0 ? RC_OK : RC_UNREACHABLE;
	if (rc == RC_OK && c->reader == NULL)
		rc = queue_open(c->store, QUEUE_READER, &c->reader, &err);
	if (rc == RC_OK)
		rc = queue_count(c->reader, ret_counts, &err);
	if (rc == RC_OK)
		rc = queue_peer_each(c->reader, take_peer, &found, &err);
	if (rc != RC_OK) {
		queue_close(c->reader);
		c->reader = NULL;
		return false;
	}
	*ret_leader = found.leader;
	return true;
}

/* "12 runs of ..", each time that it is said. */
static size_t rescued_in(const char *log, const char *said)
{
	size_t n = 0;
	for (const char *p = log; p != NULL && (p = strstr(p, said)) != NULL; p++) {
		const char *number = p;
		while (number > log && number[-1] != '"')
			number--;
		n += (size_t)strtol(number, NULL, 10);
	}
	return n;
}

size_t cluster_rescued(const struct cluster *c)
{
	size_t n = 0;
	for (size_t i = CLUSTER_RECEIVERS; i < CLUSTER_N; i++) {
		char *log = process_read(c->members[i].process.err);
		n += rescued_in(log, " of a runner that gives no sign of life");
		n += rescued_in(log, " of runners that are gone"); /* at a start */
		free(log);
	}
	return n;
}

/* --- rest ------------------------------------------------------------------------------------- */

static bool nobody_is_away(const struct cluster *c)
{
	for (size_t i = 0; i < CLUSTER_N; i++)
		if (c->members[i].thaw_ms != 0)
			return false;
	return c->dark_ms == 0;
}

static int64_t open_runs(const struct queue_counts *counts)
{
	return counts->runs[QUEUE_DUE] + counts->runs[QUEUE_WAITING] + counts->runs[QUEUE_RUNNING];
}

static int64_t all_events(const struct queue_counts *counts)
{
	int64_t n = 0;
	for (int state = 0; state < QUEUE_STATE_N; state++)
		n += counts->events[state];
	return n;
}

enum { CALM = 100 }; /* so many looks in a row with nothing to do and nothing new: it rests */

/* Nothing is open and as much is done as was acknowledged; or, where something was lost, nothing
 * has moved for a while. */
bool cluster_settle(struct cluster *c, int64_t wait_ms)
{
	int64_t end = clock_mono_ms() + wait_ms, last = -1;
	struct queue_counts counts = {0};
	struct member *leader;
	int calm = 0;
	atomic_store(&c->stream.counts->rate, 0);
	while (clock_mono_ms() < end) {
		cluster_tend(c);
		if (!stream_settle(&c->stream, 50) || !cluster_look(c, &counts, &leader))
			continue;
		int64_t open = open_runs(&counts) + counts.events[QUEUE_DUE];
		if (open == 0 &&
			counts.events[QUEUE_DONE] >= atomic_load(&c->stream.counts->acked) &&
			nobody_is_away(c))
			return true;
		calm = open == 0 && all_events(&counts) == last && nobody_is_away(c) ? calm + 1 : 0;
		last = all_events(&counts);
		if (calm == CALM)
			return true;
		stage_pause_ms(50);
	}
	if (!c->quiet)
		fprintf(stderr,
			"crash: it has not come to rest: %lld events, %lld done, %lld runs open, "
			"%lld "
			"acknowledged, %lld on their way; see %s\n",
			(long long)all_events(&counts), (long long)counts.events[QUEUE_DONE],
			(long long)open_runs(&counts), (long long)c->stream.counts->acked,
			(long long)c->stream.counts->waiting, c->house.dir);
	return false;
}

/* --- counting --------------------------------------------------------------------------------- */

struct found_events {
	struct stage_count *count;
	json_t *ids;
	bool says;
};

static enum rc take_event(void *ctx, const struct queue_event_row *row, struct err *err)
{
	struct found_events *f = ctx;
	(void)err;
	if (row->state != QUEUE_DONE && f->count->not_done++ < 5 && f->says)
		fprintf(stderr, "crash: event %s (%s) is %s\n", row->id, row->name,
			queue_state_name(row->state));
	json_object_set_new(f->ids, row->id, json_true());
	return RC_OK;
}

static bool count_events(struct cluster *c, const struct ledger *l, struct stage_count *count)
{
	struct found_events found = {.count = count, .ids = json_object(), .says = !c->quiet};
	struct queue_filter all = {0};
	struct err err = {.msg = ""};
	enum rc rc = queue_event_each(c->reader, &all, take_event, &found, &err);
	if (rc != RC_OK)
		fprintf(stderr, "crash: the events cannot be read: %s\n", err.msg);
	for (size_t k = 0; rc == RC_OK && k < l->n; k++)
		if (l->acked[k] && json_object_get(found.ids, l->ids[k]) == NULL &&
			count->absent++ < 5 && !c->quiet)
			fprintf(stderr, "crash: event %zu was acknowledged as %s and is gone\n", k,
				l->ids[k]);
	json_decref(found.ids);
	return rc == RC_OK;
}

static bool count_effects(
	struct cluster *c, const struct ledger *l, bool says, struct stage_count *count)
{
	char url[128];
	struct http_answer log = {0};
	json_t *notes = house_records(&c->house, "notes"),
	       *tasks = house_records(&c->house, "tasks");
	snprintf(url, sizeof(url), "%s/_twin/log", c->house.twin_url);
	bool ok = notes != NULL && tasks != NULL && http_request("GET", url, NULL, NULL, 0, &log) &&
		  log.status == 200;
	if (ok) {
		struct events_count e = events_check(
			l->acked, l->sent, l->turns, l->n, log.body, notes, tasks, says);
		count->lost = e.lost;
		count->twice = e.twice;
		count->updated_again = e.updated_again;
		count->swaps = e.swaps;
		count->others = e.others;
	}
	if (getenv("MOONHOOK_KEEP") != NULL && log.body != NULL)
		(void)process_write(c->house.dir, "twin.log", log.body);
	http_answer_done(&log);
	json_decref(notes);
	json_decref(tasks);
	return ok;
}

bool cluster_count(struct cluster *c, bool as_one, struct stage_count *ret_count)
{
	struct ledger l;
	struct stage_count count = {0};
	if (c->reader == NULL || !ledger_read(c->stream.ledger, &l))
		return false;
	if (as_one)
		memset(l.turns, 0, l.n);
	count.acked = l.acked_n;
	count.forgotten = (size_t)atomic_load(&c->stream.counts->forgotten);
	bool ok = count_events(c, &l, &count) && count_effects(c, &l, !as_one && !c->quiet, &count);
	ledger_done(&l);
	if (ok)
		*ret_count = count;
	return ok;
}
