/* SPDX-License-Identifier: MIT */
/* Whether a record shows that what was written has been written. */
#ifndef MOONHOOK_CLIENT_EVIDENCE_H
#define MOONHOOK_CLIENT_EVIDENCE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"

/* True where every value of data (shape of a real server) is in the record. False is no proof of
 * the contrary: a server writes some values in its own way. */
bool evidence_shows(const json_t *record, const json_t *data);
/* RC_UNSUPPORTED where an answer shows another relation than was written, or one that was to end:
 * not every server understands how relations are written here, and some keep silent about it. What
 * the answer does not show is not judged. did: "made", "changed". */
enum rc evidence_relations(
	const json_t *record, const json_t *data, const char *did, struct err *err) must_check;

#endif
