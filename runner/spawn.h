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

#endif
