/* SPDX-License-Identifier: MIT */
/*
 * Which operation stands behind which number, and what the arguments of several have in common.
 * From: client.c, which checks arguments, and life.c, which begins. To: op_*.c.
 */
#include "client/operation.h"

#include <string.h>
#include <strings.h>

/* CLIENT_HTTP does not come here: web.h. */
const struct operation *const operations[CLIENT_OP_N] = {
	[CLIENT_GET] = &operation_get,
	[CLIENT_LIST] = &operation_list,
	[CLIENT_COUNT] = &operation_count,
	[CLIENT_GROUP_BY] = &operation_group_by,
	[CLIENT_CREATE] = &operation_create,
	[CLIENT_CREATE_MANY] = &operation_create_many,
	[CLIENT_ENSURE] = &operation_ensure,
	[CLIENT_UPDATE] = &operation_update,
	[CLIENT_UPDATE_MANY] = &operation_update_many,
	[CLIENT_UPDATE_WHERE] = &operation_update_where,
	[CLIENT_DELETE] = &operation_delete,
	[CLIENT_RESTORE] = &operation_restore,
	[CLIENT_DESTROY] = &operation_destroy,
	[CLIENT_DUPLICATES] = &operation_duplicates,
	[CLIENT_MERGE] = &operation_merge,
	[CLIENT_GRAPHQL] = &operation_graphql,
	[CLIENT_MEMBER] = &operation_member,
	[CLIENT_ERASE] = &operation_destroy,
};

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

enum rc check_filter(
	const struct schema *schema, const char *object, const json_t *condition, struct err *err)
{
	struct where *where = NULL;
	enum rc rc = where_parse(schema, object, condition, &where, err);
	where_free(where);
	return rc;
}

static bool is_nothing(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) == 0;
}

/* { email = "" } is everybody who has none: nobody means that. A list can hold it as well, and the
 * ways to write a domain are one. */
static bool compares_with_nothing(const struct where *w)
{
	size_t k;
	json_t *each;
	bool test = w->kind == WHERE_TEST && !w->negated;
	bool empty = test && w->op == WHERE_EQ && is_nothing(w->value);
	if (test && w->op == WHERE_IN)
		json_array_foreach(w->value, k, each) empty = empty || is_nothing(each);
	for (size_t i = 0; !empty && i < w->child_n; i++)
		empty = compares_with_nothing(w->child[i]);
	return empty;
}

enum rc check_condition(const struct schema *schema, const char *object, const json_t *condition,
	const char *what, struct err *err)
{
	struct where *where = NULL;
	enum rc rc = where_parse(schema, object, condition, &where, err);
	if (rc == RC_OK && !where_tests(where))
		rc = err_set(err, RC_DENIED, "%s: the condition is empty", what);
	if (rc == RC_OK && compares_with_nothing(where))
		rc = err_set(err, RC_DENIED,
			"%s: the condition compares with \"\": write empty = true where that is "
			"meant",
			what);
	where_free(where);
	return rc;
}

enum rc check_deleted(const json_t *deleted, struct err *err)
{
	const char *bin = json_string_value(deleted);
	if (deleted == NULL || json_is_null(deleted) ||
		(bin != NULL && (strcmp(bin, "only") == 0 || strcmp(bin, "also") == 0)))
		return RC_OK;
	return err_set(err, RC_INVALID, "deleted: \"only\" or \"also\"");
}

enum deleted deleted_of(const json_t *args)
{
	const char *bin = json_string_value(json_object_get(args, "deleted"));
	return bin == NULL ? DELETED_NOT : strcmp(bin, "only") == 0 ? DELETED_ONLY : DELETED_ALSO;
}

enum rc check_list(const json_t *list, const char *what, struct err *err)
{
	bool empty = list == NULL || json_is_null(list) ||
		     (json_is_object(list) && json_object_size(list) == 0);
	if (!empty && !json_is_array(list))
		return err_set(err, RC_INVALID, "%s: a list of names is expected", what);
	return RC_OK;
}

enum rc check_fields(
	const struct schema *schema, const char *object, const json_t *fields, struct err *err)
{
	size_t i;
	json_t *each;
	enum rc rc = check_list(fields, "fields", err);
	json_array_foreach(fields, i, each)
	{
		struct field field;
		if (rc == RC_OK && !json_is_string(each))
			rc = err_set(err, RC_INVALID, "fields: a list of names is expected");
		if (rc == RC_OK)
			rc = field_find(schema, object, json_string_value(each), &field, err);
	}
	return rc;
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

enum rc reply_missing(struct err *err)
{
	return err_set(err, RC_NOT_FOUND, "there is no such record");
}
