/* SPDX-License-Identifier: MIT */
/* The operations of client.h: what their arguments must be, and how they begin. */
#ifndef MOONHOOK_CLIENT_OPERATION_H
#define MOONHOOK_CLIENT_OPERATION_H

#include "client/call.h"

struct operation {
	/* At once, before anything waits: RC_INVALID, RC_DENIED. */
	enum rc (*check)(const struct schema *schema, const char *object, const json_t *args,
		struct err *err);
	/* When the dialect is known and the call's turn has come. */
	call_start start;
};

extern const struct operation operation_get, operation_list, operation_count, operation_group_by,
	operation_create, operation_create_many, operation_ensure, operation_update,
	operation_update_many, operation_update_where, operation_delete, operation_restore,
	operation_destroy, operation_duplicates, operation_merge, operation_graphql,
	operation_member;

extern const struct operation *const operations[CLIENT_OP_N]; /* by enum client_op */

/* Shared by checks. */
enum rc check_id(const json_t *id, const char *what, struct err *err) must_check;
enum rc check_record(const json_t *data, const char *what, struct err *err) must_check;
/* A condition, which may be empty. */
enum rc check_filter(const struct schema *schema, const char *object, const json_t *condition,
	struct err *err) must_check;
/* One that decides what is written: empty is RC_DENIED, and so is what compares with "". */
enum rc check_condition(const struct schema *schema, const char *object, const json_t *condition,
	const char *what, struct err *err) must_check;
/* deleted = "only" | "also" | nothing */
enum rc check_deleted(const json_t *deleted, struct err *err) must_check;
enum deleted deleted_of(const json_t *args);
/* A list, or nothing; a rule's empty table comes as {}. */
enum rc check_list(const json_t *list, const char *what, struct err *err) must_check;
/* A list of names of fields, or nothing. */
enum rc check_fields(const struct schema *schema, const char *object, const json_t *fields,
	struct err *err) must_check;

/* Would Twenty call two records of an object duplicates of each other? By the criteria that it has
 * where nobody has changed them. */
bool duplicates_alike(const char *object, const json_t *a, const json_t *b);

/* Shared by steps. RC_NOT_FOUND, with its sentence. */
enum rc reply_missing(struct err *err);
/* Reads the one record of a reply and holds its id against call's `id`. GIVES. */
enum rc reply_record(struct call *call, const struct reply *reply, json_t **ret_record,
	struct err *err) must_check;

#endif
