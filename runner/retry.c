/* SPDX-License-Identifier: MIT */
/*
 * Back-off with jitter.
 * From: outcome.c. Pure but for the chance. Whether to retry at all is decided by the rc table.
 */
#include "runner/retry.h"

static int64_t spread(int64_t ms, uint32_t chance)
{
	return ms - ms / 4 + (int64_t)((uint64_t)chance * (uint64_t)(ms / 2) >> 32);
}

int64_t retry_delay_ms(int attempt, uint32_t chance)
{
	int shift = attempt < 1 ? 0 : attempt > 20 ? 19 : attempt - 1;
	int64_t ms = INT64_C(1000) << shift;
	if (ms > RETRY_CAP_MS)
		ms = RETRY_CAP_MS;
	ms = spread(ms, chance);
	return ms < RETRY_CAP_MS ? ms : RETRY_CAP_MS;
}

int64_t retry_wait_ms(uint32_t chance)
{
	return spread(RETRY_WAIT_MS, chance);
}
