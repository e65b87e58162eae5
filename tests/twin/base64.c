/* SPDX-License-Identifier: MIT */
/*
 * Base64 over OpenSSL's block functions. From: page.c, answer.c. Fails by NULL.
 */
#include "tests/twin/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

char *base64_encode(const void *bytes, size_t n)
{
	char *text = malloc((n + 2) / 3 * 4 + 1);
	if (text != NULL)
		EVP_EncodeBlock((uint8_t *)text, bytes, (int)n);
	return text;
}

char *base64_decode(const char *text)
{
	size_t n = strlen(text), padded = (n + 3) / 4 * 4;
	char *in = malloc(padded + 1), *out = malloc(padded / 4 * 3 + 1);
	int out_n = -1;
	if (in != NULL && out != NULL && n != 0) {
		memcpy(in, text, n);
		memset(in + n, '=', padded - n); /* a lost "=" is forgiven, as Node forgives it */
		out_n = EVP_DecodeBlock((uint8_t *)out, (const uint8_t *)in, (int)padded);
	}
	free(in);
	if (out_n < 0) {
		free(out);
		return NULL;
	}
	out[out_n] = '\0'; /* zero bytes of the padding end the text earlier */
	return out;
}
