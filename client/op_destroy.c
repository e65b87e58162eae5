/* SPDX-License-Identifier: MIT */
/*
 * destroy {id} -> {id}; the record is gone for good, deleted or not. The server answers no more.
 * From: life.c. After a lost answer, in this life or an earlier one, the record is looked for,
 * among the deleted ones too, before anything is sent again; where it is gone then, it is done. The
 * documented dialect has no such request, and its delete would not be one: refused.
 */
#include <strings.h>

#include "client/listing.h"
#include "client/operation.h"

static enum rc destroy_send(struct call *call, struct err *err);

static enum rc destroy_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema, (void)object;
	return check_id(json_object_get(args, "id"), "destroy", err);
}

static enum rc gone(struct call *call, struct err *err)
{
	return call_end(call, json_pack("{s:O}", "id", json_object_get(call->args, "id")), err);
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	json_t *record = NULL;
	if (reply->code == RC_NOT_FOUND && call->resent)
		return gone(call, err);
	enum rc rc = reply_record(call, reply, &record, err);
	if (rc != RC_OK)
		return rc;
	if (field_value(record, "deletedAt") == NULL)
		return call_end(call, record, err);
	json_decref(record);
	return err_set(err, RC_UPSTREAM, "Twenty deleted the record softly: it is not destroyed");
}

static enum rc looked(struct call *call, struct listing *l, struct err *err)
{
	return listing_find(l, call_text(call, "id")) != NULL ? destroy_send(call, err)
							      : gone(call, err);
}

static enum rc ask(struct call *call, struct err *err)
{
	json_t *ids = json_pack("[O]", json_object_get(call->args, "id"));
	enum rc rc = ids == NULL ? err_set(err, RC_NOMEM, "no memory for an id")
				 : listing_by_ids(call, ids, DELETED_ALSO, looked, err);
	json_decref(ids);
	return rc;
}

static enum rc destroy_send(struct call *call, struct err *err)
{
	enum rc rc = call_dialect(call)->destroy(
		&call->request, call->object, call_text(call, "id"), err);
	if (rc == RC_OK) {
		call_send(call, came);
		call->ask = ask;
	}
	return rc;
}

static enum rc destroy_start(struct call *call, struct err *err)
{
	if (call_dialect(call)->destroy == NULL)
		return err_set(err, RC_UNSUPPORTED,
			"this server's API cannot destroy records: its deletes are soft");
	return call_again(call) ? ask(call, err) : destroy_send(call, err);
}

const struct operation operation_destroy = {destroy_check, destroy_start};
