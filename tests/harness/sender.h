/* SPDX-License-Identifier: MIT */
/*
 * A sender of signed deliveries for load tests, in the shape of Twenty 2.21's webhooks: many
 * keep-alive connections on loopback, one request at a time on each, as fast as answers come or at
 * a fixed rate. Bounded: it gives up at its deadline. One thread, blocks until all is answered.
 */
#ifndef MOONHOOK_TESTS_HARNESS_SENDER_H
#define MOONHOOK_TESTS_HARNESS_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sender_conf {        /* BORROWS */
	int port;           /* on 127.0.0.1 */
	const char *source; /* the last part of /hooks/<source> */
	const char *secret;
	size_t n; /* deliveries */
	size_t connections;
	double rate;         /* deliveries a second; 0: as fast as answers come */
	int64_t deadline_ms; /* for everything */
	bool resend; /* send again what a refused or broken connection left without an answer */
	/* Writes the body of delivery i. */
	enum rc (*body)(void *ctx, size_t i, struct buf *out);
	/* Called for each answer; NULL: nobody asks. */
	void (*answered)(void *ctx, size_t i, int status, struct slice body);
	void *ctx;
};

struct sender_result {
	size_t answers[6]; /* by hundreds of the status: answers[2] is 2xx */
	size_t stored;     /* 202 */
	size_t repeated;   /* 200 */
	size_t resent;
	size_t unanswered;              /* at the deadline */
	int64_t elapsed_us;             /* from the first byte sent to the last answer */
	int64_t p50_us, p99_us, max_us; /* from sending to the answer */
};

enum rc sender_run(const struct sender_conf *conf, struct sender_result *ret_result,
	struct err *err) must_check;

/* The body of a person event as a real server writes it, about 1.4 kB. id: the record; n makes two
 * bodies of one record differ. */
enum rc sender_person(struct buf *out, const char *event_name, const char *id, size_t n,
	const char *email) must_check;

#endif
