/* SPDX-License-Identifier: MIT */
/*
 * The verbs `issues list`, `issues ack` and `audit list`.
 * From: main.c. Next: the store for the lists, the daemon to acknowledge.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "cli/control.h"
#include "cli/detail.h"
#include "cli/rows.h"
#include "cli/store.h"
#include "queue/audit.h"
#include "queue/pause.h"

#define PATIENCE_S 60
#define NAMES_MAX 500

/* --- issues ----------------------------------------------------------------------------------- */

static const struct rows_column issue_columns[] = {{"last_at", "LAST"}, {"kind", "KIND"},
	{"about", "ABOUT"}, {"count", "COUNT"}, {"first_at", "FIRST"}, {"state", "STATE"},
	{"event", "EVENT"}, {"text", "TEXT"}};

static json_t *issue_row(const struct queue_issue *i)
{
	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:s, s:o, s:o}", "kind", rows_text(i->kind),
		"about", rows_text(i->about), "count", (json_int_t)i->count, "first_at",
		rows_time(i->first_ms), "last_at", rows_time(i->last_ms), "state",
		i->acknowledged ? "seen" : "open", "event", rows_text(i->event), "text",
		rows_text(i->text));
}

static enum rc put_issue(void *ctx, const struct queue_issue *i, struct err *err)
{
	return rows_put(ctx, issue_row(i)) == RC_OK ? RC_OK
						    : err_set(err, RC_NOMEM, "no memory for a row");
}

/* For a table: the first line. */
static int brief(json_t *row)
{
	const char *text = json_string_value(json_object_get(row, "text"));
	size_t n = text != NULL ? strcspn(text, "\n") : 0;
	if (text == NULL || text[n] == '\0')
		return 0;
	return json_object_set_new(row, "text", json_stringn(text, n));
}

static enum rc put_brief(void *ctx, const struct queue_issue *i, struct err *err)
{
	json_t *row = issue_row(i);
	if (row == NULL || brief(row) != 0) {
		json_decref(row);
		return err_set(err, RC_NOMEM, "no memory for a row");
	}
	return rows_put(ctx, row) == RC_OK ? RC_OK : err_set(err, RC_NOMEM, "no memory for a row");
}

static int run_issues(const struct args *args)
{
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	struct rows *rows = rows_open(args->output, issue_columns, ARRAY_N(issue_columns));
	enum rc rc = rows != NULL ? queue_issue_each(queue,
					    args->output == ARGS_TABLE ? put_brief : put_issue,
					    rows, &err)
				  : err_set(&err, RC_NOMEM, "no memory");
	rows_close(rows, "no issues");
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

struct choice { /* of what is to be acknowledged */
	const struct args *args;
	json_t *issues;
	char *names[NAMES_MAX];
	const char *words[NAMES_MAX + 1];
	size_t n;
	bool found[ARGS_MAX];
};

static enum rc choose(void *ctx, const struct queue_issue *i, struct err *err)
{
	struct choice *c = ctx;
	bool wanted = args_flag(c->args, "all") != NULL && !i->acknowledged;
	if (c->n < NAMES_MAX && (c->names[c->n] = strdup(i->about)) != NULL) {
		c->words[c->n] = c->names[c->n];
		c->n++;
	}
	for (size_t k = 0; k < c->args->operands_n; k++) {
		bool fits = strcmp(c->args->operands[k], i->about) == 0;
		c->found[k] = c->found[k] || fits;
		wanted = wanted || fits;
	}
	if (wanted &&
		json_array_append_new(c->issues, json_pack("{s:o, s:o}", "kind", rows_text(i->kind),
							 "about", rows_text(i->about))) != 0)
		return err_set(err, RC_NOMEM, "no memory for the order");
	return RC_OK;
}

/* Every name has its issue; else the one that was probably meant is said. */
static enum cli_exit check_found(const struct choice *c)
{
	for (size_t k = 0; k < c->args->operands_n; k++) {
		const char *word = c->args->operands[k], *near;
		if (c->found[k])
			continue;
		near = conf_nearest(word, c->words);
		return (enum cli_exit)args_fail(CLI_FAILED, "there is no issue about \"%s\"%s%s%s",
			word, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
			near != NULL ? "\"?" : "; `moonhook issues list` has them");
	}
	return CLI_OK;
}

static enum cli_exit acknowledge(const struct args *args, json_t *issues)
{
	json_t *answer = NULL;
	enum cli_exit status =
		control_order(args, json_pack("{s:s, s:O}", "do", "acknowledge", "issues", issues),
			PATIENCE_S, &answer);
	if (status != CLI_OK)
		return status;
	if (args->output == ARGS_TABLE)
		printf("%zu acknowledged, until %s again\n", json_array_size(issues),
			json_array_size(issues) == 1 ? "it happens" : "they happen");
	else
		detail_json(args->output, answer);
	json_decref(answer);
	return CLI_OK;
}

static int run_ack(const struct args *args)
{
	struct choice c = {.args = args, .issues = json_array()};
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	if ((args_flag(args, "all") != NULL) == (args->operands_n != 0)) {
		json_decref(c.issues);
		return args_fail(CLI_USAGE, "name what the issues are about, or say --all");
	}
	enum cli_exit status = store_open(args, &queue);
	if (status == CLI_OK && queue_issue_each(queue, choose, &c, &err) != RC_OK)
		status = (enum cli_exit)store_fail(&err);
	queue_close(queue);
	if (status == CLI_OK)
		status = check_found(&c);
	if (status == CLI_OK && json_array_size(c.issues) == 0)
		fputs("no issue is open\n", stderr);
	else if (status == CLI_OK)
		status = acknowledge(args, c.issues);
	for (size_t i = 0; i < c.n; i++)
		free(c.names[i]);
	json_decref(c.issues);
	return status;
}

/* --- audit ------------------------------------------------------------------------------------ */

static const struct rows_column audit_columns[] = {
	{"at", "AT"}, {"who", "WHO"}, {"what", "WHAT"}, {"n", "N"}, {"result", "RESULT"}};

static enum rc put_audit(void *ctx, const struct queue_audit *a, struct err *err)
{
	char who[64] = "moonhook";
	const struct passwd *pw = a->uid >= 0 ? getpwuid((uid_t)a->uid) : NULL;
	if (pw != NULL)
		snprintf(who, sizeof(who), "%s", pw->pw_name);
	else if (a->uid >= 0)
		snprintf(who, sizeof(who), "%lld", (long long)a->uid);
	json_t *n = a->n >= 0 ? json_integer((json_int_t)a->n) : json_null();
	json_t *row = json_pack("{s:o, s:o, s:I, s:o, s:o, s:o}", "at", rows_time(a->at_ms), "who",
		rows_text(who), "uid", (json_int_t)a->uid, "what", rows_text(a->what), "n", n,
		"result", rows_text(a->n < 0 ? "not ended" : a->result));
	return rows_put(ctx, row) == RC_OK ? RC_OK : err_set(err, RC_NOMEM, "no memory for a row");
}

static int run_audit(const struct args *args)
{
	struct queue *queue = NULL;
	struct err err = {.msg = ""};
	const char *limit = args_flag(args, "limit");
	char *end = NULL;
	long most = limit != NULL ? strtol(limit, &end, 10) : 0;
	if (limit != NULL && (*end != '\0' || end == limit || most < 0))
		return args_fail(CLI_USAGE, "--limit wants a number, not %s", limit);
	enum cli_exit status = store_open(args, &queue);
	if (status != CLI_OK)
		return status;
	struct rows *rows = rows_open(args->output, audit_columns, ARRAY_N(audit_columns));
	enum rc rc = rows != NULL ? queue_audit_each(queue, (size_t)most, put_audit, rows, &err)
				  : err_set(&err, RC_NOMEM, "no memory");
	rows_close(rows, "nobody has ordered anything");
	queue_close(queue);
	return rc == RC_OK ? CLI_OK : store_fail(&err);
}

static const struct verb_flag ack_flags[] = {{"all", NULL, "all that are open"}};
static const struct verb_flag audit_flags[] = {{"limit", "N", "the newest N only; 0: all"}};

const struct verb verb_issues_list = {
	.noun = "issues",
	.name = "list",
	.operands = "",
	.summary = "what went wrong and wants somebody's eyes, newest first",
	.text = "Dead letters and what is in quarantine are counted by rule and error. An issue "
		"that\n"
		"is acknowledged is `seen` until it happens again. Of a text with several lines "
		"(the\n"
		"chain of a loop) the table shows the first; -o json has all.",
	.examples = {"moonhook issues list", "moonhook issues list -o jsonl | jq -r .about",
		"moonhook status | grep issues"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_issues,
};

const struct verb verb_issues_ack = {
	.noun = "issues",
	.name = "ack",
	.operands = "ABOUT ..",
	.summary = "acknowledge issues, until they happen again",
	.examples = {"moonhook issues ack 'enrich people: upstream'", "moonhook issues ack --all",
		"moonhook issues ack 'source twenty' -o json"},
	.flags = ack_flags,
	.flags_n = ARRAY_N(ack_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_DAEMON, CLI_BUSY, CLI_CONFIG},
	.run = run_ack,
};

const struct verb verb_audit_list = {
	.noun = "audit",
	.name = "list",
	.operands = "",
	.summary = "who had what done by hand, oldest first",
	.text = "Every order that changes something: pause, resume, retry, purge, erase .. with "
		"the "
		"user\n"
		"who gave it. `not ended`: it is under way, or the runner died over it.",
	.examples = {"moonhook audit list", "moonhook audit list --limit 10",
		"moonhook audit list -o jsonl | jq 'select(.uid == 0)'"},
	.flags = audit_flags,
	.flags_n = ARRAY_N(audit_flags),
	.exits = {CLI_FAILED, CLI_USAGE, CLI_CONFIG},
	.run = run_audit,
};
