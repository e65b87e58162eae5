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

struct event { /* does not change once parsed */
	unsigned refs;
	struct id id;
	char name[EVENT_NAME_N];        /* "person.created", "hook:stripe" */
	char object[EVENT_NAME_N];      /* "person"; "" for hooks */
	char action[EVENT_NAME_N];      /* "created"; "" for hooks */
	char record_id[EVENT_RECORD_N]; /* "" for none */
	json_t *record;                 /* in the shape rules see; gone after event_close */
	json_t *fields;                 /* names of what was changed, NULL: none; gone likewise */
	char *text;                     /* the event as JSON, as it is sent to workers */
	size_t text_n;
	int64_t received_ms;      /* wall */
	uint8_t digest[DIGEST_N]; /* over name, record id, record, fields */
	bool has_digest;
};

/* RC_PARSE, RC_TOO_LARGE, RC_INVALID: for the quarantine, with the reason as the sentence;
 * RC_NOMEM. GIVES one reference (event_unref). */
enum rc event_parse(
	const struct event_input *input, struct event **ret_event, struct err *err) must_check;
struct event *event_ref(struct event *event);
void event_unref(struct event *event);
/* Routing is over: the tree is freed, the text stays. */
void event_close(struct event *event);

#endif
