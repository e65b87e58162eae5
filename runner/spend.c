/* SPDX-License-Identifier: MIT */
/*
 * The limit on what a rule writes.
 * From: call.c, effects about to go out; order_rules.c, rules that are resumed. To: queue/spend.h,
 * one statement for each effect; queue/pause.h and an issue where it is too much. Counts what is
 * asked for, whether or not it comes to be: a rule that fails a thousand times an hour has written
 * enough, too. What is repeated of an earlier attempt was counted then.
 */
#include "runner/spend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "queue/pause.h"
#include "queue/spend.h"
#include "runner/manner.h"
#include "runner/outcome.h"
#include "runner/state.h"

#define SLOTS 60
#define SLOT_LEAST_MS 1000
#define KEPT_MAX 256 /* slots of one rule in memory; a limit has 61 at most */

struct slot {
	int64_t at_ms, n;
};

struct spend { /* of one rule */
	struct spend *next;
	char *rule;
	struct slot slots[KEPT_MAX];
	size_t n;
};

static void spend_free(struct spend *s)
{
	free(s->rule);
	free(s);
}

void spends_done(struct spends *spends)
{
	while (spends->first != NULL) {
		struct spend *s = spends->first;
		spends->first = s->next;
		spend_free(s);
	}
}

static const struct rule *rule_of(const struct runner *r, const struct run *run)
{
	return r->rules.live != NULL ? ruleset_find(r->rules.live, run->q.rule) : NULL;
}

static int64_t slot_ms(const struct rule *rule)
{
	int64_t ms = rule->writes_per_ms / SLOTS;
	return ms > SLOT_LEAST_MS ? ms : SLOT_LEAST_MS;
}

int64_t spend_size(enum client_op op, const json_t *args)
{
	const json_t *list =
		op == CLIENT_MERGE ? json_object_get(args, "from") : json_object_get(args, "list");
	bool many = op == CLIENT_CREATE_MANY || op == CLIENT_UPDATE_MANY || op == CLIENT_MERGE;
	size_t n = many ? json_array_size(list) : 1;
	return n > 0 ? (int64_t)n : 1;
}

int64_t spend_told(enum client_op op, const struct client_answer *answer)
{
	const char *name;
	json_t *root;
	int64_t n = 0;
	if (op == CLIENT_UPDATE_WHERE)
		return (int64_t)answer->writes_n;
	if (op != CLIENT_GRAPHQL)
		return 0;
	/* Each mutation of a document, and each record of those of many, has its place there. */
	json_object_foreach(answer->value, name, root) n +=
		json_is_array(root) ? (int64_t)json_array_size(root) : 1;
	return n;
}

/* Without the slots that ended before that. */
static void forget_before(struct spend *s, int64_t before_ms)
{
	size_t gone = 0;
	while (gone < s->n && s->slots[gone].at_ms < before_ms)
		gone++;
	s->n -= gone;
	memmove(s->slots, s->slots + gone, s->n * sizeof(*s->slots));
}

static void count(struct spend *s, int64_t at_ms, int64_t n)
{
	size_t i = s->n;
	while (i > 0 && s->slots[i - 1].at_ms > at_ms)
		i--;
	if (i > 0 && s->slots[i - 1].at_ms == at_ms) {
		s->slots[i - 1].n += n;
		return;
	}
	if (s->n == KEPT_MAX) { /* a limit of another time than before: the oldest two are one */
		s->slots[1].n += s->slots[0].n;
		forget_before(s, s->slots[1].at_ms);
		i -= i > 0;
	}
	memmove(s->slots + i + 1, s->slots + i, (s->n - i) * sizeof(*s->slots));
	s->slots[i] = (struct slot){at_ms, n};
	s->n++;
}

static enum rc take_slot(void *ctx, int64_t at_ms, int64_t n, struct err *err)
{
	(void)err;
	count(ctx, at_ms, n);
	return RC_OK;
}

static void forget_rule(struct runner *r, const char *rule);

/* NULL: the process ends. Where others run the rule, too, what they wrote counts: the store is
 * asked each time, and nobody else adds to it until our commit. */
static struct spend *find(struct runner *r, const struct rule *rule)
{
	struct err err = {0};
	if (r->lead.shared) {
		forget_rule(r, rule->name);
		gate_wrote(&r->gate);
	}
	struct spend *s = r->spends.first;
	while (s != NULL && strcmp(s->rule, rule->name) != 0)
		s = s->next;
	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->rule = strdup(rule->name);
	enum rc rc = s != NULL && s->rule != NULL
			     ? queue_spend_each(r->queue, rule->name,
				       clock_wall_ms() - rule->writes_per_ms - slot_ms(rule),
				       take_slot, s, &err)
			     : err_set(&err, RC_NOMEM, "no memory for what a rule writes");
	if (rc != RC_OK) {
		if (s != NULL)
			spend_free(s);
		runner_fatal(r, &err);
		return NULL;
	}
	s->next = r->spends.first;
	r->spends.first = s;
	return s;
}

/* A slot counts until all of it is over; one of a clock that was ahead counts not at all. */
static int64_t sum_of(const struct spend *s, const struct rule *rule, int64_t now_ms)
{
	int64_t sum = 0, slot = slot_ms(rule);
	for (size_t i = 0; i < s->n; i++)
		if (s->slots[i].at_ms + slot > now_ms - rule->writes_per_ms &&
			s->slots[i].at_ms <= now_ms + slot)
			sum += s->slots[i].n;
	return sum;
}

enum spend_verdict spend_ask(
	struct runner *r, const struct run *run, int64_t n, struct err *ret_why)
{
	char limit[MANNER_RATE_N];
	const struct rule *rule = rule_of(r, run);
	if (rule == NULL || rule->writes_max <= 0)
		return SPEND_FINE;
	if (n > rule->writes_max) {
		manner_rate(rule, limit);
		err_set(ret_why, RC_QUOTA,
			"one call that writes %" PRId64
			" records is more than the rule's max_writes of \"%s\" lets through: write "
			"fewer at once, or raise it",
			n, limit);
		return SPEND_NEVER;
	}
	const struct spend *s = find(r, rule);
	if (s == NULL)
		return SPEND_FINE;
	return sum_of(s, rule, clock_wall_ms()) + n > rule->writes_max ? SPEND_OVER : SPEND_FINE;
}

bool spend_note(struct runner *r, const struct run *run, int64_t n)
{
	struct err err = {0};
	const struct rule *rule = rule_of(r, run);
	if (rule == NULL || rule->writes_max <= 0)
		return true;
	struct spend *s = find(r, rule);
	if (s == NULL)
		return false;
	int64_t now_ms = clock_wall_ms(), slot = slot_ms(rule), at_ms = now_ms - now_ms % slot;
	int64_t over_ms = now_ms - rule->writes_per_ms - slot;
	enum rc rc = RC_OK;
	if (s->n > 0 && s->slots[0].at_ms < over_ms) { /* once in a slot's time at most */
		forget_before(s, over_ms);
		rc = queue_spend_clear(r->queue, rule->name, over_ms, &err);
	}
	count(s, at_ms, n);
	if (rc == RC_OK)
		rc = queue_spend_add(r->queue, rule->name, at_ms, n, &err);
	gate_wrote(&r->gate);
	if (rc != RC_OK)
		runner_fatal(r, &err);
	return rc == RC_OK;
}

static enum rc pause_rule(
	struct runner *r, const struct run *run, const struct rule *rule, struct err *err)
{
	char limit[MANNER_RATE_N], why[200];
	size_t n = 0;
	int64_t now_ms = clock_wall_ms();
	manner_rate(rule, limit);
	snprintf(why, sizeof(why), "max_writes: it would write more than \"%s\" lets it", limit);
	struct queue_pause pause = {.rule = rule->name, .why = why, .since_ms = now_ms};
	struct queue_issue issue = {.kind = "max_writes",
		.about = rule->name,
		.text = why,
		.event = run->q.event.text,
		.count = 1,
		.last_ms = now_ms};
	enum rc rc = queue_issue_put(r->queue, &issue, err);
	if (rc == RC_OK)
		rc = queue_pause(r->queue, &pause, &n, err);
	gate_wrote(&r->gate);
	if (rc != RC_OK)
		return rc;
	struct log_fields f = {
		.rule = rule->name, .event = run->q.event.text, .cause = "max_writes"};
	log_error(&f,
		"paused: it would write more than its max_writes of \"%s\"; nothing is lost. See "
		"what it does, then: moonhook rules resume \"%s\"",
		limit, rule->name);
	r->orders.pausing = true;
	return RC_OK;
}

void spend_stop(struct runner *r, struct run *run)
{
	struct err err = {0};
	const struct rule *rule = rule_of(r, run);
	if (rule != NULL && !queue_paused(r->queue, rule->name) &&
		pause_rule(r, run, rule, &err) != RC_OK) {
		runner_fatal(r, &err);
		return;
	}
	outcome_pause(r, run);
}

/* "*": of all rules. */
static void forget_rule(struct runner *r, const char *rule)
{
	for (struct spend **at = &r->spends.first, *s; (s = *at) != NULL;) {
		if (strcmp(rule, "*") != 0 && strcmp(s->rule, rule) != 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		spend_free(s);
	}
}

void spend_rename(struct runner *r, const char *from, const char *to)
{
	forget_rule(r, from);
	forget_rule(r, to);
}

enum rc spend_anew(struct runner *r, const char *rule, struct err *err)
{
	forget_rule(r, rule);
	return queue_spend_clear(r->queue, rule, INT64_MAX, err);
}
