/* SPDX-License-Identifier: MIT */
/*
 * What was last seen of each record of a batch, and from that what an event really changed.
 * From: route.c, parsed events. To: event.before and event.fields, for matching and for rules; the
 * row in which later runs find them; route_write.c, which writes the newest copies in the step that
 * writes their events. Events of one record in one batch build on each other.
 *
 * An event that is older than what was seen (webhooks come in any order) has no before and leaves
 * the copy alone. Where two are of one millisecond, the later to come is the newer. A copy that
 * cannot be read is as good as none, said in the log, and healed by the next.
 */
#include "runner/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"
#include "runner/member.h"
#include "runner/past.h"
#include "runner/state.h"

#define COPY_MAX (16u << 20) /* bytes of a text */

static bool is(const struct event *e, const char *action)
{
	return strcmp(e->action, action) == 0;
}

static bool is_same(const struct event *a, const struct event *b)
{
	return strcmp(a->record_id, b->record_id) == 0 && strcmp(a->object, b->object) == 0;
}

/* --- the newest so far ------------------------------------------------------------------------ */

/* An earlier one of this batch. */
static bool find_here(const struct route *route, size_t i, struct queue_copy *ret_last)
{
	const struct event *e = route->items[i].event;
	while (i-- > 0) {
		const struct route_item *item = &route->items[i];
		if (!item->newest || !is_same(item->event, e))
			continue;
		*ret_last = (struct queue_copy){
			.updated_ms = item->updated_ms,
			.state = item->state,
			.text = event_record(item->event),
		};
		if (item->state == QUEUE_COPY_GONE)
			ret_last->text = (struct slice){0};
		return true;
	}
	return false;
}

static enum rc find_last(
	struct runner *r, size_t i, struct queue_copy *ret_last, bool *ret_found, struct err *err)
{
	const struct event *e = r->route.items[i].event;
	*ret_found = find_here(&r->route, i, ret_last);
	if (*ret_found)
		return RC_OK;
	enum rc rc = queue_copy_find(r->queue, e->object, e->record_id, ret_last, err);
	*ret_found = rc == RC_OK;
	if (rc == RC_PARSE) {
		struct log_fields f = {.event = e->id.text, .object = e->object};
		log_warn(&f, "%s; event.before is not known", err->msg);
	}
	return rc == RC_NOT_FOUND || rc == RC_PARSE ? RC_OK : rc;
}

/* A destroyed record tells of its last change, which may be older than that of a copy; only another
 * life of its id is newer. */
static bool is_older_end(const struct event *e, const struct queue_copy *last)
{
	struct slice created = member_find(event_record(e), "createdAt");
	struct slice since = member_find(last->text, "createdAt");
	return e->updated_ms < last->updated_ms && created.n > 0 && since.n > 0 &&
	       !slice_equal(created, since);
}

static bool is_older(const struct event *e, const struct queue_copy *last)
{
	if (e->updated_ms == 0 || last->updated_ms == 0)
		return false;
	if (is(e, "destroyed"))
		return is_older_end(e, last);
	/* What became of a record before its end may come behind it. */
	return e->updated_ms < last->updated_ms ||
	       (e->updated_ms == last->updated_ms && last->state == QUEUE_COPY_GONE);
}

/* --- what was changed ------------------------------------------------------------------------- */

static bool has_name(const json_t *names, const char *name)
{
	size_t n = json_array_size(names);
	for (size_t i = 0; i < n; i++) {
		const char *one = json_string_value(json_array_get(names, i));
		if (one != NULL && strcmp(one, name) == 0)
			return true;
	}
	return false;
}

static bool is_id_or_null(struct slice value)
{
	return slice_equal(value, slice_of("null")) ||
	       (value.n == 38 && value.p[9] == '-' && value.p[14] == '-' && value.p[19] == '-' &&
		       value.p[24] == '-');
}

/* Is this the column of a relation of that name? As long as the workspace's fields are not known,
 * its values decide. */
static bool is_relation(const struct runner *r, const struct event *e, const struct past *past,
	const char *name, const char *column)
{
	char path[128];
	if (has_name(e->fields, name))
		return true;
	if (client_path(r->client, e->object, name, path, sizeof(path)) && strcmp(path, name) != 0)
		return strcmp(path, column) == 0;
	return is_id_or_null(member_find(event_record(e), column)) &&
	       is_id_or_null(member_find(buf_slice(&past->old), column));
}

/* Twenty names a relation twice, by itself and by its column: company, companyId. */
static enum rc add_relation(const struct runner *r, const struct event *e, const struct past *past,
	const char *column, json_t *fields)
{
	char name[128];
	size_t n = strlen(column);
	if (n < 3 || n >= sizeof(name) || strcmp(column + n - 2, "Id") != 0)
		return RC_OK;
	snprintf(name, sizeof(name), "%.*s", (int)n - 2, column);
	if (!is_relation(r, e, past, name, column) || has_name(fields, name))
		return RC_OK;
	return json_array_append_new(fields, json_string(name)) == 0 ? RC_OK : RC_NOMEM;
}

/* The names that differ, with their relations; GIVES. */
static enum rc make_fields(
	const struct runner *r, const struct event *e, const struct past *past, json_t **ret_fields)
{
	size_t n = json_array_size(past->names);
	json_t *fields = json_array();
	enum rc rc = fields != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		json_t *name = json_array_get(past->names, i);
		rc = add_relation(r, e, past, json_string_value(name), fields);
		if (rc == RC_OK && json_array_append(fields, name) != 0)
			rc = RC_NOMEM;
	}
	if (rc == RC_OK)
		*ret_fields = fields;
	else
		json_decref(fields);
	return rc;
}

/* Once: how large records get is for the workspace to say. */
static void tell_size(struct runner *r, const struct event *e)
{
	if (r->route.large_told)
		return;
	r->route.large_told = true;
	struct log_fields f = {.event = e->id.text, .object = e->object};
	log_warn(&f, "the record is so large that the event does not hold it twice: event.before "
		     "is left out, of others too");
}

static enum rc put_past(
	struct runner *r, struct route_item *item, const struct past *past, struct slice before)
{
	struct event *e = item->event;
	json_t *fields = NULL;
	enum rc rc = RC_OK;
	if (!is(e, "destroyed"))
		rc = make_fields(r, e, past, &fields);
	if (rc == RC_OK)
		rc = event_put_past(e, fields, before);
	if (rc == RC_TOO_LARGE || (rc == RC_OK && e->before_n == 0))
		tell_size(r, e);
	if (rc == RC_TOO_LARGE)
		return RC_OK;
	struct buf row;
	buf_init(&row, COPY_MAX);
	if (rc == RC_OK)
		rc = past_put(
			&row, e->before_n > 0 ? past : NULL, is(e, "destroyed") ? NULL : e->fields);
	item->past = row.p;
	item->past_n = row.n;
	return rc == RC_TOO_LARGE ? RC_OK : rc;
}

static enum rc compare(struct runner *r, struct route_item *item, struct slice before)
{
	struct past past;
	enum rc rc = past_compare(event_record(item->event), before, item->event->fields, &past);
	if (rc == RC_PARSE || rc == RC_TOO_LARGE) /* names that no field of Twenty has */
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	rc = put_past(r, item, &past, before);
	past_done(&past);
	return rc;
}

/* A record that is created has no before, whatever had its id. */
static bool has_before(const struct event *e, const struct queue_copy *last)
{
	return last->state != QUEUE_COPY_GONE && last->text.n > 0 && !is(e, "created");
}

static void note_newest(struct route_item *item, const struct queue_copy *last)
{
	const struct event *e = item->event;
	bool deleted = is(e, "deleted") || json_is_string(json_object_get(e->record, "deletedAt"));
	item->newest = true;
	item->updated_ms = e->updated_ms;
	item->state = deleted ? QUEUE_COPY_DELETED : QUEUE_COPY_LIVE;
	if (!is(e, "destroyed"))
		return;
	item->state = QUEUE_COPY_GONE;
	if (last != NULL && last->updated_ms > item->updated_ms)
		item->updated_ms = last->updated_ms;
}

static enum rc see(struct runner *r, size_t i, struct buf *scratch, struct err *err)
{
	struct route_item *item = &r->route.items[i];
	struct queue_copy last = {0};
	bool found = false;
	if (item->event == NULL || !event_has_record(item->event) || item->known)
		return RC_OK;
	enum rc rc = find_last(r, i, &last, &found, err);
	if (rc != RC_OK || (found && is_older(item->event, &last)))
		return rc;
	note_newest(item, found ? &last : NULL);
	if (!found || !has_before(item->event, &last))
		return RC_OK;
	/* Whatever it comes from, before has no index of words. */
	buf_clear(scratch);
	rc = member_put_without(scratch, last.text, PAST_INDEX);
	if (rc == RC_OK)
		rc = compare(r, item, buf_slice(scratch));
	if (rc == RC_PARSE)
		return RC_OK;
	return rc == RC_OK ? RC_OK : err_set(err, rc, "no memory to route events");
}

enum rc route_seen(struct runner *r, struct err *err)
{
	struct buf scratch;
	enum rc rc = RC_OK;
	buf_init(&scratch, COPY_MAX);
	for (size_t i = 0; rc == RC_OK && i < r->route.n; i++)
		rc = see(r, i, &scratch, err);
	buf_done(&scratch);
	return rc;
}

/* --- the newest copies ------------------------------------------------------------------------ */

static enum rc keep(
	struct runner *r, const struct route_item *item, struct buf *scratch, struct err *err)
{
	const struct event *e = item->event;
	struct queue_copy copy = {
		.object = e->object,
		.record = e->record_id,
		.updated_ms = item->updated_ms,
		.seen_ms = clock_wall_ms(),
		.state = item->state,
	};
	enum rc rc = RC_OK;
	buf_clear(scratch);
	if (item->state != QUEUE_COPY_GONE)
		rc = member_put_without(scratch, event_record(e), PAST_INDEX);
	if (rc == RC_NOMEM)
		return err_set(err, rc, "no memory for the copy of a record");
	copy.text = buf_slice(scratch);
	if (rc == RC_OK)
		rc = queue_copy_put(r->queue, &copy, err);
	if (rc == RC_OK || rc == RC_NOMEM || rc == RC_IO)
		return rc;
	struct log_fields f = {.event = e->id.text, .object = e->object};
	log_warn(&f, "no copy of the record is kept: its text is %s", rc_text(rc));
	return RC_OK;
}

/* Has a later one of the batch taken its place? */
static bool is_overtaken(const struct route *route, size_t i, const bool *duplicate)
{
	for (size_t k = i + 1; k < route->n; k++) {
		const struct route_item *item = &route->items[k];
		if (item->newest && !duplicate[k] && is_same(item->event, route->items[i].event))
			return true;
	}
	return false;
}

enum rc route_keep(struct runner *r, const bool *duplicate, struct err *err)
{
	const struct route *route = &r->route;
	struct buf scratch;
	enum rc rc = RC_OK;
	buf_init(&scratch, COPY_MAX);
	for (size_t i = 0; rc == RC_OK && i < route->n; i++) {
		const struct route_item *item = &route->items[i];
		if (item->newest && !duplicate[i] && !is_overtaken(route, i, duplicate))
			rc = keep(r, item, &scratch, err);
	}
	buf_done(&scratch);
	return rc;
}
