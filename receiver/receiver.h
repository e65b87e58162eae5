/* SPDX-License-Identifier: MIT */
/*
 * The receiver process: bytes in -> a verified, durable event, or a refusal.
 *
 *   listen.c    libmicrohttpd on the socket the supervisor holds; sizes; deadlines and counts are
 *               base/connection.c's
 *   source.c    /hooks/<source> -> its scheme and secrets
 *   head.c      the few headers that matter, and the framing
 *   verify.c    scheme: who sent it, is it fresh, what is its dedupe key (scheme_<name>.c)
 *   commit.c    gathers suspended requests into one durable step, then answers each
 *   answer.c, refusal.c   what the sender and the operator are told
 */
#ifndef MOONHOOK_RECEIVER_RECEIVER_H
#define MOONHOOK_RECEIVER_RECEIVER_H

#include "base/conf.h"
#include "base/err.h"

/* listen, limits.body, limits.bodies, limits.connections, limits.connections_per_address,
 * limits.headers_time, limits.body_time, source.*.scheme, .secrets, .window; STATIC. */
extern const struct conf_table receiver_conf_table;

/* What the table cannot say: names of sources, known schemes, at least one secret that is not
 * empty; where the receiver is to run (`only`), at least one source. RC_INVALID with a sentence
 * that says what to write. For whoever loads a configuration. */
enum rc receiver_conf_check(const struct conf *conf, struct err *err) must_check;

/* The whole life of the process, on the descriptors of base/link.h; returns its exit status. The
 * first message on the link is its configuration. Drains on "drain" and on SIGTERM: what is on its
 * way is stored and answered, then it ends with 0. The listening socket stays usable for its
 * successor. */
int receiver_main(void);

#endif
