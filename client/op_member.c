/* SPDX-License-Identifier: MIT */
/*
 * member {email} -> the workspace member with that address | null
 * From: life.c. One list of workspaceMembers. The address is asked for as it was written and in
 * lower case, which is how most servers keep it.
 */
#include <ctype.h>
#include <string.h>

#include "client/listing.h"
#include "client/operation.h"

#define EMAIL_MAX 254

static enum rc member_check(
	const struct schema *schema, const char *object, const json_t *args, struct err *err)
{
	(void)schema;
	const json_t *email = json_object_get(args, "email");
	size_t n = json_string_length(email);
	if (strcmp(object, "workspaceMembers") != 0)
		return err_set(err, RC_INVALID, "member: only workspaceMembers are members");
	if (n == 0 || n > EMAIL_MAX || strlen(json_string_value(email)) != n)
		return err_set(err, RC_DENIED, "member: an e-mail address is missing");
	return RC_OK;
}

static enum rc found(struct call *call, struct listing *l, struct err *err)
{
	json_t *first = json_array_get(l->records, 0);
	return call_end(call, first != NULL ? json_incref(first) : json_null(), err);
}

static json_t *condition_of(const char *email)
{
	char lower[EMAIL_MAX + 1];
	size_t n = 0;
	for (; email[n] != '\0' && n < EMAIL_MAX; n++)
		lower[n] = (char)tolower((unsigned char)email[n]);
	lower[n] = '\0';
	return strcmp(lower, email) == 0 ? json_pack("{s:s}", "userEmail", email)
					 : json_pack("{s:[s, s]}", "userEmail", email, lower);
}

static enum rc member_start(struct call *call, struct err *err)
{
	struct listing *l = NULL;
	json_t *condition = condition_of(call_text(call, "email"));
	enum rc rc = condition == NULL ? err_set(err, RC_NOMEM, "no memory for a list")
				       : listing_new_where(call, condition, &l, err);
	json_decref(condition);
	if (rc != RC_OK)
		return rc;
	l->want = 1;
	return listing_start(call, l, found, err);
}

const struct operation operation_member = {member_check, member_start};
