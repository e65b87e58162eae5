/* SPDX-License-Identifier: MIT */
/*
 * A test file (*_test.lua) in a worker: loaded, its tests told as data, its stubs and expectations
 * asked. One file at a time, each test in a fresh state of it. Its rules run elsewhere, as always.
 */
#ifndef MOONHOOK_RUNNER_WORKER_REHEARSAL_H
#define MOONHOOK_RUNNER_WORKER_REHEARSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "runner/worker/frame.h"
#include "runner/worker/state.h"
#include "runner/worker/test_words.h"

struct kit;
struct outbox;

struct rehearsal { /* zero: no file */
	bool open;
	struct state state;
	struct buf prelude; /* bytecode of rehearsal.lua */
};

/*
 * Answers TEST with TOLD. {"do": "open", "file", "source", "fixtures": {name: text}} makes a fresh
 * state and answers what `list` does; {"do": <anything else>, "arg": {..}} asks the state that is
 * open. RC_NOMEM, RC_PARSE: the worker cannot go on.
 *
 * Of rule files: {"do": "cover"}: from here on the lines that run are noted; "covered": those so
 * far, as cover_put writes them, forgotten then; "lines" (of "file", "source"): those that have
 * code.
 */
enum rc rehearsal_take(struct rehearsal *r, struct kit *kit, struct outbox *box,
	const struct frame *frame, struct err *err) must_check;
void rehearsal_done(struct rehearsal *r);

#endif
