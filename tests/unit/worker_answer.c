/* SPDX-License-Identifier: MIT */
/* An answer reaches the run and the call that it is for, and wakes nobody else. */
#include <criterion/criterion.h>

#include "tests/unit/worker_rig.h"

#define SOURCE "rule \"r\" { on = \"person.*\", run = function() twenty.people:get('a') end }"

static void start(struct worker_rig *rig, uint32_t slot, uint32_t gen)
{
	cr_assert(peer_send(&rig->peer, FRAME_START, slot, gen,
		json_pack("{s:s, s:s, s:o}", "hash", "file", "rule", "r", "event",
			worker_rig_event())));
}

static void answer(struct worker_rig *rig, uint32_t slot, uint32_t gen, const char *path)
{
	cr_assert(peer_send(&rig->peer, FRAME_RESUME, slot, gen,
		json_pack("{s:s, s:{s:s}}", "path", path, "value", "id", "x")));
}

static void next_is(struct worker_rig *rig, enum frame_kind kind, uint32_t slot)
{
	struct peer_frame f;
	cr_assert(peer_receive(&rig->peer, RIG_WAIT_MS, &f), "the worker is silent");
	cr_assert(f.kind == kind && f.run == slot, "kind %d of run %u", (int)f.kind, f.run);
	json_decref(f.payload);
}

/* After each wrong answer another run is started: its call is the next thing that is heard. */
Test(worker_answer, one_that_is_for_somebody_else_wakes_nobody)
{
	static const struct {
		uint32_t slot, gen;
		const char *path;
	} wrong[] = {{4, 9, "1"}, {4, 11, "1"}, {4, 10, "2"}, {4, 10, "1.1"}, {5, 10, "1"}};
	struct worker_rig rig;
	worker_rig_open(&rig);
	json_decref(worker_rig_head(&rig, SOURCE));
	start(&rig, 4, 10);
	next_is(&rig, FRAME_CALL, 4);
	for (uint32_t i = 0; i < 5; i++) {
		answer(&rig, wrong[i].slot, wrong[i].gen, wrong[i].path);
		next_is(&rig, FRAME_BEAT, wrong[i].slot); /* it has nothing to say to it */
		start(&rig, 100 + i, 1);
		next_is(&rig, FRAME_CALL, 100 + i);
	}
	answer(&rig, 4, 10, "1");
	next_is(&rig, FRAME_END, 4);
	worker_rig_close(&rig);
}
