/* SPDX-License-Identifier: MIT */
/*
 * The hosts that http calls of rules may go to: http.allow of the configuration.
 *
 *   "api.example.com"         https, its usual port
 *   "api.example.com:8443"    https, this port
 *   "*.example.com"           every name below it, not itself; public addresses only
 *   "http://127.0.0.1:8080"   without TLS, which has to be said
 */
#ifndef MOONHOOK_CLIENT_WEB_ALLOW_H
#define MOONHOOK_CLIENT_WEB_ALLOW_H

#include "base/conf.h"
#include "client/address.h"
#include "client/target.h"

struct web_allow;

/* GIVES (web_allow_free). RC_INVALID with "file:line: sentence", RC_NOMEM. */
enum rc web_allow_new(
	const struct conf *conf, struct web_allow **ret_allow, struct err *err) must_check;
void web_allow_free(struct web_allow *allow);
/* May a call go there? ret_reach: which addresses its name may lead to: one named by its address
 * all, one named by its name not link-local ones, one under a "*." public ones. RC_DENIED; the
 * sentence has `label` for the host. */
enum rc web_allow_check(const struct web_allow *allow, const struct target *to, const char *label,
	enum address_reach *ret_reach, struct err *err) must_check;

#endif
