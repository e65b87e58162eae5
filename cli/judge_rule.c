/* SPDX-License-Identifier: MIT */
/*
 * Which rules do not run, and what wants somebody's eyes?
 * From: doctor.c, with what the store tells, whether or not a daemon runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/judge.h"

#define GAP_LATE_MS 3600000

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

static int64_t number_at(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

void judge_rules(struct findings *findings, const json_t *rules)
{
	size_t i, live = 0, broken = 0, paused = 0;
	json_t *r;
	struct finding *row;
	json_array_foreach((json_t *)(uintptr_t)rules, i, r)
	{
		const char *state = text_at(r, "state");
		live += text_at(r, "name")[0] != '\0' && strcmp(state, "paused") != 0;
		paused += strcmp(state, "paused") == 0;
		if (strcmp(state, "broken") != 0)
			continue;
		broken++;
		row = finding_put(findings, "rules", FINDING_FAIL, "%s does not load: %s%s",
			text_at(r, "file"), text_at(r, "error"),
			text_at(r, "name")[0] != '\0' ? " (its older version is live)" : "");
		finding_fix(row, "correct it, then: moonhook reload");
	}
	if (broken == 0 && live != 0)
		finding_put(findings, "rules", FINDING_OK, "%zu rule%s live", live,
			live == 1 ? "" : "s");
	if (live == 0 && paused == 0 && broken == 0) {
		row = finding_put(findings, "rules", FINDING_WARN, "no rule is live");
		finding_fix(row, "put rule files into the folder `rules`, then: moonhook reload");
	}
}

void judge_counts(struct findings *findings, const json_t *events, const json_t *runs)
{
	int64_t dead = number_at(runs, "dead"), killed = number_at(runs, "quarantined");
	/* What a run that kills its workers came from is there as well. */
	int64_t odd = number_at(events, "quarantined") - killed;
	struct finding *row;
	if (dead + killed > 0) {
		row = finding_put(findings, "runs", FINDING_WARN,
			"%" PRId64 " run%s failed for good", dead + killed,
			dead + killed == 1 ? " has" : "s have");
		finding_fix(row, "moonhook runs list state:%s", dead > 0 ? "dead" : "quarantined");
	}
	if (odd > 0) {
		row = finding_put(findings, "events", FINDING_WARN,
			"%" PRId64 " event%s in quarantine", odd, odd == 1 ? " is" : "s are");
		finding_fix(row, "moonhook events list state:quarantined");
	}
}

enum rc judge_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	char age[24];
	bool all = strcmp(pause->rule, "*") == 0;
	(void)err;
	judge_age(clock_wall_ms() - pause->since_ms, age);
	struct finding *row = finding_put(ctx, "rules", FINDING_WARN,
		all ? "%sall rules are paused for %s: %s" : "rule \"%.100s\" is paused for %s: %s",
		all ? "" : pause->rule, age, pause->why);
	if (all)
		finding_fix(row, "moonhook rules resume --all");
	else
		finding_fix(row, "moonhook rules resume '%s'", pause->rule);
	return RC_OK;
}

/* They come the newest first. */
enum rc judge_issue_note(void *ctx, const struct queue_issue *issue, struct err *err)
{
	struct issue_facts *facts = ctx;
	(void)err;
	if (!issue->acknowledged && facts->open_n++ == 0)
		snprintf(facts->newest, sizeof(facts->newest), "%.40s, %.80s: %.*s", issue->kind,
			issue->about, (int)strcspn(issue->text, "\n"), issue->text);
	return RC_OK;
}

void judge_issues(struct findings *findings, const struct issue_facts *facts)
{
	if (facts->open_n == 0)
		return;
	struct finding *row = finding_put(findings, "issues", FINDING_WARN,
		"%zu issue%s open: %s%s", facts->open_n, facts->open_n == 1 ? " is" : "s are",
		facts->newest, facts->open_n == 1 ? "" : " ..");
	finding_fix(row, "moonhook issues list");
}

enum rc judge_gap_note(void *ctx, const struct queue_gap *gap, struct err *err)
{
	struct gap_facts *facts = ctx;
	(void)err;
	if (gap->problem[0] != '\0') {
		if (facts->problems_n++ == 0)
			snprintf(facts->problem, sizeof(facts->problem), "%.64s: %.200s",
				gap->object, gap->problem);
		return RC_OK;
	}
	if (gap->asked_ms == 0)
		return RC_OK;
	if (facts->objects_n++ == 0 || gap->asked_ms < facts->oldest_ms) {
		facts->oldest_ms = gap->asked_ms;
		snprintf(facts->object, sizeof(facts->object), "%.63s", gap->object);
	}
	return RC_OK;
}

void judge_gap(struct findings *findings, const struct gap_facts *facts)
{
	char age[24];
	struct finding *row;
	if (facts->missed_n > 0) {
		row = finding_put(findings, "gap", facts->heard ? FINDING_WARN : FINDING_FAIL,
			"%" PRId64
			" change%s came without a webhook since the start, and %s found by "
			"asking%s",
			facts->missed_n, facts->missed_n == 1 ? "" : "s",
			facts->missed_n == 1 ? "was" : "were",
			facts->heard ? "" : ": webhooks do not arrive");
		finding_fix(row, "moonhook webhook list");
	}
	if (facts->problems_n != 0)
		finding_put(findings, "gap", FINDING_WARN,
			"%zu object%s cannot be looked through for missed changes: %s",
			facts->problems_n, facts->problems_n == 1 ? "" : "s", facts->problem);
	if (facts->objects_n == 0)
		return;
	int64_t late_ms = facts->now_ms - facts->oldest_ms;
	judge_age(late_ms, age);
	if (!facts->running || late_ms < GAP_LATE_MS) {
		finding_put(findings, "gap", FINDING_OK,
			"missed changes of %zu object%s were looked for %s ago at most",
			facts->objects_n, facts->objects_n == 1 ? "" : "s", age);
		return;
	}
	row = finding_put(findings, "gap", FINDING_WARN,
		"missed changes of %s were last looked for %s ago", facts->object, age);
	finding_fix(row, "moonhook reconcile");
}
