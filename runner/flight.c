/* SPDX-License-Identifier: MIT */
/*
 * Which effects are under way, and which events they may have brought about.
 * From: call.c (effects that go out and are answered), assign.c (those of a runner before us). To:
 * echo.c. An effect that waits for budget has done nothing yet, whatever it is about. Errs on the
 * side of "may be": that costs a short wait, the opposite a rule that answers itself.
 */
#include "runner/flight.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

static const char *id_of(const json_t *args, const char *key)
{
	const char *id = json_string_value(json_object_get(args, key));
	return id != NULL ? id : "";
}

/* Of an effect on one record that is known. */
static const char *single(const struct flight *f)
{
	bool one = f->op == CLIENT_UPDATE || f->op == CLIENT_DELETE || f->op == CLIENT_RESTORE ||
		   f->op == CLIENT_DESTROY || f->op == CLIENT_ERASE;
	return one ? id_of(f->args, "id") : "";
}

static size_t bucket_of(const char *id)
{
	uint32_t h = 2166136261u;
	for (; *id != '\0'; id++)
		h = (h ^ ((unsigned char)*id | 0x20)) * 16777619u;
	return h % FLIGHT_BUCKETS;
}

void flight_begin(struct flights *flights, struct flight *flight, enum client_op op,
	const char *object, json_t *args, const uint64_t *ticket)
{
	flight->op = op;
	flight->ticket = ticket;
	flight->args = json_incref(args);
	flight->began_ms = clock_wall_ms();
	snprintf(flight->object, sizeof(flight->object), "%s", object);
	const char *id = single(flight);
	struct flight **list = id[0] != '\0' ? &flights->one[bucket_of(id)] : &flights->wide;
	flight->at = list;
	flight->next = *list;
	if (flight->next != NULL)
		flight->next->at = &flight->next;
	*list = flight;
	flights->n++;
}

void flight_end(struct flights *flights, struct flight *flight)
{
	if (flight->at == NULL)
		return;
	*flight->at = flight->next;
	if (flight->next != NULL)
		flight->next->at = flight->at;
	flight->at = NULL;
	json_decref(flight->args);
	flight->args = NULL;
	flights->n--;
}

static bool holds(const json_t *ids, const char *id)
{
	size_t i;
	json_t *each;
	json_array_foreach(ids, i, each)
	{
		const json_t *one = json_is_object(each) ? json_object_get(each, "id") : each;
		const char *text = json_string_value(one);
		if (text != NULL && strcasecmp(text, id) == 0)
			return true;
	}
	return false;
}

static bool is_object(const struct flight *f, const struct client *client, const char *object)
{
	return strcmp(client_singular(client_schema(client), f->object), object) == 0;
}

/* A new record, or the link that comes with a task or a note. */
static bool may_create(
	const struct flight *f, const struct client *client, const struct flight_event *e)
{
	if (strcmp(e->action, "created") != 0)
		return false;
	bool about = json_object_get(json_object_get(f->args, "data"), "about") != NULL;
	bool link = strcmp(e->object, "taskTarget") == 0 || strcmp(e->object, "noteTarget") == 0;
	return is_object(f, client, e->object) || (about && link);
}

bool flight_names_records(enum client_op op)
{
	return op == CLIENT_UPDATE || op == CLIENT_DELETE || op == CLIENT_RESTORE ||
	       op == CLIENT_DESTROY || op == CLIENT_ERASE || op == CLIENT_UPDATE_MANY ||
	       op == CLIENT_MERGE;
}

bool flight_may_be(
	const struct flight *f, const struct client *client, const struct flight_event *e)
{
	switch (f->op) {
	case CLIENT_CREATE:
	case CLIENT_CREATE_MANY:
	case CLIENT_ENSURE:
		return may_create(f, client, e);
	case CLIENT_UPDATE:
	case CLIENT_DELETE:
	case CLIENT_RESTORE:
	case CLIENT_DESTROY:
	case CLIENT_ERASE:
		return strcasecmp(id_of(f->args, "id"), e->record) == 0;
	case CLIENT_UPDATE_MANY:
		return holds(json_object_get(f->args, "list"), e->record);
	case CLIENT_UPDATE_WHERE:
		return is_object(f, client, e->object) && strcmp(e->action, "updated") == 0;
	case CLIENT_MERGE:
		return strcasecmp(id_of(f->args, "into"), e->record) == 0 ||
		       holds(json_object_get(f->args, "from"), e->record);
	case CLIENT_GRAPHQL:
		return true;
	case CLIENT_GET:
	case CLIENT_LIST:
	case CLIENT_COUNT:
	case CLIENT_GROUP_BY:
	case CLIENT_DUPLICATES:
	case CLIENT_MEMBER:
	case CLIENT_HTTP: /* whatever comes of it is the other server's doing */
	case CLIENT_OP_N:
		return false;
	}
	return false;
}

static bool any_may(
	const struct flight *f, const struct client *client, const struct flight_event *e)
{
	for (; f != NULL; f = f->next) {
		if (f->began_ms > e->received_ms || !flight_may_be(f, client, e))
			continue;
		if (f->ticket == NULL || (*f->ticket != 0 && client_acted(client, *f->ticket)))
			return true;
	}
	return false;
}

bool flights_meet(const struct flights *flights, const struct client *client,
	const struct flight_event *event)
{
	if (flights->n == 0)
		return false;
	return any_may(flights->one[bucket_of(event->record)], client, event) ||
	       any_may(flights->wide, client, event);
}
