/* SPDX-License-Identifier: MIT */
/* What a value is, as far as that can be seen: an object of the CRM, a record of one, an event. */
#ifndef MOONHOOK_RUNNER_CHECK_TYPE_H
#define MOONHOOK_RUNNER_CHECK_TYPE_H

#include "client/schema.h"
#include "runner/check/interface.h"
#include "runner/check/pass.h"

enum check_type_kind {
	TYPE_UNKNOWN, /* most values */
	TYPE_TWENTY,  /* twenty */
	TYPE_OBJECTS, /* twenty.people */
	TYPE_RECORD,
	TYPE_RECORDS, /* a list of them, or an iterator over them */
	TYPE_EVENT,
	TYPE_FIELD, /* a field of a record: its value */
};

struct check_type {
	enum check_type_kind kind;
	struct slice name; /* of OBJECTS: as it is written, "people" */
	/* Of OBJECTS, RECORD, RECORDS, FIELD: which, where the schema knows; of a record that may
	 * be of several objects: all of them. */
	const struct schema_object *objects[CHECK_OBJECTS_MAX];
	size_t objects_n;
	const struct check_handler *handler; /* of EVENT, and of its record */
	bool maybe;                          /* nil where there is none */
	bool iterator;
	bool before;        /* of an event: the record as it was */
	struct slice field; /* of FIELD: its name */
};

struct check_type check_type_of(const struct check_pass *pass, const struct check_node *node);
/* Calls of the CRM or the web: `twenty.people:get(id)`, `http.get(url)`. */
bool check_is_call(const struct check_pass *pass, const struct check_node *node);

#endif
