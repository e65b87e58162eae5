/* SPDX-License-Identifier: MIT */
/*
 * The link between the supervisor and one child: a SOCK_SEQPACKET socket pair whose messages are
 * one packet each, `kind` NUL `text`. Both sides are ours, yet a message past LINK_MAX is refused.
 *
 * supervisor -> child  conf     the child's part of the configuration (conf_export), first message
 *                      reload   the same, while running; answered with reloaded or failed
 *                      drain    finish what is at hand and exit with 0
 *                      answer   the answer to a console's ask
 *                      order    runner only; text: "TOKEN UID JSON", what somebody wants done
 *                      ordered  console only; text: "TOKEN JSON", the answer to its order
 * child -> supervisor  ready    the child does its work
 *                      waits    runner only; text: a sentence, why its store does not answer;
 *                               ready comes once it does
 *                      away     receiver only; text: a sentence, why its store takes nothing;
 *                               empty when it does again
 *                      reloaded text: what is live now
 *                      failed   text: a sentence; the old state stays
 *                      ask      console only; text: "reload" or "status", what the CLI asked for
 *                      order    console only; text: "TOKEN UID JSON": the console's own token, the
 *                               user who asks, and {"do":"..", ..} (runner/order.h)
 *                      ordered  runner only; text: "TOKEN JSON", the answer to an order
 *                      alive    runner only, every second: its loop turns
 *                      problem  runner only; text: a sentence, why Twenty is of no use now;
 *                               empty when it is again
 */
#ifndef MOONHOOK_BASE_LINK_H
#define MOONHOOK_BASE_LINK_H

#include "base/buf.h"
#include "base/err.h"

#define LINK_MAX 131072

/* Descriptors every child of the supervisor starts with. One that is not needed is closed. */
enum link_fd {
	LINK_FD = 3,  /* this link */
	LINK_METRICS, /* the page of metrics */
	LINK_WAKE,    /* an eventfd: the receiver adds after a commit, the runner waits on it */
	LINK_LISTEN,  /* receiver: hooks; console: its HTTP listener */
	LINK_CONTROL, /* console: the Unix control socket, listening */
	LINK_FD_END,
};

struct link_msg {
	char kind[16];
	struct slice text; /* BORROWS from the buffer until the next receive */
};

/* GIVES both descriptors, close-on-exec. */
enum rc link_open(int ret_fd[static 2], struct err *err) must_check;
/* Blocks at most until the peer reads. RC_CLOSED where the peer is gone, RC_TOO_LARGE past
 * LINK_MAX, RC_IO. */
enum rc link_send(int fd, const char *kind, struct slice text, struct err *err) must_check;
/* Says "alive" where there is room for it; never blocks. */
void link_beat(int fd);
/* Blocks until a message is there; RC_BUSY where the descriptor does not block and there is none.
 * RC_CLOSED at the end, RC_PARSE for rubbish, RC_TOO_LARGE past LINK_MAX, RC_NOMEM, RC_IO. */
enum rc link_receive(int fd, struct buf *buf, struct link_msg *ret_msg, struct err *err) must_check;

#endif
