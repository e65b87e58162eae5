/* SPDX-License-Identifier: MIT */
/*
 * What the workspace's webhooks tell the client: whether they reach us at all, object by object,
 * and what became of writes that only their echo shows (upsert.h).
 *
 * An object is heard when a webhook about an update of it came in, or, until that is disproved,
 * when the workspace has a webhook for its updates that points to a path of ours (/hooks/name). It
 * is deaf again when an echo does not come within HEARING_WAIT_MS; the next webhook about an update
 * ends that.
 *
 * Each row that an upsert goes out for is watched from then on, because its echo may come before
 * the answer, long after it, or when there was no answer at all. An echo is ours when it names a
 * field that we wrote and has the time that the answer showed; where no answer came, the field
 * decides, of what is no older than our write can be: a webhook of an earlier change may come late.
 * A person's restoring names deletedAt alone, so it is never taken for our doing.
 * What cannot be told: a record that a change has revived is living, so that a person who restores
 * it before it is deleted again changes nothing, and nothing shows it.
 */
#ifndef MOONHOOK_CLIENT_HEARING_H
#define MOONHOOK_CLIENT_HEARING_H

#include <stdint.h>

#include "client/call.h"

#define HEARING_WAIT_MS 15000  /* for an echo; Twenty gives up on a webhook after 5 s */
#define HEARING_KEEP_MS 600000 /* rows whose echo may come later are watched so long */
#define HEARING_N 32           /* objects */
#define HEARING_WATCH_N 16384  /* rows: no upserts while there are more */
#define HEARING_BUCKETS 1024

enum hearing_state { HEARING_UNKNOWN, HEARING_HEARD, HEARING_DEAF };
enum hearing_echo { ECHO_NONE, ECHO_PLAIN, ECHO_REVIVED };

struct watch; /* of one row */

struct lane { /* calls in order of their tickets */
	struct call *head, *tail;
};

struct hearing { /* zero is empty */
	struct {
		char object[CALL_OBJECT_MAX]; /* plural */
		enum hearing_state state;
		int64_t heard_ms; /* mono: the last webhook about it */
	} known[HEARING_N];
	size_t next;
	json_t *hooks; /* owned; the workspace's webhooks that point to us; NULL: not known */
	bool asked;    /* for them */
	bool skewed;   /* records are dated by a clock that Twenty's answers do not tell */
	struct lane held[HEARING_BUCKETS]; /* by id */
	size_t held_n;
	int64_t due_ms; /* mono: when the first of them has waited long enough; 0: none */
	struct watch *watches[HEARING_BUCKETS]; /* by id */
	size_t watch_n;
};

enum hearing_state hearing_find(const struct hearing *h, const char *object);
/* The same, and what the list of webhooks says where no webhook has come yet. */
bool hearing_can(struct engine *e, const char *object, int64_t now_ms);
void hearing_done(struct hearing *h);
void hearing_note(struct hearing *h, const char *object, enum hearing_state state, int64_t now_ms);
/* GET /rest/webhooks, and its answer. */
enum rc hearing_ask(struct request *r, struct err *err) must_check;
void hearing_read(struct engine *e, const json_t *body);

/* An upsert goes out for this row. changes: object, what it writes. since_ms: no updatedAt that it
 * gives the record is earlier. False: no memory. */
bool hearing_watch(
	struct engine *e, const char *object, const char *id, json_t *changes, int64_t since_ms);
/* The row was answered with record: has its echo come already? Then nothing is watched any more. */
enum hearing_echo hearing_answer(
	struct engine *e, const char *object, const char *id, const json_t *record);
/* The same where the answer was lost, and the record was read later: others may have written since,
 * so that any revival since then which names our fields is ours. */
enum hearing_echo hearing_look(
	struct engine *e, const char *object, const char *id, const json_t *record);
/* Nobody knows, or will know, what became of the row: an echo that shows a revival is taken for
 * ours, also one that came before. */
void hearing_give_up(struct engine *e, const char *object, const char *id);

/* The call, which is in no list, waits for the echo of its write; record: what the server answered,
 * BORROWED. */
void hearing_hold(struct call *call, json_t *record);
/* Takes a held call out of its list. */
void hearing_drop(struct call *call);
/* Does a call wait for the echo of a write of that record (its id in small letters)? */
bool hearing_holds(const struct hearing *h, const char *id);
/* Rows are watched, answers held back. Forgets those that were watched for long enough. */
enum client_wait hearing_waits(struct hearing *h, int64_t now_ms);
/* What would change anything if it came in now: a webhook of those records, and of those objects
 * (plural, record NULL). */
void hearing_listen(const struct hearing *h,
	void (*fn)(void *ctx, const char *object, const char *record), void *ctx);
/* Answers those that have waited long enough. */
void hearing_expire(struct engine *e, int64_t now_ms);
/* A webhook came in. object: plural. */
void hearing_event(struct engine *e, const char *object, const json_t *record, const json_t *fields,
	int64_t now_ms);

#endif
