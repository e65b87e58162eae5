/* SPDX-License-Identifier: MIT */
/*
 * A worker spoken to synchronously.
 * From: check/ and rehearse/, which are commands without a loop. To: a worker as the daemon's are,
 * behind the same sandbox, frames and limits. What it says is hostile and parsed as such. Fails by
 * ending the worker, which the next question replaces. Knows nothing of runs.
 */
#include "runner/solo.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "runner/scan.h"
#include "runner/spawn.h"

#define LOAD_CPU_MS 1000 /* as pool.c gives it */
#define START_MS 20000   /* until READY */
#define GRACE_MS 250     /* for a polite end, behind the limit */
#define STUCK_MS 15000   /* a worker that does not get to run is given this much longer */
#define LOOK_MS 20
#define READ_BYTES 65536

struct solo {
	const char *exe;
	pid_t pid; /* 0: none */
	int fd;
	unsigned workers; /* started so far */
	uint32_t generation;
	struct buf in;
	size_t taken; /* of in: the frame that was handed out last */
};

enum rc solo_open(const char *exe, struct solo **ret_solo, struct err *err)
{
	struct solo *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory for a worker");
	s->exe = exe;
	s->fd = -1;
	buf_init(&s->in, FRAME_MAX + FRAME_HEAD + READ_BYTES);
	*ret_solo = s;
	return RC_OK;
}

static void end_worker(struct solo *s)
{
	if (s->fd >= 0)
		close(s->fd);
	spawn_end(s->pid);
	s->fd = -1;
	s->pid = 0;
	s->taken = 0;
	buf_done(&s->in);
}

void solo_close(struct solo *solo)
{
	if (solo == NULL)
		return;
	end_worker(solo);
	free(solo);
}

void solo_take(struct solo *solo, struct spawn_shelf *shelf)
{
	if (shelf->pid == 0)
		return;
	end_worker(solo);
	solo->pid = shelf->pid;
	solo->fd = shelf->fd;
	solo->workers++;
	shelf->pid = 0;
}

void solo_give(struct solo *solo, struct spawn_shelf *shelf)
{
	if (solo->pid == 0 || shelf->pid != 0)
		return;
	shelf->pid = solo->pid;
	shelf->fd = solo->fd;
	solo->pid = 0;
	solo->fd = -1;
	end_worker(solo); /* its buffer */
}

unsigned solo_workers(const struct solo *solo)
{
	return solo->workers;
}

/* --- frames ----------------------------------------------------------------------------------- */

struct deadline {
	int64_t cpu_us, cpu_ms; /* its time when it was asked; what it may use */
	int64_t mono_ms;        /* past this it is ended whatever it did */
};

static struct deadline deadline_of(const struct solo *s, int64_t cpu_ms, int64_t wall_ms)
{
	return (struct deadline){
		.cpu_us = clock_process_us(s->pid),
		.cpu_ms = cpu_ms,
		.mono_ms = clock_mono_ms() + wall_ms,
	};
}

static enum rc check_deadline(const struct solo *s, const struct deadline *d, struct err *err)
{
	int64_t used_us = clock_process_us(s->pid) - d->cpu_us;
	if (used_us > (d->cpu_ms + GRACE_MS) * 1000)
		return err_set(err, RC_CPU,
			"it used more than %lld ms of processor time and did not stop",
			(long long)d->cpu_ms);
	if (clock_mono_ms() > d->mono_ms)
		return err_set(err, RC_TIMEOUT, "it gave no answer in time");
	return RC_OK;
}

/* Waits for events on the socket. */
static enum rc wait_for(
	const struct solo *s, short events, const struct deadline *d, struct err *err)
{
	for (;;) {
		struct pollfd waiting = {.fd = s->fd, .events = events};
		int n = poll(&waiting, 1, LOOK_MS);
		if (n > 0)
			return RC_OK;
		if (n < 0 && errno != EINTR)
			return err_set_errno(err, RC_IO, errno, "waiting for a worker");
		enum rc rc = check_deadline(s, d, err);
		if (rc != RC_OK)
			return rc;
	}
}

static enum rc read_more(struct solo *s, const struct deadline *d, struct err *err)
{
	enum rc rc = wait_for(s, POLLIN, d, err);
	if (rc != RC_OK)
		return rc;
	char *to = buf_reserve(&s->in, READ_BYTES);
	if (to == NULL)
		return err_set(err, RC_NOMEM, "no memory for what a worker says");
	ssize_t n = recv(s->fd, to, READ_BYTES, MSG_DONTWAIT);
	if (n > 0)
		s->in.n += (size_t)n;
	else if (n == 0)
		return err_set(err, RC_CLOSED, "it ended without an answer");
	else if (errno != EAGAIN && errno != EINTR)
		return err_set_errno(err, RC_CLOSED, errno, "it ended without an answer");
	return RC_OK;
}

/* The next frame; BORROWS from the buffer until the one after it. */
static enum rc next_frame(
	struct solo *s, const struct deadline *d, struct frame *ret_frame, struct err *err)
{
	buf_shift(&s->in, s->taken);
	s->taken = 0;
	for (;;) {
		size_t n = 0;
		enum rc rc =
			s->in.n > 0 ? frame_parse(buf_slice(&s->in), ret_frame, &n, err) : RC_BUSY;
		if (rc == RC_OK)
			s->taken = n;
		if (rc != RC_BUSY)
			return rc;
		rc = read_more(s, d, err);
		if (rc != RC_OK)
			return rc;
	}
}

static enum rc send_frame(
	struct solo *s, const struct frame *frame, const struct deadline *d, struct err *err)
{
	struct buf out;
	buf_init(&out, FRAME_MAX + FRAME_HEAD);
	enum rc rc = frame_put(&out, frame);
	if (rc != RC_OK)
		err_set(err, rc, "it is %s for a worker", rc_text(rc));
	for (size_t at = 0; rc == RC_OK && at < out.n;) {
		ssize_t n = send(s->fd, out.p + at, out.n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			rc = wait_for(s, POLLOUT, d, err);
		else if (n < 0 && errno != EINTR)
			rc = err_set_errno(err, RC_CLOSED, errno, "it does not read any more");
	}
	buf_done(&out);
	return rc;
}

/* --- questions -------------------------------------------------------------------------------- */

static enum rc start_worker(struct solo *s, struct err *err)
{
	struct frame frame;
	if (s->pid != 0)
		return RC_OK;
	enum rc rc = spawn_worker(s->exe, &s->pid, &s->fd, err);
	if (rc != RC_OK)
		return rc;
	s->workers++;
	struct deadline d = deadline_of(s, START_MS, START_MS);
	rc = next_frame(s, &d, &frame, err);
	if (rc == RC_OK && frame.kind != FRAME_READY)
		rc = err_set(err, RC_PARSE, "it did not say that it is ready");
	if (rc != RC_OK) {
		end_worker(s);
		(void)err_wrap(err, "cannot start a worker");
	}
	return rc;
}

static enum rc await_answer(struct solo *s, const struct solo_question *q, const struct deadline *d,
	json_t **ret_answer, struct err *err)
{
	struct frame frame;
	for (;;) {
		enum rc rc = next_frame(s, d, &frame, err);
		if (rc != RC_OK)
			return rc;
		if (frame.kind == FRAME_BEAT)
			continue; /* a sign of life */
		if (frame.kind != q->answer || frame.generation != s->generation)
			return err_set(err, RC_PARSE, "it answered something that was not asked");
		return scan_parse(frame.payload, ret_answer, err);
	}
}

enum rc solo_ask(struct solo *solo, const struct solo_question *question, json_t **ret_answer,
	struct err *err)
{
	enum rc rc = start_worker(solo, err);
	if (rc != RC_OK)
		return rc;
	struct deadline d =
		deadline_of(solo, question->cpu_ms, question->cpu_ms + GRACE_MS + STUCK_MS);
	struct frame frame = {question->kind, 0, ++solo->generation, question->payload};
	rc = send_frame(solo, &frame, &d, err);
	if (rc == RC_OK)
		rc = await_answer(solo, question, &d, ret_answer, err);
	if (rc != RC_OK && rc != RC_TOO_LARGE)
		end_worker(solo);
	return rc;
}

enum rc solo_load(
	struct solo *solo, const struct version *version, json_t **ret_head, struct err *err)
{
	struct solo_question question = {
		.kind = FRAME_LOAD,
		.answer = FRAME_HEAD_OF_FILE,
		.payload = {version->load, version->load_n},
		.cpu_ms = LOAD_CPU_MS,
	};
	enum rc rc = solo_ask(solo, &question, ret_head, err);
	return rc == RC_OK ? rc : err_wrap(err, "%s: reading it ended its worker", version->file);
}

enum rc solo_load_text(
	struct solo *solo, const char *file, struct slice text, json_t **ret_head, struct err *err)
{
	struct versions versions = {NULL};
	struct version *version = NULL;
	uint8_t sum[DIGEST_N];
	char hash[DIGEST_HEX_N];
	enum rc rc = digest_sha256(&text, 1, sum);
	if (rc != RC_OK)
		return err_set(err, rc, "%s: no memory for its hash", file);
	digest_format(sum, hash);
	rc = version_add(&versions, hash, file, text, &version, err);
	if (rc == RC_OK)
		rc = solo_load(solo, version, ret_head, err);
	version_unref(version);
	version_sweep(&versions, NULL, NULL);
	return rc;
}
