/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * Frames between the runner and a worker, over one stream socket pair.
 *
 *   u32 length (little endian, of what follows) | u8 kind | u32 run | u32 generation | payload
 *
 * Every payload is one JSON object. The runner parses what a worker sends as hostile: length at
 * most FRAME_MAX, known kind, run and generation that it handed out and that are still alive, JSON
 * of bounded depth and size. `run` is a slot the runner chooses; `generation` changes with every
 * start, so that a late answer or call of an earlier holder of the slot is recognised and dropped.
 * A worker takes up one frame after the other, in order, and answers LOAD, WHEN, START and RESUME
 * under the run and generation of the frame.
 *
 * runner -> worker
 *   LOAD    {"hash","file","source","modules":[{"file":"lib/x.lua","source"}]?}
 *                                        keep this rule file under its hash, and what it may `use`;
 *                                        answered with HEAD
 *   DROP    {"hash"}                     no run will need it again
 *   WHEN    {"hash","rule","event","when"?,"key_only"?}
 *                                        run `when` and `key`; answered with WHEN. "when": what
 *                                        the runner could not decide of a predicate: {"ask":n},
 *                                        {"all":[..]}, "any", "none" of such, null: unsure
 *                                        key_only true: `when` counts as true, it is asked later
 *   START   {"hash","rule","event","cpu_ms","memory","logs"?,"calls"?}
 *                                        a new run; logs, calls: how many lines and calls at most,
 *                                        1000 each where it does not say
 *   RESUME  {"path","value"} | {"path","error":{"code","message","status","retryable","unknown"?,
 *           "answer"?}}                  answer: of http, what the server said with its error
 *                                        the answer to a CALL; unknown true: an effect of which
 *                                        nobody knows whether it happened (no answer in time)
 *   CANCEL  {}                           the run is over, forget it (wall time, drain)
 *   TEST    {"do","file","source","fixtures","arg"}
 *                                        of a test file (rehearsal.h); answered with TOLD. The
 *                                        daemon sends none
 * worker -> runner
 *   TOLD    {"value"} | {"error":{..}}   what a test file says
 *   READY   {"pid"}                      sandboxed, may be used
 *   HEAD    {"hash","rules":[{..}]} | {"hash","error","line"}    the declarations as data, below
 *   WHEN    {"match":bool,"key":string|null} | {"error":{..}}
 *   LOG     {"level","text"}             level: info warn error
 *   CALL    {"path","method","object","args"}
 *   SIDE    the same, of a branch under parallel(): others of the run may go on, so it is not yet
 *           the answer to a START or RESUME; that is the CALL, END or BEAT that comes behind
 *           object "": now {} answers an ISO text, random {} a number in [0,1),
 *           after {"rule","delay_ms" or "at_ms","payload","key"} the time as ISO text,
 *           cancel {"rule","key"} a boolean; "kv" and "kv.shared": get {"key"} answers the value,
 *           set {"key","value","ttl_ms"} null, incr {"key","by","ttl_ms"} the number,
 *           delete {"key"} a boolean; any other: client.h
 *   END     {"outcome":"done"|"skip"|"retry_after"|"reject"|"error", "why", "delay_ms", "path",
 *            "error":{"code","message","line","frames","call","status","retryable"},
 *            "cpu_us","memory"}          memory: most bytes held at once; path: of retry_after in
 *                                        a branch, where its next call would have been
 *           frames, call: see trace.h
 *           code: "rule" "cpu" "memory" "quota" "nomem" "worker", or of a call that failed
 *   BEAT    {}                           under run and generation 0: a sign of life, every time the
 *                                        worker returns to its loop after more than 5 ms; under
 *                                        those of a START or RESUME: its run has nothing more to
 *                                        say to it (it waits for calls of branches, or no call
 *                                        waits for that answer)
 *
 * A rule in HEAD; 0, null and absent: the default:
 *   "name" "line"
 *   "on": ["person.created" "hook:stripe" "timer" ..]   empty where every_ms or cron is there
 *   "every_ms" "cron": "0 9 * * 1-5" "tz": "Europe/Paris"
 *   "when": bool (a function) | a predicate (runner/predicate.h)
 *   "key": "field.path" | true (a function)
 *   "echo": bool | null (others)
 *   "timeout_ms" "cpu_ms" "retry_max" "concurrency"
 *   "settle_ms" "max_settle_ms" "batch": {"every_ms","max"}
 *   "fresh": {"depth"} "lane": "live" | "background" "shadow": bool
 *   "max_writes": {"n","per_ms"} "was": "old name"
 *
 * Both sides' values obey json text rules: no NaN, integers stay integers.
 */
/* clang-format on */
#ifndef MOONHOOK_RUNNER_WORKER_FRAME_H
#define MOONHOOK_RUNNER_WORKER_FRAME_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define FRAME_MAX (16u << 20)  /* bytes of one frame behind its length */
#define FRAME_MARKS_MAX 200000 /* braces, brackets, commas and colons that the runner parses */
#define FRAME_DEPTH_MAX 64     /* levels, the payload's own object included */
#define FRAME_WORD_MAX 63      /* bytes of a path, a method, an object's name */
#define FRAME_HEAD 13          /* bytes in front of the payload, length included */

enum frame_kind {
	FRAME_LOAD = 1,
	FRAME_DROP,
	FRAME_WHEN,
	FRAME_START,
	FRAME_RESUME,
	FRAME_CANCEL,
	FRAME_READY,
	FRAME_HEAD_OF_FILE,
	FRAME_LOG,
	FRAME_CALL,
	FRAME_END,
	FRAME_BEAT,
	FRAME_SIDE,
	FRAME_TEST,
	FRAME_TOLD,
	FRAME_KIND_END,
};

struct frame {
	enum frame_kind kind;
	uint32_t run, generation;
	struct slice payload; /* BORROWS from the buffer it was parsed from */
};

/* Appends one frame to out. RC_TOO_LARGE, RC_NOMEM. */
enum rc frame_put(struct buf *out, const struct frame *frame) must_check;
/*
 * Looks for one whole frame at the start of bytes. RC_OK: *ret_n bytes belong to it. RC_BUSY: more
 * bytes are needed. RC_TOO_LARGE, RC_PARSE: the peer is broken or hostile, end it.
 */
enum rc frame_parse(
	struct slice bytes, struct frame *ret_frame, size_t *ret_n, struct err *err) must_check;

#endif
