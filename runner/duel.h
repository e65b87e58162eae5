/* SPDX-License-Identifier: MIT */
/*
 * Another program that answers us, while we answer it: a second Moonhook on the same workspace,
 * say. Its writes are in no ledger of ours, so that no chain of causes leads through them. Told
 * from an importer, which changes a record again and again while a rule of ours answers each time,
 * by waiting: what answers us is silent while we are, and answers as fast as before when we go on;
 * an importer does not care.
 *
 *   theirs -> ours -> theirs -> ours -> theirs   the same fields each time, each of theirs within
 *                                                DUEL_WINDOW_MS of ours: the run waits DUEL_HOLD_MS
 *   silence -> ours -> theirs                    as fast as before: once more
 *   silence -> ours -> theirs                    the rule is stopped, after eight changes in all
 *
 * Theirs twice in silence, or at another pace: an importer, which is remembered until the process
 * ends. One of theirs may come in silence: where both answered a member, there are two balls in the
 * game. Everything is in memory: a restart begins anew.
 */
#ifndef MOONHOOK_RUNNER_DUEL_H
#define MOONHOOK_RUNNER_DUEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DUEL_N 256          /* records and rules that are watched; the longest unseen go first */
#define DUEL_WINDOW_MS 3000 /* by Twenty's clock, from our write to theirs */
#define DUEL_HOLD_MS 3500   /* longer than the window: who writes that often shows */
#define DUEL_ROUNDS 2       /* of theirs, before we wait */
#define DUEL_PROOFS 2       /* silences that were followed by an answer */

struct duel;

struct duels {             /* zeroed: none */
	struct duel *list; /* [DUEL_N], made with the first */
	uint64_t turn;
};

struct duel_event { /* a change by another program; BORROWS */
	const char *rule, *record;
	uint64_t fields;   /* hash of the names of what it changed */
	int64_t at_ms;     /* its time, by Twenty's clock */
	int64_t own_at_ms; /* that of the rule's last write to the record before it; 0: none of late
			    */
};

enum duel_verdict { DUEL_FIRE, DUEL_HOLD, DUEL_LOOP };
/* The rule is to run for it: at once, after a silence of DUEL_HOLD_MS, or not. Memory that is short
 * lets it run. */
enum duel_verdict duel_judge(struct duels *duels, const struct duel_event *event);
/* Is the rule silent now? */
bool duel_holds(struct duels *duels, const char *rule, const char *record);
/* The silence is over: the run starts. */
void duel_go_on(struct duels *duels, const char *rule, const char *record);
/* The rule was not silent after all: what was counted so far proves nothing. */
void duel_drop(struct duels *duels, const char *rule, const char *record);
void duels_done(struct duels *duels);

#endif
