/* SPDX-License-Identifier: MIT */
/*
 * Echoes of our own writes, as far as the client needs them.
 * From: client.c, every webhook of the workspace; upsert.c, calls that wait for theirs. To: the
 * calls, with the answer that was held back; upsert.c, where a record was revived. Does not know
 * rules, and does not decide what fires.
 */
#include "client/hearing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/engine.h"
#include "client/lane.h"
#include "client/schema.h"
#include "client/upsert.h"

#define MISSING_MAX 2      /* echoes at once */
#define EARLY_N 4          /* echoes before their answer; more than one is other programs' doing */
#define HOOKS_MAX 100      /* webhooks of ours that are looked at */
#define OPERATIONS_MAX 200 /* of one */
#define OPERATION_MAX_N 127

struct watch { /* a row that an upsert went out for */
	struct watch *next;
	char object[CALL_OBJECT_MAX], id[40];
	json_t *changes; /* reference */
	bool answered, lost;
	int64_t since_ms; /* no updatedAt that it was given is earlier */
	int64_t at_ms;    /* updatedAt as answered; -1: none */
	int64_t until_ms;
	struct {
		int64_t at_ms;
		bool revived;
	} early[EARLY_N];
	size_t early_n;
};

enum hearing_state hearing_find(const struct hearing *h, const char *object)
{
	for (size_t i = 0; i < HEARING_N; i++)
		if (strcmp(h->known[i].object, object) == 0)
			return h->known[i].state;
	return HEARING_UNKNOWN;
}

void hearing_note(struct hearing *h, const char *object, enum hearing_state state, int64_t now_ms)
{
	size_t at = 0;
	while (at < HEARING_N && strcmp(h->known[at].object, object) != 0)
		at++;
	if (at == HEARING_N) {
		at = h->next;
		h->next = (at + 1) % HEARING_N;
		snprintf(h->known[at].object, sizeof(h->known[at].object), "%s", object);
	}
	h->known[at].state = state;
	if (state == HEARING_HEARD)
		h->known[at].heard_ms = now_ms;
}

/* ---- the list of webhooks ---- */

enum rc hearing_ask(struct request *r, struct err *err)
{
	enum rc rc = request_start(r, REQUEST_GET, "/rest/webhooks");
	return rc == RC_OK ? rc : err_set(err, rc, "no memory for a request");
}

/* "person.updated", "person.*", "*.updated", "*.*" */
static bool covers(const char *operation, const char *singular)
{
	const char *dot = strchr(operation, '.');
	if (dot == NULL)
		return false;
	size_t n = (size_t)(dot - operation);
	bool object = (n == 1 && *operation == '*') ||
		      (strlen(singular) == n && strncasecmp(operation, singular, n) == 0);
	return object && (strcmp(dot, ".*") == 0 || strcmp(dot, ".updated") == 0);
}

static bool is_ours(const json_t *hook)
{
	const char *target = json_string_value(json_object_get(hook, "targetUrl"));
	const char *at = target != NULL ? strstr(target, "/hooks/") : NULL;
	return at != NULL && at[7] != '\0' && strchr(at + 7, '/') == NULL;
}

/* The answer is a list, or has one below data. */
static const json_t *list_of(const json_t *body)
{
	const json_t *data = json_object_get(body, "data");
	if (json_is_array(body))
		return body;
	return json_is_array(data) ? data : json_object_get(data, "webhooks");
}

/* The operations of a webhook, as far as they can be such: what a server sends is not kept whole.
 * GIVES. */
static json_t *operations_of(const json_t *hook)
{
	json_t *kept = json_array(), *each;
	size_t i;
	json_array_foreach(json_object_get(hook, "operations"), i, each)
	{
		if (json_string_length(each) > 0 && json_string_length(each) <= OPERATION_MAX_N &&
			json_array_size(kept) < OPERATIONS_MAX)
			json_array_append(kept, each);
	}
	return kept;
}

void hearing_read(struct engine *e, const json_t *body)
{
	struct hearing *h = &e->hearing;
	json_t *hooks = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(list_of(body), i, each)
	{
		if (is_ours(each) && json_array_size(hooks) < HOOKS_MAX)
			json_array_append_new(hooks, operations_of(each));
	}
	json_decref(h->hooks);
	h->hooks = hooks;
}

static void forget_old(struct hearing *h, int64_t now_ms);

bool hearing_can(struct engine *e, const char *object, int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	if (h->watch_n >= HEARING_WATCH_N)
		forget_old(h, now_ms);
	if (h->watch_n >= HEARING_WATCH_N)
		return false;
	const struct schema_object *known = schema_object(e->schema, object);
	enum hearing_state state = hearing_find(h, object);
	if (state == HEARING_UNKNOWN && known != NULL && h->hooks == NULL)
		hearing_note(h, object, state, now_ms); /* so that it is listened for */
	if (state != HEARING_UNKNOWN || h->hooks == NULL || known == NULL)
		return state == HEARING_HEARD;
	state = HEARING_DEAF;
	size_t i, k;
	json_t *operations, *each;
	json_array_foreach(h->hooks, i, operations) json_array_foreach(operations, k, each)
	{
		if (json_is_string(each) && covers(json_string_value(each), known->singular))
			state = HEARING_HEARD;
	}
	hearing_note(h, object, state, now_ms);
	return state == HEARING_HEARD;
}

/* ---- rows ---- */

static size_t place_of(const char *id)
{
	uint32_t n = 2166136261u;
	for (const char *p = id; *p != '\0'; p++)
		n = (n ^ (unsigned char)*p) * 16777619u;
	return n % HEARING_BUCKETS;
}

static int64_t updated_ms(const json_t *record)
{
	const char *at = json_string_value(json_object_get(record, "updatedAt"));
	return at != NULL ? clock_parse(at) : -1;
}

static void watch_drop(struct hearing *h, struct watch **at)
{
	struct watch *w = *at;
	*at = w->next;
	h->watch_n--;
	json_decref(w->changes);
	free(w);
}

static void forget_old(struct hearing *h, int64_t now_ms)
{
	for (size_t i = 0; i < HEARING_BUCKETS; i++)
		for (struct watch **at = &h->watches[i]; *at != NULL;) {
			if ((*at)->until_ms <= now_ms)
				watch_drop(h, at);
			else
				at = &(*at)->next;
		}
}

enum client_wait hearing_waits(struct hearing *h, int64_t now_ms)
{
	if (h->watch_n > 0)
		forget_old(h, now_ms);
	if (h->held_n > 0)
		return CLIENT_WAIT_ANSWER;
	return h->watch_n > 0 ? CLIENT_WAIT_ECHO : CLIENT_WAIT_NONE;
}

void hearing_listen(const struct hearing *h,
	void (*fn)(void *ctx, const char *object, const char *record), void *ctx)
{
	for (size_t i = 0; i < HEARING_N; i++)
		if (h->known[i].object[0] != '\0' && h->known[i].state != HEARING_HEARD)
			fn(ctx, h->known[i].object, NULL);
	for (size_t i = 0; i < HEARING_BUCKETS && h->watch_n > 0; i++)
		for (const struct watch *w = h->watches[i]; w != NULL; w = w->next)
			fn(ctx, w->object, w->id);
}

void hearing_done(struct hearing *h)
{
	forget_old(h, INT64_MAX);
	json_decref(h->hooks);
	h->hooks = NULL;
}

static bool is_of(const struct watch *w, const char *object, const char *id)
{
	return strcmp(w->id, id) == 0 && strcmp(w->object, object) == 0;
}

/* The row whose answer is due. */
static struct watch **watch_open(struct hearing *h, const char *object, const char *id)
{
	struct watch **at = &h->watches[place_of(id)];
	while (*at != NULL && !(is_of(*at, object, id) && !(*at)->answered && !(*at)->lost))
		at = &(*at)->next;
	return at;
}

bool hearing_watch(
	struct engine *e, const char *object, const char *id, json_t *changes, int64_t since_ms)
{
	struct hearing *h = &e->hearing;
	struct watch *w = *watch_open(h, object, id);
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			return false;
		snprintf(w->object, sizeof(w->object), "%s", object);
		snprintf(w->id, sizeof(w->id), "%s", id);
		w->next = h->watches[place_of(id)];
		h->watches[place_of(id)] = w;
		h->watch_n++;
		w->since_ms = since_ms; /* of the first: nobody knows whether that was done */
	}
	json_decref(w->changes);
	w->changes = json_incref(changes);
	w->at_ms = -1;
	w->until_ms = clock_mono_ms() + HEARING_KEEP_MS;
	return true;
}

enum hearing_echo hearing_answer(
	struct engine *e, const char *object, const char *id, const json_t *record)
{
	struct watch **at = watch_open(&e->hearing, object, id), *w = *at;
	if (w == NULL)
		return ECHO_NONE;
	w->answered = true;
	w->at_ms = updated_ms(record);
	for (size_t i = 0; i < w->early_n; i++)
		if (w->early[i].at_ms == w->at_ms) {
			enum hearing_echo echo = w->early[i].revived ? ECHO_REVIVED : ECHO_PLAIN;
			watch_drop(&e->hearing, at);
			return echo;
		}
	return ECHO_NONE;
}

enum hearing_echo hearing_look(
	struct engine *e, const char *object, const char *id, const json_t *record)
{
	struct watch **at = watch_open(&e->hearing, object, id), *w = *at;
	enum hearing_echo echo = ECHO_NONE;
	if (w == NULL)
		return ECHO_NONE;
	for (size_t i = 0; i < w->early_n; i++) {
		if (w->early[i].at_ms < w->since_ms)
			continue;
		if (w->early[i].revived)
			echo = ECHO_REVIVED;
		else if (w->early[i].at_ms == updated_ms(record) && echo == ECHO_NONE)
			echo = ECHO_PLAIN;
	}
	w->lost = true;
	if (echo != ECHO_NONE)
		watch_drop(&e->hearing, at);
	return echo;
}

void hearing_give_up(struct engine *e, const char *object, const char *id)
{
	if (hearing_look(e, object, id, NULL) == ECHO_REVIVED)
		upsert_take_back(e, object, id);
}

/* ---- held calls ---- */

void hearing_hold(struct call *call, json_t *record)
{
	struct hearing *h = &call->engine->hearing;
	call->state = CALL_HELD;
	call->held = json_incref(record);
	call->unknown = true; /* should the client be closed meanwhile */
	call->not_before_ms = clock_mono_ms() + HEARING_WAIT_MS;
	if (h->held_n++ == 0 || call->not_before_ms < h->due_ms)
		h->due_ms = call->not_before_ms;
	lane_put(&h->held[place_of(call_text(call, "id"))], call);
}

void hearing_drop(struct call *call)
{
	struct hearing *h = &call->engine->hearing;
	lane_drop(&h->held[place_of(call_text(call, "id"))], call);
	h->held_n--;
}

bool hearing_holds(const struct hearing *h, const char *id)
{
	for (const struct call *c = h->held_n > 0 ? h->held[place_of(id)].head : NULL; c != NULL;
		c = c->next)
		if (strcmp(call_text(c, "id"), id) == 0)
			return true;
	return false;
}

static void answer(struct call *call)
{
	json_t *body = json_pack("{s:{s:O}}", "data", "record", call->held);
	struct reply reply = {.code = body != NULL ? RC_OK : RC_NOMEM,
		.status = 200,
		.body = body,
		.message = body != NULL ? "" : "no memory for an answer"};
	engine_reply(call, &reply);
	json_decref(body);
}

/* One whose time is over; the next time is noted where there is none. */
static struct call *find_over(struct hearing *h, size_t place, int64_t now_ms)
{
	for (struct call *c = h->held[place].head; c != NULL; c = c->next) {
		if (c->not_before_ms <= now_ms)
			return c;
		h->due_ms = c->not_before_ms < h->due_ms ? c->not_before_ms : h->due_ms;
	}
	return NULL;
}

/* One echo that does not come is no proof: the change may have turned out to be none. Several are,
 * and so is that nothing about the object has come since. */
static bool is_deaf(const struct hearing *h, const struct call *c, int missing)
{
	for (size_t i = 0; i < HEARING_N; i++)
		if (strcmp(h->known[i].object, c->object) == 0)
			return h->known[i].state == HEARING_HEARD &&
			       (missing > MISSING_MAX ||
				       h->known[i].heard_ms < c->not_before_ms - HEARING_WAIT_MS);
	return false;
}

void hearing_expire(struct engine *e, int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	int missing = 0;
	if (h->held_n == 0 || now_ms < h->due_ms)
		return;
	h->due_ms = INT64_MAX;
	/* whoever is answered may cancel others: each time the list is begun anew */
	for (size_t i = 0; i < HEARING_BUCKETS; i++)
		for (struct call *c; (c = find_over(h, i, now_ms)) != NULL;) {
			if (is_deaf(h, c, ++missing)) {
				hearing_note(h, c->object, HEARING_DEAF, now_ms);
				log_warn(NULL,
					"webhooks about %s do not come: changes of them go one by "
					"one until one does",
					c->object);
			}
			hearing_drop(c);
			answer(c);
		}
}

/* ---- webhooks ---- */

struct echo { /* BORROWS */
	const char *object, *id;
	int64_t at_ms;
	bool revived;
	bool any; /* of a row whose answer was lost: the time of an answer does not matter */
};

static bool names(const json_t *fields, const char *name)
{
	size_t i;
	json_t *each;
	json_array_foreach(fields, i, each)
	{
		const char *text = json_string_value(each);
		if (text != NULL && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* Deleting and restoring name deletedAt alone. */
static bool is_update(const json_t *fields)
{
	size_t i;
	json_t *each;
	json_array_foreach(fields, i, each)
	{
		const char *text = json_string_value(each);
		if (text != NULL && strcmp(text, "deletedAt") != 0)
			return true;
	}
	return false;
}

/* Does it name something that was written? */
static bool is_ours_of(const struct watch *w, const json_t *fields)
{
	const char *name;
	json_t *value;
	json_object_foreach(w->changes, name, value) if (names(fields, name)) return true;
	return false;
}

static struct call *find_held(struct hearing *h, const struct echo *echo)
{
	for (struct call *c = h->held[place_of(echo->id)].head; c != NULL; c = c->next)
		if (strcmp(call_text(c, "id"), echo->id) == 0 &&
			strcmp(c->object, echo->object) == 0 &&
			(echo->any || updated_ms(c->held) == echo->at_ms))
			return c;
	return NULL;
}

/* Answers the calls that waited for this echo. True: there were some. */
static bool answer_held(struct engine *e, const struct echo *echo)
{
	bool any = false;
	for (struct call *c; (c = find_held(&e->hearing, echo)) != NULL; any = true) {
		hearing_drop(c);
		if (!echo->revived)
			answer(c);
		else if (!any)
			upsert_revived(c);
		else
			upsert_missing(c);
	}
	return any;
}

/* Notes what an echo says of one row. True: it has to be taken back. */
static bool hear(struct hearing *h, struct watch **at, struct echo *echo)
{
	struct watch *w = *at;
	if (w->lost && echo->at_ms < w->since_ms)
		return false;
	if (w->answered || w->lost) {
		bool match = w->lost ? echo->revived : w->at_ms == echo->at_ms;
		echo->any = echo->any || (w->lost && match);
		if (match)
			watch_drop(h, at);
		return match && echo->revived;
	}
	size_t i = w->early_n < EARLY_N ? w->early_n++ : EARLY_N - 1;
	bool kept = i == EARLY_N - 1 && w->early[i].revived && w->early[i].at_ms >= w->since_ms;
	w->early[i].at_ms = echo->at_ms;
	w->early[i].revived = echo->revived || kept;
	return false;
}

void hearing_event(struct engine *e, const char *object, const json_t *record, const json_t *fields,
	int64_t now_ms)
{
	struct hearing *h = &e->hearing;
	struct echo echo = {.object = object,
		.id = json_string_value(json_object_get(record, "id")),
		.at_ms = updated_ms(record)};
	if (!is_update(fields))
		return;
	hearing_note(h, object, HEARING_HEARD, now_ms);
	if (echo.id == NULL || echo.at_ms < 0)
		return;
	echo.revived = names(fields, "deletedAt") && field_value(record, "deletedAt") == NULL;
	bool revived = false, ours = false;
	for (struct watch **at = &h->watches[place_of(echo.id)], *w; (w = *at) != NULL;) {
		if (is_of(w, object, echo.id) && is_ours_of(w, fields)) {
			ours = true;
			revived = hear(h, at, &echo) || revived;
		}
		if (*at == w)
			at = &w->next;
	}
	bool held = ours && answer_held(e, &echo);
	if (revived && !held)
		upsert_take_back(e, object, echo.id);
	engine_wake(e);
}
