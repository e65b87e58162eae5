/* SPDX-License-Identifier: MIT */
/* A runner on parts that somebody else has opened: the process's main, or a test. */
#ifndef MOONHOOK_RUNNER_LIFE_H
#define MOONHOOK_RUNNER_LIFE_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/conf.h"
#include "base/err.h"
#include "client/client.h"
#include "queue/queue.h"

struct runner;
struct rules_choice;
struct spawn_shelf;

struct runner_parts { /* BORROWED for the runner's life */
	const struct conf *conf;
	sd_event *loop;
	struct queue *queue;
	struct client *client;
	const char *exe;      /* the program whose `room worker` is a worker */
	int link_fd, wake_fd; /* -1: none */
	uint64_t seed; /* for a runner that comes out the same each time; 0: the system's chance */
	struct spawn_shelf *shelf;         /* of pool.h; NULL: none */
	const struct rules_choice *choice; /* of rules.h; NULL: the whole folder is live */
};

/* Takes back what a runner before left running, starts workers, begins to load rules. GIVES
 * (runner_free). RC_INVALID, RC_NOMEM, and as the store fails. */
enum rc runner_new(
	const struct runner_parts *parts, struct runner **ret_runner, struct err *err) must_check;
/* Ends workers; what was not committed is lost. Accepts NULL. */
void runner_free(struct runner *r);
/* One turn of the loop; waits where nothing is to be done. */
void runner_turn(struct runner *r);
/* Until it has drained (RC_OK) or the store failed. */
enum rc runner_run(struct runner *r) must_check;

#endif
