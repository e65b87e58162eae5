/* SPDX-License-Identifier: MIT */
/*
 * A client without a network: what a rule calls is checked as always, then answered by somebody
 * else. For trying rules out where there is no Twenty. Everything of client.h works on it: there is
 * no budget and no dialect, and nothing is ever sent.
 */
#ifndef MOONHOOK_CLIENT_STAND_IN_H
#define MOONHOOK_CLIENT_STAND_IN_H

#include "client/client.h"

struct stand_in { /* BORROWS for the client's life */
	void *ctx;
	/* A call that is sound. As client_submit: done is called once, from the loop, later. */
	enum rc (*submit)(
		void *ctx, const struct client_call *call, uint64_t *ret_ticket, struct err *err);
	void (*cancel)(void *ctx, uint64_t ticket);
};

/* GIVES (client_free). RC_NOMEM. */
enum rc client_new_stand_in(
	const struct stand_in *stand_in, struct client **ret_client, struct err *err) must_check;

#endif
