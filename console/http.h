/* SPDX-License-Identifier: MIT */
/* The console's HTTP side: /healthz, /readyz, /metrics. */
#ifndef MOONHOOK_CONSOLE_HTTP_H
#define MOONHOOK_CONSOLE_HTTP_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/err.h"

struct http;

/* Serves fd from a thread of its own. conf is read now and not kept. GIVES (http_stop). */
enum rc http_start(
	int fd, const struct conf *conf, struct http **ret_http, struct err *err) must_check;
/* Closes connections that are too slow at asking or at taking their answer, or idle for too long.
 * Any thread, every second or so; without it they go when others need their place. */
void http_tick(struct http *http);
/* Answers what is at hand and ends the thread; closes its copy of fd. */
void http_stop(struct http *http);

/* May a request with this Host header be answered? A name that somebody else's DNS can point at
 * this machine may not: only addresses, localhost, the listener's own name and console.hosts. host
 * may be NULL (no header): no. */
bool http_host_allowed(const struct http *http, const char *host);

#endif
