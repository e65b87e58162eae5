/* SPDX-License-Identifier: MIT */
/*
 * Sets the stage, kills and cuts, lets it come to rest, counts.
 * From: the crash tests. To: the programs, from outside: deliveries, signals, the command, the
 * twin's records and its log.
 */
#include "tests/crash/stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "tests/crash/kin.h"

void stage_pause_ms(int64_t ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&ts, NULL);
}

int64_t stage_setting(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	return text != NULL && text[0] != '\0' ? strtoll(text, NULL, 10) : otherwise;
}

bool stage_open(struct stage *s, const struct stage_conf *conf, struct dice dice)
{
	char store[192], settings[512];
	*s = (struct stage){
		.dice = dice, .has_power = conf->power, .quiet = conf->quiet, .starts = 1};
	/* What its dead supervisor leaves behind comes to us, so that we know when it is gone. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!house_rule(&s->house, "crash.lua", events_rules))
		return false;
	snprintf(store, sizeof(store), "%.100s/store", s->house.dir);
	snprintf(settings, sizeof(settings), "log = { level = \"info\", format = \"json\" }\n%s\n",
		conf->settings != NULL ? conf->settings : "");
	if (conf->power && !power_open(&s->power, s->house.dir, store, conf->synchronous))
		return false;
	struct house_conf house = {.dialect = conf->dialect,
		.no_webhooks = true,
		.twin_args = "--budget none --latency 3 --records 4 --seed 7",
		.budget = "none",
		.settings = settings,
		.env = conf->power ? s->power.env : NULL};
	bool ok = house_open(&s->house, &house);
	s->house.conf.settings = NULL;
	struct stream_conf stream = {.ports = {s->house.hook_port}, .repeats = conf->repeats};
	return ok && stream_start(&s->stream, s->house.dir, &stream, HOUSE_SECRET);
}

void stage_close(struct stage *s)
{
	stream_stop(&s->stream);
	if (s->house.daemon.pid != 0)
		stage_kill_all(s);
	house_close(&s->house);
	power_done(&s->power);
}

/* --- ends and starts -------------------------------------------------------------------------- */

/* Collects what has ended and is nobody's. Is anybody left who is not needed any more? */
static bool orphans_left(struct stage *s)
{
	struct kin kin;
	bool left = false;
	kin_children(getpid(), &kin);
	for (size_t i = 0; i < kin.n; i++) {
		pid_t pid = kin.pid[i];
		if (pid == s->house.daemon.pid || pid == s->house.twin.pid ||
			pid == s->stream.pid || pid == s->guest)
			continue;
		if (waitpid(pid, NULL, WNOHANG) == 0)
			left = true;
	}
	return left;
}

bool stage_start(struct stage *s)
{
	(void)orphans_left(s);
	int status = s->house.daemon.pid != 0 ? process_wait(&s->house.daemon, 0) : 0;
	if (status == -1)
		return true;
	if (status > 0 && status < 128) {
		fprintf(stderr, "crash: the daemon ended with status %d\n", status);
		s->gone++;
	}
	if (s->has_power && power_is_off(&s->power))
		return false;
	s->starts++;
	return house_launch(&s->house);
}

static const char *const names[] = {"moon-receiver", "moon-runner", "moon-worker", "", ""};

const char *stage_victim_name(enum stage_victim victim)
{
	static const char *const said[] = {"receiver", "runner", "worker", "supervisor", "all"};
	return said[victim];
}

pid_t stage_find(struct stage *s, enum stage_victim victim)
{
	struct kin all, fit = {.n = 0};
	if (victim == STAGE_SUPERVISOR)
		return s->house.daemon.pid;
	kin_all(s->house.daemon.pid, &all);
	for (size_t i = 0; i < all.n; i++)
		if (kin_named(all.pid[i], names[victim]))
			fit.pid[fit.n++] = all.pid[i];
	return fit.n > 0 ? fit.pid[dice_below(&s->dice, (int64_t)fit.n)] : 0;
}

static bool kill_at_once(pid_t supervisor)
{
	struct kin all;
	kin_all(supervisor, &all);
	for (size_t i = 0; i < all.n; i++)
		(void)kill(all.pid[i], SIGKILL);
	return true;
}

bool stage_kill(struct stage *s, enum stage_victim victim, int signal)
{
	if (s->house.daemon.pid == 0 || process_wait(&s->house.daemon, 0) != -1)
		return false;
	if (victim == STAGE_ALL)
		return kill_at_once(s->house.daemon.pid);
	pid_t pid = stage_find(s, victim);
	return pid > 0 && kill(pid, signal) == 0;
}

void stage_kill_all(struct stage *s)
{
	if (s->house.daemon.pid != 0) {
		(void)kill_at_once(s->house.daemon.pid);
		(void)process_wait(&s->house.daemon, 10000);
	}
	for (int64_t end = clock_mono_ms() + 10000; orphans_left(s) && clock_mono_ms() < end;)
		stage_pause_ms(1);
}

bool stage_cut(struct stage *s, enum power_loss loss)
{
	power_cut(&s->power);
	stage_kill_all(s);
	return power_restore(&s->power, loss, &s->dice);
}

/* --- rest ------------------------------------------------------------------------------------- */

struct states {
	int64_t done, open, all;
};

static bool read_states(struct stage *s, struct states *ret)
{
	json_t *status = house_status(&s->house), *n, *events = json_object_get(status, "events");
	const char *name;
	struct states st = {0};
	json_object_foreach(events, name, n)
	{
		int64_t count = json_integer_value(n);
		st.all += count;
		if (strcmp(name, "done") == 0)
			st.done = count;
		if (strcmp(name, "due") == 0 || strcmp(name, "waiting") == 0 ||
			strcmp(name, "running") == 0)
			st.open += count;
	}
	bool ok = events != NULL && json_is_object(events);
	json_decref(status);
	*ret = st;
	return ok;
}

enum { CALM = 8 }; /* so many looks in a row with nothing to do and nothing new: it rests */

/* Nothing is open and as much is done as was acknowledged; or, where something was lost, nothing
 * has moved for a while. */
bool stage_settle(struct stage *s, int64_t wait_ms)
{
	int64_t end = clock_mono_ms() + wait_ms, all = -1;
	int calm = 0;
	atomic_store(&s->stream.counts->rate, 0);
	while (clock_mono_ms() < end) {
		struct states st;
		(void)stage_start(s);
		if (!stream_settle(&s->stream, 50) || !read_states(s, &st))
			continue;
		if (st.open == 0 && st.done >= atomic_load(&s->stream.counts->acked))
			return true;
		calm = st.open == 0 && st.all == all && house_ready(&s->house) ? calm + 1 : 0;
		all = st.all;
		if (calm == CALM)
			return true;
		stage_pause_ms(50);
	}
	if (!s->quiet)
		fprintf(stderr, "crash: it has not come to rest; see %s\n", s->house.dir);
	return false;
}

/* --- counting --------------------------------------------------------------------------------- */

/* Takes one line of `events list`. */
static void take_event(const char *line, size_t n, json_t *found, bool says, struct stage_count *c)
{
	json_t *o = json_loadb(line, n, 0, NULL);
	const char *id = json_string_value(json_object_get(o, "id"));
	const char *state = json_string_value(json_object_get(o, "state"));
	if (id == NULL || state == NULL || strcmp(state, "done") != 0) {
		if (c->not_done++ < 5 && says)
			fprintf(stderr, "crash: not done: %.*s\n", (int)n, line);
	}
	if (id != NULL)
		json_object_set_new(found, id, json_true());
	json_decref(o);
}

static bool count_events(struct stage *s, const struct ledger *l, struct stage_count *c)
{
	static const char *const args[] = {"events", "list", "-o", "jsonl", NULL};
	int status = -1;
	char *text = house_command(&s->house, args, &status);
	json_t *found = json_object();
	bool ok = status == 0 && text != NULL && found != NULL;
	for (const char *line = ok ? text : "", *end; *line != '\0'; line = end + (*end != '\0')) {
		end = strchrnul(line, '\n');
		take_event(line, (size_t)(end - line), found, !s->quiet, c);
	}
	for (size_t k = 0; ok && k < l->n; k++)
		if (l->acked[k] && json_object_get(found, l->ids[k]) == NULL && c->absent++ < 5 &&
			!s->quiet)
			fprintf(stderr, "crash: event %zu was acknowledged as %s and is gone\n", k,
				l->ids[k]);
	json_decref(found);
	free(text);
	return ok;
}

static bool count_effects(struct stage *s, const struct ledger *l, struct stage_count *c)
{
	char url[128];
	struct http_answer log = {0};
	json_t *notes = house_records(&s->house, "notes"),
	       *tasks = house_records(&s->house, "tasks");
	snprintf(url, sizeof(url), "%s/_twin/log", s->house.twin_url);
	bool ok = notes != NULL && tasks != NULL && http_request("GET", url, NULL, NULL, 0, &log) &&
		  log.status == 200;
	if (ok) {
		struct events_count e = events_check(
			l->acked, l->sent, l->turns, l->n, log.body, notes, tasks, !s->quiet);
		c->lost = e.lost;
		c->twice = e.twice;
		c->updated_again = e.updated_again;
		c->swaps = e.swaps;
		c->others = e.others;
	}
	if (getenv("MOONHOOK_KEEP") != NULL && log.body != NULL)
		(void)process_write(s->house.dir, "twin.log", log.body);
	http_answer_done(&log);
	json_decref(notes);
	json_decref(tasks);
	return ok;
}

bool stage_count(struct stage *s, struct stage_count *ret_count)
{
	struct ledger l;
	struct stage_count c = {0};
	if (!ledger_read(s->stream.ledger, &l))
		return false;
	c.acked = l.acked_n;
	c.forgotten = (size_t)atomic_load(&s->stream.counts->forgotten);
	bool ok = count_events(s, &l, &c) && count_effects(s, &l, &c);
	ledger_done(&l);
	if (ok)
		*ret_count = c;
	return ok;
}

void stage_count_add(struct stage_count *sum, const struct stage_count *more)
{
	sum->acked += more->acked;
	sum->lost += more->lost;
	sum->twice += more->twice;
	sum->updated_again += more->updated_again;
	sum->swaps += more->swaps;
	sum->others += more->others;
	sum->absent += more->absent;
	sum->not_done += more->not_done;
	sum->forgotten += more->forgotten;
}

size_t stage_count_wrong(const struct stage_count *c)
{
	return c->lost + c->twice + c->updated_again + c->swaps + c->others + c->absent +
	       c->not_done + c->forgotten;
}
