/* SPDX-License-Identifier: MIT */
/*
 * Which rules an event is for, and under which key their runs go.
 * From: route.c, a batch of parsed events. To: the matches of the batch; those that only the rule's
 * own functions can decide are left to route_ask.c. Does not ask, does not write.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/client.h"
#include "runner/match.h"
#include "runner/predicate.h"
#include "runner/state.h"

#define KEY_MAX 512

static struct match *add_match(struct route *route)
{
	if (route->matches_n == route->matches_cap) {
		size_t cap = route->matches_cap != 0 ? route->matches_cap * 2 : 128;
		struct match *p = realloc(route->matches, cap * sizeof(*p));
		if (p == NULL)
			return NULL;
		route->matches = p;
		route->matches_cap = cap;
	}
	struct match *m = &route->matches[route->matches_n++];
	*m = (struct match){0};
	return m;
}

static bool is_on(const struct rule *rule, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach(rule->on, i, one)
	{
		if (match_name(json_string_value(one), name))
			return true;
	}
	return false;
}

/* Once for each version of a rule: its key is not what its author thinks. */
static void tell_lack(struct rule *rule, const struct event *e, const char *path)
{
	enum match_lack lack = match_lack(e->record, path);
	if (lack == MATCH_LACK_VALUE || rule->key_missed)
		return;
	rule->key_missed = true;
	struct log_fields f = {.rule = rule->name, .event = e->id.text, .object = e->object};
	log_warn(&f, "%s:%d: key \"%.100s\" is no %s of %s; the record is used", rule->source->file,
		rule->line, rule->key_field, lack == MATCH_LACK_FIELD ? "field" : "single value",
		e->object[0] != '\0' ? e->object : e->name);
}

/* Fields go by their short names, too. */
static enum rc read_key(const struct client *client, struct rule *rule, const struct event *e,
	struct buf *key, bool *ret_found)
{
	char path[256];
	enum rc rc = match_field(e->record, rule->key_field, key, ret_found);
	if (rc != RC_OK || *ret_found)
		return rc;
	bool known = client_path(client, e->object, rule->key_field, path, sizeof(path));
	if (!known)
		snprintf(path, sizeof(path), "%s", rule->key_field);
	rc = match_field(e->record, path, key, ret_found);
	if (rc == RC_OK && !*ret_found)
		tell_lack(rule, e, path);
	return rc;
}

/* The key that needs no asking; "" for none. The record is one in any case. */
enum rc route_key(const struct runner *r, struct match *m, const struct event *e)
{
	struct buf key;
	bool found = false;
	enum rc rc = RC_OK;
	buf_init(&key, KEY_MAX);
	if (m->rule->key == RULE_KEY_FIELD)
		rc = read_key(r->client, m->rule, e, &key, &found);
	if (rc == RC_OK && found) {
		m->key = key.p;
		return RC_OK;
	}
	buf_done(&key);
	m->key = strdup("");
	return m->key != NULL ? RC_OK : RC_NOMEM;
}

void route_fail(struct match *m, enum rc code, const char *text)
{
	m->state = MATCH_FAILED;
	m->code = code;
	free(m->error);
	m->error = text != NULL ? strdup(text) : NULL;
}

/* Once for each version of a rule, and not where it is for objects of any kind. */
static void tell_missed(struct rule *rule, const struct event *e, const char *lack)
{
	char of[EVENT_NAME_N + 8];
	snprintf(of, sizeof(of), "%s.", e->object);
	size_t i;
	json_t *one;
	bool meant = e->object[0] == '\0'; /* this object, by its name */
	json_array_foreach(rule->on, i, one) meant =
		meant || strncmp(json_string_value(one), of, strlen(of)) == 0;
	if (!meant || rule->field_missed)
		return;
	rule->field_missed = true;
	struct log_fields f = {.rule = rule->name, .event = e->id.text, .object = e->object};
	log_warn(&f, "%s:%d: %s", rule->source->file, rule->line, lack);
}

struct predicate_ask route_predicate(
	const struct runner *r, const struct rule *rule, const struct event *e, const char *hidden)
{
	return (struct predicate_ask){
		.predicate = rule->predicate,
		.schema = client_schema(r->client),
		.schema_n = client_schema_n(r->client),
		.object = e->object,
		.action = e->action,
		.record = e->record,
		.fields = e->fields,
		.before = event_before(e),
		.hidden = hidden,
	};
}

/* May it run, as far as needs no asking? hidden: fields that the rule does not see; NULL: none. */
static bool may_run(
	const struct runner *r, struct rule *rule, const struct event *e, const char *hidden)
{
	struct err lack;
	if (rule->predicate == NULL)
		return true;
	struct predicate_ask ask = route_predicate(r, rule, e, hidden);
	enum predicate_answer answer = predicate_decide(&ask, &lack);
	if (lack.code != RC_OK)
		tell_missed(rule, e, lack.msg);
	return answer == PREDICATE_YES || answer == PREDICATE_OPEN;
}

static bool is_open(
	const struct runner *r, struct rule *rule, const struct event *e, const char *hidden)
{
	struct err lack;
	struct predicate_ask ask = route_predicate(r, rule, e, hidden);
	return predicate_decide(&ask, &lack) == PREDICATE_OPEN;
}

static enum rc match_rule(struct runner *r, size_t delivery, struct rule *rule, struct err *err)
{
	struct route *route = &r->route;
	struct match *m = add_match(route);
	if (m == NULL)
		return err_set(err, RC_NOMEM, "no memory to route events");
	m->delivery = delivery;
	m->rule = rule;
	enum rc rc = route_judge(r, m, err);
	bool settles = route_settles(rule, route->items[delivery].event);
	if (rc == RC_OK && m->hidden != NULL && !settles &&
		!may_run(r, rule, route->items[delivery].event, m->hidden))
		m->state = MATCH_ECHO; /* what is left of it is not what the rule waits for */
	if (rc != RC_OK || m->state == MATCH_ECHO)
		return rc;
	bool open = !settles && rule->predicate != NULL && predicate_asks(rule->predicate) &&
		    is_open(r, rule, route->items[delivery].event, m->hidden);
	bool ask = (rule->when && !settles) || open || rule->key == RULE_KEY_FUNCTION;
	if (!ask) {
		m->state = MATCH_RUN;
		rc = settles ? RC_OK : route_loop(r, m, err);
		if (rc != RC_OK)
			return rc;
		rc = route_key(r, m, route->items[delivery].event);
		if (rc == RC_OK && m->state == MATCH_RUN)
			rc = route_join(r, m);
		return rc == RC_OK ? rc : err_set(err, rc, "no memory to route events");
	}
	if (rule->set_aside) {
		route_fail(m, RC_CPU, "the rule is set aside: its head took too long");
		return RC_OK;
	}
	m->state = MATCH_ASK;
	route->asking_n++;
	return RC_OK;
}

/* The rule that an event was born for; NULL: it does not wait for such any more. */
static struct rule *find_aim(const struct route *route, const struct event *e)
{
	struct rule *rule = ruleset_find(route->rules, e->aim);
	bool waits = rule != NULL && (strcmp(e->name, EVENT_TIMER) == 0
						     ? rule->timer
						     : rule->every_ms != 0 || rule->cron != NULL);
	return waits ? rule : NULL;
}

static enum rc match_aim(struct runner *r, size_t i, struct err *err)
{
	struct route_item *item = &r->route.items[i];
	struct rule *rule = find_aim(&r->route, item->event);
	if (rule != NULL)
		return may_run(r, rule, item->event, NULL) ? match_rule(r, i, rule, err) : RC_OK;
	struct log_fields f = {.rule = item->event->aim, .event = item->event->id.text};
	item->lapsed = true;
	snprintf(item->reason, sizeof(item->reason), "no rule \"%.120s\" waits for it any more",
		item->event->aim);
	log_warn(&f, "a %s is for a rule that does not wait for it any more", item->event->name);
	return RC_OK;
}

enum rc route_match(struct runner *r, struct err *err)
{
	struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < route->n; i++) {
		const struct event *e = route->items[i].known ? NULL : route->items[i].event;
		if (e != NULL && e->aim[0] != '\0') {
			rc = rc == RC_OK ? match_aim(r, i, err) : rc;
			continue;
		}
		for (size_t k = 0; e != NULL && k < route->rules->n && rc == RC_OK; k++) {
			struct rule *rule = route->rules->rules[k];
			if (is_on(rule, e->name) &&
				(route_settles(rule, e) || may_run(r, rule, e, NULL)))
				rc = match_rule(r, i, rule, err);
		}
	}
	return rc;
}
