/* SPDX-License-Identifier: MIT */
/*
 * The verb `tail`: events as they arrive and runs as they end, until interrupted.
 * From: main.c. Next: the store, read only; it looks again a few times a second. Needs a daemon
 * when it begins, unless the store is a database (others may work there), and goes on over its
 * restarts. Runs that were open when it began, or began later, are followed to their end.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/control.h"
#include "cli/events.h"
#include "cli/filter.h"
#include "cli/rows.h"
#include "cli/runs.h"
#include "cli/settings.h"
#include "cli/store.h"
#include "cli/terminal.h"

#define LOOK_MS 200
#define OPEN_MAX 1024 /* runs that are followed at once; the oldest is let go */

static volatile sig_atomic_t interrupted; /* the signal flag */

struct tail {
	struct queue *queue;
	struct queue_filter filter;
	enum args_output output;
	int64_t event_seq, run_seq; /* the newest that were seen */
	struct id open[OPEN_MAX];   /* runs that have not ended */
	size_t open_n;
	bool shows; /* false while it only finds out what is there */
};

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

static void put_field(const json_t *row, const char *key, const char *before)
{
	const char *text = json_string_value(json_object_get(row, key));
	if (text == NULL)
		return;
	fputs(before, stdout);
	terminal_put(stdout, text);
}

/* "18:20:54.425  event  person.created ..." */
static void put_line(const struct tail *t, const char *kind, const char *at, json_t *row)
{
	const char *time = json_string_value(json_object_get(row, at));
	const char *state = json_string_value(json_object_get(row, "state"));
	if (t->output != ARGS_TABLE) {
		(void)json_object_set_new(row, "kind", json_string(kind));
		(void)json_dumpf(
			row, stdout, JSON_COMPACT | (terminal_is() ? JSON_ENSURE_ASCII : 0));
	} else {
		bool bad = state != NULL &&
			   (strcmp(state, "dead") == 0 || strcmp(state, "quarantined") == 0);
		printf("%.12s  %-5s  ", time != NULL ? time + 11 : "            ", kind);
		terminal_tone(bad ? TERMINAL_BAD : TERMINAL_PLAIN);
		printf("%-11s", state != NULL ? state : "");
		terminal_tone(TERMINAL_PLAIN);
		put_field(row, "name", "  ");
		put_field(row, "rule", "  ");
		put_field(row, "record", "  ");
		put_field(row, "id", "  ");
		put_field(row, "error", "  ");
	}
	putchar('\n');
	json_decref(row);
}

static enum rc take_event(void *ctx, const struct queue_event_row *e, struct err *err)
{
	struct tail *t = ctx;
	json_t *row = t->shows ? events_row(e) : NULL;
	if (t->shows && row == NULL)
		return err_set(err, RC_NOMEM, "no memory for an event");
	if (t->shows)
		put_line(t, "event", "received_at", row);
	t->event_seq = e->seq > t->event_seq ? e->seq : t->event_seq;
	return RC_OK;
}

static enum rc take_run(void *ctx, const struct queue_run_row *r, struct err *err)
{
	struct tail *t = ctx;
	t->run_seq = r->seq > t->run_seq ? r->seq : t->run_seq;
	if (!queue_state_ended(r->state)) {
		if (t->open_n == OPEN_MAX)
			memmove(t->open, t->open + 1, --t->open_n * sizeof(*t->open));
		snprintf(t->open[t->open_n++].text, sizeof(t->open[0].text), "%s", r->id);
		return RC_OK;
	}
	json_t *row = t->shows ? runs_row(r) : NULL;
	if (t->shows && row == NULL)
		return err_set(err, RC_NOMEM, "no memory for a run");
	if (t->shows)
		put_line(t, "run", "ended_at", row);
	return RC_OK;
}

/* Looks at every open run once; those that go on are added again by take_run. */
static enum rc look_at_open(struct tail *t, struct err *err)
{
	size_t n = t->open_n;
	struct id *were = calloc(n + 1, sizeof(*were));
	if (were == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(were, t->open, n * sizeof(*were));
	t->open_n = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		rc = queue_run_get(t->queue, were[i].text, take_run, t, err);
		if (rc == RC_NOT_FOUND) /* pruned meanwhile */
			rc = RC_OK;
	}
	free(were);
	return rc;
}

static enum rc look(struct tail *t, struct err *err)
{
	struct queue_filter f = t->filter;
	f.after_seq = t->event_seq;
	bool runs_only = f.rule != NULL || f.error != NULL;
	enum rc rc = runs_only ? RC_OK : queue_event_each(t->queue, &f, take_event, t, err);
	if (rc == RC_OK)
		rc = look_at_open(t, err);
	f = t->filter;
	f.has_state = false; /* a run that does not fit yet may fit at its end */
	f.after_seq = t->run_seq;
	if (rc == RC_OK)
		rc = queue_run_each(t->queue, &f, take_run, t, err);
	(void)fflush(stdout);
	return rc;
}

/* Finds the newest of both without showing them, and the runs that are open. */
static enum rc find_end(struct tail *t, struct err *err)
{
	static const enum queue_state open[] = {QUEUE_RUNNING, QUEUE_DUE, QUEUE_WAITING};
	struct queue_filter newest = {.limit = 1};
	enum rc rc = queue_event_each(t->queue, &newest, take_event, t, err);
	if (rc == RC_OK)
		rc = queue_run_each(t->queue, &newest, take_run, t, err);
	t->open_n = 0;
	for (size_t i = 0; i < ARRAY_N(open) && rc == RC_OK; i++) {
		struct queue_filter f = t->filter;
		f.state = open[i];
		f.has_state = true;
		f.limit = OPEN_MAX / 4;
		rc = queue_run_each(t->queue, &f, take_run, t, err);
	}
	return rc;
}

/* Without a daemon nothing would ever come. */
static enum cli_exit expect_daemon(const struct args *args)
{
	struct conf *conf = NULL;
	json_t *pong = NULL;
	enum cli_exit status = cli_settings_load(args, CLI_SETTINGS_PARTIAL, &conf);
	if (status == CLI_OK && !cli_settings_away(conf))
		status = control_ask(args, "ping", &pong);
	json_decref(pong);
	conf_free(conf);
	return status;
}

static int run_tail(const struct args *args)
{
	struct tail *t = calloc(1, sizeof(*t));
	struct err err = {.msg = ""};
	if (t == NULL)
		return args_fail(CLI_FAILED, "no memory");
	enum cli_exit status = filter_read(args, &t->filter);
	if (status == CLI_OK)
		status = expect_daemon(args);
	if (status == CLI_OK)
		status = store_open(args, &t->queue);
	if (status != CLI_OK) {
		free(t);
		return status;
	}
	struct sigaction action = {.sa_handler = on_signal};
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	t->output = args->output;
	t->filter.limit = 0;
	enum rc rc = args_flag(args, "since") != NULL ? RC_OK : find_end(t, &err);
	t->shows = true;
	while (rc == RC_OK && !interrupted && ferror(stdout) == 0) {
		struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
		rc = look(t, &err);
		if (rc == RC_OK && !interrupted)
			(void)nanosleep(&pause, NULL);
	}
	queue_close(t->queue);
	free(t);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

static const struct verb_flag flags[] = {
	{"since", "TIME", "begin with what came at or after: 2h, or 2026-11-23T18:00:00Z"},
};

const struct verb verb_tail = {
	.name = "tail",
	.operands = FILTER_OPERANDS,
	.summary = "events as they arrive and runs as they end, until interrupted",
	.examples = {"moonhook tail", "moonhook tail state:dead --since 1h",
		"moonhook tail 'rule:enrich people' -o jsonl"},
	.flags = flags,
	.flags_n = ARRAY_N(flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_CONFIG},
	.run = run_tail,
};
