/* SPDX-License-Identifier: MIT */
/*
 * Bytes <-> base64.
 * From: digest.c (signatures), the receiver (secrets of Standard Webhooks). Fails where a text is
 * not the one that its bytes have: blanks, missing padding, bits that mean nothing.
 */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_format(const uint8_t *bytes, size_t n, char *ret_text)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;
		group |= i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < n ? (uint32_t)bytes[i + 2] : 0;
		*ret_text++ = digits[group >> 18 & 63];
		*ret_text++ = digits[group >> 12 & 63];
		*ret_text++ = i + 1 < n ? digits[group >> 6 & 63] : '=';
		*ret_text++ = i + 2 < n ? digits[group & 63] : '=';
	}
	*ret_text = '\0';
}

static int value_of(char c)
{
	const char *at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* Four characters; pads of them are padding. */
static enum rc parse_group(const char *p, size_t pads, struct buf *out)
{
	uint32_t group = 0;
	for (size_t i = 0; i < 4; i++) {
		int v = i < 4 - pads ? value_of(p[i]) : 0;
		if (v < 0)
			return RC_PARSE;
		group = group << 6 | (uint32_t)v;
	}
	if ((group & ((1U << 8 * pads) - 1)) != 0)
		return RC_PARSE;
	const uint8_t bytes[] = {
		(uint8_t)(group >> 16), (uint8_t)(group >> 8 & 255), (uint8_t)(group & 255)};
	return buf_put(out, bytes, 3 - pads);
}

enum rc base64_parse(struct slice text, struct buf *out)
{
	enum rc rc = text.n % 4 == 0 ? RC_OK : RC_PARSE;
	for (size_t i = 0; rc == RC_OK && i < text.n; i += 4) {
		const char *p = text.p + i;
		bool last = i + 4 == text.n;
		size_t pads = !last || p[3] != '=' ? 0 : p[2] != '=' ? 1 : 2;
		rc = parse_group(p, pads, out);
	}
	return rc;
}
