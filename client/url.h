/* SPDX-License-Identifier: MIT */
/* The address of a Twenty, as the configuration gives it. */
#ifndef MOONHOOK_CLIENT_URL_H
#define MOONHOOK_CLIENT_URL_H

#include "base/err.h"

enum url_trust { URL_TLS, URL_ANY };

/*
 * Checks the address and answers it without a slash or "/rest" at its end. RC_INVALID with a
 * sentence that says what to do: not http(s), user information, a query, a fragment, http to
 * another machine without URL_ANY. RC_NOMEM. GIVES (free).
 */
enum rc url_check(
	const char *url, enum url_trust trust, char **ret_url, struct err *err) must_check;

#endif
