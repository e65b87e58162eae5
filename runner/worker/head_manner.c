/* SPDX-License-Identifier: MIT */
/*
 * How a run is carried out: `timeout`, `cpu`, `retry`, `fresh`, `lane`, `max_writes`, `mode`,
 * `was`. From: head.c. To: HEAD.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/worker/head_part.h"
#include "runner/worker/json_text.h"

#define TIMEOUT_MAX_MS (INT64_C(24) * 3600 * 1000)
#define CPU_MAX_MS 60000
#define RETRY_MAX 100
#define WRITES_DIGITS_MAX 9
#define NAME_MAX_BYTES 120

void head_put_timeout(const struct head *h)
{
	int64_t ms = head_duration(h, "timeout", 1, TIMEOUT_MAX_MS, "30s");
	head_check(h, buf_printf(h->out, ",\"timeout_ms\":%" PRId64, ms));
}

void head_put_cpu(const struct head *h)
{
	int64_t ms = head_duration(h, "cpu", 1, CPU_MAX_MS, "1s");
	head_check(h, buf_printf(h->out, ",\"cpu_ms\":%" PRId64, ms));
}

void head_put_retry(const struct head *h)
{
	static const char *const names[] = {"max", NULL};
	head_members(h, "retry", names, "{ max = 8 }");
	lua_pushstring(h->L, "max");
	lua_rawget(h->L, -2);
	int64_t max = head_whole(h, "retry.max", 1, RETRY_MAX);
	lua_pop(h->L, 1);
	head_check(h, buf_printf(h->out, ",\"retry_max\":%" PRId64, max));
}

/* true or { depth = 1 } */
void head_put_fresh(const struct head *h)
{
	static const char *const names[] = {"depth", NULL};
	int64_t depth = 0;
	if (lua_istable(h->L, -1)) {
		head_members(h, "fresh", names, "{ depth = 1 }");
		lua_pushstring(h->L, "depth");
		lua_rawget(h->L, -2);
		depth = head_whole(h, "fresh.depth", 0, 1);
		lua_pop(h->L, 1);
	} else if (!lua_isboolean(h->L, -1) || !lua_toboolean(h->L, -1)) {
		head_wrong(h,
			"fresh is true or { depth = 1 }; leave it out where the record of the "
			"event will do");
	}
	head_check(h, buf_printf(h->out, ",\"fresh\":{\"depth\":%" PRId64 "}", depth));
}

void head_put_lane(const struct head *h)
{
	static const char *const lanes[] = {"live", "background", NULL};
	head_check(h, buf_printf(h->out, ",\"lane\":\"%s\"", head_word(h, "lane", lanes)));
}

/* Milliseconds of "h" in "1000/h"; 0: it is no unit. */
static int64_t unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	for (size_t i = 0; i < ARRAY_N(units); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].ms;
	return 0;
}

void head_put_max_writes(const struct head *h)
{
	struct slice text = head_text(h, "max_writes", 40, "1000/h");
	size_t n = strspn(text.p, "0123456789");
	int64_t per_ms = text.p[n] == '/' ? unit_ms(text.p + n + 1) : 0;
	int64_t most = n > 0 && n <= WRITES_DIGITS_MAX ? strtoll(text.p, NULL, 10) : 0;
	if (per_ms == 0 || most == 0)
		head_wrong(h,
			"max_writes: \"%s\" is no rate, write a number from 1 to 999999999 and s, "
			"m, h or d, like \"1000/h\"",
			text.p);
	head_check(
		h, buf_printf(h->out, ",\"max_writes\":{\"n\":%" PRId64 ",\"per_ms\":%" PRId64 "}",
			   most, per_ms));
}

void head_put_mode(const struct head *h)
{
	static const char *const modes[] = {"live", "shadow", NULL};
	bool shadow = strcmp(head_word(h, "mode", modes), "shadow") == 0;
	head_check(h, buf_printf(h->out, ",\"shadow\":%s", shadow ? "true" : "false"));
}

void head_put_was(const struct head *h)
{
	struct slice was = head_text(h, "was", NAME_MAX_BYTES, "old name");
	if (strcmp(was.p, h->name) == 0)
		head_wrong(h, "was: that is its name now, was says what it was before");
	head_check(h, buf_put_text(h->out, ",\"was\":"));
	head_check(h, json_text_put(h->out, was));
}
