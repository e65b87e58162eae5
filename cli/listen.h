/* SPDX-License-Identifier: MIT */
/* The sockets that the supervisor holds for its children, made here or taken over from systemd. */
#ifndef MOONHOOK_CLI_LISTEN_H
#define MOONHOOK_CLI_LISTEN_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Listens on "127.0.0.1:8700", "[::1]:8700", "localhost:8700" or ":8700" (every address). Waits up
 * to two seconds for a predecessor that is going. RC_BUSY: somebody else has the port; RC_INVALID:
 * no address; RC_DENIED: a port below 1024; RC_IO. GIVES a non-blocking, close-on-exec descriptor.
 */
enum rc cli_listen_tcp(const char *address, int *ret_fd, struct err *err) must_check;
/* Listens on a Unix stream socket that only this user may open, in place of a dead one. RC_BUSY:
 * somebody answers there. */
enum rc cli_listen_unix(const char *path, int *ret_fd, struct err *err) must_check;
/* Connects to it. RC_UNREACHABLE where nobody listens. GIVES. */
enum rc cli_listen_connect(const char *path, int *ret_fd, struct err *err) must_check;

/* Would both want the same port of the same address? False where one is no address. */
bool cli_listen_clash(const char *one, const char *two);

/* A descriptor that systemd passed: by its name (FileDescriptorName=), else the place-th (from 0)
 * stream socket without a known name. -1: none. */
int cli_listen_passed(const char *name, int place);

#endif
