/* SPDX-License-Identifier: MIT */
/*
 * Comparing a record with what was sent.
 * From: op_update.c, after an answer was lost, and every operation that writes relations. To: done,
 * or once more. Errs on the side of "not there": to write the same again does no harm.
 */
#include "client/evidence.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/uuid.h"
#include "client/fields.h"
#include "client/fold.h"

static bool is_empty(const json_t *v)
{
	return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

static bool same(const char *key, const json_t *have, const json_t *want)
{
	if (json_is_object(want)) {
		const char *sub;
		json_t *part;
		json_object_foreach((json_t *)(uintptr_t)want, sub,
			part) if (!same(sub, json_object_get(have, sub), part)) return false;
		return json_object_size(want) > 0 && json_is_object(have);
	}
	if (is_empty(want))
		return is_empty(have);
	if (json_is_number(want))
		return json_is_number(have) && json_number_value(have) == json_number_value(want);
	if (json_is_string(want) && json_is_string(have) && strcmp(key, "primaryEmail") == 0)
		return fold_equal(json_string_value(have), json_string_value(want));
	return json_equal(have, want) != 0;
}

bool evidence_shows(const json_t *record, const json_t *data)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)data, key,
		value) if (!same(key, json_object_get(record, key), value)) return false;
	return true;
}

/* What a value of data says its relation is to become: "": none; NULL: that cannot be told. */
static const char *wanted(const char *key, const json_t *value, char ret_id[static 64])
{
	size_t n = strlen(key);
	const json_t *connect = json_object_get(value, "connect");
	const json_t *id = json_object_get(json_object_get(connect, "where"), "id");
	if (json_is_object(value)) { /* company: {connect ..} */
		snprintf(ret_id, 64, "%.60sId", key);
		return json_is_true(json_object_get(value, "disconnect")) ? ""
		       : json_is_string(connect) ? json_string_value(connect)
						 : json_string_value(id);
	}
	if (n < 3 || n > 62 || strcmp(key + n - 2, "Id") != 0)
		return NULL;
	snprintf(ret_id, 64, "%s", key);
	return json_is_null(value) ? "" : json_string_value(value);
}

enum rc evidence_relations(
	const json_t *record, const json_t *data, const char *did, struct err *err)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		char id[64] = "";
		const char *want = wanted(key, value, id);
		const char *have = json_string_value(field_value(record, id));
		if (want != NULL && *want == '\0' && have != NULL)
			return err_set(err, RC_UNSUPPORTED, "this server did not end the relation");
		if (want != NULL && uuid_valid(want) && field_known(record, id) &&
			(have == NULL || strcasecmp(have, want) != 0))
			return err_set(err, RC_UNSUPPORTED,
				"the record was %s, but the server did not connect its %.*s", did,
				(int)strlen(id) - 2, id);
	}
	return RC_OK;
}
