/* SPDX-License-Identifier: MIT */
/*
 * Deciding predicates: groups, and where the field of a name is.
 * From: route_match.c for every event. To: whether a rule runs, or what is left to ask a worker.
 * The kinds are in predicate_changed.c and predicate_value.c. Cannot fail: what nobody can tell is
 * unsure, and stays so in every group.
 */
#include "runner/predicate.h"

#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/schema.h"
#include "runner/member.h"
#include "runner/predicate_part.h"

/* --- where a field is ------------------------------------------------------------------------- */

bool predicate_has_top(const struct predicate_ask *ask, const char *path)
{
	char top[PREDICATE_PATH_N];
	snprintf(top, sizeof(top), "%.*s", (int)strcspn(path, "."), path);
	return json_object_get(ask->record, top) != NULL || member_find(ask->before, top).n > 0;
}

bool predicate_path(
	const struct predicate_ask *ask, const char *field, char path[static PREDICATE_PATH_N])
{
	snprintf(path, PREDICATE_PATH_N, "%s", field);
	if (predicate_has_top(ask, path))
		return true;
	if (ask->object[0] == '\0')
		return false;
	if (client_path_of(ask->schema, ask->object, field, path, PREDICATE_PATH_N) &&
		predicate_has_top(ask, path))
		return true;
	snprintf(
		path, PREDICATE_PATH_N, "%sId", field); /* a relation, before the schema is known */
	return strchr(field, '.') == NULL && predicate_has_top(ask, path);
}

/* Of anything but a record of Twenty's nobody knows which members it may have. */
bool predicate_lacks(const struct predicate_ask *ask, const char *field)
{
	char path[PREDICATE_PATH_N], top[PREDICATE_PATH_N];
	if (ask->object[0] == '\0' || predicate_has_top(ask, field))
		return false;
	const struct schema_object *object = schema_object(ask->schema, ask->object);
	if (object == NULL || !client_path_of(ask->schema, ask->object, field, path, sizeof(path)))
		return true;
	snprintf(top, sizeof(top), "%.*s", (int)strcspn(path, "."), path);
	return schema_field(object, top) == NULL && schema_field_join(object, top) == NULL;
}

enum predicate_answer predicate_tell_lack(const struct predicate_ask *ask, const char *kind,
	const char *field, const char *so, struct err *ret_lack)
{
	err_set(ret_lack, RC_NOT_FOUND, "%s \"%.100s\" is no field of %.60s: %s", kind, field,
		ask->object, so);
	return PREDICATE_UNSURE;
}

/* --- groups ----------------------------------------------------------------------------------- */

static enum predicate_answer opposite(enum predicate_answer answer)
{
	switch (answer) {
	case PREDICATE_NO:
		return PREDICATE_YES;
	case PREDICATE_YES:
		return PREDICATE_NO;
	case PREDICATE_OPEN:
	case PREDICATE_UNSURE:
		break;
	}
	return answer;
}

static enum predicate_answer decide(
	const struct predicate_ask *ask, struct predicate *p, struct err *ret_lack);

/* A group ends with the first member that settles it. What a worker can still settle is open, even
 * beside something unsure. */
static enum predicate_answer decide_group(
	const struct predicate_ask *ask, struct predicate *p, struct err *ret_lack)
{
	enum predicate_answer settled = p->kind == PREDICATE_ALL ? PREDICATE_NO : PREDICATE_YES;
	enum predicate_answer answer = opposite(settled);
	for (size_t i = 0; i < p->child_n; i++) {
		enum predicate_answer one = decide(ask, p->child[i], ret_lack);
		if (one == settled) {
			answer = settled;
			break;
		}
		if (one == PREDICATE_OPEN || (one == PREDICATE_UNSURE && answer != PREDICATE_OPEN))
			answer = one;
	}
	return p->kind == PREDICATE_NONE ? opposite(answer) : answer;
}

static enum predicate_answer decide(
	const struct predicate_ask *ask, struct predicate *p, struct err *ret_lack)
{
	switch (p->kind) {
	case PREDICATE_CHANGED:
		return predicate_changed(ask, p, ret_lack);
	case PREDICATE_HAS:
		return predicate_has(ask, p, ret_lack);
	case PREDICATE_IS:
		return predicate_is(ask, p, ret_lack);
	case PREDICATE_ALL:
	case PREDICATE_ANY:
	case PREDICATE_NONE:
		return decide_group(ask, p, ret_lack);
	case PREDICATE_ASK:
		break;
	}
	return PREDICATE_OPEN;
}

enum predicate_answer predicate_decide(const struct predicate_ask *ask, struct err *ret_lack)
{
	ret_lack->code = RC_OK;
	return decide(ask, ask->predicate, ret_lack);
}

bool predicate_asks(const struct predicate *p)
{
	bool asks = p->kind == PREDICATE_ASK;
	for (size_t i = 0; i < p->child_n && !asks; i++)
		asks = predicate_asks(p->child[i]);
	return asks;
}

/* --- what is left for a worker ---------------------------------------------------------------- */

static enum rc put_rest(const struct predicate_ask *ask, struct predicate *p, struct buf *out)
{
	static const char *const names[] = {
		[PREDICATE_ALL] = "all", [PREDICATE_ANY] = "any", [PREDICATE_NONE] = "none"};
	struct err lack;
	bool first = true;
	if (p->kind == PREDICATE_ASK)
		return buf_printf(out, "{\"ask\":%d}", p->function);
	enum rc rc = buf_printf(out, "{\"%s\":[", names[p->kind]);
	for (size_t i = 0; i < p->child_n && rc == RC_OK; i++) {
		enum predicate_answer one = decide(ask, p->child[i], &lack);
		if (one != PREDICATE_OPEN && one != PREDICATE_UNSURE)
			continue; /* it settles nothing, or the group would not be open */
		if (!first)
			rc = buf_put(out, ",", 1);
		first = false;
		if (rc == RC_OK)
			rc = one == PREDICATE_OPEN ? put_rest(ask, p->child[i], out)
						   : buf_put_text(out, "null");
	}
	return rc == RC_OK ? buf_put_text(out, "]}") : rc;
}

enum rc predicate_put_rest(const struct predicate_ask *ask, struct buf *out)
{
	return put_rest(ask, ask->predicate, out);
}
