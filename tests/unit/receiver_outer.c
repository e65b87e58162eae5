/* SPDX-License-Identifier: MIT */
/* The id of a body that is not parsed. */
#include "receiver/outer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/attr.h"

static void expect(const char *json, const char *wanted)
{
	/* in memory of its very size, so that a byte read behind it shows under ASan */
	size_t n = strlen(json);
	char *copy = malloc(n + 1);
	memcpy(copy, json, n);
	char *exact = realloc(copy, n != 0 ? n : 1);
	struct slice id = outer_text((struct slice){exact, n}, "id");
	cr_expect(slice_equal(id, slice_of(wanted)), "%s: \"%.*s\"", json, (int)id.n, id.p);
	free(exact);
}

Test(receiver_outer, the_outermost_id_is_found_wherever_it_stands)
{
	expect("{\"id\":\"evt_1\"}", "evt_1");
	expect(" \n{ \"id\" : \"evt_1\" , \"a\":1}", "evt_1");
	expect("{\"a\":{\"id\":\"no\",\"b\":[{\"id\":\"no\"}]},\"id\":\"evt_1\"}", "evt_1");
	expect("{\"a\":\"\\\",\\\"id\\\":\\\"no\\\"\",\"id\":\"evt_1\"}", "evt_1");
	expect("{\"a\":\"}\",\"b\":\"\\\\\",\"c\":-1.5e3,\"d\":null,\"id\":\"evt_1\"}", "evt_1");
	expect("{\"ID\":\"no\",\"i\\u0064\":\"no\",\"id\":\"evt_1\",\"id\":\"no\"}", "evt_1");
}

Test(receiver_outer, what_is_no_plain_id_is_none)
{
	static const char *const none[] = {"", "{", "{}", "[]", "\"id\"", "{\"id\"",
		"{\"id\":", "{\"id\":\"", "{\"id\":\"evt", "{\"id\":1}", "{\"id\":null}",
		"{\"id\":{\"id\":\"x\"}}", "[{\"id\":\"x\"}]", "{\"a\":1", "{\"a\":]}",
		"{\"id\":\"\\u0041\"}", "{,\"id\":\"x\"}", "{\"a\":\"\\", "{\"a\\",
		"{\"object\":{\"id\":\"x\"}}", "{\"a\":}}"};
	for (size_t i = 0; i < ARRAY_N(none); i++)
		expect(none[i], "");
}

Test(receiver_outer, a_long_value_is_none)
{
	char json[OUTER_VALUE_MAX + 64];
	memset(json, 'x', sizeof(json));
	memcpy(json, "{\"id\":\"", 7);
	memcpy(json + sizeof(json) - 3, "\"}", 3);
	expect(json, "");
}
