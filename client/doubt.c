/* SPDX-License-Identifier: MIT */
/*
 * "No such record" or "no such object"?
 * From: answer.c, answers with 404. To: the steps of the operations, which take RC_NOT_FOUND for a
 * record that is not there. A real server says 400 for an object that it does not know; one that
 * follows the documentation says 404 for both, and a misspelt object would look like an empty one.
 * The list of an object that is there is always found, so that a list decides; what it showed is
 * remembered (objects.c).
 */
#include "client/doubt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum about { ABOUT_LIST, ABOUT_RECORD, ABOUT_ACTION };

struct doubt { /* a 404 that is kept until its object was listed */
	call_step step;
	struct fault fault;
	int status;
	enum about about;
	char object[CALL_OBJECT_MAX];
};

/* What a request is about; false: no object. */
static bool read_target(
	const struct request *r, char ret_object[static CALL_OBJECT_MAX], enum about *ret_about)
{
	const char *at = r->target.p;
	if (at == NULL || strncmp(at, "/rest/", 6) != 0)
		return false;
	at += 6;
	if (strncmp(at, "batch/", 6) == 0)
		at += 6;
	else if (strncmp(at, "restore/", 8) == 0)
		at += 8;
	size_t n = strcspn(at, "/?");
	if (n == 0 || n >= CALL_OBJECT_MAX)
		return false;
	memcpy(ret_object, at, n);
	ret_object[n] = '\0';
	at += n + (at[n] == '/');
	char id[38]; /* longer than one, so that what goes on is none */
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "?"), at);
	if (uuid_valid(id))
		*ret_about = ABOUT_RECORD;
	else
		*ret_about = r->method == REQUEST_GET && (*at == '\0' || *at == '?') ? ABOUT_LIST
										     : ABOUT_ACTION;
	return true;
}

void doubt_answered(struct call *call)
{
	char object[CALL_OBJECT_MAX];
	enum about about;
	if (read_target(&call->request, object, &about))
		objects_note(&call->engine->objects, object, OBJECT_THERE, clock_mono_ms());
}

/* What a 404 means now that the object is known to be there or not. */
static void say(const struct doubt *d, bool there, struct fault *fault, struct reply *reply)
{
	if (!there) {
		fault->code = RC_REJECTED;
		snprintf(
			fault->message, sizeof(fault->message), "object '%s' not found", d->object);
	} else if (d->about == ABOUT_ACTION && fault->absence == ABSENT_ROUTE) {
		fault->code = RC_UNSUPPORTED;
		snprintf(fault->message, sizeof(fault->message),
			"this server cannot do that with %s", d->object);
	} else if (fault->absence == ABSENT_ROUTE) {
		fault->code = RC_NOT_FOUND;
		snprintf(fault->message, sizeof(fault->message), "there is no such record");
	}
	reply->code = fault->code;
	reply->message = fault->message;
}

/* The object was listed, or not: now the kept answer can be passed on. */
static enum rc listed(struct call *call, const struct reply *reply, struct err *err)
{
	struct doubt d = *call->doubt;
	free(call->doubt);
	call->doubt = NULL;
	if (reply->code == RC_UPSTREAM || reply->code == RC_TIMEOUT)
		return call_pass(call, reply, err);
	struct reply kept = {.status = d.status};
	bool there =
		objects_find(&call->engine->objects, d.object, clock_mono_ms()) != OBJECT_ABSENT;
	say(&d, there, &d.fault, &kept);
	call->step = d.step;
	call->status = d.status;
	return d.step(call, &kept, err);
}

/* Keeps the answer and asks for the list. */
static enum rc ask(struct call *call, const struct doubt *d)
{
	struct doubt *kept = malloc(sizeof(*kept));
	if (kept == NULL)
		return RC_NOMEM;
	*kept = *d;
	enum rc rc = request_start(&call->request, REQUEST_GET, "/rest/%s?limit=1", d->object);
	if (rc != RC_OK) {
		free(kept);
		return rc;
	}
	call->doubt = kept;
	call_send(call, listed);
	return RC_OK;
}

bool doubt_read(struct call *call, struct fault *fault, struct reply *reply)
{
	struct objects *objects = &call->engine->objects;
	int64_t now = clock_mono_ms();
	struct doubt d = {.step = call->step, .fault = *fault, .status = reply->status};
	if (!read_target(&call->request, d.object, &d.about) ||
		(fault->absence == ABSENT_RECORD && d.about != ABOUT_LIST))
		return true;
	if (d.about == ABOUT_LIST)
		objects_note(objects, d.object, OBJECT_ABSENT, now);
	enum object_state state = objects_find(objects, d.object, now);
	if (state != OBJECT_UNKNOWN) {
		say(&d, state == OBJECT_THERE, fault, reply);
		return true;
	}
	enum rc rc = ask(call, &d);
	if (rc == RC_OK)
		return false;
	reply->code = rc;
	reply->message = "no memory for a request";
	return true;
}
