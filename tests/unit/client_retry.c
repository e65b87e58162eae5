/* SPDX-License-Identifier: MIT */
/*
 * Repeats and the last look before something is sent or believed: how long a repeat waits, what an
 * answer must say before it counts, which ids make a path.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/budget.h"
#include "client/dialect.h"
#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER "99999999-2222-4333-8444-555555555555"

Test(client_retry, each_repeat_waits_longer_than_the_one_before, .timeout = 60)
{
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	cr_assert(rig_fault(&rig, "status=503:3,match=POST"));
	int64_t from_ms = clock_mono_ms();
	struct rig_answer a =
		rig_call(&rig, CLIENT_CREATE, "notes", rig_json("{'data':{'title':'x'}}"), "k");
	cr_assert_eq(a.code, RC_OK, "%s", a.message);
	cr_assert_eq(a.requests, 4);
	cr_assert_geq(clock_mono_ms() - from_ms, 125 + 250 + 500, "half of 250, 500, 1000 ms");
	rig_answer_done(&a);
	rig_close(&rig);
}

static bool deletes_another(int fd, const char *request, struct fake_shared *shared)
{
	(void)request, (void)shared;
	return fake_answer(fd, 200, "",
		"{\"data\":{\"deletePerson\":{\"id\":\"" OTHER
		"\",\"deletedAt\":\"2026-11-23T00:00:00.000Z\"}}}");
}

Test(client_retry, a_delete_that_names_another_record_is_not_believed, .timeout = 60)
{
	struct fake fake;
	struct rig rig;
	cr_assert(fake_open(&fake, deletes_another, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
	struct rig_answer a =
		rig_call(&rig, CLIENT_DELETE, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_assert_eq(a.code, RC_UPSTREAM);
	rig_answer_done(&a);
	rig_close(&rig);
	fake_close(&fake);
}

/* The second wall: operations check ids, too, before they come here. */
Test(client_retry, no_path_is_made_of_what_is_no_id)
{
	static const char *const bad[] = {"", "x", "../../metadata", "%2e%2e", ID "/..", ID "?x=1"};
	static const struct dialect *const dialects[] = {&dialect_core, &dialect_docs};
	struct request r;
	struct err err;
	json_t *data = json_object();
	request_init(&r);
	for (size_t i = 0; i < ARRAY_N(bad) * 2; i++) {
		const struct dialect *d = dialects[i % 2];
		const char *id = bad[i / 2];
		cr_expect_eq(d->get(&r, "people", id, 0, NULL, &err), RC_DENIED, "%s", id);
		cr_expect_eq(d->update(&r, "people", id, data, &err), RC_DENIED, "%s", id);
		cr_expect_eq(d->remove(&r, "people", id, &err), RC_DENIED, "%s", id);
		cr_expect_eq(r.target.n, 0u);
	}
	request_done(&r);
	json_decref(data);
}

Test(client_retry, no_root_of_the_api_is_an_object)
{
	static const char *const roots[] = {"batch", "duplicates", "graphql", "groupBy", "metadata",
		"restore", "Restore", "webhooks", "open-api", "", "a/b", "1x", "people?x=1"};
	struct rig rig;
	cr_assert(rig_open(&rig, &(struct rig_conf){.twin = "core"}));
	for (size_t i = 0; i < ARRAY_N(roots); i++) {
		struct rig_answer a;
		rig_submit(&rig, &a, CLIENT_LIST, roots[i], json_object(), "k");
		cr_expect_eq(a.submitted, RC_DENIED, "%s", roots[i]);
	}
	rig_close(&rig);
}

/* "Limit reached (10 tokens per 60000 ms)": one request in six seconds, not one in 0.6. */
Test(client_retry, the_budget_that_a_refusal_names_is_kept_from_then_on)
{
	const struct budget_notice silent = {-1, -1, -1, -1};
	struct budget b;
	budget_init(&b, 6000, 0);
	budget_refused(&b, 0, &silent, 10, 60000);
	cr_expect_geq(budget_wait_ms(&b, 0, 0), 6000);
	budget_accepted(&b, 7000, 0, &silent);
	budget_take(&b, 7000);
	cr_expect_geq(budget_wait_ms(&b, 7100, 0), 5000);
}
