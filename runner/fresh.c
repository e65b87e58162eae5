/* SPDX-License-Identifier: MIT */
/*
 * Reading a record again before its run starts.
 * From: assign.c, for every pending run in every turn. To: call.c, which asks as for any call of
 * the run, and back to assign.c with another event. Fails as the call does: what can get better is
 * tried again. Does not decide what the rule is for: that was decided by the event as it came.
 */
#include "runner/fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "runner/call.h"
#include "runner/dump.h"
#include "runner/outcome.h"
#include "runner/scan.h"
#include "runner/state.h"

#define EVENT_BYTES (15u << 20) /* as event.c has them */

/* The object whose record is read; NULL: none. BORROWS. */
static const char *object_of(const struct run *run)
{
	const struct event *e = run->event;
	if (e->record_id[0] == '\0')
		return NULL;
	if (e->aim[0] != '\0') /* of a timer the record is known by its id alone */
		return e->about[0] != '\0' ? e->about : NULL;
	return run->fresh && e->object[0] != '\0' ? e->object : NULL;
}

static struct journal_entry *find_entry(struct run *run)
{
	for (size_t i = 0; i < run->journal.n; i++)
		if (strcmp(run->journal.entries[i].path, FRESH_PATH) == 0)
			return &run->journal.entries[i];
	return NULL;
}

static void ask(struct runner *r, struct run *run, const char *object)
{
	char plural[64], text[160];
	if (!client_plural(r->client, object, plural, sizeof(plural))) {
		bool known = client_schema(r->client) != NULL;
		snprintf(text, sizeof(text), "the record cannot be read again: %s %.60s",
			known ? "the workspace has no object" : "it is not known yet what lists",
			object);
		outcome_fail(r, run, known ? RC_NOT_FOUND : RC_UNREACHABLE, text, NULL);
		return;
	}
	json_t *args =
		json_pack("{s:s, s:i}", "id", run->event->record_id, "depth", run->fresh_depth);
	if (args == NULL)
		outcome_fail(r, run, RC_NOMEM, "no memory to read the record again", NULL);
	else
		call_own_read(r, run, FRESH_PATH, plural, args);
	json_decref(args);
}

static void fail(struct runner *r, struct run *run, const struct journal_entry *e)
{
	char text[400];
	json_t *error = NULL;
	struct err err;
	enum rc rc = scan_parse((struct slice){e->answer, e->answer_n}, &error, &err);
	const char *message =
		rc == RC_OK ? json_string_value(json_object_get(error, "message")) : NULL;
	snprintf(text, sizeof(text), "reading the record again: %s",
		message != NULL ? message : rc_text(e->code));
	outcome_fail(r, run, e->code, text, NULL);
	json_decref(error);
}

/* The event with this record. RC_PARSE, RC_TOO_LARGE, RC_NOMEM. */
static enum rc renew(const struct event *event, const json_t *record, struct event **ret_event)
{
	struct buf text;
	json_t *whole = json_loadb(event->text, event->text_n, 0, NULL);
	if (whole == NULL)
		return RC_PARSE;
	buf_init(&text, EVENT_BYTES);
	enum rc rc = json_object_set(whole, "record", (json_t *)(uintptr_t)record) == 0 ? RC_OK
											: RC_NOMEM;
	if (rc == RC_OK)
		rc = dump_value(&text, whole);
	if (rc == RC_OK)
		rc = event_with_text(event, buf_slice(&text), ret_event);
	buf_done(&text);
	json_decref(whole);
	return rc;
}

/* True: the run has its record. */
static bool take(struct runner *r, struct run *run, const struct journal_entry *e)
{
	json_t *record = NULL;
	struct event *event = NULL;
	enum rc rc = RC_OK;
	record = json_loadb(e->answer, e->answer_n, JSON_DECODE_ANY, NULL);
	if (json_is_null(record)) {
		char text[120];
		snprintf(text, sizeof(text), "the %.60s is not there any more", object_of(run));
		outcome_skip(r, run, text);
	} else {
		rc = json_is_object(record) ? renew(run->event, record, &event) : RC_PARSE;
		if (rc != RC_OK)
			outcome_fail(r, run, rc, "the record cannot be put into the event", NULL);
	}
	json_decref(record);
	if (event == NULL)
		return false;
	event_unref(run->event);
	run->event = event;
	run->refreshed = true;
	return true;
}

bool fresh_settle(struct runner *r, struct run *run)
{
	const char *object = object_of(run);
	if (object == NULL || run->refreshed)
		return true;
	const struct journal_entry *e = find_entry(run);
	if (e == NULL) {
		ask(r, run, object);
		return false;
	}
	switch (e->state) {
	case JOURNAL_OPEN:
	case JOURNAL_BUSY:
		return false;
	case JOURNAL_ANSWERED:
		break;
	}
	if (e->code == RC_OK)
		return take(r, run, e);
	fail(r, run, e);
	return false;
}
