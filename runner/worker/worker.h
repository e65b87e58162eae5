/* SPDX-License-Identifier: MIT */
/*
 * The worker process: holds Lua and nothing else. Started by the runner with fork and exec of this
 * program; descriptor 3 is its one socket. It closes everything else, asks to die with its parent,
 * sets its limits (address space, no files, no core), installs a seccomp filter that allows memory,
 * the socket, clocks and exit, and then answers READY.
 */
#ifndef MOONHOOK_RUNNER_WORKER_WORKER_H
#define MOONHOOK_RUNNER_WORKER_WORKER_H

#define WORKER_FD 3

/* The whole life of a worker; returns its exit status. */
int worker_main(void);

#endif
