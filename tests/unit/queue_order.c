/* SPDX-License-Identifier: MIT */
/* Runs of a key are one at a time and in order of arrival, whatever becomes of them; the short form
 * of bench-order. */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "tests/harness/order.h"
#include "tests/harness/process.h"
#include "tests/harness/whole.h"

static struct order_result run(const struct order_conf *conf)
{
	struct order_result result;
	struct err err = {0};
	cr_assert_eq(order_run(conf, &result, &err), RC_OK, "%s", err.msg);
	order_print(conf, &result);
	cr_expect_eq(result.ended, conf->events);
	cr_expect_eq(result.most_live, conf->runs);
	return result;
}

static void expect_order(const struct order_conf *conf)
{
	struct order_result r = run(conf);
	cr_expect_eq(r.inversions, 0);
	cr_expect_eq(r.overlaps, 0);
	cr_expect_eq(r.accepted, 0, "a write with an old epoch is refused");
	cr_expect_gt(r.refused, 0);
	cr_expect_gt(r.deaths, 0);
}

Test(queue_order, in_memory_no_run_overtakes_another_of_its_key, .timeout = 200)
{
	struct order_conf conf = {
		"memory:order", 6000, 500, 64, 300, (uint64_t)clock_wall_ms(), false};
	expect_order(&conf);
}

Test(queue_order, in_sqlite_no_run_overtakes_another_of_its_key, .timeout = 200)
{
	char dir[128];
	cr_assert(process_folder(dir));
	struct order_conf conf = {dir, 10000, 1000, 64, 3000, (uint64_t)clock_wall_ms(), false};
	expect_order(&conf);
	cr_expect(whole_store(dir));
	process_folder_remove(dir);
}

Test(queue_order, without_keys_runs_do_overtake_each_other, .timeout = 200)
{
	struct order_conf conf = {
		"memory:control", 2000, 100, 64, 300, (uint64_t)clock_wall_ms(), true};
	struct order_result r = run(&conf);
	cr_expect_gt(r.inversions, 100, "so the count can be something else than 0");
	cr_expect_gt(r.overlaps, 100);
}
