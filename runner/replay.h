/* SPDX-License-Identifier: MIT */
/*
 * Which of the calls that the store remembers of a run count when it is tried again.
 *
 * An effect happened, or may have, where its answer is a success, is missing or is "unknown". Calls
 * are given again up to the last such effect in the order of recording: what an effect was made of
 * had been answered, and so recorded, before the effect was. Reads behind it are fresh. Without
 * such an effect nothing counts.
 *
 * Under parallel() that order runs across branches: a read of one branch that was answered before
 * the last effect of another is given again too, for the branches may have shared what they knew.
 * With one exception, without which a run could never get better. "Behind" a call are those that
 * its own branch, or one inside of it, made later, and those that came after its block: what the
 * run went on with from its answer. A call that failed and has no such effect behind it is made
 * again, and everything behind it is new: nothing that happened came of that failure. So a branch
 * that met a failure tries again even where another branch went on to do something.
 *
 * The same where a branch asked for the whole run to be tried later (a call with the code RC_LATER
 * marks the place): what it had read behind its last effect made it ask so, and is read anew; given
 * again it would make it ask so for ever.
 *
 * What is left of an earlier attempt counts as little: a call that was started before one in front
 * of it had ended, and that has no effect behind it.
 */
#ifndef MOONHOOK_RUNNER_REPLAY_H
#define MOONHOOK_RUNNER_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "queue/queue.h"

enum replay_fate {
	REPLAY_FORGET, /* as if it had never been made */
	REPLAY_GIVE,   /* its answer is given again */
	REPLAY_DO,     /* an effect that is recorded: it is done, perhaps again, at its place */
};

/* calls: in order of recording. ret_fates: room for n. RC_NOMEM. */
enum rc replay_choose(
	const struct queue_call *calls, size_t n, enum replay_fate *ret_fates) must_check;
/* Nobody knows whether the call happened. */
bool replay_unknown(const struct queue_call *call);

#endif
