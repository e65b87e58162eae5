/* SPDX-License-Identifier: MIT */
/*
 * http.get, post, put, patch, delete of rules: to hosts that the configuration allows, beside the
 * line to Twenty, its budget and its lanes. So many requests at once in all and to one host; more
 * wait. Each goes out once: what failed is for the run to try again, with the same Idempotency-Key.
 */
#ifndef MOONHOOK_CLIENT_WEB_H
#define MOONHOOK_CLIENT_WEB_H

#include "client/client.h"

#define WEB_PARALLEL 32 /* requests on the wire */
#define WEB_PER_HOST 6  /* of those, to one host and port */

struct web;

/* GIVES (web_free); loop is BORROWED for its life. RC_INVALID with "file:line: sentence", RC_NOMEM,
 * RC_IO. */
enum rc web_new(const struct conf *conf, struct sd_event *loop, struct web **ret_web,
	struct err *err) must_check;
/* Outstanding calls are answered with RC_CLOSED. Accepts NULL. */
void web_free(struct web *web);
/* Takes over http.allow and secrets of another configuration; what is under way goes on. RC_INVALID
 * as above: nothing changes. */
enum rc web_renew(struct web *web, const struct conf *conf, struct err *err) must_check;
/* As client_submit, of op CLIENT_HTTP; ticket is the caller's. */
enum rc web_submit(struct web *web, const struct client_call *call, uint64_t ticket,
	struct err *err) must_check;
/* As client_cancel and client_acted; false: no call has this ticket. */
bool web_cancel(struct web *web, uint64_t ticket);
bool web_acted(const struct web *web, uint64_t ticket);
/* As transport_permit. */
void web_permit(struct web *web, bool (*may)(void *ctx), void *ctx);
int64_t web_waiting(const struct web *web);
int64_t web_in_flight(const struct web *web);

#endif
