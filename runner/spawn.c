/* SPDX-License-Identifier: MIT */
/*
 * One worker process is started, or ended.
 * From: pool.c (those of the daemon), solo.c (one alone). To: worker_main, by posix_spawn. Fails
 * where the system has no process or descriptor to give. Does not speak with it.
 */
#include "runner/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/worker/worker.h"

static enum rc start(const char *exe, int fd, pid_t *ret_pid, struct err *err)
{
	char name[] = "moonhook", room[] = "room", what[] = "worker";
	char *argv[] = {name, room, what, NULL}, *envp[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&files) != 0)
		return err_set(err, RC_NOMEM, "no memory to start a worker");
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return err_set(err, RC_NOMEM, "no memory to start a worker");
	}
	int n = posix_spawn_file_actions_adddup2(&files, fd, WORKER_FD);
	if (n == 0)
		n = posix_spawn_file_actions_addclosefrom_np(&files, WORKER_FD + 1);
	if (n == 0)
		n = posix_spawnattr_setsigmask(&attr, &none);
	if (n == 0)
		n = posix_spawnattr_setsigdefault(&attr, &all);
	if (n == 0)
		n = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (n == 0)
		n = posix_spawn(ret_pid, exe, &files, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return n == 0 ? RC_OK : err_set_errno(err, RC_IO, n, "cannot start a worker");
}

enum rc spawn_worker(const char *exe, pid_t *ret_pid, int *ret_fd, struct err *err)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return err_set_errno(err, RC_IO, errno, "cannot make a worker's socket");
	enum rc rc = start(exe, fd[1], ret_pid, err);
	close(fd[1]);
	if (rc == RC_OK)
		*ret_fd = fd[0];
	else
		close(fd[0]);
	return rc;
}

void spawn_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void spawn_clear(struct spawn_shelf *shelf)
{
	if (shelf->pid > 0)
		close(shelf->fd);
	spawn_end(shelf->pid);
	shelf->pid = 0;
}
