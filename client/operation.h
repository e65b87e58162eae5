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

extern const struct operation operation_get, operation_list, operation_create,
	operation_create_many, operation_ensure, operation_update, operation_delete,
	operation_duplicates, operation_merge;

extern const struct operation *const operations[CLIENT_OP_N]; /* by enum client_op */

/* Shared by checks. */
enum rc check_id(const json_t *id, const char *what, struct err *err) must_check;
enum rc check_record(const json_t *data, const char *what, struct err *err) must_check;

#endif
