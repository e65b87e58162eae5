/* SPDX-License-Identifier: MIT */
/*
 * Raw delivery -> event.
 * From: route.c (fresh deliveries), assign.c (runs that were stored). To: match.c, and as text to
 * workers. Hostile bytes end in the quarantine with a sentence. Accepts both bodies of Twenty, the
 * real one {eventName, record, updatedFields} and the published one {event, data, timestamp};
 * metadata.* events have `event` in the place of `record`. Does not know rules.
 */
#include "runner/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "client/client.h"
#include "runner/dump.h"
#include "runner/form.h"
#include "runner/past.h"
#include "runner/scan.h"

#define TEXT_MAX (15u << 20)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

struct parts { /* of a body; BORROWS from the tree */
	const char *name;
	json_t *record, *fields;
	const char *record_id;
	const char *at;
	const char *hook; /* of other sources */
	json_t *payload;  /* of timers */
	bool own;         /* born here for one rule */
};

static enum rc split_name(struct event *e, const char *name, struct err *err)
{
	size_t n = strlen(name);
	const char *dot = strrchr(name, '.');
	if (n >= EVENT_NAME_N || dot == NULL || dot == name || dot[1] == '\0' ||
		strspn(name, NAME_CHARS) != n)
		return err_set(err, RC_INVALID, "\"%.64s\" is no name of an event", name);
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(e->object, sizeof(e->object), "%.*s", (int)(dot - name), name);
	snprintf(e->action, sizeof(e->action), "%s", dot + 1);
	return RC_OK;
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "metadata.fieldMetadata.updated". */
static bool is_metadata(const char *name)
{
	return strncmp(name, "metadata.", 9) == 0;
}

bool event_has_record(const struct event *e)
{
	return e->object[0] != '\0' && e->record_id[0] != '\0' && !is_metadata(e->name);
}

int64_t event_updated_ms(const json_t *record)
{
	const char *at = text_at(record, "updatedAt");
	int64_t ms = at != NULL ? clock_parse(at) : 0;
	return ms > 0 ? ms : 0;
}

static enum rc read_twenty(json_t *body, struct parts *ret_parts, struct err *err)
{
	struct parts p = {.name = text_at(body, "eventName")};
	bool published = p.name == NULL;
	if (published)
		p.name = text_at(body, "event");
	if (p.name == NULL)
		return err_set(err, RC_INVALID, "the body names no event");
	const char *key = published ? "data" : "record";
	if (is_metadata(p.name))
		key = "event";
	p.record = json_object_get(body, key);
	if (!json_is_object(p.record))
		return err_set(err, RC_INVALID, "the body has no object `%s`", key);
	p.record_id = text_at(p.record, strcmp(key, "event") == 0 ? "recordId" : "id");
	if (p.record_id == NULL || p.record_id[0] == '\0' || strlen(p.record_id) >= EVENT_RECORD_N)
		return err_set(err, RC_INVALID, "the record has no id");
	p.fields = json_object_get(body, "updatedFields");
	if (json_is_null(p.fields))
		p.fields = NULL;
	if (p.fields != NULL && !json_is_array(p.fields))
		return err_set(err, RC_INVALID, "`updatedFields` is no list");
	p.at = text_at(body, published ? "timestamp" : "eventDate");
	*ret_parts = p;
	return RC_OK;
}

/* When it happened: the commit of the change where the record tells it, else when it was sent. */
static void format_at(const struct event *e, const struct parts *p, char text[static CLOCK_TEXT_N])
{
	const char *changed =
		strcmp(e->action, "destroyed") != 0 ? text_at(e->record, "updatedAt") : NULL;
	int64_t ms = changed != NULL ? clock_parse(changed) : -1;
	if (ms < 0 && p->at != NULL)
		ms = clock_parse(p->at);
	clock_format(ms >= 0 ? ms : e->received_ms, text);
}

static const char *actor_kind(const char *source)
{
	static const struct {
		const char *source, *kind;
	} kinds[] = {
		{"MANUAL", "person"},
		{"IMPORT", "import"},
		{"EMAIL", "import"},
		{"CALENDAR", "import"},
	};
	for (size_t i = 0; i < ARRAY_N(kinds); i++) {
		if (source != NULL && strcmp(kinds[i].source, source) == 0)
			return kinds[i].kind;
	}
	return "api";
}

json_t *event_actor(const struct event *e)
{
	const json_t *by = NULL;
	if (strcmp(e->action, "created") != 0)
		by = json_object_get(e->record, "updatedBy");
	if (!json_is_object(by))
		by = json_object_get(e->record, "createdBy");
	if (!json_is_object(by))
		return NULL;
	const char *name = text_at(by, "name"), *id = text_at(by, "workspaceMemberId");
	return json_pack("{s:s, s:s*, s:s*}", "kind", actor_kind(text_at(by, "source")), "name",
		name, "id", id);
}

static enum rc put_json(struct buf *out, const char *key, const json_t *value)
{
	if (value == NULL)
		return RC_OK;
	enum rc rc = buf_printf(out, ",\"%s\":", key);
	return rc == RC_OK ? dump_value(out, value) : rc;
}

/* "name: value\n" lines -> {"name":"value"}, names in lower case. */
static json_t *make_headers(struct slice headers)
{
	json_t *all = json_object();
	const char *p = headers.p, *end = headers.n != 0 ? headers.p + headers.n : p;
	while (all != NULL && p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		stop = stop != NULL ? stop : end;
		const char *colon = memchr(p, ':', (size_t)(stop - p));
		char name[128];
		if (colon != NULL && (size_t)(colon - p) < sizeof(name)) {
			size_t n = (size_t)(colon - p);
			for (size_t i = 0; i < n; i++)
				name[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
			name[n] = '\0';
			colon += 1 + (colon + 1 < stop && colon[1] == ' ');
			/* A value that is no UTF-8 is left out. */
			(void)json_object_set_new(
				all, name, json_stringn(colon, (size_t)(stop - colon)));
		}
		p = stop < end ? stop + 1 : end;
	}
	return all;
}

static enum rc put_optional(struct buf *out, const char *key, json_t *value)
{
	enum rc rc = put_json(out, key, value);
	json_decref(value);
	return rc;
}

/* Everything but what event_put_past may change, which goes behind it. */
static enum rc put_front(
	const struct event_input *in, const struct parts *p, struct event *e, struct buf *out)
{
	char at[CLOCK_TEXT_N];
	format_at(e, p, at);
	enum rc rc = buf_printf(
		out, "{\"id\":\"%s\",\"via\":\"%s\",\"at\":\"%s\"", e->id.text, in->via, at);
	if (rc == RC_OK && p->hook != NULL)
		rc = buf_printf(out, ",\"hook\":\"%s\"", p->hook);
	if (rc == RC_OK && p->hook != NULL)
		rc = put_optional(out, "headers", make_headers(in->headers));
	if (rc == RC_OK && p->own && e->about[0] != '\0')
		rc = buf_printf(out, ",\"object\":\"%s\"", e->about);
	if (rc == RC_OK && p->own)
		rc = put_json(out, "payload", p->payload);
	e->actor_at = out->n;
	if (rc == RC_OK && p->hook == NULL && !p->own)
		rc = put_optional(out, "actor", event_actor(e));
	e->actor_n = out->n - e->actor_at;
	if (rc == RC_OK && p->hook == NULL && !p->own)
		rc = buf_printf(out, ",\"object\":\"%s\",\"action\":\"%s\"", e->object, e->action);
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"name\":\"%s\",\"record\":", e->name);
	e->record_at = out->n;
	if (rc == RC_OK)
		rc = dump_value(out, e->record);
	e->record_n = out->n - e->record_at;
	return rc;
}

/* --- which change this is --------------------------------------------------------------------- */

/* The actions that leave a record alive are one: see event.h. */
static const char *kind_of(const struct event *e)
{
	static const char *const alive[] = {"created", "updated", "restored"};
	for (size_t i = 0; i < ARRAY_N(alive); i++) {
		if (strcmp(e->action, alive[i]) == 0)
			return "alive";
	}
	return e->action;
}

/* The record in two pieces, without Twenty's index of its words, which not every answer has. */
static void split_record(const struct event *e, const char *text, struct slice ret_piece[static 2])
{
	static const char index[] = ",\"" PAST_INDEX "\":\"";
	const char *p = text + e->record_at, *end = p + e->record_n;
	const char *from = memmem(p, e->record_n, index, sizeof(index) - 1);
	const char *to = from != NULL ? from + sizeof(index) - 1 : end;
	while (from != NULL && to < end && *to != '"')
		to += *to == '\\' ? 2 : 1;
	ret_piece[0] = (struct slice){p, (size_t)((from != NULL ? from : end) - p)};
	ret_piece[1] = (struct slice){NULL, 0};
	if (from != NULL && to < end)
		ret_piece[1] = (struct slice){to + 1, (size_t)(end - to - 1)};
}

static enum rc digest_change(struct event *e, const char *text)
{
	struct slice parts[] = {slice_of(e->object), {"", 1}, slice_of(kind_of(e)), {"", 1},
		slice_of(e->record_id), {"", 1}, {NULL, 0}, {NULL, 0}};
	const char *created = text_at(e->record, "createdAt");
	if (strcmp(e->action, "destroyed") == 0 && created != NULL)
		parts[6] = slice_of(created);
	else
		split_record(e, text, &parts[6]);
	return digest_sha256(parts, ARRAY_N(parts), e->digest);
}

/* Without times, an event is what it says. */
static enum rc digest_words(struct event *e, const char *text)
{
	struct buf fields;
	buf_init(&fields, TEXT_MAX);
	enum rc rc = dump_value(&fields, e->fields);
	struct slice parts[] = {slice_of(e->name), {"", 1}, slice_of(e->record_id), {"", 1},
		buf_slice(&fields), {"", 1}, {NULL, 0}, {NULL, 0}};
	split_record(e, text, &parts[6]);
	if (rc == RC_OK)
		rc = digest_sha256(parts, ARRAY_N(parts), e->digest);
	buf_done(&fields);
	return rc;
}

static enum rc digest(struct event *e, const char *text)
{
	if (e->record_id[0] == '\0' || e->aim[0] != '\0')
		return RC_OK;
	enum rc rc = e->updated_ms != 0 ? digest_change(e, text) : digest_words(e, text);
	e->has_digest = rc == RC_OK;
	return rc;
}

/* --- what was before -------------------------------------------------------------------------- */

/* Appends what goes behind the front; ret_before: where the text of before is, of all of it. */
static enum rc put_tail(struct buf *out, size_t front_n, const json_t *fields, struct slice *before,
	size_t *ret_before)
{
	enum rc rc = put_json(out, "fields", fields);
	size_t most = TEXT_MAX - 16; /* the rest of it */
	if (rc == RC_OK && (front_n > most || out->n > most - front_n))
		return RC_TOO_LARGE;
	if (before->n > most - front_n - out->n)
		before->n = 0;
	if (rc == RC_OK && before->n > 0)
		rc = buf_put_text(out, ",\"before\":");
	*ret_before = front_n + out->n;
	if (rc == RC_OK && before->n > 0)
		rc = buf_put(out, before->p, before->n);
	return rc == RC_OK ? buf_put_text(out, "}") : rc;
}

enum rc event_put_past(struct event *event, json_t *fields, struct slice before)
{
	struct buf out;
	size_t front_n = event->record_at + event->record_n, before_at = 0;
	buf_init(&out, TEXT_MAX);
	enum rc rc = put_tail(
		&out, front_n, fields != NULL ? fields : event->fields, &before, &before_at);
	char *text = rc == RC_OK ? realloc(event->text, front_n + out.n + 1) : NULL;
	if (rc == RC_OK && text == NULL)
		rc = RC_NOMEM;
	if (rc == RC_OK) {
		memcpy(text + front_n, out.p, out.n + 1);
		event->text = text;
		event->text_n = front_n + out.n;
		event->before_at = before_at;
		event->before_n = before.n;
	}
	if (rc == RC_OK && fields != NULL) {
		json_decref(event->fields);
		event->fields = fields;
	} else {
		json_decref(fields);
	}
	buf_done(&out);
	return rc;
}

enum rc event_put_actor(struct event *event, const json_t *actor)
{
	struct buf out;
	size_t behind = event->actor_at + event->actor_n;
	buf_init(&out, TEXT_MAX);
	enum rc rc = buf_put(&out, event->text, event->actor_at);
	if (rc == RC_OK)
		rc = put_json(&out, "actor", actor);
	size_t actor_n = out.n - event->actor_at;
	if (rc == RC_OK)
		rc = buf_put(&out, event->text + behind, event->text_n - behind);
	if (rc != RC_OK) {
		buf_done(&out);
		return rc;
	}
	event->record_at = event->record_at - event->actor_n + actor_n;
	event->before_at = event->before_at - event->actor_n + actor_n;
	event->actor_n = actor_n;
	free(event->text);
	event->text = out.p;
	event->text_n = out.n;
	return RC_OK;
}

enum rc event_recall(struct event *event, struct slice past, struct err *err)
{
	struct buf before;
	json_t *fields = NULL;
	buf_init(&before, TEXT_MAX);
	enum rc rc = past_open(past, event_record(event), &before, &fields, err);
	if (rc == RC_OK) {
		rc = event_put_past(event, fields, buf_slice(&before));
		if (rc != RC_OK)
			err_set(err, rc, "the event is %s", rc_text(rc));
	}
	buf_done(&before);
	return rc;
}

/* --- parsing ---------------------------------------------------------------------------------- */

static bool is_own(const struct event_input *in, const json_t *body)
{
	const char *name = text_at(body, "eventName");
	return in->source[0] == '\0' && name != NULL &&
	       (strcmp(name, EVENT_TIMER) == 0 || strcmp(name, EVENT_CRON) == 0);
}

/* One that was born here for one rule. What is too long for its place was never written so. */
static enum rc fill_own(json_t *body, struct event *e, struct parts *ret_parts, struct err *err)
{
	json_t *record = json_object_get(body, "record");
	const char *aim = text_at(body, "rule"), *about = text_at(body, "object");
	const char *id = text_at(record, "id");
	if (aim == NULL)
		return err_set(err, RC_INVALID, "it names no rule");
	snprintf(e->name, sizeof(e->name), "%s", text_at(body, "eventName"));
	snprintf(e->aim, sizeof(e->aim), "%s", aim);
	snprintf(e->about, sizeof(e->about), "%s", about != NULL ? about : "");
	snprintf(e->record_id, sizeof(e->record_id), "%s", id != NULL ? id : "");
	e->record = json_incref(record);
	*ret_parts = (struct parts){.at = text_at(body, "at"),
		.payload = json_object_get(body, "payload"),
		.own = true};
	return RC_OK;
}

static enum rc finish(
	const struct event_input *in, const struct parts *p, struct event *e, struct err *err)
{
	struct buf out;
	buf_init(&out, TEXT_MAX);
	e->updated_ms = e->object[0] != '\0' ? event_updated_ms(e->record) : 0;
	enum rc rc = put_front(in, p, e, &out);
	if (rc == RC_OK)
		rc = digest(e, out.p);
	e->text = out.p;
	if (rc == RC_OK)
		rc = event_put_past(e, NULL, (struct slice){0});
	return rc == RC_OK ? RC_OK : err_set(err, rc, "the event is %s", rc_text(rc));
}

static enum rc fill_twenty(json_t *body, struct event *e, struct parts *ret_parts, struct err *err)
{
	if (!json_is_object(body))
		return err_set(err, RC_INVALID, "the body is a list, not an event");
	enum rc rc = read_twenty(body, ret_parts, err);
	if (rc == RC_OK)
		rc = split_name(e, ret_parts->name, err);
	if (rc != RC_OK)
		return rc;
	snprintf(e->record_id, sizeof(e->record_id), "%s", ret_parts->record_id);
	if (is_metadata(e->name))
		e->record = json_incref(ret_parts->record);
	else
		e->record = client_record(e->object, ret_parts->record);
	if (e->record == NULL)
		return err_set(err, RC_NOMEM, "no memory for the record");
	e->fields = json_incref(ret_parts->fields);
	return RC_OK;
}

enum rc event_parse(const struct event_input *input, struct event **ret_event, struct err *err)
{
	json_t *body = NULL;
	struct parts parts = {0};
	struct event *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return err_set(err, RC_NOMEM, "no memory for an event");
	e->refs = 1;
	e->id = input->id;
	e->received_ms = input->received_ms;
	enum rc rc = input->form == EVENT_HOOK && form_is(input->headers)
			     ? form_parse(input->body, &body, err)
			     : scan_parse(input->body, &body, err);
	if (rc == RC_OK && input->form == EVENT_TWENTY)
		rc = is_own(input, body) ? fill_own(body, e, &parts, err)
					 : fill_twenty(body, e, &parts, err);
	if (rc == RC_OK && input->form == EVENT_HOOK) {
		parts.hook = input->source;
		snprintf(e->name, sizeof(e->name), "hook:%s", input->source);
		e->record = json_incref(body);
	}
	if (rc == RC_OK)
		rc = finish(input, &parts, e, err);
	json_decref(body);
	if (rc != RC_OK) {
		event_unref(e);
		return rc;
	}
	*ret_event = e;
	return RC_OK;
}

struct event *event_ref(struct event *event)
{
	event->refs++;
	return event;
}

enum rc event_with_text(const struct event *event, struct slice text, struct event **ret_event)
{
	struct event *e = malloc(sizeof(*e));
	char *copy = malloc(text.n + 1);
	if (e == NULL || copy == NULL) {
		free(e);
		free(copy);
		return RC_NOMEM;
	}
	*e = *event;
	e->refs = 1;
	e->record = e->fields = NULL;
	e->text = memcpy(copy, text.p, text.n);
	e->text[text.n] = '\0';
	e->text_n = text.n;
	e->actor_at = e->actor_n = e->record_at = e->record_n = e->before_at = e->before_n = 0;
	*ret_event = e;
	return RC_OK;
}

void event_close(struct event *event)
{
	json_decref(event->record);
	json_decref(event->fields);
	event->record = event->fields = NULL;
}

void event_unref(struct event *event)
{
	if (event == NULL || --event->refs != 0)
		return;
	json_decref(event->record);
	json_decref(event->fields);
	free(event->text);
	free(event);
}
