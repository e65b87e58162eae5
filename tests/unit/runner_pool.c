/* SPDX-License-Identifier: MIT */
/* Worker processes that end before they are ready: started again, with a growing rest. */
#include "runner/pool.h"

#include <criterion/criterion.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

static void on_frame(void *ctx, struct worker *worker, const struct frame *frame)
{
	(void)ctx, (void)worker, (void)frame;
}

static void on_gone(void *ctx, struct worker *worker, const struct err *why)
{
	(void)worker, (void)why;
	++*(int *)ctx;
}

static void on_ready(void *ctx, struct worker *worker)
{
	(void)ctx, (void)worker;
}

/* With rests of 100, 200, 400, 800 ms there are five starts in 1.5 s. */
Test(runner_pool, a_worker_that_cannot_start_is_tried_again_ever_more_rarely)
{
	static struct pool pool;
	sd_event *loop = NULL;
	int gone = 0;
	const struct pool_owner owner = {&gone, on_frame, on_gone, on_ready, NULL};
	cr_assert_geq(sd_event_new(&loop), 0);
	int64_t from_ms = clock_mono_ms();
	pool_open(&pool, loop, "/bin/false", 1, &owner);
	while (gone < 5 && clock_mono_ms() - from_ms < 20000) {
		cr_assert_geq(sd_event_run(loop, 10000), 0);
		pool_tend(&pool);
	}
	cr_assert_eq(gone, 5);
	cr_assert_geq(clock_mono_ms() - from_ms, 100 + 200 + 400 + 800);
	cr_assert_eq(pool_alive(&pool), 0u);
	pool_close(&pool);
	sd_event_unref(loop);
}
