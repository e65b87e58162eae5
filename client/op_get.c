/* SPDX-License-Identifier: MIT */
/*
 * get {id, depth?, fields?} -> record | null.
 * From: life.c. A record that is not there is null.
 */
#include "client/operation.h"

static enum rc get_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	enum rc rc = check_id(json_object_get(args, "id"), "get", err);
	return rc == RC_OK ? check_fields(schema, object, json_object_get(args, "fields"), err)
			   : rc;
}

static enum rc got(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code == RC_NOT_FOUND)
		return call_end(call, json_null(), err);
	json_t *record = NULL;
	enum rc rc = reply_record(call, reply, &record, err);
	const json_t *fields = json_object_get(call->args, "fields");
	if (rc != RC_OK || json_array_size(fields) == 0)
		return rc == RC_OK ? call_end(call, record, err) : rc;
	json_t *part = NULL;
	rc = fields_pick(call_schema(call), call->object, record, fields, &part, err);
	json_decref(record);
	return rc == RC_OK ? call_end(call, part, err) : rc;
}

static enum rc get_start(struct call *call, struct err *err)
{
	int depth = json_number_value(json_object_get(call->args, "depth")) > 0;
	enum rc rc = call_dialect(call)->get(&call->request, call->object, call_text(call, "id"),
		depth, json_object_get(call->args, "fields"), err);
	if (rc != RC_OK)
		return rc;
	call_send(call, got);
	if (call_dialect(call)->deleted_lists)
		call_share_ids(call, DELETED_NOT, depth, json_pack("[s]", call_text(call, "id")));
	return RC_OK;
}

const struct operation operation_get = {get_check, get_start};
