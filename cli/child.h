/* SPDX-License-Identifier: MIT */
/* One child of the supervisor: started with its part of the world, started again when it dies. */
#ifndef MOONHOOK_CLI_CHILD_H
#define MOONHOOK_CLI_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/conf.h"
#include "base/link.h"
#include "base/metrics.h"

/* What a child that ended before it was ever ready says with its status; the supervisor then ends,
 * too, instead of trying again. */
#define CHILD_STATUS_BUSY 75
#define CHILD_STATUS_CONFIG 78

enum child_state {
	CHILD_OFF,      /* not selected, or ended on request */
	CHILD_STARTING, /* runs, not ready yet */
	CHILD_READY,    /* does its work */
	CHILD_RESTING,  /* died; starts again when its time has come */
	CHILD_STOPPING, /* was told to finish */
};

struct child_kind {       /* STATIC */
	const char *name; /* "receiver" */
	enum metric restarts, ready;
	const char *const *prefixes; /* its part of the configuration, NULL-terminated */
};

struct child;

struct child_owner { /* BORROWS; its life is longer than the child's */
	sd_event *loop;
	const struct conf *const *conf; /* the one that counts now */
	const bool *stopping;           /* true: nothing starts again */
	int fds[LINK_FD_END]; /* what the child gets; -1: closed. LINK_FD is the child's own */
	void (*said)(void *ctx, struct child *child, const struct link_msg *msg);
	/* It ended; status as child_status. It has been put to rest or off already. */
	void (*ended)(void *ctx, struct child *child, int status, bool was_ready);
	void *ctx;
};

/* GIVES (child_free, which kills it where it still runs). */
enum rc child_new(const struct child_kind *kind, const struct child_owner *owner,
	struct child **ret_child, struct err *err) must_check;
void child_free(struct child *child);

/* Starts it; a failure is logged and counts as a death. */
void child_start(struct child *child);
/* Tells it to finish. Nothing happens where it does not run. */
void child_stop(struct child *child);
void child_kill(struct child *child);
/* Kills it; it is started again as after any other death. */
void child_replace(struct child *child);
/* One more second has passed. For how many of them a child that says "alive" has not said so; 0 for
 * one that never does. Seconds, not a time: they stand still while the supervisor does. */
int child_tick(struct child *child);
/* Sends its part of the configuration again. False where it cannot be told. */
bool child_reload(struct child *child);
bool child_send(struct child *child, const char *kind, const char *text);

const char *child_name(const struct child *child);
enum child_state child_state(const struct child *child);
const char *child_state_name(enum child_state state);
pid_t child_pid(const struct child *child); /* 0: none */
int child_restarts(const struct child *child);

/* Milliseconds of rest after the n-th death in a row (from 1). */
int64_t child_rest_ms(int n);
/* Which death in a row it is, after `before` and a life of this length (from being ready). */
int child_deaths(int before, int64_t life_ms);

#endif
