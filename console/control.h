/* SPDX-License-Identifier: MIT */
/*
 * The control socket: how the command talks to the daemon. A Unix stream socket of mode 0600; only
 * the daemon's own user and root are served. One request per connection, one line of JSON:
 *
 *   {"verb":"ping"}     -> {"ok":true}
 *   {"verb":"status"}   -> {"ok":true,"events":{..},"runs":{..},"api":{..},..}
 *   {"verb":"reload"}   -> {"ok":true,"text":"..",..} | {"ok":false,"error":"..",..}, with
 *                          "restart":".." and "rooms":[{"name":"..","ok":..,"text":".."}]
 *   {"verb":"order","order":{"do":"..",..},"patience_ms":60000}
 *                       -> {"ok":true,..} | {"ok":false,"error":"a sentence","code":".."}
 *
 * reload and status are passed up to the supervisor, one at a time, and answered when it has
 * answered. Orders go through it to the runner (runner/order.h has their list), any number at once;
 * an answer may take as long as patience_ms says. Codes of a refusal are the names of base/rc.h and
 * "timeout" (no answer yet; the order goes on), "lost" (the runner died over it), "no_runner".
 */
#ifndef MOONHOOK_CONSOLE_CONTROL_H
#define MOONHOOK_CONSOLE_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "queue/place.h"

#define CONTROL_CLIENTS 16
#define CONTROL_REQUEST_MAX 65536 /* bytes of one request */

struct control;

/* Takes over the listening socket fd (-1: nobody will come). what place refers to: BORROWS for its
 * life. link_fd: where asks go. GIVES (control_free). */
enum rc control_new(int fd, const struct queue_place *place, int link_fd,
	struct control **ret_control, struct err *err) must_check;
void control_free(struct control *control);

/* Fills in what to poll for; answers how many, at most CONTROL_CLIENTS + 1. */
size_t control_poll(struct control *control, struct pollfd *ret_fds);
/* Does what poll found, and ends clients that are too slow. */
void control_work(struct control *control, const struct pollfd *fds, size_t n);
/* The supervisor's answer to the oldest ask. */
void control_answer(struct control *control, struct slice text);
/* The answer to an order: "TOKEN JSON". */
void control_ordered(struct control *control, struct slice text);

#endif
