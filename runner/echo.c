/* SPDX-License-Identifier: MIT */
/*
 * What of an event is our own writing.
 * From: route_echo.c (events that are routed), echo_run.c (runs that are decided when they start).
 * To: the ledger, and a verdict for each rule. Names and values are compared as Twenty answered
 * them. Does not know chains (echo_chain.c), and ends no run.
 *
 * When a write and an event fit:
 *   - the record shows the very time of the write: the normal case
 *   - the answer to the write may be of a later time (it was read again after the first answer was
 *     lost, or repeated after a crash): the event came since, shows a time up to that, and was made
 *     through the API
 *   - the event spans several changes, because it was found by asking or overtook another: the time
 *     lies between the copy before and the record
 * A creation is known by the record's id, a deletion by its deletedAt, a destruction by the id.
 */
#include "runner/echo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/client.h"
#include "runner/dump.h"
#include "runner/flight.h"
#include "runner/member.h"
#include "runner/state.h"

#define VALUE_MAX (4u << 20)

struct looking { /* one echo_look */
	struct runner *r;
	const struct echo_event *e;
	struct echo_view *view;
	int64_t at_ms; /* updatedAt of the record; 0: none */
	bool by_api;   /* nobody else is named */
	bool updates;  /* the event names fields, or is an update that does not */
	bool newest;   /* the last change in it may be ours */
};

/* --- events ----------------------------------------------------------------------------------- */

void echo_event_of(const struct event *event, const char *via, struct echo_event *ret_event)
{
	*ret_event = (struct echo_event){
		.object = event->object,
		.action = event->action,
		.record_id = event->record_id,
		.via = via,
		.received_ms = event->received_ms,
		.record = event->record,
		.fields = event->fields,
	};
	char text[CLOCK_TEXT_N + 2];
	struct slice at = member_find(event_before(event), "updatedAt");
	if (at.n < 2 || at.n >= sizeof(text))
		return;
	snprintf(text, sizeof(text), "%.*s", (int)at.n - 2, at.p + 1);
	int64_t ms = clock_parse(text);
	ret_event->before_ms = ms > 0 ? ms : 0;
}

/* Members, imports and mailboxes are named as such; a record that names nobody may be anybody's. */
bool echo_by_program(const json_t *record)
{
	static const char *const others[] = {"MANUAL", "IMPORT", "EMAIL", "CALENDAR"};
	const char *source =
		json_string_value(json_object_get(json_object_get(record, "updatedBy"), "source"));
	for (size_t i = 0; source != NULL && i < ARRAY_N(others); i++)
		if (strcmp(source, others[i]) == 0)
			return false;
	return true;
}

bool echo_undecided(const struct runner *r, const struct echo_event *event)
{
	struct flight_event e = {
		event->object, event->action, event->record_id, event->received_ms};
	return event->object[0] != '\0' &&
	       (flights_meet(&r->flights, r->client, &e) || abroad_meets(r, &e));
}

/* --- values ----------------------------------------------------------------------------------- */

/* 16 hex digits of a value. False: no memory, or too large to matter. */
static bool hash_value(const json_t *value, char ret_hex[static 17])
{
	uint8_t digest[DIGEST_N];
	struct buf text;
	buf_init(&text, VALUE_MAX);
	bool ok = dump_value(&text, value) == RC_OK;
	struct slice whole = buf_slice(&text);
	ok = ok && digest_sha256(&whole, 1, digest) == RC_OK;
	for (size_t i = 0; ok && i < 8; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
	buf_done(&text);
	return ok;
}

/* The same of who changed a record: kind and name. */
static bool hash_actor(const json_t *by, char ret_hex[static 17])
{
	if (!json_is_object(by))
		return false;
	json_t *who =
		json_pack("[O?, O?]", json_object_get(by, "source"), json_object_get(by, "name"));
	bool ok = who != NULL && hash_value(who, ret_hex);
	json_decref(who);
	return ok;
}

/* An event's name of a field -> that of the record: the published form has flat ones. */
static const json_t *value_of(const struct looking *l, const char *name)
{
	return client_field(l->e->record, name);
}

/* "stage=<hash> score~<hash>": the entry of a name; NULL: none. */
static const char *find_entry(const char *fields, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = fields; at != NULL && *at != '\0';) {
		if (strncmp(at, name, n) == 0 && (at[n] == '=' || at[n] == '~'))
			return at + n;
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	return NULL;
}

/* '=' or '~' where the write set this field to the value that the event shows, else 0. */
static char meets(const struct looking *l, const struct queue_write *w, const char *name)
{
	char hex[17];
	const char *entry = find_entry(w->fields, name);
	if (entry == NULL || !hash_value(value_of(l, name), hex) ||
		strncmp(entry + 1, hex, 16) != 0)
		return 0;
	return *entry;
}

/* --- claims ----------------------------------------------------------------------------------- */

static bool get_bit(const uint64_t *mask, size_t i)
{
	return (mask[i / 64] >> (i % 64) & 1) != 0;
}

static void set_bit(uint64_t *mask, size_t i)
{
	mask[i / 64] |= UINT64_C(1) << (i % 64);
}

static struct echo_claim *claim_of(struct echo_view *view, const char *rule)
{
	for (size_t i = 0; i < view->claims_n; i++)
		if (strcmp(view->claims[i].rule, rule) == 0)
			return &view->claims[i];
	struct echo_claim *p = realloc(view->claims, (view->claims_n + 1) * sizeof(*p));
	if (p == NULL)
		return NULL;
	view->claims = p;
	struct echo_claim *claim = &p[view->claims_n++];
	*claim = (struct echo_claim){.rule = ""};
	snprintf(claim->rule, sizeof(claim->rule), "%s", rule);
	return claim;
}

/* The write set field i. False: no memory. */
static bool note(struct looking *l, const struct queue_write *w, size_t i, bool sure)
{
	struct echo_claim *claim = claim_of(l->view, w->rule);
	if (claim == NULL)
		return false;
	set_bit(sure ? claim->sure : claim->unsure, i);
	if (sure)
		set_bit(l->view->sure, i);
	l->newest = l->newest || w->at_ms >= l->at_ms;
	if (w->depth + 1 > l->view->depth) {
		l->view->depth = w->depth + 1;
		l->view->run = w->run;
	}
	return true;
}

static bool note_all(struct looking *l, const struct queue_write *w)
{
	bool ok = true;
	for (size_t i = 0; ok && i < l->view->fields_n; i++)
		ok = note(l, w, i, true);
	return ok;
}

/* --- one write -------------------------------------------------------------------------------- */

static bool is_gap(const struct looking *l)
{
	return strcmp(l->e->via, "gap") == 0;
}

static bool fits_time(const struct looking *l, const struct queue_write *w)
{
	if (w->at_ms <= 0 || l->at_ms <= 0)
		return false;
	bool late = w->since_ms > 0 && l->at_ms <= w->at_ms && l->e->received_ms >= w->since_ms &&
		    l->by_api;
	bool span = l->e->before_ms > 0 && l->e->before_ms < w->at_ms && w->at_ms <= l->at_ms;
	return w->at_ms == l->at_ms || late || span;
}

static const char *next_entry(const char *entry)
{
	const char *blank = strchr(entry, ' ');
	return blank != NULL ? blank + 1 : "";
}

static bool shows_entry(const struct looking *l, const struct queue_write *w, const char *entry)
{
	char name[128], hex[17];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry, "=~ "), entry);
	if (strcmp(name, "*") == 0)
		return true;
	if (strcmp(name, "@by") != 0)
		return meets(l, w, name) != 0;
	return !hash_actor(json_object_get(l->e->record, "updatedBy"), hex) ||
	       strncmp(entry + 4, hex, 16) == 0;
}

/* The record as it was after that very write: with all that was written, and by whom. A change by
 * somebody else in the same millisecond, before or after, leaves another one. */
static bool shows_all(const struct looking *l, const struct queue_write *w)
{
	if (w->at_ms != l->at_ms)
		return false;
	for (const char *at = w->fields; at != NULL && *at != '\0'; at = next_entry(at))
		if (!shows_entry(l, w, at))
			return false;
	return true;
}

static bool is_whole(const struct queue_write *w)
{
	return w->fields == NULL || w->fields[0] == '*';
}

static bool look_updated(struct looking *l, const struct queue_write *w)
{
	bool exact = w->at_ms > 0 && w->at_ms == l->at_ms;
	bool ok = true;
	size_t i;
	json_t *name;
	if (!fits_time(l, w) || w->action == QUEUE_DESTROYED || (exact && !shows_all(l, w)))
		return true;
	/* Without names, or, where a write changed nothing but the time, with none. */
	if (is_whole(w) || json_array_size(l->e->fields) == 0) {
		bool made = w->action == QUEUE_CREATED && !is_gap(l); /* and changed since */
		return exact && !made ? note_all(l, w) : true;
	}
	json_array_foreach(l->e->fields, i, name)
	{
		if (i >= l->view->fields_n || !ok)
			break;
		char how = json_is_string(name) ? meets(l, w, json_string_value(name)) : 0;
		if (how != 0)
			ok = note(l, w, i, how == '=');
	}
	return ok;
}

/* Creations, deletions, restorations, destructions: as a whole. */
static bool look_whole(struct looking *l, const struct queue_write *w)
{
	const char *action = l->e->action;
	bool exact = w->at_ms > 0 && w->at_ms == l->at_ms;
	bool any = w->action == QUEUE_CHANGED && exact;
	bool ours = any;
	if (strcmp(action, "created") == 0)
		ours = any || (w->action == QUEUE_CREATED && (exact || !is_gap(l)));
	else if (strcmp(action, "deleted") == 0)
		ours = any || (w->action == QUEUE_DELETED && meets(l, w, "deletedAt") != 0);
	else if (strcmp(action, "restored") == 0)
		ours = any || (w->action == QUEUE_RESTORED && fits_time(l, w));
	else if (strcmp(action, "destroyed") == 0)
		ours = w->action == QUEUE_DESTROYED;
	return ours ? note_all(l, w) : true;
}

static enum rc look_at(void *ctx, const struct queue_write *write, struct err *err)
{
	struct looking *l = ctx;
	bool ok = l->updates ? look_updated(l, write) : look_whole(l, write);
	return ok ? RC_OK : err_set(err, RC_NOMEM, "no memory to look for echoes");
}

/* Is there a field that none of our writes set? */
static bool has_strange(const struct echo_view *view)
{
	for (size_t i = 0; i < view->fields_n; i++) {
		bool ours = false;
		for (size_t k = 0; k < view->claims_n && !ours; k++)
			ours = get_bit(view->claims[k].sure, i) ||
			       get_bit(view->claims[k].unsure, i);
		if (!ours)
			return true;
	}
	return false;
}

/* An event that spans a write of ours and a later change by somebody else came of both. A member
 * begins a chain: else who edits faster than webhooks come would make a loop of every answer. */
static void find_cause(const struct looking *l)
{
	struct echo_view *view = l->view;
	view->others = l->updates && !l->newest && view->claims_n != 0 && has_strange(view);
	if (!view->others || l->by_api)
		return;
	view->depth = 0;
	view->run = 0;
}

enum rc echo_writes(struct runner *r, const char *record, const struct queue_span *span,
	queue_write_fn fn, void *ctx, struct err *err)
{
	char id[EVENT_RECORD_N];
	size_t n = 0;
	for (; record[n] != '\0' && n < sizeof(id) - 1; n++)
		id[n] = (char)tolower((unsigned char)record[n]);
	id[n] = '\0';
	return queue_write_each(r->queue, id, span, fn, ctx, err);
}

enum rc echo_look(struct runner *r, const struct echo_event *event, struct echo_view *ret_view,
	struct err *err)
{
	*ret_view = (struct echo_view){.fields_n = 1};
	if (event->object[0] == '\0' || event->record_id[0] == '\0')
		return RC_OK;
	struct looking l = {
		.r = r,
		.e = event,
		.view = ret_view,
		.at_ms = event_updated_ms(event->record),
		.by_api = echo_by_program(event->record),
		.updates = strcmp(event->action, "updated") == 0,
	};
	size_t fields_n = json_array_size(event->fields);
	if (l.updates && fields_n > 0)
		ret_view->fields_n = fields_n < ECHO_FIELDS_MAX ? fields_n : ECHO_FIELDS_MAX;
	struct queue_span span = {event->before_ms > 0 ? event->before_ms : l.at_ms, l.at_ms};
	if (l.at_ms == 0 || !l.updates) /* those are known by more than their time */
		span = (struct queue_span){0, INT64_MAX};
	enum rc rc = echo_writes(r, event->record_id, &span, look_at, &l, err);
	if (rc == RC_OK)
		find_cause(&l);
	else
		echo_view_done(ret_view);
	return rc;
}

void echo_view_done(struct echo_view *view)
{
	free(view->claims);
	*view = (struct echo_view){0};
}

/* --- verdicts --------------------------------------------------------------------------------- */

/* Where two rules set a field in one request, it is of the one whose value is there. */
static void own_fields(const struct echo_view *view, const char *rule, enum rule_echo mode,
	uint64_t ret_own[static ECHO_WORDS])
{
	for (size_t i = 0; i < view->claims_n; i++) {
		const struct echo_claim *claim = &view->claims[i];
		if (mode == RULE_ECHO_OTHERS && strcmp(claim->rule, rule) != 0)
			continue;
		for (size_t k = 0; k < ECHO_WORDS; k++)
			ret_own[k] |= claim->sure[k] | (claim->unsure[k] & ~view->sure[k]);
	}
}

enum echo_verdict echo_judge(const struct echo_view *view, const struct echo_event *event,
	const char *rule, enum rule_echo mode, struct buf *hidden)
{
	uint64_t own[ECHO_WORDS] = {0};
	size_t own_n = 0;
	if (mode == RULE_ECHO_ALL || view->claims_n == 0)
		return ECHO_FIRE;
	own_fields(view, rule, mode, own);
	for (size_t i = 0; i < view->fields_n; i++)
		own_n += get_bit(own, i);
	/* Several wrote it in one request, and nothing tells who wrote what. */
	bool mixed = view->claims_n > 1 && mode == RULE_ECHO_OTHERS && event->fields == NULL &&
		     strcmp(event->action, "updated") == 0;
	if (own_n == 0 || mixed)
		return ECHO_FIRE;
	if (own_n == view->fields_n && json_array_size(event->fields) <= ECHO_FIELDS_MAX)
		return ECHO_IS_ECHO;
	for (size_t i = 0; i < view->fields_n; i++) {
		const char *name = json_string_value(json_array_get(event->fields, i));
		if (!get_bit(own, i) || name == NULL)
			continue;
		if (buf_printf(hidden, "%s%s", hidden->n != 0 ? " " : "", name) != RC_OK)
			return ECHO_PART;
	}
	return ECHO_PART;
}

/* --- the ledger ------------------------------------------------------------------------------- */

static bool is_word(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	return n > 0 && n < 100 && name[n] == '\0';
}

static enum rc put_fields(struct buf *out, json_t *fields, char sign)
{
	const char *name;
	json_t *value;
	enum rc rc = RC_OK;
	json_object_foreach(fields, name, value)
	{
		char hex[17];
		if (rc == RC_OK && is_word(name) && hash_value(value, hex))
			rc = buf_printf(out, "%s%s%c%s", out->n != 0 ? " " : "", name, sign, hex);
	}
	return rc;
}

static enum queue_action action_of(enum client_action action)
{
	switch (action) {
	case CLIENT_CREATED:
		return QUEUE_CREATED;
	case CLIENT_UPDATED:
		return QUEUE_UPDATED;
	case CLIENT_DELETED:
		return QUEUE_DELETED;
	case CLIENT_RESTORED:
		return QUEUE_RESTORED;
	case CLIENT_DESTROYED:
		return QUEUE_DESTROYED;
	case CLIENT_CHANGED:
		return QUEUE_CHANGED;
	}
	return QUEUE_CHANGED;
}

static enum rc note_one(struct runner *r, const struct run *run, const struct client_write *w,
	int64_t since_ms, struct err *err)
{
	struct buf fields;
	char hex[17];
	bool named = w->fields != NULL || w->others != NULL;
	buf_init(&fields, 64u << 10);
	enum rc rc = named ? RC_OK : buf_put_text(&fields, "*");
	if (rc == RC_OK && hash_actor(w->by, hex))
		rc = buf_printf(&fields, "%s@by=%s", named ? "" : " ", hex);
	if (rc == RC_OK)
		rc = put_fields(&fields, w->fields, '=');
	if (rc == RC_OK)
		rc = put_fields(&fields, w->others, '~');
	struct queue_write write = {
		.record = w->record,
		.object = w->object,
		.action = action_of(w->action),
		.at_ms = w->at_ms,
		.since_ms = since_ms > 0 ? since_ms
			    : w->late    ? run->q.event_received_ms
					 : 0,
		.written_ms = clock_wall_ms(),
		.fields = !named          ? NULL
			  : fields.n != 0 ? fields.p
					  : "",
	};
	if (rc == RC_OK || rc == RC_TOO_LARGE)
		rc = queue_write_put(r->queue, run->q.seq, run->q.epoch, &write, err);
	buf_done(&fields);
	return rc;
}

enum rc echo_note(struct runner *r, const struct run *run, const struct client_answer *answer,
	int64_t since_ms, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < answer->writes_n; i++)
		rc = note_one(r, run, &answer->writes[i], since_ms, err);
	return rc;
}
