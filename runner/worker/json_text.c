/* SPDX-License-Identifier: MIT */
/*
 * JSON text, value by value.
 * From: run.c (the members of a frame), lua_json.c (values for rules). Fails with false at the
 * first byte that breaks the grammar; never reads behind the end; allocates nothing but in the
 * caller's buffer. Does not know Lua.
 */
#include "runner/worker/json_text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

#define NUMBER_MAX 512 /* characters of one number */

static void skip_blanks(struct json_text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\n' || *t->p == '\t' || *t->p == '\r'))
		t->p++;
}

enum json_text_kind json_text_peek(struct json_text *t)
{
	skip_blanks(t);
	if (t->p == t->end)
		return JSON_TEXT_BAD;
	switch (*t->p) {
	case '{':
		return JSON_TEXT_OBJECT;
	case '[':
		return JSON_TEXT_LIST;
	case '"':
		return JSON_TEXT_STRING;
	case 't':
		return JSON_TEXT_TRUE;
	case 'f':
		return JSON_TEXT_FALSE;
	case 'n':
		return JSON_TEXT_NULL;
	default:
		return *t->p == '-' || (*t->p >= '0' && *t->p <= '9') ? JSON_TEXT_NUMBER
								      : JSON_TEXT_BAD;
	}
}

bool json_text_mark(struct json_text *t, char mark)
{
	skip_blanks(t);
	if (t->p == t->end || *t->p != mark)
		return false;
	t->p++;
	return true;
}

bool json_text_word(struct json_text *t, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
		return false;
	t->p += n;
	return true;
}

bool json_text_end(struct json_text *t)
{
	skip_blanks(t);
	return t->p == t->end;
}

bool json_text_utf8(struct slice bytes)
{
	const char *p = bytes.p;
	size_t n = bytes.n;
	while (n > 0) {
		uint64_t eight;
		if (n >= sizeof(eight)) {
			memcpy(&eight, p, sizeof(eight));
			if ((eight & 0x8080808080808080u) == 0) {
				p += sizeof(eight);
				n -= sizeof(eight);
				continue;
			}
		}
		size_t step = utf8_length(p, n);
		if (step == 0)
			return false;
		p += step;
		n -= step;
	}
	return true;
}

bool json_text_string(struct json_text *t, struct slice *ret_raw, bool *ret_plain)
{
	if (!json_text_mark(t, '"'))
		return false;
	const char *start = t->p;
	bool plain = true, ascii = true;
	while (t->p < t->end && *t->p != '"') {
		unsigned char c = (unsigned char)*t->p;
		if (c < 0x20)
			return false;
		if (c >= 0x80)
			ascii = false;
		if (c == '\\') {
			plain = false;
			t->p++;
			if (t->p == t->end)
				return false;
		}
		t->p++;
	}
	if (t->p == t->end)
		return false;
	struct slice raw = {start, (size_t)(t->p - start)};
	t->p++;
	if (!ascii && !json_text_utf8(raw))
		return false;
	*ret_raw = raw;
	*ret_plain = plain;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind \u; -1 where they are none. */
static int32_t read_unit(const char *p, const char *end)
{
	if (end - p < 4)
		return -1;
	int32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Reads what stands behind \u, a pair of surrogates where need be; NULL where it is broken. */
static const char *read_escape_u(const char *p, const char *end, uint32_t *ret_c)
{
	int32_t unit = read_unit(p, end);
	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return NULL;
	p += 4;
	if (unit < 0xd800 || unit > 0xdbff) {
		*ret_c = (uint32_t)unit;
		return p;
	}
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return NULL;
	int32_t low = read_unit(p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return NULL;
	*ret_c = 0x10000u + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return p + 6;
}

size_t json_text_unescape(struct slice raw, char *out)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *p = raw.p, *end = raw.p + raw.n;
	size_t n = 0;
	while (p < end) {
		if (*p != '\\') {
			out[n++] = *p++;
			continue;
		}
		if (++p == end)
			return SIZE_MAX;
		char letter = *p++;
		if (letter == 'u') {
			uint32_t c;
			p = read_escape_u(p, end, &c);
			if (p == NULL)
				return SIZE_MAX;
			n += utf8_put(c, out + n);
			continue;
		}
		const char *at = letter != '\0' ? strchr(letters, letter) : NULL;
		if (at == NULL)
			return SIZE_MAX;
		out[n++] = means[at - letters];
	}
	return n;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at p by the grammar; NULL where none is there. *ret_int: no fraction, no
 * exponent. */
static const char *number_end(const char *p, const char *end, bool *ret_int)
{
	if (p < end && *p == '-')
		p++;
	const char *digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	*ret_int = true;
	if (p < end && *p == '.') {
		const char *fraction = ++p;
		p = skip_digits(p, end);
		if (p == fraction)
			return NULL;
		*ret_int = false;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		const char *exponent = p;
		p = skip_digits(p, end);
		if (p == exponent)
			return NULL;
		*ret_int = false;
	}
	return p;
}

bool json_text_number(struct json_text *t, struct json_text_number *ret_number)
{
	skip_blanks(t);
	bool is_int = false;
	const char *end = number_end(t->p, t->end, &is_int);
	if (end == NULL || end - t->p >= NUMBER_MAX)
		return false;
	char text[NUMBER_MAX];
	size_t n = (size_t)(end - t->p);
	memcpy(text, t->p, n);
	text[n] = '\0';
	struct json_text_number number = {.is_int = is_int && strcmp(text, "-0") != 0};
	errno = 0;
	if (number.is_int)
		number.i = strtoll(text, NULL, 10);
	if (errno == ERANGE)
		number.is_int = false;
	if (!number.is_int)
		number.f = strtod(text, NULL);
	if (!number.is_int && !isfinite(number.f))
		return false;
	t->p = end;
	*ret_number = number;
	return true;
}

static bool skip_value(struct json_text *t, int depth);

static bool skip_object(struct json_text *t, int depth)
{
	t->p++;
	if (json_text_mark(t, '}'))
		return true;
	do {
		struct slice key;
		bool plain;
		if (!json_text_string(t, &key, &plain) || !json_text_mark(t, ':') ||
			!skip_value(t, depth))
			return false;
	} while (json_text_mark(t, ','));
	return json_text_mark(t, '}');
}

static bool skip_list(struct json_text *t, int depth)
{
	t->p++;
	if (json_text_mark(t, ']'))
		return true;
	do {
		if (!skip_value(t, depth))
			return false;
	} while (json_text_mark(t, ','));
	return json_text_mark(t, ']');
}

static bool skip_value(struct json_text *t, int depth)
{
	if (depth == JSON_TEXT_DEPTH)
		return false;
	struct slice raw;
	bool flag;
	switch (json_text_peek(t)) {
	case JSON_TEXT_OBJECT:
		return skip_object(t, depth + 1);
	case JSON_TEXT_LIST:
		return skip_list(t, depth + 1);
	case JSON_TEXT_STRING:
		return json_text_string(t, &raw, &flag);
	case JSON_TEXT_NUMBER: {
		const char *end = number_end(t->p, t->end, &flag);
		t->p = end != NULL ? end : t->p;
		return end != NULL;
	}
	case JSON_TEXT_TRUE:
		return json_text_word(t, "true");
	case JSON_TEXT_FALSE:
		return json_text_word(t, "false");
	case JSON_TEXT_NULL:
		return json_text_word(t, "null");
	case JSON_TEXT_BAD:
		break;
	}
	return false;
}

/* Steps over one whole value, checking its grammar. */
static bool take_value(struct json_text *t, struct slice *ret_value)
{
	skip_blanks(t);
	const char *start = t->p;
	if (!skip_value(t, 0))
		return false;
	*ret_value = (struct slice){start, (size_t)(t->p - start)};
	return true;
}

bool json_text_whole(struct slice text)
{
	struct json_text t = {text.p, text.p + text.n};
	struct slice value;
	return take_value(&t, &value) && json_text_end(&t);
}

static size_t name_find(struct slice key, const char *const *names, size_t names_n)
{
	size_t i = 0;
	while (i < names_n && !slice_equal(key, slice_of(names[i])))
		i++;
	return i;
}

bool json_text_members(
	struct slice text, const char *const *names, struct slice *ret_values, size_t names_n)
{
	struct json_text t = {text.p, text.p + text.n};
	for (size_t i = 0; i < names_n; i++)
		ret_values[i] = (struct slice){NULL, 0};
	if (!json_text_mark(&t, '{'))
		return false;
	if (json_text_mark(&t, '}'))
		return json_text_end(&t);
	do {
		struct slice key, value;
		bool plain;
		if (!json_text_string(&t, &key, &plain) || !json_text_mark(&t, ':') ||
			!take_value(&t, &value))
			return false;
		size_t i = name_find(key, names, names_n);
		if (i < names_n && !slice_equal(value, slice_of("null")))
			ret_values[i] = value;
	} while (json_text_mark(&t, ','));
	return json_text_mark(&t, '}') && json_text_end(&t);
}

int64_t json_text_int(struct slice text, int64_t fallback)
{
	struct json_text_number number;
	if (text.n == 0)
		return fallback;
	struct json_text t = {text.p, text.p + text.n};
	return json_text_number(&t, &number) && number.is_int ? number.i : fallback;
}

enum rc json_text_copy(struct slice text, struct buf *out)
{
	struct json_text t = {text.p, text.p + text.n};
	struct slice raw;
	bool plain;
	if (text.n == 0 || !json_text_string(&t, &raw, &plain))
		return RC_PARSE;
	if (plain)
		return buf_put(out, raw.p, raw.n);
	char *to = buf_reserve(out, raw.n);
	if (to == NULL)
		return raw.n > out->max - out->n ? RC_TOO_LARGE : RC_NOMEM;
	size_t n = json_text_unescape(raw, to);
	if (n == SIZE_MAX)
		return RC_PARSE;
	out->n += n;
	out->p[out->n] = '\0';
	return RC_OK;
}

/* Writes the escape of one byte that cannot stand as it is; answers its length. */
static size_t write_escape(unsigned char c, char out[static 7])
{
	static const char short_of[] = "\b\f\n\r\t", letters[] = "bfnrt";
	out[0] = '\\';
	const char *at = c != '\0' ? strchr(short_of, c) : NULL;
	if (at != NULL || c == '"' || c == '\\') {
		out[1] = at != NULL ? letters[at - short_of] : (char)c;
		return 2;
	}
	snprintf(out, 7, "\\u%04x", c);
	return 6;
}

enum rc json_text_put(struct buf *out, struct slice bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	size_t n = bytes.n, start = 0, i = 0;
	enum rc rc = buf_put(out, "\"", 1);
	while (rc == RC_OK && i < n) {
		size_t step = p[i] >= 0x80 ? utf8_length(bytes.p + i, n - i) : 1;
		bool escape = p[i] < 0x20 || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f;
		if (step != 0 && !escape) {
			i += step;
			continue;
		}
		rc = buf_put(out, bytes.p + start, i - start);
		char text[8] = "\xef\xbf\xbd";
		size_t text_n = step == 0 ? 3 : write_escape(p[i], text);
		if (rc == RC_OK)
			rc = buf_put(out, text, text_n);
		start = ++i;
	}
	if (rc == RC_OK)
		rc = buf_put(out, bytes.p != NULL ? bytes.p + start : NULL, i - start);
	return rc == RC_OK ? buf_put(out, "\"", 1) : rc;
}

bool json_text_format(double f, char *ret_text, size_t text_size)
{
	if (!isfinite(f))
		return false;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(ret_text, text_size, "%.*g", digits, f);
		if (strtod(ret_text, NULL) == f)
			break;
	}
	size_t n = strlen(ret_text);
	if (strpbrk(ret_text, ".e") == NULL && n + 3 <= text_size)
		memcpy(ret_text + n, ".0", 3);
	return true;
}
