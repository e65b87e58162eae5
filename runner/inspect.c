/* SPDX-License-Identifier: MIT */
/*
 * The check in the daemon.
 * From: rules.c (a load is complete), upkeep.c (now and then), route.c (Twenty tells of a change of
 * its objects). To: check/; the store for pauses and issues; client.h for what the workspace has.
 * Only errors count here, never warnings; a version that was live once is not refused, so that no
 * update of this program stops a rule that works. Memory that is short leaves files unchecked, and
 * says so.
 */
#include "runner/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/pause.h"
#include "runner/bundle.h"
#include "runner/check/check.h"
#include "runner/state.h"

#define ERROR_BYTES 900
#define ASK_MS (INT64_C(10) * 60 * 1000) /* nobody tells of every change */
#define SOON_MS 1000                     /* several changes come at once */
#define KIND "workspace"                 /* of issues */

/* --- files that are to be live ---------------------------------------------------------------- */

/* What the workspace decides: it may be known too late, or in part. */
static bool is_of_workspace(enum check_kind kind)
{
	return kind == CHECK_OBJECT || kind == CHECK_FIELD || kind == CHECK_CHOICE;
}

static bool is_new(const struct candidate *c)
{
	return c->done != NULL && c->done->live_ms == 0;
}

/* Is there a version that can go on? */
static bool has_older(const struct runner *r, const struct candidate *c)
{
	return c->stored != NULL ||
	       (r->rules.live != NULL && ruleset_find_file(r->rules.live, c->file->name) != NULL);
}

/* Is a new version refused for this? That a name is there twice is for rules.c, which knows whose
 * it is. What the workspace lacks refuses only what has an older version. */
static bool refuses(const struct runner *r, const struct candidate *c, enum check_kind kind)
{
	if (check_kind_severity(kind) != CHECK_ERROR || kind == CHECK_DOUBLE)
		return false;
	return !is_of_workspace(kind) || has_older(r, c);
}

static void format(const struct check_finding *f, char *out, size_t n)
{
	snprintf(out, n, "%s:%d:%d: %.500s%s%.200s", f->file, f->line, f->column,
		f->text != NULL ? f->text : "", f->suggestion != NULL ? "; " : "",
		f->suggestion != NULL ? f->suggestion : "");
}

static void note_error(struct runner *r, struct candidate *c, const struct check_finding *f)
{
	char text[ERROR_BYTES];
	format(f, text, sizeof(text));
	free(c->error);
	c->error = strdup(text);
	rulefile_unref(c->done);
	c->done = NULL;
	r->inspect.refused |= is_of_workspace(f->kind);
}

/* The rules of a file are live, and what the workspace seems to lack is told. */
static void note_doubt(struct candidate *c, const struct check_finding *f)
{
	char text[ERROR_BYTES];
	if (c->doubt != NULL || !is_of_workspace(f->kind))
		return;
	format(f, text, sizeof(text));
	c->doubt = strdup(text);
}

/* The first error of each file is its error. */
static void note_errors(struct runner *r, const struct check_findings *findings)
{
	for (size_t i = 0; i < r->rules.candidates_n; i++) {
		struct candidate *c = &r->rules.candidates[i];
		for (size_t k = 0; k < findings->n && is_new(c); k++)
			if (findings->p[k].file != c->file->name)
				continue;
			else if (refuses(r, c, findings->p[k].kind))
				note_error(r, c, &findings->p[k]);
			else
				note_doubt(c, &findings->p[k]);
	}
}

static enum rc add_file(struct check *check, const struct candidate *c, struct err *err)
{
	struct slice text = bundle_text(buf_slice(&c->file->text), c->file->name);
	return is_new(c) ? check_add(check, c->file->name, text, CHECK_RULE_FILE, err)
			 : check_add_context(check, c->file->name, text, CHECK_RULE_FILE, err);
}

static void take_words(struct candidate *c, const struct check_finding *f)
{
	char text[ERROR_BYTES];
	format(f, text, sizeof(text));
	char *copy = strdup(text);
	if (copy == NULL)
		return;
	free(c->error);
	free(c->report); /* of where Lua got stuck, which is another place */
	c->error = copy;
	c->report = NULL;
}

/* Of a text that is no Lua, Lua says where it got stuck, and the check what is missing where. */
static void reword(struct candidate *c)
{
	const struct check_world world = {.schema = NULL};
	struct check_findings findings = {0};
	struct err err = {.msg = ""};
	struct slice text = bundle_text(buf_slice(&c->file->text), c->file->name);
	struct check *check = check_new(&world);
	if (check != NULL &&
		check_add(check, c->file->name, text, CHECK_RULE_FILE, &err) == RC_OK &&
		check_run(check, &findings, &err) == RC_OK && findings.n > 0 &&
		findings.p[0].kind == CHECK_SYNTAX)
		take_words(c, &findings.p[0]);
	check_findings_done(&findings);
	check_free(check);
}

void inspect_candidates(struct runner *r)
{
	struct rules *rules = &r->rules;
	struct err err = {0};
	const struct check_world world = {.schema = client_schema(r->client)};
	struct check_findings findings = {0};
	bool any = false;
	for (size_t i = 0; i < rules->candidates_n; i++) {
		any = any || is_new(&rules->candidates[i]);
		if (rules->candidates[i].error != NULL && rules->candidates[i].file->text.n > 0)
			reword(&rules->candidates[i]);
	}
	if (!any)
		return;
	struct check *check = check_new(&world);
	enum rc rc = check != NULL ? RC_OK : err_set(&err, RC_NOMEM, "no memory");
	for (size_t i = 0; i < rules->candidates_n && rc == RC_OK; i++)
		if (rules->candidates[i].file->text.n > 0)
			rc = add_file(check, &rules->candidates[i], &err);
	if (rc == RC_OK)
		rc = check_run(check, &findings, &err);
	if (rc == RC_OK)
		note_errors(r, &findings);
	else
		log_warn(NULL, "the rules are not checked: %s", err.msg);
	check_findings_done(&findings);
	check_free(check);
	if (r->inspect.refused && !r->inspect.again) /* once; else at the usual time */
		inspect_news(r);
	r->inspect.again = false;
}

/* --- rules that are live ---------------------------------------------------------------------- */

static enum rc pause_rule(struct runner *r, const char *rule, const char *text, struct err *err)
{
	int64_t now = clock_wall_ms();
	size_t n = 0;
	struct queue_issue issue = {
		.kind = KIND, .about = rule, .text = text, .event = "", .count = 1, .last_ms = now};
	struct queue_pause pause = {.rule = rule, .why = text, .since_ms = now};
	enum rc rc = queue_issue_put(r->queue, &issue, err);
	if (rc == RC_OK && !queue_paused(r->queue, rule))
		rc = queue_pause(r->queue, &pause, &n, err);
	gate_wrote(&r->gate);
	r->orders.pausing = true;
	struct log_fields f = {.rule = rule};
	if (rc == RC_OK)
		log_error(&f, "paused: %s", text);
	return rc;
}

/* The rule of a file in whose text a line is: the last one that begins in front of it. What stands
 * in front of all of them is for each of them. */
static bool is_within(const struct rulefile *file, size_t i, int line)
{
	int begin = file->rules[i].line, end = INT32_MAX;
	bool before_all = true;
	for (size_t k = 0; k < file->n; k++) {
		before_all = before_all && line < file->rules[k].line;
		if (file->rules[k].line > begin && file->rules[k].line < end)
			end = file->rules[k].line;
	}
	return before_all || (line >= begin && line < end);
}

static enum rc pause_users(struct runner *r, const struct rulefile *file,
	const struct check_finding *f, struct err *err)
{
	char text[ERROR_BYTES];
	enum rc rc = RC_OK;
	for (size_t i = 0; i < file->n && rc == RC_OK; i++) {
		const char *rule = file->rules[i].name;
		if (!is_within(file, i, f->line))
			continue;
		snprintf(text, sizeof(text),
			"%s:%d:%d: %.300s: mend the rule, or Twenty, then: moonhook rules resume "
			"\"%.120s\"",
			f->file, f->line, f->column, f->text != NULL ? f->text : "", rule);
		rc = pause_rule(r, rule, text, err);
	}
	return rc;
}

/* What the workspace does not have of a file; modules are not looked into. NULL: no memory. GIVES.
 */
static struct check_findings *find_lacks(const struct rulefile *file, const struct schema *schema)
{
	const struct check_world world = {.schema = schema};
	struct err err = {.msg = ""};
	struct check_findings all = {0}, *lacks = calloc(1, sizeof(*lacks));
	struct slice text = {file->source->text, file->source->text_n};
	struct check *check = check_new(&world);
	bool good = lacks != NULL && check != NULL &&
		    check_add(check, file->name, bundle_text(text, file->name), CHECK_RULE_FILE,
			    &err) == RC_OK &&
		    check_run(check, &all, &err) == RC_OK;
	check_free(check);
	if (!good) {
		log_warn(NULL, "no memory to hold %s against the workspace", file->name);
		check_findings_done(&all);
		free(lacks);
		return NULL;
	}
	*lacks = all;
	return lacks;
}

static bool has_finding(const struct check_findings *findings, const struct check_finding *f)
{
	for (size_t i = 0; i < findings->n; i++) {
		const struct check_finding *g = &findings->p[i];
		if (g->kind == f->kind && g->line == f->line && g->column == f->column)
			return true;
	}
	return false;
}

/* What a file lacks from its beginning is told; what it has lost since then pauses its rules. */
static enum rc compare(struct runner *r, const struct rulefile *file,
	const struct check_findings *before, const struct check_findings *now, struct err *err)
{
	char text[ERROR_BYTES];
	enum rc rc = RC_OK;
	for (size_t i = 0; i < now->n && rc == RC_OK; i++) {
		const struct check_finding *f = &now->p[i];
		if (!is_of_workspace(f->kind) || (before != NULL && has_finding(before, f)))
			continue;
		format(f, text, sizeof(text));
		if (!r->lead.on)
			continue; /* who leads says so, and pauses */
		if (before == NULL || f->kind == CHECK_CHOICE)
			log_warn(NULL, "%s", text);
		else
			rc = pause_users(r, file, f, err);
	}
	return rc;
}

static enum rc hold(
	struct runner *r, struct rulefile *file, const struct schema *schema, struct err *err)
{
	struct check_findings *now = find_lacks(file, schema);
	if (now == NULL)
		return RC_OK;
	enum rc rc = compare(r, file, file->lacks, now, err);
	if (file->lacks != NULL)
		check_findings_done(file->lacks);
	free(file->lacks);
	file->lacks = now;
	return rc;
}

/* all: those that were held against an earlier one, too. */
static void hold_live(struct runner *r, const struct schema *schema, bool all)
{
	struct err err = {0};
	enum rc rc = RC_OK;
	const struct ruleset *live = r->rules.live;
	for (size_t i = 0; schema != NULL && live != NULL && i < live->files_n && rc == RC_OK; i++)
		if (all || live->files[i]->lacks == NULL)
			rc = hold(r, live->files[i], schema, &err);
	if (rc != RC_OK)
		runner_fatal(r, &err);
}

void inspect_live(struct runner *r, const struct schema *schema)
{
	hold_live(r, schema, true);
}

void inspect_news(struct runner *r)
{
	int64_t soon = clock_mono_ms() + SOON_MS;
	if (r->inspect.ask_at_ms == 0 || r->inspect.ask_at_ms > soon)
		r->inspect.ask_at_ms = soon;
}

/* Has the client read the workspace anew, where it is time for that. */
static void ask(struct runner *r)
{
	struct inspect *i = &r->inspect;
	int64_t now = clock_mono_ms();
	if (i->ask_at_ms != 0 && now < i->ask_at_ms)
		return;
	if (i->ask_at_ms != 0 && r->client != NULL)
		client_schema_ask(r->client);
	i->ask_at_ms = now + ASK_MS;
}

void inspect_look(struct runner *r)
{
	struct inspect *i = &r->inspect;
	unsigned n = client_schema_n(r->client);
	if (r->drain.on || r->rules.live == NULL || r->rules.loading)
		return;
	ask(r);
	hold_live(r, client_schema(r->client), n != i->schema_n);
	if (n == i->schema_n)
		return;
	i->schema_n = n;
	if (i->refused) {
		i->refused = false;
		i->again = true;
		rules_reload(r);
	}
}
