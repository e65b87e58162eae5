/* SPDX-License-Identifier: MIT */
/*
 * Writes the answers of the receiver.
 * From: listen.c. To: libmicrohttpd, which sends them. Fails by closing the connection when memory
 * is short. It decides nothing and counts nothing.
 */
#include "receiver/answer.h"

#include <stdio.h>

#define RETRY_AFTER_S "5" /* a restart with back-off takes about this long */

static bool add_headers(
	struct MHD_Response *response, enum outcome outcome, enum answer_after after)
{
	bool ok = MHD_add_response_header(
			  response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json") == MHD_YES;
	if (outcome == OUTCOME_METHOD)
		ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST") == MHD_YES;
	if (outcome == OUTCOME_UNAVAILABLE)
		ok &= MHD_add_response_header(
			      response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER_S) == MHD_YES;
	if (after == ANSWER_CLOSES)
		ok &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") ==
		      MHD_YES;
	return ok;
}

enum MHD_Result answer_queue(
	struct MHD_Connection *mhd, enum outcome outcome, const char *text, enum answer_after after)
{
	char body[512];
	bool stored = outcome == OUTCOME_STORED || outcome == OUTCOME_REPEATED;
	int n = snprintf(body, sizeof(body), "{\"%s\":\"%s\"}\n", stored ? "id" : "error", text);
	if (n < 0 || (size_t)n >= sizeof(body))
		return MHD_NO;
	struct MHD_Response *response =
		MHD_create_response_from_buffer((size_t)n, body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	enum MHD_Result queued = MHD_NO;
	if (add_headers(response, outcome, after))
		queued = MHD_queue_response(mhd, outcome_status(outcome), response);
	MHD_destroy_response(response);
	return queued;
}
