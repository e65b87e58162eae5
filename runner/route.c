/* SPDX-License-Identifier: MIT */
/*
 * Routing.
 * From: the inbox, in order of arrival. To: the store (events, runs, position, in one step), and
 * assign.c with the runs that were claimed at birth. Functions in a rule's head are asked in a
 * worker, with a short deadline; a rule whose head runs over it three times is set aside until the
 * next reload. What cannot be parsed is kept in quarantine with its reason. Does not start runs.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "client/client.h"
#include "runner/assign.h"
#include "runner/match.h"
#include "runner/payload.h"
#include "runner/scan.h"
#include "runner/state.h"

#define KEY_MAX 512
#define OVERRUNS_MAX 3
#define CRASHES_MAX 3

enum event_form route_form(const struct runner *r, const char *source)
{
	char key[128];
	snprintf(key, sizeof(key), "source.%.64s.scheme", source);
	const char *scheme = r->conf != NULL ? conf_text(r->conf, key) : NULL;
	if (scheme == NULL)
		scheme = source;
	return strcmp(scheme, "twenty") == 0 ? EVENT_TWENTY : EVENT_HOOK;
}

/* --- matching --------------------------------------------------------------------------------- */

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
static enum rc fill_key(const struct runner *r, struct match *m, const struct event *e)
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

static void fail_match(struct match *m, enum rc code, const char *text)
{
	m->state = MATCH_FAILED;
	m->code = code;
	free(m->error);
	m->error = strdup(text);
}

static enum rc match_rule(struct runner *r, size_t delivery, struct rule *rule)
{
	struct route *route = &r->route;
	struct match *m = add_match(route);
	if (m == NULL)
		return RC_NOMEM;
	m->delivery = delivery;
	m->rule = rule;
	bool ask = rule->when || rule->key == RULE_KEY_FUNCTION;
	if (!ask) {
		m->state = MATCH_RUN;
		return fill_key(r, m, route->events[delivery]);
	}
	if (rule->set_aside) {
		fail_match(m, RC_CPU, "the rule is set aside: its head took too long");
		return RC_OK;
	}
	m->state = MATCH_ASK;
	route->asking_n++;
	return RC_OK;
}

static enum rc match_all(struct runner *r)
{
	struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < route->n; i++) {
		const struct event *e = route->events[i];
		for (size_t k = 0; e != NULL && k < route->rules->n && rc == RC_OK; k++) {
			if (is_on(route->rules->rules[k], e->name))
				rc = match_rule(r, i, route->rules->rules[k]);
		}
	}
	return rc;
}

/* The client may wait for the echo of a write of its own. */
static void tell_client(const struct runner *r, const struct event *e)
{
	const struct client_event event = {
		.object = e->object, .record = e->record, .fields = e->fields};
	if (e->object[0] != '\0')
		client_heard(r->client, &event);
}

static enum rc parse_all(struct runner *r)
{
	struct route *route = &r->route;
	for (size_t i = 0; i < route->n; i++) {
		const struct queue_raw *raw = &route->raw[i];
		struct err err = {0};
		struct event_input in = {
			.id = raw->id,
			.source = raw->source,
			.via = "hook",
			.form = route_form(r, raw->source),
			.headers = raw->headers,
			.body = raw->body,
			.received_ms = raw->received_ms,
		};
		route->events[i] = NULL;
		route->reasons[i][0] = '\0';
		const char *reason = raw->quarantine;
		if (reason == NULL) {
			enum rc rc = event_parse(&in, &route->events[i], &err);
			if (rc == RC_NOMEM)
				return rc;
			reason = rc != RC_OK ? err.msg : "";
			if (rc == RC_OK && in.form == EVENT_TWENTY)
				tell_client(r, route->events[i]);
		}
		snprintf(route->reasons[i], sizeof(route->reasons[i]), "%s", reason);
	}
	return RC_OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void ask_one(struct runner *r, size_t i)
{
	struct route *route = &r->route;
	struct match *m = &route->matches[i];
	const struct event *e = route->events[m->delivery];
	struct worker *worker = pool_pick(&r->pool);
	struct buf out;
	struct err err = {0};
	if (worker == NULL || pool_load(worker, m->rule->source, &err) != RC_OK)
		return;
	struct payload_start when = {
		.hash = m->rule->source->hash,
		.rule = m->rule->name,
		.event = {e->text, e->text_n},
	};
	buf_init(&out, FRAME_MAX);
	enum rc rc = payload_when(&out, &when);
	m->state = MATCH_ASKED;
	if (rc == RC_OK) {
		struct frame frame = {
			FRAME_WHEN, ROUTE_SLOT + (uint32_t)i, route->generation, buf_slice(&out)};
		rc = pool_send(worker, &frame, ROUTE_CPU_MS, &err);
	}
	buf_done(&out);
	if (rc == RC_CLOSED) {
		m->state = MATCH_ASK;
	} else if (rc != RC_OK) {
		fail_match(m, rc, "the event does not fit into a worker");
		route->asking_n--;
	}
}

static void ask_all(struct runner *r)
{
	for (size_t i = 0; i < r->route.matches_n; i++) {
		if (r->route.matches[i].state == MATCH_ASK)
			ask_one(r, i);
	}
	if (r->route.asking_n != 0 && pool_pick(&r->pool) == NULL)
		pool_grow(&r->pool);
}

static struct match *find_asked(struct runner *r, uint32_t run, uint32_t generation)
{
	size_t i = run - ROUTE_SLOT;
	if (!r->route.open || generation != r->route.generation || i >= r->route.matches_n)
		return NULL;
	struct match *m = &r->route.matches[i];
	return m->state == MATCH_ASKED || m->state == MATCH_ASK ? m : NULL;
}

static void take_error(struct match *m, const json_t *error)
{
	char text[512];
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));
	json_int_t line = json_integer_value(json_object_get(error, "line"));
	const char *file = m->rule->source->file;
	enum rc rc = code != NULL ? rc_find(code) : RC_N;
	if (message == NULL)
		message = "the head of the rule failed";
	if (line > 0 && strncmp(message, file, strlen(file)) != 0)
		snprintf(text, sizeof(text), "%s:%d: %s", file, (int)line, message);
	else
		snprintf(text, sizeof(text), "%s", message);
	fail_match(m, rc != RC_N && rc != RC_OK ? rc : RC_RULE, text);
}

static void count_overrun(struct match *m)
{
	if (++m->rule->overruns < OVERRUNS_MAX || m->rule->set_aside)
		return;
	m->rule->set_aside = true;
	struct log_fields f = {.rule = m->rule->name};
	log_error(&f, "set aside until the next reload: its head took too long %d times",
		OVERRUNS_MAX);
}

static void take_answer(struct runner *r, struct match *m, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *key = json_object_get(answer, "key");
	if (json_is_object(error)) {
		take_error(m, error);
		if (m->code == RC_CPU)
			count_overrun(m);
		return;
	}
	m->state = json_is_true(json_object_get(answer, "match")) ? MATCH_RUN : MATCH_NO;
	if (m->state == MATCH_NO)
		return;
	if (json_is_string(key) && json_string_length(key) > 0)
		m->key = strndup(json_string_value(key), KEY_MAX);
	else if (fill_key(r, m, r->route.events[m->delivery]) != RC_OK)
		m->key = NULL;
	if (m->key == NULL)
		fail_match(m, RC_NOMEM, "no memory for the key of a run");
}

/* Asked again, the worker would say the same: the run is dead, and routing goes on. */
static void refuse_answer(struct match *m, const struct err *why)
{
	char text[640];
	snprintf(text, sizeof(text), "%s:%d: what the head of the rule answers is refused: %s",
		m->rule->source->file, m->rule->line, why->msg);
	fail_match(m, RC_INVALID, text);
}

void route_when(struct runner *r, struct worker *worker, const struct frame *frame)
{
	(void)worker;
	json_t *answer = NULL;
	struct err err = {0};
	struct match *m = find_asked(r, frame->run, frame->generation);
	if (m == NULL)
		return;
	if (scan_parse(frame->payload, &answer, &err) == RC_OK)
		take_answer(r, m, answer);
	else
		refuse_answer(m, &err);
	r->route.asking_n--;
	json_decref(answer);
}

void route_take_back(struct runner *r, const struct pool_task *task)
{
	struct match *m = find_asked(r, task->run, task->generation);
	if (m != NULL)
		m->state = MATCH_ASK;
}

void route_gone(struct runner *r, const struct pool_task *task, bool blamed, const struct err *why)
{
	struct match *m = find_asked(r, task->run, task->generation);
	if (m == NULL)
		return;
	m->state = MATCH_ASK;
	if (!blamed || (why->code != RC_CPU && ++m->crashes < CRASHES_MAX))
		return;
	count_overrun(m);
	if (why->code == RC_CPU)
		fail_match(m, RC_CPU, "the head of the rule took too long and was killed");
	else
		fail_match(m, RC_WORKER, "the head of the rule ended its worker three times");
	r->route.asking_n--;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct batch { /* what queue_route is given; BORROWS from the route */
	struct queue_routing routings[ROUTE_BATCH];
	struct queue_run_new *runs;
	struct queue_run *claimed;
	size_t runs_n, failed_n, claimed_n;
};

static void fill_event(const struct route *route, size_t i, struct queue_event *to)
{
	const struct queue_raw *raw = &route->raw[i];
	const struct event *e = route->events[i];
	*to = (struct queue_event){
		.seq = raw->seq,
		.id = raw->id,
		.source = raw->source,
		.name = e != NULL ? e->name : "",
		.object = e != NULL ? e->object : "",
		.record = e != NULL ? e->record_id : "",
		.via = "hook",
		.reason = route->reasons[i],
		.state = e != NULL ? QUEUE_DONE : QUEUE_QUARANTINED,
		.received_ms = raw->received_ms,
	};
	if (e != NULL && e->has_digest) {
		memcpy(to->digest, e->digest, DIGEST_N);
		to->has_digest = true;
	}
}

static bool makes_run(const struct match *m)
{
	return m->state == MATCH_RUN || m->state == MATCH_FAILED;
}

/* Matches lie in the order of their deliveries. */
static void fill_batch(const struct route *route, struct batch *b)
{
	size_t k = 0;
	for (size_t i = 0; i < route->n; i++) {
		struct queue_routing *to = &b->routings[i];
		*to = (struct queue_routing){.runs = &b->runs[b->runs_n]};
		fill_event(route, i, &to->event);
		for (; k < route->matches_n && route->matches[k].delivery == i; k++) {
			const struct match *m = &route->matches[k];
			if (!makes_run(m))
				continue;
			b->runs[b->runs_n++] = (struct queue_run_new){
				.rule = m->rule->name,
				.source_hash = m->rule->source->hash,
				.key = m->state == MATCH_RUN ? to->event.record : "",
				.also = m->state == MATCH_RUN ? m->key : "",
				.attempts_max = m->rule->attempts_max,
			};
			to->runs_n++;
			b->failed_n += m->state == MATCH_FAILED;
		}
		if (to->runs_n != 0)
			to->event.state = QUEUE_DUE;
	}
}

static const struct match *find_match(const struct route *route, const struct queue_run *q)
{
	for (size_t k = 0; k < route->matches_n; k++) {
		const struct match *m = &route->matches[k];
		if (m->delivery == q->routing && strcmp(m->rule->name, q->rule) == 0)
			return m;
	}
	return NULL;
}

static void hand_over(struct runner *r, struct batch *b)
{
	struct route *route = &r->route;
	for (size_t i = 0; i < b->claimed_n; i++) {
		struct queue_run *q = &b->claimed[i];
		const struct match *m = b->failed_n != 0 ? find_match(route, q) : NULL;
		if (m != NULL && m->state == MATCH_FAILED)
			assign_bury(r, q, m->code, m->error != NULL ? m->error : rc_text(m->code));
		else if (r->runs.live_n == r->runs.max)
			assign_give_back(r, q);
		else
			assign_take(r, q, route->events[q->routing]);
	}
}

static void count_batch(struct runner *r, const struct batch *b)
{
	const struct route *route = &r->route;
	int64_t made = (int64_t)b->runs_n;
	for (size_t i = 0; i < route->n; i++) {
		if (b->routings[i].ret_duplicate) {
			metrics_add(METRIC_EVENT_DUPLICATE, 1);
			made -= (int64_t)b->routings[i].runs_n;
		}
		if (route->events[i] != NULL)
			continue;
		struct log_fields f = {.source = route->raw[i].source,
			.event = route->raw[i].id.text,
			.outcome = "quarantined"};
		metrics_add(METRIC_EVENT_QUARANTINED, 1);
		log_warn(&f, "kept in quarantine: %s", route->reasons[i]);
	}
	metrics_add(METRIC_EVENT_HOOK, route->n);
	r->route.behind_n += made - (int64_t)b->claimed_n;
}

static void clear_batch(struct route *route)
{
	for (size_t i = 0; i < route->matches_n; i++) {
		free(route->matches[i].key);
		free(route->matches[i].error);
	}
	for (size_t i = 0; i < route->n; i++) {
		if (route->events[i] != NULL)
			event_close(route->events[i]);
		event_unref(route->events[i]);
		route->events[i] = NULL;
	}
	ruleset_unref(route->rules);
	route->rules = NULL;
	route->matches_n = route->n = route->asking_n = 0;
	route->open = false;
}

/* With failed matches every run of the batch is claimed, so that those can be buried at once. */
static void write_batch(struct runner *r)
{
	struct route *route = &r->route;
	struct err err = {0};
	struct batch *b = calloc(1, sizeof(*b));
	enum rc rc = b != NULL ? RC_OK : RC_NOMEM;
	if (rc == RC_OK) {
		b->runs = calloc(route->matches_n + 1, sizeof(*b->runs));
		b->claimed = calloc(route->matches_n + 1, sizeof(*b->claimed));
		rc = b->runs != NULL && b->claimed != NULL ? RC_OK : RC_NOMEM;
	}
	if (rc == RC_OK) {
		fill_batch(route, b);
		size_t room = r->runs.max - r->runs.live_n;
		size_t most = b->failed_n != 0 || b->runs_n < room ? b->runs_n : room;
		rc = queue_route(
			r->queue, b->routings, route->n, most, b->claimed, &b->claimed_n, &err);
		gate_wrote(&r->gate);
	} else {
		err_set(&err, rc, "no memory to route events");
	}
	if (rc == RC_OK) {
		count_batch(r, b);
		hand_over(r, b);
	} else {
		runner_fatal(r, &err);
	}
	if (b != NULL) {
		free(b->runs);
		free(b->claimed);
	}
	free(b);
	clear_batch(route);
}

/* --- a batch ---------------------------------------------------------------------------------- */

static bool read_batch(struct runner *r)
{
	struct route *route = &r->route;
	struct err err = {0};
	size_t n = 0, room = r->runs.max - r->runs.live_n;
	/* No more than can be taken up at once: what is claimed later is parsed a second time. */
	size_t most = room < ROUTE_BATCH ? room : ROUTE_BATCH;
	enum rc rc = queue_inbox_next(r->queue, most, route->raw, &n, &err);
	if (rc != RC_OK) {
		runner_fatal(r, &err);
		return false;
	}
	route->wanted = n == most;
	if (n == 0)
		return false;
	route->open = true;
	route->n = n;
	route->generation++;
	route->rules = ruleset_ref(r->rules.live);
	memset(route->events, 0, sizeof(route->events));
	rc = parse_all(r);
	if (rc == RC_OK)
		rc = match_all(r);
	if (rc == RC_OK)
		return true;
	err_set(&err, rc, "no memory to route events");
	runner_fatal(r, &err);
	return false;
}

void route_step(struct runner *r)
{
	struct route *route = &r->route;
	if (!r->rules.loaded || r->drain.on)
		return;
	while (r->fatal == RC_OK) {
		bool room = r->runs.live_n < r->runs.max && !route->backlog;
		if (!route->open && (!route->wanted || !room || !read_batch(r)))
			return;
		if (route->asking_n != 0)
			ask_all(r);
		if (route->asking_n != 0)
			return;
		write_batch(r);
	}
}

void route_close(struct runner *r)
{
	clear_batch(&r->route);
	free(r->route.matches);
	r->route.matches = NULL;
	r->route.matches_cap = 0;
}
