/* SPDX-License-Identifier: MIT */
/* Where deliveries of a source come in: at our listener, and as the world reaches it. */
#ifndef MOONHOOK_CLI_HERE_H
#define MOONHOOK_CLI_HERE_H

#include "base/conf.h"
#include "client/target.h"

struct here {
	const char *source; /* BORROWS from the conf */
	const char *origin; /* what says so: "--url", "public", "listen"; NULL: nothing does */
	char url[TARGET_TEXT_N];
	struct target target;
};

/* The source that Twenty sends to: the one of this name, else the first with the scheme twenty;
 * NULL: there is none. BORROWS from conf. */
const char *here_source(const struct conf *conf, const char *wanted);
/* "http://127.0.0.1:8700/hooks/twenty": the listener as this machine reaches it. */
void here_listener(const struct conf *conf, const char *source, char ret_url[static TARGET_TEXT_N]);
/* The address to which Twenty has to send, with /hooks/<source> at its end: url (of --url) where it
 * is given, else `public`, else, where Twenty itself is on this machine, the listener. Where none
 * says, origin is NULL. RC_NOT_FOUND: there is no such source; RC_INVALID: it is no address. */
enum rc here_find(const struct conf *conf, const char *source, const char *url,
	struct here *ret_here, struct err *err) must_check;

#endif
