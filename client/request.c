/* SPDX-License-Identifier: MIT */
/*
 * Building one HTTP request.
 * From: the dialects, which know what to say. To: transport.c, which says it. Everything that goes
 * into a query is escaped here; paths are built from checked names and ids only. Fails by code when
 * memory is short or the request grows past what a server would read.
 */
#include "client/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_init(struct request *request)
{
	*request = (struct request){.method = REQUEST_GET};
	buf_init(&request->target, REQUEST_TARGET_MAX);
}

void request_done(struct request *request)
{
	buf_done(&request->target);
	free(request->body);
	request->body = NULL;
	request->body_n = 0;
}

enum rc request_start(struct request *request, enum request_method method, const char *fmt, ...)
{
	request_done(request);
	buf_init(&request->target, REQUEST_TARGET_MAX);
	request->method = method;
	request->effect = method != REQUEST_GET;
	request->once = false;
	va_list ap;
	va_start(ap, fmt);
	char text[256];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		return RC_TOO_LARGE;
	return buf_put(&request->target, text, (size_t)n);
}

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

size_t request_escaped_n(const char *text, size_t n)
{
	size_t out = n;
	for (size_t i = 0; i < n; i++)
		out += is_plain((unsigned char)text[i]) ? 0 : 2;
	return out;
}

static enum rc put_escaped(struct buf *b, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = request_escaped_n(text, strlen(text));
	char *at = buf_reserve(b, n);
	if (at == NULL)
		return n + b->n > b->max ? RC_TOO_LARGE : RC_NOMEM;
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (is_plain(c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	b->n += n;
	b->p[b->n] = '\0';
	return RC_OK;
}

enum rc request_param(struct request *request, const char *name, const char *value)
{
	struct buf *b = &request->target;
	const char *sep = b->p != NULL && memchr(b->p, '?', b->n) != NULL ? "&" : "?";
	enum rc rc = buf_put_text(b, sep);
	if (rc == RC_OK)
		rc = put_escaped(b, name);
	if (rc == RC_OK)
		rc = buf_put_text(b, "=");
	if (rc == RC_OK)
		rc = put_escaped(b, value);
	return rc;
}

enum rc request_param_n(struct request *request, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	return request_param(request, name, text);
}

enum rc request_json(struct request *request, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return RC_NOMEM;
	size_t n = strlen(text);
	if (n > REQUEST_BODY_MAX) {
		free(text);
		return RC_TOO_LARGE;
	}
	free(request->body);
	request->body = text;
	request->body_n = n;
	return RC_OK;
}

const char *request_method_name(enum request_method method)
{
	static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	return names[method];
}
