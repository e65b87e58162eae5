/* SPDX-License-Identifier: MIT */
/*
 * A server, or a proxy before it, that says the key in its errors: none of it reaches a rule, a log
 * or a page, however long the key is and wherever the message is cut.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define PART "canaryKeyOf4711."
#define LONG_KEY                                                                                   \
	PART "b2" PART "c3" PART "d4" PART "e5" PART "f6" PART "g7" PART "h8" PART "i9" PART       \
	     "j0" PART "k1" PART "l2" PART "m3"

/* The bearer of the request, in an error, behind so much else that it is cut somewhere. */
static bool says_the_key(int fd, const char *request, struct fake_shared *shared)
{
	char body[4096], key[1024] = "";
	const char *at = strcasestr(request, "authorization: bearer ");
	if (at != NULL)
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(at + 22, "\r\n"), at + 22);
	int before = atomic_load(&shared->mode);
	bool graphql = strstr(request, "/graphql") != NULL;
	snprintf(body, sizeof(body),
		graphql ? "{\"errors\":[{\"message\":\"%.*s %s\"}],\"data\":{\"a\":1}}"
			: "{\"statusCode\":400,\"error\":\"x\",\"messages\":[\"invalid %.*s %s\"]}",
		before,
		"................................................................................"
		"................................................................................"
		"................................................................................",
		key);
	return fake_answer(fd, graphql ? 200 : 400, "", body);
}

static void expect_none(struct rig *rig, enum client_op op, const char *object, json_t *args)
{
	struct rig_answer a = rig_call(rig, op, object, args, "k");
	cr_expect_neq(a.code, RC_OK);
	cr_expect_neq(a.code, RC_UNREACHABLE);
	cr_expect(strstr(a.message, "canary") == NULL, "%s", a.message);
	rig_answer_done(&a);
}

Test(client_key, no_part_of_the_key_comes_back_in_an_error, .timeout = 60)
{
	static const char *const keys[] = {LONG_KEY, PART "short"};
	static const int before[] = {0, 100, 170};
	for (size_t k = 0; k < ARRAY_N(keys); k++) {
		struct fake fake;
		struct rig rig;
		cr_assert(fake_open(&fake, says_the_key, FAKE_CORE));
		cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url, .key = keys[k]}));
		for (size_t i = 0; i < ARRAY_N(before); i++) {
			atomic_store(&fake.shared->mode, before[i]);
			expect_none(&rig, CLIENT_GET, "people", rig_json("{'id':'" ID "'}"));
			expect_none(&rig, CLIENT_UPDATE_MANY, "people",
				rig_json("{'list':[{'id':'" ID "','city':'x'}]}"));
			expect_none(&rig, CLIENT_GRAPHQL, "graphql",
				rig_json("{'query':'mutation { a }'}"));
		}
		rig_close(&rig);
		fake_close(&fake);
	}
}
