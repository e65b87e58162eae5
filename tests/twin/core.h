/* SPDX-License-Identifier: MIT */
/* The operations of the core dialect on one object; core.c decides which. */
#ifndef MOONHOOK_TESTS_TWIN_CORE_H
#define MOONHOOK_TESTS_TWIN_CORE_H

#include "tests/twin/call.h"

/* Each answers the request, or returns false with the reason. id is NULL for the collection. */
bool core_list(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_get(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_create(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_create_many(
	struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_update(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_update_many(
	struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_delete(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_delete_many(
	struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_restore_many(
	struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_restore(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_duplicates(
	struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_merge(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;
bool core_group_by(struct call *c, struct object *o, const char *id, struct fail *fail) must_check;

/* ?filter= as a tree; NULL in *ret where there is none. */
bool core_filter(
	struct call *c, const struct object *o, struct filter **ret, struct fail *fail) must_check;
/* Takes a token of the budget; false: 429. */
bool budget_charge(struct call *c, struct fail *fail) must_check;

#endif
