/* SPDX-License-Identifier: MIT */
/*
 * One sandboxed worker outside the daemon, asked and answered one thing at a time: for commands
 * that want to know what rule files say. Nothing of a file runs in the caller's own process.
 *
 * A worker that dies, hangs or sends rubbish is an error with a sentence; the next question gets a
 * new one, which has no file loaded. One thread; blocks, within its deadlines.
 */
#ifndef MOONHOOK_RUNNER_SOLO_H
#define MOONHOOK_RUNNER_SOLO_H

#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "runner/spawn.h"
#include "runner/version.h"
#include "runner/worker/frame.h"

struct solo;

/* exe: STATIC, the program whose `room worker` is a worker; "/proc/self/exe" is this one. The
 * process starts with the first question. GIVES (solo_close). RC_NOMEM. */
enum rc solo_open(const char *exe, struct solo **ret_solo, struct err *err) must_check;
/* Ends the worker. Accepts NULL. */
void solo_close(struct solo *solo);

/*
 * Loads a rule file: {"hash", "rules": [..]} as frame.h says of HEAD, or what is wrong with it:
 * {"hash", "error": "file:line: sentence", "line"}. version: version_add makes one, modules and
 * all. The worker keeps it. GIVES (json_decref). RC_CPU: reading it takes too long; RC_CLOSED: the
 * worker died of it; RC_TIMEOUT, RC_PARSE, RC_IO, RC_NOMEM.
 */
enum rc solo_load(struct solo *solo, const struct version *version, json_t **ret_head,
	struct err *err) must_check;
/* The same of a file by its name and text. */
enum rc solo_load_text(struct solo *solo, const char *file, struct slice text, json_t **ret_head,
	struct err *err) must_check;

/*
 * Asks anything that has one answer: sends a frame of this kind, whose payload is JSON, and waits
 * for the frame of the kind `answer`. cpu_ms: processor time that it may take. GIVES (json_decref).
 * As solo_load.
 */
struct solo_question {
	enum frame_kind kind, answer;
	struct slice payload;
	int64_t cpu_ms;
};
enum rc solo_ask(struct solo *solo, const struct solo_question *question, json_t **ret_answer,
	struct err *err) must_check;
/* Takes up a worker that lies there, in the place of its own; lays it back, or down. Nothing of
 * what is loaded in it changes. */
void solo_take(struct solo *solo, struct spawn_shelf *shelf);
void solo_give(struct solo *solo, struct spawn_shelf *shelf);
/* Counts the workers that were started: where it has changed, nothing is loaded any more. */
unsigned solo_workers(const struct solo *solo);

#endif
