/* SPDX-License-Identifier: MIT */
/* Back-off: how long, how long at most, and how far apart. */
#include <criterion/criterion.h>

#include "runner/retry.h"

Test(runner_retry, each_attempt_waits_about_twice_as_long_up_to_the_cap)
{
	int64_t middle = 1000;
	for (int attempt = 1; attempt <= 60; attempt++) {
		int64_t low = retry_delay_ms(attempt, 0),
			high = retry_delay_ms(attempt, UINT32_MAX);
		cr_assert_geq(low, middle - middle / 4);
		cr_assert_leq(high, middle + middle / 4);
		cr_assert_leq(high, RETRY_CAP_MS);
		cr_assert_lt(low, high, "attempt %d", attempt);
		middle = middle * 2 < RETRY_CAP_MS ? middle * 2 : RETRY_CAP_MS;
	}
}

Test(runner_retry, an_attempt_out_of_range_is_harmless)
{
	cr_assert_geq(retry_delay_ms(0, 0), 750);
	cr_assert_geq(retry_delay_ms(-5, 0), 750);
	cr_assert_leq(retry_delay_ms(2147483647, UINT32_MAX), RETRY_CAP_MS);
}

Test(runner_retry, waiting_is_spread_too)
{
	cr_assert_lt(retry_wait_ms(0), RETRY_WAIT_MS);
	cr_assert_gt(retry_wait_ms(UINT32_MAX), RETRY_WAIT_MS);
}
