/* SPDX-License-Identifier: MIT */
/*
 * delete {id} -> record with deletedAt; always the one that can be restored.
 * From: life.c. A server that does not name soft_delete when it describes itself would destroy
 * the record, and is not asked. The answer must show deletedAt: a server that ignored soft_delete
 * all the same has destroyed the record, and that is said aloud. A record that is deleted already
 * is the answer, too, so that a repeat says the same as the first time.
 */
#include <strings.h>

#include "base/log.h"
#include "client/engine.h"
#include "client/listing.h"
#include "client/operation.h"

static enum rc delete_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema, (void)object;
	return check_id(json_object_get(args, "id"), "delete", err);
}

static enum rc looked(struct call *call, struct listing *l, struct err *err)
{
	json_t *record = listing_find(l, call_text(call, "id"));
	return record != NULL ? call_end(call, json_incref(record), err) : reply_missing(err);
}

static enum rc look(struct call *call, struct err *err)
{
	json_t *ids = json_pack("[O]", json_object_get(call->args, "id"));
	enum rc rc = ids == NULL ? err_set(err, RC_NOMEM, "no memory for an id")
				 : listing_by_ids(call, ids, DELETED_ONLY, looked, err);
	json_decref(ids);
	return rc;
}

static enum rc came(struct call *call, const struct reply *reply, struct err *err)
{
	if (reply->code == RC_NOT_FOUND && call_dialect(call)->deleted_lists)
		return look(call, err);
	if (reply->code == RC_NOT_FOUND && (call->resent || call_again(call)))
		return call_end(
			call, json_pack("{s:O}", "id", json_object_get(call->args, "id")), err);
	json_t *record = NULL;
	enum rc rc = call_record(call, reply, &record, err);
	if (rc != RC_OK)
		return rc;
	const char *id = json_string_value(json_object_get(record, "id"));
	if (json_is_string(json_object_get(record, "deletedAt")) &&
		strcasecmp(id, call_text(call, "id")) == 0)
		return call_end(call, record, err);
	json_decref(record);
	struct log_fields fields = {.object = call->object, .record = call_text(call, "id")};
	log_error(&fields,
		"Twenty did not delete softly: this record may be destroyed. Its version may "
		"be too old for restorable deletes: stop deleting until it is updated");
	return err_set(err, RC_UPSTREAM,
		"Twenty did not confirm a restorable delete: the record may be DESTROYED");
}

static enum rc delete_start(struct call *call, struct err *err)
{
	const struct probe *server = &call->engine->probe;
	if (server->schema_read && !server->soft_delete)
		return err_set(err, RC_UNSUPPORTED,
			"this server is too old for deletes that can be restored: nothing was "
			"deleted (destroy would, for good)");
	enum rc rc = call_dialect(call)->remove(
		&call->request, call->object, call_text(call, "id"), err);
	if (rc == RC_OK)
		call_send(call, came);
	return rc;
}

const struct operation operation_delete = {delete_check, delete_start};
