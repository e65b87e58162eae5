/* SPDX-License-Identifier: MIT */
/* Which stored calls of a run count when it is tried again, with and without branches. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "runner/replay.h"

enum kind {
	READ,     /* answered */
	READ_BAD, /* its answer was an error */
	DONE,     /* an effect that happened */
	REFUSED,  /* an effect that did not */
	UNKNOWN,  /* an effect of which nobody knows */
	INTENT,   /* an effect without an answer */
	LATER,    /* the branch asked to be tried later */
};

struct made { /* in order of recording; wanted: g(iven), d(one), - (forgotten) */
	const char *path;
	enum kind kind;
	char wanted;
	int started, ended;
};

static void hold(const char *what, const struct made *made, size_t n)
{
	static const struct {
		bool effect;
		const char *answer;
		enum rc code;
	} kinds[] = {
		[READ] = {false, "{}", RC_OK},
		[READ_BAD] = {false, "{\"code\":\"upstream\"}", RC_UPSTREAM},
		[DONE] = {true, "{}", RC_OK},
		[REFUSED] = {true, "{\"code\":\"upstream\"}", RC_UPSTREAM},
		[UNKNOWN] = {true, "{\"code\":\"timeout\",\"unknown\":true}", RC_TIMEOUT},
		[INTENT] = {true, NULL, RC_OK},
		[LATER] = {false, "{\"code\":\"later\"}", RC_LATER},
	};
	struct queue_call calls[16];
	enum replay_fate fates[16];
	cr_assert_leq(n, ARRAY_N(calls));
	for (size_t i = 0; i < n; i++)
		calls[i] = (struct queue_call){
			.path = made[i].path,
			.method = "m",
			.object = "o",
			.effect = kinds[made[i].kind].effect,
			.answer = slice_of(kinds[made[i].kind].answer),
			.code = kinds[made[i].kind].code,
			.started_ms = made[i].started,
			.ended_ms = made[i].ended,
		};
	cr_assert_eq(replay_choose(calls, n, fates), RC_OK);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq("-gd"[fates[i]], made[i].wanted, "%s: %s is %c", what, made[i].path,
			"-gd"[fates[i]]);
}

#define OF(path, kind, wanted)                                                                     \
	{                                                                                          \
		path, kind, wanted, 0, 0                                                           \
	}

#define HOLD(what, ...)                                                                            \
	do {                                                                                       \
		static const struct made made[] = {__VA_ARGS__};                                   \
		hold(what, made, ARRAY_N(made));                                                   \
	} while (0)

Test(runner_replay, without_branches_all_up_to_the_last_effect_counts)
{
	HOLD("nothing", OF("1", READ, '-'), OF("2", REFUSED, '-'));
	HOLD("up to it", OF("1", READ, 'g'), OF("2", READ_BAD, 'g'), OF("3", REFUSED, 'g'),
		OF("4", DONE, 'g'), OF("5", READ, '-'), OF("6", REFUSED, '-'));
	HOLD("unknown, gone on from", OF("1", UNKNOWN, 'g'), OF("2", DONE, 'g'),
		OF("3", READ, '-'));
	HOLD("unknown, the last", OF("1", DONE, 'g'), OF("2", UNKNOWN, 'd'), OF("3", READ, '-'));
	HOLD("an intent", OF("1", READ, 'g'), OF("2", INTENT, 'd'));
	HOLD("ten and more", OF("9", READ, 'g'), OF("10", DONE, 'g'), OF("11", READ, '-'));
	HOLD("a clock that was set back", {"1", READ, 'g', 900, 910}, {"2", READ, 'g', 100, 110},
		{"3", DONE, 'g', 120, 130});
}

Test(runner_replay, a_read_before_the_last_effect_of_another_branch_counts)
{
	HOLD("before", OF("2.1.1", READ, 'g'), OF("2.2.1", DONE, 'g'), OF("2.1.2", READ, '-'));
	HOLD("in front of the block", OF("1", READ, 'g'), OF("2.1.1", DONE, 'g'),
		OF("2.2.1", READ, '-'));
	HOLD("all of a block with an effect behind it", OF("2.2.1", READ, 'g'),
		OF("2.1.1", DONE, 'g'), OF("2.2.2", READ, 'g'), OF("2.3.1", READ_BAD, 'g'),
		OF("3", DONE, 'g'));
	HOLD("effects of every branch", OF("2.1.1", INTENT, 'd'), OF("2.2.1", READ, 'g'),
		OF("2.3.1", DONE, 'g'), OF("2.2.2", INTENT, 'd'));
}

Test(runner_replay, what_failed_in_a_branch_is_made_again_though_another_went_on_to_an_effect)
{
	HOLD("a read", OF("1.1.1", READ_BAD, '-'), OF("1.2.1", READ, 'g'), OF("1.2.2", DONE, 'g'));
	HOLD("an effect", OF("1.1.1", REFUSED, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("an unknown one", OF("1.1.1", UNKNOWN, 'd'), OF("1.2.1", DONE, 'g'));
	HOLD("with what came of it", OF("1.1.1", READ_BAD, '-'), OF("1.1.2", READ, '-'),
		OF("1.2.1", READ, 'g'), OF("1.1.3", REFUSED, '-'), OF("1.2.2", DONE, 'g'));
	HOLD("with what came of it further in", OF("1.1.1", READ_BAD, '-'),
		OF("1.1.2.1.1", READ, '-'), OF("1.1.3", READ, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("inside a block, with what came behind that", OF("1.1.1.1.1", READ_BAD, '-'),
		OF("1.1.1.2.1", READ, 'g'), OF("1.1.2", READ, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("not where an effect came of it", OF("1.1.1", READ_BAD, 'g'), OF("1.1.2", DONE, 'g'),
		OF("1.2.1", DONE, 'g'));
	HOLD("not where an effect further in came of it", OF("1.1.1", READ_BAD, 'g'),
		OF("1.1.2.3.1", DONE, 'g'), OF("1.2.1", DONE, 'g'));
}

Test(runner_replay, what_made_a_branch_ask_to_be_tried_later_is_read_anew)
{
	HOLD("its read", OF("1.1.1", READ, '-'), OF("1.2.1", READ, 'g'), OF("1.1.2", LATER, '-'),
		OF("1.2.2", DONE, 'g'));
	HOLD("behind its own effect", OF("1.1.1", READ, 'g'), OF("1.1.2", DONE, 'g'),
		OF("1.1.3", READ, '-'), OF("1.1.4", LATER, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("a block of it", OF("1.1.1", READ, '-'), OF("1.1.2.1.1", READ, '-'),
		OF("1.1.2.2.1", READ, '-'), OF("1.1.3", LATER, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("not a block with an effect, nor what is in front of it", OF("1.1.1", READ, 'g'),
		OF("1.1.2.1.1", READ, 'g'), OF("1.1.2.2.1", DONE, 'g'), OF("1.1.3", READ, '-'),
		OF("1.1.4", LATER, '-'), OF("1.2.1", DONE, 'g'));
	HOLD("no other branch, nor what is in front of the block", OF("1", READ, 'g'),
		OF("2.1.1", READ, 'g'), OF("2.2.1", LATER, '-'), OF("2.3.1", DONE, 'g'));
	HOLD("not where it went on since, with a block", {"1.1.1", READ, 'g', 10, 20},
		{"1.1.2", LATER, '-', 30, 30}, {"1.1.2.1.1", READ, 'g', 40, 50},
		{"1.2.1", DONE, 'g', 60, 70});
	HOLD("but where that was before", {"1.1.1", READ, '-', 10, 20},
		{"1.1.2", LATER, '-', 60, 60}, {"1.1.3", READ, '-', 40, 50},
		{"1.2.1", DONE, 'g', 60, 70});
	HOLD("not where the block was left behind since", OF("1.1.1", READ, 'g'),
		OF("1.1.2", LATER, '-'), OF("1.2.1", DONE, 'g'), OF("2", DONE, 'g'));
}

Test(runner_replay, what_an_earlier_attempt_left_does_not_count)
{
	/* The first was made again in a later attempt, which has not come to the second. */
	HOLD("behind what was made again", {"1.1.1", READ, 'g', 500, 510},
		{"1.1.2", READ, '-', 20, 30}, {"1.2.1", DONE, 'g', 40, 50});
	HOLD("but effects do", {"1.1.1", READ, 'g', 500, 510}, {"1.1.2", DONE, 'g', 20, 30});
	HOLD("other branches are at the same time", {"1.1.1", READ, 'g', 10, 90},
		{"1.2.1", READ, 'g', 20, 30}, {"1.2.2", DONE, 'g', 40, 50});
	HOLD("behind a block", {"1.1.1", READ, 'g', 500, 510}, {"2", READ, '-', 60, 70},
		{"1.2.1", DONE, 'g', 40, 50});
}

Test(runner_replay, any_text_may_be_a_path)
{
	HOLD("odd ones", OF("", READ, 'g'), OF("..", READ, 'g'), OF("1.", READ, 'g'),
		OF("1", READ, 'g'), OF(".1.1", READ, 'g'), OF("1.0.0.0", READ, 'g'),
		OF("99999999999999999999999999999999999999", DONE, 'g'), OF("1.1", READ, '-'),
		OF("...............................................................", READ, '-'));
}

Test(runner_replay, many_calls_of_many_branches_take_their_places)
{
	enum { N = 100000 };
	struct queue_call *calls = calloc(N, sizeof(*calls));
	char(*paths)[32] = calloc(N, sizeof(*paths));
	enum replay_fate *fates = calloc(N, sizeof(*fates));
	cr_assert(calls != NULL && paths != NULL && fates != NULL);
	for (int i = 0; i < N; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%d.%d.%d", i / 1000 + 1, i % 100 + 1,
			i % 1000 / 100 + 1);
		calls[i] = (struct queue_call){
			.path = paths[i], .effect = i == N / 2, .answer = slice_of("{}")};
	}
	cr_assert_eq(replay_choose(calls, N, fates), RC_OK);
	for (int i = 0; i < N; i++)
		cr_assert_eq(fates[i], i <= N / 2 ? REPLAY_GIVE : REPLAY_FORGET, "%s", paths[i]);
	free(calls);
	free(paths);
	free(fates);
}
