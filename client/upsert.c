/* SPDX-License-Identifier: MIT */
/*
 * The batch upsert, and everything that makes it safe.
 * From: gather.c, which chooses it; bundle.c, engine.c. To: the dialect; hearing.c, calls that wait
 * for their echo; children that take back what should not have happened.
 *
 *   read alive -> upsert -> unchanged: answered
 *        ^          |       changed: answered when its echo has come; revived: delete again,
 *        |          |                                                 "not found"
 *        +----------+- too late, nobody knows, or a row looks new: destroy again, "not found"
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
#include "client/lane.h"
#include "client/schema.h"

struct upsert {
	struct engine *e;
	char object[CALL_OBJECT_MAX];
	json_t *alive;   /* owned; {id: record} as last read before an upsert went out */
	json_t *rows;    /* owned; {id: changes} that an upsert went out for, not judged yet */
	int64_t read_ms; /* mono: the last time they were read */
	int64_t sent_ms; /* by Twenty's clock: when it went out, no later; -1: not known */
	bool last;       /* no other upsert: who is left goes alone */
};

static enum rc read_alive(struct call *carrier, const struct reply *reply, struct err *err);
static enum rc upserted(struct call *carrier, const struct reply *reply, struct err *err);

/* Rows that nobody could judge stay watched. */
static void upsert_done(void *work)
{
	struct upsert *w = work;
	const char *id;
	json_t *value;
	if (!w->e->closing)
		json_object_foreach(w->rows, id, value) hearing_give_up(w->e, w->object, id);
	json_decref(w->rows);
	json_decref(w->alive);
}

/* All parts of it: what becomes of the others is not said anywhere. */
static bool is_complete(const struct schema_field *field, const json_t *value)
{
	const struct schema_part *part = NULL;
	while ((part = schema_part_next((enum schema_type)field->type, part)) != NULL)
		if (json_object_get(value, part->name) == NULL)
			return false;
	return true;
}

/* A field that the workspace knows, that finds no other record, and that a new record gets as a
 * changed one does. */
static bool is_plain(const struct schema_object *object, const char *name, const json_t *value)
{
	const struct schema_field *field = schema_field(object, name);
	if (field == NULL)
		field = schema_field_join(object, name);
	if (field == NULL || field->unique || field->system)
		return false;
	switch ((enum schema_type)field->type) {
	case SCHEMA_PHONES:
	case SCHEMA_FULL_NAME:
	case SCHEMA_ADDRESS:
	case SCHEMA_CURRENCY:
		return is_complete(field, value);
	case SCHEMA_UUID:
	case SCHEMA_TEXT:
	case SCHEMA_NUMBER:
	case SCHEMA_NUMERIC:
	case SCHEMA_BOOLEAN:
	case SCHEMA_DATE:
	case SCHEMA_DATE_TIME:
	case SCHEMA_SELECT:
	case SCHEMA_RATING:
	case SCHEMA_MULTI_SELECT:
	case SCHEMA_ARRAY:
	case SCHEMA_RAW_JSON:
		return true;
	case SCHEMA_RELATION:
	case SCHEMA_MORPH_RELATION: /* by its id; what creates make of connect is another matter */
		return strcmp(field->name, name) != 0;
	case SCHEMA_OTHER: /* unique values may be in it, or it is the server's own */
	case SCHEMA_EMAILS:
	case SCHEMA_LINKS:
	case SCHEMA_RICH_TEXT:
	case SCHEMA_POSITION:
	case SCHEMA_ACTOR:
	case SCHEMA_FILES:
	case SCHEMA_TS_VECTOR:
	case SCHEMA_TYPE_N:
		break;
	}
	return false;
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
		if (!is_plain(known, key, value))
			return false;
	}
	return json_object_size(changes) > 0;
}

bool upsert_open(struct engine *e, const char *object)
{
	return hearing_can(e, object, clock_mono_ms());
}

/* ---- what should not have happened ---- */

struct taking { /* a record that has to go again */
	struct engine *e;
	char object[CALL_OBJECT_MAX], id[40];
	uint64_t ticket; /* of the call that waits for it; 0: none */
};

void upsert_missing(struct call *call)
{
	struct reply missing = {
		.code = RC_NOT_FOUND, .status = 404, .message = "there is no such record"};
	engine_reply(call, &missing);
}

static void taken(void *ctx, const struct client_answer *answer)
{
	struct taking *t = ctx;
	struct log_fields fields = {.object = t->object, .record = t->id};
	if (answer->code != RC_OK && answer->code != RC_NOT_FOUND)
		log_error(&fields, "a record that was gone is back, and cannot be taken back: %s",
			answer->message);
	struct call *c = answer->code != RC_CLOSED && t->ticket != 0 ? t->e->blocked.head : NULL;
	while (c != NULL && c->ticket != t->ticket)
		c = c->next;
	free(t);
	if (c == NULL) /* cancelled meanwhile */
		return;
	lane_drop(&c->engine->blocked, c);
	upsert_missing(c);
}

/* A call of our own, so that it does not end with the one that waits for it. */
static bool take_away(
	struct engine *e, enum client_op op, const char *object, const char *id, uint64_t ticket)
{
	struct taking *t = malloc(sizeof(*t));
	if (t != NULL) {
		*t = (struct taking){.e = e, .ticket = ticket};
		snprintf(t->object, sizeof(t->object), "%s", object);
		snprintf(t->id, sizeof(t->id), "%s", id);
		if (engine_own(e, op, object, json_pack("{s:s}", "id", id), taken, t))
			return true;
		free(t);
	}
	struct log_fields fields = {.object = object, .record = id};
	log_error(
		&fields, "a record that was gone is back, and there is no memory to take it back");
	return false;
}

/* The call, which is in no list, is answered when its record is gone again. */
static void take_back(struct call *call, enum client_op op)
{
	const char *id = call_text(call, "id");
	if (!take_away(call->engine, op, call->object, id, call->ticket)) {
		upsert_missing(call);
		return;
	}
	call->state = CALL_BLOCKED;
	call->unknown = true; /* should the client be closed meanwhile */
	engine_await(call);
}

void upsert_revived(struct call *call)
{
	take_back(call, CLIENT_DELETE);
}

void upsert_take_back(struct engine *e, const char *object, const char *id)
{
	struct log_fields fields = {.object = object, .record = id};
	log_warn(&fields, "a change had revived this deleted record: it is deleted again");
	(void)take_away(e, CLIENT_DELETE, object, id, 0);
}

/* ---- the steps ---- */

/* Records that the members are about, and those that an upsert went out for. */
static json_t *ids_of(const struct bundle *b)
{
	const struct upsert *w = b->work;
	json_t *set = json_object(), *list = json_array();
	const char *id;
	json_t *value;
	for (size_t i = 0; i < b->n; i++)
		json_object_set_new(set, call_text(b->member[i], "id"), json_null());
	json_object_foreach(w->rows, id, value) json_object_set_new(set, id, json_null());
	json_object_foreach(set, id, value) json_array_append_new(list, json_string(id));
	json_decref(set);
	return list;
}

static int64_t updated_ms(const json_t *record)
{
	const char *at = json_string_value(json_object_get(record, "updatedAt"));
	return at != NULL ? clock_parse(at) : -1;
}

/* Before which no change can be ours: nothing had left by then, or the record showed it already
 * when it was read. A time that has not come yet says nothing. */
static int64_t since_ms(const struct upsert *w, const char *id)
{
	int64_t read_ms = updated_ms(json_object_get(w->alive, id)) + 1;
	if (w->e->hearing.skewed || w->sent_ms < 0)
		return read_ms;
	bool ahead = read_ms > w->sent_ms + UPSERT_AHEAD_MS;
	int64_t sent_ms = w->sent_ms - UPSERT_SKEW_MS;
	return read_ms > sent_ms && !ahead ? read_ms : sent_ms;
}

static enum rc put_rows(struct call *carrier, struct err *err)
{
	struct upsert *w = carrier->bundle->work;
	w->sent_ms = transport_clock_ms(carrier->engine->transport);
	json_t *changes = bundle_changes(carrier->bundle), *rows = json_array();
	const char *id;
	json_t *change;
	bool ok = changes != NULL;
	json_object_foreach(changes, id, change)
	{
		json_t *row = json_deep_copy(change);
		json_object_set_new(row, "id", json_string(id));
		ok = ok && json_array_append_new(rows, row) == 0 &&
		     json_object_set(w->rows, id, change) == 0 &&
		     hearing_watch(carrier->engine, carrier->object, id, change, since_ms(w, id));
	}
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

static enum rc work_of(struct call *carrier, struct err *err)
{
	struct bundle *b = carrier->bundle;
	if (b->work != NULL)
		return RC_OK;
	struct upsert *w = calloc(1, sizeof(*w));
	json_t *rows = json_object();
	if (w == NULL || rows == NULL) {
		free(w);
		json_decref(rows);
		return err_set(err, RC_NOMEM, "no memory for changes");
	}
	*w = (struct upsert){.e = carrier->engine, .rows = rows};
	snprintf(w->object, sizeof(w->object), "%s", carrier->object);
	b->work = w;
	b->work_done = upsert_done;
	return RC_OK;
}

/* Never shorter than the budget takes for the next request: else it is only ever read again. */
static int64_t window_ms(const struct engine *e)
{
	int64_t turns_ms = 2 * ration_turn_ms(&e->ration, clock_mono_ms());
	return turns_ms > UPSERT_WINDOW_MS ? turns_ms : UPSERT_WINDOW_MS;
}

static enum rc prepare(struct call *carrier, struct err *err)
{
	enum rc rc = work_of(carrier, err);
	if (rc != RC_OK)
		return rc;
	struct upsert *w = carrier->bundle->work;
	if (carrier->step == upserted && clock_mono_ms() - w->read_ms > window_ms(carrier->engine))
		carrier->step = read_alive;
	if (carrier->step == read_alive)
		return bundle_list_ids(carrier, ids_of(carrier->bundle), DELETED_NOT, 0, err);
	carrier->ask = look_again;
	return put_rows(carrier, err);
}

static bool differs(const json_t *a, const json_t *b, const char *key)
{
	return !json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Was the record made after it had been read? Both times have to be there and readable: what comes
 * of this is for good. */
static bool is_new(const json_t *before, const json_t *record)
{
	const char *was = json_string_value(json_object_get(before, "createdAt"));
	const char *is = json_string_value(json_object_get(record, "createdAt"));
	const char *changed = json_string_value(json_object_get(before, "updatedAt"));
	if (was == NULL || is == NULL || changed == NULL || strcmp(was, is) == 0)
		return false;
	int64_t was_ms = clock_parse(was), is_ms = clock_parse(is),
		changed_ms = clock_parse(changed);
	return was_ms >= 0 && changed_ms >= 0 && is_ms > was_ms && is_ms >= changed_ms;
}

/* A row is gone again: one call waits for that, the others hear of it at once. */
static void undo(struct call *carrier, const char *id, enum client_op op)
{
	struct log_fields fields = {.object = carrier->object, .record = id};
	struct call *member = bundle_about(carrier->bundle, id);
	log_warn(&fields, "a change had %s record: it is %s again",
		op == CLIENT_DESTROY ? "made this destroyed" : "revived this deleted",
		op == CLIENT_DESTROY ? "destroyed" : "deleted");
	if (member != NULL) {
		bundle_leave(member);
		take_back(member, op);
	} else
		(void)take_away(carrier->engine, op, carrier->object, id, 0);
	bundle_reply_about(carrier, id, NULL);
}

static void hold_about(struct call *carrier, const char *id, json_t *record)
{
	for (struct call *m; (m = bundle_about(carrier->bundle, id)) != NULL;) {
		bundle_leave(m);
		hearing_hold(m, record);
	}
}

/* The echo of a row that is there decides; lost: the answer was, and this is a later look. */
static void judge(struct call *carrier, const char *id, json_t *record, bool lost)
{
	struct upsert *w = carrier->bundle->work;
	enum hearing_echo echo = lost ? hearing_look(w->e, w->object, id, record)
				      : hearing_answer(w->e, w->object, id, record);
	const json_t *before = json_object_get(w->alive, id);
	bool same = !differs(before, record, "updatedAt");
	json_object_del(w->rows, id);
	if (echo == ECHO_REVIVED)
		undo(carrier, id, CLIENT_DELETE);
	else if (echo == ECHO_PLAIN || same)
		bundle_reply_about(carrier, id, record);
	else
		hold_about(carrier, id, record);
}

/* After an upsert that nobody knows of: those that it reached need no other. */
static void judge_again(struct call *carrier, json_t *found)
{
	struct upsert *w = carrier->bundle->work;
	const char *id;
	json_t *change;
	void *next;
	json_object_foreach_safe(w->rows, next, id, change)
	{
		char key[40];
		json_t *record = json_object_get(found, id);
		snprintf(key, sizeof(key), "%s", id);
		if (record == NULL)
			continue;
		if (is_new(json_object_get(w->alive, key), record)) {
			json_object_del(w->rows, key);
			undo(carrier, key, CLIENT_DESTROY);
		} else if (evidence_shows(record, change))
			judge(carrier, key, record, true);
	}
}

/* Who is not there, and who shows already what is wanted, needs no upsert. False: there are records
 * without the times that an insertion shows itself by. */
static bool drop_needless(struct call *carrier, json_t *found)
{
	json_t *changes = bundle_changes(carrier->bundle);
	const char *id;
	json_t *change;
	bool dated = true;
	json_object_foreach(changes, id, change)
	{
		json_t *record = json_object_get(found, id);
		dated = dated &&
			(record == NULL ||
				(json_is_string(json_object_get(record, "createdAt")) &&
					json_is_string(json_object_get(record, "updatedAt"))));
		if (record == NULL || evidence_shows(record, change))
			bundle_reply_about(carrier, id, record);
	}
	json_decref(changes);
	return dated;
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
	(void)err;
	if (reply->code != RC_OK)
		return refused(carrier, reply);
	json_t *asked = ids_of(b);
	json_t *found = bundle_listed(carrier, reply, asked, DELETED_NOT);
	json_decref(asked);
	if (found != NULL) {
		judge_again(carrier, found);
		w->last = !drop_needless(carrier, found) || w->last;
	}
	json_decref(w->alive);
	w->alive = found;
	w->read_ms = clock_mono_ms();
	json_t *left = bundle_changes(b);
	bool few = json_object_size(left) < UPSERT_LEAST;
	json_decref(left);
	if (found == NULL || few || w->last) {
		bundle_return_all(carrier);
		return bundle_end(carrier);
	}
	call_send(carrier, upserted);
	return RC_OK;
}

/* A server that does more than it is asked gets no other upsert. */
static void stop(struct call *carrier, const char *why)
{
	if (carrier->engine->coalesce.upsert)
		log_error(NULL, "%s: different changes go one by one from now on", why);
	carrier->engine->coalesce.upsert = false;
}

/* Who made a record is no change of ours, and nobody else's. */
static void check_kept(struct call *carrier, const json_t *before, const json_t *record)
{
	const json_t *was = json_object_get(before, "createdBy");
	if (json_is_object(was) && differs(before, record, "createdBy"))
		stop(carrier, "Twenty's batch upsert writes that we have made the records");
}

/* What was changed now is dated before we sent it: that clock is not the one which answers tell. */
static void check_clock(struct upsert *w, const json_t *before, const json_t *record)
{
	int64_t at_ms = updated_ms(record);
	if (at_ms > updated_ms(before) && at_ms < w->sent_ms - UPSERT_SKEW_MS)
		w->e->hearing.skewed = true;
}

/* The rows that were answered; those that look new are left for another look. */
static bool judge_all(struct call *carrier, json_t *found)
{
	struct upsert *w = carrier->bundle->work;
	const char *id;
	json_t *record;
	bool news = false;
	json_object_foreach(found, id, record)
	{
		const json_t *before = json_object_get(w->alive, id);
		if (differs(before, record, "createdAt")) {
			news = true;
			continue;
		}
		check_kept(carrier, before, record);
		check_clock(w, before, record);
		judge(carrier, id, record, false);
	}
	return news;
}

static enum rc upserted(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	struct upsert *w = b->work;
	if (reply->code != RC_OK && !reply->unknown)
		return refused(carrier, reply);
	json_t *asked = ids_of(b), *records = NULL, *found = NULL;
	if (reply->code == RC_OK && call_dialect(carrier)->read_records(
					    carrier->object, reply->body, &records, err) == RC_OK)
		found = bundle_records_by_id(records, asked);
	if (found == NULL && reply->code == RC_OK)
		stop(carrier, "Twenty changed other records than were asked for");
	bool look = judge_all(carrier, found) || found == NULL;
	json_decref(asked);
	json_decref(records);
	json_decref(found);
	if (look) {
		w->last = true;
		call_send(carrier, read_alive);
		return RC_OK;
	}
	bundle_return_all(carrier); /* who is not in the answer */
	return bundle_end(carrier);
}

const struct bundle_kind bundle_upsert = {"upsert", prepare, read_alive};
