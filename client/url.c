/* SPDX-License-Identifier: MIT */
/*
 * Checking the address of a Twenty before a key is sent there.
 * From: client.c. To: transport.c. Fails with a sentence for the operator; the address itself is in
 * no message, because people paste keys into it. Resolves nothing.
 */
#include "client/url.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

static bool has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool is = curl_url_get(u, part, &text, 0) == CURLUE_OK && text != NULL;
	curl_free(text);
	return is;
}

/* localhost, 127.0.0.0/8 and ::1: names that cannot lead to another machine. */
static bool is_loopback(const char *host)
{
	struct in_addr v4;
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static enum rc check(CURLU *u, const char *url, enum url_trust trust, struct err *err)
{
	char *scheme = NULL, *host = NULL;
	enum rc rc = RC_OK;
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		rc = err_set(err, RC_INVALID,
			"twenty.url is no address such as https://crm.example.com");
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		rc = err_set(err, RC_INVALID, "twenty.url must begin with https://");
	else if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		rc = err_set(err, RC_INVALID,
			"twenty.url must hold no user name or password: the key goes into "
			"twenty.key");
	else if (has_part(u, CURLUPART_QUERY) || has_part(u, CURLUPART_FRAGMENT))
		rc = err_set(err, RC_INVALID, "twenty.url must end before any ? or #");
	else if (strcmp(scheme, "http") == 0 && trust == URL_TLS && !is_loopback(host))
		rc = err_set(err, RC_INVALID,
			"twenty.url must be https:// (or set twenty.insecure = true, which sends "
			"the key "
			"in the clear)");
	curl_free(scheme);
	curl_free(host);
	return rc;
}

enum rc url_check(const char *url, enum url_trust trust, char **ret_url, struct err *err)
{
	CURLU *u = curl_url();
	if (u == NULL)
		return err_set(err, RC_NOMEM, "no memory for an address");
	enum rc rc = check(u, url, trust, err);
	char *whole = NULL;
	if (rc == RC_OK && curl_url_get(u, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		rc = err_set(err, RC_NOMEM, "no memory for an address");
	curl_url_cleanup(u);
	if (rc != RC_OK)
		return rc;
	size_t n = strlen(whole);
	while (n > 0 && whole[n - 1] == '/')
		n--;
	if (n >= 5 && memcmp(whole + n - 5, "/rest", 5) == 0)
		n -= 5;
	*ret_url = strndup(whole, n);
	curl_free(whole);
	return *ret_url != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for an address");
}
