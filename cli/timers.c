/* SPDX-License-Identifier: MIT */
/*
 * The verbs `timers list` and `timers cancel`: what rules wait for.
 * From: main.c. Next: the store for the list, of timers that are armed and of the next ticks of
 * live rules by the clock; the daemon (runner/order_timer.c) to cancel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/control.h"
#include "cli/detail.h"
#include "cli/rows.h"
#include "cli/schedule.h"
#include "cli/store.h"
#include "cli/terminal.h"
#include "queue/timer.h"

#define PATIENCE_S 60

static const struct rows_column columns[] = {{"due_at", "DUE"}, {"rule", "RULE"}, {"kind", "KIND"},
	{"key", "KEY"}, {"record", "RECORD"}, {"by", "BY"}};

struct listing {
	struct rows *rows;
	const char *rule; /* of this alone; NULL: of all */
	json_t *live;     /* names of the rules that are */
};

static enum rc put(struct listing *list, json_t *row, struct err *err)
{
	return rows_put(list->rows, row) == RC_OK ? RC_OK
						  : err_set(err, RC_NOMEM, "no memory for a row");
}

static enum rc put_timer(void *ctx, const struct queue_timer *t, struct err *err)
{
	json_t *payload = json_loadb(t->payload.p, t->payload.n, JSON_DECODE_ANY, NULL);
	return put(ctx,
		json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "due_at",
			rows_time(t->due_ms), "rule", rows_text(t->rule), "kind", "timer", "key",
			rows_text(t->key), "object", rows_text(t->object), "record",
			rows_text(t->record), "by", rows_text(t->rule_from), "payload",
			payload != NULL ? payload : json_null()),
		err);
}

/* "every 3600000" reads every 3600s, as one may write it. */
static void write_schedule(const char *schedule, char *text, size_t size)
{
	if (strncmp(schedule, "every ", 6) == 0)
		snprintf(text, size, "every %" PRId64 "s",
			(int64_t)strtoll(schedule + 6, NULL, 10) / 1000);
	else
		snprintf(text, size, "%s", schedule);
}

static enum rc put_tick(void *ctx, const struct queue_tick *t, struct err *err)
{
	struct listing *list = ctx;
	char schedule[320];
	if ((list->rule != NULL && strcmp(list->rule, t->rule) != 0) ||
		json_object_get(list->live, t->rule) == NULL)
		return RC_OK;
	write_schedule(t->schedule, schedule, sizeof(schedule));
	return put(list,
		json_pack("{s:o, s:o, s:s, s:n, s:n, s:n, s:o, s:n, s:o}", "due_at",
			rows_time(schedule_next_ms(t)), "rule", rows_text(t->rule), "kind", "tick",
			"key", "object", "record", "by", rows_text(schedule), "payload", "last_at",
			rows_time(t->last_ms)),
		err);
}

static enum rc note_rule(void *ctx, const struct queue_rule *r, struct err *err)
{
	struct listing *list = ctx;
	if (r->name[0] != '\0' && json_object_set_new(list->live, r->name, json_true()) != 0)
		return err_set(err, RC_NOMEM, "no memory for the rules");
	return RC_OK;
}

static int run_list(const struct args *args)
{
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	struct listing list = {.rule = args->operands_n > 0 ? args->operands[0] : NULL};
	if (args->operands_n > 1)
		return args_fail(CLI_USAGE, "name one rule, or none for all of them");
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	list.live = json_object();
	list.rows = rows_open(args->output, columns, ARRAY_N(columns));
	enum rc rc = list.rows != NULL ? queue_rule_each(queue, note_rule, &list, &err)
				       : err_set(&err, RC_NOMEM, "no memory");
	if (rc == RC_OK)
		rc = queue_timer_each(queue, list.rule, 0, put_timer, &list, &err);
	if (rc == RC_OK)
		rc = queue_tick_each(queue, put_tick, &list, &err);
	rows_close(list.rows, "no timers");
	json_decref(list.live);
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

static int run_cancel(const struct args *args)
{
	json_t *answer = NULL;
	bool dry = args_flag(args, "dry-run") != NULL;
	if (args->operands_n != 2)
		return args_fail(
			CLI_USAGE, "name a rule and a key: moonhook timers cancel RULE KEY");
	enum cli_exit status = control_order(args,
		json_pack("{s:s, s:o, s:o, s:b}", "do", "cancel", "rule",
			rows_text(args->operands[0]), "key", rows_text(args->operands[1]),
			"dry_run", dry),
		PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	if (args->output == ARGS_TABLE) {
		fputs(dry ? "would be cancelled: " : "cancelled: ", stdout);
		terminal_put(stdout, args->operands[0]);
		fputs(", ", stdout);
		terminal_put(stdout, args->operands[1]);
		putchar('\n');
	} else {
		detail_json(args->output, answer);
	}
	json_decref(answer);
	return CLI_OK;
}

static const struct verb_flag cancel_flags[] = {
	{"dry-run", NULL, "only look whether it is armed"},
};

const struct verb verb_timers_list = {
	.noun = "timers",
	.name = "list",
	.operands = "[RULE]",
	.summary = "timers that rules have armed, and the next ticks of rules by the clock",
	.text = "In the order of their times, then the ticks. BY is the rule that armed a timer, "
		"the\n"
		"schedule of a tick. A time that is past waits for the run before it, or for the "
		"daemon.",
	.examples = {"moonhook timers list", "moonhook timers list 'sla breached'",
		"moonhook timers list -o json | jq -r '.[] | select(.kind == \"tick\") | .due_at'"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_list,
};

const struct verb verb_timers_cancel = {
	.noun = "timers",
	.name = "cancel",
	.operands = "RULE KEY",
	.summary = "take back a timer; its rule does not run",
	.text = "KEY is what `moonhook timers list` shows: the id of a record, unless the rule "
		"that "
		"armed\n"
		"it gave another. It is noted in the audit log.",
	.examples = {"moonhook timers cancel 'sla breached' 20202020-1c25-4d02-bf25-6aeccf7ea419",
		"moonhook timers cancel 'sla breached' weekly --dry-run",
		"moonhook timers list 'sla breached'"},
	.flags = cancel_flags,
	.flags_n = ARRAY_N(cancel_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_cancel,
};
