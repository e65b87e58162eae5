/* SPDX-License-Identifier: MIT */
/*
 * Where daemon and command meet on one machine: the path of the control socket.
 *
 * `control` says it; else it is control.sock in the store's folder. Where the store is a database,
 * several daemons of this machine may work with it, and each has a socket of its own in the runtime
 * folder: $RUNTIME_DIRECTORY (systemd's), $XDG_RUNTIME_DIR/moonhook, /run/moonhook or
 * /run/user/UID/moonhook, else /tmp/moonhook-UID; named STORE.PID.PARTS.sock, STORE being a digest
 * of the database's address without user and password.
 */
#ifndef MOONHOOK_CLI_RUNTIME_H
#define MOONHOOK_CLI_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "base/err.h"

#define RUNTIME_PATH_N 4096
#define RUNTIME_MAX 64

struct runtime_list {
	size_t n;
	struct runtime_socket {
		char path[RUNTIME_PATH_N];
		bool runner; /* its daemon has one */
	} at[RUNTIME_MAX];
};

/* Where the daemon of this configuration listens; "": nowhere, as a store in memory has none. Makes
 * the runtime folder, and removes from it what daemons that were killed have left there. RC_DENIED,
 * RC_TOO_LARGE. */
enum rc runtime_own(
	const struct conf *conf, char ret_path[static RUNTIME_PATH_N], struct err *err) must_check;
/* The sockets at which daemons of this machine with conf's store may answer, those with a runner
 * first. NULL: no memory. GIVES (free). */
struct runtime_list *runtime_find(const struct conf *conf);

#endif
