/* SPDX-License-Identifier: MIT */
/* What a server answered to an http call of a rule, as the rule sees it. */
#ifndef MOONHOOK_CLIENT_WEB_ANSWER_H
#define MOONHOOK_CLIENT_WEB_ANSWER_H

#include "client/client.h"
#include "client/transport.h"
#include "client/web_request.h"

#define WEB_BODY_MAX (4U << 20) /* bytes of an answer, decoded */

/*
 * Fills answer (code, value, status, message, unknown, ..); message goes into text. GIVES
 * answer->value (json_decref): {status, headers, body?} of whatever was answered, 400 and up too;
 * NULL where nothing was.
 */
void web_answer_read(const struct web_secrets *secrets, const struct web_request *request,
	const struct transport_answer *came, struct client_answer *answer, char *text,
	size_t text_n);

#endif
