/* SPDX-License-Identifier: MIT */
/*
 * pairs and next in a fixed order, and the order itself.
 * From: rules (pairs, next), lua_json.c (keys of objects). A rule that is run again must do the
 * same again, and Lua's own order changes with addresses and hash seeds. pairs takes the keys when
 * it starts: keys that vanish meanwhile are left out, keys that appear are not seen. next keeps the
 * keys of the one table it was asked about last.
 */
#include "runner/worker/order.h"

#include <stdbool.h>

#include "runner/worker/binding.h"

struct order_key order_key_of(lua_State *L, int index)
{
	struct order_key key = {.rank = ORDER_REST};
	switch (lua_type(L, index)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, index) && lua_tointeger(L, index) > 0) {
			key.rank = ORDER_POSITIVE;
			key.as.integer = lua_tointeger(L, index);
		} else {
			key.rank = ORDER_NUMBER;
			key.as.number = lua_tonumber(L, index);
		}
		break;
	case LUA_TSTRING:
		key.rank = ORDER_TEXT;
		key.as.text.p = lua_tolstring(L, index, &key.as.text.n);
		break;
	case LUA_TBOOLEAN:
		key.rank = lua_toboolean(L, index) ? ORDER_TRUE : ORDER_FALSE;
		break;
	default:
		break;
	}
	return key;
}

static bool text_before(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = memcmp(a.p, b.p, n);
	return c != 0 ? c < 0 : a.n < b.n;
}

static bool key_before(const struct order_key *a, const struct order_key *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->rank == ORDER_TEXT)
		return text_before(a->as.text, b->as.text);
	if (a->rank == ORDER_POSITIVE)
		return a->as.integer < b->as.integer;
	return a->rank == ORDER_NUMBER && a->as.number < b->as.number;
}

static void sift_down(struct order_key *keys, size_t root, size_t n)
{
	struct order_key key = keys[root];
	for (size_t child = root * 2 + 1; child < n; child = root * 2 + 1) {
		if (child + 1 < n && key_before(&keys[child], &keys[child + 1]))
			child++;
		if (!key_before(&key, &keys[child]))
			break;
		keys[root] = keys[child];
		root = child;
	}
	keys[root] = key;
}

/* By insertion where few, else a heap: both without memory of their own, neither ever quadratic in
 * large. */
void order_sort(struct order_key *keys, size_t n)
{
	if (n <= 24) {
		for (size_t i = 1; i < n; i++) {
			struct order_key key = keys[i];
			size_t j = i;
			for (; j > 0 && key_before(&key, &keys[j - 1]); j--)
				keys[j] = keys[j - 1];
			keys[j] = key;
		}
		return;
	}
	for (size_t i = n / 2; i-- > 0;)
		sift_down(keys, i, n);
	for (size_t i = n; i-- > 1;) {
		struct order_key last = keys[i];
		keys[i] = keys[0];
		keys[0] = last;
		sift_down(keys, 0, i);
	}
}

/* How many keys the table at t has; *ret_plain: they are 1..n and Lua finds them in that order. */
static size_t count_keys(lua_State *L, int t, bool *ret_plain)
{
	size_t n = 0;
	bool plain = true;
	lua_pushnil(L);
	while (lua_next(L, t)) {
		lua_pop(L, 1);
		n++;
		plain = plain && lua_isinteger(L, -1) && lua_tointeger(L, -1) == (lua_Integer)n;
	}
	*ret_plain = plain;
	return n;
}

/* Pushes a list of the n keys of t and, over it, their order. */
static void push_keys(lua_State *L, int t, size_t n)
{
	lua_createtable(L, n < 1u << 30 ? (int)n : 0, 0);
	struct order_key *keys = lua_newuserdatauv(L, (n + 1) * sizeof(*keys), 0);
	size_t i = 0, rest = 0;
	lua_pushnil(L);
	for (; i < n && lua_next(L, t); i++) {
		lua_pop(L, 1);
		keys[i] = order_key_of(L, -1);
		rest += keys[i].rank == ORDER_REST;
		lua_pushvalue(L, -1);
		lua_rawseti(L, -4, (lua_Integer)i + 1);
		keys[i].at = (uint32_t)i + 1;
	}
	lua_pop(L, 1);
	if (rest > 1)
		luaL_error(
			L, "keys that are tables or functions have no fixed order, use their ids");
	order_sort(keys, i);
}

/* --- pairs ----------------------------------------------------------------------------------- */

/* Upvalues: the table, its length, the position. */
static int step_plain(lua_State *L)
{
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(2));
	lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));
	while (i < n) {
		i++;
		if (lua_rawgeti(L, lua_upvalueindex(1), i) != LUA_TNIL) {
			lua_pushinteger(L, i);
			lua_copy(L, -1, lua_upvalueindex(3));
			lua_insert(L, -2);
			return 2;
		}
		lua_pop(L, 1);
	}
	return 0;
}

/* Upvalues: the table, its keys, their order, their number, the position. */
static int step_keys(lua_State *L)
{
	const struct order_key *keys = lua_touserdata(L, lua_upvalueindex(3));
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(4));
	lua_Integer i = lua_tointeger(L, lua_upvalueindex(5));
	lua_settop(L, 0);
	for (; i < n; i++) {
		lua_rawgeti(L, lua_upvalueindex(2), keys[i].at);
		lua_pushvalue(L, -1);
		if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
			lua_pushinteger(L, i + 1);
			lua_replace(L, lua_upvalueindex(5));
			return 2;
		}
		lua_settop(L, 0);
	}
	lua_pushinteger(L, n);
	lua_replace(L, lua_upvalueindex(5));
	return 0;
}

static int pairs_asked(lua_State *L, int status, lua_KContext ctx)
{
	(void)L;
	(void)status;
	(void)ctx;
	return 3;
}

int order_pairs(lua_State *L)
{
	luaL_checkany(L, 1);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_callk(L, 1, 3, 0, pairs_asked);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	bool plain;
	size_t n = count_keys(L, 1, &plain);
	lua_pushvalue(L, 1);
	if (plain) {
		lua_pushinteger(L, (lua_Integer)n);
		lua_pushinteger(L, 0);
		lua_pushcclosure(L, step_plain, 3);
	} else {
		push_keys(L, 1, n);
		lua_pushinteger(L, (lua_Integer)n);
		lua_pushinteger(L, 0);
		lua_pushcclosure(L, step_keys, 5);
	}
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* --- next ------------------------------------------------------------------------------------ */

/* The key in the registry under which the table asked about last is kept. */
static const char kept;
enum { KEPT_TABLE = 1, KEPT_KEYS, KEPT_ORDER, KEPT_N, KEPT_AT };

/* Pushes the first key of the table at 1 and its value; nothing is remembered. */
static int push_first(lua_State *L)
{
	if (lua_rawgeti(L, 1, 1) != LUA_TNIL) {
		lua_pushinteger(L, 1);
		lua_insert(L, -2);
		return 2;
	}
	struct order_key first = {.rank = ORDER_REST};
	lua_settop(L, 1);
	lua_pushnil(L); /* 2: the first so far */
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		lua_pop(L, 1);
		struct order_key key = order_key_of(L, -1);
		if (lua_isnil(L, 2) || key_before(&key, &first)) {
			first = key;
			lua_copy(L, -1, 2);
		}
	}
	if (lua_isnil(L, 2))
		return 1;
	lua_pushvalue(L, 2);
	lua_rawget(L, 1);
	return 2;
}

/* Pushes what is kept about the table at 1, made anew where it is another's. */
static void push_kept(lua_State *L, bool anew)
{
	if (!anew && lua_rawgetp(L, LUA_REGISTRYINDEX, &kept) == LUA_TTABLE) {
		lua_rawgeti(L, -1, KEPT_TABLE);
		bool same = lua_rawequal(L, 1, -1);
		lua_pop(L, 1);
		if (same)
			return;
	}
	bool plain;
	size_t n = count_keys(L, 1, &plain);
	lua_createtable(L, KEPT_AT, 0);
	int at = lua_gettop(L);
	lua_pushvalue(L, 1);
	lua_rawseti(L, at, KEPT_TABLE);
	push_keys(L, 1, n);
	lua_rawseti(L, at, KEPT_ORDER);
	lua_rawseti(L, at, KEPT_KEYS);
	lua_pushinteger(L, (lua_Integer)n);
	lua_rawseti(L, at, KEPT_N);
	lua_pushinteger(L, 0);
	lua_rawseti(L, at, KEPT_AT);
	lua_pushvalue(L, at);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &kept);
}

/* The position behind the key at 2 among the kept keys, whose table is at the top, the list of
 * keys below `list`; -1 where it is none of them. */
static lua_Integer find_behind(
	lua_State *L, int list, const struct order_key *order, lua_Integer n, lua_Integer guess)
{
	for (lua_Integer i = 0; i < n; i++) {
		lua_Integer at = (guess + i) % n;
		lua_rawgeti(L, list, order[at].at);
		bool found = lua_rawequal(L, 2, -1);
		lua_pop(L, 1);
		if (found)
			return at + 1;
	}
	return -1;
}

/* The position of the first kept key that comes after the key at 2, which has left the table. */
static lua_Integer find_after(lua_State *L, const struct order_key *order, lua_Integer n)
{
	struct order_key key = order_key_of(L, 2);
	lua_Integer i = 0;
	if (key.rank == ORDER_REST)
		luaL_error(L, "next: the table has no such key");
	while (i < n && !key_before(&key, &order[i]))
		i++;
	return i;
}

/* Steps behind the key at 2; -1 where what is kept does not know it and may be old. */
static int step_kept(lua_State *L, bool anew)
{
	lua_settop(L, 2);
	push_kept(L, anew);
	int k = lua_gettop(L);
	lua_rawgeti(L, k, KEPT_KEYS);
	lua_rawgeti(L, k, KEPT_ORDER);
	lua_rawgeti(L, k, KEPT_N);
	lua_rawgeti(L, k, KEPT_AT);
	const struct order_key *order = lua_touserdata(L, k + 2);
	lua_Integer n = lua_tointeger(L, k + 3);
	lua_Integer i = n > 0 ? find_behind(L, k + 1, order, n, lua_tointeger(L, k + 4) % n) : -1;
	if (i < 0 && !anew)
		return -1;
	if (i < 0)
		i = find_after(L, order, n);
	for (; i < n; i++) {
		lua_rawgeti(L, k + 1, order[i].at);
		lua_pushvalue(L, -1);
		if (lua_rawget(L, 1) != LUA_TNIL) {
			lua_pushinteger(L, i);
			lua_rawseti(L, k, KEPT_AT);
			return 2;
		}
		lua_pop(L, 2);
	}
	lua_pushnil(L);
	return 1;
}

int order_next(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	if (lua_isnil(L, 2)) {
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &kept);
		return push_first(L);
	}
	if (lua_isnumber(L, 2) && lua_type(L, 2) == LUA_TNUMBER && !lua_isinteger(L, 2)) {
		int whole;
		lua_Integer i = lua_tointegerx(L, 2, &whole);
		if (whole) {
			lua_pushinteger(L, i);
			lua_replace(L, 2);
		}
	}
	int n = step_kept(L, false);
	return n < 0 ? step_kept(L, true) : n;
}
