/* SPDX-License-Identifier: MIT */
/*
 * The runs that this worker holds: started, suspended in a call, resumed, ended. Each has a state
 * of its own; at most one executes at a time.
 *
 *   START --> executing --CALL--> suspended --RESUME--> executing --END--> gone
 *                                     \------CANCEL------------------------> gone
 *
 * Under parallel() a run makes several calls before it is suspended; branch.h tells of that.
 */
#ifndef MOONHOOK_RUNNER_WORKER_RUN_H
#define MOONHOOK_RUNNER_WORKER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "runner/worker/branch.h"
#include "runner/worker/frame.h"
#include "runner/worker/state.h"

struct kit;
struct outbox;
struct worker_rules;

#define WORKER_RUN_BUCKETS 256
#define WORKER_WHY_N 1024

enum worker_outcome { WORKER_DONE, WORKER_SKIP, WORKER_RETRY_AFTER, WORKER_REJECT };

struct worker_run {
	struct worker_run *next; /* in its bucket */
	uint32_t slot, generation;
	struct outbox *box; /* BORROWED */
	struct state state;
	int64_t cpu_ms, cpu_left_us;
	int64_t logs_n, logs_max, calls_n, calls_max;
	struct branch own;                 /* its own function */
	struct branch *at;                 /* the branch that executes, or did */
	size_t branches_n;                 /* under parallel(), of all blocks that are open */
	size_t asking_n;                   /* calls without an answer yet */
	lua_State *over;                   /* the thread that ended it; NULL: it goes on */
	int over_status;                   /* of lua_resume or lua_pcall */
	struct slice answer, answer_error; /* BORROW from the RESUME at hand */
	enum worker_outcome outcome;
	char why[WORKER_WHY_N]; /* of the outcome, or which quota */
	int64_t delay_ms;
	char later_path[BRANCH_PATH_N]; /* of retry_after in a branch: its next call's; else "" */
};

struct worker_runs {
	struct worker_run *buckets[WORKER_RUN_BUCKETS];
	size_t n;
};

/* Each answers with the frames of frame.h on box. RC_NOMEM, RC_PARSE: the worker cannot go on. */
enum rc worker_run_start(struct worker_runs *runs, struct kit *kit,
	const struct worker_rules *rules, struct outbox *box, const struct frame *frame,
	struct err *err) must_check;
enum rc worker_run_resume(struct worker_runs *runs, struct outbox *box, const struct frame *frame,
	struct err *err) must_check;
void worker_run_cancel(struct worker_runs *runs, const struct frame *frame);
void worker_runs_done(struct worker_runs *runs);
/* Asks a rule's `when` and `key` about an event. */
enum rc worker_run_ask(struct kit *kit, const struct worker_rules *rules, struct outbox *box,
	const struct frame *frame, struct err *err) must_check;

/* --- for the bindings: called while the run executes, by the C functions of lua_*.c --- */

/* False: the run has said all it may. */
bool worker_run_log(struct worker_run *run, const char *level, struct slice text);
/* False: it has made all the calls it may. The caller then yields. */
bool worker_run_call(
	struct worker_run *run, const char *method, const char *object, struct slice args);

#endif
