/* SPDX-License-Identifier: MIT */
/*
 * Sends messages to the operator's own address.
 * From: runner/notify.c, which decides when and what. To: transport.c, a fresh one for each
 * message, since its header lines are the message's. The address is the operator's own choice, so
 * private ones are fine. Does not retry.
 */
#include "client/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/digest.h"
#include "client/transport.h"
#include "client/url.h"

#define DEADLINE_MS 15000
#define ANSWER_MAX 65536
#define SECRET_MAX 512

struct notice {
	struct sd_event *loop; /* BORROWED */
	char *base, *path;
	struct digest_key *key; /* NULL: not signed */
	struct transport *transport;
	struct request request;
	bool sending;
	notice_done_fn done;
	void *ctx;
};

/* "https://host:port" and the rest. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	return host != NULL ? host + 3 + strcspn(host + 3, "/?#") : url + strlen(url);
}

static enum rc split(const char *url, char **ret_base, struct err *err)
{
	char *host = strndup(url, (size_t)(path_of(url) - url));
	if (host == NULL)
		return err_set(err, RC_NOMEM, "no memory for an address");
	enum rc rc = url_check(host, URL_TLS, ret_base, err);
	free(host);
	return rc;
}

enum rc notice_check(const char *url, struct err *err)
{
	char *base = NULL;
	enum rc rc = split(url, &base, err);
	if (rc == RC_OK)
		free(base);
	return rc;
}

/* The key as Standard Webhooks write it, or the text itself. */
static enum rc read_secret(const char *secret, struct digest_key **ret_key, struct err *err)
{
	unsigned char bytes[SECRET_MAX];
	struct slice key = slice_of(secret);
	if (key.n >= SECRET_MAX)
		return err_set(
			err, RC_INVALID, "notify.secret is longer than %d bytes", SECRET_MAX);
	if (strncmp(secret, "whsec_", 6) == 0) {
		const char *text = secret + 6;
		size_t padding =
			strlen(text) > 1
				? strlen(strpbrk(text, "=") != NULL ? strpbrk(text, "=") : "")
				: 0;
		int n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)strlen(text));
		if (n <= 0 || padding > 2)
			return err_set(err, RC_INVALID,
				"notify.secret begins with whsec_ and is no base64 behind it");
		key = (struct slice){(const char *)bytes, (size_t)n - padding};
	}
	*ret_key = digest_key_new(key);
	explicit_bzero(bytes, sizeof(bytes));
	return *ret_key != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for a key");
}

enum rc notice_new(const struct notice_conf *conf, struct sd_event *loop,
	struct notice **ret_notice, struct err *err)
{
	struct notice *n = calloc(1, sizeof(*n));
	if (n == NULL)
		return err_set(err, RC_NOMEM, "no memory for the webhook of our own");
	n->loop = loop;
	request_init(&n->request);
	const char *path = path_of(conf->url);
	n->path = strdup(path[0] == '/' ? path : "/");
	enum rc rc = n->path != NULL ? split(conf->url, &n->base, err)
				     : err_set(err, RC_NOMEM, "no memory for an address");
	if (rc == RC_OK && conf->secret != NULL && conf->secret[0] != '\0')
		rc = read_secret(conf->secret, &n->key, err);
	if (rc != RC_OK) {
		notice_free(n);
		return rc;
	}
	*ret_notice = n;
	return RC_OK;
}

void notice_free(struct notice *n)
{
	if (n == NULL)
		return;
	transport_free(n->transport);
	request_done(&n->request);
	digest_key_free(n->key);
	free(n->base);
	free(n->path);
	free(n);
}

/* "webhook-signature: v1,<base64>" over "id.timestamp.body". */
static enum rc sign(const struct notice *n, const char *id, const char *stamp, const char *body,
	char *out, size_t out_n)
{
	uint8_t mac[DIGEST_N];
	unsigned char text[64];
	const struct slice parts[] = {
		slice_of(id), {".", 1}, slice_of(stamp), {".", 1}, slice_of(body)};
	out[0] = '\0';
	if (n->key == NULL)
		return RC_OK;
	enum rc rc = digest_hmac(n->key, parts, ARRAY_N(parts), mac);
	if (rc != RC_OK)
		return rc;
	EVP_EncodeBlock(text, mac, DIGEST_N);
	snprintf(out, out_n, "webhook-signature: v1,%s", (const char *)text);
	return RC_OK;
}

static void on_idle(void *ctx)
{
	(void)ctx;
}

static void on_answer(void *ctx, const struct transport_answer *answer)
{
	struct notice *n = ctx;
	char problem[120] = "";
	bool answered = answer->end == TRANSPORT_ANSWERED;
	bool accepted = answered && answer->status >= 200 && answer->status < 300;
	if (!answered)
		snprintf(problem, sizeof(problem), "%s", answer->problem);
	else if (!accepted)
		snprintf(problem, sizeof(problem), "it answered %d", answer->status);
	n->sending = false;
	n->done(n->ctx, accepted, problem);
}

static enum rc open_transport(struct notice *n, const char *id, const char *body, struct err *err)
{
	char stamp[32], lines[3][160];
	const char *headers[] = {lines[0], lines[1], lines[2], NULL};
	snprintf(stamp, sizeof(stamp), "%" PRId64, clock_wall_ms() / 1000);
	snprintf(lines[0], sizeof(lines[0]), "webhook-id: %s", id);
	snprintf(lines[1], sizeof(lines[1]), "webhook-timestamp: %s", stamp);
	enum rc rc = sign(n, id, stamp, body, lines[2], sizeof(lines[2]));
	if (rc != RC_OK)
		return err_set(err, rc, "a message cannot be signed");
	if (lines[2][0] == '\0')
		headers[2] = NULL;
	struct transport_conf conf = {.url = n->base,
		.headers = headers,
		.deadline_ms = DEADLINE_MS,
		.body_max = ANSWER_MAX};
	transport_free(n->transport);
	n->transport = NULL;
	return transport_new(&conf, n->loop, on_idle, NULL, &n->transport, err);
}

enum rc notice_send(struct notice *n, const char *id, const char *body, notice_done_fn done,
	void *ctx, struct err *err)
{
	if (n->sending)
		return err_set(err, RC_BUSY, "a message is under way");
	request_done(&n->request);
	request_init(&n->request);
	enum rc rc = open_transport(n, id, body, err);
	if (rc != RC_OK)
		return rc;
	if (request_start(&n->request, REQUEST_POST, "%s", n->path) != RC_OK ||
		(n->request.body = strdup(body)) == NULL)
		return err_set(err, RC_NOMEM, "no memory for a message");
	n->request.body_n = strlen(body);
	n->done = done;
	n->ctx = ctx;
	rc = transport_send(n->transport, &n->request, on_answer, n, err);
	n->sending = rc == RC_OK;
	if (rc == RC_OK)
		transport_kick(n->transport);
	return rc;
}
