/* SPDX-License-Identifier: MIT */
/* Deliveries made up by `moonhook trigger` look like those of a real server. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "base/uuid.h"
#include "cli/delivery.h"

static json_t *made(const char *event, const char *const *sets, size_t n)
{
	json_t *body = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(delivery_new(event, sets, n, &body, &err), RC_OK, "%s", err.msg);
	return body;
}

static const char *text_at(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

Test(cli_delivery, every_key_of_a_recorded_delivery_is_there)
{
	static const char *const keys[] = {"targetUrl", "eventName", "objectMetadata",
		"workspaceId", "webhookId", "eventDate", "record"};
	static const char *const record_keys[] = {"id", "createdAt", "updatedAt", "deletedAt",
		"name", "emails", "linkedinLink", "jobTitle", "phones", "avatarUrl", "position",
		"createdBy", "updatedBy", "companyId"};
	json_t *body = made("person.created", NULL, 0);
	json_t *record = json_object_get(body, "record");
	for (size_t i = 0; i < ARRAY_N(keys); i++)
		cr_expect(json_object_get(body, keys[i]) != NULL, "%s", keys[i]);
	for (size_t i = 0; i < ARRAY_N(record_keys); i++)
		cr_expect(json_object_get(record, record_keys[i]) != NULL, "%s", record_keys[i]);
	cr_expect(uuid_valid(text_at(record, "id")));
	cr_expect_str_eq(
		text_at(json_object_get(body, "objectMetadata"), "nameSingular"), "person");
	cr_expect_null(json_object_get(body, "updatedFields"));
	json_decref(body);
}

Test(cli_delivery, two_are_two_records)
{
	json_t *a = made("note.created", NULL, 0), *b = made("note.created", NULL, 0);
	cr_expect_str_neq(text_at(json_object_get(a, "record"), "id"),
		text_at(json_object_get(b, "record"), "id"));
	json_decref(a);
	json_decref(b);
}

Test(cli_delivery, what_is_set_is_set_and_named_as_changed)
{
	static const char *const sets[] = {"name.firstName=Ann=Lee", "companyId=null",
		"employees=12", "custom.deep.er=true", "jobTitle=\"42\""};
	json_t *body = made("person.updated", sets, ARRAY_N(sets));
	json_t *record = json_object_get(body, "record"), *name = json_object_get(record, "name");
	cr_expect_str_eq(text_at(name, "firstName"), "Ann=Lee");
	cr_expect_str_eq(text_at(name, "lastName"), "Example");
	cr_expect_eq(json_integer_value(json_object_get(record, "employees")), 12);
	cr_expect_str_eq(text_at(record, "jobTitle"), "42");
	char *changed = json_dumps(json_object_get(body, "updatedFields"), JSON_COMPACT);
	cr_expect_str_eq(changed,
		"[\"name\",\"company\",\"companyId\",\"employees\",\"custom\",\"jobTitle\"]");
	free(changed);
	json_decref(body);
}

Test(cli_delivery, a_deletion_has_its_time_and_an_unknown_object_works)
{
	json_t *body = made("rocket.deleted", NULL, 0);
	cr_expect(text_at(json_object_get(body, "record"), "deletedAt")[0] != '\0');
	cr_expect_str_eq(
		text_at(json_object_get(body, "objectMetadata"), "nameSingular"), "rocket");
	json_decref(body);
}

Test(cli_delivery, what_makes_no_sense_is_refused_with_a_sentence)
{
	static const char *const events[] = {"person", ".created", "person.", "per/son.created",
		"person.creatd", "../x.created"};
	static const char *const sets[] = {"x", "=1", "a..b=1", "id=7", ".a=1"};
	struct err err;
	json_t *body = NULL;
	for (size_t i = 0; i < ARRAY_N(events); i++)
		cr_expect_eq(
			delivery_new(events[i], NULL, 0, &body, &err), RC_INVALID, "%s", events[i]);
	for (size_t i = 0; i < ARRAY_N(sets); i++)
		cr_expect_eq(delivery_new("person.created", &sets[i], 1, &body, &err), RC_INVALID,
			"%s", sets[i]);
}
