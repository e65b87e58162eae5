/* SPDX-License-Identifier: MIT */
/*
 * New records in one batch.
 * From: bundle.c, engine.c. To: the dialect, and back to each creation. A batch is all or nothing:
 * one that is refused is halved until the bad row is alone. Their ids are ours, so that the answer,
 * which comes in any order, can be told apart; and where a batch is refused as a duplicate, those
 * that an earlier try or an earlier process made are found by their ids first.
 */
#include "client/bundle.h"
#include "client/creation.h"
#include "client/engine.h"

static const char *id_of(const struct call *member)
{
	return json_string_value(json_object_get(member->share.item, "id"));
}

static enum rc came(struct call *carrier, const struct reply *reply, struct err *err);
static enum rc looked(struct call *carrier, const struct reply *reply, struct err *err);

static json_t *ids_of(const struct bundle *b)
{
	json_t *ids = json_array();
	for (size_t i = 0; i < b->n; i++)
		if (json_array_append(ids, json_object_get(b->member[i]->share.item, "id")) != 0) {
			json_decref(ids);
			return NULL;
		}
	return ids;
}

static enum rc prepare(struct call *carrier, struct err *err)
{
	struct bundle *b = carrier->bundle;
	if (carrier->step == looked)
		return bundle_list_ids(carrier, ids_of(b), DELETED_ALSO, 0, err);
	json_t *rows = json_array();
	for (size_t i = 0; i < b->n; i++)
		if (json_array_append(rows, b->member[i]->share.item) != 0) {
			json_decref(rows);
			return err_set(err, RC_NOMEM, "no memory for records");
		}
	enum rc rc =
		call_dialect(carrier)->create_many(&carrier->request, carrier->object, rows, err);
	json_decref(rows);
	return rc;
}

static struct call *first_among(const struct bundle *b, const json_t *found)
{
	for (size_t i = 0; i < b->n; i++)
		if (json_object_get(found, id_of(b->member[i])) != NULL)
			return b->member[i];
	return NULL;
}

/* Answers those that are among the records (STOLEN; NULL: not believed); the others stay. */
static void answer(struct call *carrier, json_t *found, int status)
{
	for (struct call *m; (m = first_among(carrier->bundle, found)) != NULL;)
		bundle_reply_record(m, json_object_get(found, id_of(m)), status);
	json_decref(found);
}

/* Some of a batch that was refused as a duplicate are there: they are ours. The rest goes again. */
static enum rc looked(struct call *carrier, const struct reply *reply, struct err *err)
{
	struct bundle *b = carrier->bundle;
	size_t n = b->n;
	json_t *ids = ids_of(b);
	carrier->resent = false;
	b->looked = true;
	answer(carrier, bundle_listed(carrier, reply, ids, DELETED_ALSO), 200);
	json_decref(ids);
	if (b->n == 0)
		return bundle_end(carrier);
	if (b->n < n) {
		call_send(carrier, came);
		return RC_OK;
	}
	struct reply duplicate = {
		.code = RC_DUPLICATE, .status = 400, .message = "a duplicate entry was detected"};
	(void)err;
	bundle_refused(carrier, &duplicate);
	return bundle_end(carrier);
}

static enum rc came(struct call *carrier, const struct reply *reply, struct err *err)
{
	json_t *records = NULL;
	if (reply->code == RC_DUPLICATE && (carrier->resent || !carrier->bundle->looked)) {
		call_send(carrier, looked);
		return RC_OK;
	}
	if (reply->code != RC_OK) {
		bundle_refused(carrier, reply);
		return bundle_end(carrier);
	}
	json_t *ids = ids_of(carrier->bundle);
	if (ids != NULL && call_dialect(carrier)->read_records(
				   carrier->object, reply->body, &records, err) == RC_OK)
		answer(carrier, bundle_records_by_id(records, ids), 201);
	json_decref(ids);
	json_decref(records);
	bundle_return_all(carrier); /* who is not in the answer finds out by itself */
	return bundle_end(carrier);
}

const struct bundle_kind bundle_create = {"create", prepare, came};
