/* SPDX-License-Identifier: MIT */
/*
 * What the workspace's webhooks tell the client: whether they reach us at all, object by object,
 * and what became of writes that only their echo shows (upsert.h).
 *
 * An object is heard when a webhook about it came in, or, until that is disproved, when the
 * workspace has a webhook for its updates that points to a path of ours (/hooks/). It is deaf again
 * when an echo does not come within HEARING_WAIT_MS; the next webhook about it ends that.
 */
#ifndef MOONHOOK_CLIENT_HEARING_H
#define MOONHOOK_CLIENT_HEARING_H

#include <stdint.h>

#include "client/call.h"

#define HEARING_WAIT_MS 15000  /* for an echo; Twenty gives up on a webhook after 5 s */
#define HEARING_KEEP_MS 600000 /* writes whose echo may come later are remembered so long */
#define HEARING_N 32           /* objects */
#define HEARING_EARLY_N 4096   /* webhooks that may be echoes of writes not yet answered */
#define HEARING_LATE_N 2048    /* writes */
#define HEARING_BUCKETS 256

enum hearing_state { HEARING_UNKNOWN, HEARING_HEARD, HEARING_DEAF };

struct hearing_late;  /* a write whose echo may still come */
struct hearing_early; /* a webhook that may be the echo of a write not yet answered */

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
	struct lane held[HEARING_BUCKETS]; /* by id */
	size_t held_n;
	int64_t due_ms; /* mono: when the first of them has waited long enough; 0: none */
	struct hearing_late *late;   /* owned, a ring of HEARING_LATE_N; NULL: no upsert yet */
	struct hearing_early *early; /* owned, a ring of HEARING_EARLY_N; likewise */
	size_t late_next, early_next;
};

enum hearing_state hearing_find(const struct hearing *h, const char *object);
/* The same, and what the list of webhooks says where no webhook has come yet. */
bool hearing_can(struct engine *e, const char *object, int64_t now_ms);
void hearing_done(struct hearing *h);
void hearing_note(struct hearing *h, const char *object, enum hearing_state state, int64_t now_ms);
/* GET /rest/webhooks, and its answer. */
enum rc hearing_ask(struct request *r, struct err *err) must_check;
void hearing_read(struct engine *e, const json_t *body);

/* From here on webhooks are remembered: the echo of a write may come before its answer. RC_NOMEM.
 */
enum rc hearing_listen(struct hearing *h, struct err *err) must_check;
/* The call, which is in no list, waits for the echo of its write; record: what the server answered,
 * BORROWED. */
void hearing_hold(struct call *call, json_t *record);
/* Takes a held call out of its list. */
void hearing_drop(struct call *call);
/* The same for one that nobody waits for any more: its echo is still listened for. */
void hearing_leave(struct call *call);
/* Answers those that have waited long enough. */
void hearing_expire(struct engine *e, int64_t now_ms);
/* A webhook came in. object: plural. */
void hearing_event(struct engine *e, const char *object, const json_t *record, const json_t *fields,
	int64_t now_ms);

#endif
