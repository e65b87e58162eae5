/* SPDX-License-Identifier: MIT */
/*
 * Hashes and signatures.
 * From: the receiver (signatures, dedupe keys), the runner (digests of calls). Keeps no secret
 * beyond the prepared key, which is cleansed when it is freed (OpenSSL does that).
 */
#include "base/digest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base64.h"

struct digest_key {
	EVP_MAC_CTX *ctx;
};

/* What one thread hashes with; freed when the thread ends. */
struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static pthread_key_t hasher_key;
static pthread_once_t hasher_once = PTHREAD_ONCE_INIT;
static bool hasher_key_made;

static void hasher_free(void *p)
{
	struct hasher *h = p;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

static void hasher_key_make(void)
{
	hasher_key_made = pthread_key_create(&hasher_key, hasher_free) == 0;
}

/* NULL when memory is short. */
static struct hasher *hasher_get(void)
{
	if (pthread_once(&hasher_once, hasher_key_make) != 0 || !hasher_key_made)
		return NULL;
	struct hasher *h = pthread_getspecific(hasher_key);
	if (h != NULL)
		return h;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (h->md == NULL || h->ctx == NULL || pthread_setspecific(hasher_key, h) != 0) {
		hasher_free(h);
		return NULL;
	}
	return h;
}

enum rc digest_sha256(const struct slice *parts, size_t parts_n, uint8_t ret_sum[static DIGEST_N])
{
	struct hasher *h = hasher_get();
	if (h == NULL || EVP_DigestInit_ex2(h->ctx, h->md, NULL) != 1)
		return RC_NOMEM;
	for (size_t i = 0; i < parts_n; i++)
		if (EVP_DigestUpdate(h->ctx, parts[i].p, parts[i].n) != 1)
			return RC_NOMEM;
	uint8_t sum[DIGEST_N];
	if (EVP_DigestFinal_ex(h->ctx, sum, NULL) != 1)
		return RC_NOMEM;
	memcpy(ret_sum, sum, DIGEST_N);
	return RC_OK;
}

struct digest_key *digest_key_new(struct slice secret)
{
	return digest_key_of(DIGEST_SHA256, secret);
}

struct digest_key *digest_key_of(enum digest_kind kind, struct slice secret)
{
	static const char *const names[] = {
		[DIGEST_SHA256] = "SHA256", [DIGEST_SHA1] = "SHA1", [DIGEST_SHA512] = "SHA512"};
	char name[8];
	snprintf(name, sizeof(name), "%s", names[kind]);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	struct digest_key *key = calloc(1, sizeof(*key));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (key == NULL || mac == NULL)
		goto fail;
	key->ctx = EVP_MAC_CTX_new(mac);
	if (key->ctx == NULL ||
		EVP_MAC_init(key->ctx, (const unsigned char *)secret.p, secret.n, params) != 1)
		goto fail;
	EVP_MAC_free(mac);
	return key;
fail:
	EVP_MAC_free(mac);
	digest_key_free(key);
	return NULL;
}

void digest_key_free(struct digest_key *key)
{
	if (key == NULL)
		return;
	EVP_MAC_CTX_free(key->ctx);
	free(key);
}

/* The MAC and how many bytes it has; false when OpenSSL fails. */
static bool run_mac(struct digest_key *key, const struct slice *parts, size_t parts_n,
	uint8_t mac[static DIGEST_MAX], size_t *ret_n)
{
	/* Without a key, init starts over with the prepared one. */
	if (EVP_MAC_init(key->ctx, NULL, 0, NULL) != 1)
		return false;
	for (size_t i = 0; i < parts_n; i++)
		if (EVP_MAC_update(key->ctx, (const unsigned char *)parts[i].p, parts[i].n) != 1)
			return false;
	return EVP_MAC_final(key->ctx, mac, ret_n, DIGEST_MAX) == 1;
}

enum rc digest_hmac(struct digest_key *key, const struct slice *parts, size_t parts_n,
	uint8_t ret_mac[static DIGEST_N])
{
	uint8_t mac[DIGEST_MAX];
	size_t n = 0;
	if (!run_mac(key, parts, parts_n, mac, &n) || n != DIGEST_N)
		return RC_NOMEM;
	memcpy(ret_mac, mac, DIGEST_N);
	return RC_OK;
}

static void format_hex(const uint8_t *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_hex[2 * n] = '\0';
}

enum rc digest_hmac_text(struct digest_key *key, const struct slice *parts, size_t parts_n,
	enum digest_form form, char ret_text[static DIGEST_TEXT_N])
{
	uint8_t mac[DIGEST_MAX];
	size_t n = 0;
	if (!run_mac(key, parts, parts_n, mac, &n))
		return RC_NOMEM;
	if (form == DIGEST_HEX)
		format_hex(mac, n, ret_text);
	else
		base64_format(mac, n, ret_text);
	return RC_OK;
}

bool digest_equal(const uint8_t a[static DIGEST_N], const uint8_t b[static DIGEST_N])
{
	return CRYPTO_memcmp(a, b, DIGEST_N) == 0;
}

bool digest_equal_text(struct slice a, struct slice b)
{
	return a.n == b.n && a.n != 0 && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

void digest_format(const uint8_t sum[static DIGEST_N], char ret_hex[static DIGEST_HEX_N])
{
	format_hex(sum, DIGEST_N, ret_hex);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool digest_parse(struct slice hex, uint8_t ret_sum[static DIGEST_N])
{
	uint8_t sum[DIGEST_N];
	if (hex.n != 2 * (size_t)DIGEST_N)
		return false;
	for (size_t i = 0; i < DIGEST_N; i++) {
		int hi = hex_value(hex.p[2 * i]), lo = hex_value(hex.p[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		sum[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(ret_sum, sum, DIGEST_N);
	return true;
}
