/* SPDX-License-Identifier: MIT */
/* SHA-256, HMAC-SHA256 and hex, on OpenSSL. */
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
/* An HMAC key prepared once and used many times. One thread. */
struct digest_key;
/* GIVES (free with digest_key_free); NULL when memory is short. The secret is copied. */
struct digest_key *digest_key_new(struct slice secret);
void digest_key_free(struct digest_key *key);
enum rc digest_hmac(struct digest_key *key, const struct slice *parts, size_t parts_n,
	uint8_t ret_mac[static DIGEST_N]) must_check;
/* Constant time. */
bool digest_equal(const uint8_t a[static DIGEST_N], const uint8_t b[static DIGEST_N]);
void digest_format(const uint8_t sum[static DIGEST_N], char ret_hex[static DIGEST_HEX_N]);
/* Exactly 64 lower-case hex digits; false otherwise. */
bool digest_parse(struct slice hex, uint8_t ret_sum[static DIGEST_N]);

#endif
