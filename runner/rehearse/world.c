/* SPDX-License-Identifier: MIT */
/*
 * Records in memory, found and changed as a Twenty would.
 * From: double.c, calls that no stub answers. To: the answer, and expect.records. Conditions, short
 * names, orders and groups are the client's own; times are those of the virtual clock. Fails as a
 * server does: a record that is not there, a condition that does not hold.
 */
#include "runner/rehearse/world.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "client/group.h"
#include "client/operation.h"
#include "client/order.h"
#include "client/where.h"

/* --- the tables --------------------------------------------------------------------------------
 */

static json_t *table(struct world *w, const char *object)
{
	json_t *list = json_object_get(w->objects, object);
	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(w->objects, object, list) != 0)
			return NULL;
	}
	return list;
}

static json_t *find(struct world *w, const char *object, const char *id)
{
	json_t *list = json_object_get(w->objects, object), *each;
	size_t i;
	json_array_foreach(list, i, each)
	{
		const char *own = json_string_value(json_object_get(each, "id"));
		if (own != NULL && id != NULL && strcasecmp(own, id) == 0)
			return each;
	}
	return NULL;
}

static void drop(struct world *w, const char *object, const json_t *record)
{
	json_t *list = json_object_get(w->objects, object);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_array_get(list, i) == record)
			json_array_remove(list, i--);
}

static bool is_deleted(const json_t *record)
{
	return field_value(record, "deletedAt") != NULL;
}

static json_t *now_text(void)
{
	char at[CLOCK_TEXT_N];
	clock_format(clock_wall_ms(), at);
	return json_string(at);
}

/* Composite fields are changed part by part. */
static int put_over(json_t *record, const json_t *data)
{
	const char *key;
	json_t *value;
	int n = 0;
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		json_t *old = json_object_get(record, key);
		if (json_is_object(old) && json_is_object(value))
			n |= put_over(old, value);
		else
			n |= json_object_set_new(record, key, json_deep_copy(value));
	}
	return n;
}

static bool set_default(json_t *record, const char *key, json_t *value)
{
	if (json_object_get(record, key) == NULL)
		return json_object_set_new(record, key, value) == 0;
	json_decref(value);
	return true;
}

/* A new record of expanded data; BORROWS from the table. */
static json_t *add(struct world *w, const char *object, const json_t *data)
{
	char name[120];
	struct uuid id;
	json_t *list = table(w, object), *record = json_deep_copy(data);
	snprintf(name, sizeof(name), "rehearsal/%.60s/%d", object, ++w->made_n);
	bool ok = list != NULL && record != NULL && uuid_derive(slice_of(name), &id) == RC_OK &&
		  set_default(record, "id", json_string(id.text)) &&
		  set_default(record, "createdAt", now_text()) &&
		  set_default(record, "updatedAt", now_text());
	if (!ok || json_array_append(list, record) != 0) {
		json_decref(record);
		return NULL;
	}
	json_decref(record);
	return record;
}

static enum rc no_memory(struct err *err)
{
	return err_set(err, RC_NOMEM, "no memory for the records of a test");
}

static enum rc add_given(struct world *w, const char *object, const json_t *list, struct err *err)
{
	size_t i;
	json_t *each;
	enum rc rc = RC_OK;
	json_array_foreach(list, i, each)
	{
		json_t *whole = NULL;
		if (!json_is_object(each))
			return err_set(
				err, RC_INVALID, "records.%s[%zu] is no record", object, i + 1);
		rc = fields_expand(NULL, object, each, &whole, err);
		if (rc == RC_OK && add(w, object, whole) == NULL)
			rc = no_memory(err);
		json_decref(whole);
		if (rc != RC_OK)
			return rc;
	}
	return rc;
}

enum rc world_open(struct world *world, const json_t *records, struct err *err)
{
	struct world w = {json_object(), json_object(), 0};
	const char *object;
	json_t *list;
	enum rc rc = w.objects != NULL && w.given != NULL ? RC_OK : no_memory(err);
	json_object_foreach((json_t *)(uintptr_t)records, object, list)
	{
		if (rc == RC_OK && (table(&w, object) == NULL ||
					   json_object_set_new(w.given, object, json_true()) != 0))
			rc = no_memory(err);
		if (rc == RC_OK && !json_is_array(list) && json_object_size(list) != 0)
			rc = err_set(err, RC_INVALID,
				"records.%s is a list: records = { %s = { { .. } } }", object,
				object);
		if (rc == RC_OK)
			rc = add_given(&w, object, list, err);
	}
	if (rc == RC_OK)
		*world = w;
	else
		world_close(&w);
	return rc;
}

void world_close(struct world *world)
{
	json_decref(world->objects);
	json_decref(world->given);
	*world = (struct world){0};
}

void world_plural(const char *singular, char *ret_plural, size_t n)
{
	size_t len = strlen(singular);
	if (client_plural(NULL, singular, ret_plural, n))
		return;
	bool y = len > 1 && singular[len - 1] == 'y' && strchr("aeiou", singular[len - 2]) == NULL;
	snprintf(ret_plural, n, "%.*s%s", (int)(y ? len - 1 : len), singular, y ? "ies" : "s");
}

enum rc world_hear(
	struct world *world, const char *singular, const char *action, const json_t *record)
{
	char object[100];
	world_plural(singular, object, sizeof(object));
	const char *id = json_string_value(json_object_get(record, "id"));
	if (id == NULL || json_object_get(world->given, object) != NULL)
		return RC_OK;
	json_t *own = find(world, object, id);
	if (strcmp(action, "destroyed") == 0) {
		if (own != NULL)
			drop(world, object, own);
		return RC_OK;
	}
	if (own == NULL)
		own = add(world, object, record);
	else if (put_over(own, record) != 0)
		own = NULL;
	if (own == NULL)
		return RC_NOMEM;
	if (strcmp(action, "deleted") == 0)
		return set_default(own, "deletedAt", now_text()) ? RC_OK : RC_NOMEM;
	if (strcmp(action, "restored") == 0)
		json_object_del(own, "deletedAt");
	return RC_OK;
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* Relations of a record are filled in from the other tables. */
static json_t *with_depth(struct world *w, const json_t *record, const json_t *args)
{
	json_t *out = json_deep_copy(record), *value, *list;
	const char *key, *object;
	if (json_integer_value(json_object_get(args, "depth")) < 1)
		return out;
	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		size_t n = strlen(key);
		char name[64];
		if (n < 3 || n > sizeof(name) || strcmp(key + n - 2, "Id") != 0 ||
			!json_is_string(value))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n - 2), key);
		json_object_foreach(w->objects, object, list)
		{
			json_t *other = find(w, object, json_string_value(value));
			if (other != NULL)
				(void)json_object_set_new(out, name, json_deep_copy(other));
		}
	}
	return out;
}

/* A record as a call wants it. GIVES; NULL: no memory, or err. */
static json_t *view(struct world *w, const struct world_call *c, const json_t *record)
{
	const json_t *fields = json_object_get(c->args, "fields");
	json_t *whole = with_depth(w, record, c->args), *part = NULL;
	if (whole == NULL || json_array_size(fields) == 0)
		return whole;
	if (fields_pick(NULL, c->object, whole, fields, &part, NULL) != RC_OK)
		part = NULL;
	json_decref(whole);
	return part;
}

static bool deleted_fits(const json_t *args, const json_t *record)
{
	switch (deleted_of(args)) {
	case DELETED_NOT:
		return !is_deleted(record);
	case DELETED_ONLY:
		return is_deleted(record);
	case DELETED_ALSO:
		break;
	}
	return true;
}

/* The records that meet a condition, as they lie in the table. GIVES a list of references. */
static enum rc select_where(struct world *w, const struct world_call *c, const json_t *condition,
	json_t **ret_list, struct err *err)
{
	struct where *where = NULL;
	json_t *list = json_array(), *each;
	size_t i;
	enum rc rc = where_parse(NULL, c->object, condition, &where, err);
	json_array_foreach(json_object_get(w->objects, c->object), i, each)
	{
		if (rc != RC_OK || !deleted_fits(c->args, each) ||
			where_match(where, each, MATCH_ABSENT) == MATCH_NO)
			continue;
		if (json_array_append(list, each) != 0)
			rc = no_memory(err);
	}
	where_free(where);
	if (rc == RC_OK)
		*ret_list = list;
	else
		json_decref(list);
	return rc;
}

static enum rc sort_list(const struct world_call *c, json_t *list, struct err *err)
{
	struct order order;
	json_t *names = json_object_get(c->args, "order");
	names = json_is_string(names) ? json_pack("[O]", names) : json_incref(names);
	enum rc rc = order_parse(NULL, c->object, names, &order, err);
	json_decref(names);
	for (size_t i = 1; rc == RC_OK && i < json_array_size(list); i++) {
		json_t *one = json_incref(json_array_get(list, i));
		size_t k = i;
		while (k > 0 && !order_fits(&order, json_array_get(list, k - 1), one, true))
			k--;
		json_array_remove(list, i);
		if (json_array_insert(list, k, one) != 0)
			rc = no_memory(err);
		json_decref(one);
	}
	return rc;
}

/* The list is the answer, or is freed. */
static enum rc hand_out(enum rc rc, json_t *list, json_t **ret_value)
{
	if (rc == RC_OK)
		*ret_value = list;
	else
		json_decref(list);
	return rc;
}

static enum rc answer_get(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	const json_t *record =
		find(w, c->object, json_string_value(json_object_get(c->args, "id")));
	bool there = record != NULL && !is_deleted(record);
	*ret_value = there ? view(w, c, record) : json_null();
	return *ret_value != NULL ? RC_OK : no_memory(err);
}

static enum rc answer_list(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *found = NULL;
	const json_t *limit = json_object_get(c->args, "limit");
	const char *after = json_string_value(json_object_get(c->args, "after"));
	enum rc rc = select_where(w, c, json_object_get(c->args, "where"), &found, err);
	if (rc == RC_OK)
		rc = sort_list(c, found, err);
	if (rc != RC_OK) {
		json_decref(found);
		return rc;
	}
	size_t from = 0, n = json_array_size(found), most = 60;
	if (json_is_number(limit))
		most = (size_t)json_number_value(limit);
	if (after != NULL)
		(void)sscanf(after, "behind-%zu", &from);
	json_t *records = json_array();
	size_t i = from;
	for (; rc == RC_OK && i < n && i - from < most; i++) {
		json_t *one = view(w, c, json_array_get(found, i));
		if (one == NULL || json_array_append_new(records, one) != 0)
			rc = no_memory(err);
	}
	char next[40];
	snprintf(next, sizeof(next), "behind-%zu", i);
	json_decref(found);
	*ret_value = json_pack("{s:o, s:o, s:I}", "records", records, "next",
		i < n ? json_string(next) : json_null(), "total", (json_int_t)n);
	return *ret_value != NULL ? rc : no_memory(err);
}

static enum rc answer_count(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *found = NULL;
	enum rc rc = select_where(w, c, json_object_get(c->args, "where"), &found, err);
	if (rc == RC_OK)
		*ret_value = json_integer((json_int_t)json_array_size(found));
	json_decref(found);
	return rc;
}

static enum rc answer_group(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	struct grouping grouping;
	struct groups groups = {0};
	json_t *found = NULL, *each;
	size_t i;
	enum rc rc = group_parse(NULL, c->object, c->args, &grouping, err);
	if (rc == RC_OK)
		rc = select_where(w, c, json_object_get(c->args, "where"), &found, err);
	json_array_foreach(found, i, each) if (rc == RC_OK) rc =
		groups_add(&groups, &grouping, each, err);
	if (rc == RC_OK)
		rc = groups_rows(&groups, &grouping, ret_value, err);
	groups_done(&groups);
	json_decref(found);
	return rc;
}

static enum rc answer_member(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	const char *email = json_string_value(json_object_get(c->args, "email"));
	json_t *each;
	size_t i;
	*ret_value = json_null();
	json_array_foreach(json_object_get(w->objects, "workspaceMembers"), i, each)
	{
		const char *own = json_string_value(json_object_get(each, "userEmail"));
		if (own != NULL && email != NULL && strcasecmp(own, email) == 0)
			*ret_value = json_deep_copy(each);
	}
	return *ret_value != NULL ? RC_OK : no_memory(err);
}

static json_t *alike(struct world *w, const char *object, const json_t *input)
{
	const char *id = json_string_value(json_object_get(input, "id"));
	json_t *list = json_array(), *each;
	size_t i;
	json_array_foreach(json_object_get(w->objects, object), i, each)
	{
		const char *own = json_string_value(json_object_get(each, "id"));
		bool self = id != NULL && own != NULL && strcasecmp(id, own) == 0;
		if (!self && !is_deleted(each) && duplicates_alike(object, input, each))
			(void)json_array_append_new(list, json_deep_copy(each));
	}
	return list;
}

static enum rc duplicates_of(struct world *w, const char *object, const json_t *input,
	json_t **ret_list, struct err *err)
{
	json_t *whole = NULL;
	if (json_is_string(input)) {
		const json_t *record = find(w, object, json_string_value(input));
		*ret_list = record != NULL ? alike(w, object, record) : json_array();
		return *ret_list != NULL ? RC_OK : no_memory(err);
	}
	enum rc rc = fields_expand(NULL, object, input, &whole, err);
	if (rc == RC_OK)
		*ret_list = alike(w, object, whole);
	json_decref(whole);
	return rc;
}

static enum rc answer_duplicates(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	const json_t *list = json_object_get(c->args, "list"), *one;
	if (list == NULL) {
		one = json_object_get(c->args, "id");
		return duplicates_of(w, c->object,
			one != NULL ? one : json_object_get(c->args, "record"), ret_value, err);
	}
	json_t *lists = json_array();
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(list); i++) {
		json_t *found = NULL;
		rc = duplicates_of(w, c->object, json_array_get(list, i), &found, err);
		if (rc == RC_OK && json_array_append_new(lists, found) != 0)
			rc = no_memory(err);
	}
	return hand_out(rc, lists, ret_value);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static enum rc not_there(struct err *err)
{
	return err_set(err, RC_NOT_FOUND, "there is no such record");
}

/* tasks -> taskTargets, as `about` says. */
static enum rc link_about(struct world *w, const char *object, const json_t *record,
	const json_t *about, struct err *err)
{
	const char *key;
	json_t *id;
	bool task = strcmp(object, "tasks") == 0;
	json_object_foreach((json_t *)(uintptr_t)about, key, id)
	{
		char name[80];
		snprintf(name, sizeof(name), "target%c%.40sId", toupper((unsigned char)key[0]),
			key + 1);
		json_t *link = json_pack("{s:O, s:O}", task ? "taskId" : "noteId",
			json_object_get(record, "id"), name, id);
		bool ok = add(w, task ? "taskTargets" : "noteTargets", link) != NULL;
		json_decref(link);
		if (!ok)
			return no_memory(err);
	}
	return RC_OK;
}

static enum rc create_one(struct world *w, const char *object, const json_t *data,
	json_t **ret_value, struct err *err)
{
	json_t *whole = NULL;
	enum rc rc = fields_expand(NULL, object, data, &whole, err);
	if (rc != RC_OK)
		return rc;
	json_t *about = json_incref(json_object_get(whole, "about"));
	json_object_del(whole, "about");
	const json_t *record = add(w, object, whole);
	rc = record != NULL ? link_about(w, object, record, about, err) : no_memory(err);
	json_decref(whole);
	json_decref(about);
	if (rc == RC_OK)
		*ret_value = json_deep_copy(record);
	return rc;
}

static enum rc change(struct world *w, const char *object, const json_t *id, const json_t *data,
	json_t **ret_value, struct err *err)
{
	json_t *whole = NULL, *record = find(w, object, json_string_value(id));
	if (record == NULL || is_deleted(record))
		return not_there(err);
	enum rc rc = fields_expand(NULL, object, data, &whole, err);
	if (rc == RC_OK && (put_over(record, whole) != 0 ||
				   json_object_set_new(record, "updatedAt", now_text()) != 0))
		rc = no_memory(err);
	json_decref(whole);
	if (rc == RC_OK)
		*ret_value = json_deep_copy(record);
	return rc;
}

static enum rc answer_create_many(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *out = json_array(), *each;
	size_t i;
	enum rc rc = RC_OK;
	json_array_foreach(json_object_get(c->args, "list"), i, each)
	{
		json_t *one = NULL;
		if (rc == RC_OK && c->op == CLIENT_CREATE_MANY)
			rc = create_one(w, c->object, each, &one, err);
		else if (rc == RC_OK)
			rc = change(w, c->object, json_object_get(each, "id"), each, &one, err);
		if (one != NULL && json_array_append_new(out, one) != 0)
			rc = no_memory(err);
	}
	return hand_out(rc, out, ret_value);
}

static bool is_plain(const json_t *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_boolean(v);
}

/* What is made where nothing meets the condition: its plain equalities, and over them the data. */
static enum rc ensure_new(
	struct world *w, const struct world_call *c, json_t **ret_record, struct err *err)
{
	json_t *whole = json_object(), *value;
	const char *key;
	json_object_foreach(json_object_get(c->args, "where"), key, value) if (is_plain(value))(
		void) json_object_set(whole, key, value);
	(void)json_object_update(whole, json_object_get(c->args, "data"));
	enum rc rc = create_one(w, c->object, whole, ret_record, err);
	json_decref(whole);
	return rc;
}

static enum rc answer_ensure(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *found = NULL, *record = NULL;
	enum rc rc = select_where(w, c, json_object_get(c->args, "where"), &found, err);
	bool created = rc == RC_OK && json_array_size(found) == 0;
	if (created)
		rc = ensure_new(w, c, &record, err);
	else if (rc == RC_OK)
		record = json_deep_copy(json_array_get(found, 0));
	json_decref(found);
	if (rc == RC_OK)
		*ret_value = json_pack("{s:o, s:b}", "record", record, "created", created);
	return rc;
}

static enum rc answer_update(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	const json_t *id = json_object_get(c->args, "id");
	const json_t *condition = json_object_get(c->args, "only_if");
	const json_t *record = find(w, c->object, json_string_value(id));
	struct where *where = NULL;
	if (record == NULL || is_deleted(record))
		return not_there(err);
	enum rc rc = where_parse(NULL, c->object, condition, &where, err);
	if (rc == RC_OK && where_match(where, record, MATCH_ABSENT) == MATCH_NO)
		rc = err_set(err, RC_CONFLICT, "the record does not meet the condition");
	where_free(where);
	return rc == RC_OK
		       ? change(w, c->object, id, json_object_get(c->args, "data"), ret_value, err)
		       : rc;
}

static enum rc answer_update_where(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *found = NULL, *out = json_array();
	int64_t max = json_integer_value(json_object_get(c->args, "max"));
	enum rc rc = select_where(w, c, json_object_get(c->args, "where"), &found, err);
	if (rc == RC_OK && (int64_t)json_array_size(found) > max)
		rc = err_set(err, RC_DENIED,
			"%zu records meet the condition, at most %lld were to be changed",
			json_array_size(found), (long long)max);
	for (size_t i = 0; rc == RC_OK && i < json_array_size(found); i++) {
		json_t *one = NULL;
		rc = change(w, c->object, json_object_get(json_array_get(found, i), "id"),
			json_object_get(c->args, "data"), &one, err);
		if (rc == RC_OK && json_array_append_new(out, one) != 0)
			rc = no_memory(err);
	}
	json_decref(found);
	return hand_out(rc, out, ret_value);
}

static enum rc answer_remove(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	json_t *record = find(w, c->object, json_string_value(json_object_get(c->args, "id")));
	if (record == NULL)
		return not_there(err);
	if (c->op == CLIENT_DELETE)
		(void)json_object_set_new(record, "deletedAt", now_text());
	if (c->op == CLIENT_RESTORE)
		(void)json_object_del(record, "deletedAt");
	bool gone = c->op == CLIENT_DESTROY || c->op == CLIENT_ERASE;
	*ret_value = gone ? json_pack("{s:O}", "id", json_object_get(record, "id"))
			  : json_deep_copy(record);
	if (gone)
		drop(w, c->object, record);
	return *ret_value != NULL ? RC_OK : no_memory(err);
}

static bool is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

/* What is empty in one is filled from the other. */
static void fill(json_t *record, const json_t *other)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)other, key, value)
	{
		json_t *own = json_object_get(record, key);
		if (json_is_object(own) && json_is_object(value))
			fill(own, value);
		else if (is_empty(own))
			(void)json_object_set_new(record, key, json_deep_copy(value));
	}
}

static enum rc answer_merge(
	struct world *w, const struct world_call *c, json_t **ret_value, struct err *err)
{
	const json_t *from = json_object_get(c->args, "from");
	bool preview = json_is_true(json_object_get(c->args, "preview"));
	json_t *into = find(w, c->object, json_string_value(json_object_get(c->args, "into")));
	if (into == NULL || is_deleted(into))
		return err_set(err, RC_NOT_FOUND, "the record to merge into is not there");
	for (size_t i = 0; i < json_array_size(from); i++)
		if (find(w, c->object, json_string_value(json_array_get(from, i))) == NULL)
			return not_there(err);
	json_t *whole = json_deep_copy(into);
	for (size_t i = 0; whole != NULL && i < json_array_size(from); i++) {
		json_t *other = find(w, c->object, json_string_value(json_array_get(from, i)));
		if (other == NULL)
			continue; /* named twice */
		fill(whole, other);
		if (!preview)
			drop(w, c->object, other);
	}
	if (whole != NULL && !preview)
		(void)put_over(into, whole);
	*ret_value = whole;
	return whole != NULL ? RC_OK : no_memory(err);
}

enum rc world_answer(
	struct world *world, const struct world_call *call, json_t **ret_value, struct err *err)
{
	switch (call->op) {
	case CLIENT_GET:
		return answer_get(world, call, ret_value, err);
	case CLIENT_LIST:
		return answer_list(world, call, ret_value, err);
	case CLIENT_COUNT:
		return answer_count(world, call, ret_value, err);
	case CLIENT_GROUP_BY:
		return answer_group(world, call, ret_value, err);
	case CLIENT_CREATE:
		return create_one(
			world, call->object, json_object_get(call->args, "data"), ret_value, err);
	case CLIENT_CREATE_MANY:
	case CLIENT_UPDATE_MANY:
		return answer_create_many(world, call, ret_value, err);
	case CLIENT_ENSURE:
		return answer_ensure(world, call, ret_value, err);
	case CLIENT_UPDATE:
		return answer_update(world, call, ret_value, err);
	case CLIENT_UPDATE_WHERE:
		return answer_update_where(world, call, ret_value, err);
	case CLIENT_DELETE:
	case CLIENT_RESTORE:
	case CLIENT_DESTROY:
	case CLIENT_ERASE:
		return answer_remove(world, call, ret_value, err);
	case CLIENT_DUPLICATES:
		return answer_duplicates(world, call, ret_value, err);
	case CLIENT_MERGE:
		return answer_merge(world, call, ret_value, err);
	case CLIENT_MEMBER:
		return answer_member(world, call, ret_value, err);
	case CLIENT_GRAPHQL:
	case CLIENT_HTTP:
	case CLIENT_OP_N:
		break;
	}
	return err_set(err, RC_UNSUPPORTED,
		"no answer is known here: the test says one with api = { %s = function(..) .. end "
		"}",
		client_op_name(call->op));
}
