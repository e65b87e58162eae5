/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: bytes as JSON, read into Lua tables, written, read and written again: both
 * writings are the same, nothing is read behind the end, nothing leaks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool write_again(lua_State *L, struct buf *out)
{
	char why[256];
	buf_clear(out);
	return json_encode(L, -1, JSON_ANY, out, why, sizeof(why));
}

/* Protected; 1: the input, 2: two buffers. */
static int round_trip(lua_State *L)
{
	const struct slice *input = lua_touserdata(L, 1);
	struct buf *out = lua_touserdata(L, 2);
	json_decode(L, *input, JSON_RECORDS, "input");
	if (!write_again(L, &out[0])) /* deeper than is written */
		return 0;
	json_decode(L, buf_slice(&out[0]), JSON_PLAIN, "again");
	if (!write_again(L, &out[1]) || !slice_equal(buf_slice(&out[0]), buf_slice(&out[1])))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kit kit;
	static bool opened;
	struct state state;
	struct slice input = {(const char *)data, size};
	struct buf out[2];
	if (!opened && kit_open(&kit, NULL) != RC_OK)
		abort();
	opened = true;
	buf_init(&out[0], 1 << 20);
	buf_init(&out[1], 1 << 20);
	if (state_open(&state, &kit, STATE_RUN, 8 << 20, NULL) != RC_OK)
		abort();
	lua_pushcfunction(state.L, round_trip);
	lua_pushlightuserdata(state.L, &input);
	lua_pushlightuserdata(state.L, out);
	if (lua_pcall(state.L, 2, 0, 0) != LUA_OK)
		lua_settop(state.L, 0);
	state_close(&state);
	buf_done(&out[0]);
	buf_done(&out[1]);
	return 0;
}
