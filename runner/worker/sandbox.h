/* SPDX-License-Identifier: MIT */
/*
 * What a worker may do: memory, its one socket, clocks, its own end. Two steps, because making the
 * interpreter ready needs files: sandbox_open gives up what is not needed for that, sandbox_close
 * the rest, for good.
 *
 * A system call that is not on the list ends the process at once (SIGSYS): no honest worker makes
 * one, and a broken-in one gets no second try. Under the sanitizers, whose own reports need files,
 * the same calls fail with EPERM instead.
 */
#ifndef MOONHOOK_RUNNER_WORKER_SANDBOX_H
#define MOONHOOK_RUNNER_WORKER_SANDBOX_H

#include "base/err.h"

/* Descriptors other than 2 and WORKER_FD closed, environment wiped, death with the parent, no
 * privileges, no core, no file to write, no process to start. RC_CLOSED: the parent is gone. */
enum rc sandbox_open(struct err *err) must_check;
/* The filter; descriptor 2 is closed too. RC_IO. */
enum rc sandbox_close(struct err *err) must_check;

#endif
