/* SPDX-License-Identifier: MIT */
/*
 * The one order in which keys of tables are visited, in every process and on every retry: positive
 * whole numbers rising, other numbers rising, texts by their bytes, false, true, then the rest, of
 * which there may be only one.
 */
#ifndef MOONHOOK_RUNNER_WORKER_ORDER_H
#define MOONHOOK_RUNNER_WORKER_ORDER_H

#include <stdint.h>

#include <lua.h>

#include "base/slice.h"

enum order_rank { ORDER_POSITIVE, ORDER_NUMBER, ORDER_TEXT, ORDER_FALSE, ORDER_TRUE, ORDER_REST };

struct order_key {
	enum order_rank rank;
	uint32_t at; /* where the caller keeps the key */
	union {
		lua_Integer integer;
		lua_Number number;
		struct slice text; /* BORROWS from the key on the Lua side */
	} as;
};

/* Describes the key at index. */
struct order_key order_key_of(lua_State *L, int index);
void order_sort(struct order_key *keys, size_t n);

#endif
