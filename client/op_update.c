/* SPDX-License-Identifier: MIT */
/*
 * update {id, data, only_if?} -> record
 * From: life.c. After a lost answer the record is read: where it shows all that was sent, that is
 * the answer, else it is sent again.
 *
 * only_if: a record that is there and does not meet the condition is RC_CONFLICT, and stays as it
 * is. Where the server can do it, condition and change are one request (a PATCH with a filter that
 * names the record by its id), so that of several that want the same, one gets it. The price: a
 * server sends no webhook for such a change where the condition is about a field that it changes;
 * other rules hear of it when the gaps are filled. Reading first and writing then would keep the
 * webhook and lose the race, and a lost race is noticed by nobody. Where the server has no such
 * request, the record is read, then changed; updates of this client with only_if for the same
 * record take turns. After a lost answer of the one request it may be impossible to tell whether it
 * was this update that made the record so: RC_UNKNOWN, which is not repeated. The same where an
 * earlier life of the caller may have sent it.
 */
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "client/evidence.h"
#include "client/operation.h"
#include "client/turn.h"
#include "client/where.h"

static enum rc send_plain(struct call *call, struct err *err);
static enum rc send_filtered(struct call *call, struct err *err);

static enum rc update_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *id = json_object_get(args, "id"), *data = json_object_get(args, "data");
	const json_t *only_if = json_object_get(args, "only_if");
	enum rc rc = check_id(id, "update", err);
	if (rc == RC_OK)
		rc = check_record(data, "update", err);
	if (rc == RC_OK && only_if != NULL && !json_is_null(only_if))
		rc = check_condition(schema, object, only_if, "update only_if", err);
	if (rc != RC_OK)
		return rc;
	const char *own = json_string_value(json_object_get(data, "id"));
	if (own != NULL && strcasecmp(own, json_string_value(id)) != 0)
		return err_set(err, RC_INVALID, "update: an id cannot be changed");
	json_t *whole = NULL;
	rc = fields_expand(schema, object, data, &whole, err);
	if (rc == RC_OK && json_object_size(whole) <= (own != NULL ? 1 : 0))
		rc = err_set(err, RC_INVALID, "update: there is nothing to change");
	json_decref(whole);
	return rc;
}

/* What is sent, in a real server's shape. GIVES. */
static enum rc data_of(const struct call *call, json_t **ret_data, struct err *err)
{
	json_t *data = NULL;
	enum rc rc = fields_expand(
		call_schema(call), call->object, json_object_get(call->args, "data"), &data, err);
	if (rc != RC_OK)
		return rc;
	json_object_del(data, "id");
	*ret_data = data;
	return RC_OK;
}

static enum rc condition_of(const struct call *call, struct where **ret_where, struct err *err)
{
	return where_parse(call_schema(call), call->object, json_object_get(call->args, "only_if"),
		ret_where, err);
}

static enum rc conflict(struct err *err)
{
	return err_set(err, RC_CONFLICT,
		"the record does not meet the condition of only_if: nothing was changed");
}

static enum rc nobody_knows(struct call *call, struct err *err)
{
	call->unknown = true;
	return err_set(err, RC_UNKNOWN,
		"the answer was lost, and nobody knows whether it was this update or another one "
		"that made the record so");
}

/* Ends with the changed record (TAKEN). */
static enum rc end_with(struct call *call, json_t *record, struct err *err)
{
	enum rc rc =
		evidence_relations(record, json_object_get(call->args, "data"), "changed", err);
	if (rc == RC_OK)
		return call_end(call, record, err);
	json_decref(record);
	return rc;
}

/* Whether the record shows what was sent. */
static enum rc compare(
	const struct call *call, const json_t *record, bool *ret_shown, struct err *err)
{
	json_t *data = NULL;
	enum rc rc = data_of(call, &data, err);
	if (rc != RC_OK)
		return rc;
	*ret_shown = evidence_shows(record, data);
	json_decref(data);
	return RC_OK;
}

/* ---- without a condition ---- */

static enum rc updated(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	enum rc rc = reply_record(call, reply, &record, err);
	return rc == RC_OK ? end_with(call, record, err) : rc;
}

static enum rc looked(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	bool shown = false;
	if (reply->code == RC_NOT_FOUND)
		return reply_missing(err);
	enum rc rc = reply_record(call, reply, &record, err);
	if (rc == RC_OK)
		rc = compare(call, record, &shown, err);
	if (rc == RC_OK && shown)
		return end_with(call, record, err);
	json_decref(record);
	return rc == RC_OK ? send_plain(call, err) : rc;
}

static enum rc look(struct call *call, struct err *err)
{
	return call_read(call, looked, err);
}

static enum rc send_plain(struct call *call, struct err *err)
{
	json_t *data = NULL;
	enum rc rc = data_of(call, &data, err);
	if (rc == RC_OK)
		rc = call_dialect(call)->update(
			&call->request, call->object, call_text(call, "id"), data, err);
	if (rc == RC_OK) {
		call_send(call, updated);
		call->ask = look;
		if (json_object_get(call->args, "only_if") == NULL)
			call_share(call, SHARE_UPDATE, 0, json_incref(data));
	}
	json_decref(data);
	return rc;
}

/* ---- with a condition: look, then change ---- */

static enum rc judge(
	const struct call *call, const json_t *record, enum match *ret_match, struct err *err)
{
	struct where *where = NULL;
	enum rc rc = condition_of(call, &where, err);
	if (rc != RC_OK)
		return rc;
	*ret_match = where_match(
		where, record, call_dialect(call)->update_if != NULL ? MATCH_EXACT : MATCH_ABSENT);
	where_free(where);
	return *ret_match != MATCH_UNSURE
		       ? RC_OK
		       : err_set(err, RC_UNSUPPORTED, "only_if: this condition cannot be judged");
}

static enum rc judged(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	enum match match = MATCH_NO;
	bool shown = false;
	if (reply->code == RC_NOT_FOUND)
		return reply_missing(err);
	enum rc rc = reply_record(call, reply, &record, err);
	if (rc == RC_OK)
		rc = judge(call, record, &match, err);
	if (rc == RC_OK && call_again(call))
		rc = compare(call, record, &shown, err);
	json_decref(record);
	if (rc != RC_OK)
		return rc;
	if (match == MATCH_YES)
		return send_plain(call, err);
	return shown ? nobody_knows(call, err) : conflict(err);
}

static enum rc take_turn(struct call *call, struct err *err)
{
	bool mine = false;
	enum rc rc = turn_take(call,
		json_pack("[s, s, s]", "update", call->object, call_text(call, "id")), &mine, err);
	return rc == RC_OK && mine ? call_read(call, judged, err) : rc;
}

/* ---- with a condition, in one request ---- */

/* Nothing was changed: is it not there, or not as it was to be? */
static enum rc told_why(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code == RC_NOT_FOUND)
		return reply_missing(err);
	return reply->code == RC_OK ? conflict(err) : call_pass(call, reply, err);
}

static enum rc filtered(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *list = NULL;
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	enum rc rc = call_dialect(call)->read_records(call->object, reply->body, &list, err);
	if (rc != RC_OK)
		return rc;
	json_t *record = json_incref(json_array_get(list, 0));
	size_t n = json_array_size(list);
	json_decref(list);
	if (n == 0)
		return call_read(call, told_why, err);
	const char *id = json_string_value(json_object_get(record, "id"));
	if (n == 1 && strcasecmp(id, call_text(call, "id")) == 0)
		return end_with(call, record, err);
	json_decref(record);
	struct log_fields fields = {.object = call->object, .record = call_text(call, "id")};
	log_error(&fields, "Twenty ignored the condition of an update and changed other records");
	return err_set(err, RC_UNSUPPORTED,
		"this server ignored the condition of only_if and changed %zu records", n);
}

/* The answer was lost. */
static enum rc looked_after(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	bool shown = false;
	enum match match = MATCH_NO;
	if (reply->code == RC_NOT_FOUND)
		return reply_missing(err);
	enum rc rc = reply_record(call, reply, &record, err);
	if (rc == RC_OK)
		rc = judge(call, record, &match, err);
	if (rc == RC_OK)
		rc = compare(call, record, &shown, err);
	json_decref(record);
	if (rc != RC_OK)
		return rc;
	if (match == MATCH_YES)
		return send_filtered(call, err);
	return shown ? nobody_knows(call, err) : conflict(err);
}

static enum rc look_after(struct call *call, struct err *err)
{
	return call_read(call, looked_after, err);
}

static enum rc send_filtered(struct call *call, struct err *err)
{
	json_t *data = NULL;
	struct where *where = NULL;
	enum rc rc = data_of(call, &data, err);
	if (rc == RC_OK)
		rc = condition_of(call, &where, err);
	if (rc == RC_OK)
		rc = call_dialect(call)->update_if(
			&call->request, call->object, call_text(call, "id"), where, data, err);
	json_decref(data);
	where_free(where);
	if (rc == RC_OK) {
		call->request.once = true;
		call_send(call, filtered);
		call->ask = look_after;
	}
	return rc;
}

static enum rc update_start(struct call *call, struct err *err)
{
	const json_t *only_if = json_object_get(call->args, "only_if");
	bool again = call_again(call);
	if (only_if == NULL || json_is_null(only_if))
		return again ? look(call, err) : send_plain(call, err);
	if (call_dialect(call)->update_if == NULL)
		return take_turn(call, err);
	return again ? look_after(call, err) : send_filtered(call, err);
}

const struct operation operation_update = {update_check, update_start};
