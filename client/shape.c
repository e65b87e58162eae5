/* SPDX-License-Identifier: MIT */
/*
 * Records turned from one shape into another.
 * From: what rules write, what servers and webhooks bring. To: the shape of a real server, which is
 * the only one that rules and the rest of this room see, or the documentation's on the way out.
 * Fails rather than lose something on the way out; keeps what it does not know on the way in. Never
 * changes its input.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/phone.h"
#include "base/uuid.h"
#include "client/fields.h"
#include "client/names.h"

/* Sets the value (STOLEN) at a path, making objects on the way that did not come with it. */
static bool put(json_t *record, const char *path, json_t *value)
{
	char part[FIELD_PATH_MAX];
	snprintf(part, sizeof(part), "%s", path);
	char *key = part;
	for (char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1) {
		*dot = '\0';
		json_t *next = json_object_get(record, key);
		if (!json_is_object(next)) {
			next = json_object();
			if (json_object_set_new(record, key, next) != 0) {
				json_decref(value);
				return false;
			}
		}
		record = next;
	}
	json_t *there = json_object_get(record, key);
	if (!json_is_object(there) || !json_is_object(value))
		return json_object_set_new(record, key, value) == 0;
	bool ok = json_object_update(there, value) == 0; /* parts beside other parts */
	json_decref(value);
	return ok;
}

static json_t *money_of(const json_t *number)
{
	double micros = json_number_value(number) * 1e6;
	if (!isfinite(micros) || fabs(micros) > 9e15)
		return NULL;
	return json_pack("{s:I}", "amountMicros", (json_int_t)llround(micros));
}

static json_t *phone_of(const char *text)
{
	struct phone phone;
	if (!phone_parse(text, &phone))
		return json_pack("{s:s}", "primaryPhoneNumber", text);
	return json_pack("{s:s, s:s, s:s}", "primaryPhoneNumber", phone.number,
		"primaryPhoneCallingCode", phone.calling, "primaryPhoneCountryCode", phone.country);
}

/* "acme.io" -> "https://acme.io", as people's browsers write it. */
static json_t *link_of(const char *text)
{
	char host[FIELD_PATH_MAX];
	if (strstr(text, "://") != NULL || !field_domain(text, host, sizeof(host)))
		return json_string(text);
	return json_sprintf("https://%s", host);
}

/* What a rule wrote for a field -> what is kept, and where. NULL: it makes no sense. */
static json_t *kept_of(const struct field *f, json_t *value, const char **ret_path)
{
	const char *text = json_string_value(value);
	*ret_path = f->path;
	if (f->type == FIELD_MONEY && json_is_number(value))
		return money_of(value);
	if (f->type == FIELD_PHONE && text != NULL)
		return phone_of(text);
	if (f->type == FIELD_LIST && text != NULL)
		return json_pack("[O]", value);
	bool ends = f->type == FIELD_ID && json_is_null(value); /* of a relation */
	if (f->plain[0] != '\0' && f->type != FIELD_MONEY && (text != NULL || ends))
		*ret_path = f->plain;
	return f->type == FIELD_DOMAIN && text != NULL ? link_of(text) : json_incref(value);
}

/* Puts what a rule wrote for a field where it belongs in out, a copy of all that it wrote. */
static bool expand(json_t *out, const char *key, json_t *value, const struct field *field)
{
	const char *path;
	json_t *kept = kept_of(field, value, &path);
	bool same = kept == value;
	bool moved = strcmp(path, key) != 0 || strchr(key, '.') != NULL;
	if (same) {
		json_decref(kept);
		if (!moved)
			return true;
		kept = json_deep_copy(value); /* which may get more parts */
	}
	size_t key_n = strlen(key);
	bool inside = strncmp(path, key, key_n) == 0 && path[key_n] == '.';
	if (moved && !inside)
		json_object_del(out, key);
	return kept != NULL && put(out, path, kept);
}

enum rc fields_expand(const struct schema *schema, const char *object, const json_t *data,
	json_t **ret_data, struct err *err)
{
	json_t *out = json_deep_copy(data);
	enum rc rc = out == NULL ? err_set(err, RC_NOMEM, "no memory for a record") : RC_OK;
	const char *key;
	json_t *value;
	if (rc == RC_OK)
		json_object_foreach((json_t *)(uintptr_t)data, key, value)
		{
			struct field field;
			rc = field_find(schema, object, key, &field, err);
			if (rc == RC_OK && !expand(out, key, value, &field))
				rc = err_set(err, RC_INVALID, "%s: no value that can be kept", key);
			if (rc != RC_OK)
				break;
		}
	if (rc == RC_OK)
		*ret_data = out;
	else
		json_decref(out);
	return rc;
}

/* A value of the real server's shape -> the flat one. NULL: there are no words for it. */
static json_t *flat_of(const struct name *n, json_t *value)
{
	if (n->type == FIELD_MONEY && json_is_object(value)) {
		json_t *micros = json_object_get(value, "amountMicros");
		json_t *currency = json_object_get(value, "currencyCode");
		if (currency != NULL && !json_is_null(currency))
			return NULL;
		if (!json_is_number(micros))
			return json_null();
		double units = json_number_value(micros) / 1e6;
		return units == trunc(units) ? json_integer((json_int_t)units) : json_real(units);
	}
	if (n->type == FIELD_PHONE && json_is_object(value)) {
		const char *number =
			json_string_value(json_object_get(value, "primaryPhoneNumber"));
		const char *code =
			json_string_value(json_object_get(value, "primaryPhoneCallingCode"));
		if (number == NULL ||
			json_array_size(json_object_get(value, "additionalPhones")) > 0)
			return NULL;
		return json_sprintf("%s%s", number[0] != '\0' && code != NULL ? code : "", number);
	}
	return json_is_object(value) ? NULL : json_incref(value);
}

/* companyId -> company: {connect: id}; null ends the relation */
static enum rc relation_to_docs(json_t *out, const char *key, json_t *value, struct err *err)
{
	char name[FIELD_PATH_MAX];
	snprintf(name, sizeof(name), "%.*s", (int)strlen(key) - 2, key);
	json_t *relation = json_is_null(value) ? json_pack("{s:b}", "disconnect", 1)
					       : json_pack("{s:O}", "connect", value);
	if (json_object_set_new(out, name, relation) != 0)
		return err_set(err, RC_NOMEM, "no memory for a record");
	return RC_OK;
}

static bool is_relation(const char *key, const json_t *value)
{
	size_t n = strlen(key);
	return n > 2 && strcmp(key + n - 2, "Id") == 0 &&
	       (json_is_null(value) ||
		       (json_is_string(value) && uuid_valid(json_string_value(value))));
}

static bool all_empty(json_t *object)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		const char *text = json_string_value(value);
		if (!json_is_null(value) && (text == NULL || *text != '\0') &&
			(!json_is_array(value) || json_array_size(value) > 0))
			return false;
	}
	return true;
}

/* Moves what the documentation has a flat name for out of its composite field. */
static enum rc flatten(const char *object, json_t *left, json_t *out, struct err *err)
{
	for (const struct name *n = name_next(object, NULL); n != NULL; n = name_next(object, n)) {
		if (n->docs == NULL)
			continue;
		char top[FIELD_PATH_MAX];
		snprintf(top, sizeof(top), "%.*s", (int)strcspn(n->path, "."), n->path);
		json_t *whole = json_object_get(left, top);
		const char *sub = strchr(n->path, '.');
		json_t *value = sub != NULL ? json_object_get(whole, sub + 1) : whole;
		if (value == NULL)
			continue;
		json_t *flat = flat_of(n, value);
		if (flat == NULL)
			return err_set(err, RC_UNSUPPORTED,
				n->type == FIELD_MONEY
					? "%s: this server's API knows no currency: write a plain "
					  "number"
					: "%s: this server's API cannot say all of that value",
				n->name);
		if (json_object_set_new(out, n->docs, flat) != 0)
			return err_set(err, RC_NOMEM, "no memory for a record");
		if (sub != NULL)
			json_object_del(whole, sub + 1);
		if (sub == NULL || all_empty(whole))
			json_object_del(left, top);
	}
	return RC_OK;
}

enum rc fields_to_docs(const char *object, const json_t *data, json_t **ret_data, struct err *err)
{
	json_t *left = json_deep_copy(data), *out = json_object();
	enum rc rc = left == NULL || out == NULL ? err_set(err, RC_NOMEM, "no memory for a record")
						 : flatten(object, left, out, err);
	const char *key;
	json_t *value;
	if (rc == RC_OK)
		json_object_foreach(left, key, value)
		{
			if (is_relation(key, value))
				rc = relation_to_docs(out, key, value, err);
			else if (json_object_set(out, key, value) != 0)
				rc = err_set(err, RC_NOMEM, "no memory for a record");
			if (rc != RC_OK)
				break;
		}
	json_decref(left);
	if (rc == RC_OK)
		*ret_data = out;
	else
		json_decref(out);
	return rc;
}

/* The flat value of a documented field; NULL: the record has none. One that has the real server's
 * field, too, has a field of the workspace's own under that name. */
static json_t *flat_in(const json_t *record, const struct name *n)
{
	json_t *value = json_object_get(record, n->docs);
	return json_is_object(value) ||
			       (strcmp(n->docs, n->path) != 0 && field_known(record, n->path))
		       ? NULL
		       : value;
}

/* One known flat field of a documented record -> its place in the real server's shape. */
static bool unflatten(const struct name *n, const json_t *record, json_t *out)
{
	json_t *value = flat_in(record, n);
	if (value == NULL)
		return true;
	json_t *whole;
	if (json_is_null(value))
		whole = n->type == FIELD_MONEY
				? json_pack("{s:n, s:n}", "amountMicros", "currencyCode")
			: n->type == FIELD_PHONE ? json_pack("{s:s}", "primaryPhoneNumber", "")
						 : json_string("");
	else if (n->type == FIELD_MONEY && json_is_number(value)) {
		whole = money_of(value);
		if (whole != NULL && json_object_set_new(whole, "currencyCode", json_null()) != 0)
			return false;
	} else if (n->type == FIELD_PHONE && json_is_string(value))
		whole = phone_of(json_string_value(value));
	else
		whole = json_incref(value);
	if (whole == NULL)
		return false;
	if (strcmp(n->docs, n->path) != 0)
		json_object_del(out, n->docs);
	return put(out, n->path, whole);
}

/* company: {id, name} also gives companyId. */
static bool relations_from_docs(json_t *out, const json_t *record)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		json_t *id = json_object_get(value, "id");
		char name[FIELD_PATH_MAX];
		if (!json_is_string(id) || strlen(key) + 3 > sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%sId", key);
		if (json_object_get(out, name) == NULL && json_object_set(out, name, id) != 0)
			return false;
	}
	return true;
}

/* Whether a record has anything of the documentation's shape in it. */
static bool is_flat(const char *object, const json_t *record)
{
	for (const struct name *n = name_next(object, NULL); n != NULL; n = name_next(object, n)) {
		if (n->docs != NULL && flat_in(record, n) != NULL)
			return true;
	}
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		char name[FIELD_PATH_MAX];
		if (!json_is_string(json_object_get(value, "id")) || strlen(key) + 3 > sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%sId", key);
		if (json_object_get(record, name) == NULL)
			return true;
	}
	return false;
}

json_t *fields_from_docs(const char *object, const json_t *record)
{
	if (!json_is_object(record) || !is_flat(object, record))
		return json_incref((json_t *)(uintptr_t)record);
	json_t *out = json_deep_copy(record);
	if (out == NULL)
		return NULL;
	bool ok = relations_from_docs(out, record);
	for (const struct name *n = name_next(object, NULL); ok && n != NULL;
		n = name_next(object, n))
		if (n->docs != NULL)
			ok = unflatten(n, record, out);
	if (!ok) {
		json_decref(out);
		return NULL;
	}
	return out;
}

enum rc fields_pick(const struct schema *schema, const char *object, const json_t *record,
	const json_t *wanted, json_t **ret_record, struct err *err)
{
	json_t *out = json_object();
	json_t *id = json_object_get(record, "id");
	enum rc rc = out == NULL ? RC_NOMEM : RC_OK;
	if (rc == RC_OK && id != NULL && json_object_set(out, "id", id) != 0)
		rc = RC_NOMEM;
	size_t i;
	json_t *each;
	json_array_foreach(wanted, i, each)
	{
		struct field field;
		if (rc == RC_OK)
			rc = field_find(schema, object, json_string_value(each), &field, err);
		if (rc != RC_OK)
			break;
		json_t *value = field_value(record, field.path);
		if (value == NULL && !field_known(record, field.path))
			continue;
		value = value != NULL ? json_deep_copy(value) : json_null();
		if (value == NULL || !put(out, field.path, value))
			rc = err_set(err, RC_NOMEM, "no memory for a record");
	}
	if (rc == RC_OK)
		*ret_record = out;
	else
		json_decref(out);
	return rc;
}
