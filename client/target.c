/* SPDX-License-Identifier: MIT */
/*
 * Takes the target of a webhook, or of a rule's http call, apart.
 * From: the command, with what Twenty tells and what the operator writes; web_request.c. To:
 * address.c, for its host. Fails by answering false; what it says holds no password.
 */
#include "client/target.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static bool take(CURLU *u, CURLUPart part, unsigned flags, char *out, size_t out_n)
{
	char *text = NULL;
	bool ok = curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < out_n;
	if (ok)
		snprintf(out, out_n, "%s", text);
	curl_free(text);
	return ok;
}

static void lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

/* Without brackets around it, or a dot behind it. */
static void bare(char *host)
{
	size_t n = strlen(host);
	if (n > 2 && host[0] == '[') {
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
	} else if (n > 1 && host[n - 1] == '.') {
		host[n - 1] = '\0';
	}
}

static bool has_user(CURLU *u)
{
	char *user = NULL, *password = NULL;
	bool has = curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
	has = curl_url_get(u, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK || has;
	curl_free(user);
	curl_free(password);
	return has;
}

static enum target_fault place_of(CURLU *u, struct target *t)
{
	char scheme[16], port[8];
	if (!take(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)))
		return TARGET_NONE;
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return TARGET_SCHEME;
	if (!take(u, CURLUPART_HOST, 0, t->host, sizeof(t->host)) ||
		!take(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)))
		return TARGET_NONE;
	t->tls = strcmp(scheme, "https") == 0;
	t->port = (int)strtol(port, NULL, 10);
	t->path[0] = '\0';
	lower(t->host);
	bare(t->host);
	return has_user(u) ? TARGET_USER : TARGET_FINE;
}

enum target_fault target_place(const char *url, struct target *ret_target)
{
	struct target t;
	CURLU *u = curl_url();
	bool ok = u != NULL &&
		  curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
	enum target_fault fault = ok ? place_of(u, &t) : TARGET_NONE;
	curl_url_cleanup(u);
	if (fault == TARGET_FINE)
		*ret_target = t;
	return fault;
}

bool target_parse(const char *url, struct target *ret_target)
{
	struct target t;
	CURLU *u = curl_url();
	bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
	enum target_fault fault = ok ? place_of(u, &t) : TARGET_NONE;
	ok = ok && (fault == TARGET_FINE || fault == TARGET_USER) &&
	     take(u, CURLUPART_PATH, 0, t.path, sizeof(t.path));
	curl_url_cleanup(u);
	if (!ok)
		return false;
	for (size_t n = strlen(t.path); n > 0 && t.path[n - 1] == '/'; n--)
		t.path[n - 1] = '\0';
	*ret_target = t;
	return true;
}

bool target_same(const struct target *a, const struct target *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->path, b->path) == 0;
}

void target_format(const struct target *t, char ret_text[static TARGET_TEXT_N])
{
	char port[16] = "";
	bool six = strchr(t->host, ':') != NULL;
	if (t->port != (t->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%d", t->port);
	int n = snprintf(ret_text, TARGET_TEXT_N, "%s://%s%.200s%s%s%.200s",
		t->tls ? "https" : "http", six ? "[" : "", t->host, six ? "]" : "", port, t->path);
	(void)n;
}
