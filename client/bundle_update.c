/* SPDX-License-Identifier: MIT */
/*
 * Changes that go together: several of one record, and the same one of many.
 * From: bundle.c, engine.c. To: the dialect, and back to the members. Later changes of a record win
 * over earlier ones. After a request whose outcome nobody knows, the records are read first; those
 * that show what was written need no repeat. Who is not in the answer is not there.
 */
#include <string.h>

#include "base/log.h"
#include "client/bundle.h"
#include "client/engine.h"
#include "client/evidence.h"

json_t *bundle_changes(const struct bundle *b)
{
	json_t *all = json_object();
	for (size_t i = 0; i < b->n; i++) {
		const char *id = call_text(b->member[i], "id");
		json_t *have = json_object_get(all, id);
		if (have == NULL) {
			json_object_set_new(all, id, json_deep_copy(b->member[i]->share.item));
			have = json_object_get(all, id);
		} else
			json_object_update_recursive(have, b->member[i]->share.item);
		if (have == NULL) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

struct call *bundle_about(const struct bundle *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(call_text(b->member[i], "id"), id) == 0)
			return b->member[i];
	return NULL;
}

void bundle_reply_about(struct call *carrier, const char *id, json_t *record)
{
	for (struct call *m; (m = bundle_about(carrier->bundle, id)) != NULL;) {
		if (record != NULL)
			bundle_reply_record(m, record, 200);
		else
			bundle_reply_missing(m);
	}
}

static enum rc read_back(struct call *carrier, const struct reply *reply, struct err *err);

static json_t *ids_of(const json_t *changes)
{
	json_t *ids = json_array();
	const char *id;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)changes, id, value)
		json_array_append_new(ids, json_string(id));
	return ids;
}

static enum rc ask_back(struct call *carrier, struct err *err)
{
	(void)err;
	call_send(carrier, read_back);
	return RC_OK;
}

static enum rc prepare(struct call *carrier, struct err *err)
{
	json_t *changes = bundle_changes(carrier->bundle);
	const struct dialect *d = call_dialect(carrier);
	if (changes == NULL)
		return err_set(err, RC_NOMEM, "no memory for changes");
	const char *id = json_object_iter_key(json_object_iter(changes));
	json_t *first = json_object_iter_value(json_object_iter(changes));
	bool one = carrier->bundle->kind == &bundle_update_one;
	enum rc rc;
	if (carrier->step == read_back && one)
		rc = d->get(&carrier->request, carrier->object, id, 0, NULL, err);
	else if (carrier->step == read_back)
		rc = bundle_list_ids(carrier, ids_of(changes), DELETED_NOT, 0, err);
	else if (one)
		rc = d->update(&carrier->request, carrier->object, id, first, err);
	else {
		json_t *ids = ids_of(changes);
		rc = d->update_ids(&carrier->request, carrier->object, ids, first, err);
		json_decref(ids);
	}
	if (carrier->step != read_back)
		carrier->ask = ask_back;
	json_decref(changes);
	return rc;
}

/* The records of a reply, by their ids; NULL: it is not what was asked for. */
static json_t *found_in(struct call *carrier, const struct reply *reply, struct err *err)
{
	const struct dialect *d = call_dialect(carrier);
	json_t *changes = bundle_changes(carrier->bundle);
	json_t *ids = ids_of(changes), *records = NULL, *found = NULL;
	enum rc rc = RC_OK;
	if (carrier->bundle->kind == &bundle_update_one) {
		rc = d->read_record(carrier->object, reply->body, &records, err);
		json_t *list = json_array();
		json_array_append_new(list, records);
		records = list;
	} else if (carrier->step == read_back)
		found = bundle_listed(carrier, reply, ids, DELETED_NOT);
	else
		rc = d->read_records(carrier->object, reply->body, &records, err);
	if (rc == RC_OK && records != NULL)
		found = bundle_records_by_id(records, ids);
	json_decref(records);
	json_decref(ids);
	json_decref(changes);
	return found;
}

/* Of one record, the reply itself is what each would have got, in whatever dialect. */
static void reply_found(
	struct call *carrier, const char *id, json_t *record, const struct reply *reply)
{
	if (carrier->bundle->kind == &bundle_update_one)
		bundle_reply_all(carrier, reply);
	else
		bundle_reply_about(carrier, id, record);
}

/* Which of the changes were made after all? */
static enum rc read_back(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	bool gone = reply->code == RC_NOT_FOUND;
	json_t *found = reply->code == RC_OK ? found_in(carrier, reply, err) : NULL;
	json_t *changes = bundle_changes(b);
	const char *id;
	json_t *change;
	json_object_foreach(changes, id, change)
	{
		json_t *record = json_object_get(found, id);
		if (gone || (found != NULL && record == NULL))
			bundle_reply_about(carrier, id, NULL);
		else if (record != NULL && evidence_shows(record, change))
			reply_found(carrier, id, record, reply);
	}
	json_decref(changes);
	json_decref(found);
	if (b->n == 0)
		return bundle_end(carrier);
	if (!gone && found == NULL) {
		bundle_reply_all(carrier,
			reply->code != RC_OK
				? reply
				: &(struct reply){.code = RC_UPSTREAM,
					  .unknown = true,
					  .message = "nobody knows whether the change was made"});
		return bundle_end(carrier);
	}
	call_send(carrier, b->kind->came);
	return RC_OK;
}

static enum rc came(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	if (reply->code == RC_NOT_FOUND && b->kind == &bundle_update_one) {
		bundle_reply_all(carrier, reply);
		return bundle_end(carrier);
	}
	if (reply->code != RC_OK) {
		bundle_refused(carrier, reply);
		return bundle_end(carrier);
	}
	json_t *found = found_in(carrier, reply, err);
	if (found == NULL) {
		log_error(NULL,
			"Twenty changed other records than were asked for: changes go one by one "
			"from now on");
		carrier->engine->coalesce.update = false;
		bundle_return_all(carrier);
		return bundle_end(carrier);
	}
	while (b->n > 0) {
		char id[40];
		snprintf(id, sizeof(id), "%s", call_text(b->member[0], "id"));
		reply_found(carrier, id, json_object_get(found, id), reply);
	}
	json_decref(found);
	return bundle_end(carrier);
}

const struct bundle_kind bundle_update_one = {"update one", prepare, came};
const struct bundle_kind bundle_update_same = {"update same", prepare, came};
