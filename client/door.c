/* SPDX-License-Identifier: MIT */
/*
 * Knocks at an address of our own.
 * From: `moonhook doctor`. To: exchange.c, without the key. Whether the answer is the right one is
 * for the caller to say.
 */
#include "client/door.h"

#include <stdlib.h>
#include <string.h>

#include "client/exchange.h"

#define BODY_MAX 65536

/* Where the path begins: behind "http://host:port". */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *slash = host != NULL ? strchr(host + 3, '/') : NULL;
	return slash != NULL ? slash : url + strlen(url);
}

static enum rc knock(struct exchange *x, const char *path, int *ret_status, struct err *err)
{
	struct request request;
	struct exchange_answer answer;
	request_init(&request);
	enum rc rc = request_start(&request, REQUEST_GET, "%s", *path != '\0' ? path : "/");
	rc = rc != RC_OK ? err_set(err, rc, "no memory for a request")
			 : exchange_run(x, &request, &answer, err);
	request_done(&request);
	if (rc != RC_OK)
		return rc;
	*ret_status = answer.status;
	if (answer.end != TRANSPORT_ANSWERED)
		rc = err_set(err, RC_UNREACHABLE, "%s", answer.problem);
	exchange_answer_done(&answer);
	return rc;
}

enum rc door_knock(
	const char *url, const char *ca, int64_t deadline_ms, int *ret_status, struct err *err)
{
	struct exchange *x = NULL;
	const char *path = path_of(url);
	char *base = strndup(url, (size_t)(path - url));
	if (base == NULL)
		return err_set(err, RC_NOMEM, "no memory for a request");
	struct transport_conf conf = {
		.url = base, .ca = ca, .deadline_ms = deadline_ms, .body_max = BODY_MAX};
	enum rc rc = exchange_open(&conf, &x, err);
	if (rc == RC_OK)
		rc = knock(x, path, ret_status, err);
	exchange_close(x);
	free(base);
	return rc;
}
