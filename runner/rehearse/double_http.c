/* SPDX-License-Identifier: MIT */
/*
 * http calls of a rule under test: their arguments for people, and answers of a server that is not
 * there.
 * From: double.c, observe.c. To: a stub, http = { ["POST https://api.example.com/x"] = .. }; what
 * it gives is read as any server's answer is (web_answer.h). Where a secret stands, its name does:
 * "Bearer ${KEY}".
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/web_answer.h"
#include "runner/rehearse/double.h"

#define TEXT_MAX (4u << 20)

/* ".." or [".." | {secret: NAME}, ..] -> one text. GIVES. */
static json_t *flat_text(const json_t *value)
{
	size_t i;
	json_t *part;
	struct buf text;
	if (!json_is_array(value))
		return json_deep_copy(value);
	buf_init(&text, TEXT_MAX);
	enum rc rc = buf_put_text(&text, "");
	json_array_foreach((json_t *)(uintptr_t)value, i, part)
	{
		const char *name = json_string_value(json_object_get(part, "secret"));
		if (rc == RC_OK && name != NULL)
			rc = buf_printf(&text, "${%s}", name);
		else if (rc == RC_OK && json_is_string(part))
			rc = buf_put(&text, json_string_value(part), json_string_length(part));
	}
	json_t *out = rc == RC_OK ? json_stringn(text.p != NULL ? text.p : "", text.n) : NULL;
	buf_done(&text);
	return out;
}

static json_t *flat_headers(const json_t *headers)
{
	const char *key;
	json_t *value, *out = json_object();
	json_object_foreach((json_t *)(uintptr_t)headers, key, value)
	{
		if (json_object_set_new(out, key, flat_text(value)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* What was given as json is that again. */
static void put_body(json_t *out, const json_t *args)
{
	json_t *body = flat_text(json_object_get(args, "body"));
	json_t *value = json_is_true(json_object_get(args, "json")) && json_is_string(body)
				? json_loadb(json_string_value(body), json_string_length(body),
					  JSON_DECODE_ANY, NULL)
				: NULL;
	if (value != NULL) {
		(void)json_object_set_new(out, "json", value);
		json_decref(body);
	} else if (body != NULL) {
		(void)json_object_set_new(out, "body", body);
	}
}

json_t *double_http_args(const json_t *args)
{
	static const char *const kept[] = {"method", "query", "ok", "timeout_ms"};
	json_t *out = json_object();
	for (size_t i = 0; i < ARRAY_N(kept); i++) {
		json_t *value = json_object_get(args, kept[i]);
		if (value != NULL)
			(void)json_object_set(out, kept[i], value);
	}
	(void)json_object_set_new(out, "url", flat_text(json_object_get(args, "url")));
	if (json_object_size(json_object_get(args, "headers")) > 0)
		(void)json_object_set_new(
			out, "headers", flat_headers(json_object_get(args, "headers")));
	put_body(out, args);
	return out;
}

/* "POST https://api.example.com/x"; a stub may leave out the query and what is behind a *. */
static bool fits(const char *stub, const char *method, const char *url)
{
	char wanted[16];
	size_t n = strcspn(stub, " ");
	if (stub[n] != ' ' || n >= sizeof(wanted))
		return false;
	snprintf(wanted, sizeof(wanted), "%.*s", (int)n, stub);
	stub += n + 1;
	if (strcasecmp(wanted, method) != 0 && strcmp(wanted, "*") != 0)
		return false;
	n = strlen(stub);
	if (n > 0 && stub[n - 1] == '*')
		return strncmp(stub, url, n - 1) == 0;
	return strcmp(stub, url) == 0 || (strncmp(stub, url, n) == 0 && url[n] == '?');
}

const char *double_http_stub(const json_t *stubs, const json_t *args)
{
	const char *method = json_string_value(json_object_get(args, "method"));
	const char *url = json_string_value(json_object_get(args, "url"));
	size_t i;
	json_t *stub;
	json_array_foreach((json_t *)(uintptr_t)stubs, i, stub)
	{
		const char *key = json_string_value(stub);
		if (method != NULL && url != NULL && strncmp(key, "http ", 5) == 0 &&
			fits(key + 5, method, url))
			return key + 5;
	}
	return NULL;
}

static enum rc put_head(struct buf *head, const json_t *headers, bool json)
{
	const char *key;
	json_t *value;
	enum rc rc = json ? buf_put_text(head, "content-type: application/json\r\n") : RC_OK;
	json_object_foreach((json_t *)(uintptr_t)headers, key, value)
	{
		if (rc == RC_OK && json_is_string(value))
			rc = buf_printf(head, "%s: %s\r\n", key, json_string_value(value));
	}
	return rc;
}

/* scheme://host of where it went, for messages. */
static void put_label(struct web_request *w, const json_t *args)
{
	const char *url = json_string_value(json_object_get(args, "url"));
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	host = host != NULL ? host + 3 : "the address";
	snprintf(w->label, sizeof(w->label), "%.*s", (int)strcspn(host, "/?#"), host);
}

void double_http_answer(const json_t *args, const json_t *value, struct client_answer *answer,
	char *text, size_t text_n)
{
	json_t *status = json_object_get(value, "status"), *json = json_object_get(value, "json");
	const char *body = json_string_value(json_object_get(value, "body"));
	char *dumped = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	struct web_request w = {.ok = json_object_get(args, "ok")};
	struct buf head;
	buf_init(&head, 65536);
	put_label(&w, args);
	w.request.effect = web_request_effect(args);
	enum rc rc = put_head(&head, json_object_get(value, "headers"), json != NULL);
	struct transport_answer came = {
		.end = TRANSPORT_ANSWERED,
		.status = status != NULL ? (int)json_number_value(status) : 200,
		.body = slice_of(dumped != NULL ? dumped
				 : body != NULL ? body
						: ""),
		.head = buf_slice(&head),
	};
	if (rc == RC_OK)
		web_answer_read(NULL, &w, &came, answer, text, text_n);
	else
		answer->code = rc;
	answer->name = rc_name(answer->code);
	answer->retryable = answer->code != RC_OK && rc_fate(answer->code) != RC_FATE_DEAD;
	buf_done(&head);
	free(dumped);
}
