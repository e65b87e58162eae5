/* SPDX-License-Identifier: MIT */
/*
 * The guard in front of the JSON parser.
 * From: event.c (deliveries), call.c, outcome.c, rules.c (what workers send). A tree costs up to
 * seventy times its text, so depth and the number of values are bounded by one pass over the bytes
 * that allocates nothing. Fails with the sentence that the quarantine shows. Does not look at what
 * the values mean.
 */
#include "runner/scan.h"

#include <stdbool.h>
#include <string.h>

/* Answers where the string that starts behind a quote at i ends, or the end of the text. */
static size_t skip_string(struct slice text, size_t i)
{
	while (i < text.n && text.p[i] != '"')
		i += text.p[i] == '\\' ? 2 : 1;
	return i;
}

enum rc scan_outline(struct slice text, struct err *err)
{
	size_t depth = 0, marks = 0, solid = 0;

	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '"':
			i = skip_string(text, i + 1);
			solid++;
			break;
		case '{':
		case '[':
			if (++depth > SCAN_DEPTH_MAX)
				return err_set(err, RC_TOO_LARGE,
					"the JSON is nested deeper than %d", SCAN_DEPTH_MAX);
			marks++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			marks++;
			break;
		case ',':
		case ':':
			marks++;
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			break;
		default:
			solid++;
		}
		if (marks > SCAN_MARKS_MAX)
			return err_set(err, RC_TOO_LARGE, "the JSON has more than %d marks",
				SCAN_MARKS_MAX);
	}
	if (marks + solid == 0)
		return err_set(err, RC_PARSE, "the body is empty");
	return RC_OK;
}

/* The parser's own words quote the text, which must not get into logs. */
static const char *reason(const json_error_t *why)
{
	enum json_error_code code = json_error_code(why);
	if (code == json_error_premature_end_of_input)
		return "it ends too early";
	if (code == json_error_invalid_utf8)
		return "it is not UTF-8";
	if (code == json_error_duplicate_key)
		return "a key appears twice";
	if (code == json_error_null_character || code == json_error_null_byte_in_key)
		return "a text holds NUL";
	if (code == json_error_numeric_overflow)
		return "a number is too large";
	return "a syntax error";
}

enum rc scan_parse(struct slice text, json_t **ret_value, struct err *err)
{
	json_error_t why;
	enum rc rc = scan_outline(text, err);
	if (rc != RC_OK)
		return rc;
	json_t *value = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL) {
		bool scalar = strstr(why.text, "'[' or '{' expected") != NULL;
		if (scalar)
			return err_set(err, RC_PARSE, "the JSON is neither an object nor an array");
		return err_set(err, RC_PARSE, "not JSON: %s (line %d, column %d)", reason(&why),
			why.line, why.column);
	}
	*ret_value = value;
	return RC_OK;
}
