/* SPDX-License-Identifier: MIT */
/* SHA-256, HMAC and hex, on OpenSSL. */
#ifndef MOONHOOK_BASE_DIGEST_H
#define MOONHOOK_BASE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/slice.h"

#define DIGEST_N 32
#define DIGEST_HEX_N 65 /* lower-case hex and its NUL */

/* RC_NOMEM when OpenSSL fails. Any thread. */
enum rc digest_sha256(
	const struct slice *parts, size_t parts_n, uint8_t ret_sum[static DIGEST_N]) must_check;
/* What an HMAC is made with, and how it is written where it travels. */
enum digest_kind { DIGEST_SHA256, DIGEST_SHA1, DIGEST_SHA512 };
enum digest_form { DIGEST_HEX, DIGEST_BASE64 };
#define DIGEST_MAX 64     /* bytes of the longest */
#define DIGEST_TEXT_N 129 /* of the longest text and its NUL */

/* An HMAC key prepared once and used many times. One thread. */
struct digest_key;
/* GIVES (free with digest_key_free); NULL when memory is short. The secret is copied. */
struct digest_key *digest_key_new(struct slice secret);
/* The same for another digest; digest_hmac wants DIGEST_SHA256. */
struct digest_key *digest_key_of(enum digest_kind kind, struct slice secret);
void digest_key_free(struct digest_key *key);
enum rc digest_hmac(struct digest_key *key, const struct slice *parts, size_t parts_n,
	uint8_t ret_mac[static DIGEST_N]) must_check;
/* The HMAC of any kind as lower-case hex, or as base64 with its padding. */
enum rc digest_hmac_text(struct digest_key *key, const struct slice *parts, size_t parts_n,
	enum digest_form form, char ret_text[static DIGEST_TEXT_N]) must_check;
/* Constant time. */
bool digest_equal(const uint8_t a[static DIGEST_N], const uint8_t b[static DIGEST_N]);
/* Constant time for texts of the same length. */
bool digest_equal_text(struct slice a, struct slice b);
void digest_format(const uint8_t sum[static DIGEST_N], char ret_hex[static DIGEST_HEX_N]);
/* Exactly 64 lower-case hex digits; false otherwise. */
bool digest_parse(struct slice hex, uint8_t ret_sum[static DIGEST_N]);

#endif
