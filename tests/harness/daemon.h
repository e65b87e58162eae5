/* SPDX-License-Identifier: MIT */
/*
 * A Moonhook alone, without a Twenty: own folder, own store and rules, free ports of loopback.
 * Everything ends and goes with daemon_close.
 */
#ifndef MOONHOOK_TESTS_HARNESS_DAEMON_H
#define MOONHOOK_TESTS_HARNESS_DAEMON_H

#include <jansson.h>

#include "tests/harness/process.h"

#define DAEMON_SECRET "daemon-webhook-secret"

struct daemon {
	char dir[128], config[192], store[192], rules[192];
	int hook_port, console_port;
	struct process process;
};

/* Makes the folder and a configuration with these lines behind it (may be NULL); twenty.url is an
 * address where nobody answers. */
bool daemon_open(struct daemon *d, const char *lines);
void daemon_close(struct daemon *d);
/* Replaces what stands behind the usual settings. */
bool daemon_configure(struct daemon *d, const char *lines);

/* `moonhook serve --config ..` with these further arguments and "NAME=value" texts, both
 * NULL-terminated, may be NULL. daemon_start also waits until it is ready. */
bool daemon_launch(struct daemon *d, const char *const *args, const char *const *env);
bool daemon_start(struct daemon *d, const char *const *args, const char *const *env);
bool daemon_ready(void *daemon); /* for process_await */
/* SIGTERM and the exit status. */
int daemon_stop(struct daemon *d);

/* Runs `moonhook <args> --config ..` to its end. ret_out and ret_err: GIVES (free), may be NULL. */
int daemon_command(struct daemon *d, const char *const *args, const char *const *env,
	char **ret_out, char **ret_err);
/* What it has logged so far. GIVES (free). */
char *daemon_log(const struct daemon *d);
/* Waits until the log has this text. */
bool daemon_logged(const struct daemon *d, const char *text, int64_t wait_ms);
/* `status -o json`, NULL where nobody answers. GIVES. */
json_t *daemon_status(struct daemon *d);
/* The process of a child by its name, 0: none. */
pid_t daemon_child(struct daemon *d, const char *name);

#endif
