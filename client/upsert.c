/* SPDX-License-Identifier: MIT */
/*
 * The batch upsert, and everything that makes it safe.
 * From: gather.c, which chooses it; bundle.c, engine.c. To: the dialect; hearing.c, calls that wait
 * for their echo; children that take back what should not have happened.
 *
 *   read alive -> upsert -> inserted: destroy again, "not found"
 *        ^          |       unchanged: answered
 *        |          |       changed: answered when its echo has come; revived: delete again,
 *        +- too late, or nobody knows                                    "not found"
 *
 * A refused batch is halved, and read again. Does NOT decide when budget is short.
 */
#include "client/upsert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/bundle.h"
#include "client/engine.h"
#include "client/evidence.h"
#include "client/hearing.h"
#include "client/schema.h"

struct upsert {
	json_t *alive;   /* owned; {id: record} as read before the first upsert went out */
	int64_t read_ms; /* mono: the last time they were read */
	bool sent;       /* an upsert went out since */
};

static enum rc read_alive(struct call *carrier, const struct reply *reply, struct err *err);
static enum rc upserted(struct call *carrier, const struct reply *reply, struct err *err);

static void upsert_done(void *work)
{
	struct upsert *w = work;
	json_decref(w->alive);
}

/* A field that the workspace knows and that finds no other record. */
static bool is_plain(const struct schema_object *object, const char *name)
{
	const struct schema_field *field = schema_field(object, name);
	if (field == NULL)
		field = schema_field_join(object, name);
	return field != NULL && !field->unique && field->type != SCHEMA_EMAILS &&
	       field->type != SCHEMA_LINKS;
}

bool upsert_takes(const struct engine *e, const char *object, const json_t *changes)
{
	const struct schema_object *known = schema_object(e->schema, object);
	const char *key;
	json_t *value;
	if (known == NULL)
		return false;
	json_object_foreach((json_t *)(uintptr_t)changes, key, value)
	{
		if (!is_plain(known, key))
			return false;
	}
	return json_object_size(changes) > 0;
}

bool upsert_open(struct engine *e, const char *object)
{
	return hearing_can(e, object, clock_mono_ms());
}

/* ---- what should not have happened ---- */

static enum rc taken_back(struct call *call, struct err *err)
{
	const struct call_result *r = call_result(call, 0);
	struct log_fields fields = {.object = call->object, .record = call_text(call, "id")};
	struct reply missing = {
		.code = RC_NOT_FOUND, .status = 404, .message = "there is no such record"};
	if (r->code != RC_OK && r->code != RC_NOT_FOUND)
		log_error(&fields, "a record that was gone is back, and cannot be taken back: %s",
			r->message);
	return call->step(call, &missing, err);
}

/* The member, which is in no list, is answered when its record is gone again. */
static void take_back(struct call *member, enum client_op op)
{
	struct err err;
	enum rc rc =
		call_child(member, op, json_pack("{s:s}", "id", call_text(member, "id")), 0, &err);
	if (rc == RC_OK) {
		call_await(member, taken_back);
		engine_await(member);
		return;
	}
	struct reply failed = {.code = rc, .message = err.msg, .unknown = true};
	engine_reply(member, &failed);
}

void upsert_revived(struct call *call)
{
	take_back(call, CLIENT_DELETE);
}

static void forgotten(void *ctx, const struct client_answer *answer)
{
	(void)ctx;
	if (answer->code != RC_OK && answer->code != RC_NOT_FOUND)
		log_error(NULL, "a record that was gone is back, and cannot be taken back: %s",
			answer->message);
}

void upsert_take_back(struct engine *e, const char *object, const char *id)
{
	struct log_fields fields = {.object = object, .record = id};
	log_warn(&fields, "a change had revived this deleted record: it is deleted again");
	engine_own(e, CLIENT_DELETE, object, json_pack("{s:s}", "id", id), forgotten);
}

/* ---- the steps ---- */

static json_t *ids_of(const struct bundle *b)
{
	json_t *set = json_object(), *list = json_array();
	for (size_t i = 0; i < b->n; i++) {
		const char *id = call_text(b->member[i], "id");
		if (json_object_get(set, id) != NULL)
			continue;
		json_object_set_new(set, id, json_null());
		json_array_append_new(list, json_string(id));
	}
	json_decref(set);
	return list;
}

static enum rc put_rows(struct call *carrier, struct err *err)
{
	json_t *changes = bundle_changes(carrier->bundle), *rows = json_array();
	const char *id;
	json_t *change;
	json_object_foreach(changes, id, change)
	{
		json_t *row = json_deep_copy(change);
		json_object_set_new(row, "id", json_string(id));
		json_array_append_new(rows, row);
	}
	bool ok = changes != NULL && json_array_size(rows) == json_object_size(changes);
	enum rc rc =
		ok ? call_dialect(carrier)->upsert(&carrier->request, carrier->object, rows, err)
		   : err_set(err, RC_NOMEM, "no memory for changes");
	json_decref(changes);
	json_decref(rows);
	return rc;
}

/* Nobody knows whether an upsert was done: what is there now shows it. */
static enum rc look_again(struct call *carrier, struct err *err)
{
	(void)err;
	call_send(carrier, read_alive);
	return RC_OK;
}

static enum rc prepare(struct call *carrier, struct err *err)
{
	struct upsert *w = carrier->bundle->work;
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			return err_set(err, RC_NOMEM, "no memory for changes");
		carrier->bundle->work = w;
		carrier->bundle->work_done = upsert_done;
	}
	if (carrier->step == upserted && clock_mono_ms() - w->read_ms > UPSERT_WINDOW_MS)
		carrier->step = read_alive;
	if (carrier->step == read_alive)
		return bundle_list_ids(carrier, ids_of(carrier->bundle), DELETED_NOT, 0, err);
	enum rc rc = hearing_listen(&carrier->engine->hearing, err);
	if (rc != RC_OK)
		return rc;
	w->sent = true;
	carrier->ask = look_again;
	return put_rows(carrier, err);
}

static bool differs(const json_t *a, const json_t *b, const char *key)
{
	return !json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* It was destroyed in between, and our upsert made it anew. */
static void destroy_again(struct call *carrier, const char *id)
{
	struct log_fields fields = {.object = carrier->object, .record = id};
	struct call *member = bundle_about(carrier->bundle, id);
	log_warn(&fields, "a change had made this destroyed record anew: it is destroyed again");
	bundle_leave(member);
	take_back(member, CLIENT_DESTROY);
	bundle_reply_about(carrier, id, NULL);
}

static void hold_about(struct call *carrier, const char *id, json_t *record)
{
	for (struct call *m; (m = bundle_about(carrier->bundle, id)) != NULL;) {
		bundle_leave(m);
		hearing_hold(m, record);
	}
}

/* What became of one record that an upsert went out for. */
static void judge(struct call *carrier, const char *id, json_t *record)
{
	struct upsert *w = carrier->bundle->work;
	const json_t *before = json_object_get(w->alive, id);
	if (differs(before, record, "createdAt"))
		destroy_again(carrier, id);
	else if (differs(before, record, "updatedAt"))
		hold_about(carrier, id, record);
	else
		bundle_reply_about(carrier, id, record);
}

/* After an upsert that nobody knows of: those that it reached need no other. */
static void judge_again(struct call *carrier, json_t *found)
{
	struct upsert *w = carrier->bundle->work;
	json_t *changes = bundle_changes(carrier->bundle);
	const char *id;
	json_t *change;
	json_object_foreach(changes, id, change)
	{
		json_t *record = json_object_get(found, id);
		const json_t *before = json_object_get(w->alive, id);
		if (record != NULL &&
			(differs(before, record, "createdAt") || evidence_shows(record, change)))
			judge(carrier, id, record);
	}
	json_decref(changes);
}

static void drop_missing(struct call *carrier, json_t *found)
{
	json_t *ids = ids_of(carrier->bundle);
	size_t i;
	json_t *each;
	json_array_foreach(
		ids, i, each) if (json_object_get(found, json_string_value(each)) == NULL)
		bundle_reply_about(carrier, json_string_value(each), NULL);
	json_decref(ids);
}

/* Records that are as they are to be: a change that is none has no echo. */
static void answer_unchanged(struct call *carrier, json_t *found)
{
	json_t *changes = bundle_changes(carrier->bundle);
	const char *id;
	json_t *change;
	json_object_foreach(changes, id, change)
	{
		json_t *record = json_object_get(found, id);
		if (record != NULL && evidence_shows(record, change))
			bundle_reply_about(carrier, id, record);
	}
	json_decref(changes);
}

static enum rc refused(struct call *carrier, const struct reply *reply)
{
	bundle_refused(carrier, reply);
	return bundle_end(carrier);
}

static enum rc read_alive(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	struct upsert *w = b->work;
	struct page page = {.total = -1};
	json_t *asked = ids_of(b), *found = NULL;
	if (reply->code == RC_OK &&
		call_dialect(carrier)->read_page(carrier->object, reply->body, &page, err) == RC_OK)
		found = bundle_records_by_id(page.records, asked);
	json_decref(asked);
	page_done(&page);
	if (found == NULL && reply->code != RC_OK)
		return refused(carrier, reply);
	if (found == NULL) {
		bundle_return_all(carrier);
		return bundle_end(carrier);
	}
	drop_missing(carrier, found);
	if (!w->sent)
		answer_unchanged(carrier, found);
	if (w->sent && w->alive != NULL)
		judge_again(carrier, found);
	else {
		json_decref(w->alive);
		w->alive = json_incref(found);
	}
	json_decref(found);
	w->read_ms = clock_mono_ms();
	json_t *left = ids_of(b);
	bool few = json_array_size(left) < UPSERT_LEAST;
	json_decref(left);
	if (few) {
		bundle_return_all(carrier);
		return bundle_end(carrier);
	}
	call_send(carrier, upserted);
	return RC_OK;
}

static enum rc upserted(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	if (reply->code != RC_OK)
		return refused(carrier, reply);
	json_t *asked = ids_of(b), *records = NULL, *found = NULL;
	if (call_dialect(carrier)->read_records(carrier->object, reply->body, &records, err) ==
		RC_OK)
		found = bundle_records_by_id(records, asked);
	if (found == NULL) {
		log_error(NULL,
			"Twenty changed other records than were asked for: changes go one by one "
			"from now on");
		carrier->engine->coalesce.upsert = false;
	}
	const char *id;
	json_t *record;
	json_object_foreach(found, id, record) judge(carrier, id, record);
	bundle_return_all(carrier); /* who is not in the answer */
	json_decref(asked);
	json_decref(records);
	json_decref(found);
	return bundle_end(carrier);
}

const struct bundle_kind bundle_upsert = {"upsert", prepare, read_alive};
