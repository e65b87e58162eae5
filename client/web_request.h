/* SPDX-License-Identifier: MIT */
/* What a rule says to http.get, post ..: checked, and made into one request. */
#ifndef MOONHOOK_CLIENT_WEB_REQUEST_H
#define MOONHOOK_CLIENT_WEB_REQUEST_H

#include <jansson.h>

#include "client/request.h"
#include "client/web_allow.h"
#include "client/web_secret.h"

#define WEB_LINES_MAX 64        /* header lines of a rule */
#define WEB_LINES_BYTES 32768   /* of all of them, each of an answer too */
#define WEB_DEADLINE_MS 30000   /* where the rule says nothing */
#define WEB_DEADLINE_MAX 600000 /* whatever it says */
#define WEB_LABEL_N 320

struct web_request {
	struct request request;         /* its target is the whole address */
	char *lines[WEB_LINES_MAX + 4]; /* owned; NULL-terminated */
	size_t lines_n, lines_bytes;
	uint64_t used;           /* secrets that are in it */
	char label[WEB_LABEL_N]; /* where it goes, for people: "api.example.com:8443", or
				    'the address in secret "HOOK"' */
	char place[WEB_LABEL_N]; /* the same for us: scheme, host, port */
	json_t *ok;              /* owned; statuses from 400 that are no error */
};

/*
 * Makes a request of the arguments (client.h says their form). name: of the call, from which the
 * Idempotency-Key of an effect is derived; "": none. RC_INVALID, RC_DENIED with a sentence that has
 * no secret and no address but the host; RC_NOMEM, RC_TOO_LARGE. GIVES (web_request_done).
 */
enum rc web_request_make(const struct web_allow *allow, const struct web_secrets *secrets,
	const json_t *args, const char *name, struct web_request *ret_request,
	struct err *err) must_check;
/* Wipes and frees. Accepts a zeroed one. */
void web_request_done(struct web_request *request);
/* Does a call with these arguments change anything? */
bool web_request_effect(const json_t *args);

#endif
