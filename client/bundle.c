/* SPDX-License-Identifier: MIT */
/*
 * What the kinds of bundles have in common: members, their replies, and refusals.
 * From: gather.c, which finds the members; engine.c, when a carrier's request was answered. To: the
 * members' own steps, through the engine.
 *
 * Invariant: a member is RIDING and in exactly one bundle, until it was answered, returned or has
 * left. A carrier that ends with members left fails them (engine.c, finish), so that none is lost.
 * A refusal that names a field hits those that wrote it; one that is about the object or about what
 * is allowed hits all; any other halves the bundle.
 */
#include "client/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/engine.h"

void bundle_free(struct bundle *b)
{
	if (b == NULL)
		return;
	if (b->work_done != NULL && b->work != NULL)
		b->work_done(b->work);
	free(b->work);
	free(b->member);
	free(b);
}

struct call *bundle_new(
	struct engine *e, const struct bundle_kind *kind, struct call *const *member, size_t n)
{
	struct bundle *b = calloc(1, sizeof(*b));
	struct call **list = b != NULL ? malloc(n * sizeof(struct call *)) : NULL;
	struct call *carrier = list != NULL ? engine_carrier(e, member[0]) : NULL;
	if (carrier == NULL) {
		free(list);
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		list[i] = member[i];
		list[i]->state = CALL_RIDING;
		list[i]->carrier = carrier;
		if (list[i]->lane < carrier->lane)
			carrier->lane = list[i]->lane;
	}
	b->kind = kind;
	b->member = list;
	b->n = n;
	carrier->bundle = b;
	carrier->step = kind->came;
	return carrier;
}

void bundle_leave(struct call *member)
{
	struct call *carrier = member->carrier;
	struct bundle *b = carrier->bundle;
	for (size_t i = 0; i < b->n; i++) {
		if (b->member[i] != member)
			continue;
		memmove(b->member + i, b->member + i + 1, (b->n - i - 1) * sizeof(struct call *));
		b->n--;
		break;
	}
	member->carrier = NULL;
	member->requests += carrier->requests;
	member->wire_us += carrier->wire_us;
	member->late = member->late || carrier->late;
	if (member->started_us == 0)
		member->started_us = carrier->started_us;
}

void bundle_reply(struct call *member, const struct reply *reply)
{
	bundle_leave(member);
	engine_reply(member, reply);
}

void bundle_reply_record(struct call *member, json_t *record, int status)
{
	struct reply reply = {.code = RC_OK, .status = status, .message = ""};
	json_t *body = json_pack("{s:{s:O}}", "data", "record", record);
	reply.body = body;
	if (body == NULL) {
		reply.code = RC_NOMEM;
		reply.message = "no memory for an answer";
	}
	bundle_reply(member, &reply);
	json_decref(body);
}

void bundle_reply_missing(struct call *member)
{
	struct reply reply = {
		.code = RC_NOT_FOUND, .status = 404, .message = "there is no such record"};
	bundle_reply(member, &reply);
}

void bundle_return(struct call *member)
{
	bundle_leave(member);
	member->alone = true;
	engine_return(member);
}

void bundle_reply_all(struct call *carrier, const struct reply *reply)
{
	while (carrier->bundle->n > 0)
		bundle_reply(carrier->bundle->member[0], reply);
}

void bundle_return_all(struct call *carrier)
{
	while (carrier->bundle->n > 0)
		bundle_return(carrier->bundle->member[0]);
}

enum rc bundle_end(struct call *carrier)
{
	carrier->ended = true;
	return RC_OK;
}

static bool writes(const struct bundle *b)
{
	return b->kind != &bundle_same && b->kind != &bundle_ids && b->kind != &bundle_compare;
}

/* Does a refusal speak of something that no row alone can be blamed for? A batch of changes that
 * fails again and again while the line is up may have one row that does it, or be too slow. */
static bool is_general(const struct bundle *b, const struct reply *reply)
{
	switch (reply->code) {
	case RC_REJECTED:
	case RC_DUPLICATE:
	case RC_TOO_LARGE:
	case RC_NOT_FOUND:
		break;
	case RC_UPSTREAM:
	case RC_TIMEOUT:
		if (reply->status < 400 || reply->status > 499)
			return !writes(b);
		break;
	default:
		return true;
	}
	size_t n = strlen(reply->message);
	return n > 10 && strncmp(reply->message, "object '", 8) == 0 &&
	       strcmp(reply->message + n - 9, "not found") == 0;
}

/* The field that a refusal names: Object person doesn't have any "nope" field. */
static bool field_named(const char *message, char *ret_name, size_t name_n)
{
	const char *at = strstr(message, "doesn't have any \"");
	if (at == NULL)
		return false;
	at += 18;
	size_t n = strcspn(at, "\"");
	if (at[n] != '"' || n == 0 || n >= name_n)
		return false;
	memcpy(ret_name, at, n);
	ret_name[n] = '\0';
	return true;
}

static struct call *first_that_wrote(const struct bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (json_object_get(b->member[i]->share.item, name) != NULL)
			return b->member[i];
	return NULL;
}

/* Tells those that wrote an unknown field; true: there were some. */
static bool blame_field(struct call *carrier, const struct reply *reply)
{
	struct bundle *b = carrier->bundle;
	char name[CALL_OBJECT_MAX];
	bool any = false;
	if (!field_named(reply->message, name, sizeof(name)))
		return false;
	for (struct call *m; (m = first_that_wrote(b, name)) != NULL; any = true)
		bundle_reply(m, reply);
	return any;
}

/* A carrier of their own for some of the members. */
static void part(struct call *carrier, size_t from, size_t n)
{
	struct bundle *b = carrier->bundle;
	struct engine *e = carrier->engine;
	if (n == 0)
		return;
	struct call **some = malloc(n * sizeof(struct call *));
	if (some == NULL || n == 1) {
		for (size_t i = from + n; i-- > from;)
			bundle_return(b->member[i]);
		free(some);
		return;
	}
	memcpy(some, b->member + from, n * sizeof(struct call *));
	for (size_t i = 0; i < n; i++)
		bundle_leave(some[i]);
	struct call *other = bundle_new(e, b->kind, some, n);
	if (other != NULL)
		other->bundle->looked = b->looked;
	for (size_t i = 0; i < n && other == NULL; i++) {
		some[i]->alone = true;
		engine_return(some[i]);
	}
	if (other != NULL)
		engine_return(other);
	free(some);
}

void bundle_refused(struct call *carrier, const struct reply *reply)
{
	struct bundle *b = carrier->bundle;
	if (is_general(b, reply)) {
		bundle_reply_all(carrier, reply);
		return;
	}
	if (blame_field(carrier, reply)) {
		part(carrier, 0, b->n);
		return;
	}
	size_t half = b->n / 2;
	part(carrier, half, b->n - half);
	part(carrier, 0, b->n);
}
