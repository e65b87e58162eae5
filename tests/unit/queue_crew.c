/* SPDX-License-Identifier: MIT */
/* Runs of a key are one at a time and in order of arrival, whoever of many runners does them and
 * whoever of them dies or stands still; the short form of bench-order. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/harness/crew.h"
#include "tests/harness/postgres.h"
#include "tests/harness/whole.h"

static struct crew_result run(struct crew_conf *conf)
{
	char store[160];
	struct crew_result result;
	struct err err = {.msg = ""};
	cr_assert(postgres_store(store, sizeof(store)));
	conf->store = store;
	conf->receivers = 2;
	conf->runners = 3;
	conf->runs = 32;
	conf->seed = (uint64_t)clock_wall_ms();
	enum rc rc = crew_run(conf, &result, &err);
	crew_print(conf, &result);
	bool whole = rc != RC_OK || conf->keyless || conf->unfenced || whole_store(store);
	postgres_store_drop(store);
	cr_expect(whole);
	cr_assert_eq(rc, RC_OK, "%s", err.msg);
	return result;
}

Test(queue_crew, among_many_runners_that_die_no_run_overtakes_another_of_its_key, .timeout = 200)
{
	struct crew_conf conf = {.events = 2000, .records = 300, .kills = 6, .freezes = 4};
	struct crew_result r = run(&conf);
	cr_expect_eq(r.ended, conf.events);
	cr_expect_eq(crew_wrong(&r), 0);
	cr_expect_gt(r.tally.rescued, 0);
	cr_expect_gt(r.freezes, 0);
}

Test(queue_crew, without_keys_runs_do_overtake_each_other, .timeout = 200)
{
	struct crew_conf conf = {.events = 1000, .records = 50, .keyless = true};
	struct crew_result r = run(&conf);
	cr_expect_gt(r.tally.inversions, 50, "so the count can be something else than 0");
	cr_expect_gt(r.tally.overlaps, 50);
}

Test(queue_crew, without_the_end_of_a_lease_late_writes_are_accepted, .timeout = 200)
{
	struct crew_conf conf = {.events = 1000, .records = 300, .freezes = 3, .unfenced = true};
	struct crew_result r = run(&conf);
	cr_expect_gt(r.tally.accepted, 0, "so the count can be something else than 0");
}
