/* SPDX-License-Identifier: MIT */
/*
 * Prepares signed deliveries for wrk, whose Lua is too slow to sign while it measures: N whole HTTP
 * requests of equal length, each with a body of its own, one behind the other.
 * From: tests/bench/acks: sign SECRET SOURCE N BODY_BYTES > file; the length of one goes to stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/uuid.h"

#define BODY_MAX 1000000

/* A person event as Twenty writes it, filled up to size bytes. */
static enum rc put_body(struct buf *out, uint64_t series, size_t i, size_t size)
{
	struct uuid id;
	char name[64];
	snprintf(name, sizeof(name), "%016" PRIx64 "%zu", series, i);
	enum rc rc = uuid_derive(slice_of(name), &id);
	if (rc == RC_OK)
		rc = buf_printf(out,
			"{\"eventName\":\"person.updated\",\"objectMetadata\":{\"nameSingular\":"
			"\"person\"},\"eventDate\":\"2026-11-23T18:20:54.425Z\",\"record\":{\"id\":"
			"\"%s\",\"jobTitle\":\"%016" PRIx64 "-%010zu\",\"intro\":\"",
			id.text, series, i);
	static const char tail[] = "\"},\"updatedFields\":[\"jobTitle\"]}";
	while (rc == RC_OK && out->n + sizeof(tail) - 1 < size)
		rc = buf_put(out, "x", 1);
	return rc == RC_OK ? buf_put_text(out, tail) : rc;
}

static enum rc put_request(
	struct buf *out, const char *source, struct digest_key *key, struct slice body)
{
	char stamp[24], hex[DIGEST_HEX_N];
	uint8_t mac[DIGEST_N];
	snprintf(stamp, sizeof(stamp), "%" PRId64, clock_wall_ms());
	struct slice parts[] = {slice_of(stamp), {":", 1}, body};
	enum rc rc = digest_hmac(key, parts, 3, mac);
	if (rc != RC_OK)
		return rc;
	digest_format(mac, hex);
	rc = buf_printf(out,
		"POST /hooks/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json, "
		"text/plain, */*\r\nContent-Type: application/json\r\n"
		"X-Twenty-Webhook-Timestamp: %s\r\nX-Twenty-Webhook-Signature: %s\r\n"
		"X-Twenty-Webhook-Nonce: a2a03d673093df8c7ae7b9341a126667\r\n"
		"User-Agent: axios/1.17.0\r\nContent-Length: %zu\r\n\r\n",
		source, stamp, hex, body.n);
	return rc == RC_OK ? buf_put(out, body.p, body.n) : rc;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: sign SECRET SOURCE N BODY_BYTES > file\n", stderr);
		return 2;
	}
	size_t n = strtoul(argv[3], NULL, 10), size = strtoul(argv[4], NULL, 10);
	struct digest_key *key = digest_key_new(slice_of(argv[1]));
	struct buf body, request;
	uint64_t series;
	enum rc rc = key != NULL ? RC_OK : RC_NOMEM;

	buf_init(&body, BODY_MAX);
	buf_init(&request, BODY_MAX + 4096);
	if (getrandom(&series, sizeof(series), 0) != (ssize_t)sizeof(series))
		rc = RC_IO;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		buf_clear(&body);
		buf_clear(&request);
		rc = put_body(&body, series, i, size);
		if (rc == RC_OK)
			rc = put_request(&request, argv[2], key, buf_slice(&body));
		if (rc == RC_OK && fwrite(request.p, 1, request.n, stdout) != request.n)
			rc = RC_IO;
	}
	if (fflush(stdout) != 0)
		rc = RC_IO;
	fprintf(stderr, "%zu\n", request.n);
	if (rc != RC_OK)
		fprintf(stderr, "sign: %s\n", rc_text(rc));
	buf_done(&body);
	buf_done(&request);
	digest_key_free(key);
	return rc == RC_OK ? 0 : 1;
}
