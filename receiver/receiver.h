/* SPDX-License-Identifier: MIT */
/*
 * The receiver process: bytes in -> a verified, durable event, or a refusal.
 *
 *   listen.c    libmicrohttpd on the socket the supervisor holds; deadlines, counts, sizes
 *   source.c    /hooks/<source> -> its scheme and secrets
 *   verify.c    scheme: who sent it, is it fresh, what is its dedupe key
 *   commit.c    gathers suspended requests into one durable step, then answers each
 */
#ifndef MOONHOOK_RECEIVER_RECEIVER_H
#define MOONHOOK_RECEIVER_RECEIVER_H

#include "base/conf.h"
#include "base/err.h"

/* listen, limits.body, limits.connections, limits.headers_time, limits.body_time, source.*; STATIC.
 */
extern const struct conf_table receiver_conf_table;

/* The whole life of the process, on the descriptors of base/link.h; returns its exit status. The
 * first message on the link is its configuration. Drains on "drain" and on SIGTERM: what is on its
 * way is stored and answered, then it ends with 0. The listening socket stays usable for its
 * successor. */
int receiver_main(void);

#endif
