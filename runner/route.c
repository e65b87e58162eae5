/* SPDX-License-Identifier: MIT */
/*
 * Routing: events in order, a batch at a time.
 * From: the inbox, in order of arrival, and what was born here (gap fill ..). To: each event is
 * parsed, compared with what was seen before (route_seen.c), held against our own writes
 * (route_echo.c), matched (route_match.c), the rules' own functions asked (route_ask.c), and all of
 * it written (route_write.c). What cannot be parsed is kept in quarantine with its reason. Does not
 * start runs.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/client.h"
#include "runner/state.h"

#define AHEAD_N 1024 /* due runs that lie ready for each other runner */
#define AHEAD_MS 50  /* between two looks at how many there are */

enum event_form route_form(const struct runner *r, const char *source)
{
	char key[128];
	if (source[0] == '\0') /* born here */
		return EVENT_TWENTY;
	snprintf(key, sizeof(key), "source.%.64s.scheme", source);
	const char *scheme = r->conf != NULL ? conf_text(r->conf, key) : NULL;
	if (scheme == NULL)
		scheme = source;
	return strcmp(scheme, "twenty") == 0 ? EVENT_TWENTY : EVENT_HOOK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The client may wait for the echo of a write of its own. */
static void tell_client(struct runner *r, const struct event *e)
{
	const struct client_event event = {
		.object = e->object, .record = e->record, .fields = e->fields};
	if (e->object[0] != '\0')
		client_heard(r->client, &event);
	if (strncmp(e->name, "metadata.", 9) == 0)
		inspect_news(r);
}

static enum rc parse_one(struct runner *r, struct route_item *item)
{
	const struct queue_raw *raw = &item->raw;
	struct err err = {0};
	struct event_input in = {
		.id = raw->id,
		.source = raw->source,
		.via = item->via,
		.form = route_form(r, raw->source),
		.headers = raw->headers,
		.body = raw->body,
		.received_ms = raw->received_ms,
	};
	const char *reason = raw->quarantine;
	if (reason == NULL) {
		enum rc rc = event_parse(&in, &item->event, &err);
		if (rc == RC_NOMEM)
			return rc;
		reason = rc != RC_OK ? err.msg : "";
		if (rc == RC_OK && in.form == EVENT_TWENTY && item->birth == NULL)
			tell_client(r, item->event);
	}
	snprintf(item->reason, sizeof(item->reason), "%s", reason);
	return RC_OK;
}

static enum rc parse_all(struct runner *r, struct err *err)
{
	struct route *route = &r->route;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < route->n; i++) {
		struct route_item *item = &route->items[i];
		item->event = NULL;
		item->reason[0] = '\0';
		if (item->birth == NULL)
			rc = route_row_check(r, item, err);
		if (rc == RC_OK && item->reason[0] == '\0' && parse_one(r, item) != RC_OK)
			rc = err_set(err, RC_NOMEM, "no memory to route events");
	}
	return rc;
}

/* --- a batch ---------------------------------------------------------------------------------- */

void route_clear(struct route *route)
{
	for (size_t i = 0; i < route->matches_n; i++) {
		free(route->matches[i].key);
		free(route->matches[i].error);
		free(route->matches[i].detail);
		echo_tale_done(&route->matches[i].tale);
		free(route->matches[i].hidden);
		free(route->matches[i].words);
		free(route->matches[i].hold);
		event_unref(route->matches[i].event);
	}
	for (size_t i = 0; i < route->n; i++) {
		if (route->items[i].event != NULL)
			event_close(route->items[i].event);
		event_unref(route->items[i].event);
		free(route->items[i].past);
		birth_free(route->items[i].birth);
		echo_view_done(&route->items[i].view);
		route->items[i] = (struct route_item){0};
	}
	ruleset_unref(route->rules);
	route->rules = NULL;
	route->matches_n = route->n = route->asking_n = 0;
	route->open = false;
}

/* Whole batches of either kind take turns, so that neither starves. */
static bool read_births(struct route *route, size_t most)
{
	size_t n = 0;
	if (route->births.n == 0 || route->born_last) {
		route->born_last = false;
		return false;
	}
	while (n < most) {
		struct birth *b = birth_take(&route->births);
		if (b == NULL)
			break;
		route->items[n++] = (struct route_item){
			.raw = {.id = b->id,
				.source = b->source,
				.headers = {b->headers, b->headers_n},
				.body = {b->body, b->body_n},
				.received_ms = b->received_ms},
			.via = b->via,
			.birth = b,
		};
	}
	route->n = n;
	route->born_last = true;
	return n != 0;
}

static bool read_inbox(struct runner *r, size_t most)
{
	struct route *route = &r->route;
	struct queue_raw raw[ROUTE_BATCH];
	struct err err = {0};
	enum rc rc = queue_inbox_next(r->queue, most, raw, &route->n, &err);
	if (rc != RC_OK) {
		route->n = 0;
		runner_fatal(r, &err);
		return false;
	}
	route->reads++;
	if (route->n == 0)
		route->dry_read = route->reads;
	route->wanted = route->n == most || route->births.n != 0;
	for (size_t i = 0; i < route->n; i++)
		route->items[i] = (struct route_item){.raw = raw[i], .via = "hook"};
	return route->n != 0;
}

/* Other runners carry out what has no room here: how much may lie ready for them? */
static size_t room_elsewhere(struct runner *r)
{
	struct route *route = &r->route;
	struct queue_counts counts;
	struct err err = {0};
	int64_t most = AHEAD_N * (int64_t)(r->lead.runners_n - 1), now_ms = clock_mono_ms();
	if (!r->lead.shared || most <= 0)
		return 0;
	if (route->due_n >= most && now_ms >= route->due_at_ms) {
		route->due_at_ms = now_ms + AHEAD_MS;
		if (queue_count(r->queue, &counts, &err) == RC_OK)
			route->due_n = counts.runs[QUEUE_DUE];
		else
			runner_fatal(r, &err);
	}
	return route->due_n < most ? (size_t)(most - route->due_n) : 0;
}

static bool has_room(struct runner *r)
{
	return (r->runs.live_n < r->runs.max && !r->route.backlog) || room_elsewhere(r) > 0;
}

static bool read_batch(struct runner *r)
{
	struct route *route = &r->route;
	struct err err = {0};
	size_t room = r->runs.max - r->runs.live_n + room_elsewhere(r);
	/* No more than can be taken up at once: what is claimed later is parsed a second time. */
	size_t most = room < ROUTE_BATCH ? room : ROUTE_BATCH;
	if (!read_births(route, most) && !read_inbox(r, most) && !read_births(route, most))
		return false;
	route->open = true;
	route->generation++;
	route->rules = ruleset_ref(r->rules.live);
	enum rc rc = parse_all(r, &err);
	if (rc == RC_OK)
		rc = route_told(r, &err);
	if (rc == RC_OK)
		rc = route_seen(r, &err);
	if (rc == RC_OK)
		rc = route_look(r, &err);
	if (rc == RC_OK)
		rc = route_match(r, &err);
	if (rc == RC_OK)
		return true;
	runner_fatal(r, &err);
	return false;
}

enum rc route_offer(struct runner *r, const struct birth_new *birth, struct err *err)
{
	r->route.wanted = true;
	return birth_add(&r->route.births, birth, err);
}

void route_step(struct runner *r)
{
	struct route *route = &r->route;
	if (!r->rules.loaded || r->drain.on || !r->lead.on)
		return;
	while (r->fatal == RC_OK) {
		if (!route->open && (!route->wanted || !has_room(r) || !read_batch(r)))
			return;
		if (route->asking_n != 0)
			route_ask(r);
		if (route->asking_n != 0)
			return;
		route_write(r);
	}
}

void route_close(struct runner *r)
{
	route_clear(&r->route);
	births_clear(&r->route.births);
	free(r->route.matches);
	r->route.matches = NULL;
	r->route.matches_cap = 0;
}
