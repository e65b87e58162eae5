/* SPDX-License-Identifier: MIT */
/*
 * Makes up deliveries.
 * From: trigger.c. The shape is that of recorded webhooks of Twenty 2.21; objects that are not
 * known here get the fields that every record has. It sends nothing.
 */
#include "cli/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/uuid.h"

#define PATH_DEPTH_MAX 8
#define WORKSPACE "20202020-1c25-4d02-bf25-6aeccf7ea419"

/* The fields of a fresh record, without what all records have. */
static const struct {
	const char *object;
	const char *changed; /* what an update changes unless told otherwise */
	const char *fields;
} objects[] = {
	{"person", "jobTitle",
		"{\"name\":{\"firstName\":\"Ann\",\"lastName\":\"Example\"},\"emails\":{"
		"\"primaryEmail\":\"ann@example.com\",\"additionalEmails\":[]},\"linkedinLink\":{"
		"\"primaryLinkLabel\":\"\",\"primaryLinkUrl\":\"\",\"secondaryLinks\":[]},"
		"\"jobTitle\":\"\",\"phones\":{\"primaryPhoneNumber\":\"\","
		"\"primaryPhoneCountryCode\":\"\",\"primaryPhoneCallingCode\":\"\","
		"\"additionalPhones\":[]},\"avatarUrl\":\"\",\"companyId\":null}"},
	{"company", "name",
		"{\"name\":\"Example\",\"domainName\":{\"primaryLinkLabel\":\"\","
		"\"primaryLinkUrl\":\"https://example.com\",\"secondaryLinks\":[]},\"address\":{"
		"\"addressStreet1\":\"\",\"addressStreet2\":\"\",\"addressCity\":\"\","
		"\"addressPostcode\":\"\",\"addressState\":\"\",\"addressCountry\":\"\","
		"\"addressLat\":null,\"addressLng\":null},\"linkedinLink\":{\"primaryLinkLabel\":"
		"\"\",\"primaryLinkUrl\":\"\",\"secondaryLinks\":[]},\"annualRevenue\":{"
		"\"amountMicros\":null,\"currencyCode\":null},\"employees\":null,"
		"\"accountOwnerId\":null}"},
	{"opportunity", "stage",
		"{\"name\":\"Example deal\",\"amount\":{\"amountMicros\":2500000000,"
		"\"currencyCode\":\"USD\"},\"closeDate\":null,\"stage\":\"NEW\",\"companyId\":"
		"null,\"pointOfContactId\":null,\"ownerId\":null}"},
	{"task", "status",
		"{\"title\":\"Call back\",\"bodyV2\":{\"blocknote\":\"\",\"markdown\":\"\"},"
		"\"dueAt\":null,\"status\":\"TODO\",\"assigneeId\":null}"},
	{"note", "title",
		"{\"title\":\"A note\",\"bodyV2\":{\"blocknote\":\"\",\"markdown\":\"\"}}"},
};

static const char *const actions[] = {
	"created", "updated", "deleted", "restored", "destroyed", NULL};

static enum rc split_event(
	const char *event, char object[static 64], const char **ret_action, struct err *err)
{
	const char *dot = strchr(event, '.');
	size_t n = dot != NULL ? (size_t)(dot - event) : 0;
	if (dot == NULL || n == 0 || n > 63 ||
		strspn(event, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") !=
			n)
		return err_set(err, RC_INVALID,
			"`%s` is no event; write object.action, such as person.created", event);
	for (size_t i = 0; actions[i] != NULL; i++) {
		if (strcmp(dot + 1, actions[i]) == 0) {
			snprintf(object, 64, "%.*s", (int)n, event);
			*ret_action = dot + 1;
			return RC_OK;
		}
	}
	const char *near = conf_nearest(dot + 1, actions);
	return err_set(err, RC_INVALID,
		"there is no action `%s`; %s%s%s created, updated, deleted, restored, destroyed",
		dot + 1, near != NULL ? "did you mean " : "", near != NULL ? near : "",
		near != NULL ? "? There are" : "there are");
}

static json_t *fields_of(const char *object, const char **ret_changed)
{
	*ret_changed = "name";
	for (size_t i = 0; i < ARRAY_N(objects); i++) {
		if (strcmp(objects[i].object, object) == 0) {
			*ret_changed = objects[i].changed;
			return json_loads(objects[i].fields, 0, NULL);
		}
	}
	return json_pack("{s:s}", "name", "Example");
}

/* --- --set
 * ----------------------------------------------------------------------------------------- */

/* Puts value (TAKES) at the dotted path below record, making objects on the way. */
static enum rc put_at(json_t *record, const char *path, json_t *value, struct err *err)
{
	char part[128];
	json_t *at = record;
	for (int depth = 0; depth < PATH_DEPTH_MAX; depth++) {
		size_t n = strcspn(path, ".");
		if (n == 0 || n >= sizeof(part))
			break;
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (path[n] == '\0')
			return json_object_set_new(at, part, value) == 0
				       ? RC_OK
				       : err_set(err, RC_INVALID, "%s cannot be set", part);
		json_t *next = json_object_get(at, part);
		if (!json_is_object(next)) {
			next = json_object();
			if (json_object_set_new(at, part, next) != 0)
				break;
		}
		at = next;
		path += n + 1;
	}
	json_decref(value);
	return err_set(err, RC_INVALID, "`%s` is no field", path);
}

static enum rc note_changed(json_t *changed, const char *name)
{
	size_t i, n = strlen(name);
	json_t *seen;
	char relation[128];
	json_array_foreach(changed, i, seen)
	{
		if (strcmp(json_string_value(seen), name) == 0)
			return RC_OK;
	}
	/* A relation is named twice: company and companyId. */
	if (n > 2 && n < sizeof(relation) && strcmp(name + n - 2, "Id") == 0) {
		snprintf(relation, sizeof(relation), "%.*s", (int)n - 2, name);
		if (json_array_append_new(changed, json_string(relation)) != 0)
			return RC_NOMEM;
	}
	return json_array_append_new(changed, json_string(name)) == 0 ? RC_OK : RC_NOMEM;
}

static enum rc apply_set(json_t *record, json_t *changed, const char *set, struct err *err)
{
	char path[256], name[128];
	size_t n = strcspn(set, "=");
	if (set[n] != '=' || n == 0 || n >= sizeof(path))
		return err_set(err, RC_INVALID, "--set wants field=value, not `%s`", set);
	snprintf(path, sizeof(path), "%.*s", (int)n, set);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, "."), path);
	json_t *value = json_loads(set + n + 1, JSON_DECODE_ANY, NULL);
	if (value == NULL)
		value = json_string(set + n + 1);
	if (value == NULL)
		return err_set(err, RC_INVALID, "the value of --set %s is no UTF-8", path);
	enum rc rc = put_at(record, path, value, err);
	if (rc == RC_OK && note_changed(changed, name) != RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory");
	return rc;
}

/* --- the whole
 * ---------------------------------------------------------------------------------------- */

static json_t *record_of(
	const char *object, const char *action, const struct uuid *id, const char **ret_changed)
{
	char now[CLOCK_TEXT_N], before[CLOCK_TEXT_N];
	bool gone = strcmp(action, "deleted") == 0 || strcmp(action, "destroyed") == 0;
	int64_t ms = clock_wall_ms();
	clock_format(ms, now);
	clock_format(strcmp(action, "created") == 0 ? ms : ms - 86400000, before);
	json_t *record = json_pack("{s:s, s:s, s:s, s:o}", "id", id->text, "createdAt", before,
		"updatedAt", now, "deletedAt", gone ? json_string(now) : json_null());
	json_t *fields = fields_of(object, ret_changed);
	json_t *by = json_pack("{s:s, s:n, s:s, s:{}}", "source", "MANUAL", "workspaceMemberId",
		"name", "moonhook trigger", "context");
	if (record == NULL || fields == NULL || by == NULL ||
		json_object_update(record, fields) != 0 ||
		json_object_set_new(record, "position", json_integer(0)) != 0 ||
		json_object_set(record, "createdBy", by) != 0 ||
		json_object_set(record, "updatedBy", by) != 0) {
		json_decref(record);
		record = NULL;
	}
	json_decref(fields);
	json_decref(by);
	return record;
}

/* TAKES record and changed. */
static json_t *wrap(
	const char *event, const char *object, const char *action, json_t *record, json_t *changed)
{
	char now[CLOCK_TEXT_N], name[96];
	struct uuid type, hook;
	clock_format(clock_wall_ms(), now);
	snprintf(name, sizeof(name), "object %s", object);
	if (uuid_derive(slice_of(name), &type) != RC_OK ||
		uuid_derive(slice_of("moonhook trigger"), &hook) != RC_OK) {
		json_decref(record);
		json_decref(changed);
		return NULL;
	}
	json_t *body = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:s, s:o}", "targetUrl", "",
		"eventName", event, "objectMetadata", "id", type.text, "nameSingular", object,
		"workspaceId", WORKSPACE, "webhookId", hook.text, "eventDate", now, "record",
		record);
	if (body != NULL && strcmp(action, "updated") == 0)
		(void)json_object_set(body, "updatedFields", changed);
	json_decref(changed);
	return body;
}

enum rc delivery_new(const char *event, const char *const *sets, size_t sets_n, json_t **ret_body,
	struct err *err)
{
	char object[64];
	const char *action = NULL, *usual = NULL;
	struct uuid id;
	enum rc rc = split_event(event, object, &action, err);
	if (rc == RC_OK)
		rc = uuid_new(&id, err);
	if (rc != RC_OK)
		return rc;
	json_t *record = record_of(object, action, &id, &usual), *changed = json_array();
	if (record == NULL || changed == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for the delivery");
	for (size_t i = 0; i < sets_n && rc == RC_OK; i++)
		rc = apply_set(record, changed, sets[i], err);
	const char *own = json_string_value(json_object_get(record, "id"));
	if (rc == RC_OK && (own == NULL || !uuid_valid(own)))
		rc = err_set(err, RC_INVALID, "the record's id is no UUID");
	if (rc == RC_OK && sets_n == 0 && note_changed(changed, usual) != RC_OK)
		rc = err_set(err, RC_NOMEM, "no memory for the delivery");
	if (rc != RC_OK) {
		json_decref(record);
		json_decref(changed);
		return rc;
	}
	json_t *body = wrap(event, object, action, record, changed);
	if (body == NULL)
		return err_set(err, RC_NOMEM, "no memory for the delivery");
	*ret_body = body;
	return RC_OK;
}

enum rc delivery_of_hook(const char *scheme, const char *const *sets, size_t sets_n,
	json_t **ret_body, struct err *err)
{
	struct uuid id;
	char text[64];
	enum rc rc = uuid_new(&id, err);
	if (rc != RC_OK)
		return rc;
	snprintf(text, sizeof(text), "evt_%s", id.text);
	json_t *body = json_object(), *changed = json_array();
	if (strcmp(scheme, "stripe") == 0) {
		json_decref(body);
		body = json_pack("{s:s, s:s, s:s}", "id", text, "object", "event", "type",
			"payment_intent.succeeded");
	}
	if (body == NULL || changed == NULL)
		rc = err_set(err, RC_NOMEM, "no memory for the delivery");
	for (size_t i = 0; i < sets_n && rc == RC_OK; i++)
		rc = apply_set(body, changed, sets[i], err);
	json_decref(changed);
	if (rc == RC_OK)
		*ret_body = body;
	else
		json_decref(body);
	return rc;
}
