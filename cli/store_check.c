/* SPDX-License-Identifier: MIT */
/*
 * The verb `store check`: is a store whole?
 * From: main.c. Next: queue/check.h. Reads only, while the daemon works on it, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "cli/args.h"
#include "cli/detail.h"
#include "cli/rows.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "queue/check.h"

enum { SAY_MS = 1000 };

struct telling {
	bool on, table; /* of how far it is; for people */
	int64_t told_ms;
	json_t *damages;
};

static void tell(void *ctx, const char *kind, int nth, int of)
{
	struct telling *t = ctx;
	int64_t now = clock_mono_ms();
	if (!t->on || now - t->told_ms < SAY_MS)
		return;
	t->told_ms = now;
	fprintf(stderr, "%d of at most %d: %s\n", nth, of, kind);
}

static void note(void *ctx, const struct queue_damage *d)
{
	struct telling *t = ctx;
	if (t->table) {
		printf("fail  %s: %" PRId64 " %s, as ", d->kind, d->n, d->what);
		terminal_put(stdout, d->example);
		printf("\n      %s\n      %s\n", d->means, d->fix);
		return;
	}
	(void)json_array_append_new(
		t->damages, json_pack("{s:s, s:s, s:I, s:o, s:s, s:s}", "kind", d->kind, "what",
				    d->what, "n", (json_int_t)d->n, "example",
				    rows_text(d->example), "means", d->means, "fix", d->fix));
}

static const char *state_of(const struct queue_mark *mark)
{
	switch (mark->kind) {
	case QUEUE_MARK_NONE:
		return "";
	case QUEUE_MARK_FILLING:
		return "unfinished copy";
	case QUEUE_MARK_MOVED:
		return "moved";
	}
	return "";
}

static void say(const struct queue_check *c, double took)
{
	printf("%s    %" PRId64 " events and %" PRId64 " runs, %d questions, %.1f s\n",
		c->broken_n == 0 ? "ok" : "  ", c->events_n, c->runs_n, c->asked_n, took);
	if (c->mark.kind != QUEUE_MARK_NONE) {
		printf("note  it is marked: %s, ", state_of(&c->mark));
		terminal_put(stdout, c->mark.other);
		fputs("; see moonhook store copy --help\n", stdout);
	}
	if (!c->pages)
		fputs("note  damaged pages of indexes are found by the extension amcheck alone, "
		      "which is not there: CREATE EXTENSION amcheck\n",
			stdout);
}

static void say_json(
	const struct args *args, const struct queue_check *c, json_t *damages, double took)
{
	json_t *out = json_pack("{s:b, s:O, s:I, s:I, s:i, s:b, s:s, s:f}", "whole",
		c->broken_n == 0, "damages", damages, "events", (json_int_t)c->events_n, "runs",
		(json_int_t)c->runs_n, "questions", c->asked_n, "pages", c->pages, "mark",
		state_of(&c->mark), "seconds", took);
	detail_json(args->output, out);
	json_decref(out);
}

/* A configuration was not asked: what helps there does not help here. */
static void name_another(struct err *err)
{
	struct err was = *err;
	(void)err_set(err, was.code,
		"%.*s; name the folder that has work.db and inbox.db in it, or the address of its "
		"database",
		(int)strcspn(was.msg, ";"), was.msg);
}

static int check(const struct args *args, const struct queue_place *place)
{
	int64_t begun_ms = clock_mono_ms();
	struct queue_check result;
	struct err err = {.msg = ""};
	bool table = args->output == ARGS_TABLE;
	struct telling t = {isatty(2) != 0 && table, table, begun_ms, json_array()};
	struct queue_check_watch watch = {note, tell, &t};
	enum rc rc = t.damages == NULL ? err_set(&err, RC_NOMEM, "out of memory")
				       : queue_check(place, &watch, &result, &err);
	double took = (double)(clock_mono_ms() - begun_ms) / 1000;
	if (rc == RC_OK && table)
		say(&result, took);
	else if (rc == RC_OK)
		say_json(args, &result, t.damages, took);
	json_decref(t.damages);
	if (rc == RC_NOT_FOUND && args->operands_n == 1 && strcmp(args->operands[0], "-") != 0)
		name_another(&err);
	if (rc != RC_OK)
		return store_fail(&err);
	return result.broken_n == 0 ? CLI_OK : CLI_FAILED;
}

static int run_check(const struct args *args)
{
	struct conf *conf = NULL;
	struct queue_place place;
	if (args->operands_n > 1)
		return args_fail(CLI_USAGE, "name one store: moonhook store check var");
	enum cli_exit status =
		store_place(args, args->operands_n == 1 ? args->operands[0] : "-", &conf, &place);
	int done = status == CLI_OK ? check(args, &place) : (int)status;
	conf_free(conf);
	return done;
}

const struct verb verb_store_check = {
	.noun = "store",
	.name = "check",
	.operands = "[STORE]",
	.summary = "is the store whole? While the daemon works on it, too",
	.text = "Without STORE that of the configuration. It looks at one state of everything, "
		"writes nothing,\n"
		"and nobody waits for it; of a large store it takes minutes. Counters against "
		"rows, runs,\n"
		"events, deliveries, journal, order per record, timers, sizes, indexes and pages; "
		"of a\n"
		"database also what it is set to and what its user may do. What is wrong is said "
		"with one\n"
		"example, what comes of it and what to do.",
	.examples = {"moonhook store check",
		"moonhook store check /backups/moonhook-2026-01-31 -o json",
		"moonhook store check postgres://moonhook@db.internal/moonhook"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_BUSY, CLI_CONFIG},
	.run = run_check,
};
