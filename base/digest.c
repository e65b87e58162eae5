/* SPDX-License-Identifier: MIT */
/*
 * Hashes and signatures.
 * From: the receiver (signatures, dedupe keys), the runner (digests of calls). Keeps no secret
 * beyond the prepared key, which is cleansed when it is freed (OpenSSL does that).
 */
#include "base/digest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

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
	char name[] = "SHA256";
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

enum rc digest_hmac(struct digest_key *key, const struct slice *parts, size_t parts_n,
	uint8_t ret_mac[static DIGEST_N])
{
	/* Without a key, init starts over with the prepared one. */
	if (EVP_MAC_init(key->ctx, NULL, 0, NULL) != 1)
		return RC_NOMEM;
	for (size_t i = 0; i < parts_n; i++)
		if (EVP_MAC_update(key->ctx, (const unsigned char *)parts[i].p, parts[i].n) != 1)
			return RC_NOMEM;
	uint8_t mac[DIGEST_N];
	size_t n = 0;
	if (EVP_MAC_final(key->ctx, mac, &n, sizeof(mac)) != 1 || n != DIGEST_N)
		return RC_NOMEM;
	memcpy(ret_mac, mac, DIGEST_N);
	return RC_OK;
}

bool digest_equal(const uint8_t a[static DIGEST_N], const uint8_t b[static DIGEST_N])
{
	return CRYPTO_memcmp(a, b, DIGEST_N) == 0;
}

void digest_format(const uint8_t sum[static DIGEST_N], char ret_hex[static DIGEST_HEX_N])
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < DIGEST_N; i++) {
		ret_hex[2 * i] = digits[sum[i] >> 4];
		ret_hex[2 * i + 1] = digits[sum[i] & 15];
	}
	ret_hex[2 * DIGEST_N] = '\0';
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
