/* SPDX-License-Identifier: MIT */
/*
 * Starts one room as a child.
 * From: tests and benchmarks of a single room. Fails by result code; a child that was started is
 * always ended by room_done. It knows no room: the caller names tables and entry.
 */
#include "tests/harness/room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"

#define AWAIT_MS 60000
#define WAIT_MS 60000
#define HIGH_FD 64 /* above the descriptors that a room expects */

static enum rc export_conf(const struct room_conf *conf, struct buf *out, struct err *err)
{
	static const char *const parts[] = {
		"listen", "store", "limits", "source", "retain", "log", "rules", "workers"};
	char path[] = "/tmp/moonhook-room-XXXXXX";
	struct conf *parsed = NULL;
	int fd = mkstemp(path);
	if (fd < 0)
		return err_set_errno(err, RC_IO, errno, "cannot make %s", path);
	enum rc rc = RC_OK;
	if (write(fd, conf->conf, strlen(conf->conf)) != (ssize_t)strlen(conf->conf))
		rc = err_set_errno(err, RC_IO, errno, "cannot write %s", path);
	if (rc == RC_OK)
		rc = conf_load(path, conf->tables, conf->tables_n, NULL, 0, &parsed, err);
	if (rc == RC_OK)
		rc = conf_export(parsed, parts, ARRAY_N(parts), out, err);
	conf_free(parsed);
	close(fd);
	unlink(path);
	return rc;
}

static enum rc listen_somewhere(int *ret_fd, struct err *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 4096) != 0) {
		int e = errno;
		if (fd >= 0)
			close(fd);
		return err_set_errno(err, RC_IO, e, "cannot listen on loopback");
	}
	*ret_fd = fd;
	return RC_OK;
}

static int port_of(int fd)
{
	struct sockaddr_in at;
	socklen_t n = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	return ntohs(at.sin_port);
}

/* First out of the way, then into place, so that no number is overwritten before its turn. */
static void place(const int from[static 4])
{
	static const int to[] = {LINK_FD, LINK_METRICS, LINK_WAKE, LINK_LISTEN};
	int high[4];
	for (int i = 0; i < 4; i++)
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, HIGH_FD);
	for (int i = 0; i < 4; i++)
		if (high[i] < 0 || dup2(high[i], to[i]) < 0)
			_exit(126);
}

static void noreturn_ child(const struct room_conf *conf, const int fd[static 4])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	place(fd);
	if (conf->main != NULL) {
		if (conf->wall_ms != 0)
			clock_set_wall_ms(conf->wall_ms);
		exit(conf->main());
	}
	execl(conf->program, conf->program, "room", conf->name, (char *)NULL);
	_exit(127);
}

enum rc room_start(const struct room_conf *conf, struct room *ret_room, struct err *err)
{
	struct buf text;
	int link_fd[2] = {-1, -1};
	struct room room = {0, -1, -1, -1, -1, 0};

	buf_init(&text, LINK_MAX);
	enum rc rc = export_conf(conf, &text, err);
	if (rc == RC_OK)
		rc = link_open(link_fd, err);
	if (rc == RC_OK)
		rc = metrics_new(&room.metrics_fd, err);
	if (rc == RC_OK)
		rc = metrics_open(room.metrics_fd, err);
	if (rc == RC_OK && conf->listen_fd == 0)
		rc = listen_somewhere(&room.listen_fd, err);
	else if (rc == RC_OK)
		room.listen_fd = dup(conf->listen_fd);
	room.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	room.link_fd = link_fd[0];
	if (rc == RC_OK) {
		room.port = port_of(room.listen_fd);
		fflush(NULL);
		room.pid = fork();
		if (room.pid == 0) {
			close(link_fd[0]);
			child(conf, (const int[]){link_fd[1], room.metrics_fd, room.wake_fd,
					    room.listen_fd});
		}
		if (room.pid < 0)
			rc = err_set_errno(err, RC_IO, errno, "cannot fork");
	}
	if (link_fd[1] >= 0)
		close(link_fd[1]);
	if (rc == RC_OK)
		rc = link_send(room.link_fd, "conf", buf_slice(&text), err);
	buf_done(&text);
	if (rc == RC_OK)
		*ret_room = room;
	else
		room_done(&room);
	return rc;
}

enum rc room_await(struct room *room, const char *kind, char text[256], struct err *err)
{
	struct buf buf;
	struct link_msg msg;
	struct pollfd p = {room->link_fd, POLLIN, 0};
	if (poll(&p, 1, AWAIT_MS) != 1)
		return err_set(err, RC_TIMEOUT, "the room says nothing");
	buf_init(&buf, LINK_MAX);
	enum rc rc = link_receive(room->link_fd, &buf, &msg, err);
	if (rc == RC_OK && strcmp(msg.kind, kind) != 0)
		rc = err_set(err, RC_INVALID, "%s: %.200s", msg.kind, msg.text.p);
	else if (rc == RC_OK && text != NULL)
		snprintf(text, 256, "%.*s", (int)msg.text.n, msg.text.p);
	buf_done(&buf);
	return rc;
}

enum rc room_reload(struct room *room, const struct room_conf *conf, struct err *err)
{
	struct buf text;
	buf_init(&text, LINK_MAX);
	enum rc rc = export_conf(conf, &text, err);
	if (rc == RC_OK)
		rc = link_send(room->link_fd, "reload", buf_slice(&text), err);
	buf_done(&text);
	return rc;
}

enum rc room_send(struct room *room, const char *kind, struct err *err)
{
	return link_send(room->link_fd, kind, slice_of(""), err);
}

int room_wait(struct room *room)
{
	int status = 0;
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	if (room->pid <= 0)
		return -1;
	pid_t got;
	while ((got = waitpid(room->pid, &status, WNOHANG)) == 0 && clock_mono_ms() < until_ms)
		poll(NULL, 0, 2);
	if (got == 0) {
		kill(room->pid, SIGKILL);
		waitpid(room->pid, &status, 0);
		room->pid = 0;
		return -1;
	}
	room->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void room_done(struct room *room)
{
	if (room->pid > 0) {
		kill(room->pid, SIGKILL);
		waitpid(room->pid, NULL, 0);
		room->pid = 0;
	}
	int *fds[] = {&room->link_fd, &room->metrics_fd, &room->wake_fd, &room->listen_fd};
	for (size_t i = 0; i < ARRAY_N(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
