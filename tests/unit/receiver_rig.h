/* SPDX-License-Identifier: MIT */
/* A receiver in a child process and requests to it, for the tests of that room. */
#ifndef MOONHOOK_TESTS_UNIT_RECEIVER_RIG_H
#define MOONHOOK_TESTS_UNIT_RECEIVER_RIG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "tests/harness/room.h"
#include "tests/harness/wire.h"

#define RIG_SECRET "s3cr3t-recording-key"
#define RIG_OLD "the one before"
#define RIG_SOURCE "source \"twenty\" { secrets = { \"" RIG_SECRET "\", \"" RIG_OLD "\" } }\n"
/* Where the clock of a rig stands when it was asked to stand still. */
#define RIG_NOW_MS INT64_C(1795458757000)

enum rig_clock { RIG_CLOCK_RUNS, RIG_CLOCK_STANDS };

/* A receiver with this configuration, ready; store is "memory:" unless conf names one. Fails the
 * test otherwise. */
void rig_start(struct room *room, const char *conf, enum rig_clock clock);
/* As rig_start on a listening socket that exists, without awaiting "ready". */
enum rc rig_try(struct room *room, const char *conf, int listen_fd, enum rig_clock clock,
	struct err *err) must_check;

/* A whole request, signed by the secret with the timestamp as given. */
struct buf rig_request(const char *secret, const char *stamp, struct slice body);
/* The same for a text, now and with RIG_SECRET, by the clock that stands or runs. */
struct buf rig_now(const char *body, enum rig_clock clock);
/* Sends it on a connection of its own; the status, 0 when closed without one. */
int rig_status(int port, struct slice request);
struct wire_answer rig_ask(int port, struct slice request);
struct wire_answer rig_ask_text(int port, const char *request);
/* Sends a signed body by the running clock. */
struct wire_answer rig_post(int port, const char *body);
/* Waits, at most 10 s, until a metric reaches a value. */
bool rig_reaches(enum metric m, int64_t value);

#endif
