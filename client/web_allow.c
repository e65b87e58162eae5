/* SPDX-License-Identifier: MIT */
/*
 * Which hosts rules may call.
 * From: the configuration, once; web_request.c, for each call. To: the verdict, and which addresses
 * a name may lead to (transport.c looks at them when it connects). Resolves nothing.
 */
#include "client/web_allow.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 300

struct entry {
	struct target to;
	bool below; /* "*.": the names below it */
	enum address_reach reach;
};

struct web_allow {
	struct entry *entries;
	size_t n;
};

static bool is_address(const char *host)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static enum rc bad(const char *text, const char *why, struct err *err)
{
	return err_set(err, RC_INVALID, "http.allow: \"%.80s\" %s", text, why);
}

static enum rc parse(const char *text, struct entry *ret_entry, struct err *err)
{
	char url[TEXT_MAX + 16];
	struct entry e = {.below = false};
	const char *scheme = strstr(text, "://");
	const char *host = scheme != NULL ? scheme + 3 : text;
	int scheme_n = scheme != NULL ? (int)(host - text) : 8;
	e.below = strncmp(host, "*.", 2) == 0;
	host += e.below ? 2 : 0;
	if (strlen(text) > TEXT_MAX || *host == '\0')
		return bad(text, "is no host such as \"api.example.com\"", err);
	if (strpbrk(host, "/?#@ ") != NULL)
		return bad(text, "must be a host alone, such as \"api.example.com\"", err);
	if (strchr(host, '*') != NULL)
		return bad(text, "may have one * only, as in \"*.example.com\"", err);
	snprintf(url, sizeof(url), "%.*s%s", scheme_n, scheme != NULL ? text : "https://", host);
	switch (target_place(url, &e.to)) {
	case TARGET_SCHEME:
		return bad(text, "must begin with https:// or http://, or with neither", err);
	case TARGET_NONE:
	case TARGET_USER:
		return bad(text, "is no host such as \"api.example.com\"", err);
	case TARGET_FINE:
		break;
	}
	bool address = is_address(e.to.host);
	if (e.below && (address || strchr(e.to.host, '.') == NULL))
		return bad(text, "is too wide: write it as \"*.example.com\"", err);
	e.reach = address ? ADDRESS_ANY : e.below ? ADDRESS_WORLD : ADDRESS_NAMED;
	*ret_entry = e;
	return RC_OK;
}

static enum rc add(struct web_allow *allow, const struct conf_setting *s, struct err *err)
{
	struct entry *grown = realloc(allow->entries, (allow->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return err_set(err, RC_NOMEM, "no memory for http.allow");
	allow->entries = grown;
	enum rc rc = parse(s->value, &grown[allow->n], err);
	if (rc != RC_OK)
		return err_wrap(err, "%s", s->origin);
	allow->n++;
	return RC_OK;
}

enum rc web_allow_new(const struct conf *conf, struct web_allow **ret_allow, struct err *err)
{
	struct web_allow *allow = calloc(1, sizeof(*allow));
	struct conf_setting s;
	enum rc rc = allow != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for http.allow");
	for (size_t i = 0; rc == RC_OK && conf_below(conf, "http.allow", i, &s); i++)
		rc = add(allow, &s, err);
	if (rc != RC_OK) {
		web_allow_free(allow);
		return rc;
	}
	*ret_allow = allow;
	return RC_OK;
}

void web_allow_free(struct web_allow *allow)
{
	if (allow == NULL)
		return;
	free(allow->entries);
	free(allow);
}

static bool is_host(const struct entry *e, const char *host)
{
	size_t n = strlen(host), tail = strlen(e->to.host);
	if (!e->below)
		return strcmp(host, e->to.host) == 0;
	return n > tail + 1 && host[n - tail - 1] == '.' &&
	       strcmp(host + n - tail, e->to.host) == 0;
}

static enum rc refuse(
	const struct target *to, const char *label, const struct entry *near, struct err *err)
{
	const char *scheme = to->tls ? "" : "http://";
	bool six = strchr(to->host, ':') != NULL;
	bool shown = strstr(label, to->host) != NULL; /* else it is in a secret */
	if (!shown)
		return err_set(err, RC_DENIED,
			"http: %.100s leads to a host that http.allow of the configuration does "
			"not have",
			label);
	if (near != NULL && near->to.tls && !to->tls)
		return err_set(err, RC_DENIED,
			"http: %.100s is allowed with https:// only; where it has to go out in the "
			"clear, \"http://%.100s\" must be in http.allow of the configuration",
			label, label);
	if (near != NULL && near->to.tls == to->tls)
		return err_set(err, RC_DENIED,
			"http: %.100s is allowed, but not its port %d; \"%s%s%.100s%s:%d\" must be "
			"in http.allow of the configuration",
			to->host, to->port, scheme, six ? "[" : "", to->host, six ? "]" : "",
			to->port);
	return err_set(err, RC_DENIED,
		"http: %.100s is no host that rules may call; \"%s%.100s\" must be in http.allow "
		"of the configuration",
		label, scheme, label);
}

enum rc web_allow_check(const struct web_allow *allow, const struct target *to, const char *label,
	enum address_reach *ret_reach, struct err *err)
{
	const struct entry *near = NULL;
	bool found = false;
	enum address_reach reach = ADDRESS_WORLD;
	for (size_t i = 0; i < allow->n; i++) {
		const struct entry *e = &allow->entries[i];
		if (!is_host(e, to->host))
			continue;
		near = e;
		if (e->to.tls != to->tls || e->to.port != to->port)
			continue;
		found = true;
		reach = e->reach < reach ? e->reach : reach;
	}
	if (!found)
		return refuse(to, label, near, err);
	*ret_reach = reach;
	return RC_OK;
}
