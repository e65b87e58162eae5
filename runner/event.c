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
#include "runner/scan.h"

#define TEXT_MAX (15u << 20)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

struct parts { /* of a body; BORROWS from the tree */
	const char *name;
	json_t *record, *fields;
	const char *record_id;
	const char *at;
	const char *hook; /* of other sources */
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

static enum rc read_twenty(json_t *body, struct parts *ret_parts, struct err *err)
{
	struct parts p = {.name = text_at(body, "eventName")};
	bool published = p.name == NULL;
	if (published)
		p.name = text_at(body, "event");
	if (p.name == NULL)
		return err_set(err, RC_INVALID, "the body names no event");
	const char *key = published ? "data" : "record";
	if (strncmp(p.name, "metadata.", 9) == 0)
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

/* {"kind","name","id"} of who made the change; NULL: nobody is named. */
static json_t *make_actor(const struct event *e)
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
	const char *p = headers.p, *end = headers.p + headers.n;
	while (all != NULL && headers.n != 0 && p < end) {
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

/* Name, record id, fields and record lie behind each other in the text, the rest in front. */
static enum rc put_text(const struct event_input *in, const struct parts *p, struct event *e,
	struct buf *out, size_t *ret_mark)
{
	char at[CLOCK_TEXT_N];
	format_at(e, p, at);
	enum rc rc = buf_printf(
		out, "{\"id\":\"%s\",\"via\":\"%s\",\"at\":\"%s\"", e->id.text, in->via, at);
	if (rc == RC_OK && p->hook != NULL)
		rc = buf_printf(out, ",\"hook\":\"%s\"", p->hook);
	if (rc == RC_OK && p->hook != NULL)
		rc = put_optional(out, "headers", make_headers(in->headers));
	if (rc == RC_OK && p->hook == NULL)
		rc = put_optional(out, "actor", make_actor(e));
	if (rc == RC_OK && p->hook == NULL)
		rc = buf_printf(out, ",\"object\":\"%s\",\"action\":\"%s\"", e->object, e->action);
	size_t mark = out->n;
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"name\":\"%s\"", e->name);
	if (rc == RC_OK)
		rc = put_json(out, "fields", p->fields);
	if (rc == RC_OK)
		rc = put_json(out, "record", e->record);
	if (rc == RC_OK)
		rc = buf_put_text(out, "}");
	if (rc == RC_OK)
		*ret_mark = mark;
	return rc;
}

static enum rc finish(
	const struct event_input *in, const struct parts *p, struct event *e, struct err *err)
{
	struct buf out;
	size_t mark = 0;
	buf_init(&out, TEXT_MAX);
	enum rc rc = put_text(in, p, e, &out, &mark);
	if (rc == RC_OK && e->record_id[0] != '\0') {
		struct slice parts[] = {
			{e->record_id, strlen(e->record_id)}, {out.p + mark, out.n - mark}};
		rc = digest_sha256(parts, 2, e->digest);
		e->has_digest = rc == RC_OK;
	}
	if (rc != RC_OK) {
		buf_done(&out);
		return err_set(err, rc, "the event is %s", rc_text(rc));
	}
	e->text_n = out.n;
	char *fit = realloc(out.p, out.n + 1);
	e->text = fit != NULL ? fit : out.p;
	return RC_OK;
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
	if (strncmp(e->name, "metadata.", 9) == 0)
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
	enum rc rc = scan_parse(input->body, &body, err);
	if (rc == RC_OK && input->form == EVENT_TWENTY)
		rc = fill_twenty(body, e, &parts, err);
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
