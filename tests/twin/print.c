/* SPDX-License-Identifier: MIT */
/*
 * The JSON writer. jansson's own prints 0.1 with 17 digits and keeps a table against loops; here
 * values are trees and bodies have to look like a Node server's.
 * From: every answer and every webhook body. Fails as buf_put does.
 */
#include "tests/twin/print.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int print_number(double value, char text[static 32])
{
	if (isnan(value) || isinf(value))
		return snprintf(text, 32, "null");
	if (fabs(value) < 1e21 && value == floor(value))
		return snprintf(text, 32, "%.0f", value);
	for (int digits = 15; digits < 17; digits++) {
		int n = snprintf(text, 32, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			return n;
	}
	return snprintf(text, 32, "%.17g", value);
}

enum rc print_string(struct buf *out, const char *text, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	enum rc rc = buf_put(out, "\"", 1);
	size_t from = 0;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		unsigned char c = (unsigned char)text[i];
		char esc[7] = {'\\', 0};
		size_t esc_n = 2;
		switch (c) {
		case '"':
		case '\\':
			esc[1] = (char)c;
			break;
		case '\n':
			esc[1] = 'n';
			break;
		case '\r':
			esc[1] = 'r';
			break;
		case '\t':
			esc[1] = 't';
			break;
		case '\b':
			esc[1] = 'b';
			break;
		case '\f':
			esc[1] = 'f';
			break;
		default:
			if (c >= 0x20)
				continue;
			esc[1] = 'u';
			esc[2] = esc[3] = '0';
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			esc_n = 6;
		}
		rc = buf_put(out, text + from, i - from);
		if (rc == RC_OK)
			rc = buf_put(out, esc, esc_n);
		from = i + 1;
	}
	if (rc == RC_OK)
		rc = buf_put(out, text + from, n - from);
	return rc == RC_OK ? buf_put(out, "\"", 1) : rc;
}

static enum rc print_object(struct buf *out, const json_t *value)
{
	enum rc rc = buf_put(out, "{", 1);
	bool first = true;
	/* jansson iterates without changing the object, but does not say so in its types */
	json_t *object = (json_t *)(uintptr_t)value;
	for (void *it = json_object_iter(object); it != NULL && rc == RC_OK;
		it = json_object_iter_next(object, it)) {
		const char *key = json_object_iter_key(it);
		if (!first)
			rc = buf_put(out, ",", 1);
		first = false;
		if (rc == RC_OK)
			rc = print_string(out, key, strlen(key));
		if (rc == RC_OK)
			rc = buf_put(out, ":", 1);
		if (rc == RC_OK)
			rc = print_json(out, json_object_iter_value(it));
	}
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

static enum rc print_array(struct buf *out, const json_t *value)
{
	enum rc rc = buf_put(out, "[", 1);
	for (size_t i = 0; i < json_array_size(value) && rc == RC_OK; i++) {
		if (i != 0)
			rc = buf_put(out, ",", 1);
		if (rc == RC_OK)
			rc = print_json(out, json_array_get(value, i));
	}
	return rc == RC_OK ? buf_put(out, "]", 1) : rc;
}

enum rc print_json(struct buf *out, const json_t *value)
{
	char text[32];
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return print_object(out, value);
	case JSON_ARRAY:
		return print_array(out, value);
	case JSON_STRING:
		return print_string(out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	case JSON_REAL:
		return buf_put(out, text, (size_t)print_number(json_real_value(value), text));
	case JSON_TRUE:
		return buf_put_text(out, "true");
	case JSON_FALSE:
		return buf_put_text(out, "false");
	case JSON_NULL:
		return buf_put_text(out, "null");
	}
	return RC_INVALID;
}
