/* SPDX-License-Identifier: MIT */
/*
 * Events that are one run, and how many runs there are at once: `settle`, `max_settle`, `batch`,
 * `concurrency`.
 * From: head.c. To: HEAD.
 */
#include <inttypes.h>

#include "runner/worker/head_part.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define SETTLE_MAX_MS DAY_MS
#define MAX_SETTLE_MAX_MS (7 * DAY_MS)
#define BATCH_MAX_MS DAY_MS
#define BATCH_EVENTS_MAX 1000
#define CONCURRENCY_MAX 1000

static void put_ms(const struct head *h, const char *option, int64_t most_ms, const char *example)
{
	int64_t ms = head_duration(h, option, 1, most_ms, example);
	head_check(h, buf_printf(h->out, ",\"%s_ms\":%" PRId64, option, ms));
}

void head_put_settle(const struct head *h)
{
	put_ms(h, "settle", SETTLE_MAX_MS, "20s");
}

void head_put_max_settle(const struct head *h)
{
	put_ms(h, "max_settle", MAX_SETTLE_MAX_MS, "5m");
}

/* "30s" or { every = "10m", max = 200 } */
void head_put_batch(const struct head *h)
{
	static const char *const names[] = {"every", "max", NULL};
	static const char example[] = "{ every = \"10m\", max = 200 }";
	int64_t max = 0;
	if (lua_type(h->L, -1) == LUA_TSTRING) {
		lua_pushvalue(h->L, -1);
	} else {
		head_members(h, "batch", names, example);
		lua_pushstring(h->L, "max");
		if (lua_rawget(h->L, -2) != LUA_TNIL)
			max = head_whole(h, "batch.max", 1, BATCH_EVENTS_MAX);
		lua_pop(h->L, 1);
		lua_pushstring(h->L, "every");
		if (lua_rawget(h->L, -2) == LUA_TNIL)
			head_wrong(h, "batch says not how long it gathers: %s", example);
	}
	int64_t ms = head_duration(h, "batch", 1, BATCH_MAX_MS, "30s");
	head_check(
		h, buf_printf(h->out, ",\"batch\":{\"every_ms\":%" PRId64 ",\"max\":%" PRId64 "}",
			   ms, max));
	lua_pop(h->L, 1);
}

void head_put_concurrency(const struct head *h)
{
	int64_t n = head_whole(h, "concurrency", 1, CONCURRENCY_MAX);
	head_check(h, buf_printf(h->out, ",\"concurrency\":%" PRId64, n));
}
