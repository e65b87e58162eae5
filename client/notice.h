/* SPDX-License-Identifier: MIT */
/*
 * A webhook of our own: tells somebody's system that there is something to look at. Signed as
 * Standard Webhooks are (webhook-id, webhook-timestamp, webhook-signature: v1). One message at a
 * time; never blocks; no redirects, https but to loopback.
 */
#ifndef MOONHOOK_CLIENT_NOTICE_H
#define MOONHOOK_CLIENT_NOTICE_H

#include <stdbool.h>

#include "base/err.h"

struct sd_event;
struct notice;

struct notice_conf {        /* BORROWS until notice_new returns */
	const char *url;    /* where to */
	const char *secret; /* "whsec_<base64>", or any text; NULL: not signed */
};

/* Is it an address that may be told? RC_INVALID with a sentence. */
enum rc notice_check(const char *url, struct err *err) must_check;
/* GIVES (notice_free). RC_INVALID, RC_NOMEM. */
enum rc notice_new(const struct notice_conf *conf, struct sd_event *loop,
	struct notice **ret_notice, struct err *err) must_check;
/* Drops what is under way. Accepts NULL. */
void notice_free(struct notice *notice);
/* problem: why it was not taken, "" where it was. */
typedef void (*notice_done_fn)(void *ctx, bool accepted, const char *problem);
/* Sends one message; id is the same for every try of it. id and body are copied. RC_BUSY while one
 * is under way; RC_NOMEM, RC_IO. */
enum rc notice_send(struct notice *notice, const char *id, const char *body, notice_done_fn done,
	void *ctx, struct err *err) must_check;

#endif
