/* SPDX-License-Identifier: MIT */
/*
 * get {id, depth?, fields?} -> record | null.
 * From: engine.c. A record that is not there is null. What several operations check is here, too.
 */
#include <string.h>
#include <strings.h>

#include "client/operation.h"

enum rc check_id(const json_t *id, const char *what, struct err *err)
{
	const char *text = json_string_value(id);
	if (text == NULL || *text == '\0')
		return err_set(err, RC_DENIED, "%s: an id is missing", what);
	if (strlen(text) != json_string_length(id) || !uuid_valid(text))
		return err_set(
			err, RC_DENIED, "%s: an id is a UUID, \"%.40s\" is none", what, text);
	return RC_OK;
}

enum rc check_record(const json_t *data, const char *what, struct err *err)
{
	if (!json_is_object(data))
		return err_set(err, RC_INVALID, "%s: a table of fields is missing", what);
	const json_t *id = json_object_get(data, "id");
	return id == NULL ? RC_OK : check_id(id, what, err);
}

static enum rc check_fields(
	const struct schema *schema, const char *object, const json_t *fields, struct err *err)
{
	size_t i;
	json_t *each;
	if (fields != NULL && !json_is_null(fields) && !json_is_array(fields))
		return err_set(err, RC_INVALID, "fields: a list of names is expected");
	json_array_foreach(fields, i, each)
	{
		struct field field;
		if (!json_is_string(each))
			return err_set(err, RC_INVALID, "fields: a list of names is expected");
		enum rc rc = field_find(schema, object, json_string_value(each), &field, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc get_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	enum rc rc = check_id(json_object_get(args, "id"), "get", err);
	return rc == RC_OK ? check_fields(schema, object, json_object_get(args, "fields"), err)
			   : rc;
}

enum rc reply_record(
	struct call *call, const struct reply *reply, json_t **ret_record, struct err *err)
{
	json_t *record = NULL;
	enum rc rc = call_record(call, reply, &record, err);
	if (rc != RC_OK)
		return rc;
	const char *id = json_string_value(json_object_get(record, "id"));
	if (strcasecmp(id, call_text(call, "id")) != 0) {
		json_decref(record);
		return err_set(err, RC_UPSTREAM, "Twenty answered with another record");
	}
	*ret_record = record;
	return RC_OK;
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
