/* SPDX-License-Identifier: MIT */
/* Starting one worker process: this program again, with an empty environment and one socket. */
#ifndef MOONHOOK_RUNNER_SPAWN_H
#define MOONHOOK_RUNNER_SPAWN_H

#include <sys/types.h>

#include "base/err.h"

/*
 * Starts exe as a worker; it locks itself up and then says READY. GIVES the process and our end of
 * its socket (blocking, closed by exec). RC_IO, RC_NOMEM.
 */
enum rc spawn_worker(const char *exe, pid_t *ret_pid, int *ret_fd, struct err *err) must_check;
/* Kills it, where it still lives, and waits for its end. pid 0: nothing is done. */
void spawn_end(pid_t pid);

/* A worker that is ready and at nothing, kept for whoever needs the next one; pid 0: none. */
struct spawn_shelf {
	pid_t pid;
	int fd;
};
/* Ends what lies there. */
void spawn_clear(struct spawn_shelf *shelf);

#endif
