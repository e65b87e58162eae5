/* SPDX-License-Identifier: MIT */
/* What recurs: looking for work that nobody told of, gauges, pruning, checkpoints. */
#ifndef MOONHOOK_RUNNER_UPKEEP_H
#define MOONHOOK_RUNNER_UPKEEP_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/err.h"
#include "client/client.h"
#include "runner/waiting.h"

struct runner;

struct upkeep {
	sd_event_source *poll, *watch, *due;
	bool busy;                        /* since memory was given back */
	bool watching;                    /* the watch's timer is set */
	int64_t due_ms;                   /* wall: what the timer is set to; INT64_MAX: nothing */
	int64_t count_at_ms, prune_at_ms; /* mono */
	int64_t beat_at_ms;               /* mono */
	struct client_status told;        /* what the metrics know of the client */
	struct waiting waiting;           /* calls, for the budget */
	pthread_t checkpointer;
	bool running;
	sem_t stop; /* of that thread */
	_Atomic bool dirty;
};

enum rc upkeep_start(struct runner *r, struct err *err) must_check;
/* A run was released until wall_ms. */
void upkeep_expect(struct runner *r, int64_t wall_ms);
/* Due times have moved: asks the store when the next one is. */
void upkeep_again(struct runner *r);
/* Looks after the workers as long as they have something to do. Call it every turn. */
void upkeep_watch(struct runner *r);
/* Tells the supervisor and the metrics what the client says of Twenty now. */
void upkeep_look(struct runner *r);
/* Something was committed: there is something to move out of the WAL. */
void upkeep_wrote(struct runner *r);
void upkeep_stop(struct runner *r);

#endif
