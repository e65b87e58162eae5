/* SPDX-License-Identifier: MIT */
/* What a server says of its webhooks is kept only as far as it can be meant. */
#include <criterion/criterion.h>
#include <string.h>

#include "client/engine.h"

Test(client_hearing, a_flood_of_webhooks_is_not_kept)
{
	struct engine e = {.timer_at_ms = -1};
	json_t *list = json_array(), *operations = json_array();
	char *endless = calloc(1, 100001);
	cr_assert_not_null(endless);
	memset(endless, 'x', 100000);
	json_array_append_new(operations, json_string(endless));
	json_array_append_new(operations, json_integer(7));
	for (int i = 0; i < 5000; i++)
		json_array_append_new(operations, json_string("person.*"));
	for (int i = 0; i < 5000; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:O}", "targetUrl", "https://x.example/hooks/a",
				      "operations", operations));
	hearing_read(&e, list);
	char *kept = json_dumps(e.hearing.hooks, JSON_COMPACT);
	cr_assert_not_null(kept);
	cr_expect_lt(strlen(kept), (size_t)1 << 20, "%zu", strlen(kept));
	cr_expect(strstr(kept, "person.*") != NULL);
	cr_expect(strstr(kept, "xxx") == NULL);
	free(kept);
	free(endless);
	json_decref(list);
	json_decref(operations);
	hearing_done(&e.hearing);
}
