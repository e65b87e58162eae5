/* SPDX-License-Identifier: MIT */
/* Duplicates and merging, for both dialects. */
#ifndef MOONHOOK_TESTS_TWIN_MERGE_H
#define MOONHOOK_TESTS_TWIN_MERGE_H

#include <jansson.h>

#include "tests/twin/change.h"

#define MERGE_MAX 9

/* Living rows, other than self, that a real server calls duplicates of the record or input. GIVES
 * an array of records. */
json_t *duplicates_find(const struct object *o, const json_t *input, const struct row *self);

/* What the merge of rows would be: rows[winner] decides where values conflict. GIVES. */
json_t *merge_preview(const struct object *o, struct row *const *rows, size_t n, size_t winner);
/* Merges: the losers are destroyed, their relations go to the winner. GIVES its record. */
bool merge_rows(struct world *w, struct object *o, struct row **rows, size_t n, size_t winner,
	json_t **ret, struct fail *fail) must_check;

#endif
