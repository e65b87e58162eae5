/* SPDX-License-Identifier: MIT */
/*
 * Which operation stands behind which number.
 * From: client.c, which checks arguments, and engine.c, which begins. To: op_*.c.
 */
#include "client/operation.h"

const struct operation *const operations[CLIENT_OP_N] = {
	[CLIENT_GET] = &operation_get,
	[CLIENT_LIST] = &operation_list,
	[CLIENT_CREATE] = &operation_create,
	[CLIENT_CREATE_MANY] = &operation_create_many,
	[CLIENT_ENSURE] = &operation_ensure,
	[CLIENT_UPDATE] = &operation_update,
	[CLIENT_DELETE] = &operation_delete,
	[CLIENT_DUPLICATES] = &operation_duplicates,
	[CLIENT_MERGE] = &operation_merge,
};
