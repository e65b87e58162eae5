/* SPDX-License-Identifier: MIT */
/*
 * duplicates {id} | {record} -> [record, ..]; {list} -> one such list for each, in order.
 * From: life.c. Ids of a list are read first, because a server drops unknown ones from its answer
 * and answers in its own order; then records are compared with, in one request. A record is never
 * its own duplicate. Only what is filled is compared: an empty e-mail address is nobody's.
 * In the docs dialect, e-mail is asked for natively and the other criteria as lists
 * (dialect_docs.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/engine.h"
#include "client/listing.h"
#include "client/operation.h"

#define LIST_MAX 200
#define TEXT_MIN 3 /* shorter texts are nobody's criterion, at Twenty neither */

struct duplicates {
	json_t *inputs;  /* owned; id or record, as they came */
	json_t *records; /* owned; {id?, criteria} of each, null: not there or nothing to compare */
	json_t *lists;   /* owned; answers */
	size_t at;       /* docs, ids of other objects: the input at hand */
	int criterion;   /* docs: the one at hand */
};

static const struct {
	const char *object;
	const char *fields[2]; /* all of which must be filled and equal */
} criteria[] = {
	{"people", {"emails.primaryEmail", NULL}},
	{"people", {"name.firstName", "name.lastName"}},
	{"people", {"linkedinLink.primaryLinkUrl", NULL}},
	{"companies", {"name", NULL}},
	{"companies", {"domainName.primaryLinkUrl", NULL}},
};
#define CRITERIA_N ((int)ARRAY_N(criteria))

static enum rc compare(struct call *call, struct err *err);
static enum rc compare_docs(struct call *call, struct err *err);
static enum rc compare_ids(struct call *call, struct err *err);

static void duplicates_done(void *work)
{
	struct duplicates *w = work;
	json_decref(w->inputs);
	json_decref(w->records);
	json_decref(w->lists);
}

static enum rc check_input(
	const struct schema *schema, const char *object, const json_t *input, struct err *err)
{
	if (json_is_string(input))
		return check_id(input, "duplicates", err);
	json_t *whole = NULL;
	enum rc rc = check_record(input, "duplicates", err);
	if (rc == RC_OK && json_object_size(input) == 0)
		rc = err_set(err, RC_INVALID, "duplicates: an empty record");
	if (rc == RC_OK)
		rc = fields_expand(schema, object, input, &whole, err);
	json_decref(whole);
	return rc;
}

static enum rc duplicates_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	const json_t *id = json_object_get(args, "id"), *record = json_object_get(args, "record");
	const json_t *list = json_object_get(args, "list");
	if (id != NULL)
		return check_id(id, "duplicates", err);
	if (record != NULL)
		return check_input(schema, object, record, err);
	if (!json_is_array(list) && json_object_size(list) > 0)
		return err_set(err, RC_INVALID, "duplicates: an id, a record or a list of them");
	if (list == NULL)
		return err_set(err, RC_DENIED, "duplicates: an id is missing");
	if (json_array_size(list) > LIST_MAX)
		return err_set(err, RC_INVALID, "duplicates: at most %d at once", LIST_MAX);
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++)
		rc = check_input(schema, object, json_array_get(list, i), err);
	return rc;
}

static bool has_criteria(const char *object)
{
	for (int i = 0; i < CRITERIA_N; i++)
		if (strcmp(criteria[i].object, object) == 0)
			return true;
	return false;
}

static const char *filled(const json_t *record, const char *path)
{
	const char *text = json_string_value(field_value(record, path));
	return text != NULL && strlen(text) >= TEXT_MIN ? text : NULL;
}

static bool criterion_filled(int i, const char *object, const json_t *record)
{
	return strcmp(criteria[i].object, object) == 0 &&
	       filled(record, criteria[i].fields[0]) != NULL &&
	       (criteria[i].fields[1] == NULL || filled(record, criteria[i].fields[1]) != NULL);
}

bool duplicates_alike(const char *object, const json_t *a, const json_t *b)
{
	for (int i = 0; i < CRITERIA_N; i++) {
		bool alike = criterion_filled(i, object, a) && criterion_filled(i, object, b);
		for (int k = 0; k < 2 && alike; k++) {
			const char *path = criteria[i].fields[k];
			alike = path == NULL || strcasecmp(filled(a, path), filled(b, path)) == 0;
		}
		if (alike)
			return true;
	}
	return false;
}

/* What of a record is compared; NULL: nothing, or no memory. GIVES. */
static json_t *essence(const struct schema *schema, const char *object, const json_t *record)
{
	json_t *names = json_array(), *out = NULL;
	for (int i = 0; i < CRITERIA_N; i++)
		for (int k = 0; k < 2 && criterion_filled(i, object, record); k++)
			if (criteria[i].fields[k] != NULL)
				json_array_append_new(names, json_string(criteria[i].fields[k]));
	bool some = json_array_size(names) > 0 &&
		    fields_pick(schema, object, record, names, &out, NULL) == RC_OK;
	json_decref(names);
	return some ? out : NULL;
}

static const char *input_id(const struct duplicates *w, size_t i)
{
	const json_t *input = json_array_get(w->inputs, i);
	return json_string_value(json_is_string(input) ? input : json_object_get(input, "id"));
}

/* Adds records to the answer of an input: not itself, none twice. */
static bool add(struct duplicates *w, size_t input, const json_t *records)
{
	json_t *list = json_array_get(w->lists, input);
	const char *own = input_id(w, input);
	size_t i, k;
	json_t *each, *have;
	json_array_foreach(records, i, each)
	{
		const char *id = json_string_value(json_object_get(each, "id"));
		bool skip = id == NULL || (own != NULL && strcasecmp(id, own) == 0);
		json_array_foreach(list, k, have) skip =
			skip || strcmp(json_string_value(json_object_get(have, "id")), id) == 0;
		if (!skip && json_array_append(list, each) != 0)
			return false;
	}
	return true;
}

/* Adds what a reply says about the one input at hand. */
static enum rc take_one(struct call *call, const struct reply *reply, struct err *err)
{
	struct duplicates *w = call->work;
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	json_t *lists = NULL;
	enum rc rc = call_dialect(call)->read_duplicates(call->object, reply->body, 1, &lists, err);
	if (rc == RC_OK && !add(w, w->at, json_array_get(lists, 0)))
		rc = err_set(err, RC_NOMEM, "no memory for records");
	json_decref(lists);
	return rc;
}

static enum rc answer(struct call *call, struct err *err)
{
	struct duplicates *w = call->work;
	bool many = json_object_get(call->args, "list") != NULL;
	return call_end(call, json_incref(many ? w->lists : json_array_get(w->lists, 0)), err);
}

/* ---- core: all in one ---- */

static enum rc compared(struct call *call, const struct reply *reply, struct err *err)
{
	struct duplicates *w = call->work;
	if (reply->code != RC_OK)
		return call_pass(call, reply, err);
	size_t n = 0, i;
	json_t *each, *lists = NULL;
	json_array_foreach(w->records, i, each) n += json_is_null(each) ? 0 : 1;
	enum rc rc = call_dialect(call)->read_duplicates(call->object, reply->body, n, &lists, err);
	if (rc == RC_OK && json_array_size(lists) != n)
		rc = err_set(err, RC_UPSTREAM, "Twenty did not compare every record");
	size_t k = 0;
	json_array_foreach(w->records, i, each) if (rc == RC_OK && !json_is_null(each) &&
						    !add(w, i, json_array_get(lists, k++))) rc =
		err_set(err, RC_NOMEM, "no memory for records");
	json_decref(lists);
	return rc == RC_OK ? answer(call, err) : rc;
}

static enum rc compare(struct call *call, struct err *err)
{
	struct duplicates *w = call->work;
	json_t *sent = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(w->records, i, each)
	{
		json_t *part = json_is_null(each) ? NULL : json_copy(each);
		json_object_del(part, "id");
		if (part != NULL)
			json_array_append_new(sent, part);
	}
	enum rc rc = RC_OK;
	if (json_array_size(sent) == 0)
		rc = answer(call, err);
	else {
		rc = call_dialect(call)->duplicates(&call->request, call->object, sent, err);
		if (rc == RC_OK) {
			call_send(call, compared);
			call_share(call, SHARE_COMPARE, 0, json_incref(sent));
		}
	}
	json_decref(sent);
	return rc;
}

/* ---- core, objects whose criteria we do not know: one id at a time ---- */

static enum rc id_compared(struct call *call, const struct reply *reply, struct err *err)
{
	struct duplicates *w = call->work;
	enum rc rc = take_one(call, reply, err);
	w->at++;
	return rc == RC_OK ? compare_ids(call, err) : rc;
}

static enum rc compare_ids(struct call *call, struct err *err)
{
	struct duplicates *w = call->work;
	if (w->at >= json_array_size(w->inputs))
		return answer(call, err);
	const json_t *input = json_array_get(w->inputs, w->at);
	json_t *whole = NULL, *one = NULL;
	enum rc rc;
	if (json_is_string(input))
		rc = call_dialect(call)->duplicates_of(
			&call->request, call->object, json_string_value(input), err);
	else {
		rc = fields_expand(call_schema(call), call->object, input, &whole, err);
		json_object_del(whole, "id");
		one = rc == RC_OK ? json_pack("[O]", whole) : NULL;
		if (rc == RC_OK)
			rc = call_dialect(call)->duplicates(&call->request, call->object, one, err);
	}
	json_decref(one);
	json_decref(whole);
	if (rc == RC_OK)
		call_send(call, id_compared);
	return rc;
}

/* ---- docs: criterion by criterion ---- */

static enum rc next_criterion(struct call *call, struct err *err)
{
	struct duplicates *w = call->work;
	w->criterion++;
	return compare_docs(call, err);
}

static enum rc email_compared(struct call *call, const struct reply *reply, struct err *err)
{
	enum rc rc = take_one(call, reply, err);
	return rc == RC_OK ? next_criterion(call, err) : rc;
}

static enum rc equal_listed(struct call *call, struct listing *l, struct err *err)
{
	if (!add(call->work, ((struct duplicates *)call->work)->at, l->records))
		return err_set(err, RC_NOMEM, "no memory for records");
	return next_criterion(call, err);
}

static enum rc list_equal(struct call *call, int i, const json_t *record, struct err *err)
{
	json_t *condition = json_object();
	for (int k = 0; k < 2; k++)
		if (criteria[i].fields[k] != NULL)
			json_object_set(condition, criteria[i].fields[k],
				field_value(record, criteria[i].fields[k]));
	struct listing *l = NULL;
	enum rc rc = listing_new_where(call, condition, &l, err);
	json_decref(condition);
	if (rc != RC_OK)
		return rc;
	l->want = 60;
	return listing_start(call, l, equal_listed, err);
}

static enum rc compare_docs(struct call *call, struct err *err)
{
	struct duplicates *w = call->work;
	for (; w->at < json_array_size(w->inputs); w->at++, w->criterion = 0) {
		const json_t *record = json_array_get(w->records, w->at);
		for (; w->criterion < CRITERIA_N; w->criterion++) {
			int i = w->criterion;
			if (json_is_null(record) || !criterion_filled(i, call->object, record))
				continue;
			if (strcmp(criteria[i].fields[0], "emails.primaryEmail") != 0)
				return list_equal(call, i, record, err);
			json_t *one = json_pack("[O]", record);
			enum rc rc = call_dialect(call)->duplicates(
				&call->request, call->object, one, err);
			json_decref(one);
			if (rc == RC_OK)
				call_send(call, email_compared);
			return rc;
		}
	}
	return answer(call, err);
}

/* ---- both ---- */

static enum rc essences(struct call *call, const struct listing *l, struct err *err)
{
	struct duplicates *w = call->work;
	for (size_t i = 0; i < json_array_size(w->inputs); i++) {
		const json_t *input = json_array_get(w->inputs, i);
		json_t *whole = NULL, *part;
		enum rc rc = RC_OK;
		if (json_is_object(input))
			rc = fields_expand(call_schema(call), call->object, input, &whole, err);
		else if (l != NULL)
			whole = json_incref(listing_find(l, json_string_value(input)));
		if (rc != RC_OK)
			return rc;
		part = whole != NULL ? essence(call_schema(call), call->object, whole) : NULL;
		json_decref(whole);
		if (json_array_append_new(w->records, part != NULL ? part : json_null()) != 0)
			return err_set(err, RC_NOMEM, "no memory for records");
	}
	return call_dialect(call)->own_ids ? compare(call, err) : compare_docs(call, err);
}

static enum rc read_first(struct call *call, struct listing *l, struct err *err)
{
	return essences(call, l, err);
}

static enum rc object_listed(struct call *call, struct listing *l, struct err *err)
{
	(void)l;
	return answer(call, err);
}

/* Nothing is compared, but there must be such an object. */
static enum rc answer_nothing(struct call *call, struct err *err)
{
	if (objects_find(&call->engine->objects, call->object, clock_mono_ms()) == OBJECT_THERE)
		return answer(call, err);
	struct listing *l = listing_new();
	if (l != NULL)
		l->want = 1;
	return listing_start(call, l, object_listed, err);
}

/* Read and compared, many go as two requests; alone, one does. */
static bool goes_with_others(const struct engine *e)
{
	return engine_short(e) && engine_joins(e, SHARE_IDS) && engine_joins(e, SHARE_COMPARE);
}

static enum rc duplicates_start(struct call *call, struct err *err)
{
	enum rc rc = call_work(call, sizeof(struct duplicates), duplicates_done, err);
	if (rc != RC_OK)
		return rc;
	struct duplicates *w = call->work;
	json_t *id = json_object_get(call->args, "id"),
	       *record = json_object_get(call->args, "record");
	json_t *list = json_object_get(call->args, "list");
	w->inputs = list != NULL ? json_copy(list) : json_pack("[O]", id != NULL ? id : record);
	if (!json_is_array(w->inputs)) {
		json_decref(w->inputs);
		w->inputs = json_array();
	}
	w->records = json_array();
	w->lists = json_array();
	json_t *ids = json_array();
	size_t i;
	json_t *each;
	json_array_foreach(w->inputs, i, each)
	{
		json_array_append_new(w->lists, json_array());
		if (json_is_string(each))
			json_array_append(ids, each);
	}
	bool core = call_dialect(call)->own_ids;
	if (!has_criteria(call->object))
		rc = core ? compare_ids(call, err) : answer_nothing(call, err);
	else if (core && id != NULL && !goes_with_others(call->engine))
		/* one alone: the server reads it itself */
		rc = compare_ids(call, err);
	else if (json_array_size(ids) > 0)
		rc = listing_by_ids(call, ids, DELETED_NOT, read_first, err);
	else
		rc = essences(call, NULL, err);
	json_decref(ids);
	return rc;
}

const struct operation operation_duplicates = {duplicates_check, duplicates_start};
