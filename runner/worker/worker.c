/* SPDX-License-Identifier: MIT */
/*
 * The worker process: one frame after the other, in the order in which they came.
 * From: the runner, over descriptor 3. To: run.c and rule.c; their answers leave before the next
 * frame is taken up, so that the earliest frame without an answer is the one at work. Ends when the
 * runner closes, sends what is no frame, or memory runs out; exit status 0, 1 and 1. Never touches
 * a file or the network, and could not.
 */
#include "runner/worker/worker.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "runner/worker/kit.h"
#include "runner/worker/limit.h"
#include "runner/worker/outbox.h"
#include "runner/worker/rehearsal.h"
#include "runner/worker/rule.h"
#include "runner/worker/run.h"
#include "runner/worker/sandbox.h"

#define BEAT_US 5000
#define IDLE_MS 200 /* without a frame: give memory back */
#define READ_BYTES 65536
#define KEPT_MAX 65536 /* bytes of buffer that stay while idle */

struct worker_process {
	struct kit kit;
	struct outbox box;
	struct buf in;
	struct worker_rules rules;
	struct worker_runs runs;
	struct rehearsal rehearsal;
	bool trimmed; /* since the last frame */
	bool walled;  /* nothing but the socket can be written to */
};

static enum rc take_up(struct worker_process *w, const struct frame *frame, struct err *err)
{
	switch (frame->kind) {
	case FRAME_LOAD:
		return worker_rules_load(&w->rules, &w->kit, &w->box, frame, err);
	case FRAME_DROP:
		worker_rules_drop(&w->rules, frame);
		return RC_OK;
	case FRAME_WHEN:
		return worker_run_ask(&w->kit, &w->rules, &w->box, frame, err);
	case FRAME_START:
		return worker_run_start(&w->runs, &w->kit, &w->rules, &w->box, frame, err);
	case FRAME_RESUME:
		return worker_run_resume(&w->runs, &w->box, frame, err);
	case FRAME_CANCEL:
		worker_run_cancel(&w->runs, frame);
		return RC_OK;
	case FRAME_TEST:
		return rehearsal_take(&w->rehearsal, &w->kit, &w->box, frame, err);
	case FRAME_READY:
	case FRAME_TOLD:
	case FRAME_HEAD_OF_FILE:
	case FRAME_LOG:
	case FRAME_CALL:
	case FRAME_END:
	case FRAME_BEAT:
	case FRAME_SIDE:
	case FRAME_KIND_END:
		break;
	}
	return err_set(err, RC_PARSE, "a frame that only workers send");
}

/* Takes up every whole frame that has been read. */
static enum rc take_all(struct worker_process *w, struct err *err)
{
	size_t at = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && at < w->in.n) {
		struct frame frame;
		struct slice rest = {w->in.p + at, w->in.n - at};
		size_t n;
		rc = frame_parse(rest, &frame, &n, err);
		if (rc == RC_BUSY)
			break;
		if (rc != RC_OK)
			return rc;
		w->box.since_us = clock_mono_us();
		rc = take_up(w, &frame, err);
		if (rc == RC_OK && clock_mono_us() - w->box.since_us > BEAT_US) {
			buf_clear(&w->box.text);
			rc = buf_put_text(&w->box.text, "{}");
			if (rc == RC_OK)
				rc = outbox_put(&w->box, FRAME_BEAT, 0, 0);
		}
		if (rc == RC_OK)
			rc = outbox_flush(&w->box, err);
		at += n;
	}
	buf_shift(&w->in, at);
	return rc == RC_BUSY ? RC_OK : rc;
}

/* Gives back what large frames and ended runs took, so that an idle worker is small. */
static void trim(struct worker_process *w)
{
	if (w->in.n == 0 && w->in.cap > KEPT_MAX)
		buf_done(&w->in);
	if (w->kit.scratch.cap > KEPT_MAX)
		buf_done(&w->kit.scratch);
	outbox_trim(&w->box);
	malloc_trim(0);
	w->trimmed = true;
}

/* Waits for bytes and reads them. RC_CLOSED: the runner is gone. */
static enum rc read_more(struct worker_process *w, struct err *err)
{
	struct pollfd waiting = {.fd = WORKER_FD, .events = POLLIN};
	int ready = poll(&waiting, 1, w->trimmed ? -1 : IDLE_MS);
	if (ready == 0)
		trim(w);
	if (ready == 0 || (ready < 0 && errno == EINTR))
		return RC_OK;
	char *to = buf_reserve(&w->in, READ_BYTES);
	if (to == NULL)
		return err_set(err, RC_NOMEM, "no memory for a frame");
	ssize_t n = recv(WORKER_FD, to, READ_BYTES, 0);
	if (n < 0 && errno == EINTR)
		return RC_OK;
	if (n < 0)
		return err_set_errno(err, RC_IO, errno, "reading frames");
	w->in.n += (size_t)n;
	w->trimmed = false;
	return n == 0 ? RC_CLOSED : RC_OK;
}

static enum rc work(struct worker_process *w, struct err *err)
{
	enum rc rc = buf_printf(&w->box.text, "{\"pid\":%ld}", (long)getpid());
	if (rc == RC_OK)
		rc = outbox_put(&w->box, FRAME_READY, 0, 0);
	if (rc == RC_OK)
		rc = sandbox_close(err);
	w->walled = rc == RC_OK;
	if (rc == RC_OK)
		rc = outbox_flush(&w->box, err);
	while (rc == RC_OK) {
		rc = read_more(w, err);
		if (rc == RC_OK)
			rc = take_all(w, err);
	}
	return rc;
}

int worker_main(void)
{
	struct worker_process w = {.trimmed = true};
	struct err err = {.msg = ""};
	buf_init(&w.in, FRAME_MAX + FRAME_HEAD + READ_BYTES);
	outbox_init(&w.box, WORKER_FD);
	mallopt(M_ARENA_MAX, 1);
	log_start("worker", LOG_AUTO, LOG_INFO);
	enum rc rc = sandbox_open(&err);
	if (rc == RC_OK)
		rc = limit_open(&err);
	if (rc == RC_OK)
		rc = kit_open(&w.kit, &err);
	if (rc == RC_OK)
		rc = work(&w, &err);
	if (rc != RC_OK && rc != RC_CLOSED && !w.walled)
		log_error(NULL, "%s", err.msg);
	worker_runs_done(&w.runs);
	worker_rules_done(&w.rules);
	rehearsal_done(&w.rehearsal);
	kit_done(&w.kit);
	outbox_done(&w.box);
	buf_done(&w.in);
	/* Destructors of libraries would make calls that the filter does not allow. */
	_exit(rc == RC_CLOSED ? 0 : 1);
}
