/* SPDX-License-Identifier: MIT */
/*
 * Sends signed deliveries over many connections.
 * From: load tests and benchmarks. To: a receiver on loopback. All requests are prepared before the
 * clock starts, so that signing costs the measurement nothing. Ends at its deadline in any case.
 */
#include "tests/harness/sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"

struct request {
	char *p;
	size_t n;
	int64_t sent_us, took_us;
	bool done;
};

struct connection {
	int fd;         /* -1: to be opened */
	size_t request; /* SIZE_MAX: idle */
	size_t sent;    /* bytes of it */
	char in[2048];
	size_t in_n;
	int64_t retry_ms; /* not before */
};

struct sender {
	const struct sender_conf *conf;
	struct sender_result *result;
	struct request *requests;
	struct connection *connections;
	struct pollfd *polls;
	size_t next, answered;
	size_t *again; /* requests to be sent again */
	size_t again_n;
	int64_t start_us, last_us;
};

static enum rc prepare(struct sender *s, struct digest_key *key, size_t i, struct buf *body)
{
	char ts[32], hex[DIGEST_HEX_N];
	uint8_t mac[DIGEST_N];
	buf_clear(body);
	enum rc rc = s->conf->body(s->conf->ctx, i, body);
	if (rc != RC_OK)
		return rc;
	snprintf(ts, sizeof(ts), "%" PRId64, clock_wall_ms());
	struct slice parts[] = {slice_of(ts), slice_of(":"), buf_slice(body)};
	rc = digest_hmac(key, parts, ARRAY_N(parts), mac);
	if (rc != RC_OK)
		return rc;
	digest_format(mac, hex);
	size_t max = body->n + 512;
	char *p = malloc(max);
	if (p == NULL)
		return RC_NOMEM;
	int head = snprintf(p, max,
		"POST /hooks/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: "
		"application/json\r\n"
		"X-Twenty-Webhook-Timestamp: %s\r\nX-Twenty-Webhook-Signature: %s\r\n"
		"X-Twenty-Webhook-Nonce: %032zx\r\nContent-Length: %zu\r\n\r\n",
		s->conf->source, s->conf->port, ts, hex, i, body->n);
	memcpy(p + head, body->p, body->n);
	s->requests[i] = (struct request){.p = p, .n = (size_t)head + body->n};
	return RC_OK;
}

static enum rc prepare_all(struct sender *s, struct err *err)
{
	struct digest_key *key = digest_key_new(slice_of(s->conf->secret));
	struct buf body;
	buf_init(&body, 4u << 20);
	enum rc rc = key != NULL ? RC_OK : RC_NOMEM;
	for (size_t i = 0; i < s->conf->n && rc == RC_OK; i++)
		rc = prepare(s, key, i, &body);
	buf_done(&body);
	digest_key_free(key);
	return rc == RC_OK ? rc : err_set(err, rc, "cannot prepare the deliveries");
}

static void connection_open(struct sender *s, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->conf->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return;
	/* A blocking connect on loopback answers at once, one way or the other. */
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(c->fd);
		c->fd = -1;
		c->retry_ms = clock_mono_ms() + 20;
		return;
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->in_n = 0;
}

static void finish(struct sender *s, size_t i)
{
	s->requests[i].done = true;
	s->answered++;
	s->last_us = clock_mono_us();
}

static void connection_broken(struct sender *s, struct connection *c)
{
	close(c->fd);
	c->fd = -1;
	c->retry_ms = clock_mono_ms() + 20;
	if (c->request == SIZE_MAX)
		return;
	if (s->conf->resend) {
		s->again[s->again_n++] = c->request;
		s->result->resent++;
	} else {
		s->result->unanswered++;
		finish(s, c->request);
	}
	c->request = SIZE_MAX;
}

static bool take_request(struct sender *s, struct connection *c)
{
	if (s->again_n > 0) {
		c->request = s->again[--s->again_n];
	} else if (s->next < s->conf->n) {
		int64_t due =
			s->conf->rate > 0 ? (int64_t)((double)s->next * 1e6 / s->conf->rate) : 0;
		if (clock_mono_us() - s->start_us < due)
			return false;
		c->request = s->next++;
	} else {
		return false;
	}
	c->sent = 0;
	s->requests[c->request].sent_us = clock_mono_us();
	return true;
}

static void connection_write(struct sender *s, struct connection *c)
{
	struct request *r = &s->requests[c->request];
	while (c->sent < r->n) {
		ssize_t n = send(c->fd, r->p + c->sent, r->n - c->sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			connection_broken(s, c);
			return;
		}
		c->sent += (size_t)n;
	}
}

/* The whole answer is in: status, body. */
static void answer(struct sender *s, struct connection *c, int status, struct slice body)
{
	struct request *r = &s->requests[c->request];
	/* 503 is "not now": the sender of a test that resends asks again. */
	if (status == 503 && s->conf->resend) {
		s->again[s->again_n++] = c->request;
		s->result->resent++;
		c->request = SIZE_MAX;
		return;
	}
	r->took_us = clock_mono_us() - r->sent_us;
	if (status >= 0 && status < 600)
		s->result->answers[status / 100]++;
	s->result->stored += status == 202;
	s->result->repeated += status == 200;
	if (s->conf->answered != NULL)
		s->conf->answered(s->conf->ctx, c->request, status, body);
	finish(s, c->request);
	c->request = SIZE_MAX;
}

static void connection_parse(struct sender *s, struct connection *c)
{
	c->in[c->in_n] = '\0';
	const char *end = strstr(c->in, "\r\n\r\n");
	if (end == NULL)
		return;
	size_t head = (size_t)(end - c->in) + 4, length = 0;
	int status = 0;
	if (sscanf(c->in, "HTTP/1.1 %d", &status) != 1) {
		connection_broken(s, c);
		return;
	}
	const char *at = strcasestr(c->in, "\r\ncontent-length:");
	if (at != NULL && at < end)
		length = strtoul(at + 17, NULL, 10);
	if (c->in_n < head + length || c->request == SIZE_MAX)
		return;
	const char *closing = strcasestr(c->in, "\r\nconnection: close");
	bool closes = closing != NULL && closing < end;
	answer(s, c, status, (struct slice){c->in + head, length});
	c->in_n = 0;
	if (closes)
		connection_broken(s, c);
}

static void connection_read(struct sender *s, struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_n, sizeof(c->in) - 1 - c->in_n, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_broken(s, c);
		return;
	}
	c->in_n += (size_t)n;
	connection_parse(s, c);
}

static void turn(struct sender *s)
{
	for (size_t i = 0; i < s->conf->connections; i++) {
		struct connection *c = &s->connections[i];
		bool wanted = c->request != SIZE_MAX || s->again_n > 0 || s->next < s->conf->n;
		if (c->fd < 0 && wanted && clock_mono_ms() >= c->retry_ms)
			connection_open(s, c);
		if (c->fd >= 0 && c->request == SIZE_MAX && take_request(s, c))
			connection_write(s, c);
		bool writing =
			c->fd >= 0 && c->request != SIZE_MAX && c->sent < s->requests[c->request].n;
		s->polls[i] = (struct pollfd){
			.fd = c->fd, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
	}
	poll(s->polls, s->conf->connections, s->conf->rate > 0 ? 1 : 20);
	for (size_t i = 0; i < s->conf->connections; i++) {
		struct connection *c = &s->connections[i];
		if (c->fd >= 0 && (s->polls[i].revents & POLLOUT) != 0 && c->request != SIZE_MAX)
			connection_write(s, c);
		if (c->fd >= 0 && (s->polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			connection_read(s, c);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void summarise(struct sender *s)
{
	int64_t *took = calloc(s->conf->n + 1, sizeof(*took));
	size_t n = 0;
	for (size_t i = 0; took != NULL && i < s->conf->n; i++)
		if (s->requests[i].took_us > 0)
			took[n++] = s->requests[i].took_us;
	if (n > 0) {
		qsort(took, n, sizeof(*took), compare);
		s->result->p50_us = took[n / 2];
		s->result->p99_us = took[n * 99 / 100];
		s->result->max_us = took[n - 1];
	}
	free(took);
	s->result->elapsed_us = s->last_us - s->start_us;
	s->result->unanswered += s->conf->n - s->answered;
}

static void sender_done(struct sender *s)
{
	for (size_t i = 0; s->connections != NULL && i < s->conf->connections; i++)
		if (s->connections[i].fd >= 0)
			close(s->connections[i].fd);
	for (size_t i = 0; s->requests != NULL && i < s->conf->n; i++)
		free(s->requests[i].p);
	free(s->connections);
	free(s->requests);
	free(s->polls);
	free(s->again);
}

enum rc sender_run(
	const struct sender_conf *conf, struct sender_result *ret_result, struct err *err)
{
	struct sender_result result = {0};
	struct sender s = {.conf = conf, .result = &result};
	s.requests = calloc(conf->n, sizeof(*s.requests));
	s.connections = calloc(conf->connections, sizeof(*s.connections));
	s.polls = calloc(conf->connections, sizeof(*s.polls));
	s.again = calloc(conf->connections, sizeof(*s.again));
	enum rc rc = RC_NOMEM;
	if (s.requests == NULL || s.connections == NULL || s.polls == NULL || s.again == NULL)
		goto out;
	for (size_t i = 0; i < conf->connections; i++)
		s.connections[i] = (struct connection){.fd = -1, .request = SIZE_MAX};
	rc = prepare_all(&s, err);
	if (rc != RC_OK)
		goto out;
	int64_t deadline = clock_mono_ms() + conf->deadline_ms;
	s.start_us = s.last_us = clock_mono_us();
	while (s.answered < conf->n && clock_mono_ms() < deadline)
		turn(&s);
	summarise(&s);
	*ret_result = result;
out:
	sender_done(&s);
	return rc;
}

enum rc sender_person(
	struct buf *out, const char *event_name, const char *id, size_t n, const char *email)
{
	char now[CLOCK_TEXT_N];
	clock_format(clock_wall_ms() + (int64_t)n, now);
	bool update = strstr(event_name, "updated") != NULL;
	return buf_printf(out,
		"{\"targetUrl\":\"http://127.0.0.1/hooks/twenty\",\"eventName\":\"%s\","
		"\"objectMetadata\":{\"id\":\"ade8e493-3da5-4736-ac35-20cbfdffd037\","
		"\"nameSingular\":\"person\"},\"workspaceId\":\"20202020-1c25-4d02-bf25-"
		"6aeccf7ea419\","
		"\"webhookId\":\"46818bbf-5efe-465f-bdaa-4ba8aedf5e5d\",\"eventDate\":\"%s\","
		"\"record\":{\"id\":\"%s\",\"createdAt\":\"2026-11-23T18:20:54.408Z\","
		"\"updatedAt\":\"%s\",\"deletedAt\":null,\"name\":{\"firstName\":\"Load\","
		"\"lastName\":\"Test\"},\"emails\":{\"primaryEmail\":\"%s\",\"additionalEmails\":[]"
		"},"
		"\"linkedinLink\":{\"primaryLinkLabel\":\"\",\"primaryLinkUrl\":\"\","
		"\"secondaryLinks\":[]},\"jobTitle\":\"number %zu\",\"phones\":{"
		"\"primaryPhoneNumber\":\"\",\"primaryPhoneCountryCode\":\"\","
		"\"primaryPhoneCallingCode\":\"\",\"additionalPhones\":[]},\"avatarUrl\":\"\","
		"\"avatarFile\":null,\"position\":-1,\"createdBy\":{\"source\":\"MANUAL\","
		"\"workspaceMemberId\":\"20202020-0687-4c41-b707-ed1bfca972a7\",\"name\":\"Tim "
		"Apple\","
		"\"context\":{}},\"updatedBy\":{\"source\":\"MANUAL\","
		"\"workspaceMemberId\":\"20202020-0687-4c41-b707-ed1bfca972a7\",\"name\":\"Tim "
		"Apple\","
		"\"context\":{}},\"searchVector\":\"'load':1 'test':2\",\"companyId\":null,"
		"\"intro\":\"\",\"whatsapp\":{\"primaryPhoneNumber\":\"\","
		"\"primaryPhoneCountryCode\":\"FR\",\"primaryPhoneCallingCode\":\"+33\","
		"\"additionalPhones\":[]},\"workPreference\":[],\"performanceRating\":null}%s}",
		event_name, now, id, now, email, n,
		update ? ",\"updatedFields\":[\"jobTitle\"]" : "");
}
