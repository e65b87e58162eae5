/* SPDX-License-Identifier: MIT */
/*
 * The verb `store copy`: a running installation moves to another store. And `store release`.
 * From: main.c. Next: queue/move.h. A password never stands on the command line: `-` names the
 * store of the configuration, and libpq reads PGPASSFILE.
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
#include "queue/move.h"

enum { SAY_MS = 1000 };

struct telling { /* of how far it is */
	bool on;
	int64_t begun_ms, told_ms;
};

static double seconds_since(int64_t ms)
{
	int64_t took = clock_mono_ms() - ms;
	return (double)(took > 0 ? took : 1) / 1000;
}

static void tell(void *ctx, const char *table, int64_t rows_n, int64_t same_n)
{
	struct telling *t = ctx;
	int64_t now = clock_mono_ms();
	if (!t->on || now - t->told_ms < SAY_MS)
		return;
	t->told_ms = now;
	fprintf(stderr, "%-12s %" PRId64 " rows brought, %" PRId64 " there, %.0f/s\n", table,
		rows_n, same_n, (double)(rows_n + same_n) / seconds_since(t->begun_ms));
}

static void say_json(const struct args *args, const struct queue_move *m, double took)
{
	json_t *out = json_pack("{s:b, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}",
		"finished", m->finished, "already", m->already, "busy", rows_text(m->busy),
		"deliveries", (json_int_t)m->deliveries_n, "events", (json_int_t)m->events_n,
		"runs", (json_int_t)m->runs_n, "rows", (json_int_t)m->rows_n, "same",
		(json_int_t)m->same_n, "removed", (json_int_t)m->gone_n, "repaired",
		(json_int_t)m->repaired_n, "seconds", took);
	detail_json(args->output, out);
	json_decref(out);
}

static void say(const struct queue_move *m, const char *to, double took)
{
	if (m->already) {
		fputs("moved before, nothing to do: ", stdout);
		terminal_put(stdout, to);
		putchar('\n');
		return;
	}
	printf("%" PRId64 " deliveries, %" PRId64 " events and %" PRId64 " runs are in ",
		m->deliveries_n, m->events_n, m->runs_n);
	terminal_put(stdout, to);
	printf("\n%" PRId64 " rows brought, %" PRId64 " were there, %" PRId64
	       " taken out; %.1f s, %.0f rows/s\n",
		m->rows_n, m->same_n, m->gone_n, took, (double)(m->rows_n + m->same_n) / took);
	if (m->repaired_n > 0)
		printf("%" PRId64 " bytes of texts were not UTF-8 and are \"?\" now\n",
			m->repaired_n);
	if (!m->finished)
		return;
	fputs("finished: let `store` in the configuration name it, and start; what waits in the "
	      "spools of\nreceivers they bring in themselves then: leave `spool.folder` where it "
	      "is\n",
		stdout);
}

static int finish(const struct args *args, const struct queue_move *m, double took)
{
	if (args->output != ARGS_TABLE)
		say_json(args, m, took);
	else
		say(m, args->operands[1], took);
	if (m->finished)
		return CLI_OK;
	return args_fail(CLI_BUSY,
		"not finished: %s. Stop the daemon and run this again: it brings what has come "
		"since, and finishes",
		m->busy);
}

static int run_copy(const struct args *args)
{
	struct conf *conf = NULL;
	struct queue_place from, to;
	struct queue_move move;
	struct err err = {.msg = ""};
	if (args->operands_n != 2)
		return args_fail(CLI_USAGE,
			"name two stores: moonhook store copy var postgres://moonhook@db/moonhook");
	enum cli_exit status = store_place(args, args->operands[0], &conf, &from);
	if (status == CLI_OK)
		status = store_place(args, args->operands[1], &conf, &to);
	struct telling t = {isatty(2) != 0 && args->output == ARGS_TABLE, clock_mono_ms(), 0};
	if (status == CLI_OK && queue_move(&from, &to, tell, &t, &move, &err) != RC_OK)
		status = (enum cli_exit)store_fail(&err);
	else if (status == CLI_OK)
		status = (enum cli_exit)finish(args, &move, seconds_since(t.begun_ms));
	conf_free(conf);
	return status;
}

static int run_release(const struct args *args)
{
	struct conf *conf = NULL;
	struct queue_place place;
	char other[QUEUE_MOVE_OTHER_N];
	struct err err = {.msg = ""};
	if (args->operands_n != 1)
		return args_fail(CLI_USAGE, "name the store: moonhook store release var --yes");
	if (args_flag(args, "yes") == NULL)
		return args_fail(CLI_DECLINED,
			"if the store that it has moved to ever ran, what it has done would be "
			"done "
			"again; to go back to it, copy that one into this one. To do it all the "
			"same: --yes");
	enum cli_exit status = store_place(args, args->operands[0], &conf, &place);
	if (status == CLI_OK && queue_move_release(&place, other, sizeof(other), &err) != RC_OK)
		status = (enum cli_exit)store_fail(&err);
	conf_free(conf);
	if (status != CLI_OK)
		return status;
	fputs("released: it may be worked on again; never start ", stdout);
	terminal_put(stdout, other);
	putchar('\n');
	return CLI_OK;
}

const struct verb verb_store_copy = {
	.noun = "store",
	.name = "copy",
	.operands = "FROM TO",
	.summary = "move everything to another store, SQLite or PostgreSQL",
	.text = "A store is a folder, postgres://user@host/database (a password is in the file "
		"that "
		"PGPASSFILE\n"
		"names), or - for that of the configuration.\n"
		"While the daemon works on FROM, TO is filled as far as it goes, and the command "
		"ends "
		"with\n"
		"75. Stop the daemon, run the same again: it brings what has changed since, marks "
		"FROM "
		"as\n"
		"moved, and is finished. Then let `store` name TO, and start: what Twenty has told "
		"nobody\n"
		"meanwhile is found by gap fill. Broken off at any point it is run again; until it "
		"is\n"
		"finished serve refuses TO, afterwards FROM. To go back, copy TO into FROM. What "
		"waits in\n"
		"the spool of a receiver is no part of FROM: that receiver brings it in, whatever "
		"`store`\n"
		"names then; leave `spool.folder` where it is until it is empty.",
	.examples = {"moonhook store copy var postgres://moonhook@db.internal/moonhook",
		"moonhook store copy - postgres://moonhook@db/crm?schema=moonhook -o json",
		"moonhook store copy postgres://moonhook@db/moonhook /var/lib/moonhook/store"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_BUSY, CLI_CONFIG},
	.run = run_copy,
};

static const struct verb_flag release_flags[] = {{"yes", NULL, "do it"}};

const struct verb verb_store_release = {
	.noun = "store",
	.name = "release",
	.operands = "STORE",
	.summary = "let a store that has moved be worked on again",
	.text = "For the case that the copy never ran and is gone. Two stores that do the same "
		"work "
		"would do\n"
		"everything twice.",
	.examples = {"moonhook store release var --yes",
		"moonhook store release /var/lib/moonhook/store --yes",
		"moonhook store release postgres://moonhook@db/moonhook --yes"},
	.flags = release_flags,
	.flags_n = ARRAY_N(release_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DECLINED, CLI_BUSY, CLI_CONFIG},
	.run = run_release,
};
