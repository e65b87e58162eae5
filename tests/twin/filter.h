/* SPDX-License-Identifier: MIT */
/* Conditions on rows: a tree, read from the filter language of the core dialect or built by hand.
 */
#ifndef MOONHOOK_TESTS_TWIN_FILTER_H
#define MOONHOOK_TESTS_TWIN_FILTER_H

#include <jansson.h>
#include <stdbool.h>

#include "tests/twin/fail.h"
#include "tests/twin/path.h"
#include "tests/twin/store.h"

/* X(code, name) */
#define FILTER_OPS(X)                                                                              \
	X(OP_EQ, "eq")                                                                             \
	X(OP_NEQ, "neq")                                                                           \
	X(OP_IN, "in")                                                                             \
	X(OP_CONTAINS_ANY, "containsAny")                                                          \
	X(OP_IS, "is")                                                                             \
	X(OP_GT, "gt")                                                                             \
	X(OP_GTE, "gte")                                                                           \
	X(OP_LT, "lt")                                                                             \
	X(OP_LTE, "lte")                                                                           \
	X(OP_STARTS_WITH, "startsWith")                                                            \
	X(OP_ENDS_WITH, "endsWith")                                                                \
	X(OP_LIKE, "like")                                                                         \
	X(OP_ILIKE, "ilike")

enum filter_op {
#define X(code, name) code,
	FILTER_OPS(X)
#undef X
		OP_N,
	OP_AND,
	OP_OR,
	OP_NOT,
};

struct filter;

/* Reads "and(name.firstName[startsWith]:"Je",companyId[is]:NOT_NULL)". NULL on failure. */
struct filter *filter_parse(const struct schema *s, const struct object *o, const char *text,
	struct fail *fail) must_check;
/* One condition; values are texts, more than one only for OP_IN and OP_CONTAINS_ANY. */
struct filter *filter_leaf(const struct schema *s, const struct object *o, const char *path,
	enum filter_op op, const char *const *values, size_t n, struct fail *fail) must_check;
/* An empty and(). TAKES kids later. */
struct filter *filter_group(enum filter_op op) must_check;
/* TAKES kid. False: out of memory, kid is freed. */
bool filter_add(struct filter *group, struct filter *kid) must_check;
void filter_free(struct filter *f);

/* True where the row meets it. Comparison with nothing is neither true nor false, as in SQL. */
bool filter_matches(const struct filter *f, const json_t *rec);
/* True where some condition is about that field. */
bool filter_mentions(const struct filter *f, const char *field);
enum filter_op filter_op_find(const char *name);

/* Where the filter pins rows by id or unique value: writes them (at most max) and returns true.
 * They still have to be matched. */
bool filter_candidates(const struct filter *f, const struct object *o, struct row **ret, size_t max,
	size_t *ret_n);

#endif
