/* SPDX-License-Identifier: MIT */
/*
 * The calls of one run: what it asked, what it was told.
 *
 *   asked --> (an effect:) held --commit--> sent --> answered
 *        \--> (a read:) --------------------sent --> answered
 *
 * A run that is started again, in another worker or after a retry, asks again; the answers that are
 * there are given again, so that nothing is done twice.
 *
 * Under parallel() several calls of a run are under way at once, each with an entry and a state of
 * its own; a call is found by its path, never by its turn, so the order in which a run asks and is
 * answered does not matter. Started again within this process, a run gets every answer there is,
 * in the order in which it asks, and waits for those on their way. What an attempt starts with that
 * comes later, perhaps elsewhere, replay.h decides: what an effect may have been made of.
 */
#ifndef MOONHOOK_RUNNER_JOURNAL_H
#define MOONHOOK_RUNNER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "queue/queue.h"

#define JOURNAL_PATH_N 64
#define JOURNAL_WORD_N 64

enum journal_state {
	JOURNAL_OPEN, /* recorded without an answer: to be done, perhaps again */
	JOURNAL_BUSY, /* held for the commit, or sent */
	JOURNAL_ANSWERED,
};

struct journal_entry {
	char path[JOURNAL_PATH_N], method[JOURNAL_WORD_N], object[JOURNAL_WORD_N];
	uint8_t digest[DIGEST_N];
	bool effect;
	bool unknown; /* answered, yet nobody knows whether it happened */
	enum journal_state state;
	enum rc code; /* of the answer */
	char *answer; /* JSON: the value, or the error where code is not RC_OK */
	size_t answer_n;
	bool held;        /* call.c's: answered and asked for, not handed over yet */
	uint32_t asked;   /* generation of the run that asked last */
	int64_t since_ms; /* of one that is done again: when it may have been done before; else 0 */
};

struct journal {
	struct journal_entry *entries;
	size_t n, cap;
	size_t next;       /* where the next replayed call is expected */
	int64_t latest_ms; /* the last time that was noted */
};

void journal_done(struct journal *journal);

enum journal_verdict {
	JOURNAL_NEW,     /* not seen before: do it */
	JOURNAL_AGAIN,   /* the same call without an answer: do it */
	JOURNAL_WAIT,    /* the same call, its answer is on its way */
	JOURNAL_REPLAY,  /* the same call: give the recorded answer */
	JOURNAL_DIFFERS, /* another call at this place: stop the run */
	JOURNAL_TWICE,   /* asked twice by the same holder: the worker is broken */
};
/* Decides on a call of the holder `generation`. ret_i: the entry, where there is one. */
enum journal_verdict journal_ask(struct journal *journal, const char *path,
	const uint8_t digest[static DIGEST_N], uint32_t generation, size_t *ret_i);

struct journal_call { /* BORROWS */
	const char *path, *method, *object;
	const uint8_t *digest;
	bool effect;
	uint32_t generation;
};
/* Adds a call, state busy. RC_NOMEM, RC_INVALID (a word that is too long). */
enum rc journal_add(
	struct journal *journal, const struct journal_call *call, size_t *ret_i) must_check;
/* Notes the answer; text is copied. RC_NOMEM. */
enum rc journal_answer(struct journal *journal, size_t i, enum rc code, bool unknown,
	struct slice text) must_check;

/*
 * What an attempt starts with: of the stored calls, in order of recording, those that count
 * (replay.h). Open, to be done again, are those that were never answered, and an effect where
 * nobody knows whether it happened ("unknown") and that has no other behind it. Where it has, the
 * rule saw that answer and went on from there, and gets it again. RC_NOMEM.
 */
enum rc journal_load(struct journal *journal, const struct queue_call *calls, size_t n) must_check;
/* The code of the latest failed call whose error has this name; RC_OK: there is none. */
enum rc journal_code(const struct journal *journal, const char *name);
/* The time of what happens now. It never goes back, whatever the clock does, and is later than all
 * that was noted in earlier attempts: what came before what is told by it. */
int64_t journal_time(struct journal *journal, int64_t wall_ms);
/* An effect that happened, or may have, and that the holder `generation` has not asked for, though
 * it has ended: the rule did not repeat it. NULL: none. A branch that ends its run may do so before
 * another one has come to its calls: calls of branches are left out then. BORROWS. */
enum journal_scope { JOURNAL_ALL, JOURNAL_OUTSIDE_BRANCHES };
const struct journal_entry *journal_missed(
	const struct journal *journal, uint32_t generation, enum journal_scope scope);
/* An effect happened or may have happened. */
bool journal_effect(const struct journal *journal);
/* From the start again, within this process: everything recorded counts. */
void journal_rewind(struct journal *journal);

#endif
