/* SPDX-License-Identifier: MIT */
/*
 * One http call of a rule as a request.
 * From: web.c, arguments of a hostile worker. To: transport.c. Everything that could become another
 * line, another host or another body is refused here; where the name of the host leads to is looked
 * at when it is connected to. Values of secrets stand in the request only and are wiped with it.
 */
#include "client/web_request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/attr.h"
#include "base/uuid.h"

#define URL_MAX 8192

static enum rc no_memory(enum rc rc, struct err *err)
{
	return err_set(err, rc, "http: the request is %s", rc_text(rc));
}

/* --- method ------------------------------------------------------------------------------------
 */

static bool find_method(const json_t *args, enum request_method *ret_method)
{
	static const struct {
		const char *name;
		enum request_method method;
	} methods[] = {{"get", REQUEST_GET}, {"post", REQUEST_POST}, {"put", REQUEST_PUT},
		{"patch", REQUEST_PATCH}, {"delete", REQUEST_DELETE}};
	const char *name = json_string_value(json_object_get(args, "method"));
	for (size_t i = 0; name != NULL && i < ARRAY_N(methods); i++) {
		if (strcmp(methods[i].name, name) != 0)
			continue;
		*ret_method = methods[i].method;
		return true;
	}
	return false;
}

bool web_request_effect(const json_t *args)
{
	enum request_method method;
	return !find_method(args, &method) || method != REQUEST_GET;
}

/* --- address -----------------------------------------------------------------------------------
 */

static bool is_clean(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7F)
			return false;
	return true;
}

static enum rc check_url(struct slice url, struct target *ret_to, struct err *err)
{
	if (url.n == 0)
		return err_set(err, RC_INVALID, "http: the url is empty");
	if (url.n > URL_MAX)
		return err_set(err, RC_INVALID, "http: the url is longer than %d bytes", URL_MAX);
	if (!is_clean(url))
		return err_set(err, RC_INVALID,
			"http: the url holds a blank or a control character; what goes into its "
			"query belongs into { query = { .. } }");
	switch (target_place(url.p, ret_to)) {
	case TARGET_NONE:
		return err_set(err, RC_INVALID,
			"http: the url is no address such as https://api.example.com/v1");
	case TARGET_SCHEME:
		return err_set(err, RC_DENIED, "http: the url must begin with https://");
	case TARGET_USER:
		return err_set(err, RC_DENIED,
			"http: the url must hold no user name or password; they go into "
			"{ headers = { Authorization = .. } }");
	case TARGET_FINE:
		return RC_OK;
	}
	return RC_OK;
}

static void name_place(struct web_request *w, const struct target *to, const char *secret)
{
	char port[16] = "";
	bool six = strchr(to->host, ':') != NULL;
	if (to->port != (to->tls ? 443 : 80))
		snprintf(port, sizeof(port), ":%d", to->port);
	if (secret != NULL)
		snprintf(w->label, sizeof(w->label), "the address in secret \"%.60s\"", secret);
	else
		snprintf(w->label, sizeof(w->label), "%s%s%s%s", six ? "[" : "", to->host,
			six ? "]" : "", port);
	snprintf(w->place, sizeof(w->place), "%d %s %d", to->tls, to->host, to->port);
}

/* The address in its one spelling, without a fragment. */
static enum rc put_target(struct web_request *w, const char *url, struct err *err)
{
	char *whole = NULL;
	CURLU *u = curl_url();
	bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		  curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
		  curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK;
	enum rc rc = ok ? buf_put_text(&w->request.target, whole) : RC_NOMEM;
	if (whole != NULL)
		explicit_bzero(whole, strlen(whole));
	curl_free(whole);
	curl_url_cleanup(u);
	return rc == RC_OK ? rc : no_memory(rc, err);
}

static enum rc put_query(struct web_request *w, const json_t *query, struct err *err)
{
	const char *name;
	json_t *value;
	union {
		const json_t *in;
		json_t *out;
	} q = {query};
	enum rc rc = RC_OK;
	if (query != NULL && !json_is_object(query))
		return err_set(err, RC_INVALID, "http: query must be a table of names and texts");
	json_object_foreach(q.out, name, value)
	{
		size_t i;
		json_t *each;
		if (json_is_string(value))
			rc = rc == RC_OK
				     ? request_param(&w->request, name, json_string_value(value))
				     : rc;
		else if (!json_is_array(value))
			return err_set(err, RC_INVALID, "http: query.%.60s must be a text", name);
		json_array_foreach(value, i, each)
		{
			if (!json_is_string(each))
				return err_set(err, RC_INVALID,
					"http: query.%.60s must be a list of texts", name);
			rc = rc == RC_OK ? request_param(&w->request, name, json_string_value(each))
					 : rc;
		}
	}
	if (rc == RC_TOO_LARGE)
		return err_set(err, RC_INVALID, "http: the url gets too long with its query");
	return rc == RC_OK ? rc : no_memory(rc, err);
}

static enum rc aim(const struct web_allow *allow, const struct web_secrets *secrets,
	const json_t *args, struct web_request *w, struct err *err)
{
	const json_t *given = json_object_get(args, "url");
	const char *secret = web_secret_whole(given);
	struct target to;
	struct buf url;
	buf_init(&url, URL_MAX + 1);
	enum rc rc = web_secret_put(secrets, given, &url, &w->used, err);
	if (rc == RC_OK && memchr(url.p != NULL ? url.p : "", '\0', url.n) != NULL)
		rc = err_set(err, RC_INVALID, "http: the url holds a NUL byte");
	if (rc == RC_OK && secret == NULL && w->used != 0)
		rc = err_set(err, RC_INVALID,
			"http: the url is a secret as a whole, or holds none; others go into "
			"headers or the body");
	if (rc == RC_OK)
		rc = check_url(buf_slice(&url), &to, err);
	if (rc == RC_OK) {
		name_place(w, &to, secret);
		rc = web_allow_check(allow, &to, w->label, &w->request.reach, err);
	}
	if (rc == RC_OK)
		rc = put_target(w, url.p, err);
	if (rc == RC_OK)
		rc = put_query(w, json_object_get(args, "query"), err);
	if (url.p != NULL)
		explicit_bzero(url.p, url.n);
	buf_done(&url);
	return rc;
}

/* --- header lines ------------------------------------------------------------------------------
 */

static bool is_token(const char *name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	size_t n = 0;
	for (; name[n] != '\0'; n++)
		if (!isalnum((unsigned char)name[n]) && strchr(marks, name[n]) == NULL)
			return false;
	return n > 0 && n < 128;
}

/* Lines that are the client's: with them a rule could say one thing to us and another to a server.
 */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"Connection", "Content-Length", "Expect", "Host",
		"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade"};
	for (size_t i = 0; i < ARRAY_N(ours); i++)
		if (strcasecmp(ours[i], name) == 0)
			return true;
	return false;
}

static bool is_value(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7F)
			return false;
	return true;
}

static bool has_line(const struct web_request *w, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < w->lines_n; i++)
		if (strncasecmp(w->lines[i], name, n) == 0 &&
			(w->lines[i][n] == ':' || w->lines[i][n] == ';'))
			return true;
	return false;
}

static enum rc add_line(struct web_request *w, const char *name, const char *value, struct err *err)
{
	char *line = NULL;
	/* libcurl's word for a line without a value */
	int n = value[0] != '\0' ? asprintf(&line, "%s: %s", name, value)
				 : asprintf(&line, "%s;", name);
	if (n < 0)
		return no_memory(RC_NOMEM, err);
	w->lines[w->lines_n++] = line;
	w->lines_bytes += (size_t)n;
	return RC_OK;
}

static enum rc put_line(struct web_request *w, const struct web_secrets *secrets, const char *name,
	const json_t *given, struct err *err)
{
	struct buf value;
	uint64_t before = w->used;
	buf_init(&value, WEB_LINES_BYTES);
	if (!is_token(name))
		return err_set(err, RC_DENIED, "http: \"%.60s\" is no name of a header", name);
	if (is_ours(name))
		return err_set(err, RC_DENIED, "http: the header %.60s is not set by a rule", name);
	if (has_line(w, name))
		return err_set(err, RC_INVALID, "http: the header %.60s is there twice", name);
	if (w->lines_n == WEB_LINES_MAX)
		return err_set(err, RC_INVALID, "http: more than %d headers", WEB_LINES_MAX);
	enum rc rc = web_secret_put(secrets, given, &value, &w->used, err);
	const char *text = value.p != NULL ? value.p : "";
	if (rc == RC_OK && !is_value((struct slice){text, value.n}))
		rc = err_set(err, RC_DENIED,
			"http: the header %.60s holds a line break or another control "
			"character%s",
			name, w->used != before ? "; is it in the secret?" : "");
	if (rc == RC_OK && w->lines_bytes + strlen(name) + value.n > WEB_LINES_BYTES)
		rc = err_set(err, RC_INVALID, "http: the headers are longer than %d bytes",
			WEB_LINES_BYTES);
	if (rc == RC_OK)
		rc = add_line(w, name, text, err);
	if (value.p != NULL)
		explicit_bzero(value.p, value.n);
	buf_done(&value);
	return rc;
}

static enum rc put_lines(struct web_request *w, const struct web_secrets *secrets,
	const json_t *headers, struct err *err)
{
	const char *name;
	json_t *value;
	union {
		const json_t *in;
		json_t *out;
	} h = {headers};
	if (headers != NULL && !json_is_object(headers))
		return err_set(err, RC_INVALID, "http: headers must be a table of names and texts");
	json_object_foreach(h.out, name, value)
	{
		enum rc rc = put_line(w, secrets, name, value, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* What goes along where the rule does not say it itself. */
static enum rc put_own_lines(
	struct web_request *w, const json_t *args, const char *name, struct err *err)
{
	struct uuid id;
	bool json = json_is_true(json_object_get(args, "json"));
	enum rc rc = RC_OK;
	if (w->request.body != NULL && !has_line(w, "Content-Type"))
		rc = add_line(w, "Content-Type",
			json ? "application/json" : "text/plain; charset=utf-8", err);
	if (rc != RC_OK || !w->request.effect || name[0] == '\0' || has_line(w, "Idempotency-Key"))
		return rc;
	rc = uuid_derive(slice_of(name), &id);
	if (rc != RC_OK)
		return no_memory(rc, err);
	return add_line(w, "Idempotency-Key", id.text, err);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static enum rc put_body(struct web_request *w, const struct web_secrets *secrets,
	const json_t *body, struct err *err)
{
	struct buf text;
	if (body == NULL || json_is_null(body))
		return RC_OK;
	if (w->request.method == REQUEST_GET)
		return err_set(err, RC_INVALID, "http: get has no body; use query, or post");
	buf_init(&text, REQUEST_BODY_MAX);
	enum rc rc = web_secret_put(secrets, body, &text, &w->used, err);
	if (rc == RC_OK && text.p == NULL)
		text.p = calloc(1, 1);
	if (rc == RC_OK && text.p == NULL)
		rc = no_memory(RC_NOMEM, err);
	if (rc != RC_OK) {
		if (text.p != NULL)
			explicit_bzero(text.p, text.n);
		buf_done(&text);
		return rc;
	}
	w->request.body = text.p;
	w->request.body_n = text.n;
	return RC_OK;
}

static enum rc put_rest(struct web_request *w, const json_t *args, struct err *err)
{
	const json_t *timeout = json_object_get(args, "timeout_ms");
	json_t *ok = json_object_get(args, "ok"), *each;
	size_t i;
	json_int_t ms = timeout != NULL ? json_integer_value(timeout) : WEB_DEADLINE_MS;
	if (ms < 1 || ms > WEB_DEADLINE_MAX)
		return err_set(err, RC_INVALID, "http: timeout must be from 1 ms to 10 minutes");
	w->request.deadline_ms = ms;
	if (ok == NULL || json_is_null(ok))
		return RC_OK;
	if (!json_is_array(ok))
		return err_set(err, RC_INVALID, "http: ok must be a list of statuses");
	json_array_foreach(ok, i, each)
	{
		json_int_t status = json_integer_value(each);
		if (status < 100 || status > 599)
			return err_set(err, RC_INVALID,
				"http: ok must be a list of statuses, as in ok = { 404 }");
	}
	w->ok = json_incref(ok);
	return RC_OK;
}

enum rc web_request_make(const struct web_allow *allow, const struct web_secrets *secrets,
	const json_t *args, const char *name, struct web_request *ret_request, struct err *err)
{
	struct web_request w = {.lines_n = 0};
	request_init(&w.request);
	enum rc rc = RC_OK;
	if (!find_method(args, &w.request.method))
		rc = err_set(
			err, RC_INVALID, "http: the methods are get, post, put, patch, delete");
	w.request.effect = w.request.method != REQUEST_GET;
	if (rc == RC_OK)
		rc = put_rest(&w, args, err);
	if (rc == RC_OK)
		rc = aim(allow, secrets, args, &w, err);
	if (rc == RC_OK)
		rc = put_body(&w, secrets, json_object_get(args, "body"), err);
	if (rc == RC_OK)
		rc = put_lines(&w, secrets, json_object_get(args, "headers"), err);
	if (rc == RC_OK)
		rc = put_own_lines(&w, args, name, err);
	if (rc != RC_OK) {
		web_request_done(&w);
		return rc;
	}
	*ret_request = w;
	return RC_OK;
}

void web_request_done(struct web_request *w)
{
	for (size_t i = 0; i < w->lines_n; i++) {
		explicit_bzero(w->lines[i], strlen(w->lines[i]));
		free(w->lines[i]);
	}
	w->lines_n = 0;
	if (w->used != 0 && w->request.body != NULL)
		explicit_bzero(w->request.body, w->request.body_n);
	if (w->used != 0 && w->request.target.p != NULL)
		explicit_bzero(w->request.target.p, w->request.target.n);
	request_done(&w->request);
	json_decref(w->ok);
	w->ok = NULL;
}
