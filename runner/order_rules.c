/* SPDX-License-Identifier: MIT */
/*
 * Orders about rules and issues: pause, resume, acknowledge.
 * From: order.c. To: the store. Many runs are parked and brought back bit by bit, by pausing_step
 * once per turn. Fails with a sentence before anything is changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/pause.h"
#include "runner/order_kinds.h"
#include "runner/state.h"

#define STEP_RUNS 300 /* of each rule, per turn */
#define WORDS_MAX 512
#define ALL "*"

void order_pausing_step(struct runner *r)
{
	struct err err = {0};
	if (!r->orders.pausing || r->drain.on)
		return;
	if (queue_pause_step(r->queue, STEP_RUNS, &r->orders.pausing, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	gate_wrote(&r->gate);
	r->route.backlog = true;
}

/* --- names ------------------------------------------------------------------------------------ */

struct names {
	const char *words[WORDS_MAX + 1]; /* NULL-terminated */
	char *owned[WORDS_MAX];
	size_t n;
};

static enum rc add_pause(void *ctx, const struct queue_pause *pause, struct err *err)
{
	struct names *names = ctx;
	(void)err;
	if (names->n < WORDS_MAX && (names->owned[names->n] = strdup(pause->rule)) != NULL) {
		names->words[names->n] = names->owned[names->n];
		names->n++;
	}
	return RC_OK;
}

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->owned[i]);
}

static void refuse_name(struct order *order, const char *rule, const char *what,
	const char *const *words, const char *hint)
{
	const char *near = conf_nearest(rule, words);
	if (near != NULL)
		order_refuse(order, RC_NOT_FOUND, "%s \"%.100s\"; did you mean \"%.100s\"?", what,
			rule, near);
	else
		order_refuse(order, RC_NOT_FOUND, "%s \"%.100s\"; %s", what, rule, hint);
}

/* Is there such a rule now? Otherwise the order is refused. */
static bool is_rule(struct runner *r, struct order *order, const char *rule)
{
	const char *words[WORDS_MAX + 1];
	const struct ruleset *live = r->rules.live;
	size_t n = 0;
	if (strcmp(rule, ALL) == 0 || (live != NULL && ruleset_find(live, rule) != NULL))
		return true;
	for (; live != NULL && n < live->n && n < WORDS_MAX; n++)
		words[n] = live->rules[n]->name;
	words[n] = NULL;
	refuse_name(order, rule, "there is no rule", words, "`moonhook rules list` has them");
	return false;
}

struct reason {
	const char *rule;
	bool found;
};

static enum rc find_reason(void *ctx, const struct queue_pause *pause, struct err *err)
{
	struct reason *reason = ctx;
	(void)err;
	reason->found = reason->found || (!pause->ending && strcmp(pause->rule, reason->rule) == 0);
	return RC_OK;
}

/* It is paused already, and why is known. */
static bool has_reason(struct runner *r, const char *rule)
{
	struct reason reason = {.rule = rule};
	struct err err = {0};
	return queue_pause_each(r->queue, find_reason, &reason, &err) == RC_OK && reason.found;
}

static bool is_paused(struct runner *r, struct order *order, const char *rule)
{
	struct names names = {.n = 0};
	struct err err = {0};
	bool found = false;
	if (queue_pause_each(r->queue, add_pause, &names, &err) != RC_OK) {
		order_refuse_err(order, &err);
	} else {
		for (size_t i = 0; i < names.n; i++)
			found = found || strcmp(names.words[i], rule) == 0;
		if (!found && strcmp(rule, ALL) == 0)
			order_refuse(order, RC_NOT_FOUND,
				"not all rules are paused; "
				"`moonhook rules list` says which are");
		else if (!found)
			refuse_name(order, rule, "there is no paused rule", names.words,
				"`moonhook rules list` says which are");
	}
	names_done(&names);
	return found;
}

/* The names that are ordered, all of which pass the question. */
static bool take_rules(struct runner *r, struct order *order, json_t **ret_rules,
	bool (*question)(struct runner *r, struct order *order, const char *rule))
{
	json_t *rules = json_object_get(order->words, "rules");
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const char *rule = json_string_value(json_array_get(rules, i));
		if (rule == NULL) {
			order_refuse(order, RC_INVALID, "a rule's name is a text");
			return false;
		}
		if (!question(r, order, rule))
			return false;
	}
	if (json_array_size(rules) == 0)
		order_refuse(order, RC_INVALID, "name a rule, or all of them with --all");
	*ret_rules = rules;
	return json_array_size(rules) != 0;
}

/* --- pause and resume ------------------------------------------------------------------------- */

static void answer_rules(struct runner *r, struct order *order, json_t *rules, size_t n)
{
	struct err err = {0};
	gate_wrote(&r->gate);
	r->orders.pausing = true;
	r->route.backlog = true;
	if (order_audit(r, order, (int64_t)json_array_size(rules), "", &err) != RC_OK)
		runner_fatal(r, &err);
	else
		order_answer(
			order, json_pack("{s:O, s:I, s:b}", "rules", rules, "runs", (json_int_t)n,
				       "all_paused", queue_paused(r->queue, ALL)));
}

/* {"dry_run":true}: the names are right, and nothing is done. */
static bool only_asked(struct order *order, json_t *rules)
{
	if (!json_is_true(json_object_get(order->words, "dry_run")))
		return false;
	order_answer(order, json_pack("{s:O, s:i}", "rules", rules, "runs", 0));
	return true;
}

void order_pause(struct runner *r, struct order *order)
{
	const char *why = json_string_value(json_object_get(order->words, "why"));
	json_t *rules;
	struct err err = {0};
	size_t total = 0;
	if (!take_rules(r, order, &rules, is_rule) || only_asked(order, rules))
		return;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		struct queue_pause pause = {
			.rule = json_string_value(json_array_get(rules, i)),
			.why = why != NULL && why[0] != '\0' ? why : "paused by hand",
			.since_ms = clock_wall_ms(),
		};
		size_t n = 0;
		if (why == NULL && has_reason(r, pause.rule))
			continue;
		enum rc rc = queue_pause(r->queue, &pause, &n, &err);
		if (rc == RC_INVALID) {
			order_refuse_err(order, &err);
			return;
		}
		if (rc != RC_OK) {
			runner_fatal(r, &err);
			return;
		}
		total += n;
		struct log_fields f = {.rule = pause.rule};
		log_info(&f, "paused: %s", pause.why);
	}
	answer_rules(r, order, rules, total);
}

void order_resume(struct runner *r, struct order *order)
{
	json_t *rules;
	struct err err = {0};
	size_t total = 0;
	if (!take_rules(r, order, &rules, is_paused) || only_asked(order, rules))
		return;
	for (size_t i = 0; i < json_array_size(rules); i++) {
		const char *rule = json_string_value(json_array_get(rules, i));
		struct log_fields f = {.rule = rule};
		size_t n = 0;
		enum rc rc = queue_resume(r->queue, rule, &n, &err);
		if (rc == RC_NOT_FOUND) /* it has been resumed, its runs are coming back */
			continue;
		if (rc == RC_OK) /* what it may write is counted anew */
			rc = spend_anew(r, rule, &err);
		if (rc != RC_OK) {
			runner_fatal(r, &err);
			return;
		}
		total += n;
		log_info(&f, "resumed");
	}
	answer_rules(r, order, rules, total);
}

/* --- issues ----------------------------------------------------------------------------------- */

void order_acknowledge(struct runner *r, struct order *order)
{
	json_t *issues = json_object_get(order->words, "issues"), *one;
	size_t i;
	struct err err = {0};
	json_array_foreach(issues, i, one)
	{
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *about = json_string_value(json_object_get(one, "about"));
		enum rc rc =
			kind != NULL && about != NULL
				? queue_issue_acknowledge(r->queue, kind, about, &err)
				: err_set(&err, RC_INVALID, "an issue has a kind and an about");
		if (rc == RC_IO) {
			runner_fatal(r, &err);
			return;
		}
		if (rc != RC_OK) {
			order_refuse_err(order, &err);
			return;
		}
		gate_wrote(&r->gate);
	}
	if (order_audit(r, order, (int64_t)json_array_size(issues), "", &err) != RC_OK)
		runner_fatal(r, &err);
	else
		order_answer(order, json_pack("{s:I}", "n", (json_int_t)json_array_size(issues)));
}
