/* SPDX-License-Identifier: MIT */
/*
 * One real worker in a child process.
 * From: tests of the worker. The child runs worker_main as the program does, sandbox included.
 * Everything waits with a bound and fails with false.
 */
#include "tests/harness/peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "runner/worker/worker.h"

#define START_MS 60000

static noreturn_ void become_worker(int fd, int (*body)(void))
{
	if (fd != WORKER_FD && dup2(fd, WORKER_FD) < 0)
		_exit(99);
	_exit(body());
}

bool peer_start(struct peer *p, int (*body)(void))
{
	int fds[2];
	*p = (struct peer){.pid = -1, .fd = -1};
	buf_init(&p->in, 2 * FRAME_MAX);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return false;
	p->pid = fork();
	if (p->pid == 0)
		become_worker(fds[1], body);
	close(fds[1]);
	p->fd = fds[0];
	struct peer_frame frame;
	if (p->pid < 0 || !peer_receive(p, START_MS, &frame))
		return false;
	bool ready = frame.kind == FRAME_READY &&
		     json_integer_value(json_object_get(frame.payload, "pid")) == p->pid;
	json_decref(frame.payload);
	return ready;
}

bool peer_send_bytes(struct peer *p, struct slice bytes)
{
	size_t at = 0;
	while (at < bytes.n) {
		ssize_t n = send(p->fd, bytes.p + at, bytes.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void write_u32(char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(value >> (8 * i) & 0xff);
}

static uint32_t read_u32(const char *from)
{
	uint32_t value = 0;
	for (int i = 3; i >= 0; i--)
		value = value << 8 | (uint8_t)from[i];
	return value;
}

bool peer_send(struct peer *p, enum frame_kind kind, uint32_t run, uint32_t gen, json_t *payload)
{
	char head[FRAME_HEAD];
	char *text = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	if (text == NULL)
		return false;
	write_u32(head, (uint32_t)(FRAME_HEAD - 4 + strlen(text)));
	head[4] = (char)kind;
	write_u32(head + 5, run);
	write_u32(head + 9, gen);
	bool ok = peer_send_bytes(p, (struct slice){head, sizeof(head)}) &&
		  peer_send_bytes(p, slice_of(text));
	free(text);
	return ok;
}

static bool take(struct peer *p, struct peer_frame *ret_frame)
{
	size_t n = p->in.n >= FRAME_HEAD ? (size_t)read_u32(p->in.p) + 4 : FRAME_HEAD;
	if (p->in.n < n || n < FRAME_HEAD)
		return false;
	*ret_frame = (struct peer_frame){(enum frame_kind)p->in.p[4], read_u32(p->in.p + 5),
		read_u32(p->in.p + 9), json_loadb(p->in.p + FRAME_HEAD, n - FRAME_HEAD, 0, NULL)};
	buf_shift(&p->in, n);
	return true;
}

bool peer_receive(struct peer *p, int wait_ms, struct peer_frame *ret_frame)
{
	int64_t until = clock_mono_ms() + wait_ms;
	for (;;) {
		while (take(p, ret_frame)) {
			if (ret_frame->kind != FRAME_BEAT || ret_frame->generation != 0)
				return true;
			p->beats++;
			json_decref(ret_frame->payload);
		}
		int64_t left = until - clock_mono_ms();
		struct pollfd waiting = {.fd = p->fd, .events = POLLIN};
		if (left <= 0 || poll(&waiting, 1, (int)left) <= 0)
			return false;
		char *to = buf_reserve(&p->in, 65536);
		ssize_t n = to != NULL ? read(p->fd, to, 65536) : -1;
		if (n <= 0)
			return false;
		p->in.n += (size_t)n;
	}
}

json_t *peer_load(struct peer *p, const char *hash, const char *file, const char *source)
{
	struct peer_frame frame;
	json_t *load = json_pack("{s:s, s:s, s:s}", "hash", hash, "file", file, "source", source);
	if (load == NULL || !peer_send(p, FRAME_LOAD, 0, 0, load) ||
		!peer_receive(p, START_MS, &frame))
		return NULL;
	if (frame.kind == FRAME_HEAD_OF_FILE)
		return frame.payload;
	json_decref(frame.payload);
	return NULL;
}

static int wait_for(struct peer *p)
{
	int status = -1;
	if (p->fd >= 0)
		close(p->fd);
	if (p->pid > 0)
		waitpid(p->pid, &status, 0);
	buf_done(&p->in);
	*p = (struct peer){.pid = -1, .fd = -1};
	return status;
}

int peer_stop(struct peer *p)
{
	if (p->fd >= 0)
		shutdown(p->fd, SHUT_RDWR);
	return wait_for(p);
}

int peer_kill(struct peer *p)
{
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
	return wait_for(p);
}
