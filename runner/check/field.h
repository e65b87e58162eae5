/* SPDX-License-Identifier: MIT */
/* Names of fields and their values, held against the objects of the workspace. */
#ifndef MOONHOOK_RUNNER_CHECK_FIELD_H
#define MOONHOOK_RUNNER_CHECK_FIELD_H

#include "runner/check/type.h"

/*
 * Does one of the objects of this type have this field (a name, a short name, a path)? What none
 * has is told at [at, end). False: it was told. Where the objects are not known, everything is
 * true.
 */
bool check_field(const struct check_pass *pass, const struct check_type *type, struct slice name,
	uint32_t at, uint32_t end);
/* The same of a STRING node; anything else is true. */
bool check_field_node(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *node);
/* One name or a list of names; sign: each may begin with '-'. */
void check_field_list(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *list, bool sign);
/* May this field have this value, where it is a selection and the value is written out? */
void check_choice(const struct check_pass *pass, const struct check_type *type, struct slice field,
	const struct check_node *value);
/* { stage = "NEW", amount = { gt = 5 }, any = { .. } } */
void check_where(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *where);
/* { name = "Acme", about = { person = id } } */
void check_data(const struct check_pass *pass, const struct check_type *type,
	const struct check_node *data);

#endif
