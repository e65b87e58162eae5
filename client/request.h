/* SPDX-License-Identifier: MIT */
/* One HTTP request before it goes out: method, target and body, and what may be done when nobody
 * answers it. */
#ifndef MOONHOOK_CLIENT_REQUEST_H
#define MOONHOOK_CLIENT_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "client/address.h"

#define REQUEST_TARGET_MAX 14000 /* bytes; servers refuse header lines past 16 kB */
#define REQUEST_BODY_MAX (16U << 20)

enum request_method { REQUEST_GET, REQUEST_POST, REQUEST_PUT, REQUEST_PATCH, REQUEST_DELETE };

struct request {
	enum request_method method;
	struct buf target; /* "/rest/people?limit=1" */
	char *body;        /* owned, NULL: none */
	size_t body_n;     /* bytes */
	bool effect;       /* changes something */
	bool once; /* a repeat is not recognised by the server: never sent on a used connection */
	const char *const *headers; /* BORROWED, NULL-terminated: further lines; NULL: none */
	int64_t deadline_ms;        /* of this one; 0: the transport's */
	enum address_reach reach;   /* where its host may lead to */
};

/* Makes an empty one; allocates nothing. */
void request_init(struct request *request);
/* Accepts a done or zeroed one. */
void request_done(struct request *request);
/* Forgets what is there and begins with the path; path is text that needs no escaping. RC_NOMEM,
 * RC_TOO_LARGE. */
enum rc request_start(struct request *request, enum request_method method, const char *fmt, ...)
	printf_like(3, 4) must_check;
/* Adds one query parameter; both are escaped. */
enum rc request_param(struct request *request, const char *name, const char *value) must_check;
enum rc request_param_n(struct request *request, const char *name, int64_t value) must_check;
/* How many bytes n bytes of text take in a parameter. */
size_t request_escaped_n(const char *text, size_t n);
/* Sets the body; the JSON is BORROWED during the call. RC_NOMEM, RC_TOO_LARGE. */
enum rc request_json(struct request *request, const json_t *body) must_check;

const char *request_method_name(enum request_method method); /* STATIC */

#endif
