/* SPDX-License-Identifier: MIT */
/* The inside of a filter; for filter.c and its parser only. */
#ifndef MOONHOOK_TESTS_TWIN_FILTER_NODE_H
#define MOONHOOK_TESTS_TWIN_FILTER_NODE_H

#include "tests/twin/filter.h"

struct filter {
	enum filter_op op;
	struct filter **kids; /* owned; groups only */
	size_t kid_n;
	struct path path; /* conditions only, from here on */
	enum field_type kind;
	char **values; /* owned */
	size_t value_n;
	double number; /* values[0] where kind is a number */
};

#endif
