/* SPDX-License-Identifier: MIT */
/*
 * Records counted and summed in groups: what is asked for, and the rows that come of it. A row is
 * {<field as it was written>: value, .., count: number, sum: {<field as it was written>: number}};
 * money is in currency units, "" is null, the sum of nothing is 0.
 */
#ifndef MOONHOOK_CLIENT_GROUP_H
#define MOONHOOK_CLIENT_GROUP_H

#include "client/fields.h"

#define GROUP_FIELDS_MAX 4
#define GROUP_SUMS_MAX 8

enum group_step { /* what times are cut to */
	GROUP_WHOLE,
	GROUP_DAY,
	GROUP_WEEK, /* begins on Monday */
	GROUP_MONTH,
	GROUP_QUARTER,
	GROUP_YEAR,
};

struct group_field {
	const char *name; /* as it was written */
	struct field field;
};

struct grouping { /* BORROWS names from the arguments that it was read from */
	struct group_field by[GROUP_FIELDS_MAX];
	size_t by_n;
	struct group_field sum[GROUP_SUMS_MAX];
	size_t sum_n;
	enum group_step step; /* of the fields that are times */
	const char *zone;     /* of the times; "UTC" */
};

/* Reads {field, sum?, by?, zone?}. RC_INVALID with a sentence. */
enum rc group_parse(const struct schema *schema, const char *object, const json_t *args,
	struct grouping *ret_grouping, struct err *err) must_check;
/* "DAY" ..; NULL for the whole. STATIC */
const char *group_step_name(enum group_step step);
/* True where this field of the grouping is a time that is cut. */
bool group_cuts(const struct grouping *g, const struct group_field *f);
/* A row from values as a server gives them: numbers may be texts, money counts micros. values and
 * sums: arrays in the order of the grouping, BORROWED. RC_UPSTREAM, RC_NOMEM. GIVES. */
enum rc group_row(const struct grouping *g, const json_t *values, const json_t *count,
	const json_t *sums, json_t **ret_row, struct err *err) must_check;

/* Groups that are made here, from records. */
struct groups {        /* zero is empty; groups_done */
	json_t *found; /* by their values: {values, count, sums} */
};
void groups_done(struct groups *groups);
/* RC_INVALID: a value that can be neither summed nor a group's. RC_UNSUPPORTED, RC_NOMEM. */
enum rc groups_add(struct groups *groups, const struct grouping *g, const json_t *record,
	struct err *err) must_check;
/* All rows. GIVES. */
enum rc groups_rows(const struct groups *groups, const struct grouping *g, json_t **ret_rows,
	struct err *err) must_check;

#endif
