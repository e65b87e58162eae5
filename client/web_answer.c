/* SPDX-License-Identifier: MIT */
/*
 * Reads answers to http calls.
 * From: transport.c, bytes of a stranger. To: web.c. A body that is no text in UTF-8 is left out:
 * half of it would be a lie. Values of secrets that come back are taken out before anybody keeps
 * them. The body is not parsed here; the worker does, within the memory of the run. Says what the
 * error is, never what is done about it.
 */
#include "client/web_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define TEXT_MAX (2U * WEB_BODY_MAX) /* of what hiding a secret can make of it */

static bool is_text(struct slice bytes)
{
	for (size_t i = 0; i < bytes.n;) {
		size_t n = bytes.p[i] != '\0' ? utf8_length(bytes.p + i, bytes.n - i) : 0;
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* Without its secrets. GIVES; NULL: it is no text, or memory is short. */
static json_t *text_of(const struct web_secrets *secrets, uint64_t used, struct slice bytes)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	json_t *text = NULL;
	if (is_text(bytes) && (used == 0 || web_secret_hide(secrets, used, bytes, &b) == RC_OK)) {
		struct slice s = used == 0 ? bytes : buf_slice(&b);
		text = json_stringn(s.n != 0 ? s.p : "", s.n);
	}
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_done(&b);
	return text;
}

/* Puts one line into the table; of a name that comes again, behind a comma. */
static void put_line(
	json_t *headers, const struct web_secrets *secrets, uint64_t used, struct slice line)
{
	char name[128], joined[8192];
	const char *colon = memchr(line.p, ':', line.n);
	size_t n = colon != NULL ? (size_t)(colon - line.p) : 0;
	if (n == 0 || n >= sizeof(name))
		return;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		if (c <= ' ' || c >= 0x7F)
			return;
		name[i] = (char)tolower(c);
	}
	name[n] = '\0';
	struct slice value = {colon + 1, line.n - n - 1};
	while (value.n > 0 && (*value.p == ' ' || *value.p == '\t'))
		value.p++, value.n--;
	while (value.n > 0 && strchr("\r\n \t", value.p[value.n - 1]) != NULL)
		value.n--;
	json_t *text = text_of(secrets, used, value);
	const char *was = json_string_value(json_object_get(headers, name));
	if (text != NULL && was != NULL) {
		snprintf(joined, sizeof(joined), "%s, %s", was, json_string_value(text));
		json_decref(text);
		text = json_string(joined);
	}
	if (text != NULL)
		(void)json_object_set_new(headers, name, text);
}

static json_t *headers_of(const struct web_secrets *secrets, uint64_t used, struct slice head)
{
	json_t *headers = json_object();
	while (headers != NULL && head.n > 0) {
		const char *end = memchr(head.p, '\n', head.n);
		size_t n = end != NULL ? (size_t)(end - head.p) + 1 : head.n;
		put_line(headers, secrets, used, (struct slice){head.p, n});
		head.p += n;
		head.n -= n;
	}
	return headers;
}

static json_t *value_of(const struct web_secrets *secrets, const struct web_request *w,
	const struct transport_answer *came)
{
	json_t *body = text_of(secrets, w->used, came->body);
	json_t *value = json_pack("{s:i, s:o}", "status", came->status, "headers",
		headers_of(secrets, w->used, came->head));
	if (body != NULL && value != NULL)
		(void)json_object_set_new(value, "body", body);
	else
		json_decref(body);
	return value;
}

static bool is_ok(const struct web_request *w, int status)
{
	size_t i;
	json_t *each;
	if (status < 400)
		return true;
	json_array_foreach(w->ok, i, each)
	{
		if (json_integer_value(each) == status)
			return true;
	}
	return false;
}

static enum rc code_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return RC_DENIED;
	case 404:
	case 410:
		return RC_NOT_FOUND;
	case 408:
		return RC_TIMEOUT;
	case 409:
	case 412:
		return RC_CONFLICT;
	case 413:
		return RC_TOO_LARGE;
	case 425:
		return RC_UPSTREAM;
	case 429:
		return RC_LIMITED;
	default:
		return status >= 500 ? RC_UPSTREAM : RC_REJECTED;
	}
}

static void read_whole(const struct web_secrets *secrets, const struct web_request *w,
	const struct transport_answer *came, struct client_answer *answer, char *text,
	size_t text_n)
{
	answer->status = came->status;
	answer->value = value_of(secrets, w, came);
	if (answer->value == NULL) {
		answer->code = RC_NOMEM;
		answer->unknown = w->request.effect;
		snprintf(text, text_n, "http: no memory for the answer of %s", w->label);
	} else if (!is_ok(w, came->status)) {
		answer->code = code_of(came->status);
		answer->unknown = w->request.effect && (came->status >= 500 || came->status == 408);
		snprintf(text, text_n, "http: %s answered with status %d", w->label, came->status);
	}
}

void web_answer_read(const struct web_secrets *secrets, const struct web_request *w,
	const struct transport_answer *came, struct client_answer *answer, char *text,
	size_t text_n)
{
	text[0] = '\0';
	answer->code = RC_OK;
	answer->message = text;
	answer->wire_us = came->wire_us;
	switch (came->end) {
	case TRANSPORT_ANSWERED:
		read_whole(secrets, w, came, answer, text, text_n);
		break;
	case TRANSPORT_UNSENT:
		answer->code = came->barred ? RC_DENIED : came->late ? RC_TIMEOUT : RC_UPSTREAM;
		snprintf(text, text_n,
			came->barred ? "http: %s leads to an address of this machine or its "
				       "network, where rules may not call"
				     : "http: %s cannot be reached: %s",
			w->label, came->problem);
		break;
	case TRANSPORT_LOST:
		answer->code = came->late ? RC_TIMEOUT : RC_UPSTREAM;
		answer->unknown = w->request.effect;
		snprintf(text, text_n, "http: %s: %s", w->label, came->problem);
		break;
	case TRANSPORT_EXCESS:
		answer->code = RC_TOO_LARGE;
		answer->unknown = w->request.effect;
		snprintf(text, text_n, "http: the answer of %s is larger than %u MB", w->label,
			WEB_BODY_MAX >> 20);
		break;
	}
	answer->name = rc_name(answer->code);
	answer->retryable = answer->code != RC_OK && rc_fate(answer->code) != RC_FATE_DEAD;
}
