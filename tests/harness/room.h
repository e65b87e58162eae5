/* SPDX-License-Identifier: MIT */
/*
 * One room on its own, without the supervisor: its link, metrics page, wake-up descriptor and
 * listening socket are made here and given to a child process, as base/link.h says.
 */
#ifndef MOONHOOK_TESTS_HARNESS_ROOM_H
#define MOONHOOK_TESTS_HARNESS_ROOM_H

#include <stdint.h>
#include <sys/types.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/link.h"

struct room_conf {         /* BORROWS */
	int (*main)(void); /* runs in a forked child; NULL: `program` room `name` is executed */
	const char *program, *name;
	const char *conf; /* text of a configuration file */
	const struct conf_table *tables;
	size_t tables_n;
	int listen_fd;   /* an inherited socket to use; 0: a new one on a free loopback port */
	int64_t wall_ms; /* with main: the wall clock stands still there; 0: runs */
};

struct room {      /* done with room_done */
	pid_t pid; /* 0: reaped */
	int link_fd, metrics_fd, wake_fd, listen_fd;
	int port;
};

/* Starts it and sends the configuration; the answer ("ready" or "failed") is room_await's. The
 * metrics page of this process becomes the child's. */
enum rc room_start(const struct room_conf *conf, struct room *ret_room, struct err *err) must_check;
/* Waits for a message of this kind, at most 10 s; text, which may be NULL, receives its text.
 * Another kind is RC_INVALID with what it said. */
enum rc room_await(struct room *room, const char *kind, char text[256], struct err *err) must_check;
/* Sends the configuration in `conf` as a reload. */
enum rc room_reload(struct room *room, const struct room_conf *conf, struct err *err) must_check;
enum rc room_send(struct room *room, const char *kind, struct err *err) must_check;
/* Waits for its end, at most 15 s, then kills it. Its exit status, 128 + n for a signal, -1 where
 * it had to be killed. */
int room_wait(struct room *room);
/* Kills what still runs and closes everything. */
void room_done(struct room *room);

#endif
