/* SPDX-License-Identifier: MIT */
/*
 * restore {id} -> the record, back from where delete put it.
 * From: life.c. How a server of the core dialect is asked depends on its version, which it tells
 * of itself; one that has no way is not asked at all. A record that is not deleted is the answer as
 * it is. After a lost answer the record is read before anything is sent again.
 */
#include <strings.h>

#include "client/engine.h"
#include "client/operation.h"

static enum rc restore_send(struct call *call, struct err *err);

static enum rc restore_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema, (void)object;
	return check_id(json_object_get(args, "id"), "restore", err);
}

static enum rc no_such(struct err *err)
{
	return err_set(err, RC_NOT_FOUND, "there is no such record: it may be destroyed");
}

/* Ends with the record (TAKEN), which must be the right one and alive. */
static enum rc end_with(struct call *call, json_t *record, struct err *err)
{
	const char *id = json_string_value(json_object_get(record, "id"));
	if (id != NULL && strcasecmp(id, call_text(call, "id")) == 0 &&
		field_value(record, "deletedAt") == NULL)
		return call_end(call, record, err);
	json_decref(record);
	return err_set(err, RC_UPSTREAM, "Twenty did not restore the record");
}

static enum rc read_back(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	if (reply->code == RC_NOT_FOUND)
		return no_such(err);
	enum rc rc = call_record(call, reply, &record, err);
	return rc == RC_OK ? end_with(call, record, err) : rc;
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	const struct dialect *d = call_dialect(call);
	json_t *record = NULL, *list = NULL;
	if (reply->code == RC_NOT_FOUND)
		return no_such(err);
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	if (d->read_record(call->object, reply->body, &record, NULL) == RC_OK)
		return end_with(call, record, err);
	if (d->read_records(call->object, reply->body, &list, NULL) != RC_OK)
		return call_read(call, read_back, err);
	record = json_incref(json_array_get(list, 0));
	size_t n = json_array_size(list);
	json_decref(list);
	if (n > 1) {
		json_decref(record);
		return err_set(err, RC_UPSTREAM, "Twenty restored other records than this one");
	}
	return n == 0 ? no_such(err) : end_with(call, record, err);
}

static enum rc looked(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code == RC_NOT_FOUND)
		return restore_send(call, err);
	return read_back(call, reply, err);
}

static enum rc ask(struct call *call, struct err *err)
{
	return call_read(call, looked, err);
}

static enum rc restore_send(struct call *call, struct err *err)
{
	const struct probe *server = &call->engine->probe;
	enum rc rc =
		call_dialect(call)->restore(&call->request, call->object, call_text(call, "id"),
			server->restore_by_path ? RESTORE_BY_PATH : RESTORE_BY_FILTER, err);
	if (rc == RC_OK) {
		call_send(call, came);
		call->ask = ask;
	}
	return rc;
}

static enum rc restore_start(struct call *call, struct err *err)
{
	const struct probe *server = &call->engine->probe;
	if (server->schema_read && !server->restore_by_path && !server->restore_by_filter)
		return err_set(err, RC_UNSUPPORTED,
			"this server is too old to restore records: nothing was sent");
	return call_again(call) ? ask(call, err) : restore_send(call, err);
}

const struct operation operation_restore = {restore_check, restore_start};
