/* SPDX-License-Identifier: MIT */
/*
 * Which address is ours.
 * From: trigger.c, webhook.c, doctor.c. Fails with a sentence that names the setting. Asks nobody:
 * whether the address really leads here is for doctor to find out.
 */
#include "cli/here.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const char *scheme_of(const struct conf *conf, const char *source)
{
	char key[192];
	snprintf(key, sizeof(key), "source.%s.scheme", source);
	return conf_text(conf, key);
}

const char *here_source(const struct conf *conf, const char *wanted)
{
	const char *name;
	for (size_t i = 0; (name = conf_name(conf, "source", i)) != NULL; i++) {
		const char *scheme = scheme_of(conf, name);
		bool twenty = scheme != NULL && strcmp(scheme, "twenty") == 0;
		if (wanted != NULL ? strcmp(name, wanted) == 0 : twenty)
			return name;
	}
	return NULL;
}

void here_listener(const struct conf *conf, const char *source, char ret_url[static TARGET_TEXT_N])
{
	const char *listen = conf_text(conf, "listen");
	const char *colon = strrchr(listen, ':');
	size_t n = colon != NULL ? (size_t)(colon - listen) : 0;
	const char *host = listen;
	if (n == 0 || (n == 7 && strncmp(listen, "0.0.0.0", 7) == 0)) {
		host = "127.0.0.1";
		n = strlen(host);
	} else if (n == 4 && strncmp(listen, "[::]", 4) == 0) {
		host = "[::1]";
		n = strlen(host);
	}
	snprintf(ret_url, TARGET_TEXT_N, "http://%.*s%s/hooks/%s", (int)n, host,
		colon != NULL ? colon : "", source);
}

/* Is Twenty on this machine, as its address says? No name is looked up. */
static bool twenty_is_here(const struct conf *conf)
{
	const char *url = conf_text(conf, "twenty.url");
	struct target t;
	struct in_addr v4;
	if (url == NULL || !target_parse(url, &t))
		return false;
	return strcmp(t.host, "localhost") == 0 || strcmp(t.host, "::1") == 0 ||
	       (inet_pton(AF_INET, t.host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

/* url with /hooks/<source> at its end, where that is not there yet. */
static enum rc complete(struct here *h, const char *url, struct err *err)
{
	char tail[128], base[TARGET_TEXT_N];
	if (!target_parse(url, &h->target))
		return err_set(err, RC_INVALID,
			"%s is no address such as https://hooks.example.com: \"%.100s\"", h->origin,
			url);
	int tail_n = snprintf(tail, sizeof(tail), "/hooks/%s", h->source);
	size_t n = strlen(h->target.path);
	bool whole = n >= (size_t)tail_n && strcmp(h->target.path + n - (size_t)tail_n, tail) == 0;
	target_format(&h->target, base);
	int wrote = snprintf(h->url, sizeof(h->url), "%s%s", base, whole ? "" : tail);
	if (wrote < 0 || wrote >= (int)sizeof(h->url) || !target_parse(h->url, &h->target))
		return err_set(err, RC_INVALID, "%s is too long", h->origin);
	return RC_OK;
}

enum rc here_find(const struct conf *conf, const char *source, const char *url,
	struct here *ret_here, struct err *err)
{
	const char *public = conf_text(conf, "public");
	char listener[TARGET_TEXT_N];
	struct here h = {.source = here_source(conf, source)};
	if (h.source == NULL && source != NULL)
		return err_set(err, RC_NOT_FOUND, "there is no source \"%.64s\"", source);
	if (h.source == NULL)
		return err_set(err, RC_NOT_FOUND, "there is no source with the scheme \"twenty\"");
	if (url != NULL) {
		h.origin = "--url";
	} else if (public != NULL && public[0] != '\0') {
		h.origin = "public";
		url = public;
	} else if (twenty_is_here(conf)) {
		h.origin = "listen";
		here_listener(conf, h.source, listener);
		url = listener;
	}
	enum rc rc = url != NULL ? complete(&h, url, err) : RC_OK;
	if (rc == RC_OK)
		*ret_here = h;
	return rc;
}
