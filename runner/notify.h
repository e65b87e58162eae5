/* SPDX-License-Identifier: MIT */
/* Tells the operator's own address of new issues, where the configuration names one. */
#ifndef MOONHOOK_RUNNER_NOTIFY_H
#define MOONHOOK_RUNNER_NOTIFY_H

#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "client/notice.h"

struct runner;

struct notify {
	struct notice *notice; /* NULL: nobody is told */
	int64_t every_ms;
	int64_t told_ms; /* wall: what happened until then has been told */
	int64_t next_ms; /* mono: not before */
	char *body;      /* under way, or to be tried again */
	struct id id;    /* of that message */
	int64_t body_ms; /* wall: the newest that it tells of */
	int tries;
};

/* RC_INVALID, RC_NOMEM. */
enum rc notify_open(struct runner *r, struct err *err) must_check;
/* Sends what there is to tell, at most so often. Call it now and then. */
void notify_look(struct runner *r);
void notify_close(struct runner *r);

#endif
