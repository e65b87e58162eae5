/* SPDX-License-Identifier: MIT */
/*
 * A form -> a tree.
 * From: event.c, with what a source sent that says it is one. To: scan.c where a whole JSON
 * document is in there. Bounded by the number of fields; fails with the sentence of the quarantine.
 */
#include "runner/form.h"

#include <stdlib.h>
#include <strings.h>

#include "base/utf8.h"
#include "runner/scan.h"

bool form_is(struct slice headers)
{
	static const char name[] = "content-type: application/x-www-form-urlencoded";
	size_t n = sizeof(name) - 1;
	for (size_t i = 0; i + n <= headers.n; i++) {
		bool begins = i == 0 || headers.p[i - 1] == '\n';
		bool ends = i + n == headers.n || strchr(";, \t\r\n", headers.p[i + n]) != NULL;
		if (begins && ends && strncasecmp(headers.p + i, name, n) == 0)
			return true;
	}
	return false;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Into out, which has room for as many bytes. False: a broken escape, a NUL, or no UTF-8. */
static bool decode(struct slice text, char *out, size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '%') {
			int high = i + 2 < text.n ? digit_of(text.p[i + 1]) : -1;
			int low = i + 2 < text.n ? digit_of(text.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c == '\0')
			return false;
		out[n++] = c;
	}
	*ret_n = n;
	for (size_t i = 0, length = 0; i < n; i += length)
		if ((length = utf8_length(out + i, n - i)) == 0)
			return false;
	return true;
}

/* TAKES value. False: no memory. */
static bool put(json_t *form, const char *name, json_t *value)
{
	json_t *old = json_object_get(form, name);
	if (old == NULL)
		return json_object_set_new(form, name, value) == 0;
	if (json_is_array(old))
		return json_array_append_new(old, value) == 0;
	json_t *list = json_pack("[O, o]", old, value);
	return list != NULL && json_object_set_new(form, name, list) == 0;
}

/* scratch has room for the field and two NULs. */
static enum rc take_field(json_t *form, struct slice field, char *scratch)
{
	const char *equals = memchr(field.p, '=', field.n);
	size_t name_n = equals != NULL ? (size_t)(equals - field.p) : field.n;
	size_t skip = equals != NULL ? name_n + 1 : field.n, n = 0, value_n = 0;
	if (!decode((struct slice){field.p, name_n}, scratch, &n))
		return RC_PARSE;
	scratch[n] = '\0';
	char *value = scratch + n + 1;
	if (!decode((struct slice){field.p + skip, field.n - skip}, value, &value_n))
		return RC_PARSE;
	return put(form, scratch, json_stringn(value, value_n)) ? RC_OK : RC_NOMEM;
}

static enum rc take_fields(json_t *form, struct slice body, char *scratch)
{
	size_t fields_n = 0;
	enum rc rc = RC_OK;
	while (body.n != 0 && rc == RC_OK) {
		const char *end = memchr(body.p, '&', body.n);
		size_t n = end != NULL ? (size_t)(end - body.p) : body.n;
		if (n != 0 && ++fields_n > FORM_FIELDS_MAX)
			return RC_TOO_LARGE;
		if (n != 0)
			rc = take_field(form, (struct slice){body.p, n}, scratch);
		n += end != NULL;
		body = (struct slice){body.p + n, body.n - n};
	}
	return rc;
}

static const char *why(enum rc rc)
{
	switch ((int)rc) {
	case RC_PARSE:
		return "the body says it is a form, and is none";
	case RC_TOO_LARGE:
		return "the form has too many fields";
	default:
		return "no memory for a form";
	}
}

enum rc form_parse(struct slice body, json_t **ret_value, struct err *err)
{
	json_t *form = json_object(), *inner = NULL;
	char *scratch = malloc(body.n + 2);
	enum rc rc = form != NULL && scratch != NULL ? take_fields(form, body, scratch) : RC_NOMEM;
	free(scratch);
	if (rc == RC_OK && json_object_size(form) == 0)
		rc = RC_PARSE;
	const char *payload = json_string_value(json_object_get(form, "payload"));
	if (rc == RC_OK && payload != NULL && json_object_size(form) == 1) {
		struct err ignored;
		rc = scan_parse(slice_of(payload), &inner, &ignored);
		rc = rc == RC_NOMEM ? rc : RC_OK; /* some other payload, then: a text */
	}
	if (rc != RC_OK) {
		json_decref(form);
		return err_set(err, rc, "%s", why(rc));
	}
	*ret_value = inner != NULL ? inner : json_incref(form);
	json_decref(form);
	return RC_OK;
}
