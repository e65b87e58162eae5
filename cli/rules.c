/* SPDX-License-Identifier: MIT */
/*
 * The verbs `rules list`, `rules pause`, `rules resume`, and `pause` and `resume` for short.
 * From: main.c. Next: the store for the list; the daemon (runner/order_rules.c) for the others,
 * which never touch the store themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/rows.h"
#include "cli/schedule.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "queue/hand.h"
#include "queue/pause.h"
#include "queue/timer.h"

#define PATIENCE_S 60

/* --- list ------------------------------------------------------------------------------------- */

static const struct rows_column columns[] = {{"name", "RULE"}, {"where", "WHERE"}, {"on", "ON"},
	{"state", "STATE"}, {"done", "DONE"}, {"failed", "FAILED"}, {"success", "SUCCESS"},
	{"open", "OPEN"}, {"parked", "PARKED"}, {"next_at", "NEXT"}, {"options", "OPTIONS"},
	{"paused_since", "PAUSED SINCE"}, {"why", "WHY"}};

struct rule_list {
	json_t *rows;    /* objects, by place */
	json_t *by_name; /* the same objects */
};

static json_t *row_of(struct rule_list *list, const char *name)
{
	json_t *row = json_object_get(list->by_name, name);
	if (row != NULL)
		return row;
	row = json_pack("{s:o, s:n, s:n, s:n, s:n, s:s, s:n, s:n}", "name", rows_text(name),
		"where", "file", "line", "on", "state", "gone", "error", "loaded_at");
	static const char *const counts[] = {
		"done", "skipped", "dead", "quarantined", "failed", "open", "parked"};
	for (size_t i = 0; i < ARRAY_N(counts); i++)
		(void)json_object_set_new(row, counts[i], json_integer(0));
	static const char *const unknown[] = {"success", "next_at", "options"};
	for (size_t i = 0; i < ARRAY_N(unknown); i++)
		(void)json_object_set_new(row, unknown[i], json_null());
	(void)json_object_set_new(row, "paused_since", json_null());
	(void)json_object_set_new(row, "why", json_null());
	if (row == NULL || json_object_set(list->by_name, name, row) != 0 ||
		json_array_append_new(list->rows, row) != 0)
		return NULL;
	return row;
}

static enum rc no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "no memory for the list of rules");
}

static enum rc add_rule(void *ctx, const struct queue_rule *r, struct err *err)
{
	char where[320], file_as_name[300];
	snprintf(where, sizeof(where), "%s:%d", r->file, r->line);
	snprintf(file_as_name, sizeof(file_as_name), "(%s)", r->file);
	json_t *row = row_of(ctx, r->name[0] != '\0' ? r->name : file_as_name);
	if (row == NULL)
		return no_memory(err);
	(void)json_object_set_new(row, "where", rows_text(r->line > 0 ? where : r->file));
	(void)json_object_set_new(row, "file", rows_text(r->file));
	(void)json_object_set_new(row, "line", json_integer(r->line));
	(void)json_object_set_new(
		row, "on", rows_text(r->on[0] == '\0' && r->line > 0 ? "by the clock" : r->on));
	(void)json_object_set_new(row, "options", rows_text(r->options));
	(void)json_object_set_new(row, "state", rows_text(r->state));
	(void)json_object_set_new(row, "error", rows_text(r->error));
	(void)json_object_set_new(row, "loaded_at", rows_time(r->loaded_ms));
	if (strcmp(r->state, "broken") == 0)
		(void)json_object_set_new(row, "why", rows_text(r->error));
	return RC_OK;
}

/* Rules that have had runs and are no more are of interest only where some are left open. */
static enum rc add_tally(void *ctx, const struct queue_tally *t, struct err *err)
{
	struct rule_list *list = ctx;
	int64_t open = t->runs[QUEUE_DUE] + t->runs[QUEUE_WAITING] + t->runs[QUEUE_RUNNING];
	int64_t failed = t->runs[QUEUE_DEAD] + t->runs[QUEUE_QUARANTINED];
	int64_t well = t->runs[QUEUE_DONE] + t->runs[QUEUE_SKIPPED];
	if (json_object_get(list->by_name, t->rule) == NULL && open == 0)
		return RC_OK;
	json_t *row = row_of(list, t->rule);
	if (row == NULL)
		return no_memory(err);
	(void)json_object_set_new(row, "done", json_integer(t->runs[QUEUE_DONE]));
	(void)json_object_set_new(row, "skipped", json_integer(t->runs[QUEUE_SKIPPED]));
	(void)json_object_set_new(row, "dead", json_integer(t->runs[QUEUE_DEAD]));
	(void)json_object_set_new(row, "quarantined", json_integer(t->runs[QUEUE_QUARANTINED]));
	(void)json_object_set_new(row, "failed", json_integer(failed));
	(void)json_object_set_new(row, "open", json_integer(open));
	(void)json_object_set_new(row, "parked", json_integer(t->parked));
	if (well + failed > 0) {
		char text[16];
		snprintf(text, sizeof(text), "%.1f%%",
			100.0 * (double)well / (double)(well + failed));
		(void)json_object_set_new(row, "success", json_string(text));
	}
	return RC_OK;
}

static void mark_paused(json_t *row, const struct queue_pause *p)
{
	const char *state = json_string_value(json_object_get(row, "state"));
	if (state != NULL && strcmp(state, "live") == 0)
		(void)json_object_set_new(
			row, "state", json_string(p->ending ? "resuming" : "paused"));
	(void)json_object_set_new(row, "paused_since", rows_time(p->since_ms));
	(void)json_object_set_new(row, "why", rows_text(p->why));
}

static enum rc add_pause(void *ctx, const struct queue_pause *p, struct err *err)
{
	struct rule_list *list = ctx;
	size_t i;
	json_t *row;
	if (strcmp(p->rule, "*") != 0) {
		row = row_of(list, p->rule); /* "gone": its rule was renamed or removed */
		if (row == NULL)
			return no_memory(err);
		mark_paused(row, p);
		return RC_OK;
	}
	json_array_foreach(list->rows, i, row)
	{
		if (!json_is_string(json_object_get(row, "paused_since")))
			mark_paused(row, p);
	}
	return RC_OK;
}

/* Of live rules alone: one that runs by the clock no more leaves its tick behind. */
static enum rc add_tick(void *ctx, const struct queue_tick *t, struct err *err)
{
	struct rule_list *list = ctx;
	json_t *row = json_object_get(list->by_name, t->rule);
	const char *options = json_string_value(json_object_get(row, "options"));
	(void)err;
	if (options != NULL &&
		(strncmp(options, "every ", 6) == 0 || strncmp(options, "cron ", 5) == 0))
		(void)json_object_set_new(row, "next_at", rows_time(schedule_next_ms(t)));
	return RC_OK;
}

static enum rc read_list(
	struct queue *queue, int64_t since_ms, struct rule_list *list, struct err *err)
{
	list->rows = json_array();
	list->by_name = json_object();
	enum rc rc = queue_rule_each(queue, add_rule, list, err);
	if (rc == RC_OK)
		rc = queue_tally_each(queue, since_ms, add_tally, list, err);
	if (rc == RC_OK)
		rc = queue_tick_each(queue, add_tick, list, err);
	return rc == RC_OK ? queue_pause_each(queue, add_pause, list, err) : rc;
}

static int run_list(const struct args *args)
{
	struct rule_list list = {NULL, NULL};
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	const char *since = args_flag(args, "since");
	int64_t ago = since != NULL ? conf_parse_duration(since) : 0;
	if (since != NULL && ago <= 0)
		return args_fail(CLI_USAGE, "--since wants a duration such as 2h, not %s", since);
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	enum rc rc = read_list(queue, ago > 0 ? clock_wall_ms() - ago : 0, &list, &err);
	struct rows *rows = rc == RC_OK ? rows_open(args->output, columns, ARRAY_N(columns)) : NULL;
	size_t i;
	json_t *row;
	json_array_foreach(list.rows, i, row)
	{
		if (rows != NULL && rc == RC_OK)
			rc = rows_put(rows, json_incref(row));
	}
	if (rows != NULL)
		rows_close(rows, "no rules");
	json_decref(list.by_name);
	json_decref(list.rows);
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

/* --- pause and resume ------------------------------------------------------------------------- */

static json_t *make_order(const struct args *args, const char *what)
{
	json_t *rules = json_array();
	if (args_flag(args, "all") != NULL)
		(void)json_array_append_new(rules, json_string("*"));
	for (size_t i = 0; i < args->operands_n; i++)
		(void)json_array_append_new(rules, rows_text(args->operands[i]));
	json_t *order = json_pack("{s:s, s:o}", "do", what, "rules", rules);
	const char *why = args_flag(args, "why");
	if (why != NULL)
		(void)json_object_set_new(order, "why", rows_text(why));
	if (args_flag(args, "dry-run") != NULL)
		(void)json_object_set_new(order, "dry_run", json_true());
	return order;
}

static void say(const struct args *args, const char *done, const json_t *answer)
{
	bool dry = args_flag(args, "dry-run") != NULL;
	json_int_t runs = json_integer_value(json_object_get(answer, "runs"));
	size_t i;
	json_t *rule;
	json_array_foreach(json_object_get(answer, "rules"), i, rule)
	{
		const char *name = json_string_value(rule);
		bool all = name != NULL && strcmp(name, "*") == 0;
		fputs(dry ? "would be " : "", stdout);
		fputs(done, stdout);
		fputs(": ", stdout);
		terminal_put(stdout, all ? "all rules" : name);
		putchar('\n');
	}
	if (!dry && runs > 0)
		printf("%" JSON_INTEGER_FORMAT " run%s %s so far\n", runs, runs == 1 ? "" : "s",
			strcmp(done, "paused") == 0 ? "parked" : "taken up again");
	if (!dry && strcmp(done, "resumed") == 0 &&
		json_is_true(json_object_get(answer, "all_paused")))
		puts("all rules are still paused: moonhook resume --all");
}

static int have_done(const struct args *args, const char *what, const char *done)
{
	json_t *answer = NULL;
	bool all = args_flag(args, "all") != NULL;
	if (all == (args->operands_n != 0))
		return args_fail(CLI_USAGE, "name rules, or all of them with --all: moonhook %s %s",
			verb_title(args->verb), all ? "--all" : "NAME");
	enum cli_exit status = control_order(args, make_order(args, what), PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	if (args->output == ARGS_TABLE)
		say(args, done, answer);
	else
		detail_json(args->output, answer);
	json_decref(answer);
	return CLI_OK;
}

static int run_pause(const struct args *args)
{
	return have_done(args, "pause", "paused");
}

static int run_resume(const struct args *args)
{
	return have_done(args, "resume", "resumed");
}

static const struct verb_flag list_flags[] = {
	{"since", "TIME", "count runs that are not older: a duration such as 2h"},
};
static const struct verb_flag pause_flags[] = {
	{"all", NULL, "all rules, those that are still to come too"},
	{"why", "TEXT", "shown wherever somebody wonders why nothing happens"},
	{"dry-run", NULL, "only check the names"},
};
static const struct verb_flag resume_flags[] = {
	{"all", NULL, "end the pause of all rules; those paused by name stay paused"},
	{"dry-run", NULL, "only check the names"},
};

#define PAUSE_TEXT                                                                                 \
	"Its events wait and nothing is lost; other rules go on with the same records. Runs\n"     \
	"that are at work go on to their end. The pause outlives restarts and reloads."
#define RESUME_TEXT                                                                                \
	"Runs that waited take their old places: each record sees them in the order of its\n"      \
	"events. Where there are many they come back bit by bit while others go on."

const struct verb verb_rules_list = {
	.noun = "rules",
	.name = "list",
	.operands = "",
	.summary = "the rules, how their runs fared, and which are paused",
	.text = "STATE is live, broken, paused, resuming, or gone (a pause or open runs of a rule "
		"that\n"
		"was renamed or removed). SUCCESS counts skipped runs as well; PARKED are those "
		"that\n"
		"wait for the end of a pause. OPTIONS are those of its head that are not as by "
		"default;\n"
		"NEXT is the next tick of a rule by the clock.",
	.examples = {"moonhook rules list", "moonhook rules list --since 24h",
		"moonhook rules list -o json | jq -r '.[] | select(.state != \"live\") | .name'"},
	.flags = list_flags,
	.flags_n = ARRAY_N(list_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_list,
};

const struct verb verb_rules_pause = {
	.noun = "rules",
	.name = "pause",
	.operands = "NAME ..",
	.summary = "hold rules; their events wait",
	.text = PAUSE_TEXT,
	.examples = {"moonhook rules pause 'enrich people'",
		"moonhook rules pause notify --why 'Slack is being moved'",
		"moonhook rules pause --all"},
	.flags = pause_flags,
	.flags_n = ARRAY_N(pause_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_pause,
};

const struct verb verb_rules_resume = {
	.noun = "rules",
	.name = "resume",
	.operands = "NAME ..",
	.summary = "let paused rules go on",
	.text = RESUME_TEXT,
	.examples = {"moonhook rules resume 'enrich people'", "moonhook rules resume --all",
		"moonhook rules list | grep paused"},
	.flags = resume_flags,
	.flags_n = ARRAY_N(resume_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_resume,
};

const struct verb verb_pause = {
	.name = "pause",
	.operands = "[NAME ..]",
	.summary = "hold rules (--all: everything); short for rules pause",
	.text = PAUSE_TEXT,
	.examples = {"moonhook pause --all", "moonhook pause --all --why 'Twenty is upgraded'",
		"moonhook pause 'enrich people'"},
	.flags = pause_flags,
	.flags_n = ARRAY_N(pause_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_pause,
};

const struct verb verb_resume = {
	.name = "resume",
	.operands = "[NAME ..]",
	.summary = "let paused rules go on; short for rules resume",
	.text = RESUME_TEXT,
	.examples = {"moonhook resume --all", "moonhook resume 'enrich people'",
		"moonhook resume --all --dry-run"},
	.flags = resume_flags,
	.flags_n = ARRAY_N(resume_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_resume,
};
