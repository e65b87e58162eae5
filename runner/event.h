/* SPDX-License-Identifier: MIT */
/* One event, parsed from the bytes of a delivery: what routing and rules look at. */
#ifndef MOONHOOK_RUNNER_EVENT_H
#define MOONHOOK_RUNNER_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/id.h"
#include "base/slice.h"

#define EVENT_NAME_N 160
#define EVENT_RECORD_N 64
#define EVENT_AIM_N 160

/* Events that are born here for one rule, and are not about a change: {"eventName", "at", "rule",
 * "object", "record", "payload"}. */
#define EVENT_TIMER "timer"
#define EVENT_CRON "cron"

enum event_form {
	EVENT_TWENTY, /* a delivery of Twenty, in either shape */
	EVENT_HOOK,   /* any other source: its body is the record */
};

struct event_input { /* BORROWS during event_parse */
	struct id id;
	const char *source, *via; /* STATIC or living as long; both are plain words */
	enum event_form form;
	struct slice headers, body;
	int64_t received_ms; /* wall */
};

struct event { /* does not change once parsed and, where it can be, event_put_past */
	unsigned refs;
	struct id id;
	char name[EVENT_NAME_N];        /* "person.created", "hook:stripe" */
	char object[EVENT_NAME_N];      /* "person"; "" for hooks */
	char action[EVENT_NAME_N];      /* "created"; "" for hooks */
	char record_id[EVENT_RECORD_N]; /* "" for none */
	char aim[EVENT_AIM_N];    /* the one rule that it is for; "": for whoever waits for it */
	char about[EVENT_NAME_N]; /* of such: object of record_id; "" for none */
	json_t *record;           /* in the shape rules see; gone after event_close */
	json_t *fields;           /* names of what was changed, NULL: none; gone likewise */
	char *text;               /* the event as JSON, as it is sent to workers */
	size_t text_n;
	size_t actor_at, actor_n;   /* of the text: the member actor, with its comma */
	size_t record_at, record_n; /* of the text: the record */
	size_t before_at, before_n; /* what it was before; n 0: not known */
	int64_t received_ms;        /* wall */
	int64_t updated_ms;         /* the record's updatedAt, by Twenty's clock; 0: it has none */
	/*
	 * Second dedupe: which change of which record this is, however it became known. A change is
	 * one content of a record with its updatedAt, as alive or as deleted: neither `fields` nor
	 * eventDate, via, and whether it is called created, updated or restored take part, because
	 * whoever finds a change in a list (gap fill) cannot know those. Two changes within one
	 * millisecond differ in content. A destroyed record is one record with its createdAt: what
	 * was last known of it may be older than what Twenty last had. Where a record has no
	 * updatedAt (createdAt), name, fields and content decide.
	 */
	uint8_t digest[DIGEST_N];
	bool has_digest;
};

/* Is it about a record of Twenty's? Metadata and other sources have none. */
bool event_has_record(const struct event *event);
/* The updatedAt of a record, by Twenty's clock; 0: it has none. */
int64_t event_updated_ms(const json_t *record);
/* RC_PARSE, RC_TOO_LARGE, RC_INVALID: for the quarantine, with the reason as the sentence;
 * RC_NOMEM. GIVES one reference (event_unref). */
enum rc event_parse(
	const struct event_input *input, struct event **ret_event, struct err *err) must_check;
/* Tells what the record was before, and what was changed in truth. TAKES fields, NULL: as the body
 * says. before: JSON of a record, n 0: not known; where the text would get too large with it, it is
 * left out. RC_NOMEM, RC_TOO_LARGE: nothing is changed. */
enum rc event_put_past(struct event *event, json_t *fields, struct slice before) must_check;
/* The same from what event.past of the queue says (past.h). RC_PARSE, RC_NOMEM, RC_TOO_LARGE, with
 * a sentence. */
enum rc event_recall(struct event *event, struct slice past, struct err *err) must_check;
/* Puts another actor into the text of an event that was just parsed. RC_NOMEM, RC_TOO_LARGE:
 * nothing is changed. */
enum rc event_put_actor(struct event *event, const json_t *actor) must_check;
/* BORROW until the next event_put_past or event_put_actor. n 0: not known. */
static inline struct slice event_record(const struct event *event)
{
	return (struct slice){event->text + event->record_at, event->record_n};
}
static inline struct slice event_before(const struct event *event)
{
	return (struct slice){event->text + event->before_at, event->before_n};
}
/* {"kind","name","id"} of who made the change; NULL: nobody is named, or no memory. Before
 * event_close. GIVES. */
json_t *event_actor(const struct event *event);
struct event *event_ref(struct event *event);
void event_unref(struct event *event);
/* The same event in other words for its rule, without a tree, and without event_record and
 * event_before. GIVES one reference. RC_NOMEM. */
enum rc event_with_text(
	const struct event *event, struct slice text, struct event **ret_event) must_check;
/* Routing is over: the tree is freed, the text stays. */
void event_close(struct event *event);

#endif
