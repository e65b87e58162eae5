/* SPDX-License-Identifier: MIT */
/*
 * HTTP in: one request after the other, from its first byte to its answer.
 * From: the network, through libmicrohttpd. To: source.c and verify.c for the verdict, commit.c for
 * the store, answer.c for the answer.
 *
 * One exchange per connection holds the request at hand. Its stages: STAGE_NEW (nothing seen),
 * STAGE_COLLECT (the body is collected), STAGE_REFUSE (the verdict stands, the rest of the body is
 * read and forgotten so that the answer reaches the sender), STAGE_COMMIT (suspended; the
 * writer's), STAGE_ANSWER. Everything but STAGE_COMMIT runs in the server's one thread.
 *
 * Fails towards refusal: no 2xx before the bytes are durable. Memory is bounded by the number of
 * connections, the size of one body and the sum of all bodies. It parses no body.
 *
 * The server polls: with epoll in its own thread, libmicrohttpd 0.9.75 stalls at 256 connections.
 * MHD_USE_ITC keeps it from shutting down the listening socket, which the supervisor still needs.
 */
#include "receiver/listen.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/connection.h"
#include "base/log.h"
#include "receiver/answer.h"

#define HOOKS "/hooks/"
#define SPARE_CONNECTIONS 128 /* accepted beyond the limit, until the slowest has been closed */
#define CONNECTION_MEMORY                                                                          \
	16384               /* bytes for the headers of a request; more is answered with 431       \
			     */
#define KEPT_BODY 16384     /* a body's memory up to this size is used again */
#define FIRST_RESERVE 65536 /* believed of a Content-Length before the bytes have come */
#define DRAIN_GRACE_MS 300
#define HEADERS_MAX 8192 /* bytes of the headers that are stored with a body */

enum stage { STAGE_NEW, STAGE_COLLECT, STAGE_REFUSE, STAGE_LINGER, STAGE_COMMIT, STAGE_ANSWER };

struct listen {
	struct listen_conf conf;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct commit *commit;
	size_t bodies;        /* bytes allocated for bodies; server's thread */
	pthread_mutex_t lock; /* guards sources */
	struct source_set *sources;
};

struct exchange { /* one per connection; its request at hand */
	struct connection connection;
	struct commit_item item; /* the writer's while in STAGE_COMMIT */
	struct listen *listen;
	struct MHD_Connection *mhd;
	enum stage stage;
	struct source_set *sources;  /* held */
	const struct source *source; /* in sources */
	struct head head;
	struct verification verification;
	struct buf body, headers;
	uint64_t forgotten;  /* bytes of a refused body */
	int64_t complete_us; /* mono: when the last byte was there */
	enum outcome refusal;
	const char *why;  /* of the refusal; STATIC */
	char reason[160]; /* of a quarantine */
	/* A quarantined copy has a key of its own, or it would make a repeat of the same body that
	 * arrives in time. */
	char key[DIGEST_N + 1];
};

static const char *const no_headers[] = {NULL};

/* --- the body's memory ------------------------------------------------------------------------ */

static void drop_body(struct exchange *x)
{
	x->listen->bodies -= x->body.cap;
	buf_done(&x->body);
}

static enum rc keep_bytes(struct exchange *x, const char *bytes, size_t n)
{
	size_t before = x->body.cap;
	enum rc rc = buf_put(&x->body, bytes, n);
	x->listen->bodies += x->body.cap - before;
	return rc;
}

/* A Content-Length is only a promise: at first no more than FIRST_RESERVE is set aside for it. */
static void expect_body(struct exchange *x, int64_t length)
{
	size_t before = x->body.cap, want = length > FIRST_RESERVE ? FIRST_RESERVE : (size_t)length;
	if (length > 0 && buf_reserve(&x->body, want) == NULL)
		return; /* keep_bytes meets the same shortage and answers for it */
	x->listen->bodies += x->body.cap - before;
}

/* --- answers ---------------------------------------------------------------------------------- */

static enum MHD_Result answer(
	struct exchange *x, enum outcome outcome, const char *text, enum answer_after after)
{
	if (connections_draining(x->listen->connections))
		after = ANSWER_CLOSES;
	x->stage = STAGE_ANSWER;
	connection_move(x->listen->connections, &x->connection, PHASE_ANSWER);
	return answer_queue(x->mhd, outcome, text, after);
}

/* Says and counts the refusal once; the answer follows when the body has been read. */
static void refuse(struct exchange *x, enum outcome outcome, const char *why)
{
	refusal_log(outcome, x->source != NULL ? x->source->name : NULL, why);
	drop_body(x);
	x->stage = STAGE_REFUSE;
	x->refusal = outcome;
	x->why = why;
}

static enum MHD_Result refuse_at_once(struct exchange *x, enum outcome outcome, const char *why)
{
	refuse(x, outcome, why);
	return answer(x, outcome, why, ANSWER_CLOSES);
}

/* Says at once that the body is too large, past libmicrohttpd, which takes no answer in mid-body.
 * What still comes is read for a while: closing a socket with unread bytes would reset it and
 * perhaps take the answer along. */
static void refuse_too_large(struct exchange *x)
{
	char text[512];
	refuse(x, OUTCOME_TOO_LARGE, "the body is larger than limits.body");
	int n = snprintf(text, sizeof(text),
		"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n{\"error\":\"%s\"}\n",
		strlen(x->why) + strlen("{\"error\":\"\"}\n"), x->why);
	x->stage = STAGE_LINGER;
	if (n > 0 && (size_t)n < sizeof(text) &&
		send(x->connection.fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		shutdown(x->connection.fd, SHUT_WR);
}

static enum outcome outcome_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ACCEPTED:
		return OUTCOME_STORED;
	case VERDICT_SKEWED:
	case VERDICT_UNSIGNED:
		return OUTCOME_UNSIGNED;
	case VERDICT_MALFORMED:
		return OUTCOME_MALFORMED;
	case VERDICT_FAILED:
		break;
	}
	return OUTCOME_UNAVAILABLE;
}

/* --- the request, step by step ---------------------------------------------------------------- */

static enum MHD_Result note_header(void *ctx, enum MHD_ValueKind kind, const char *name,
	size_t name_n, const char *value, size_t value_n)
{
	struct exchange *x = ctx;
	(void)kind;
	head_put(&x->head, (struct slice){name, name_n},
		(struct slice){value, value != NULL ? value_n : 0});
	return MHD_YES;
}

static struct source_set *hold_sources(struct listen *l)
{
	pthread_mutex_lock(&l->lock);
	struct source_set *set = source_set_hold(l->sources);
	pthread_mutex_unlock(&l->lock);
	return set;
}

static const struct source *find_source(struct exchange *x, const char *url)
{
	x->sources = hold_sources(x->listen);
	if (strncmp(url, HOOKS, strlen(HOOKS)) != 0)
		return NULL;
	return source_find(x->sources, url + strlen(HOOKS));
}

/* The headers are there: decide what can be decided before the body. */
static enum MHD_Result begin(
	struct exchange *x, const char *url, const char *method, const char *version)
{
	struct listen *l = x->listen;
	int64_t length = 0;
	const char *why;

	connection_move(l->connections, &x->connection, PHASE_BODY);
	x->stage = STAGE_COLLECT;
	x->forgotten = 0;
	x->source = find_source(x, url);
	head_init(&x->head, x->source != NULL ? source_headers(x->source) : no_headers);
	if (x->source != NULL && x->source->scheme->keeps)
		head_keep(&x->head, x->source->shape.header);
	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, note_header, x);

	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return refuse_at_once(
			x, OUTCOME_MALFORMED, "only HTTP/1.1 and HTTP/1.0 are spoken");
	why = head_framing(&x->head, &length);
	if (why != NULL)
		return refuse_at_once(x, OUTCOME_MALFORMED, why);
	if (length > (int64_t)l->conf.body_max)
		refuse_too_large(x);
	else if (x->source == NULL)
		refuse(x, OUTCOME_UNKNOWN, "there is no such source; the path is /hooks/<source>");
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		refuse(x, OUTCOME_METHOD, "only POST delivers here");
	else if (verify_head(&x->head, &why) != VERDICT_ACCEPTED)
		refuse(x, OUTCOME_MALFORMED, why);
	else
		expect_body(x, length);
	return MHD_YES;
}

static enum MHD_Result collect(struct exchange *x, const char *bytes, size_t *n)
{
	struct listen *l = x->listen;
	if (x->stage == STAGE_COLLECT) {
		enum rc rc = keep_bytes(x, bytes, *n);
		if (rc == RC_TOO_LARGE)
			refuse_too_large(x);
		else if (rc != RC_OK || l->bodies > l->conf.bodies_max)
			refuse(x, OUTCOME_UNAVAILABLE, "too many bodies at once, try again");
	}
	if (x->stage != STAGE_COLLECT) {
		x->forgotten += *n;
		if (x->forgotten > l->conf.body_max)
			return MHD_NO;
	}
	*n = 0;
	return MHD_YES;
}

/* Hands the delivery to the writer and suspends the connection until it answers. */
static enum MHD_Result commit(struct exchange *x)
{
	struct verification *v = &x->verification;
	struct queue_delivery *d = &x->item.delivery;

	buf_clear(&x->headers);
	if (head_format(&x->head, &x->headers) != RC_OK)
		return refuse_at_once(x, OUTCOME_MALFORMED, "the signature headers are too long");
	*d = (struct queue_delivery){
		.source = x->source->name,
		.headers = buf_slice(&x->headers),
		.body = buf_slice(&x->body),
		.quarantine = v->verdict == VERDICT_SKEWED ? x->reason : NULL,
		.received_ms = clock_wall_ms(),
	};
	if (v->has_dedupe) {
		memcpy(x->key, v->dedupe, DIGEST_N);
		x->key[DIGEST_N] = 'q';
		d->dedupe = (struct slice){x->key, DIGEST_N + (d->quarantine != NULL)};
	}
	connection_move(x->listen->connections, &x->connection, PHASE_COMMIT);
	x->stage = STAGE_COMMIT;
	MHD_suspend_connection(x->mhd);
	if (commit_put(x->listen->commit, &x->item))
		return MHD_YES;
	x->item.rc = RC_CLOSED;
	MHD_resume_connection(x->mhd);
	return MHD_YES;
}

static enum MHD_Result finish(struct exchange *x)
{
	struct verification *v = &x->verification;

	x->complete_us = clock_mono_us();
	verify_check(x->source, &x->head, buf_slice(&x->body), clock_wall_ms(), v);
	if (v->verdict == VERDICT_SKEWED) {
		snprintf(x->reason, sizeof(x->reason), "signed correctly, but %s", v->why);
		if (v->timed)
			refusal_log_skew(x->source->name, v->skew_ms, x->source->window_ms);
		else
			refusal_log_timeless(x->source->name);
		return commit(x);
	}
	if (v->verdict == VERDICT_ACCEPTED)
		return commit(x);
	refuse(x, outcome_of(v->verdict), v->why);
	return answer(x, x->refusal, x->why, ANSWER_KEEPS_OPEN);
}

void listen_answer(struct commit_item *item)
{
	struct exchange *x = (struct exchange *)((char *)item - offsetof(struct exchange, item));
	MHD_resume_connection(x->mhd);
}

/* Says which secret is in use when it is first: during a rotation that is what one waits for. */
static void note_secret(struct exchange *x)
{
	const struct source *source = x->source;
	size_t secret = x->verification.secret;
	struct log_fields fields = {.source = source->name, .event = x->item.delivery.id.text};
	if (secret != 0 && source->fitted[secret - 1]++ == 0)
		log_info(&fields, "the first delivery signed with secret %zu of %zu", secret,
			source->keys_n);
	else if (log_least() <= LOG_DEBUG)
		log_debug(&fields, "delivery acknowledged; secret %zu of %zu signed it", secret,
			source->keys_n);
}

/* The writer is done with it. */
static enum MHD_Result report(struct exchange *x)
{
	const struct queue_delivery *d = &x->item.delivery;
	const struct verification *v = &x->verification;

	if (x->item.rc != RC_OK)
		return refuse_at_once(
			x, OUTCOME_UNAVAILABLE, "the delivery could not be stored, try again");
	if (v->verdict == VERDICT_SKEWED) {
		refusal_count(OUTCOME_UNSIGNED);
		return answer(x, OUTCOME_UNSIGNED, v->why, ANSWER_KEEPS_OPEN);
	}
	enum outcome outcome = d->ret_repeated ? OUTCOME_REPEATED : OUTCOME_STORED;
	refusal_count(outcome);
	metrics_observe(METRIC_ACK, clock_mono_us() - x->complete_us);
	note_secret(x);
	return answer(x, outcome, d->id.text, ANSWER_KEEPS_OPEN);
}

/* --- what libmicrohttpd calls ----------------------------------------------------------------- */

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *bytes, size_t *bytes_n, void **request)
{
	struct exchange *x = *request;
	(void)ctx;
	(void)mhd;
	if (x == NULL)
		return MHD_NO; /* there was no memory for the connection */
	if (*bytes_n != 0)
		return collect(x, bytes, bytes_n);
	switch (x->stage) {
	case STAGE_NEW:
		return begin(x, url, method, version);
	case STAGE_COLLECT:
		return finish(x);
	case STAGE_REFUSE:
		return answer(x, x->refusal, x->why, ANSWER_KEEPS_OPEN);
	case STAGE_LINGER:
		return MHD_NO;
	case STAGE_COMMIT:
		return report(x);
	case STAGE_ANSWER:
		break;
	}
	return MHD_YES;
}

static struct exchange *exchange_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

/* The request line is there. What it answers becomes *request of on_request. */
static void *on_request_line(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
	struct exchange *x = exchange_of(mhd);
	(void)ctx;
	(void)uri;
	if (x == NULL)
		return NULL;
	x->stage = STAGE_NEW;
	connection_move(x->listen->connections, &x->connection, PHASE_HEAD);
	return x;
}

static void on_completed(
	void *ctx, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *request;
	(void)ctx;
	(void)mhd;
	(void)code;
	if (x == NULL)
		return;
	if (x->body.cap > KEPT_BODY)
		drop_body(x);
	buf_clear(&x->body);
	source_set_free(x->sources);
	x->sources = NULL;
	x->source = NULL;
	x->stage = STAGE_NEW;
	connection_move(x->listen->connections, &x->connection, PHASE_IDLE);
}

static void open_exchange(struct listen *l, struct MHD_Connection *mhd, void **socket_context)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *address =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct exchange *x = fd != NULL ? calloc(1, sizeof(*x)) : NULL;
	*socket_context = x;
	if (x == NULL)
		return;
	x->listen = l;
	x->mhd = mhd;
	buf_init(&x->body, l->conf.body_max);
	buf_init(&x->headers, HEADERS_MAX);
	connection_add(l->connections, &x->connection, fd->connect_fd,
		address != NULL ? address->client_addr : NULL);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listen *l = ctx;
	struct exchange *x = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		open_exchange(l, mhd, socket_context);
		return;
	}
	if (x == NULL)
		return;
	connection_remove(l->connections, &x->connection);
	drop_body(x);
	buf_done(&x->headers);
	source_set_free(x->sources);
	free(x);
	*socket_context = NULL;
}

/* --- start and stop --------------------------------------------------------------------------- */

static void tell_cut(enum connection_cut why, size_t n)
{
	static const char *const sentences[] = {
		[CONNECTION_CROWDED] =
			"too many connections; the slowest one was closed to make room",
		[CONNECTION_SLOW_HEADERS] = "the headers took too long",
		[CONNECTION_SLOW_BODY] = "the body took too long",
	};
	for (; n > 0; n--)
		refusal_log(OUTCOME_DEADLINE, NULL, sentences[why]);
}

enum rc listen_new(const struct listen_conf *conf, struct listen **ret_listen, struct err *err)
{
	struct listen *l = calloc(1, sizeof(*l));
	struct connections *connections = connections_new(&(struct connections_conf){
		.max = conf->connections,
		.per_address = conf->per_address,
		.headers_ms = conf->headers_ms,
		.idle_ms = conf->headers_ms,
		.body_ms = conf->body_ms,
		.tell = tell_cut,
	});
	if (l == NULL || connections == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		connections_free(connections);
		free(l);
		source_set_free(conf->sources);
		return err_set(err, RC_NOMEM, "no memory for the listener");
	}
	l->conf = *conf;
	l->connections = connections;
	l->sources = conf->sources;
	*ret_listen = l;
	return RC_OK;
}

enum rc listen_start(struct listen *l, struct commit *commit_to, struct err *err)
{
	l->commit = commit_to;
	l->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
		NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, l->conf.fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)l->conf.connections + SPARE_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, l, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, l, MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_END);
	if (l->daemon == NULL)
		return err_set(err, RC_IO, "the HTTP server cannot be started");
	return RC_OK;
}

void listen_reload(struct listen *l, struct source_set *sources)
{
	pthread_mutex_lock(&l->lock);
	struct source_set *old = l->sources;
	l->sources = sources;
	pthread_mutex_unlock(&l->lock);
	source_set_free(old);
}

void listen_tick(struct listen *l)
{
	connections_tick(l->connections);
}

void listen_drain(struct listen *l, int64_t bound_ms)
{
	if (connections_draining(l->connections))
		return;
	MHD_quiesce_daemon(l->daemon);
	connections_drain(l->connections, DRAIN_GRACE_MS, bound_ms);
}

size_t listen_n(struct listen *l)
{
	return connections_n(l->connections);
}

void listen_stop(struct listen *l)
{
	if (l == NULL)
		return;
	if (l->daemon != NULL)
		MHD_stop_daemon(l->daemon);
	connections_free(l->connections);
	source_set_free(l->sources);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
